"""Catalog of the published collections: their sources, properties, filters and sort orders.

Row-level security decides which rows a caller gets (``layers/schema/access.sql``); ``login`` says
which collections need a caller at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    FromClause,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import aliased

from layers.alert_levels import ALERT_LEVELS
from layers.collections.collection import Collection, Expression, Property
from layers.collections.fences import fence_events, fences
from layers.collections.ground import buildings, roads, waterways
from layers.collections.movement import encounters, run_id_property, silences, stays, tracks, visits
from layers.errors import NotFound
from layers.imports import HAZARDS, PLACE_KINDS, SITE_KINDS, STATUSES
from layers.tables import (
    ALERT_STATUSES,
    AREA_KINDS,
    CASE_STATES,
    DOMAINS,
    HOT_SPOT_PATTERNS,
    OUTCOMES,
    URGENCIES,
    Alert,
    AlertKind,
    AlertRank,
    Area,
    Case,
    EmergingHotSpot,
    Enterprise,
    HotSpot,
    Place,
    Site,
)
from layers.tables.fences import Fence

LEVELS_OF_AREAS = 5
"""Unit grid, community, town, county, city: an alert lies in one of them and in those above."""
GRID_KINDS = ("unit_grid", "responsibility_grid", "evaluation_grid")

__all__ = ["COLLECTIONS", "Collection", "Expression", "Property", "collection"]


def _areas() -> Collection:
    a = Area
    return Collection(
        id="areas",
        en="Areas and unit grids",
        zh="区域与单元网格",
        about_en="City, counties, towns, communities, unit grids, functional zones and waters, with their"
        " history.",
        about_zh="市、县（市、区）、镇（街道）、社区（村）、单元网格、功能区与水域，含历史版本。",
        source=a.__table__,
        key=a.id,
        geom=a.geom,
        geom_3857=a.geom_3857,
        geometry_type="polygon",
        digits=15,
        history=(a.valid_from, a.valid_to),
        labels=a.label_point,
        tile_zooms=a.tile_zooms,
        tile_order=a.area_m2.desc(),
        properties=(
            Property("code", a.code, "text", "Code", "编码", tile=True, filterable=True, sortable=True),
            Property("name", a.name, "text", "Name", "名称", tile=True, filterable=True, sortable=True),
            Property("kind", a.kind, "text", "Kind", "类型", tile=True, filterable=True, values=AREA_KINDS),
            Property("parent_id", a.parent_id, "integer", "Parent", "上级", tile=True, filterable=True),
            Property("valid_from", a.valid_from, "time", "Valid from", "启用时间"),
            Property("valid_to", a.valid_to, "time", "Valid to", "失效时间"),
            Property(
                "area_m2", a.area_m2, "number", "Area in m²", "面积（平方米）", sortable=True, unit="m2"
            ),
            Property(
                "indicative", a.indicative, "boolean", "Indicative only", "示意", tile=True, filterable=True
            ),
            Property("void_reason", a.void_reason, "text", "Reason of the end", "失效原因"),
        ),
    )


def _grids() -> Collection:
    """Return the grids among the areas, as a collection for clients that read a collection as a layer."""
    return replace(
        _areas(),
        id="grids",
        en="Grids",
        zh="网格",
        about_en="Unit grids, and the responsibility and evaluation grids over them, with their history.",
        about_zh="单元网格及责任网格、评价网格，含历史版本。",
        current=Area.kind.in_(GRID_KINDS),
        overrides=(),
    )


def _sites() -> Collection:
    s, e = Site, Enterprise
    return Collection(
        id="sites",
        en="Sites of enterprises",
        zh="企业场所",
        about_en="Registered, production, sales and storage sites of enterprises.",
        about_zh="企业的注册、生产、销售、仓储场所。",
        source=s.__table__.outerjoin(e.__table__, e.id == s.enterprise_id),
        key=s.id,
        geom=s.geom,
        geom_3857=s.geom_3857,
        geometry_type="point",
        editable=True,
        current=s.geom.is_not(None),
        tile_order=case((s.hazard == "none", 1), else_=0),
        properties=_site_properties(),
    )


def _site_properties() -> tuple[Property, ...]:
    s, e = Site, Enterprise
    boundary = cast(func.ST_AsGeoJSON(s.boundary, 7), JSON)
    return (
        Property("site_id", s.site_id, "text", "Site", "场所编号", tile=True, filterable=True, sortable=True),
        Property("kind", s.kind, "text", "Kind", "类型", tile=True, filterable=True, values=SITE_KINDS),
        Property(
            "enterprise_name",
            s.enterprise_name,
            "text",
            "Enterprise",
            "企业",
            tile=True,
            filterable=True,
            sortable=True,
            null=False,
        ),
        Property("uscc", e.uscc, "text", "Unified social credit code", "统一社会信用代码", filterable=True),
        Property("industry", e.industry, "text", "Industry", "行业", filterable=True),
        Property(
            "hazard",
            s.hazard,
            "text",
            "Hazard",
            "危险类别",
            tile=True,
            filterable=True,
            values=HAZARDS,
            null=False,
        ),
        Property(
            "status",
            s.status,
            "text",
            "Status",
            "状态",
            tile=True,
            filterable=True,
            values=STATUSES,
            null=False,
        ),
        Property("status_since", e.status_since, "date", "Status since", "状态起始日期"),
        Property("area_id", s.area_id, "integer", "Scope area", "所属区域", filterable=True),
        Property("boundary", boundary, "json", "Boundary", "厂界", shape=s.boundary),
    )


def _of_newest_case(column: Any) -> Expression:
    """Return a column of the newest case of an alert and of those joined to it."""
    same = aliased(Alert)
    of_site = select(same.id).where(or_(same.id == Alert.id, same.joined_to == Alert.id))
    return (
        select(column)
        .where(Case.alert_id.in_(of_site.correlate(Alert)))
        .order_by(Case.opened_at.desc(), Case.id.desc())
        .limit(1)
        .correlate(Alert)
        .scalar_subquery()
    )


def _area_of_alert(kind: str) -> Expression:
    """Return the name of the area of a kind in which an alert lies; null: none of that kind holds it."""
    levels = [aliased(Area) for _ in range(LEVELS_OF_AREAS)]
    found = select(case(*((level.kind == kind, level.name) for level in levels))).select_from(levels[0])
    for below, level in pairwise(levels):
        found = found.outerjoin(level, level.id == below.parent_id)
    return found.where(levels[0].id == Alert.area_id).correlate(Alert).scalar_subquery()


def _alerts() -> Collection:
    a, s, e, f, r = Alert, Site, Enterprise, Fence, AlertRank
    return Collection(
        id="alerts",
        en="Alerts",
        zh="预警",
        about_en="Clues from the models, with a level and a score. A clue is never proof.",
        about_zh="模型给出的线索，含等级与分值。线索不等于证据。",
        source=a.__table__.outerjoin(s.__table__, s.id == a.site_id)
        .outerjoin(e.__table__, e.id == s.enterprise_id)
        .outerjoin(f.__table__, f.id == a.fence_id)
        .outerjoin(r.__table__, r.alert_id == a.id),
        key=a.id,
        geom=a.geom,
        geom_3857=a.geom_3857,
        geometry_type="point",
        login=True,
        time=(a.raised_at, a.raised_at),
        tile_order=a.score.desc(),
        properties=(
            Property("site_id", s.site_id, "text", "Site", "场所编号", tile=True, filterable=True, null=True),
            Property("fence_id", f.fence_id, "text", "Fence", "围栏编号", tile=True, filterable=True, null=True),
            Property(
                "site_name", func.coalesce(e.name, f.name), "text", "Enterprise or fence", "企业或围栏", tile=True,
                null=False,
            ),
            Property("kind", a.kind, "text", "Kind", "类型", tile=True, filterable=True),
            Property(
                "level", a.level, "text", "Level", "等级", tile=True, filterable=True, values=ALERT_LEVELS
            ),
            Property("score", a.score, "number", "Score", "分值", tile=True, sortable=True),
            Property("raised_at", a.raised_at, "time", "Raised at", "预警时间", sortable=True),
            Property(
                "status",
                a.status,
                "text",
                "Status",
                "状态",
                tile=True,
                filterable=True,
                values=ALERT_STATUSES,
            ),
            Property(
                "outcome",
                a.outcome,
                "text",
                "Outcome of the site check",
                "核查结果",
                filterable=True,
                values=OUTCOMES,
            ),
            Property("case_number", _of_newest_case(Case.number), "text", "Case", "案件编号"),
            Property(
                "lead_body", _of_newest_case(Case.lead_body), "text", "Lead body of the case", "案件牵头单位",
                filterable=True, null=True,
            ),
            Property("town", _area_of_alert("town"), "text", "Town", "镇（街道）", filterable=True, null=True),
            Property("county", _area_of_alert("county"), "text", "County", "县（市、区）", filterable=True, null=True),
            Property(
                "due", func.coalesce(r.is_due, False), "boolean", "To be checked this week", "本周核查",
                filterable=True, null=False,
            ),
            Property("place", r.place, "integer", "Place in the queue of the county", "县内排位", null=True),
            Property(
                "checks_per_week", r.checks_per_week, "integer", "Checks that the county can make in a week",
                "本县每周可核查数", null=True,
            ),
            run_id_property(a.run_id),
        ),
    )  # fmt: skip


def _areas_of_a_case() -> tuple[FromClause, dict[str, Any]]:
    """Join cases with the areas assigned to them, by kind."""
    columns = {
        "unit": Case.grid_area_id,
        "community": Case.community_area_id,
        "town": Case.town_area_id,
        "county": Case.county_area_id,
    }
    areas = {kind: aliased(Area, name=kind) for kind in columns}
    source: FromClause = Case.__table__
    for kind, column in columns.items():
        source = source.outerjoin(areas[kind], areas[kind].id == column)
    return source, areas


def _english_case_title() -> Expression:
    """Return what the case's alert is and whom it is about, in English; the title of a case without one."""
    title = (
        select(AlertKind.name_en + ": " + func.coalesce(Enterprise.name, Fence.name))
        .join(Alert, Alert.kind == AlertKind.kind)
        .outerjoin(Site, Site.id == Alert.site_id)
        .outerjoin(Enterprise, Enterprise.id == Site.enterprise_id)
        .outerjoin(Fence, Fence.id == Alert.fence_id)
        .where(Alert.id == Case.alert_id)
        .correlate(Case.__table__)
        .scalar_subquery()
    )
    return func.coalesce(title, Case.title)


