"""Published collections of vehicle movement: stays, visits, silences, encounters and tracks."""

from __future__ import annotations

from layers.collections.collection import Collection, Expression, Property
from layers.imports import PLACE_KINDS, VEHICLE_KINDS
from layers.tables import (
    ENCOUNTER_BEGINS,
    ENCOUNTER_ENDS,
    ENCOUNTER_KINDS,
    SILENCE_REASONS,
    STAY_ENDS,
    Encounter,
    Silence,
    Site,
    Stay,
    Vehicle,
    Visit,
)
from layers.tables.tracks import Track

VEHICLE_ID = Property(
    "vehicle_id", Vehicle.vehicle_id, "text", "Vehicle", "车辆编号", tile=True, filterable=True
)
"""The vehicle of a stay, a visit, a track or an event at a fence."""


def run_id_property(expression: Expression) -> Property:
    """Return the property with the model run that made a feature."""
    return Property("run_id", expression, "integer", "Model run", "模型批次", filterable=True)


def stays() -> Collection:
    """Return the collection of stays of vehicles."""
    s, v = Stay, Vehicle
    return Collection(
        id="stays",
        en="Stays of vehicles",
        zh="车辆停留",
        about_en="Where a vehicle dwelt, and by what the dwell was ended.",
        about_zh="车辆停留点及停留结束方式。",
        source=s.__table__.outerjoin(v.__table__, v.id == s.vehicle_id),
        key=s.id,
        geom=s.geom,
        geom_3857=s.geom_3857,
        geometry_type="point",
        login=True,
        time=(s.started_at, s.ended_at),
        tile_order=(s.ended_at - s.started_at).desc(),
        properties=(
            VEHICLE_ID,
            Property("started_at", s.started_at, "time", "Started at", "开始时间", tile=True, sortable=True),
            Property("ended_at", s.ended_at, "time", "Ended at", "结束时间", tile=True),
            Property("left_by", s.left_by, "time", "Left by", "最迟离开时间"),
            Property(
                "ended_by", s.ended_by, "text", "Ended by", "结束方式", filterable=True, values=STAY_ENDS
            ),
            Property("open", s.open, "boolean", "Still open", "未结束", filterable=True),
            Property("radius_m", s.radius_m, "number", "Radius in m", "半径（米）", unit="m"),
            Property("n_fixes", s.n_fixes, "integer", "Fixes", "定位点数"),
            Property(
                "max_gap_s",
                s.max_gap_s,
                "number",
                "Longest gap allowed in s",
                "允许的最长间隔（秒）",
                unit="s",
            ),
        ),
    )


def visits() -> Collection:
    """Return the collection of stays attributed to sites."""
    w, v, s = Visit, Vehicle, Site
    joined = w.__table__.outerjoin(v.__table__, v.id == w.vehicle_id).outerjoin(
        s.__table__, s.id == w.site_id
    )
    return Collection(
        id="visits",
        en="Visits at sites",
        zh="场所到访",
        about_en="Stays attributed to sites, with the share of the attribution and what was left out.",
        about_zh="归属到场所的停留，含归属比例与排除原因。",
        source=joined,
        key=w.id,
        geom=w.geom,
        geom_3857=w.geom_3857,
        geometry_type="point",
        login=True,
        time=(w.entered_at, w.left_at),
        tile_order=w.share.desc(),
        properties=(
            Property("site_id", s.site_id, "text", "Site", "场所编号", tile=True, filterable=True, null=True),
            VEHICLE_ID,
            Property("entered_at", w.entered_at, "time", "Entered at", "到达时间", tile=True, sortable=True),
            Property("left_at", w.left_at, "time", "Left at", "离开时间", tile=True),
            Property("seen_s", w.seen_s, "number", "Seen (s)", "有定位时长（秒）", unit="s"),
            Property("unseen_s", w.unseen_s, "number", "Unseen (s)", "无定位时长（秒）", unit="s"),
            Property("distance_m", w.distance_m, "number", "Distance (m)", "距离（米）", unit="m"),
            Property("share", w.share, "number", "Share", "归属比例", tile=True),
            Property("night", w.night, "number", "Night share", "夜间占比"),
            Property(
                "excluded_by",
                w.excluded_by,
                "text",
                "Left out by",
                "排除原因",
                tile=True,
                filterable=True,
                values=PLACE_KINDS,
            ),
        ),
    )


