"""Preview of a plan, its locks, and writing it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import Geod
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from grid.cover import AreaCover
from grid.edit_plan import NewUnit, Plan, check, current_units, neighbours, with_nodes
from grid.errors import EditConflict
from grid.topology import Unit, as_geojson, insert_nodes, local_area_m2
from layers.tables import Area, AreaSuccession

_GEOD = Geod(ellps="WGS84")


def lock_communities(db: Session, unit_ids: Sequence[int]) -> None:
    """Wait for and take the locks of the communities of these units and of their neighbours, in order."""
    ids = db.scalars(
        text(
            "SELECT DISTINCT n.parent_id FROM areas u JOIN areas n ON n.kind = 'unit_grid' AND n.valid_to IS NULL"
            " AND n.geom && ST_Expand(u.geom, 1e-7) WHERE u.id = ANY(:ids) AND n.parent_id IS NOT NULL"
            " UNION SELECT parent_id FROM areas WHERE id = ANY(:ids) AND parent_id IS NOT NULL ORDER BY 1"
        ),
        {"ids": list(unit_ids)},
    ).all()
    for community_id in ids:
        db.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
            {"name": f"partition:{community_id}"},
        )


def later_than(db: Session, plan: Plan) -> dt.datetime:
    """The moment of the change: now, and after the beginning of every version that it ends."""
    ids = [unit.key for unit in plan.removed]
    latest = db.scalar(select(func.max(Area.valid_from)).where(Area.id.in_(ids)))
    now = dt.datetime.now(dt.UTC)
    return now if latest is None or latest < now else latest + dt.timedelta(microseconds=1)


def area_m2(shape: Any) -> float:
    """Geodesic area on WGS-84."""
    return abs(float(_GEOD.geometry_area_perimeter(shape)[0]))


def preview(db: Session, plan: Plan) -> dict[str, Any]:
    """What the plan would do, for people."""
    ids = [unit.key for unit in plan.removed]
    cases = db.scalars(
        text("SELECT number FROM cases WHERE grid_area_id = ANY(:ids) AND closed_at IS NULL ORDER BY number"),
        {"ids": ids},
    ).all()
    before, after = _load(db, plan.removed), _load(db, plan.added)
    return {
        "affected_sites": sum(entry["sites"] for entry in before),
        "open_cases": list(cases),
        "new_codes": [unit.code for unit in plan.added],
        "voided_codes": [unit.code for unit in plan.removed],
        "noded": [unit.code for unit in plan.noded],
        "load": {"before": before, "after": after},
        "result": {"type": "FeatureCollection", "features": [_feature(unit) for unit in plan.added]},
    }


def _feature(unit: NewUnit) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": as_geojson(unit.shape),
        "properties": {
            "code": unit.code,
            "name": unit.name,
            "kind": "unit_grid",
            "area_m2": round(area_m2(unit.shape), 1),
        },
    }


def _load(db: Session, units: Sequence[Unit | NewUnit]) -> list[dict[str, Any]]:
    """Sites, open cases and area of each zone, by place."""
    shapes = [unit.shape for unit in units]
    cover = AreaCover.build(gpd.GeoDataFrame(geometry=gpd.GeoSeries(shapes, crs=4326)))
    box = dict(zip(("west", "south", "east", "north"), map(float, shapely.total_bounds(shapes)), strict=True))
    sites = _count(db, cover, _SITE_POINTS, box)
    cases = _count(db, cover, _CASE_POINTS, box)
    return [
        {
            "code": unit.code,
            "sites": int(sites[i]),
            "cases": int(cases[i]),
            "area_m2": round(area_m2(unit.shape), 1),
        }
        for i, unit in enumerate(units)
    ]


_SITE_POINTS = "SELECT ST_X(geom), ST_Y(geom) FROM sites WHERE geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)"
_CASE_POINTS = (
    "SELECT ST_X(geom), ST_Y(geom) FROM cases WHERE closed_at IS NULL"
    " AND geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)"
)


def _count(db: Session, cover: AreaCover, sql: str, box: dict[str, float]) -> Any:
    points = np.array([tuple(row) for row in db.execute(text(sql), box)], dtype=np.float64).reshape(-1, 2)
    where = cover.locate(points[:, 0], points[:, 1])
    return np.bincount(where[where >= 0], minlength=cover.n_areas)


def write(db: Session, plan: Plan, change_set_id: int, now: dt.datetime) -> dict[str, Any]:
    """End, begin and link the zones of a plan; returns what happened, for the change set's ``result``."""
    for unit in plan.removed:
        db.execute(
            text("UPDATE areas SET valid_to = :now, void_reason = :reason WHERE id = :id"),
            {"now": now, "reason": f"{plan.reasons[unit.key]} (change set {change_set_id})", "id": unit.key},
        )
    for unit in plan.noded:
        db.execute(
            text("UPDATE areas SET geom = ST_Multi(ST_GeomFromWKB(:wkb, 4326)) WHERE id = :id"),
            {"wkb": shapely.to_wkb(unit.shape), "id": unit.key},
        )
    created = []
    for new in plan.added:
        new_id = _insert(db, new, change_set_id, now)
        created.append({"id": new_id, "code": new.code, "name": new.name})
        db.add_all(
            AreaSuccession(predecessor_id=old, successor_id=new_id, change_set_id=change_set_id)
            for old in new.predecessors
        )
    db.flush()
    db.expire_all()
    return {
        "created": created,
        "voided": [{"id": unit.key, "code": unit.code, "name": unit.name} for unit in plan.removed],
        "noded": [unit.code for unit in plan.noded],
        "new_codes": [unit.code for unit in plan.added],
        "voided_codes": [unit.code for unit in plan.removed],
    }


