"""The invariants of a partition, by shapely and by PostGIS apart."""

from __future__ import annotations

import itertools

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import read_areas
from grid.topology.checks import ON_EDGE_DEG

LEVELS = ("unit_grid", "community", "town", "county", "city")
NARROWEST_M = 4.9
"""A zone is at least 5 m wide.

Local metres at its own latitude and those at the town's differ by less than 2 %.
"""

ROUNDING_DEG2 = 1e-14
"""0.0001 m² of land in square degrees at the latitudes of the tests: the last digits of corners."""


def assert_tiles(db: Session, land: shapely.Polygon) -> None:
    """Every level: valid, one part, no overlap, no gap, inside its parent, shared edges identical, no
    sliver.
    """
    for level in LEVELS:
        frame = read_areas(db, kind=level)
        polygons = shapely.get_parts(frame.geometry.to_numpy())
        assert len(polygons) == len(frame), f"{level}: more than one part"
        assert shapely.is_valid(polygons).all()
        assert shapely.coverage_is_valid(polygons), f"{level}: edges are not shared"
        assert shapely.union_all(polygons).symmetric_difference(land).area < 1e-13
        assert abs(shapely.area(polygons).sum() - land.area) < 1e-13
        assert frame["code"].is_unique
        if level == "unit_grid":
            metres = shapely.transform(polygons, lambda c: c * (94_400.0, 111_319.5))
            radii = shapely.length(shapely.maximum_inscribed_circle(metres, tolerance=0.05))
            assert 2 * np.min(radii) > NARROWEST_M
    for child, parent in itertools.pairwise(LEVELS):
        small, large = read_areas(db, kind=child), read_areas(db, kind=parent)
        shape_of = dict(zip(large["id"], large.geometry, strict=True))
        code_of = dict(zip(large["id"], large["code"], strict=True))
        assert set(small["parent_id"]) == set(shape_of), f"{child}: a parent that ended or has no child"
        for row in small.itertuples():
            assert row.geometry.difference(shape_of[row.parent_id]).area < 1e-13
            if child in ("unit_grid", "community", "town") and len(code_of[row.parent_id]) in (6, 9, 12):
                assert row.code.startswith(code_of[row.parent_id])
    _assert_by_postgis(db)


def assert_managed(db: Session) -> None:
    """Responsibility and evaluation grids.

    One part, inside their community, a tiling of the land, made of unit grids.
    """
    units, communities = read_areas(db, kind="unit_grid"), read_areas(db, kind="community").set_index("id")
    land = shapely.union_all(units.geometry.to_numpy())
    for kind in ("responsibility_grid", "evaluation_grid"):
        frame = read_areas(db, kind=kind)
        polygons = shapely.get_parts(frame.geometry.to_numpy())
        assert len(polygons) == len(frame), f"{kind}: more than one part"
        assert shapely.is_valid(polygons).all() and shapely.coverage_is_valid(polygons), kind
        assert shapely.union_all(polygons).symmetric_difference(land).area < 1e-13, kind
        for row in frame.itertuples():
            own = units[units["parent_id"] == row.parent_id].geometry.to_numpy()
            shares = shapely.area(shapely.intersection(own, row.geometry)) / shapely.area(own)
            assert set(np.round(shares, 6)) <= {0.0, 1.0}, f"{row.code} cuts a unit grid"
            outside = row.geometry.difference(communities.loc[row.parent_id].geometry)
            assert outside.area < 1e-13, f"{row.code} leaves its community"
    wrong = db.execute(text(_UNMANAGED)).scalar_one()
    assert wrong == 0, (
        f"{wrong} unit grids do not lie in one responsibility and one evaluation grid (PostGIS)"
    )


_UNMANAGED = """
SELECT count(*) FROM areas u WHERE u.kind = 'unit_grid' AND u.valid_to IS NULL AND 2 <> (
    SELECT count(*) FROM areas m WHERE m.kind IN ('responsibility_grid', 'evaluation_grid') AND m.valid_to IS NULL
    AND m.parent_id = u.parent_id AND ST_Intersects(m.geom, u.label_point))
"""


