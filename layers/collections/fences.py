"""Published collections of geofences and of violation events at them."""

from __future__ import annotations

from sqlalchemy import func

from layers.collections.collection import Collection, Property
from layers.collections.movement import VEHICLE_ID, run_id_property
from layers.tables import Vehicle
from layers.tables.fences import BREACH_BEGINS, BREACH_ENDS, MEDIA, RULES, Fence, FenceEvent


def fences() -> Collection:
    """Return the public collection of fences, without the vehicles that they apply to."""
    f = Fence
    return Collection(
        id="fences",
        en="Fences",
        zh="电子围栏",
        about_en="Where vehicles and vessels must not enter, not leave, or not stay too long, and when.",
        about_zh="禁入、禁出、限停的区域及其生效时段，含禁渔区。",
        source=f.__table__,
        key=f.id,
        geom=f.geom,
        geom_3857=f.geom_3857,
        geometry_type="polygon",
        tile_order=func.ST_Area(f.geom_3857).desc(),
        properties=(
            Property(
                "fence_id", f.fence_id, "text", "Fence", "围栏编号", tile=True, filterable=True, sortable=True
            ),
            Property("name", f.name, "text", "Name", "名称", tile=True, filterable=True, sortable=True),
            Property("rule", f.rule, "text", "Rule", "规则", tile=True, filterable=True, values=RULES),
            Property(
                "medium",
                f.medium,
                "text",
                "Land or water",
                "陆域或水域",
                tile=True,
                filterable=True,
                values=MEDIA,
            ),
            Property("limit_s", f.limit_s, "number", "Dwell limit (s)", "停留上限（秒）", unit="s"),
            Property("times", f.times, "json", "Time table", "生效时段", json_content="object"),
            Property(
                "vehicle_kinds",
                func.to_json(f.vehicle_kinds),
                "json",
                "Kinds of vehicles",
                "适用车船类别",
                json_content="texts",
            ),
            Property("legal_basis", f.legal_basis, "text", "Legal basis", "依据"),
        ),
    )


def fence_events() -> Collection:
    """Return the collection of violations of fences."""
    e, f, v = FenceEvent, Fence, Vehicle
    return Collection(
        id="fence_events",
        en="Events at fences",
        zh="围栏事件",
        about_en="Which vehicle broke the rule of which fence, from when to when.",
        about_zh="车船违反围栏规则的起止时间与地点。",
        source=e.__table__.join(f.__table__, f.id == e.fence_id).join(v.__table__, v.id == e.vehicle_id),
        key=e.id,
        geom=e.geom,
        geom_3857=e.geom_3857,
        geometry_type="point",
        login=True,
        time=(e.started_at, e.ended_at),
        tile_order=e.duration_s.desc(),
        properties=(
            Property("event_id", e.event_id, "text", "Event", "事件编号", filterable=True, sortable=True),
            Property("fence_id", f.fence_id, "text", "Fence", "围栏编号", tile=True, filterable=True),
            Property("fence_name", f.name, "text", "Name of the fence", "围栏名称", tile=True),
            Property("rule", f.rule, "text", "Rule", "规则", tile=True, filterable=True, values=RULES),
            VEHICLE_ID,
            Property("started_at", e.started_at, "time", "Started at", "开始时间", tile=True, sortable=True),
            Property("started_after", e.started_after, "time", "Not before", "最早开始时间"),
            Property(
                "begun_by", e.begun_by, "text", "Begun by", "开始方式", filterable=True, values=BREACH_BEGINS
            ),
            Property("ended_at", e.ended_at, "time", "Ended at", "结束时间", tile=True),
            Property("left_by", e.left_by, "time", "Over by", "最迟结束时间"),
            Property(
                "ended_by", e.ended_by, "text", "Ended by", "结束方式", filterable=True, values=BREACH_ENDS
            ),
            Property("open", e.open, "boolean", "Still open", "未结束", tile=True, filterable=True),
            Property("confirmed_at", e.confirmed_at, "time", "Confirmed at", "确认时间"),
            Property(
                "duration_s", e.duration_s, "number", "Duration (s)", "时长（秒）", sortable=True, unit="s"
            ),
            Property("over_s", e.over_s, "number", "Above the limit (s)", "超限时长（秒）", unit="s"),
            Property("n_fixes", e.n_fixes, "integer", "Fixes", "定位点数"),
            run_id_property(e.run_id),
        ),
    )
