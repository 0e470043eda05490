"""Territory balance: loads by hand, suggestions that keep every community in one piece, and that are
really possible.
"""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.change_sets import balance_of, lifecycle
from grid.change_sets.balance import improve
from grid.errors import GridError, UnknownArea
from tests.support.change_sets import supervisor
from tests.support.long_runs import examples
from tests.support.partition_checks import assert_tiles
from tests.support.square_town import square, unit_code


def households(db: Session, ids: dict[str, int], numbers: dict[tuple[int, int], float]) -> None:
    for (column, row), number in numbers.items():
        db.execute(text("UPDATE areas SET households = :n WHERE id = :id"), {"n": number, "id": ids[unit_code(column, row)]})  # fmt: skip


def test_loads_by_hand(db: Session, ids: dict[str, int]) -> None:
    households(db, ids, {(c, r): 100 for c in (0, 1) for r in range(4)})
    households(db, ids, {(0, 0): 500})
    found = balance_of(db, ids["320601001"], weights={"households": 1})
    assert [(z.code, z.households) for z in found.zones] == [
        ("320601001001", 800),
        ("320601001002", 400),
    ]
    assert [z.load for z in found.zones] == [
        pytest.approx(4 / 3, abs=1e-4),
        pytest.approx(2 / 3, abs=1e-4),
    ]
    assert found.spread == pytest.approx(1 / 3, abs=1e-5)
    # Only rows 1 and 2 touch the other community; giving one unit of 100 makes it 700 : 500, two make it 600
    # : 600.
    assert [move.code for move in found.moves] == [unit_code(0, 1), unit_code(1, 1)]
    assert found.spread_after == pytest.approx(0, abs=1e-6)
    assert found.weights == {"households": 1.0}


def test_the_suggestion_is_a_change_set_that_can_be_applied(db: Session, ids: dict[str, int]) -> None:
    households(db, ids, {(c, r): 10 for c in range(4) for r in range(4)})
    households(db, ids, {(2, 2): 90, (3, 2): 60, (2, 3): 40})
    found = balance_of(db, ids["320601"])
    assert found.moves and found.spread_after < found.spread
    lifecycle.apply(db, lifecycle.draft(db, found.operations, supervisor("a")).id, supervisor("b"))
    assert_tiles(db, square(0, 0, 4, 4))
    again = balance_of(db, ids["320601"])
    assert again.spread == pytest.approx(found.spread_after, abs=1e-6)


def test_what_nobody_recorded_has_no_weight(db: Session, ids: dict[str, int]) -> None:
    found = balance_of(db, ids["320601001"])
    assert set(found.weights) == {"area_m2"} and sum(found.weights.values()) == pytest.approx(1)
    assert found.moves == []
    with pytest.raises(GridError):
        balance_of(db, ids["320601001"], weights={"households": 1})
    with pytest.raises(GridError):
        balance_of(db, ids["320601001"], weights={"dogs": 1})
    with pytest.raises(UnknownArea):
        balance_of(db, 10**9)


@examples(40)
@given(st.integers(0, 10**6), st.integers(2, 5))
def test_every_zone_stays_in_one_piece_and_the_spread_falls(seed: int, n_zones: int) -> None:
    """On a raster of 7 x 7 units, contiguity judged by networkx."""
    rng = np.random.default_rng(seed)
    graph = nx.grid_2d_graph(7, 7)
    nodes = {node: k for k, node in enumerate(graph.nodes)}
    borders = np.array([(nodes[a], nodes[b]) for a, b in graph.edges])
    seeds = rng.choice(49, n_zones, replace=False)
    plain = nx.relabel_nodes(graph, nodes)
    cells = nx.voronoi_cells(plain, seeds.tolist())
    zone = np.empty(49, dtype=np.int64)
    for k, start in enumerate(seeds.tolist()):
        zone[list(cells[start])] = k
    load = rng.gamma(1.0, 1.0, 49)
    after, moves = improve(load, zone, borders, n_zones, 12)
    spread = [float(np.std(np.bincount(zone, load, n_zones)))]
    now = zone.copy()
    for unit, start, end, gain in moves:
        assert now[unit] == start != end
        now[unit] = end
        spread.append(float(np.std(np.bincount(now, load, n_zones))))
        assert spread[-2] - spread[-1] == pytest.approx(gain, abs=1e-5) and gain > 0
        for k in range(n_zones):
            assert nx.is_connected(plain.subgraph(np.flatnonzero(now == k).tolist()))
    assert (now == after).all() and len({unit for unit, *_ in moves}) == len(moves)


def test_the_best_single_move_is_found() -> None:
    """Against all possible moves, tried one by one."""
    load = np.array([5.0, 1.0, 2.0, 1.0, 1.0, 1.0])
    zone = np.array([0, 0, 0, 1, 1, 1])
    borders = np.array([[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [0, 5]])
    tried = {}
    for unit, target in itertools.product(range(6), (0, 1)):
        beside = {int(b) for pair in borders for b in pair if unit in pair} - {unit}
        if zone[unit] == target or not any(zone[b] == target for b in beside):
            continue
        other = zone.copy()
        other[unit] = target
        tried[unit, target] = float(np.std(np.bincount(other, load, 2)))
    best = min(tried, key=lambda key: tried[key])
    _, moves = improve(load, zone, borders, 2, 1)
    assert (moves[0][0], moves[0][2]) == best
