"""The published collection of vehicle tracks."""

from __future__ import annotations

from layers.catalog_types import Collection, Property
from layers.tables import Vehicle
from layers.track_tables import Track


def tracks() -> Collection:
    """Lines that vehicles drove; plates are not among the properties."""
    t, v = Track, Vehicle
    return Collection(
        id="tracks",
        en="Tracks of vehicles",
        zh="车辆轨迹",
        about_en="Lines that vehicles drove: one a vehicle, community and stretch without a gap of more than 15 min.",
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
            Property("vehicle_id", v.vehicle_id, "text", "Vehicle", "车辆编号", tile=True, filterable=True),
            Property("kind", v.kind, "text", "Kind of vehicle", "车辆类型", tile=True, filterable=True),
            Property("day", t.day, "date", "Day (UTC)", "日期（UTC）", filterable=True, sortable=True),
            Property("started_at", t.started_at, "time", "First fix", "开始时间", tile=True, sortable=True),
            Property("ended_at", t.ended_at, "time", "Last fix", "结束时间", tile=True),
            Property("n_fixes", t.n_fixes, "integer", "Fixes", "定位点数"),
            Property("length_m", t.length_m, "number", "Length in m", "长度（米）", tile=True, sortable=True),
            Property("area_id", t.area_id, "integer", "Scope area", "所属区域", filterable=True),
        ),
    )
