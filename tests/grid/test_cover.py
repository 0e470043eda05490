from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from grid.areas import AreaCover
from grid.errors import GridError
from tests.support.exact_ownership import owner
from tests.support.long_runs import examples
from tests.support.square_town import square, x, y


def frame(*shapes: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=gpd.GeoSeries(list(shapes), crs=4326))


def squares() -> gpd.GeoDataFrame:
    """Position of column c, row r is 4 * c + r."""
    return frame(*(square(c, r, c + 1, r + 1) for c in range(4) for r in range(4)))


def test_edges_and_corners_have_one_owner() -> None:
    cover = AreaCover.build(squares())
    for c in range(4):
        for r in range(4):
            lon = [x(c), x(c + 0.5), x(c), x(c + 0.5)]
            lat = [y(r), y(r), y(r + 0.5), y(r + 0.5)]
            assert cover.locate(lon, lat).tolist() == [4 * c + r] * 4
    # Nobody owns the eastern and northern outline by its half-open edges: the first that touches it does.
    assert cover.locate([x(4), x(2), x(4)], [y(2), y(4), y(4)]).tolist() == [13, 7, 15]
    beside = 1e-9
    assert cover.locate([x(4) + beside, x(2)], [y(2), y(4) + beside]).tolist() == [-1, -1]


def test_outside_nan_and_infinity() -> None:
    cover = AreaCover.build(squares())
    lon = [0.0, np.nan, x(1), np.inf, -np.inf, 1e300, x(-1)]
    lat = [0.0, y(1), np.nan, y(1), np.inf, -1e300, y(1)]
    assert cover.locate(lon, lat).tolist() == [-1] * 7


def test_holes_and_parts() -> None:
    ring = shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(3, 3), (6, 3), (6, 6), (3, 6)]])
    parts = shapely.MultiPolygon([shapely.box(20, 0, 21, 1), shapely.box(22, 0, 23, 1)])
    cover = AreaCover.build(frame(ring, parts))
    lon, lat = [1, 4.5, 3.0, 6.0, 20.5, 21.5, 22.5, 4.5], [1, 4.5, 4.5, 4.5, 0.5, 0.5, 0.5, 7]
    # Nobody lies in the hole, so that its whole edge belongs to the ring.
    assert cover.locate(lon, lat).tolist() == [0, -1, 0, 0, 1, -1, 1, 0]


def test_overlap_goes_to_the_first() -> None:
    cover = AreaCover.build(frame(shapely.box(2, 2, 4, 4), shapely.box(0, 0, 6, 6), shapely.box(1, 1, 5, 5)))
    assert cover.locate([3, 1.5, 0.5, 5.5], [3, 1.5, 0.5, 5.5]).tolist() == [0, 1, 1, 1]


def test_rows_without_an_area_own_nothing_and_keep_the_positions() -> None:
    cover = AreaCover.build(frame(None, shapely.Polygon(), shapely.Point(0.5, 0.5), shapely.box(0, 0, 1, 1)))
    assert cover.locate([0.5], [0.5]).tolist() == [3]
    assert AreaCover.build(frame()).locate([0.5, 1], [0.5, 1]).tolist() == [-1, -1]
    assert AreaCover.build(squares()).locate([], []).shape == (0,)


def test_shape_is_kept() -> None:
    assert AreaCover.build(squares()).locate(np.full((2, 3), x(0.5)), y(0.5)).tolist() == [
        [0, 0, 0],
        [0, 0, 0],
    ]


def test_wrong_crs_and_infinite_vertex_are_refused() -> None:
    with pytest.raises(GridError, match="4326"):
        AreaCover.build(squares().to_crs(4549))
    with pytest.raises(GridError, match="finite"):
        AreaCover.build(frame(shapely.Polygon([(0, 0), (np.inf, 0), (1, 1)])))


def test_threads_give_the_same_answer() -> None:
    cover = AreaCover.build(squares())
    rng = np.random.default_rng(4)
    lon, lat = rng.uniform(x(0), x(4), 900_000), rng.uniform(y(0), y(4), 900_000)
    expected = np.floor((lon - 120.8) / 0.001) * 4 + np.floor((lat - 32.0) / 0.001)
    assert (cover.locate(lon, lat) == expected).mean() > 0.999999


def _voronoi(seed: int, n: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    points = shapely.MultiPoint(rng.uniform((120, 31), (122, 33), (n, 2)))
    cells = shapely.voronoi_polygons(points, extend_to=shapely.box(120, 31, 122, 33))
    return np.array([g for g in cells.geoms])


@examples(25)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 120))
def test_any_tessellation_against_shapely(seed: int, n: int) -> None:
    """Random points: what shapely says.

    Vertices and points on edges: exactly one owner, and one that touches it.
    """
    shapes = _voronoi(seed, n)
    cover = AreaCover.build(frame(*shapes))
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(120, 122, 300), rng.uniform(31, 33, 300)
    located = cover.locate(lon, lat)
    tree = shapely.STRtree(shapes)
    point, zone = tree.query(shapely.points(lon, lat), predicate="within")
    assert (located[point] == zone).all()

    core = shapely.box(120, 31, 122, 33)
    vertices = np.unique(shapely.get_coordinates(shapes), axis=0)
    edges = shapely.get_coordinates(shapes[0])
    between = (edges[1:] + edges[:-1]) / 2
    special = np.vstack([vertices, between])
    special = special[shapely.contains_xy(core, special)]
    found = cover.locate(special[:, 0], special[:, 1])
    assert (found >= 0).all()
    assert (shapely.distance(shapes[found], shapely.points(special)) < 1e-12).all()
    assert [owner(shapes, *point) for point in special[:20].tolist()] == found[:20].tolist()
    # The mirrored order of the areas asks the same polygons in another order: the owner stays.
    mirrored = AreaCover.build(frame(*shapes[::-1])).locate(special[:, 0], special[:, 1])
    assert (len(shapes) - 1 - mirrored == found).all()


@examples(60)
@given(
    corners=st.lists(
        st.tuples(st.floats(-90, 90, width=32), st.floats(-40, 40, width=32)),
        min_size=3,
        max_size=3,
        unique=True,
    ),
    shares=st.lists(st.tuples(st.integers(0, 2), st.floats(0, 1)), min_size=1, max_size=20),
)
def test_points_computed_on_long_edges_are_decided_exactly(
    corners: list[tuple[float, float]], shares: list[tuple[int, float]]
) -> None:
    """Where coordinates change their sign along an edge, differences are rounded.

    Rational numbers say what is right.
    """
    triangle = shapely.Polygon(corners)
    assume(triangle.is_valid and triangle.area > 1e-3)
    ends = [(np.array(corners[k]), np.array(corners[(k + 1) % 3])) for k in range(3)]
    points = np.array([ends[k][0] + share * (ends[k][1] - ends[k][0]) for k, share in shares])
    found = AreaCover.build(gpd.GeoDataFrame(geometry=[triangle])).locate(points[:, 0], points[:, 1])
    assert found.tolist() == [owner([triangle], x, y) for x, y in points.tolist()]