def _cases() -> Collection:
    c = Case
    source, areas = _areas_of_a_case()
    overdue = and_(
        c.closed_at.is_(None),
        c.state != "merged",
        c.paused_since.is_(None),
        func.coalesce(c.due_at < func.now(), False),
    )
    late = or_(c.late_since.is_not(None), overdue, func.coalesce(c.due_at < c.closed_at, False))
    return Collection(
        id="cases",
        en="Cases",
        zh="案件",
        about_en="Cases with the areas and bodies that they were given at their opening.",
        about_zh="案件及其立案时确定的网格、区域与责任主体。",
        source=source,
        key=c.id,
        geom=c.geom,
        geom_3857=c.geom_3857,
        geometry_type="point",
        login=True,
        time=(c.opened_at, c.closed_at),
        scope_columns=(c.area_id, c.party_ids),
        tile_order=c.opened_at.desc(),
        properties=(
            Property(
                "number", c.number, "text", "Number", "案件编号", tile=True, filterable=True, sortable=True
            ),
            Property("title", c.title, "text", "Title", "标题", tile=True),
            Property("title_en", _english_case_title(), "text", "Title in English", "英文标题", null=False),
            Property(
                "state", c.state, "text", "State", "状态", tile=True, filterable=True, values=CASE_STATES
            ),
            Property(
                "domain", c.domain, "text", "Domain", "领域", tile=True, filterable=True, values=DOMAINS
            ),
            Property("item_code", c.item_code, "text", "Matter", "事项编码", filterable=True),
            Property("lead_body", c.lead_body, "text", "Lead body", "牵头单位", filterable=True),
            Property(
                "co_handlers",
                func.to_json(c.co_handlers),
                "json",
                "Co-handlers",
                "协办单位",
                json_content="texts",
                null=False,
            ),
            Property(
                "grid_code", areas["unit"].code, "text", "Unit grid", "单元网格", filterable=True, null=True
            ),
            Property(
                "community",
                areas["community"].name,
                "text",
                "Community",
                "社区（村）",
                filterable=True,
                null=True,
            ),
            Property("town", areas["town"].name, "text", "Town", "镇（街道）", filterable=True, null=True),
            Property(
                "county", areas["county"].name, "text", "County", "县（市、区）", filterable=True, null=True
            ),
            Property("opened_at", c.opened_at, "time", "Opened at", "立案时间", sortable=True),
            Property("due_at", c.due_at, "time", "Due at", "办结时限"),
            Property("closed_at", c.closed_at, "time", "Closed at", "结案时间"),
            Property("stage_due_at", c.stage_due_at, "time", "Stage due at", "环节时限"),
            Property("paused_since", c.paused_since, "time", "Clock stopped since", "计时暂停自"),
            Property("urgency", c.urgency, "text", "Urgency", "紧急程度", filterable=True, values=URGENCIES),
            Property(
                "late", late, "boolean", "Late, after closing too", "曾否超期", filterable=True, null=False
            ),
            Property(
                "overdue", overdue, "boolean", "Overdue", "是否超期", tile=True, filterable=True, null=False
            ),
        ),
    )


