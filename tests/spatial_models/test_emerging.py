"""Emerging hot spots: a hand-made series for each of the 17 classes, Mann-Kendall, Gi* in space and time."""

from __future__ import annotations

from typing import Any

import h3
import numpy as np
import pytest
from scipy import sparse, stats

from layers.tables import HOT_SPOT_PATTERNS
from spatial_models.errors import InputFrameError, ParameterError
from spatial_models.hotspots import (
    PATTERNS,
    classify_patterns,
    emerging_hot_spots,
    mann_kendall,
    ring_weights,
)
from tests.support.long_runs import count

CENTRE = h3.latlng_to_cell(32.0, 120.9, 8)
FLAT, UP, DOWN = (0.0, 1.0), (3.0, 0.003), (-3.0, 0.003)

SERIES = {
    "no_pattern": [
        (". . . . . . . . . .", FLAT),
        ("+ + . . . . . . . .", FLAT),  # hot once, not any more
        ("+ + + + + + + + . .", FLAT),  # 8 of 10: under 90 %
        ("+ + + + + - - - . .", UP),
    ],
    "new": [
        (". . . . . . . . . +", FLAT),
        ("- - . . . . . . . +", UP),
        ("- - - - - - - - - +", UP),
        ("+", FLAT),
    ],
    "consecutive": [
        (". . . . . . . + + +", FLAT),
        (". . + + + + + + + +", UP),  # 8 of 10
        ("- . . . . . . + + +", FLAT),  # cold once: the unbroken run says more
    ],
    "intensifying": [("+ + + + + + + + + +", UP), (". + + + + + + + + +", UP)],
    "persistent": [
        ("+ + + + + + + + + +", FLAT),
        ("+ + + + . + + + + +", FLAT),
        (". + + + + + + + + +", FLAT),
    ],
    "diminishing": [("+ + + + + + + + + +", DOWN), ("+ + - + + + + + + +", DOWN)],
    "sporadic": [("+ . . + . . . . . +", FLAT), ("+ . . . . . . . + +", UP)],
    "oscillating": [("+ . - . . . . . . +", FLAT), ("+ - + - + - + - + +", UP)],
    "historical": [("+ + + + + + + + + .", FLAT), ("+ + + + + + + + + .", DOWN)],
}
"""Steps of a cell in the order of time (+ hot, - cold), and the trend of its z; for the hot half of the classes."""
CODES = {"+": 1, "-": -1, ".": 0}


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("sign", ["hot", "cold"])
def test_a_series_by_hand_for_each_class(name: str, sign: str) -> None:
    turn = 1 if sign == "hot" else -1
    for steps, (z, p) in SERIES[name]:
        marks = np.array([[turn * CODES[step] for step in steps.split()]], np.int8)
        (code,) = classify_patterns(marks, np.array([turn * z]), np.array([p]))
        wanted = name if name == "no_pattern" else f"{name}_{sign}"
        assert PATTERNS[code] == wanted, steps


def test_there_are_17_classes_and_the_database_knows_them() -> None:
    assert len(set(PATTERNS)) == 17
    assert {name.removesuffix("_hot") for name in PATTERNS if not name.endswith("_cold")} == set(SERIES)
    assert set(HOT_SPOT_PATTERNS) == set(PATTERNS)


def test_every_series_of_marks_has_one_class_and_its_mirror() -> None:
    """All 3^6 ends of a series: the mirror of a series has the mirrored class, and a trend decides at 90 %."""
    six = np.stack(np.meshgrid(*[[-1, 0, 1]] * 6), axis=-1).reshape(-1, 6).astype(np.int8)
    marks = np.concatenate(
        [np.repeat(six[:, :1], 14, axis=1), six], axis=1
    )  # long beginnings of one kind, too
    for z, p in (FLAT, UP, DOWN):
        one = classify_patterns(marks, np.full(len(marks), z), np.full(len(marks), p))
        other = classify_patterns(-marks, np.full(len(marks), -z), np.full(len(marks), p))
        turned = np.where(one == 0, 0, np.where(one > 8, one - 8, one + 8))
        assert (turned == other).all()
        last = marks[:, -1]
        hot = (one >= 1) & (one <= 7)
        assert (last[hot] == 1).all() and (one[last == 1] != 0).all()
    assert set(one.tolist()) <= set(range(17))


