from __future__ import annotations

import tracemalloc
from random import Random
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from grid.errors import TopologyFault
from grid.topology import Unit, check_replacement, insert_nodes, local_area_m2, merge, outlines_differ, split
from grid.topology.checks import width_m
from tests.support.square_town import square, x, y

PARENT = square(0, 0, 2, 2)
OLD = Unit(1, "320601001001001", "第1网格", 9, square(0, 0, 1, 1))
EAST = square(1, 0, 2, 1)
WEST_HALF = shapely.box(x(0), y(0), x(0.5), y(1))
EAST_HALF = shapely.box(x(0.5), y(0), x(1), y(1))


def refused(
    added: list[Any], around: list[Any] | None = None, noded: list[Any] | None = None
) -> TopologyFault:
    with pytest.raises(TopologyFault) as caught:
        check_replacement([OLD], added, around or [], noded if noded is not None else around or [], PARENT)
    assert caught.value.zones == ["第1网格（320601001001001）"]
    assert caught.value.geometry is not None
    return caught.value


def place(fault: TopologyFault) -> Any:
    return shapely.geometry.shape(fault.geometry)


def test_a_clean_replacement_passes() -> None:
    check_replacement([OLD], [WEST_HALF, EAST_HALF], [EAST], [EAST], PARENT)


def test_gap_overlap_and_outside_show_their_place() -> None:
    gap = refused([WEST_HALF])
    assert gap.rule == "gap" and place(gap).equals(EAST_HALF)
    wide = shapely.box(x(0.4), y(0), x(1), y(1))
    overlap = refused([WEST_HALF, wide])
    assert overlap.rule == "overlap" and place(overlap).equals(WEST_HALF & wide)
    into = refused([shapely.box(x(0), y(0), x(1.2), y(1))], [EAST])
    assert into.rule == "overlap" and place(into).area == pytest.approx(0.0002 * 0.001)
    outside = refused([shapely.box(x(-0.2), y(0), x(1), y(1))])
    assert outside.rule == "outside_parent" and place(outside).bounds[0] == x(-0.2)


def test_invalid_multipart_and_sliver() -> None:
    bow = shapely.Polygon([(x(0), y(0)), (x(1), y(1)), (x(1), y(0)), (x(0), y(1))])
    assert refused([bow]).rule == "invalid"
    parts = shapely.MultiPolygon(
        [shapely.box(x(0), y(0), x(0.4), y(1)), shapely.box(x(0.6), y(0), x(1), y(1))]
    )
    assert refused([parts]).rule == "multipart"
    thin = shapely.box(x(0), y(0), x(0.05), y(1))
    sliver = refused([thin, shapely.box(x(0.05), y(0), x(1), y(1))])
    # 0.00005 degrees of longitude at 32.0005 N are 4.72 m
    assert sliver.rule == "sliver" and "4.7 m wide" in sliver.message_en


def test_node_that_only_one_side_has() -> None:
    bent = insert_nodes(OLD.shape, np.array([[x(1), y(0.5)]]))
    fault = refused([bent], [EAST])
    assert fault.rule == "edge_not_shared"
    check_replacement([OLD], [bent], [EAST], [insert_nodes(EAST, np.array([[x(1), y(0.5)]]))], PARENT)


def test_width_and_area() -> None:
    shape = shapely.box(120.8, 32.0, 120.801, 32.001)
    assert width_m(shape) == pytest.approx(94.4, abs=0.2)
    assert local_area_m2(shape) == pytest.approx(94.40 * 111.32, rel=1e-3)
    assert local_area_m2(shapely.Polygon()) == 0.0


def test_nodes_go_into_holes_and_parts_and_only_once() -> None:
    ring = shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(3, 3), (6, 3), (6, 6), (3, 6)]])
    both = shapely.MultiPolygon([ring, shapely.box(20, 0, 21, 1)])
    nodes = np.array([[4.0, 3.0], [20.5, 0.0], [0.0, 0.0], [1.0, 1.0], [4.0, 3.0]])
    noded = insert_nodes(both, nodes)
    assert shapely.get_num_coordinates(noded) == shapely.get_num_coordinates(both) + 2
    assert noded.equals(both)
    assert insert_nodes(noded, nodes) is noded


