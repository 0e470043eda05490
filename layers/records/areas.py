"""Areas as they are stored, and their writing.

Nothing is overwritten: a changed area is a new version from its ``valid_from`` on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import polars as pl
import shapely
from sqlalchemy import Connection, func, select, text
from sqlalchemy.orm import Session

from layers.codes import (
    NATIONAL_GRID_PROFILE,
    GridProfile,
    parse_division,
    parse_grid_code,
    parse_statistical_code,
    parse_town_code,
)
from layers.codes.outline_faults import outline_fault
from layers.errors import Fault, InvalidIdentifier, RejectedRows
from layers.local_time import local_zone, start_of_day
from layers.postgres import WriteCounts, copy_frame
from layers.tables import Area

KIND_ORDER = (
    "city",
    "county",
    "town",
    "community",
    "unit_grid",
    "responsibility_grid",
    "evaluation_grid",
    "functional_zone",
    "water",
)
"""Parents before children."""


_PARSERS = {
    "city": parse_division,
    "county": parse_division,
    "town": parse_town_code,
    "community": parse_statistical_code,
}


def area_code_fault(code: str, kind: str, grid_profile: GridProfile = NATIONAL_GRID_PROFILE) -> str | None:
    """Why ``code`` cannot be the code of an area of this kind; None when it can.

    Examples
    --------
    >>> area_code_fault("320623", "county") is None
    True
    """
    try:
        if kind == "unit_grid":
            parse_grid_code(code, grid_profile)
        elif kind in _PARSERS:
            _PARSERS[kind](code)
    except InvalidIdentifier as error:
        return str(error)
    return None


def check_geometries(
    frame: gpd.GeoDataFrame, grid_profile: GridProfile = NATIONAL_GRID_PROFILE
) -> list[Fault]:
    """Faults of single geometries.

    Empty, not polygons, invalid (with the place), and codes of the wrong form.
    """
    geometry = frame.geometry.to_numpy()
    kinds = shapely.get_type_id(geometry)
    faults = []
    for row, (shape, kind) in enumerate(zip(geometry, kinds, strict=True), start=1):
        if shape is None or shape.is_empty:
            faults.append(Fault(row, "geometry", "empty 为空"))
        elif kind not in (3, 6):
            faults.append(Fault(row, "geometry", "not a polygon 不是多边形", shape.geom_type))
    for row in np.flatnonzero(np.isin(kinds, (3, 6)) & ~shapely.is_valid(geometry)).tolist():
        faults.append(Fault(row + 1, "geometry", " ".join(outline_fault(geometry[row]))))
    for row, (code, kind) in enumerate(zip(frame["code"], frame["kind"], strict=True), start=1):
        given = code is not None and code == code
        if given and (reason := area_code_fault(str(code), str(kind), grid_profile)):
            faults.append(Fault(row, "code", reason, str(code)))
    return sorted(faults, key=lambda fault: fault.row)


def moments_of_change(db: Session) -> set[dt.datetime]:
    """Moments at which a version of an area begins or ends."""
    rows = db.execute(select(Area.valid_from, Area.valid_to).distinct())
    return {moment for row in rows for moment in row if moment}


def codes_of_larger_areas(db: Session) -> dict[int, str]:
    """Codes of everything but unit grids, by id."""
    rows = db.execute(select(Area.id, Area.code).where(Area.kind != "unit_grid"))
    return {row.id: row.code for row in rows}


def ended_areas(db: Session) -> set[tuple[str, str]]:
    """Return kinds and codes of areas of which no version is in force any more."""
    rows = db.execute(
        select(Area.kind, Area.code)
        .group_by(Area.kind, Area.code)
        .having(func.every(Area.valid_to.is_not(None)))
    )
    return {(row.kind, row.code) for row in rows}


def has_areas(db: Session) -> bool:
    """Whether any area is stored."""
    return db.scalar(select(Area.id).limit(1)) is not None


@dataclass(frozen=True)
class StoredCity:
    """The city area of now: its code and name, and a place inside of it in degrees."""

    code: str
    name: str
    lon: float
    lat: float


def stored_city(db: Session | Connection) -> StoredCity | None:
    """Return the largest city area of now; None: there is none."""
    row = db.execute(_CITY).one_or_none()
    return None if row is None else StoredCity(*row)


_CITY = text("""
SELECT code, name, ST_X(label_point), ST_Y(label_point) FROM areas
WHERE kind = 'city' AND holds_at(valid_from, valid_to) ORDER BY area_m2 DESC, id LIMIT 1
""")


def newest_area_name(db: Session, code: str) -> str | None:
    """Name of the newest area of a code, of an administrative one before a functional zone.

    None: there is none.
    """
    return db.scalar(
        select(Area.name)
        .where(Area.code == code)
        .order_by(Area.kind == "functional_zone", Area.valid_from.desc())
        .limit(1)
    )


def write_areas(
    db: Session, frame: gpd.GeoDataFrame, *, indicative: Collection[str] = (), source: str = "areas"
) -> WriteCounts:
    """Write areas in EPSG:4326; parents may be in the frame or stored.

    Parameters
    ----------
    indicative : collection of str
        Kinds whose boundaries are no official ones; people see them marked 示意.

    Raises
    ------
    RejectedRows
        Unknown parents, another content for a version that is stored already, a code inside a period that it
        had already, or a coming version of an area without the areas in it.
    """
    total = WriteCounts()
    for kind in KIND_ORDER:
        part = frame[frame["kind"] == kind]
        if len(part):
            total += _write_kind(db, part, indicative, source)
    _hang_children(db, frame, source)
    db.execute(
        text("ANALYZE areas")
    )  # the sites that follow are placed by an index only when its size is known
    return total


_COLUMNS = {
    "row": "int",
    "code": "text",
    "name": "text",
    "kind": "text",
    "parent_code": "text",
    "valid_from": "timestamptz",
    "predecessor_codes": "text",
    "households": "float8",
    "road_length_m": "float8",
    "geom": "geometry",
}


def _frame_of(part: gpd.GeoDataFrame) -> pl.DataFrame:
    """Areas as rows of ``_COLUMNS``."""
    multi = [shapely.multipolygons([g]) if g.geom_type == "Polygon" else g for g in part.geometry]
    optional = {"parent_code": str, "predecessor_codes": str, "households": float, "road_length_m": float}
    values = {
        "row": [int(i) + 1 for i in part.index],
        **{name: part[name].astype(str).tolist() for name in ("code", "name", "kind")},
        "valid_from": [_instant(v) for v in part["valid_from"]],
        **{name: _given(part, name, of) for name, of in optional.items()},
        "geom": shapely.to_wkb(np.array(multi), hex=True).tolist(),
    }
    types = {name: pl.Utf8 if of is str else pl.Float64 for name, of in optional.items()}
    return pl.DataFrame(values, schema_overrides=types).select(*_COLUMNS)


def _write_kind(db: Session, part: gpd.GeoDataFrame, indicative: Collection[str], source: str) -> WriteCounts:
    copy_frame(db, _frame_of(part), "given_areas", _COLUMNS)
    db.execute(text(_RESOLVE))
    found = db.execute(text(_FAULTS), {"zone": local_zone().key}).all()
    faults = [Fault(row, field, reason, code) for row, field, reason, code in found]
    if faults:
        raise RejectedRows(source, sorted(faults, key=lambda fault: fault.row))
    closed = db.execute(text(_CLOSE)).all()
    inserted = db.execute(text(_INSERT), {"indicative": str(part["kind"].iloc[0]) in indicative}).all()
    db.execute(text(_SUCCEED))
    db.execute(text(_SUCCEED_CODES))
    db.execute(text(_CLOSE_PREDECESSORS))
    return WriteCounts(len(inserted) - len(closed), len(closed), len(part) - len(inserted))


def _hang_children(db: Session, frame: gpd.GeoDataFrame, source: str) -> None:
    """Hang the areas below each version that the batch ended below the version that follows it.

    Raises
    ------
    RejectedRows
        The following version is still to come, and areas below are not in the file.
    """
    db.execute(text(_HANG))
    left = db.execute(text(_LEFT_BELOW)).all()
    if left:
        keys = list(zip(frame["kind"].astype(str), frame["code"].astype(str), strict=True))
        faults = [
            Fault(
                int(frame.index[keys.index((kind, code))]) + 1,
                "valid_from",
                f"{_COMING_ALONE}: {below}",
                code,
            )
            for kind, code, below in left
        ]
        raise RejectedRows(source, sorted(faults, key=lambda fault: fault.row))


_COMING_ALONE = (
    "a version to come needs versions of the areas in it from the same date in the file"
    " 未来生效的版本须连同其下级区域的同日版本一并导入"
)


def _given(part: gpd.GeoDataFrame, name: str, of: Callable[[Any], Any]) -> list[Any]:
    """Values of an optional column; None where there is none."""
    if name not in part:
        return [None] * len(part)
    return [None if v is None or v != v or v == "" else of(v) for v in part[name]]


def _instant(value: object) -> str:
    """Return the start of a day in the city."""
    return start_of_day(dt.date.fromisoformat(str(value)[:10])).isoformat()


# The metric area is measured on the ellipsoid: no projection is named in the data.
_RESOLVE = """
CREATE TEMPORARY TABLE IF NOT EXISTS resolved_areas (
    "row" int, code text, name text, kind text, parent_id bigint, parent_code text, valid_from timestamptz,
    predecessor_codes text[], households float8, road_length_m float8, geom geometry, old_id bigint, old_from timestamptz, old_batch bigint, same boolean) ON COMMIT DROP;
