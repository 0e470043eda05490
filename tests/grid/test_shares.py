"""Shares of lines and polygons in zones, compared with geodesic measures of another library."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from grid.responsibility.shares import shares_in_zones
from tests.support.long_runs import examples

GEOD = pyproj.Geod(ellps="GRS80")
SQUARES = [shapely.box(120 + i, 31 + j, 121 + i, 32 + j) for i, j in itertools.product(range(3), range(2))]
WHOLE = shapely.union_all(SQUARES)
ELSEWHERE = shapely.box(110, 25, 135, 40) - WHOLE


def geodesic_area(shape: Any) -> float:
    return abs(float(GEOD.geometry_area_perimeter(shapely.segmentize(shape, 0.05))[0]))


coordinate = st.tuples(st.floats(117, 126), st.floats(29, 35))


@st.composite
def polygons(draw: st.DrawFn) -> Any:
    hull = shapely.MultiPoint(draw(st.lists(coordinate, min_size=3, max_size=8, unique=True))).convex_hull
    return hull.buffer(0.01)


@st.composite
def lines(draw: st.DrawFn) -> Any:
    points = draw(st.lists(coordinate, min_size=2, max_size=8, unique=True))
    grid = [(round(x), round(y)) for x, y in draw(st.lists(coordinate, max_size=4))]  # along common edges
    return shapely.LineString(points + grid)


@given(shape=polygons())
@examples(60)
def test_shares_of_a_polygon_and_the_outside_add_up_and_are_those_of_the_geodesic_areas(shape: Any) -> None:
    shares = shares_in_zones(shape, [*SQUARES, ELSEWHERE])
    assert shares.sum() == pytest.approx(1, abs=1e-9) and (shares >= 0).all()
    assert shares_in_zones(shape, SQUARES) == pytest.approx(shares[:-1], abs=1e-12)
    whole = geodesic_area(shape)
    for share, zone in zip(shares, [*SQUARES, ELSEWHERE], strict=True):
        part = shape.intersection(zone)
        assert share == pytest.approx(geodesic_area(part) / whole if part.area else 0, abs=1e-3)


@given(shape=lines())
@examples(60)
def test_shares_of_a_line_and_the_outside_add_up(shape: Any) -> None:
    shares = shares_in_zones(shape, [*SQUARES, ELSEWHERE])
    assert shares.sum() == pytest.approx(1, abs=1e-9) and (shares >= 0).all()
    back = shapely.LineString([*shape.coords, *list(shape.coords)[-2::-1]])
    assert shares_in_zones(back, [*SQUARES, ELSEWHERE]) == pytest.approx(shares, abs=1e-9)


def test_a_line_driven_there_and_back_lies_inside_altogether() -> None:
    there = [(120.2, 31.5), (121.8, 31.6)]
    shares = shares_in_zones(shapely.LineString([*there, there[0]]), SQUARES)
    assert shares.sum() == pytest.approx(1, abs=1e-12)


def test_a_patrol_along_one_street_counts_each_time() -> None:
    street, other = [(120.1, 31.5), (120.5, 31.5)], (121.9, 31.5)
    patrol = shapely.LineString([street[0], street[1], street[0], street[1], street[0], street[1], other])
    shares = shares_in_zones(patrol, [SQUARES[0], SQUARES[2]])
    # 5 x 0.4 and 0.5 in the western square, 0.9 in the eastern one, all at one latitude
    assert shares == pytest.approx([2.5 / 3.4, 0.9 / 3.4], abs=1e-6)


def test_a_box_around_has_the_share_of_the_areas_on_the_ellipsoid() -> None:
    box = shapely.box(119.5, 31, 122.5, 33)
    inside = shapely.box(120.6, 31.8, 121.4, 32.3)
    expected = geodesic_area(inside) / geodesic_area(box)
    assert shares_in_zones(box, [inside])[0] == pytest.approx(expected, rel=1e-3)


def test_the_whole_world_is_divided_by_area() -> None:
    world, quarter = shapely.box(-180, -90, 180, 90), shapely.box(0, 0, 90, 90)
    assert shares_in_zones(world, [quarter])[0] == pytest.approx(1 / 8, abs=1e-4)


def test_a_line_on_a_common_edge_is_shared_equally() -> None:
    edge = shapely.LineString([(121, 31.2), (121, 31.8)])
    assert shares_in_zones(edge, [SQUARES[0], SQUARES[2]]) == pytest.approx([0.5, 0.5], abs=1e-12)


def test_points_count_each() -> None:
    points = shapely.MultiPoint([(120.5, 31.5), (120.6, 31.5), (121.5, 31.5), (119, 31.5)])
    assert shares_in_zones(points, SQUARES) == pytest.approx([0.5, 0, 0.25, 0, 0, 0])
    assert np.isclose(shares_in_zones(points, [*SQUARES, ELSEWHERE]).sum(), 1)