def silences() -> Collection:
    """Return the collection of silences at closed sites."""
    d, v, s = Silence, Vehicle, Site
    joined = d.__table__.outerjoin(v.__table__, v.id == d.vehicle_id).outerjoin(
        s.__table__, s.id == d.site_id
    )
    return Collection(
        id="silences",
        en="Silences at closed sites",
        zh="停产场所附近失联",
        about_en="Vehicles that fell silent in reach of a closed site: what each counts there, or why it does not.",
        about_zh="在停产场所附近终端失联的车辆，含计入的权重或未计入的原因。",
        source=joined,
        key=d.id,
        geom=d.geom,
        geom_3857=d.geom_3857,
        geometry_type="point",
        login=True,
        time=(d.began_at, d.ended_at),
        tile_order=d.weight.desc(),
        properties=(
            Property("site_id", s.site_id, "text", "Site", "场所编号", tile=True, filterable=True),
            VEHICLE_ID,
            Property("began_at", d.began_at, "time", "Last fix before", "失联前最后定位", tile=True, sortable=True),
            Property("ended_at", d.ended_at, "time", "First fix after", "恢复定位时间", tile=True),
            Property("duration_s", d.duration_s, "number", "Length (s)", "时长（秒）", sortable=True, unit="s"),
            Property("before_s", d.before_s, "number", "Usual interval (s)", "平常定位间隔（秒）", unit="s"),
            Property("reappeared_m", d.reappeared_m, "number", "Reappeared after (m)", "恢复处距离（米）", unit="m"),
            Property("distance_m", d.distance_m, "number", "Distance (m)", "距离（米）", unit="m"),
            Property("share", d.share, "number", "Share", "归属比例"),
            Property("weight", d.weight, "number", "Weight", "权重", tile=True, sortable=True),
            Property(
                "left_out", d.left_out, "text", "Left out by", "未计入原因", tile=True, filterable=True,
                values=SILENCE_REASONS,
            ),
            run_id_property(d.run_id),
        ),
    )  # fmt: skip


def encounters() -> Collection:
    """Return the collection of encounters of two vehicles."""
    e = Encounter
    a, b = Vehicle.__table__.alias("vehicle_of_a"), Vehicle.__table__.alias("vehicle_of_b")
    return Collection(
        id="encounters",
        en="Encounters of vehicles",
        zh="车辆会遇",
        about_en="Two goods vehicles that were within 50 m of each other for 5 minutes or more, away from sites that"
        " operate, car parks, depots and homes.",
        about_zh="两辆货运车辆相距 50 米以内达 5 分钟以上，不含在营场所、停车场、车场和常驻地。",
        source=e.__table__.outerjoin(a, a.c.id == e.vehicle_a).outerjoin(b, b.c.id == e.vehicle_b),
        key=e.id,
        geom=e.geom,
        geom_3857=e.geom_3857,
        geometry_type="point",
        login=True,
        time=(e.started_at, e.ended_at),
        tile_order=e.duration_s.desc(),
        properties=(
            Property("vehicle_a", a.c.vehicle_id, "text", "One vehicle", "车辆甲", tile=True, filterable=True),
            Property("vehicle_b", b.c.vehicle_id, "text", "The other vehicle", "车辆乙", tile=True, filterable=True),
            Property(
                "kind", e.kind, "text", "Kind", "会遇类型", tile=True, filterable=True, values=ENCOUNTER_KINDS
            ),
            Property("started_at", e.started_at, "time", "Started at", "开始时间", tile=True, sortable=True),
            Property("ended_at", e.ended_at, "time", "Ended at", "结束时间", tile=True),
            Property("begun_by", e.begun_by, "text", "Begun by", "开始方式", values=ENCOUNTER_BEGINS),
            Property("ended_by", e.ended_by, "text", "Ended by", "结束方式", values=ENCOUNTER_ENDS),
            Property("open", e.open, "boolean", "Still open", "未结束", filterable=True),
            Property("duration_s", e.duration_s, "number", "Length (s)", "时长（秒）", sortable=True, unit="s"),
            Property("rest_s", e.rest_s, "number", "Both at rest (s)", "双方静止（秒）", unit="s"),
            Property("convoy_s", e.convoy_s, "number", "Both moving (s)", "双方行驶（秒）", unit="s"),
            Property("nearest_m", e.nearest_m, "number", "Nearest (m)", "最近距离（米）", unit="m"),
            Property("nearest_at", e.nearest_at, "time", "Nearest at", "最近时刻"),
            run_id_property(e.run_id),
        ),
    )  # fmt: skip


def tracks() -> Collection:
    """Return the collection of vehicle tracks as lines; plates are not among the properties."""
    t, v = Track, Vehicle
    return Collection(
        id="tracks",
        en="Tracks of vehicles",
        zh="车辆轨迹",
        about_en="Lines that vehicles drove: one a vehicle, community and stretch without a gap of more than"
        " 15 min.",
        about_zh="车辆行驶轨迹线：按车辆、社区（村）及不超过 15 分钟的连续定位分段。",
        source=t.__table__.outerjoin(v.__table__, v.id == t.vehicle_id),
        key=t.id,
        geom=t.geom,
        geom_3857=t.geom_3857,
        geometry_type="line",
        login=True,
        permission="read_tracks",
        time=(t.started_at, t.ended_at),
        tile_order=t.length_m.desc(),
        properties=(
            VEHICLE_ID,
            Property(
                "kind",
                v.kind,
                "text",
                "Kind of vehicle",
                "车辆类型",
                tile=True,
                filterable=True,
                values=VEHICLE_KINDS,
            ),
            Property("day", t.day, "date", "Day (UTC)", "日期（UTC）", filterable=True, sortable=True),
            Property("started_at", t.started_at, "time", "First fix", "开始时间", tile=True, sortable=True),
            Property("ended_at", t.ended_at, "time", "Last fix", "结束时间", tile=True),
            Property("n_fixes", t.n_fixes, "integer", "Fixes", "定位点数"),
            Property(
                "length_m",
                t.length_m,
                "number",
                "Length in m",
                "长度（米）",
                tile=True,
                sortable=True,
                unit="m",
            ),
            Property("area_id", t.area_id, "integer", "Scope area", "所属区域", filterable=True),
        ),
    )
