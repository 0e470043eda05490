"""Territory balance: loads by hand, suggestions that keep every community in one piece, and that are
really possible.
"""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.change_sets import balance_of, lifecycle
from grid.change_sets.balance import improve
from grid.change_sets.operations import read_operations
from grid.errors import GridError, UnknownArea
from tests.support.change_sets import supervisor
from tests.support.enterprises import insert_enterprise, insert_site
from tests.support.long_runs import examples
from tests.support.partition_checks import assert_tiles
from tests.support.square_town import middle, square, unit_code, x, y


def households(db: Session, ids: dict[str, int], numbers: dict[tuple[int, int], float]) -> None:
    for (column, row), number in numbers.items():
        db.execute(
            text("UPDATE areas SET households = :n WHERE id = :id"),
            {"n": number, "id": ids[unit_code(column, row)]},
        )


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
        assert spread[-2] - spread[-1] == pytest.approx(gain, abs=1e-5)
        for k in range(n_zones):
            assert nx.is_connected(plain.subgraph(np.flatnonzero(now == k).tolist()))
    assert spread[-1] < spread[0] or not moves
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


def test_one_enterprise_does_not_decide(db: Session, ids: dict[str, int]) -> None:
    """One enterprise in four communities of equal households makes a tenth of a mean load, and no move is found."""
    households(db, ids, {(c, r): 100 for c in range(4) for r in range(4)})
    insert_site(db, insert_enterprise(db), "S-1", *middle(0, 0))
    found = balance_of(db, ids["320601"], weights={"households": 0.5, "enterprises": 0.5})
    assert found.weights == {"households": pytest.approx(0.975), "enterprises": pytest.approx(0.025)}
    assert [zone.load for zone in found.zones] == [
        pytest.approx(load, abs=1e-4) for load in (1.075, 0.975, 0.975, 0.975)
    ]
    assert found.moves == []


def test_no_move_passes_the_load_on() -> None:
    """Loads of 10.6 and 6: the unit of 4.2 next door makes them 6.4 and 10.2, nearer to each other and no better."""
    load, borders = np.array([6.4, 4.2, 6.0]), np.array([[0, 1], [1, 2]])
    assert improve(load, np.array([0, 0, 1]), borders, 2, 5)[1] == []
    smaller = np.array([8.4, 1.2, 6.0])
    assert improve(smaller, np.array([0, 0, 1]), borders, 2, 5)[1] == [(1, 0, 1, pytest.approx(1.2))]


def test_the_balance_counts_grid_workers_and_the_newest_households_and_says_what_is_missing(
    db: Session, ids: dict[str, int]
) -> None:
    households(db, ids, {(0, 0): 100, (1, 0): 100})
    today = dt.date.today()
    for code, number, since in ((unit_code(0, 0), 700, today), (unit_code(1, 0), 900, dt.date(2019, 1, 1))):
        db.execute(
            text("INSERT INTO grid_households (grid_code, households, valid_from) VALUES (:c, :n, :d)"),
            {"c": code, "n": number, "d": since},
        )
    staff = (
        ("W1", [unit_code(0, 0), unit_code(1, 0)], True),
        ("W2", ["320601001001"], True),
        ("W3", ["320601001002"], False),
    )
    for number, codes, on_duty in staff:
        db.execute(
            text(
                "INSERT INTO grid_workers (worker_no, name, area_codes, post, on_duty, valid_from) VALUES (:no, '示例', :codes, 'full_time', :duty, '2024-01-01')"
            ),
            {"no": number, "codes": codes, "duty": on_duty},
        )
    found = balance_of(db, ids["320601001"])
    # The count of 2019 is older than the version of its grid, which begins in 2020 with 100 households.
    assert [(zone.households, zone.workers, zone.households_per_worker) for zone in found.zones] == [
        (800.0, 2, 400.0),
        (0.0, 0, None),
    ]
    assert [(one.measure, one.missing, one.of) for one in found.missing] == [
        ("households", 6, 8),
        ("road_length_m", 8, 8),
        ("workers", 1, 2),
    ]