def _of_newest_run(table: type[HotSpot] | type[EmergingHotSpot]) -> ColumnElement[bool]:
    """Return the condition of the rows of the newest run of their field."""
    newest = aliased(table)
    return tuple_(table.field, table.run_id).in_(
        select(newest.field, func.max(newest.run_id)).group_by(newest.field)
    )


def _hot_spots() -> Collection:
    h = HotSpot
    return Collection(
        id="hot_spots",
        partly_closed=True,
        en="Hot spots",
        zh="热点",
        about_en="H3 cells with what was counted around them, what was to be expected, and a level of"
        " significance that holds for the whole field. Cells of runs of earlier versions have Gi* and no"
        " level.",
        about_zh="H3 单元周围的实际数、应有数，以及对整个指标成立的显著性等级。早期版本的结果只有 Gi*，没有等级。",
        source=h.__table__,
        key=h.id,
        geom=h.geom,
        geom_3857=h.geom_3857,
        geometry_type="polygon",
        current=_of_newest_run(HotSpot),
        overrides=("run_id",),
        tile_order=func.abs(func.coalesce(h.level, 0)).desc(),
        properties=(
            Property("field", h.field, "text", "Field", "指标", tile=True, filterable=True),
            Property("h3", func.to_hex(h.h3), "text", "H3 cell", "H3 单元", null=False),
            Property("value", h.value, "number", "Counted in the cell itself", "本单元实际数", tile=True),
            Property(
                "exposure", h.exposure, "number", "Out of (in the cell itself)", "本单元基数", tile=True
            ),
            Property(
                "observed",
                h.observed,
                "number",
                "Counted in the cell and its rings",
                "单元及周边实际数",
                tile=True,
            ),
            Property(
                "expected",
                h.expected,
                "number",
                "Expected in the cell and its rings",
                "单元及周边应有数",
                tile=True,
            ),
            Property("ratio", h.ratio, "number", "Observed / expected", "实际与应有之比", tile=True),
            Property("p_adjusted", h.p_adjusted, "number", "p, of the whole field", "p 值（对整个指标）"),
            Property(
                "level",
                h.level,
                "integer",
                "Level of significance in percent; negative: fewer",
                "显著性等级（百分数，负数为偏少）",
                tile=True,
                filterable=True,
            ),
            Property("rings", h.rings, "integer", "Rings of neighbours around the cell", "周边圈数"),
            Property("from_day", h.from_day, "date", "First day counted", "统计首日"),
            Property("until_day", h.until_day, "date", "Last day counted", "统计末日"),
            Property("z", h.z, "number", "Gi* (earlier versions)", "Gi* z 值（早期版本）"),
            Property("p", h.p, "number", "p of Gi* (earlier versions)", "Gi* p 值（早期版本）"),
            Property("q", h.q, "number", "q of Gi* (earlier versions)", "Gi* q 值（早期版本）"),
            Property(
                "gi_bin",
                h.gi_bin,
                "integer",
                "Class of Gi* (earlier versions)",
                "Gi* 等级（早期版本）",
                filterable=True,
            ),
            run_id_property(h.run_id),
        ),
    )


