"""The SQL rule of ownership, the array index and rational numbers give one answer."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import AreaCover, locate_fixes
from grid.responsibility.locating import locate_point
from layers.records.enterprises import write_enterprises, write_sites
from tests.support import square_town
from tests.support.exact_ownership import owner
from tests.support.long_runs import examples
from tests.support.square_town import NOW

BESIDE_DEG = 1e-9
"""About 0.1 mm."""
EXAMPLES = examples(30, suppress_health_check=[HealthCheck.function_scoped_fixture])

_ASK = text("""
WITH area AS (SELECT n, ST_GeomFromWKB(wkb, 4326) AS geom
              FROM unnest(CAST(:numbers AS int[]), CAST(:shapes AS bytea[])) AS s(n, wkb))
SELECT COALESCE((SELECT a.n FROM area a, LATERAL ownership(a.geom, p.place) AS rule
                 WHERE rule > 0 ORDER BY rule DESC, a.n LIMIT 1), -1)
FROM (SELECT ord, ST_SetSRID(ST_MakePoint(x, y), 4326) AS place
      FROM unnest(CAST(:x AS float8[]), CAST(:y AS float8[])) WITH ORDINALITY AS u(x, y, ord)) p ORDER BY p.ord
""")


def by_sql(db: Session, shapes: list[Any], points: np.ndarray) -> list[int]:
    values = {
        "numbers": list(range(len(shapes))),
        "shapes": [shapely.to_wkb(shape) for shape in shapes],
        "x": points[:, 0].tolist(),
        "y": points[:, 1].tolist(),
    }
    return list(db.scalars(_ASK, values))


def tessellation(seed: int, n: int) -> list[Any]:
    """Cells of a box of one tenth of a degree; their common edges have the same nodes."""
    rng = np.random.default_rng(seed)
    box = shapely.box(120.8, 31.9, 120.9, 32.0)
    nodes = shapely.MultiPoint(rng.uniform((120.8, 31.9), (120.9, 32.0), (n, 2)))
    cells = [cell.intersection(box) for cell in shapely.voronoi_polygons(nodes, extend_to=box).geoms]
    return [cell for cell in cells if cell.geom_type == "Polygon" and cell.area > 1e-12]


def places_at_edges(shapes: list[Any], rng: np.random.Generator, n: int) -> np.ndarray:
    """Corners, points computed on edges, and points 0.1 mm beside both."""
    picked = []
    for shape in rng.choice(np.array(shapes, dtype=object), n):
        ring = shapely.get_coordinates(shapely.get_rings(shape)[0])
        k = int(rng.integers(len(ring) - 1))
        share = rng.choice([0.0, 0.5, float(rng.random())])
        point = ring[k] + share * (ring[k + 1] - ring[k])
        picked.append(point + rng.choice([-1, 0, 0, 1], 2) * BESIDE_DEG)
    return np.array(picked)


@EXAMPLES
@given(seed=st.integers(0, 100_000), n=st.integers(2, 40))
def test_sql_array_index_and_rational_numbers_agree(db: Session, seed: int, n: int) -> None:
    shapes = tessellation(seed, n)
    points = places_at_edges(shapes, np.random.default_rng(seed), 60)
    index = AreaCover.build(gpd.GeoDataFrame(geometry=shapes, crs=4326)).locate(points[:, 0], points[:, 1])
    exact = [owner(shapes, *point) for point in points.tolist()]
    assert index.tolist() == exact
    assert by_sql(db, shapes, points) == exact


@EXAMPLES
@given(
    corners=st.lists(
        st.tuples(st.floats(-90, 90, width=32), st.floats(-40, 40, width=32)),
        min_size=3,
        max_size=3,
        unique=True,
    ),
    shares=st.lists(st.tuples(st.integers(0, 2), st.floats(0, 1)), min_size=1, max_size=20),
)
def test_sql_is_exact_on_edges_across_zero(
    db: Session, corners: list[tuple[float, float]], shares: list[tuple[int, float]]
) -> None:
    """Differences are rounded where coordinates change their sign."""
    triangle = shapely.Polygon(corners)
    if not triangle.is_valid or triangle.area < 1e-3:
        return
    ends = [(np.array(corners[k]), np.array(corners[(k + 1) % 3])) for k in range(3)]
    points = np.array([ends[k][0] + share * (ends[k][1] - ends[k][0]) for k, share in shares])
    assert by_sql(db, [triangle], points) == [owner([triangle], *point) for point in points.tolist()]


@pytest.mark.parametrize("value", [0.0, 0.1, -0.1, 120.123456789012345, -179.99999999999997, 5e-324, 1 / 3])
def test_a_double_becomes_a_numeric_without_rounding(db: Session, value: float) -> None:
    from decimal import Decimal

    assert db.scalar(text("SELECT exact_numeric(CAST(:value AS float8))"), {"value": value}) == Decimal(value)


@pytest.fixture
def border(db: Session) -> tuple[float, float]:
    """A point exactly on the border of the two towns of squares, which is also one of communities and of
    grids.
    """
    square_town.insert_town(db)
    return square_town.x(2), square_town.y(1.5)


def owner_codes(db: Session, lon: float, lat: float) -> list[str | None]:
    ask = text(
        "SELECT (SELECT code FROM areas WHERE id = owning_area(place, kinds)) FROM"
        " (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS place) p,"
        " (VALUES (ARRAY['unit_grid']), (ARRAY['community', 'town', 'county', 'city']), (ARRAY['town']))"
        " k(kinds)"
    )
    return list(db.scalars(ask, {"lon": lon, "lat": lat}))


def test_the_eastern_town_owns_the_common_border(db: Session, border: tuple[float, float]) -> None:
    """A town owns its western edge: by hand, the town of columns 2 and 3."""
    assert owner_codes(db, *border) == ["320601002001003", "320601002001", "320601002"]
    west, east = (border[0] - BESIDE_DEG, border[1]), (border[0] + BESIDE_DEG, border[1])
    assert owner_codes(db, *west) == ["320601001001004", "320601001001", "320601001"]
    assert owner_codes(db, *east) == ["320601002001003", "320601002001", "320601002"]


def test_a_point_on_the_border_is_in_one_town_whatever_it_is(
    db: Session, border: tuple[float, float]
) -> None:
    """As a site, a stay, a fix, a case.

    Sites and stays had the lower code, fixes and cases the half-open rule.
    """
    frame = pl.DataFrame({"lon": [border[0]], "lat": [border[1]]})
    fix = locate_fixes(db, frame)["area_id"].item()
    case = locate_point(db, *border, NOW).areas.hierarchy["community"].id
    rows = pl.DataFrame(
        {
            "site_id": ["S1"], "uscc": ["91320600MA1N0A2X3K"], "kind": ["production"], "lon": [border[0]],
            "lat": [border[1]], "boundary": [None], "h3_9": [1], "h3_10": [1], "address": [None],
        },
        schema_overrides={"boundary": pl.Utf8, "address": pl.Utf8},
    )  # fmt: skip
    enterprise = pl.DataFrame(
        {
            "uscc": ["91320600MA1N0A2X3K"], "name": ["甲"], "industry": ["化工"], "hazard": ["chemical"],
            "status": ["closed"], "status_since": [None],
        },
        schema_overrides={"status_since": pl.Date},
    )  # fmt: skip
    write_enterprises(db, enterprise)
    write_sites(db, rows)
    site = db.scalar(text("SELECT area_id FROM sites WHERE site_id = 'S1'"))
    codes = {db.scalar(text("SELECT code FROM areas WHERE id = :id"), {"id": n}) for n in (fix, case, site)}
    assert codes == {"320601002001"}
