"""The preview of a plan.

Codes that begin and end, loads of unit grids, and the new unit grids as features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import AreaCover
from grid.change_sets.change_warnings import warnings_of
from grid.change_sets.history.code_table import code_table
from grid.change_sets.plan import NewUnit, NewVersion, Plan
from grid.topology import Unit, as_geojson

LOADS_SHOWN = 200
"""Zones of a preview whose load is told; a town that changes its county has more."""
_GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True)
class ZoneLoad:
    """Counts of sites and open cases in one unit grid, and its area."""

    code: str
    sites: int
    cases: int
    area_m2: float


def preview_of(db: Session, plan: Plan) -> dict[str, Any]:
    """Make the preview of a plan as JSON data; change sets store it and callers receive it."""
    begun, recoded = plan.begun, [version for version in plan.recoded if version.kind == "unit_grid"]
    ending = [*plan.removed, *(version.old for version in [*recoded, *plan.kept])]
    before, after = _loads(db, ending, [*plan.added, *recoded, *plan.kept])
    ids = {"ids": [unit.key for unit in ending]}
    return {
        "affected_sites": sum(load.sites for load in before),
        "open_cases": list(db.scalars(_OPEN_CASES, ids)),
        "new_codes": [unit.code for unit in begun],
        "voided_codes": plan.voided_codes,
        "noded": [unit.code for unit in plan.noded],
        "kept_codes": [version.code for version in plan.kept],
        "code_table": [asdict(row) for row in code_table(plan)],
        "warnings": [asdict(warning) for warning in warnings_of(plan)],
        "outlines": [
            version.code
            for version in plan.versions
            if version.code == version.old.code and version.kind != "unit_grid"
        ],
        "load": {
            "before": [asdict(load) for load in before[:LOADS_SHOWN]],
            "after": [asdict(load) for load in after[:LOADS_SHOWN]],
        },
        "steps": [{"op": step.op, "made": list(step.made)} for step in plan.steps],
        "result": {
            "type": "FeatureCollection",
            "features": [_feature(unit) for unit in [*begun, *plan.kept]],
        },
    }


_OPEN_CASES = text(
    "SELECT number FROM cases WHERE grid_area_id = ANY(:ids) AND closed_at IS NULL AND state <> 'merged'"
    " ORDER BY number"
)


def _feature(unit: NewUnit | NewVersion) -> dict[str, Any]:
    draft_id = unit.draft_id
    if draft_id is None and isinstance(unit, NewVersion):
        draft_id = unit.old.key
    return {
        "type": "Feature",
        **({} if draft_id is None else {"id": draft_id}),
        "geometry": as_geojson(unit.shape),
        "properties": {
            "code": unit.code,
            "name": unit.name,
            "kind": unit.kind,
            "parent_id": unit.parent_id,
            "area_m2": geodesic_area_m2(unit.shape),
        },
    }


def geodesic_area_m2(shape: Any) -> float:
    """Geodesic area on WGS-84; pyproj takes holes off only when rings are oriented."""
    return round(abs(float(_GEOD.geometry_area_perimeter(shapely.orient_polygons(shape))[0])), 1)


def _loads(
    db: Session, before: Sequence[Unit | NewVersion], after: Sequence[NewUnit | NewVersion]
) -> tuple[list[ZoneLoad], list[ZoneLoad]]:
    """Return the loads of the zones that end and of those that begin; each point is read once."""
    shapes = [unit.shape for unit in [*before, *after]]
    if not shapes:
        return [], []
    box = dict(zip(("west", "south", "east", "north"), map(float, shapely.total_bounds(shapes)), strict=True))
    sites, cases = (_points(db, sql, box) for sql in (_SITE_POINTS, _CASE_POINTS))
    return _load(before, sites, cases), _load(after, sites, cases)


_SITE_POINTS = text(
    "SELECT ST_X(geom), ST_Y(geom) FROM sites WHERE geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)"
)
_CASE_POINTS = text(
    "SELECT ST_X(geom), ST_Y(geom) FROM cases WHERE closed_at IS NULL AND state <> 'merged'"
    " AND geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)"
)


def _points(db: Session, sql: Any, box: dict[str, float]) -> NDArray[np.float64]:
    return np.array([tuple(row) for row in db.execute(sql, box)], dtype=np.float64).reshape(-1, 2)


def _load(
    units: Sequence[Unit | NewUnit | NewVersion], sites: NDArray[np.float64], cases: NDArray[np.float64]
) -> list[ZoneLoad]:
    if not units:
        return []
    cover = AreaCover.build(
        gpd.GeoDataFrame(geometry=gpd.GeoSeries([unit.shape for unit in units], crs=4326))
    )
    where = [cover.locate(points[:, 0], points[:, 1]) for points in (sites, cases)]
    n_sites, n_cases = (np.bincount(found[found >= 0], minlength=len(units)) for found in where)
    return [
        ZoneLoad(unit.code, int(n_sites[i]), int(n_cases[i]), geodesic_area_m2(unit.shape))
        for i, unit in enumerate(units)
    ]
