"""Polygons that a tile holds whole, and what sites show of their enterprise.

As the plain functions of PostGIS and a join tell.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.collections import COLLECTIONS, WORLD_WIDTH_M, Selection, tiles
from layers.collections.tiles import EXACT_ZOOM, _encoded_features
from tests.support.small_town import seed_town
from tests.support.tiles import tile_of

LON, LAT = 120.3, 31.2


def add_area(db: Session, name: str, wkt: str) -> None:
    db.execute(
        text(
            "INSERT INTO areas (code, name, kind, valid_from, geom, label_point, area_m2) SELECT :name,"
            " :name, 'water', '2020-01-01', ST_Multi(g), ST_PointOnSurface(g), ST_Area(g::geography) FROM"
            " ST_GeomFromText(:wkt, 4326) AS g"
        ),
        {"name": name, "wkt": wkt},
    )


@pytest.fixture
def shapes(db: Session) -> Session:
    """Circles, thin and wavy areas, one with a hole, one of two parts, both directions of rings."""
    seed_town(db)
    here = shapely.Point(LON, LAT)
    for number, radius in enumerate((0.0002, 0.002, 0.01, 0.05)):
        ring = here.buffer(radius, 64)
        add_area(db, f"circle {number}", ring.wkt)
        add_area(db, f"ring {number}", ring.difference(here.buffer(radius / 2, 64)).wkt)
    wave = [(LON + i / 2_000, LAT + 0.003 * math.sin(i * 1.7)) for i in range(120)]
    thin = shapely.LineString(wave).buffer(0.00005)
    add_area(db, "thin", thin.wkt)
    add_area(db, "turned", shapely.Polygon(here.buffer(0.02, 40).exterior.coords[::-1]).wkt)
    add_area(db, "straight", here.buffer(0.02, 40).normalize().wkt)
    parts = shapely.MultiPolygon([here.buffer(0.003), shapely.Point(LON + 0.02, LAT).buffer(0.004)])
    add_area(db, "two parts", parts.wkt)
    comb = [(LON + i * 0.00002, LAT + (0.004 if i % 2 else 0.0)) for i in range(200)]
    add_area(
        db, "comb", shapely.Polygon([*comb, (LON + 0.004, LAT - 0.001), (LON, LAT - 0.001)]).buffer(0).wkt
    )
    return db


def drawn(db: Session, tile: tuple[int, int, int]) -> dict[str, tuple[Any, Any, bool]]:
    """By name: the geometry in the tile, what ST_AsMVTGeom makes of the simplified area, and whether it
    is whole.
    """
    hits = _encoded_features(COLLECTIONS["areas"], Selection(values={"kind": ["water"]}), tile, 1_000)
    compiled = hits.element.compile(dialect=db.connection().dialect, compile_kwargs={"literal_binds": False})
    rows = db.connection().exec_driver_sql(f"SELECT name, geom FROM ({compiled}) AS hits", compiled.params)
    ours = {name: None if shape is None else shapely.from_wkb(bytes(shape)) for name, shape in rows}
    tolerance_m = WORLD_WIDTH_M / 2 ** tile[0] / 4096 * 4
    plain = db.execute(
        text(
            "SELECT name, ST_AsBinary(ST_AsMVTGeom(CASE WHEN :z < :exact THEN ST_Simplify(geom_3857,"
            " :tolerance, true) ELSE geom_3857 END, ST_TileEnvelope(:z, :x, :y)::box2d, 4096, 64, true)),"
            " geom_3857 @ ST_TileEnvelope(:z, :x, :y, margin => 0.015625) AND :z < :exact AND (tile_zooms >>"
            " :z) & 1 = 1 FROM areas WHERE kind = 'water' AND geom_3857 && ST_TileEnvelope(:z, :x, :y, margin"
            " => 0.015625)"
        ),
        {"z": tile[0], "x": tile[1], "y": tile[2], "tolerance": tolerance_m, "exact": EXACT_ZOOM},
    )
    theirs = {name: (None if s is None else shapely.from_wkb(bytes(s)), whole) for name, s, whole in plain}
    assert set(ours) == set(theirs)
    return {name: (ours[name], *theirs[name]) for name in ours}


@pytest.mark.parametrize("zoom", range(5, 17))
def test_whole_polygons_are_what_the_repairing_function_makes(shapes: Session, zoom: int) -> None:
    _, column, row = tile_of(LON, LAT, zoom)
    found = drawn(shapes, (zoom, column, row))
    assert found or zoom > 14
    for name, (ours, theirs, whole) in found.items():
        assert (ours is None) == (theirs is None), (name, whole)
        if ours is None:
            continue
        assert ours.is_valid and not ours.is_empty and ours.geom_type in ("Polygon", "MultiPolygon"), name
        assert shapely.hausdorff_distance(ours, theirs) <= 1.0, (name, whole)
        assert abs(ours.area - theirs.area) <= max(1.0, theirs.length), (name, whole)
        assert _turns(ours) == _turns(theirs), "outer rings turn one way, holes the other"


def _turns(shape: Any) -> set[tuple[str, bool]]:
    polygons = shape.geoms if shape.geom_type == "MultiPolygon" else [shape]
    outer = {("outer", p.exterior.is_ccw) for p in polygons}
    return outer | {("hole", hole.is_ccw) for p in polygons for hole in p.interiors}


def test_some_are_whole_and_some_must_be_repaired(shapes: Session) -> None:
    """Else the test above would compare a function with itself."""
    whole = [w for z in range(8, 15) for _, _, w in drawn(shapes, tile_of(LON, LAT, z)).values()]
    assert whole.count(True) > 10 and whole.count(False) > 10
    rows = shapes.execute(text("SELECT name, tile_zooms FROM areas WHERE kind = 'water'"))
    bits: dict[str, int] = {name: zooms for name, zooms in rows}
    assert bits["circle 3"] >> 8 == 2**7 - 1, "a circle of 5 km is valid from zoom 8 on"
    assert bits["circle 0"] & 1 == 0, "nothing of a size is left of it on the map of the world"


def test_the_limits_are_those_of_the_migration() -> None:
    assert (tiles.EXTENT, tiles.HALF_PIXEL, tiles.EXACT_ZOOM, tiles.WORLD_WIDTH_M) == (
        4096,
        4,
        15,
        40075016.685578488,
    )


def copies(db: Session) -> list[Any]:
    return list(
        db.execute(
            text(
                "SELECT s.site_id, s.enterprise_name, s.hazard, s.status FROM sites s JOIN enterprises e ON"
                " e.id = s.enterprise_id"
                " WHERE (s.enterprise_name, s.hazard, s.status) IS DISTINCT FROM (e.name, e.hazard, e.status)"
            )
        )
    )


def test_sites_show_their_enterprise_whoever_changes_what(db: Session) -> None:
    seed_town(db)
    assert db.scalar(text("SELECT count(enterprise_name) FROM sites")) and copies(db) == []
    for statement in (
        "UPDATE enterprises SET name = name || ' new', hazard = 'major'",
        "UPDATE enterprises SET status = 'closed' WHERE id = (SELECT min(id) FROM enterprises)",
        "UPDATE sites SET enterprise_id = (SELECT max(id) FROM enterprises)",
        "UPDATE sites SET enterprise_name = 'somebody else', hazard = NULL",
        "INSERT INTO sites (site_id, enterprise_id, kind, geom, h3_9, h3_10, enterprise_name) SELECT 'S-new',"
        " min(id), 'sales', ST_SetSRID(ST_MakePoint(120.1, 31.2), 4326), 0, 0, 'invented' FROM enterprises",
    ):
        db.execute(text(statement))
        assert copies(db) == [], statement
    shown = db.scalar(text("SELECT enterprise_name FROM sites WHERE site_id = 'S-new'"))
    assert shown == db.scalar(text("SELECT name FROM enterprises ORDER BY id LIMIT 1"))
