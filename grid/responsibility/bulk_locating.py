"""Location of many points by the rules of ``locating``: each rule is asked once for all points that are left."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import HIERARCHY, AreaVersion, ancestor_chains, load_point_index
from grid.responsibility.locating import METRES_PER_DEGREE, NEAREST_M

Floats = NDArray[np.float64]
NOWHERE = -1


@dataclass(frozen=True)
class LocatedPoints:
    """Area that each point belongs to, and by which rule.

    Attributes
    ----------
    root : ndarray of int64, shape (n,)
        Id of the unit grid, water area or enclosing area; -1 without any.
    outcome : ndarray of str, shape (n,)
        ``assigned``, ``nearest_assumed`` or ``no_area``.
    """

    root: NDArray[np.int64]
    outcome: NDArray[np.str_]


def locate_points(
    db: Session, lon: Floats, lat: Floats, at: dt.datetime, waters: list[tuple[int, NDArray[np.bool_]]]
) -> LocatedPoints:
    """Locate many points at a moment.

    Parameters
    ----------
    lon, lat : ndarray of float, shape (n,)
        Degrees, EPSG:4326; what is no place on the earth has no area.
    waters : list of (int, ndarray of bool)
        Id of each water area and which points lie in it; the first that holds a point counts.
    """
    root = load_point_index(db, "unit_grid", at).locate(lon, lat)
    outcome = np.where(root >= 0, "assigned", "no_area").astype("U16")
    place = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    for area_id, inside in waters:
        root = np.where((root < 0) & inside, area_id, root)
    left = np.flatnonzero((root < 0) & place)
    found = _nearest_grids(db, lon[left], lat[left], at)
    root[left] = found
    outcome[left[found >= 0]] = "nearest_assumed"
    for kind in HIERARCHY[1:]:
        left = np.flatnonzero((root < 0) & place)
        if left.size:
            root[left] = load_point_index(db, kind, at).locate(lon[left], lat[left])
    outcome[(outcome == "no_area") & (root >= 0)] = "assigned"
    return LocatedPoints(root, outcome)


_NEAREST = text("""
SELECT DISTINCT ON (p.place) p.place, near.id
FROM unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[]), CAST(:x_m AS float8[]))
     WITH ORDINALITY AS p(lon, lat, x_m, place)
CROSS JOIN LATERAL (
    SELECT a.id, a.code,
           ST_Distance(ST_Scale(ST_Translate(a.geom, -p.lon, -p.lat), p.x_m, :y_m),
                       ST_SetSRID(ST_MakePoint(0, 0), 4326)) AS distance_m
    FROM areas a
    WHERE a.geom && ST_MakeEnvelope(p.lon - :near_m / p.x_m, p.lat - :near_m / :y_m,
                                    p.lon + :near_m / p.x_m, p.lat + :near_m / :y_m, 4326)
      AND a.kind = 'unit_grid' AND a.valid_from <= :at AND (a.valid_to IS NULL OR a.valid_to > :at)
) near
WHERE near.distance_m <= :near_m
ORDER BY p.place, near.distance_m, near.code
""")


def _nearest_grids(db: Session, lon: Floats, lat: Floats, at: dt.datetime) -> NDArray[np.int64]:
    """Return the id of the nearest unit grid within ``NEAREST_M`` of each point, -1 without one."""
    found = np.full(lon.shape, NOWHERE, dtype=np.int64)
    if not lon.size:
        return found
    x_m = METRES_PER_DEGREE * np.maximum(np.cos(np.radians(lat)), 1e-6)
    values = {"lon": lon.tolist(), "lat": lat.tolist(), "x_m": x_m.tolist(), "y_m": METRES_PER_DEGREE}
    for place, area_id in db.execute(_NEAREST, values | {"near_m": NEAREST_M, "at": at}):
        found[place - 1] = area_id
    return found


_NEAREST_CITIES = text("""
SELECT p.place, city.id, city.code, city.name, city.kind, city.parent_id, city.valid_from, city.valid_to
FROM unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[])) WITH ORDINALITY AS p(lon, lat, place)
CROSS JOIN LATERAL (
    SELECT a.* FROM areas a
    WHERE a.kind = 'city' AND a.valid_from <= :at AND (a.valid_to IS NULL OR a.valid_to > :at)
    ORDER BY a.geom <-> ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326) LIMIT 1
) city
""")


def hierarchies(
    db: Session, root: NDArray[np.int64], lon: Floats, lat: Floats, at: dt.datetime
) -> tuple[dict[str, NDArray[np.int64]], dict[int, AreaVersion]]:
    """Return the areas above the root of each point: ids by kind of ``HIERARCHY`` (-1: none), and areas by id.

    A root without a city above it belongs to the nearest city.
    """
    known = np.unique(root[root >= 0])
    areas: dict[int, AreaVersion] = {}
    columns = {kind: np.full(root.shape, NOWHERE, dtype=np.int64) for kind in HIERARCHY}
    position = np.searchsorted(known, root)
    position[root < 0] = 0
    if not known.size:
        return columns, areas
    above = {kind: np.full(known.shape, NOWHERE, dtype=np.int64) for kind in HIERARCHY}
    places = {area_id: k for k, area_id in enumerate(known.tolist())}
    for area_id, chain in ancestor_chains(db, list(places), at).items():
        for area in (one for one in chain if one.kind in above):
            areas[area.id] = area
            above[area.kind][places[area_id]] = area.id
    for kind, ids in above.items():
        columns[kind] = np.where(root >= 0, ids[position], NOWHERE)
    alone = np.flatnonzero((root >= 0) & (columns["city"] < 0))
    if alone.size:
        values = {"lon": lon[alone].tolist(), "lat": lat[alone].tolist(), "at": at}
        for place, *version in db.execute(_NEAREST_CITIES, values):
            city = AreaVersion(*version)
            areas[city.id] = city
            columns["city"][alone[place - 1]] = city.id
    return columns, areas