@given(
    angle=st.floats(0, np.pi),
    across=st.floats(0.25, 0.75),
    along=st.floats(0.25, 0.75),
    seed=st.integers(0, 10**6),
)
def test_split_then_merge_gives_the_zone_back(angle: float, across: float, along: float, seed: int) -> None:
    """A line through the inside cuts in two, shares its nodes with the neighbours, and the pieces make
    the whole.
    """
    rng = np.random.default_rng(seed)
    corners = np.array([(x(0), y(0)), (x(1), y(0)), (x(1), y(1)), (x(0), y(1))]) + rng.uniform(
        -1e-4, 1e-4, (4, 2)
    )
    zone = Unit(1, "c", "n", 9, shapely.Polygon(corners))
    middle = np.array([x(across), y(along)])
    step = 0.003 * np.array([np.cos(angle), np.sin(angle)])
    change = split(zone, [middle - step, middle + step])
    assert len(change.added) == 2
    assert shapely.coverage_is_valid(change.added)
    assert sum(piece.area for piece in change.added) == pytest.approx(zone.shape.area, rel=1e-9)
    pieces = [Unit(k, str(k), str(k), 9, piece) for k, piece in enumerate(change.added, start=2)]
    joined = merge(pieces).added[0]
    assert joined.symmetric_difference(zone.shape).area < 1e-15


def test_an_outline_with_many_corners_gets_as_many_nodes_in_little_memory() -> None:
    """20,000 nodes in the middle of 20,000 edges: a table of all pairs would take 3 GB."""
    angle = np.linspace(0, 2 * np.pi, 20_001)[:-1]
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * 0.1
    middles = (ring + np.roll(ring, -1, axis=0)) / 2
    outline = shapely.Polygon(ring, [ring[::-500] * 0.5])
    tracemalloc.start()
    noded = insert_nodes(outline, middles)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    expected = np.stack([ring, middles], axis=1).reshape(-1, 2)
    assert np.array_equal(shapely.get_coordinates(noded.exterior)[:-1], expected)
    assert noded.interiors[0].equals(outline.interiors[0])
    assert peak_bytes < 100e6


@pytest.mark.parametrize(
    ("dent_m", "other"),
    # The corner of a triangle 20 m wide lies on the edge to 0.1 mm, whatever land it encloses (0.008 m² at 0.8 mm).
    [(0.0, False), (0.00008, False), (0.00015, True), (0.0008, True), (5.0, True)],
)
def test_another_line_is_more_than_rounding(dent_m: float, other: bool) -> None:
    dent = [(100, 0), (110, dent_m), (120, 0)] if dent_m else [(110, 0)]
    corners = np.array([(0, 0), *dent, (1000, 0), (1000, 1000), (0, 1000)]) / 111_319.49
    outline, dented = shapely.box(0, 0, *corners.max(axis=0)), shapely.Polygon(corners)
    assert dented.is_valid
    assert outlines_differ(outline, dented) is outlines_differ(dented, outline) is other
    assert not outlines_differ(outline, shapely.normalize(outline))


@given(
    st.lists(st.integers(0, 71), min_size=3, max_size=12, unique=True),
    st.lists(st.tuples(st.integers(0, 11), st.integers(1, 99)), min_size=1, max_size=12, unique=True),
    st.randoms(use_true_random=False),
)
def test_nodes_lie_in_the_order_of_their_edges(
    fives: list[int], places: list[tuple[int, int]], random: Random
) -> None:
    """Corners are multiples of five degrees on a circle of 0.001 degrees, nodes hundredths of an edge."""
    ring = [np.array([np.cos(a), np.sin(a)]) * 1e-3 for a in np.radians(5.0) * np.array(sorted(fives))]
    edges: list[list[tuple[float, float]]] = [[] for _ in ring]
    for edge, hundredth in sorted((edge % len(ring), hundredth) for edge, hundredth in places):
        start, end = ring[edge], ring[(edge + 1) % len(ring)]
        node = start + (end - start) * hundredth / 100
        if tuple(node) not in edges[edge]:
            edges[edge].append(tuple(node))
    nodes = [node for edge in edges for node in edge]
    outline = shapely.Polygon(ring)
    shuffled = np.array(random.sample(nodes, len(nodes)))
    noded = insert_nodes(outline, shuffled)
    expected = [point for corner, edge in zip(ring, edges, strict=True) for point in (tuple(corner), *edge)]
    assert [tuple(point) for point in shapely.get_coordinates(noded)[:-1].tolist()] == expected
    assert insert_nodes(noded, shuffled) is noded
