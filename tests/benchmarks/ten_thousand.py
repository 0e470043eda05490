"""A partition of 10,000 unit grids (Voronoi, shared edges) in 100 communities of 10 towns, with 2,000
lines of the duty list.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.postgres import copy_frame

BOX = (120.2, 31.68, 121.93, 32.72)
SIDE = 10


def insert_partition(db: Session, n: int = 10_000, seed: int = 1, towns: int = SIDE) -> int:
    """Write the areas; the number of unit grids."""
    cell = np.array([(BOX[2] - BOX[0]) / SIDE, (BOX[3] - BOX[1]) / towns])
    _insert(db, "320600", "city", None, shapely.box(*BOX))
    _insert(db, "320601", "county", "320600", shapely.box(*BOX))
    for row in range(towns):
        south = BOX[1] + row * cell[1]
        town = f"3206010{row + 1:02d}"
        _insert(db, town, "town", "320601", shapely.box(BOX[0], south, BOX[2], south + cell[1]))
    rng = np.random.default_rng(seed)
    units = []
    for row in range(towns):
        for column in range(SIDE):
            code = f"3206010{row + 1:02d}{column + 1:03d}"
            west, south = BOX[0] + column * cell[0], BOX[1] + row * cell[1]
            shape = shapely.box(west, south, west + cell[0], south + cell[1])
            _insert(db, code, "community", code[:9], shape)
            points = shapely.MultiPoint(
                rng.uniform((west, south), (west + cell[0], south + cell[1]), (n // (SIDE * towns), 2))
            )
            zones = shapely.voronoi_polygons(points, extend_to=shape)
            inside = shapely.intersection(list(zones.geoms), shape)
            units += [(f"{code}{i + 1:03d}", code, zone.wkb_hex) for i, zone in enumerate(inside)]
    frame = pl.DataFrame(units, schema=["code", "parent", "geom"], orient="row")
    copy_frame(db, frame, "bench_units", {"code": "text", "parent": "text", "geom": "geometry"})
    db.execute(
        text(
            "INSERT INTO areas (code, name, kind, parent_id, valid_from, geom, label_point, area_m2)"
            " SELECT b.code, b.code, 'unit_grid', p.id, '2020-01-01Z', ST_Multi(g), ST_PointOnSurface(g),"
            " ST_Area(g::geography)"
            " FROM bench_units b JOIN areas p ON p.code = b.parent, ST_SetSRID(b.geom, 4326) g"
        )
    )
    db.execute(text("ANALYZE areas"))
    return len(units)


def _insert(db: Session, code: str, kind: str, parent: str | None, shape: shapely.Polygon) -> None:
    db.execute(
        text(
            "INSERT INTO areas (code, name, kind, parent_id, valid_from, geom, label_point, area_m2)"
            " SELECT :code, :code, :kind, (SELECT id FROM areas WHERE code = :parent), '2020-01-01Z',"
            " ST_Multi(g), ST_PointOnSurface(g), ST_Area(g::geography) FROM ST_GeomFromWKB(:wkb, 4326) g"
        ),
        {"code": code, "kind": kind, "parent": parent, "wkb": shapely.to_wkb(shape)},
    )


def insert_duties(db: Session, items: int = 2_000) -> None:
    """Items of the county with two joint bodies in ten, of a town in ten, and of the city.

    The item codes are I-0 …
    """
    db.execute(
        text(
            "INSERT INTO duty_items (item_code, item, domain, legal_basis, kind, body, level, area_code,"
            " role, valid_from) SELECT 'I-' || i, 'item ' || i, 'market', 'law', '处罚', b.body, b.level,"
            " b.area, b.role, '2020-01-01' FROM generate_series(0, :n - 1) i CROSS JOIN (VALUES ('county"
            " body', 'county', '320601', 'lead', 1),  ('joint body', 'county', '320601', 'joint', 10), ('city"
            " body', 'city', '320600', 'lead', 1),  ('town body', 'town', '320601001', 'lead', 10)) b(body,"
            " level, area, role, every) WHERE i % b.every = 0"
        ),
        {"n": items},
    )
    db.execute(text("ANALYZE duty_items"))
