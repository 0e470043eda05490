"""Hierarchy of areas and its history: the areas that were valid at a given time.

A version of an area is valid from ``valid_from`` up to but not including ``valid_to``. Every query takes a
time; None means now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import ColumnElement, and_, func, or_, select, text
from sqlalchemy.orm import Session

from grid.errors import GridError, UnknownArea
from layers.codes import name_and_code
from layers.tables import AREA_KINDS, Area

HIERARCHY = ("unit_grid", "community", "town", "county", "city")
"""Kinds from the smallest to the largest; each lies inside one of the next."""
OVERLAYS = ("functional_zone", "water")
"""Kinds that lie across the hierarchy and may overlap it and each other."""

BBox = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class AreaVersion:
    """Version of an area: code, name, kind, parent and period of validity."""

    id: int
    code: str
    name: str
    kind: str
    parent_id: int | None
    valid_from: dt.datetime
    valid_to: dt.datetime | None

    @property
    def label(self) -> str:
        """Name and code, for people."""
        return name_and_code(self.name, self.code)

    def has_ended(self, at: dt.datetime) -> bool:
        """Return whether the version is no longer valid at a time."""
        return self.valid_to is not None and self.valid_to <= at


@dataclass(frozen=True, slots=True)
class AreaShape:
    """Version of an area with its polygon, in a CRS that the caller names."""

    area: AreaVersion
    shape: Any


def time_or_now(at: dt.datetime | None) -> dt.datetime:
    """Return the time, or now for None.

    Parameters
    ----------
    at : datetime or None
        With zone.

    Raises
    ------
    GridError
        When the time has no zone.
    """
    if at is None:
        return dt.datetime.now(dt.UTC)
    if at.tzinfo is None:
        raise GridError(f"time {at.isoformat()} has no zone", f"时间 {at.isoformat()} 缺少时区")
    return at


def valid_at(at: dt.datetime) -> ColumnElement[bool]:
    """Return the condition on ``areas`` that a version is valid at a time."""
    return and_(Area.valid_from <= at, or_(Area.valid_to.is_(None), Area.valid_to > at))


def read_areas(
    db: Session,
    *,
    kind: str | Sequence[str],
    at: dt.datetime | None = None,
    bbox: BBox | None = None,
    parent_id: int | None = None,
) -> gpd.GeoDataFrame:
    """Read the areas of one or more kinds that were valid at a time, sorted by code.

    Parameters
    ----------
    db : Session
    kind : str or sequence of str
        Of ``layers.tables.AREA_KINDS``.
    at : datetime, optional
        With zone; default now.
    bbox : tuple, optional
        West, south, east, north in degrees: areas whose box intersects it.
    parent_id : int, optional
        Only children of that version.

    Returns
    -------
    GeoDataFrame
        ``id``, ``code``, ``name``, ``kind``, ``parent_id`` (Int64), ``valid_from``, ``valid_to``,
        ``geometry`` (EPSG:4326 multi-polygons), with a range index.

    Raises
    ------
    GridError
        The kind is unknown, or the time has no zone.
    """
    kinds = [kind] if isinstance(kind, str) else list(kind)
    if unknown := [name for name in kinds if name not in AREA_KINDS]:
        raise GridError(f"kind {unknown[0]!r}: one of {', '.join(AREA_KINDS)}")
    statement = (
        select(*_COLUMNS, func.ST_AsBinary(Area.geom))
        .where(Area.kind.in_(kinds), valid_at(time_or_now(at)))
        .order_by(Area.code, Area.id)
    )
    if bbox is not None:
        statement = statement.where(Area.geom.op("&&")(func.ST_MakeEnvelope(*bbox, 4326)))
    if parent_id is not None:
        statement = statement.where(Area.parent_id == parent_id)
    rows = [tuple(row) for row in db.execute(statement)]
    frame = pd.DataFrame([row[:-1] for row in rows], columns=[column.key for column in _COLUMNS])
    frame["parent_id"] = frame["parent_id"].astype("Int64")
    shapes = shapely.from_wkb([bytes(row[-1]) for row in rows])
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(list(shapes), crs=4326))


_COLUMNS = (
    Area.id,
    Area.code,
    Area.name,
    Area.kind,
    Area.parent_id,
    Area.valid_from,
    Area.valid_to,
)
"""In the order of the members of ``AreaVersion``."""

# A parent that has ended is replaced by its version at that time; if it has none, by its successor that
# contains the point; otherwise it stays as recorded.
_UP = text("""
WITH RECURSIVE up AS (
    SELECT id AS root, id, code, name, kind, parent_id, valid_from, valid_to, label_point, 0 AS step
    FROM areas WHERE id = ANY(:ids)
    UNION ALL
    SELECT up.root, v.id, v.code, v.name, v.kind, v.parent_id, v.valid_from, v.valid_to,
           up.label_point, up.step + 1
    FROM up JOIN areas p ON p.id = up.parent_id
    CROSS JOIN LATERAL (
        SELECT c.*, c.valid_from <= :at AND (c.valid_to IS NULL OR c.valid_to > :at) AS holds FROM (
            SELECT id, code, name, kind, parent_id, valid_from, valid_to FROM areas
            WHERE code = p.code AND kind = p.kind
            UNION ALL
            SELECT n.id, n.code, n.name, n.kind, n.parent_id, n.valid_from, n.valid_to
            FROM area_successions s JOIN areas n ON n.id = s.successor_id
            WHERE s.predecessor_id = p.id AND p.valid_to <= :at AND n.code <> p.code AND n.kind = p.kind
              AND n.valid_from <= :at AND n.geom && up.label_point AND ownership(n.geom, up.label_point) > 0
        ) c ORDER BY holds DESC, c.code = p.code DESC, c.id = p.id DESC LIMIT 1
    ) v
    WHERE up.step < 16
)
SELECT root, id, code, name, kind, parent_id, valid_from, valid_to FROM up ORDER BY root, step
""")


def ancestors(db: Session, area_id: int, at: dt.datetime | None = None) -> list[AreaVersion]:
    """Return an area and all areas that contain it, from the smallest to the city.

    Parameters
    ----------
    db : Session
    area_id : int
    at : datetime, optional
        Time of the larger areas' versions. Default: the time at which the area itself is valid (its last one,
        if it has ended).

    Raises
    ------
    UnknownArea
    """
    ends = db.execute(select(Area.valid_to).where(Area.id == area_id)).one_or_none()
    if ends is None:
        raise UnknownArea(f"no area with id {area_id}", f"没有编号为 {area_id} 的区域")
    if at is None:
        now = dt.datetime.now(dt.UTC)
        ended = ends.valid_to is not None and ends.valid_to <= now
        at = ends.valid_to - dt.timedelta(microseconds=1) if ended else now
    return ancestor_chains(db, [area_id], at)[area_id]


def ancestor_chains(db: Session, ids: Sequence[int], at: dt.datetime) -> dict[int, list[AreaVersion]]:
    """Return for each area the areas that contain it at a time, itself first, up to the city."""
    found: dict[int, list[AreaVersion]] = {area_id: [] for area_id in ids}
    for root, *version in db.execute(_UP, {"ids": list(ids), "at": at}):
        found[root].append(AreaVersion(*version))
    return found


def scope_area_ids(db: Session, area_code: str) -> tuple[int, ...]:
    """Return the ids of all versions of an area and of everything below it down to communities, sorted.

    Raises
    ------
    UnknownArea
        No area ever had this code.
    """
    ids = db.scalars(
        text(
            "WITH RECURSIVE below AS ("
            " SELECT id FROM areas WHERE code = :code AND kind <> ALL(:outside)"
            " UNION SELECT a.id FROM areas a JOIN below b ON a.parent_id = b.id WHERE a.kind <> ALL(:outside)"
            ") SELECT id FROM below ORDER BY id"
        ),
        {"code": area_code, "outside": ["unit_grid", "responsibility_grid", "evaluation_grid"]},
    ).all()
    if not ids:
        raise UnknownArea(f"no area with code {area_code!r}", f"没有编码为 {area_code} 的区域")
    return tuple(ids)


_AT_POINT = text("""
SELECT a.id, a.code, a.name, a.kind, a.parent_id, a.valid_from, a.valid_to
FROM areas a, LATERAL (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS geom) place,
     LATERAL ownership(a.geom, place.geom) AS rule
WHERE a.geom && ST_Expand(place.geom, 1e-9) AND a.kind = ANY(:kinds)
  AND a.valid_from <= :at AND (a.valid_to IS NULL OR a.valid_to > :at) AND rule > 0
ORDER BY rule DESC, a.code, a.id
""")


def areas_at_point(
    db: Session, lon: float, lat: float, at: dt.datetime, kinds: Sequence[str]
) -> list[AreaVersion]:
    """Return the areas of some kinds that contain a point at a time, edges included.

    The area that owns the point comes first, the others by code. The rule is the SQL function ``ownership``
    (``layers/schema/ownership.sql``).

    Parameters
    ----------
    db : Session
    lon, lat : float
        Degrees, EPSG:4326.
    at : datetime
    kinds : sequence of str
    """
    values = {"lon": lon, "lat": lat, "at": at, "kinds": list(kinds)}
    return [AreaVersion(*row) for row in db.execute(_AT_POINT, values)]