def test_a_split_divides_the_households_that_were_counted(db: Session, ids: dict[str, int]) -> None:
    db.execute(
        text(
            "INSERT INTO grid_households (grid_code, households, valid_from) VALUES (:c, 600, '2024-01-01')"
        ),
        {"c": unit_code(0, 0)},
    )
    line = {"type": "LineString", "coordinates": [[x(0.25), y(0)], [x(0.25), y(1)]]}
    cut = read_operations([{"op": "split", "area_id": ids[unit_code(0, 0)], "line": line}])
    made = lifecycle.apply(db, lifecycle.draft(db, cut, supervisor("a")).id, supervisor("b"))
    parts = db.execute(
        text("SELECT households FROM areas WHERE change_set_id = :id AND kind = 'unit_grid' ORDER BY code"),
        {"id": made.id},
    )
    assert [row[0] for row in parts] == [pytest.approx(150, abs=0.1), pytest.approx(450, abs=0.1)]
    lifecycle.undo(db, made.id, supervisor("b"))
    assert balance_of(db, ids["320601001"], weights={"households": 1}).zones[0].households == 600


@pytest.mark.parametrize(("side", "n_zones", "seed"), [(4, 2, 0), (4, 2, 2), (4, 2, 4), (5, 3, 0)])
def test_the_spread_falls_nearly_as_far_as_it_can(side: int, n_zones: int, seed: int) -> None:
    """On made cities: at least 90 % of the fall of the mean deviation that the optimum of a mixed-integer program has."""
    rng = np.random.default_rng(seed)
    graph = nx.grid_2d_graph(side, side)
    plain = nx.relabel_nodes(graph, {node: k for k, node in enumerate(graph.nodes)})
    borders = np.array(plain.edges)
    zone = np.empty(side * side, dtype=np.int64)
    for k, cell in enumerate(
        nx.voronoi_cells(plain, rng.choice(side * side, n_zones, replace=False).tolist()).values()
    ):
        zone[list(cell)] = k
    load = rng.integers(1, 7, side * side)

    def deviation(zones: Any) -> float:
        return float(np.abs(np.bincount(zones, load, n_zones) - load.sum() / n_zones).mean())

    after, _ = improve(load * n_zones / load.sum(), zone, borders, n_zones, side * side)
    best = smallest_deviation(load, borders, n_zones)
    assert deviation(zone) - deviation(after) >= 0.9 * (deviation(zone) - best)


def smallest_deviation(load: Any, borders: Any, n_zones: int) -> float:
    """The smallest mean deviation of the loads of zones in one piece each, by ``scipy.optimize.milp``.

    Each zone has one root, from which a flow reaches all of its units (contiguity after Shirabe, 2009).
    """
    units, arcs = len(load), np.vstack([borders, borders[:, ::-1]])
    own = np.arange(units * n_zones).reshape(units, n_zones)
    root = own + own.size
    flow = 2 * own.size + np.arange(len(arcs) * n_zones).reshape(len(arcs), n_zones)
    off = int(flow.max()) + 1 + np.arange(n_zones)
    mean, rows = load.sum() / n_zones, []
    rows += [([*own[u]], [1] * n_zones, 1, 1) for u in range(units)]
    low, over = (
        int(mean // 1),
        int(load.sum()) % n_zones,
    )  # loads are whole numbers: they differ from the mean by so much
    least = over * (low + 1 - mean) + (n_zones - over) * (mean - low)
    rows.append(([*off], [1] * n_zones, least, np.inf))
    for z in range(n_zones):
        rows.append(([*root[:, z]], [1] * units, 1, 1))
        rows.append(([*own[:, z], off[z]], [*load, -1], -np.inf, mean))
        rows.append(([*own[:, z], off[z]], [*load, 1], mean, np.inf))
        for u in range(units):
            rows.append(([root[u, z], own[u, z]], [1, -1], -np.inf, 0))
            to, away = np.flatnonzero(arcs[:, 1] == u), np.flatnonzero(arcs[:, 0] == u)
            columns = [*flow[to, z], *flow[away, z], own[u, z], root[u, z]]
            rows.append((columns, [1] * len(to) + [-1] * len(away) + [-1, units], 0, np.inf))
        for arc in range(len(arcs)):
            rows += [([flow[arc, z], own[end, z]], [1, -units], -np.inf, 0) for end in arcs[arc]]
    n = int(off[-1]) + 1
    at = np.repeat(np.arange(len(rows)), [len(row[0]) for row in rows])
    values = np.concatenate([row[1] for row in rows]), (at, np.concatenate([row[0] for row in rows]))
    limits = LinearConstraint(
        coo_array(values, shape=(len(rows), n)).tocsc(), [r[2] for r in rows], [r[3] for r in rows]
    )
    upper = np.ones(n)
    upper[flow] = units
    upper[off] = np.inf
    whole = np.zeros(n)
    whole[: 2 * own.size] = 1
    aim = np.zeros(n)
    aim[off] = 1 / n_zones
    found = milp(aim, constraints=limits, integrality=whole, bounds=Bounds(0, upper))
    assert found.success, found.message
    return float(found.fun)
