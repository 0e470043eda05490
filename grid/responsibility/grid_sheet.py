"""Sheet of a grid: its place and border in words, who works there and which enterprises lie in it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import ancestors, time_or_now
from grid.errors import UnknownArea
from layers.local_time import local_day

SIDES = ("north", "east", "south", "west")
"""Order in which the four sides are told (四至)."""
NEAR_DEG = 3e-4
"""Some 30 m: an edge whose ends and middle lie so near to a road runs along it; twice as much for a waterway."""
AROUND_DEG = 0.002
"""Some 200 m around the grid are drawn."""
MOST_LINES = 1_500
MOST_ENTERPRISES = 300
MOST_STAFF = 60


@dataclass(frozen=True)
class BorderPart:
    """Part of a border with the thing that it runs along on one side; the longest comes first.

    Attributes
    ----------
    kind : {"road", "waterway", "area", "outer"}
        ``outer``: nothing of the same kind lies beyond.
    name, name_en : str or None
    """

    kind: str
    name: str | None
    name_en: str | None
    length_m: float


@dataclass(frozen=True)
class GridSheet:
    """Facts of the sheet of a grid; geometries are GeoJSON (EPSG:4326)."""

    code: str
    name: str
    kind: str
    above: list[str]
    area_m2: float
    households: float | None
    valid_from: dt.datetime
    geometry: dict[str, Any]
    border: dict[str, list[BorderPart]]
    ground: dict[str, dict[str, Any]]
    staff: list[dict[str, Any]]
    enterprises: list[dict[str, Any]]
    enterprises_found: int


def grid_sheet(db: Session, code: str, kind: str = "unit_grid", at: dt.datetime | None = None) -> GridSheet:
    """Return the sheet of the area with a code that holds at a time, with the rows that the caller sees.

    Raises
    ------
    UnknownArea
    """
    moment = time_or_now(at)
    row = db.execute(_AREA, {"code": code, "kind": kind, "at": moment}).one_or_none()
    if row is None:
        raise UnknownArea(f"no {kind} {code} at that time", f"当时没有编码为 {code} 的区域")
    chain = ancestors(db, row.id, moment)
    codes = [area.code for area in chain]
    values: dict[str, Any] = {"id": row.id, "kind": kind, "at": moment, "near": NEAR_DEG}
    enterprises = db.execute(_ENTERPRISES, {"id": row.id, "most": MOST_ENTERPRISES}).all()
    staff = db.execute(_STAFF, {"codes": codes, "day": local_day(moment), "most": MOST_STAFF}).all()
    return GridSheet(
        code=row.code,
        name=row.name,
        kind=kind,
        above=[area.name for area in chain if area.id != row.id],
        area_m2=row.area_m2,
        households=row.households,
        valid_from=row.valid_from,
        geometry=json.loads(row.shape),
        border=_sides(db.execute(_BORDER, values).all()),
        ground={name: _lines(db, name, row.id) for name in ("roads", "waterways")},
        staff=[dict(one._mapping) for one in staff],
        enterprises=[dict(one._mapping) for one in enterprises],
        enterprises_found=enterprises[0].found if enterprises else 0,
    )


def _sides(edges: Iterable[Any]) -> dict[str, list[BorderPart]]:
    """Return what the border runs along on each side, longest first."""
    lengths: dict[str, dict[tuple[str, str | None, str | None], float]] = {side: {} for side in SIDES}
    for edge in edges:
        side = SIDES[int(((edge.azimuth + 45.0) % 360.0) // 90.0)]
        key = (edge.kind, edge.name, edge.name_en)
        lengths[side][key] = lengths[side].get(key, 0.0) + edge.length_m
    return {
        side: sorted((BorderPart(*key, size) for key, size in found.items()), key=lambda part: -part.length_m)
        for side, found in lengths.items()
    }


def _lines(db: Session, table: str, area_id: int) -> dict[str, Any]:
    values = {"id": area_id, "around": AROUND_DEG, "most": MOST_LINES}
    rows = db.execute(_GROUND[table], values).all()
    features = [
        {"type": "Feature", "properties": {"name": row.name or ""}, "geometry": json.loads(row.shape)}
        for row in rows
    ]
    return {"type": "FeatureCollection", "features": features}


_AREA = text("""
SELECT id, code, name, area_m2, households, valid_from, ST_AsGeoJSON(geom, 7) AS shape
FROM areas WHERE code = :code AND kind = :kind AND valid_from <= :at AND (valid_to IS NULL OR valid_to > :at)
ORDER BY id DESC LIMIT 1
""")

# An edge runs along the road or waterway that is near to both of its ends and to its middle; else it is the border
# to the area of the same kind beyond it.
_BORDER = text("""
WITH a AS (SELECT id, geom, ST_Centroid(geom) AS middle FROM areas WHERE id = :id),
e AS (
    SELECT d.geom AS edge, ST_LineInterpolatePoint(d.geom, 0.5) AS half, a.middle
    FROM a, LATERAL ST_DumpSegments(ST_Boundary(a.geom)) d WHERE ST_Length(d.geom) > 0
)
SELECT coalesce(degrees(ST_Azimuth(e.middle, e.half)), 0) AS azimuth, ST_Length(e.edge::geography) AS length_m,
       CASE WHEN r.name IS NOT NULL THEN 'road' WHEN w.name IS NOT NULL THEN 'waterway'
            WHEN n.name IS NOT NULL THEN 'area' ELSE 'outer' END AS kind,
       coalesce(r.name, w.name, n.name) AS name,
       CASE WHEN r.name IS NOT NULL THEN r.name_en WHEN w.name IS NOT NULL THEN w.name_en ELSE n.name END AS name_en