TRUNCATE resolved_areas;
INSERT INTO resolved_areas
SELECT g."row", g.code, g.name, g.kind, p.id, g.parent_code, g.valid_from,
       regexp_split_to_array(btrim(g.predecessor_codes, ' ;'), '[[:space:]]*;[[:space:]]*'), g.households, g.road_length_m,
       ST_SetSRID(g.geom, 4326), o.id, o.valid_from, o.batch_id,
       o.name = g.name AND COALESCE(g.households = o.households, g.households IS NULL)
       AND COALESCE(g.road_length_m = o.road_length_m, g.road_length_m IS NULL)
       AND (o.parent_id IS NOT DISTINCT FROM p.id OR o.valid_from = g.valid_from AND EXISTS (
            SELECT FROM areas u WHERE u.id = o.parent_id AND u.code = g.parent_code)) AND ST_OrderingEquals(o.geom, ST_SetSRID(g.geom, 4326))
FROM given_areas g
LEFT JOIN LATERAL (SELECT id FROM areas p WHERE p.code = g.parent_code AND p.kind IN ('city', 'county', 'town', 'community')
                   AND (p.valid_to IS NULL OR holds_at(p.valid_from, p.valid_to, g.valid_from))
                   ORDER BY holds_at(p.valid_from, p.valid_to, GREATEST(g.valid_from, now())) DESC,
                            p.valid_to IS NULL DESC LIMIT 1) p ON true
