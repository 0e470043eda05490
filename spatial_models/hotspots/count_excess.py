"""Counts given their exposure: cells with more, or fewer, than chance gives in the whole field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import polars as pl
from scipy import sparse

from spatial_models.errors import InputFrameError, ParameterError
from spatial_models.frames import Array
from spatial_models.hotspots.count_kernels import (
    ALL_WINDOWS,
    draws_of_counts,
    log_ratios,
    places_of_cases,
    x_log_x,
)
from spatial_models.hotspots.significance import check_draws, family_wise_p, significance_levels

Chance = Literal["each", "traffic"]


def count_excess(
    cases: Any,
    exposure: Any,
    windows: sparse.csr_array | Sequence[sparse.csr_array],
    *,
    chance: Chance,
    draws: int = 999,
    rng: np.random.Generator,
) -> pl.DataFrame:
    r"""Compare the cases around each cell with what their exposure lets one expect.

    The expected count of a window is :math:`E = C\,e / \sum e`: its exposure e at the rate of the whole study
    area, C being all cases. The statistic is the likelihood ratio of the spatial scan statistic (Kulldorff
    1997), for cases out of trials (``each``) or for cases of a traffic (``traffic``):

    .. math:: O \ln\frac{O}{E} + (C - O) \ln\frac{C - O}{C - E}

    Significance is family-wise: the cases are drawn anew over the whole field, given their number and the
    exposure of every cell, and a cell is compared with the greatest statistic of all cells and windows in
    each draw. A field of nothing but chance shows a cell of level 95 in one of twenty.

    Parameters
    ----------
    cases : array_like of int, shape (n,)
        Whole numbers, 0 or more.
    exposure : array_like of int or float, shape (n,)
        Trials of ``each`` (whole, at least the cases), or traffic; a cell of exposure 0 has no case.
    windows : scipy.sparse.csr_array, shape (n, n), or sequence of them
        Each row is the window of a cell, its own column included: weights of 1, from
        `spatial_models.hotspots.ring_weights`. With several, a cell has the window that stands out most.
    chance : {"each", "traffic"}
        ``each``: one exposure is one trial that is a case or not (sites with an alert out of all candidates);
        labels are permuted. ``traffic``: cases come in proportion to the exposure (stops by vehicle hours);
        draws are multinomial.
    draws : int
        Draws of the whole field.
    rng : numpy.random.Generator

    Returns
    -------
    polars.DataFrame
        In the order of the cells: ``observed``, ``expected`` and ``ratio`` (observed / expected, null where
        nothing is expected) of the window, ``window`` (index of the window, null: no exposure), ``statistic``
        (signed), ``p_adjusted``, ``level`` (0, 90, 95, 99; negative: fewer). A cell is hot only when it has
        itself more than expected, cold only when it has fewer. Without any case, with one exposed cell, or
        where every trial is a case, p is 1.

    Raises
    ------
    InputFrameError, ParameterError

    Examples
    --------
    >>> line = sparse.csr_array(np.eye(4))
    >>> found = count_excess([9, 0, 1, 0], [10, 10, 10, 10], line, chance="each", rng=np.random.default_rng(1))
    >>> found["expected"].to_list(), found["ratio"].to_list()[0], found["level"].to_list()
    ([2.5, 2.5, 2.5, 2.5], 3.6, [99, 0, 0, 0])
    >>> count_excess([], [], sparse.csr_array((0, 0)), chance="each", rng=np.random.default_rng(1)).height
    0
    """
    check_draws(draws)
    if chance not in ("each", "traffic"):
        raise ParameterError(f"chance must be each or traffic, got {chance!r}")
    count, base = checked_counts(cases, exposure, chance)
    area = checked_windows(windows, len(count))
    sums = np.stack([w @ count for w in area]) if len(count) else np.empty((len(area), 0))
    under = np.stack([w @ base for w in area]) if len(count) else np.empty((len(area), 0))
    every, trials = int(count.sum()), float(base.sum())
    expected = under * (every / trials if trials else 0.0)
    table = x_log_x(int(trials) if chance == "each" else every)
    ratios = log_ratios(sums, under, expected, every, trials, chance == "each", table)
    best = np.abs(ratios).argmax(axis=0) if len(count) else np.empty(0, np.int64)
    at = (best, np.arange(len(count)))
    greatest = np.zeros(draws)
    if every and len(count) > 1:
        stacked = sparse.csr_array(sparse.vstack(area, format="csr"))
        greatest = draws_of_counts(
            places_of_cases(base, chance == "each"), every, stacked.indptr, stacked.indices, len(count),
            under.ravel(), expected.ravel(), trials, chance == "each", table, draws, rng,
        )  # fmt: skip
    p = family_wise_p(np.abs(ratios[at]), greatest)
    own = np.sign(count - base * (every / trials if trials else 0.0))
    level = significance_levels(p, np.where(own == np.sign(ratios[at]), own, 0.0))
    return pl.DataFrame(
        {
            "observed": sums[at].astype(np.int64),
            "expected": expected[at],
            "ratio": np.divide(
                sums[at], expected[at], out=np.full(len(count), np.nan), where=expected[at] > 0
            ),
            "window": best.astype(np.int16),
            "statistic": ratios[at],
            "p_adjusted": p,
            "level": level,
        }
    ).with_columns(
        pl.col("ratio").fill_nan(None),
        window=pl.when(pl.col("expected") > 0).then("window"),
    )


def checked_counts(cases: Any, exposure: Any, chance: Chance) -> tuple[Array, Array]:
    """Return cases and exposure as float64 after their checks.

    Raises
    ------
    InputFrameError
        Not flat, of two lengths, not finite, below 0, no whole number, cases beyond the trials, or cases
        without exposure; the message names the row.
    """
    count, base = _numbers(cases, "cases"), _numbers(exposure, "exposure")
    if len(count) != len(base):
        raise InputFrameError(f"there are {len(count)} cases and {len(base)} exposures: one each a cell")
    _refuse(count != np.rint(count), "cases", "is no whole number")
    if chance == "each":
        _refuse(base != np.rint(base), "exposure", "is no whole number of trials")
        _refuse(count > base, "cases", "has more cases than trials")
    _refuse((count > 0) & (base == 0), "cases", "has cases without exposure")
    return count, base


def _numbers(values: Any, name: str) -> Array:
    try:
        found: Array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputFrameError(f"{name} must be numbers: {error}") from error
    if found.ndim != 1:
        raise InputFrameError(f"{name} must be flat, got shape {found.shape}")
    _refuse(~np.isfinite(found), name, "is not finite")
    _refuse(found < 0, name, "is below 0")
    return found


def _refuse(wrong: Array, name: str, reason: str) -> None:
    if wrong.any():
        raise InputFrameError(f"{name}: row {int(np.argmax(wrong))} {reason}")


def checked_windows(windows: sparse.csr_array | Sequence[sparse.csr_array], n: int) -> list[sparse.csr_array]:
    """Return the windows as matrices of ones with the cell itself in each.

    Raises
    ------
    InputFrameError, ParameterError
    """
    given: list[Any] = list(windows) if isinstance(windows, (list, tuple)) else [windows]
    if not 1 <= len(given) <= ALL_WINDOWS:
        raise ParameterError(f"1 to {ALL_WINDOWS} windows are needed, got {len(given)}")
    found = []
    for each in given:
        if each.shape != (n, n):
            raise InputFrameError(f"windows are {each.shape}, there are {n} cells")
        ones = sparse.csr_array(each, dtype=float)
        if (ones.data != 1.0).any():
            raise InputFrameError("windows must have weights of 1: a cell is in the window or not")
        if n and (ones.diagonal() != 1.0).any():
            row = int(np.argmax(ones.diagonal() != 1.0))
            raise InputFrameError(f"windows: the window of row {row} lacks the cell itself")
        found.append(ones)
    return found