FROM e
LEFT JOIN LATERAL (
    SELECT r.name, r.name_en FROM roads r WHERE r.name IS NOT NULL AND ST_DWithin(r.geom, e.half, :near)
      AND ST_DWithin(r.geom, ST_StartPoint(e.edge), :near) AND ST_DWithin(r.geom, ST_EndPoint(e.edge), :near)
    ORDER BY ST_Distance(r.geom, e.half) LIMIT 1
) r ON true
LEFT JOIN LATERAL (
    SELECT w.name, w.name_en FROM waterways w WHERE w.name IS NOT NULL AND ST_DWithin(w.geom, e.half, 2 * :near)
      AND ST_DWithin(w.geom, ST_StartPoint(e.edge), 2 * :near) AND ST_DWithin(w.geom, ST_EndPoint(e.edge), 2 * :near)
    ORDER BY ST_Distance(w.geom, e.half) LIMIT 1
) w ON r.name IS NULL
LEFT JOIN LATERAL (
    SELECT o.name || ' ' || o.code AS name FROM areas o WHERE o.kind = :kind AND o.id <> :id AND o.valid_from <= :at
      AND (o.valid_to IS NULL OR o.valid_to > :at) AND ST_DWithin(o.geom, e.half, 1e-7)
    ORDER BY o.code LIMIT 1
) n ON r.name IS NULL AND w.name IS NULL
""")

_GROUND = {
    table: text(f"""
SELECT g.name, ST_AsGeoJSON(ST_Intersection(g.geom, ST_Expand(a.geom, :around)), 6) AS shape
FROM areas a JOIN {table} g ON g.geom && ST_Expand(a.geom, :around)
WHERE a.id = :id AND ST_Intersects(g.geom, ST_Expand(a.geom, :around)) ORDER BY g.min_zoom, g.id LIMIT :most
""")
    for table in ("roads", "waterways")
}

_ENTERPRISES = text("""
SELECT s.site_id, s.enterprise_name AS name, s.kind, s.hazard, s.status, s.address, count(*) OVER () AS found
FROM areas a JOIN sites s ON s.geom && a.geom AND ownership(a.geom, s.geom) > 0
WHERE a.id = :id ORDER BY (s.hazard = 'none'), s.enterprise_name, s.site_id LIMIT :most
""")

_STAFF = text("""
SELECT o.name, b.name AS body, o.phone
FROM officers o LEFT JOIN bodies b ON b.code = o.body_code AND b.valid_from <= :day
     AND (b.valid_to IS NULL OR b.valid_to > :day)
WHERE o.area_codes && CAST(:codes AS text[]) AND o.valid_from <= :day AND (o.valid_to IS NULL OR o.valid_to > :day)
  AND o.on_duty ORDER BY b.name, o.name LIMIT :most
""")