LEFT JOIN LATERAL (SELECT * FROM areas o WHERE o.code = g.code AND o.kind = g.kind
                   AND (o.valid_to IS NULL OR o.valid_from = g.valid_from)
                   ORDER BY o.valid_from = g.valid_from DESC LIMIT 1) o ON true
"""
_FAULTS = """
SELECT "row", 'parent_code', 'unknown parent 上级未登记', parent_code FROM resolved_areas
WHERE parent_code IS NOT NULL AND parent_id IS NULL
UNION ALL
SELECT "row", 'parent_code', 'empty: only the city has no parent 为空：只有市没有上级', '' FROM resolved_areas
WHERE parent_code IS NULL AND kind <> 'city' AND kind NOT IN ('water', 'functional_zone')
UNION ALL
SELECT "row", 'valid_from', 'stored already with other content from this date or later; give a later date 该日或之后已有不同内容，请给更晚的日期'
       || COALESCE('; or undo the batch that it came with 或撤销其批次: wangge imports undo ' || old_batch, ''), code
FROM resolved_areas WHERE old_id IS NOT NULL AND NOT same AND valid_from <= old_from
UNION ALL
SELECT r."row", 'valid_from', 'the code has another version at this date; the first free day is 该编码当日已有其他版本，最早可用日期为 '
       || ((v.valid_to AT TIME ZONE :zone - interval '1 microsecond')::date + 1)::text, r.code
