"""Lines that split a zone are taken as they were drawn: one entry and one exit a crossing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from grid.change_sets.preview import geodesic_area_m2
from grid.errors import TopologyFault
from grid.topology import Unit, split
from grid.topology.checks import metres_scale

LON, LAT = 120.8, 32.0
SCALE = metres_scale(LAT)
"""Metres of a degree, x and y."""


def place(east_m: float, north_m: float) -> tuple[float, float]:
    return LON + east_m / SCALE[0], LAT + north_m / SCALE[1]


def zone(corners_m: Any) -> Unit:
    return Unit(1, "c", "n", 9, shapely.Polygon([place(*corner) for corner in corners_m]))


SQUARE = zone([(0, 0), (400, 0), (400, 400), (0, 400)])


def pieces_of(unit: Unit, line_m: Any) -> list[Any]:
    change = split(unit, [place(*point) for point in line_m])
    assert shapely.coverage_is_valid(change.added)
    assert sum(piece.area for piece in change.added) == pytest.approx(unit.shape.area, rel=1e-9)
    return list(change.added)


def test_a_line_that_begins_beside_the_edge_keeps_its_vertices() -> None:
    """It begins 1 m outside, runs 0.1 m and 1.2 m inside of the edge, then across."""
    low, high = pieces_of(SQUARE, [(200, -1), (206, 0.1), (208, 1.2), (210, 401)])
    assert sorted(round(one.area / SQUARE.shape.area, 2) for one in (low, high)) == [0.48, 0.52]
    for vertex in (place(206, 0.1), place(208, 1.2)):
        assert low.boundary.distance(shapely.Point(vertex)) < 1e-12


def test_a_wave_of_ten_thousand_points_cuts_in_two() -> None:
    east = np.linspace(-5, 405, 10_000)
    wave = np.column_stack([east, 200 + 20 * np.sin(east / 7)])
    halves = pieces_of(SQUARE, wave)
    assert len(halves) == 2
    assert all(one.area / SQUARE.shape.area == pytest.approx(0.5, abs=0.01) for one in halves)


def ragged(radius_m: float, seed: int, step_m: float = 0.5, noise_m: float = 0.3) -> Unit:
    """A round zone whose bank was digitised every half a metre."""
    angles = np.linspace(0, 2 * math.pi, int(2 * math.pi * radius_m / step_m), endpoint=False)
    far = radius_m + np.random.default_rng(seed).uniform(-noise_m, noise_m, len(angles))
    return zone(np.column_stack([far * np.cos(angles), far * np.sin(angles)]))


@given(turn=st.floats(0, math.pi), aside_m=st.floats(-60, 60), seed=st.integers(0, 1000))
def test_a_straight_line_over_ragged_banks_makes_two_pieces(turn: float, aside_m: float, seed: int) -> None:
    unit = ragged(80, seed)
    along, across = np.array([math.cos(turn), math.sin(turn)]), np.array([-math.sin(turn), math.cos(turn)])
    pieces = pieces_of(unit, [aside_m * across - 200 * along, aside_m * across + 200 * along])
    assert len(pieces) == 2
    # A segment of a circle: r² acos(d/r) - d √(r² - d²).
    d = abs(aside_m)
    segment_m2 = 80**2 * math.acos(d / 80) - d * math.sqrt(80**2 - d**2)
    smaller = min(one.area for one in pieces) * SCALE[0] * SCALE[1]
    assert smaller == pytest.approx(segment_m2, rel=0.02, abs=30)


def test_a_line_along_a_ragged_bank_cuts_nothing_off_until_it_turns_inwards() -> None:
    bank = [(x, 0.4 * math.sin(x * 2.1)) for x in np.arange(0, 400, 0.5)]
    unit = zone([*bank, (400, 0), (400, 300), (0, 300)])
    pieces = pieces_of(unit, [(20, 0.2), (200, 0.2), (200, 301)])
    assert len(pieces) == 2
    assert min(one.area for one in pieces) / unit.shape.area == pytest.approx(0.5, abs=0.01)


def test_a_zone_of_twenty_thousand_corners_is_split_along_its_edge() -> None:
    """Every segment is compared with the edges near it only: a table of all pairs would hold 400 million."""
    bank = [(x, 0.3 * (k % 2)) for k, x in enumerate(np.linspace(0, 4000, 20_000))]
    unit = zone([*bank, (4000, 2000), (0, 2000)])
    line = [(x, 0.1) for x in np.linspace(1, 3000, 20_000)]
    assert len(pieces_of(unit, [*line, (3000, 2001)])) == 2


def test_notch_hook_hole_and_node() -> None:
    notch = zone([(0, 0), (400, 0), (400, 190), (150, 200), (400, 210), (400, 400), (0, 400)])
    assert len(pieces_of(notch, [(300, -5), (300, 405)])) == 3  # the notch parts the east side
    assert len(pieces_of(SQUARE, [(100, -5), (100, 200), (300, 200), (300, -5)])) == 2  # a hook
    assert len(pieces_of(SQUARE, [(-5, -5), (405, 405)])) == 2  # from corner to corner
    assert len(pieces_of(SQUARE, [(1.5, -5), (399, 405)])) == 2  # past two corners, onto which it moves
    hole = Unit(
        1, "c", "n", 9, SQUARE.shape.difference(zone([(150, 150), (250, 150), (250, 250), (150, 250)]).shape)
    )
    assert len(pieces_of(hole, [(200, -5), (200, 405)])) == 2


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ([(200, -5), (200, 200)], "line_does_not_cross"),  # ends inside
        (
            [(100, -5), (100, 405), (200, 405), (200, 200)],
            "line_does_not_cross",
        ),  # crosses, comes back, ends inside
        ([(-5, 1), (405, 1)], "line_does_not_cross"),  # within 2 m of an edge all the way
        ([(500, 0), (500, 400)], "line_does_not_cross"),
        ([(100, -5), (300, 300), (100, 300), (300, -5)], "line_crosses_itself"),
        ([(100, 100), (100, 100)], "line_does_not_cross"),
    ],
)
def test_lines_that_do_not_split_are_refused(line: list[tuple[float, float]], rule: str) -> None:
    with pytest.raises(TopologyFault) as caught:
        split(SQUARE, [place(*point) for point in line])
    assert caught.value.rule == rule and caught.value.message_zh


def test_a_line_without_points_is_refused() -> None:
    with pytest.raises(TopologyFault):
        split(SQUARE, [place(10, 10)])


@pytest.mark.parametrize("clockwise", [False, True])
def test_the_area_of_a_zone_with_a_hole_leaves_the_hole_out(clockwise: bool) -> None:
    """Whatever the direction of its rings: that of the square less that of the hole, each by pyproj alone."""
    outer = shapely.box(LON, LAT, LON + 0.02, LAT + 0.02)
    hole = shapely.box(LON + 0.005, LAT + 0.005, LON + 0.015, LAT + 0.015)
    ring = [*hole.exterior.coords][:: 1 if clockwise else -1]
    whole, less = (abs(Geod(ellps="WGS84").geometry_area_perimeter(one)[0]) for one in (outer, hole))
    assert geodesic_area_m2(shapely.Polygon(outer.exterior, [ring])) == pytest.approx(whole - less, abs=0.1)