def _assert_by_postgis(db: Session) -> None:
    bad = db.execute(
        text(
            "WITH u AS (SELECT * FROM areas WHERE valid_to IS NULL AND kind IN ('unit_grid', 'community',"
            " 'town', 'county'))"
            " SELECT (SELECT count(*) FROM u WHERE NOT ST_IsValid(geom) OR ST_NumGeometries(geom) <> 1"
            "    OR NOT ST_Contains(geom, label_point) OR abs(area_m2 - ST_Area(geom::geography)) > 0.01),"
            " (SELECT count(*) FROM u a JOIN u b ON a.id < b.id AND a.kind = b.kind AND a.geom && b.geom"
            "    WHERE ST_Area(ST_Intersection(a.geom, b.geom)::geography) > 0.01),"
            " (SELECT max(ST_Area(ST_SymDifference(p.geom, c.geom)::geography)) FROM areas p JOIN"
            "    (SELECT parent_id, ST_Union(geom) AS geom FROM u GROUP BY parent_id) c ON c.parent_id = p.id),"
            # A vertex on a neighbour's outline is a vertex of the neighbour too.
            " (SELECT count(*) FROM (SELECT kind, id, (ST_DumpPoints(geom)).geom AS p FROM u) v JOIN u n ON"
            " n.kind = v.kind    AND n.id <> v.id AND n.geom && v.p AND ST_DWithin(ST_Boundary(n.geom), v.p,"
            " 1e-10)    WHERE NOT EXISTS (SELECT FROM ST_DumpPoints(n.geom) d WHERE ST_Equals(d.geom, v.p)))"
        )
    ).one()
    assert bad[0] == 0 and bad[1] == 0 and bad[2] < 0.05 and bad[3] == 0, bad


def state(db: Session) -> dict[tuple[str, str], tuple[str, str | None, shapely.Geometry]]:
    """Name, code of the parent and land of all areas that hold now, by kind and code."""
    rows = db.execute(
        text(
            "SELECT a.kind, a.code, a.name, p.code, ST_AsBinary(a.geom) FROM areas a LEFT JOIN areas p"
            " ON p.id = a.parent_id WHERE a.valid_to IS NULL"
        )
    ).all()
    return {
        (kind, code): (name, parent, shapely.from_wkb(bytes(wkb))) for kind, code, name, parent, wkb in rows
    }


def assert_same_state(
    db: Session, before: dict[tuple[str, str], tuple[str, str | None, shapely.Geometry]]
) -> None:
    """The same areas with the same names and parents on the same land; their edges may have more nodes.

    That a corner lies on an edge of a larger area is true to ``ON_EDGE_DEG`` (0.1 mm), and no more.
    """
    now = state(db)
    assert now.keys() == before.keys()
    for key, (name, parent, land) in before.items():
        assert now[key][:2] == (name, parent), key
        if key[0] in LEVELS:
            moved_deg2 = now[key][2].symmetric_difference(land).area
            assert moved_deg2 < (1e-15 if key[0] == "unit_grid" else ROUNDING_DEG2), key
        else:
            strip = now[key][2].symmetric_difference(land)
            assert strip.area <= ON_EDGE_DEG * land.length / 2, key


def assert_history(db: Session, land: shapely.Geometry) -> None:
    """At every moment each level covers the land once.

    Versions follow each other without a gap, each by a row.
    """
    per_moment = db.execute(
        text(
            "SELECT m.at, a.kind, sum(ST_Area(a.geom)) FROM (SELECT DISTINCT valid_from AS at FROM areas) m"
            " JOIN areas a ON a.valid_from <= m.at AND (a.valid_to IS NULL OR a.valid_to > m.at)"
            " WHERE a.kind = ANY(:levels) GROUP BY 1, 2"
        ),
        {"levels": list(LEVELS)},
    ).all()
    for at, kind, area in per_moment:
        assert abs(area - land.area) < 1e-12, (at, kind)
    counted = db.execute(text(_HISTORY), {"levels": list(LEVELS)}).one()
    assert counted == (0, 0, 0, 0), counted


_HISTORY = """
SELECT (SELECT count(*) FROM areas WHERE valid_to <= valid_from),
       (SELECT count(*) FROM areas a JOIN areas b ON a.id < b.id AND a.code = b.code AND a.kind = b.kind
        AND tstzrange(a.valid_from, a.valid_to) && tstzrange(b.valid_from, b.valid_to)),
       (SELECT count(*) FROM areas a WHERE a.kind = ANY(:levels) AND a.valid_to IS NOT NULL AND NOT EXISTS (
            SELECT FROM area_successions s JOIN areas n ON n.id = s.successor_id
            WHERE s.predecessor_id = a.id AND n.valid_from = a.valid_to)),
       (SELECT count(*) FROM areas a WHERE a.kind = ANY(:levels) AND a.change_set_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM area_successions s JOIN areas f ON f.id = s.predecessor_id
            WHERE s.successor_id = a.id AND f.valid_to = a.valid_from))
"""