FROM resolved_areas r
CROSS JOIN LATERAL (SELECT max(a.valid_to) AS valid_to FROM areas a WHERE a.code = r.code AND a.kind = r.kind AND a.valid_to > r.valid_from) v
WHERE v.valid_to IS NOT NULL AND (r.old_id IS NULL OR NOT r.same AND r.valid_from > r.old_from)
UNION ALL
SELECT r."row", 'predecessor_codes', 'unknown, or not before valid_from 前身未登记或不早于生效日期', c FROM resolved_areas r, unnest(r.predecessor_codes) c
WHERE NOT EXISTS (SELECT FROM areas a WHERE a.code = c AND a.kind = r.kind AND a.valid_from < r.valid_from)
  AND NOT EXISTS (SELECT FROM resolved_areas a WHERE a.code = c AND a.valid_from < r.valid_from)
"""
_CLOSE = """
UPDATE areas a SET valid_to = r.valid_from, void_reason = 'new version imported', closed_by_batch = current_batch()
FROM resolved_areas r WHERE a.id = r.old_id AND NOT r.same RETURNING a.id
"""
_INSERT = """
INSERT INTO areas (code, name, kind, parent_id, valid_from, geom, label_point, area_m2, indicative, households,
                   road_length_m)
SELECT code, name, kind, parent_id, valid_from, geom, ST_PointOnSurface(geom), ST_Area(geom::geography), :indicative,
       households, road_length_m
FROM resolved_areas WHERE old_id IS NULL OR NOT same RETURNING id
"""
_SUCCEED = """
INSERT INTO area_successions (predecessor_id, successor_id)
SELECT r.old_id, a.id FROM resolved_areas r JOIN areas a ON a.code = r.code AND a.kind = r.kind AND a.valid_to IS NULL
WHERE r.old_id IS NOT NULL AND NOT r.same ON CONFLICT DO NOTHING
"""
_SUCCEED_CODES = """
INSERT INTO area_successions (predecessor_id, successor_id)
SELECT o.id, n.id FROM resolved_areas r, unnest(r.predecessor_codes) c
JOIN LATERAL (SELECT id FROM areas a WHERE a.code = r.code AND a.kind = r.kind AND a.valid_from = r.valid_from) n ON true
JOIN LATERAL (SELECT id FROM areas a WHERE a.code = c AND a.kind = r.kind AND a.valid_from < r.valid_from
              ORDER BY a.valid_from DESC LIMIT 1) o ON true
WHERE o.id <> n.id ON CONFLICT DO NOTHING
"""
_HANG = """
UPDATE areas c SET parent_id = n.id
FROM areas o JOIN areas n ON n.code = o.code AND n.kind = o.kind AND n.valid_from = o.valid_to
WHERE o.closed_by_batch = current_batch() AND n.batch_id = current_batch() AND n.valid_from <= now()
  AND c.parent_id = o.id AND (c.valid_to IS NULL OR c.valid_to > n.valid_from)
"""
_LEFT_BELOW = """
SELECT o.kind, o.code, string_agg(c.code, ', ' ORDER BY c.code)
FROM areas o JOIN areas n ON n.code = o.code AND n.kind = o.kind AND n.valid_from = o.valid_to
JOIN areas c ON c.parent_id = o.id AND (c.valid_to IS NULL OR c.valid_to > n.valid_from)
WHERE o.closed_by_batch = current_batch() AND n.batch_id = current_batch() GROUP BY o.kind, o.code
"""
_CLOSE_PREDECESSORS = """
UPDATE areas a SET valid_to = r.valid_from, void_reason = '由 ' || r.code || ' 继承 followed by ' || r.code,
       closed_by_batch = current_batch()
FROM resolved_areas r, unnest(r.predecessor_codes) c
WHERE a.code = c AND a.kind = r.kind AND a.valid_to IS NULL AND a.code <> r.code AND a.valid_from < r.valid_from
"""
