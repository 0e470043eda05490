"""The difference of the partition between two days: unit grids that ended, began or have another border."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.errors import GridError, UnknownArea

MOST_CHANGES = 2_000


@dataclass(frozen=True)
class GridChange:
    """A unit grid that is another on the later day.

    Attributes
    ----------
    change : str
        ``ended``, ``begun`` or ``changed`` (the same code, another border).
    followed_by, follows : list of str
        Codes: of an ended one those that took its land, of one that began those whose land it took.
    area_m2_before, area_m2_after : float or None
    change_set_id : int or None
        The change set that began the later version, or ended the former one.
    geometry : dict
        GeoJSON: as it was where it ended, else as it became.
    """

    code: str
    name: str
    change: str
    followed_by: list[str]
    follows: list[str]
    area_m2_before: float | None
    area_m2_after: float | None
    change_set_id: int | None
    geometry: dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """Changes between two moments, by code; ``truncated``: there are more than are listed."""

    since: dt.datetime
    until: dt.datetime
    area: str | None
    n_before: int
    n_after: int
    changes: list[GridChange]
    truncated: bool


# A version that a move of the parent's outline alone made has the land of before: it is no change.
_DIFFERENCE = text("""
WITH grids AS (SELECT * FROM areas WHERE kind = 'unit_grid' AND starts_with(code, :prefix)),
     a AS (SELECT * FROM grids WHERE holds_at(valid_from, valid_to, :since)),
     b AS (SELECT * FROM grids WHERE holds_at(valid_from, valid_to, :until))
SELECT COALESCE(b.code, a.code) AS code, COALESCE(b.name, a.name) AS name,
       CASE WHEN b.id IS NULL THEN 'ended' WHEN a.id IS NULL THEN 'begun' ELSE 'changed' END AS change,
       CASE WHEN b.id IS NULL THEN ARRAY(
           SELECT n.code FROM areas n WHERE n.kind = 'unit_grid' AND holds_at(n.valid_from, n.valid_to, :until)
           AND n.geom && a.geom AND ST_Area(ST_Intersection(n.geom, a.geom)) > 1e-6 * ST_Area(a.geom) ORDER BY 1)
       ELSE '{}' END AS followed_by,
       CASE WHEN a.id IS NULL THEN ARRAY(
           SELECT o.code FROM areas o WHERE o.kind = 'unit_grid' AND holds_at(o.valid_from, o.valid_to, :since)
           AND o.geom && b.geom AND ST_Area(ST_Intersection(o.geom, b.geom)) > 1e-6 * ST_Area(b.geom) ORDER BY 1)
       ELSE '{}' END AS follows,
       a.area_m2 AS area_m2_before, b.area_m2 AS area_m2_after,
       COALESCE(b.change_set_id, substring(a.void_reason FROM 'change set (\\d+)')::bigint) AS change_set_id,
       ST_AsGeoJSON(COALESCE(b.geom, a.geom), 7) AS geometry
FROM a FULL JOIN b ON a.code = b.code
WHERE a.id IS NULL OR b.id IS NULL OR (a.id <> b.id
      AND ST_Area(ST_SymDifference(a.geom, b.geom)) > 1e-9 * ST_Area(a.geom))
ORDER BY 1 LIMIT :most
""")
_COUNT = text(
    "SELECT count(*) FILTER (WHERE holds_at(valid_from, valid_to, :since)),"
    " count(*) FILTER (WHERE holds_at(valid_from, valid_to, :until))"
    " FROM areas WHERE kind = 'unit_grid' AND starts_with(code, :prefix)"
)
_KNOWN = text("SELECT EXISTS (SELECT FROM areas WHERE code = :code)")


def difference_of_days(
    db: Session, since: dt.datetime, until: dt.datetime, area: str | None = None
) -> Difference:
    """Return the unit grids that differ between two moments.

    Parameters
    ----------
    since, until : datetime
        With zone, the earlier one first.
    area : str or None
        Code of an area whose unit grids are compared: their codes begin with it. None: the whole city.

    Raises
    ------
    GridError
        The later moment is not later.
    UnknownArea
    """
    if until <= since:
        raise GridError("the later day must be after the earlier one", "后一日期须晚于前一日期")
    if area is not None and not db.scalar(_KNOWN, {"code": area}):
        raise UnknownArea(f"no area with code {area!r}", f"没有编码为 {area} 的区域")
    values = {"since": since, "until": until, "prefix": area or ""}
    before, after = db.execute(_COUNT, values).one()
    rows = db.execute(_DIFFERENCE, {**values, "most": MOST_CHANGES + 1}).all()
    changes = [
        GridChange(**{**row._mapping, "geometry": json.loads(row.geometry)}) for row in rows[:MOST_CHANGES]
    ]
    return Difference(since, until, area, before, after, changes, len(rows) > MOST_CHANGES)