def test_mann_kendall_is_kendalls_tau_with_ties() -> None:
    """S of scipy's tau-b, and the variance with ties of its normal approximation, without the continuity step."""
    rng = np.random.default_rng(4)
    for n in (5, 12, 52):
        series = rng.integers(0, 5, (40, n)).astype(float)
        z, p = mann_kendall(series)
        for row, got_z, got_p in zip(series, z, p, strict=True):
            ties = np.unique(row, return_counts=True)[1]
            pairs = n * (n - 1) / 2
            tau = stats.kendalltau(np.arange(n), row).statistic
            s = round(tau * np.sqrt(pairs * (pairs - (ties * (ties - 1) / 2).sum()))) if len(ties) > 1 else 0
            variance = (n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
            wanted = 0.0 if s == 0 else (s - np.sign(s)) / np.sqrt(variance)
            assert got_z == pytest.approx(wanted, abs=1e-12)
            assert got_p == pytest.approx(2 * stats.norm.sf(abs(wanted)), abs=1e-12)


def test_gi_star_of_the_cube_is_that_of_its_bins() -> None:
    """Each bin as a cell of one big field, its window written out bin by bin."""
    cells = np.array(sorted(h3.str_to_int(c) for c in h3.grid_disk(CENTRE, 3)), dtype=np.uint64)
    near = ring_weights(cells)
    counts = np.random.default_rng(2).poisson(2.0, (len(cells), 6)).astype(float)
    found = emerging_hot_spots(counts, near, steps_back=2)
    n, total, mean, deviation = counts.size, near.toarray(), counts.mean(), counts.std()
    for i in range(0, len(cells), 5):
        window = [(j, t) for j in np.flatnonzero(total[i]) for t in (3, 4, 5)]
        w, sums = len(window), sum(counts[j, t] for j, t in window)
        z = (sums - mean * w) / (deviation * np.sqrt((n * w - w**2) / (n - 1)))
        assert found["z_last"][i] == pytest.approx(z)
    first = emerging_hot_spots(counts[:, :1], near, steps_back=2)  # the first step has no step before it
    assert first["z_last"].len() == len(cells) and set(first["trend_p"]) == {1.0}


@pytest.mark.long
def test_cubes_of_chance_show_nothing() -> None:
    """Of 200 cubes of sparse counts at most 16 show any pattern, by joint draws."""
    cells = np.array(sorted(h3.str_to_int(c) for c in h3.grid_disk(CENTRE, 4)), dtype=np.uint64)
    near, shown = ring_weights(cells), 0
    for seed in range(200):
        rng = np.random.default_rng([5, seed])
        counts = rng.poisson(0.05, (len(cells), 8))
        found = emerging_hot_spots(counts, near, permutations=count(99), rng=rng)
        shown += bool((found["hot_steps"] + found["cold_steps"]).sum())
    assert shown <= 16


def test_a_place_that_grows_hot_is_told_since_when() -> None:
    cells = np.array(sorted(h3.str_to_int(c) for c in h3.grid_disk(CENTRE, 6)), dtype=np.uint64)
    counts = np.random.default_rng(3).poisson(1.0, (len(cells), 12)).astype(float)
    planted = np.isin(cells, [h3.str_to_int(c) for c in h3.grid_disk(CENTRE, 1)])
    counts[planted, 9:] += 9
    found = emerging_hot_spots(counts, ring_weights(cells), permutations=199, rng=np.random.default_rng(1))
    middle = int(np.flatnonzero(cells == h3.str_to_int(CENTRE))[0])
    row = found.row(middle, named=True)
    assert (row["pattern"], row["since_step"], row["hot_steps"]) == ("consecutive_hot", 9, 3)
    far = ~(ring_weights(cells, 2)[planted].sum(axis=0) > 0)
    assert set(np.array(found["pattern"].to_list())[far]) == {"no_pattern"}


def test_flat_empty_and_wrong_cubes() -> None:
    alone = sparse.csr_array(np.eye(3))
    flat = emerging_hot_spots(np.full((3, 5), 2.0), alone, permutations=9, rng=np.random.default_rng(1))
    assert flat["pattern"].to_list() == ["no_pattern"] * 3 and flat["since_step"].to_list() == [None] * 3
    assert emerging_hot_spots(np.empty((3, 0)), alone)["pattern"].to_list() == ["no_pattern"] * 3
    wrong: list[tuple[Any, type[Exception], str]] = [
        (
            lambda: emerging_hot_spots([[1.0, np.nan], [1, 1], [1, 1]], alone),
            InputFrameError,
            "row 0, step 1",
        ),
        (lambda: emerging_hot_spots([1.0, 2.0, 3.0], alone), InputFrameError, "rows of cells"),
        (lambda: emerging_hot_spots([["x"]], alone), InputFrameError, "numbers"),
        (lambda: emerging_hot_spots(np.ones((2, 5)), alone), InputFrameError, "weights"),
        (lambda: emerging_hot_spots(np.ones((3, 5)), alone, steps_back=-1), ParameterError, "steps_back"),
        (lambda: emerging_hot_spots(np.ones((3, 5)), alone, alpha=2.0), ParameterError, "alpha"),
        (lambda: emerging_hot_spots(np.eye(3), alone, permutations=9), ParameterError, "rng"),
    ]
    for call, error, message in wrong:
        with pytest.raises(error, match=message):
            call()
