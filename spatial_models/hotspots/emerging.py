"""Emerging hot spots: Gi* in space and time, the trend of each cell, and its pattern."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numba import njit, prange
from scipy import sparse, special

from spatial_models.errors import InputFrameError, ParameterError
from spatial_models.frames import Array
from spatial_models.hotspots.patterns import PATTERNS, classify_patterns
from spatial_models.hotspots.permutation_kernels import draws_of_field
from spatial_models.hotspots.significance import check_draws, family_wise_p
from spatial_models.hotspots.trend import checked_series, mann_kendall

MAX_DRAWN_BINS = 5_000_000
"""Most bins of a cube whose draws are made: each needs its window in memory."""


def emerging_hot_spots(
    counts: Any,
    weights: sparse.csr_array,
    *,
    steps_back: int = 1,
    alpha: float = 0.05,
    permutations: int = 0,
    rng: np.random.Generator | None = None,
) -> pl.DataFrame:
    """Classify each cell by how its hot and cold steps follow each other.

    Gi* of each bin (cell and step) is computed over the whole cube: the neighbours of a bin are the cells of
    its window in the same step and in the ``steps_back`` steps before, of which the first steps have fewer.
    Bins are hot or cold after the correction for many bins; the trend is Mann-Kendall's of the z series of
    the cell; the classes are those of `spatial_models.hotspots.classify_patterns`.

    Parameters
    ----------
    counts : array_like of float, shape (n_cells, n_steps)
        One value a bin, steps in the order of time and of equal length.
    weights : scipy.sparse.csr_array, shape (n_cells, n_cells)
        From `spatial_models.hotspots.ring_weights`; a missing diagonal is filled with 1.
    steps_back : int
        Steps before a bin that are its neighbours, 0 or more.
    alpha : float
        Greatest p of a hot bin and of a trend.
    permutations : int
        0: bins are significant by the false-discovery rate of the normal p (Benjamini and Hochberg 1995).
        Otherwise the whole cube is permuted that often, and bins are significant by the greatest statistic of
        each draw, which holds for sparse counts too.
    rng : numpy.random.Generator or None
        Needed with permutations.

    Returns
    -------
    polars.DataFrame
        In the order of the cells: ``pattern`` (of ``PATTERNS``), ``since_step`` (first step of the last
        unbroken run of hot, or cold, steps when it lasts to the end; else null), ``hot_steps``,
        ``cold_steps``, ``trend_z``, ``trend_p``, ``z_last``, ``marks`` (list of 1, 0, -1 by step).

    Raises
    ------
    InputFrameError, ParameterError

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> counts = rng.poisson(2.0, (30, 10))
    >>> counts[4, -1] = 40
    >>> found = emerging_hot_spots(counts, sparse.csr_array(np.eye(30)), steps_back=0)
    >>> found["pattern"].to_list()[4], found["since_step"].to_list()[4]
    ('new_hot', 9)
    >>> emerging_hot_spots(np.empty((0, 10)), sparse.csr_array((0, 0))).height
    0
    """
    x, w = checked_cube(counts, weights, steps_back, alpha)
    z, scale, shift = cube_z(x, w, steps_back)
    if permutations:
        significant = _by_draws(x, w, z, scale, shift, steps_back, alpha, permutations, rng)
    else:
        significant = discoveries(special.erfc(np.abs(z) / np.sqrt(2.0)), alpha)
    marks = np.where(significant, np.sign(z), 0).astype(np.int8)
    trend_z, trend_p = mann_kendall(z) if x.shape[1] else (np.zeros(len(x)), np.ones(len(x)))
    code = classify_patterns(marks, trend_z, trend_p, trend_alpha=alpha)
    return pl.DataFrame(
        {
            "pattern": pl.Series(np.array(PATTERNS)[code], dtype=pl.String),
            "since_step": _since(marks),
            "hot_steps": (marks == 1).sum(axis=1).astype(np.int64),
            "cold_steps": (marks == -1).sum(axis=1).astype(np.int64),
            "trend_z": trend_z,
            "trend_p": trend_p,
            "z_last": z[:, -1] if x.shape[1] else np.zeros(len(x)),
            "marks": pl.Series(marks.tolist(), dtype=pl.List(pl.Int8)),
        }
    )


def checked_cube(
    counts: Any, weights: sparse.csr_array, steps_back: int, alpha: float
) -> tuple[Array, sparse.csr_array]:
    """Return the cube as float64 and the weights with their diagonal.

    Raises
    ------
    InputFrameError, ParameterError
    """
    x = checked_series(counts, "counts")
    if weights.shape != (len(x), len(x)):
        raise InputFrameError(f"weights are {weights.shape}, there are {len(x)} cells")
    if isinstance(steps_back, bool) or not isinstance(steps_back, int) or steps_back < 0:
        raise ParameterError(f"steps_back must be a whole number, 0 or more, got {steps_back!r}")
    if not 0 < alpha < 1:
        raise ParameterError(f"alpha must be between 0 and 1, got {alpha!r}")
    w = sparse.csr_array(weights, dtype=float)
    if (w.diagonal() == 0).any():
        w = sparse.csr_array(w + sparse.diags_array((w.diagonal() == 0).astype(float)))
    return np.ascontiguousarray(x), w


def cube_z(x: Array, w: sparse.csr_array, steps_back: int) -> tuple[Array, Array, Array]:
    """Return Gi* of each bin, and a and b of z = a (sum of the window) + b, each of the shape of ``x``."""
    cells, steps = x.shape
    bins = x.size
    deviation = x.std() if bins else 0.0
    if bins < 2 or deviation <= 1e-12 * np.abs(x).max():
        return np.zeros(x.shape), np.zeros(x.shape), np.zeros(x.shape)
    depth = np.minimum(np.arange(steps), steps_back) + 1
    total = np.asarray(w.sum(axis=1)).reshape(cells, 1) * depth
    squares = np.asarray(w.multiply(w).sum(axis=1)).reshape(cells, 1) * depth
    spread = deviation * np.sqrt(np.maximum(bins * squares - total**2, 0.0) / (bins - 1))
    scale = np.divide(1.0, spread, out=np.zeros(x.shape), where=spread > 0)
    shift = -x.mean() * total * scale
    z = scale * _window_sums(x, w.indptr, w.indices, w.data, steps_back) + shift
    return z, scale, shift


@njit(cache=True, nogil=True, parallel=True)
def _window_sums(x: Array, indptr: Array, indices: Array, data: Array, steps_back: int) -> Array:
    cells, steps = x.shape
    found = np.zeros((cells, steps))
    for i in prange(cells):
        here = np.zeros(steps)
        for at in range(indptr[i], indptr[i + 1]):
            row, weight = x[indices[at]], data[at]
            for t in range(steps):
                here[t] += weight * row[t]
        for t in range(steps):
            for s in range(max(0, t - steps_back), t + 1):
                found[i, t] += here[s]
    return found


def discoveries(p: Array, alpha: float) -> Array:
    """Return which p are discoveries at this false-discovery rate (Benjamini and Hochberg 1995).

    Examples
    --------
    >>> discoveries(np.array([[0.01, 0.04], [0.03, 0.5]]), 0.06).tolist()
    [[True, True], [True, False]]
    """
    small = np.sort(p[p <= alpha])
    under = np.flatnonzero(small <= alpha * np.arange(1, len(small) + 1) / max(p.size, 1))
    limit = small[under[-1]] if len(under) else -1.0
    found: Array = p <= limit
    return found


def _by_draws(
    x: Array, w: sparse.csr_array, z: Array, scale: Array, shift: Array, steps_back: int, alpha: float,
    draws: int, rng: np.random.Generator | None,
) -> Array:  # fmt: skip
    """Bins that stand out against the greatest statistic of each draw of the whole cube."""
    check_draws(draws)
    if rng is None:
        raise ParameterError("permutations need rng, a numpy.random.Generator")
    if x.size > MAX_DRAWN_BINS:
        raise ParameterError(f"permutations are for at most {MAX_DRAWN_BINS} bins, got {x.size}")
    if not z.any():
        return np.zeros(x.shape, bool)
    steps = x.shape[1]
    depth = range(min(steps_back + 1, steps))
    back = sparse.diags_array(
        [np.ones(steps - k) for k in depth], offsets=[-k for k in depth], shape=(steps, steps)
    )
    windows = sparse.csr_array(sparse.kron(w, back, format="csr"))
    greatest, _, _ = draws_of_field(
        x.ravel(), windows.indptr, windows.indices, windows.data, scale.ravel(), shift.ravel(), draws, rng
    )
    found: Array = family_wise_p(np.abs(z).ravel(), greatest).reshape(x.shape) <= alpha
    return found


def _since(marks: Array) -> pl.Series:
    """First step of the unbroken run of like marks that lasts to the end; null where the last step has none."""
    cells, steps = marks.shape
    if steps == 0:
        return pl.Series(values=[None] * cells, dtype=pl.Int64)
    last = marks[:, -1:]
    run = np.logical_and.accumulate((marks == last)[:, ::-1], axis=1).sum(axis=1)
    since = pl.Series(steps - run, dtype=pl.Int64)
    return since.set(pl.Series(marks[:, -1] == 0), None)
