"""Counts against their exposure: the formula by hand, fields of nothing but chance, planted excess, odd fields."""

from __future__ import annotations

import math
from typing import Any, Literal

import h3
import numpy as np
import pytest
from scipy import sparse

from spatial_models.errors import InputFrameError, ParameterError
from spatial_models.hotspots import count_excess, ring_weights
from tests.support.long_runs import count

CENTRE = h3.latlng_to_cell(32.0, 120.9, 8)
Chance = Literal["each", "traffic"]


def disk(k: int) -> np.ndarray:
    return np.array(sorted(h3.str_to_int(c) for c in h3.grid_disk(CENTRE, k)), dtype=np.uint64)


def windows(cells: np.ndarray) -> list[sparse.csr_array]:
    alone = sparse.csr_array(sparse.eye_array(len(cells)))
    return [alone, ring_weights(cells, 1), ring_weights(cells, 2)]


CELLS = disk(9)
WINDOWS = windows(CELLS)
PLANTED = np.isin(CELLS, [h3.str_to_int(c) for c in sorted(h3.grid_disk(CENTRE, 3))[:20]])
NEIGHBOURS = np.isin(
    CELLS, [h3.str_to_int(c) for c in [*h3.grid_disk(CENTRE, 2), *h3.grid_ring(CENTRE, 3)[:1]]]
)


def field(chance: Chance, rng: np.random.Generator, times: Any, mean: float = 1.0) -> tuple[Any, Any]:
    """Counts of chance alone where ``times`` is 1; ``mean`` cases a cell."""
    if chance == "each":
        trials = rng.poisson(6 * mean, len(CELLS))
        return rng.binomial(trials, np.broadcast_to(times, len(CELLS)) / 6), trials
    traffic = rng.lognormal(0.0, 1.0, len(CELLS))
    return rng.poisson(traffic * mean * times), traffic


@pytest.mark.long
@pytest.mark.parametrize("mean", [0.02, 1.0])
@pytest.mark.parametrize("chance", ["each", "traffic"])
def test_fields_of_chance_show_nothing(chance: Chance, mean: float) -> None:
    """Of 200 fields at most 16 show any cell of level 95, which is the bound of 5 in 100 and its spread."""
    shown = 0
    for seed in range(200):
        rng = np.random.default_rng([7, seed])
        cases, exposure = field(chance, rng, 1.0, mean)
        found = count_excess(cases, exposure, WINDOWS, chance=chance, draws=count(99), rng=rng)
        shown += bool((found["level"].abs() >= 95).any())
    assert shown <= 16


@pytest.mark.long
@pytest.mark.parametrize("chance", ["each", "traffic"])
@pytest.mark.parametrize("planted", [NEIGHBOURS, PLANTED], ids=["together", "loose"])
def test_three_times_as_many_in_twenty_cells_are_found(chance: Chance, planted: np.ndarray) -> None:
    """In at least 180 of 200 fields: a planted cell is hot, and what is hot lies in or beside the planted cells."""
    assert planted.sum() == 20
    beside = np.asarray(ring_weights(CELLS, 2)[planted].sum(axis=0)).ravel() > 0
    times, hits, far = np.where(planted, 3.0, 1.0), 0, 0
    for seed in range(200):
        rng = np.random.default_rng([8, seed])
        cases, exposure = field(chance, rng, times, 2.0)
        found = count_excess(cases, exposure, WINDOWS, chance=chance, draws=count(99), rng=rng)
        hot = found["level"].to_numpy() >= 95
        hits += bool(hot[planted].any())
        far += bool(hot[~beside].any())
    assert hits >= 180
    assert far <= 16


def test_the_ratio_of_a_window_by_hand() -> None:
    """One row of four cells: 5 of 10 trials here, 1 of 10 in each of the others; and as a traffic."""
    alone = sparse.csr_array(np.eye(4))
    rng = np.random.default_rng(1)
    each = count_excess([5, 1, 1, 1], [10, 10, 10, 10], alone, chance="each", rng=rng)
    inside = 5 * math.log(0.5) + 5 * math.log(0.5)
    outside = 3 * math.log(0.1) + 27 * math.log(0.9)
    null = 8 * math.log(0.2) + 32 * math.log(0.8)
    assert each["statistic"][0] == pytest.approx(inside + outside - null)
    assert each["observed"].to_list() == [5, 1, 1, 1] and each["expected"].to_list() == [2.0] * 4
    assert each["ratio"].to_list() == [2.5, 0.5, 0.5, 0.5]
    traffic = count_excess([5, 1, 1, 1], [10, 10, 10, 10], alone, chance="traffic", rng=rng)
    assert traffic["statistic"][0] == pytest.approx(5 * math.log(5 / 2) + 3 * math.log(3 / 6))
    assert traffic["statistic"][1] < 0 < traffic["statistic"][0]


def test_p_is_the_exact_one_of_a_tiny_field() -> None:
    """3 cases of 3 trials here, 0 of 3 there: 1 of the 20 ways to choose 3 of 6 is this one, 1 its mirror."""
    found = count_excess(
        [3, 0], [3, 3], sparse.csr_array(np.eye(2)), chance="each", draws=20_000, rng=np.random.default_rng(3)
    )
    assert found["p_adjusted"].to_list() == pytest.approx([0.1, 0.1], abs=0.01)