_INSERT = text(
    "INSERT INTO areas (code, name, kind, parent_id, valid_from, geom, label_point, area_m2, indicative, change_set_id)"
    " SELECT :code, :name, 'unit_grid', :parent, :now, ST_Multi(g), ST_PointOnSurface(g), ST_Area(g::geography),"
    " COALESCE((SELECT bool_or(indicative) FROM areas WHERE id = ANY(:predecessors)), false), :change_set"
    " FROM ST_GeomFromWKB(:wkb, 4326) g RETURNING id"
)


def _insert(db: Session, new: NewUnit, change_set_id: int, now: dt.datetime) -> int:
    values = {
        "code": new.code,
        "name": new.name,
        "parent": new.community_id,
        "now": now,
        "predecessors": list(new.predecessors),
        "change_set": change_set_id,
        "wkb": shapely.to_wkb(new.shape),
    }
    return int(db.execute(_INSERT, values).scalar_one())


def reverse_plan(db: Session, created: list[int], voided: list[int]) -> Plan:
    """The plan that brings ended zones back in the place of those that followed them.

    Their old outlines get every node that neighbours have received on them since.

    Raises
    ------
    EditConflict
        One of the followers has ended, or a former code is in use.
    TopologyFault
    """
    units = current_units(db, created)
    removed = [units[key] for key in created]
    rows = db.execute(
        select(Area.id, Area.code, Area.name, Area.parent_id, func.ST_AsBinary(Area.geom)).where(
            Area.id.in_(voided)
        )
    ).all()
    in_use = db.scalars(
        select(Area.code).where(
            Area.kind == "unit_grid", Area.code.in_([row[1] for row in rows]), Area.valid_to.is_(None)
        )
    ).all()
    if in_use:
        raise EditConflict(
            f"codes in use again: {', '.join(in_use)}", f"编码已被使用：{'、'.join(in_use)}", list(in_use)
        )
    around = neighbours(db, removed)
    plan = Plan(removed=removed, reasons={unit.key: "撤销 undo" for unit in removed})
    nodes = shapely.get_coordinates([unit.shape for unit in [*around, *removed]])
    for row in sorted(rows, key=lambda row: str(row[1])):
        shape = insert_nodes(shapely.from_wkb(bytes(row[4])), nodes)
        parts = shapely.get_parts(shape)
        shape = parts[0] if len(parts) == 1 else shape
        follows = tuple(unit.key for unit in removed if local_area_m2(unit.shape.intersection(shape)) > 1.0)
        plan.added.append(NewUnit(row[1], row[2], row[3], shape, follows, "撤销 undo"))
    outlines = shapely.get_coordinates([unit.shape for unit in plan.added])
    plan.noded = with_nodes(around, outlines)
    plan.scope_area_id = removed[0].community_id
    check(db, plan, around)
    return plan