def _emerging_hot_spots() -> Collection:
    e = EmergingHotSpot
    return Collection(
        id="emerging_hot_spots",
        partly_closed=True,
        en="Hot spots over time",
        zh="热点变化",
        about_en="H3 cells with the pattern of their hot and cold steps over time, and since when.",
        about_zh="H3 单元冷热随时间变化的类型，以及起始日期。",
        source=e.__table__,
        key=e.id,
        geom=e.geom,
        geom_3857=e.geom_3857,
        geometry_type="polygon",
        current=_of_newest_run(EmergingHotSpot),
        overrides=("run_id",),
        tile_order=e.newest.desc(),
        properties=(
            Property("field", e.field, "text", "Field", "指标", tile=True, filterable=True),
            Property("h3", func.to_hex(e.h3), "text", "H3 cell", "H3 单元", null=False),
            Property(
                "pattern",
                e.pattern,
                "text",
                "Pattern over time",
                "变化类型",
                tile=True,
                filterable=True,
                values=HOT_SPOT_PATTERNS,
            ),
            Property("since", e.since, "date", "Hot, or cold, since", "起始日期", tile=True),
            Property("until_day", e.until_day, "date", "Last day of the last step", "末步末日"),
            Property("step_days", e.step_days, "integer", "Days of a step", "每步天数"),
            Property("steps", e.steps, "integer", "Steps", "步数"),
            Property("hot_steps", e.hot_steps, "integer", "Hot steps", "热步数"),
            Property("cold_steps", e.cold_steps, "integer", "Cold steps", "冷步数"),
            Property("newest", e.newest, "number", "Counted in the last step", "末步实际数", tile=True),
            Property("before", e.before, "number", "Mean of the steps before", "此前每步平均", tile=True),
            Property("trend_z", e.trend_z, "number", "Mann-Kendall z", "Mann-Kendall z 值"),
            Property("trend_p", e.trend_p, "number", "Mann-Kendall p", "Mann-Kendall p 值"),
            Property(
                "series",
                e.series,
                "json",
                "Counts and marks by step",
                "各步计数与冷热",
                json_content="object",
            ),
            run_id_property(e.run_id),
        ),
    )