def test_the_same_generator_gives_the_same_field() -> None:
    cases, trials = field("each", np.random.default_rng(5), np.where(PLANTED, 3.0, 1.0))

    def once(seed: int) -> Any:
        return count_excess(cases, trials, WINDOWS, chance="each", rng=np.random.default_rng(seed))

    assert once(1).equals(once(1)) and not once(1).equals(once(2))


def test_busy_cells_are_not_hot_and_the_order_of_cells_is_of_no_matter() -> None:
    cells = disk(6)
    exposure = np.where(np.arange(len(cells)) < 20, 2_000, 20)
    found = count_excess(
        exposure // 10, exposure, windows(cells), chance="traffic", rng=np.random.default_rng(1)
    )
    assert (found["level"] == 0).all() and np.allclose(found["ratio"], 1.0)
    cases = np.arange(len(cells)) % 5
    order = np.random.default_rng(2).permutation(len(cells))
    one = count_excess(cases, exposure, windows(cells), chance="traffic", rng=np.random.default_rng(1))
    other = count_excess(
        cases[order], exposure[order], windows(cells[order]), chance="traffic", rng=np.random.default_rng(1)
    )
    assert np.allclose(one["statistic"].to_numpy()[order], other["statistic"])


def test_a_cell_is_hot_by_its_own_count() -> None:
    """All cases in the middle: the neighbours' windows hold them too, but only the middle is hot."""
    cells = disk(4)
    middle = cells == h3.str_to_int(CENTRE)
    found = count_excess(
        np.where(middle, 30, 0), np.full(len(cells), 30), windows(cells), chance="each",
        rng=np.random.default_rng(1),
    )  # fmt: skip
    assert (found["level"].to_numpy() >= 95).tolist() == middle.tolist()


@pytest.mark.parametrize("chance", ["each", "traffic"])
@pytest.mark.parametrize(
    ("cases", "exposure"),
    [
        ([0, 0, 0], [5, 5, 5]),  # no case
        ([0, 0, 0], [0, 0, 0]),  # no exposure either
        ([4, 0, 0], [5, 0, 0]),  # one exposed cell
        ([2, 2, 2], [2, 2, 2]),  # every trial a case, all cells alike
        ([3, 3, 3], [9, 9, 9]),  # ties
    ],
)
def test_fields_in_which_nothing_can_stand_out(chance: Chance, cases: Any, exposure: Any) -> None:
    found = count_excess(
        cases, exposure, sparse.csr_array(np.eye(3)), chance=chance, rng=np.random.default_rng(1)
    )
    assert found["p_adjusted"].to_list() == [1.0] * 3 and found["level"].to_list() == [0] * 3
    assert found["ratio"].is_null().to_list() == [e == 0 or sum(cases) == 0 for e in exposure]


def test_one_cell_no_cell_and_islands() -> None:
    alone = sparse.csr_array(np.eye(1))
    one = count_excess([3], [5], alone, chance="each", rng=np.random.default_rng(1))
    assert (one["p_adjusted"][0], one["level"][0], one["ratio"][0]) == (1.0, 0, 1.0)
    assert count_excess([], [], ring_weights([]), chance="each", rng=np.random.default_rng(1)).height == 0
    far = np.array(
        [h3.str_to_int(h3.latlng_to_cell(31.0 + i / 10, 120.9, 8)) for i in range(6)], dtype=np.uint64
    )
    islands = ring_weights(far, 2)
    assert islands.nnz == 6  # nobody has a neighbour: each window is the cell itself
    found = count_excess([20, 0, 0, 0, 0, 0], [20] * 6, islands, chance="each", rng=np.random.default_rng(1))
    assert found["level"].to_list()[0] == 99 and set(found["level"].to_list()[1:]) == {0}


def test_wrong_fields_are_refused_by_row() -> None:
    alone, rng = sparse.csr_array(np.eye(3)), np.random.default_rng(1)
    for cases, exposure, message in (
        ([1, 2.5, 0], [3, 3, 3], "cases: row 1 is no whole number"),
        ([1, 4, 0], [3, 3, 3], "row 1 has more cases than trials"),
        ([1, -1, 0], [3, 3, 3], "cases: row 1 is below 0"),
        ([1, 0, math.nan], [3, 3, 3], "cases: row 2 is not finite"),
        ([1, 0, 0], [3, 3], "3 cases and 2 exposures"),
        ([[1, 0, 0]], [3, 3, 3], "flat"),
        (["x", 0, 0], [3, 3, 3], "must be numbers"),
    ):
        with pytest.raises(InputFrameError, match=message):
            count_excess(cases, exposure, alone, chance="each", rng=rng)
    with pytest.raises(InputFrameError, match="row 0 has cases without exposure"):
        count_excess([1, 0, 0], [0.0, 0.5, 0.5], alone, chance="traffic", rng=rng)
    with pytest.raises(InputFrameError, match="weights of 1"):
        count_excess([1, 0, 0], [3, 3, 3], alone * 2, chance="each", rng=rng)
    with pytest.raises(InputFrameError, match="row 0 lacks the cell itself"):
        count_excess([1, 0, 0], [3, 3, 3], sparse.csr_array((3, 3)), chance="each", rng=rng)
    with pytest.raises(ParameterError, match="draws"):
        count_excess([1, 0, 0], [3, 3, 3], alone, chance="each", draws=0, rng=rng)
    with pytest.raises(ParameterError, match="chance"):
        count_excess([1, 0, 0], [3, 3, 3], alone, chance="both", rng=rng)  # type: ignore[arg-type]