def _places() -> Collection:
    p = Place
    return Collection(
        id="places",
        en="Places where vehicles stand for good reasons",
        zh="车辆合理停留地点",
        about_en="Petrol stations, service areas, licensed parking, gate queues.",
        about_zh="加油站、服务区、备案停车场、门前排队区。",
        source=p.__table__,
        key=p.id,
        geom=p.geom,
        geom_3857=func.ST_Transform(p.geom, 3857),
        geometry_type="point",
        editable=True,
        tile_order=p.radius_m.desc(),
        properties=(
            Property(
                "kind",
                p.kind,
                "text",
                "Kind",
                "类型",
                tile=True,
                filterable=True,
                sortable=True,
                values=PLACE_KINDS,
            ),
            Property("radius_m", p.radius_m, "number", "Radius in m", "半径（米）", tile=True, unit="m"),
        ),
    )


COLLECTIONS: Mapping[str, Collection] = {
    c.id: c
    for c in (
        _areas(),
        _grids(),
        _sites(),
        _places(),
        _alerts(),
        _cases(),
        stays(),
        visits(),
        silences(),
        encounters(),
        tracks(),
        _hot_spots(),
        _emerging_hot_spots(),
        fences(),
        fence_events(),
        roads(),
        waterways(),
        buildings(),
    )
}


def collection(collection_id: str) -> Collection:
    """Return the collection of a name.

    Raises
    ------
    NotFound
    """
    found = COLLECTIONS.get(collection_id)
    if found is None:
        raise NotFound(
            f"no collection {collection_id!r}; there are {', '.join(COLLECTIONS)}",
            f"没有图层 {collection_id}；现有：{'、'.join(COLLECTIONS)}",
        )
    return found
