"""Hot spots by Getis-Ord Gi*: cells whose neighbourhood has higher values than chance explains."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numba import njit
from scipy import sparse, special

from spatial_models.errors import InputFrameError, ParameterError
from spatial_models.frames import Array

BIN_LIMITS = (0.10, 0.05, 0.01)
"""Greatest q of bin 1, 2 and 3 (90, 95, 99 % confidence); bins of cold spots are negative."""


def getis_ord_star(
    values: Any,
    weights: sparse.csr_array,
    *,
    exposure: Any = None,
    permutations: int = 0,
    rng: np.random.Generator | None = None,
) -> pl.DataFrame:
    r"""Compute Gi* of each cell, with false-discovery-rate correction.

    .. math:: z_i = \frac{\sum_j w_{ij} x_j - \bar x W_i}{s \sqrt{(n \sum_j w_{ij}^2 - W_i^2) / (n - 1)}}

    with :math:`W_i = \sum_j w_{ij}`, :math:`w_{ii} > 0` and the population deviation :math:`s` (Ord and Getis
    1995).

    Parameters
    ----------
    values : array_like of float, shape (n,)
        One finite value per cell of the study area.
    weights : scipy.sparse.csr_array, shape (n, n)
        From `spatial_models.hotspots.ring_weights`; a missing diagonal is filled with 1.
    exposure : array_like of float or None
        Base of the rate (traffic), shape (n,): the statistic then uses value / exposure, and cells without
        exposure do not take part (z 0, p 1).
    permutations : int
        Draws for ``p_sim``: the cell keeps its value, its neighbours are drawn from all other cells. The
        normal approximation is poor for sparse counts; 999 is usual.
    rng : numpy.random.Generator or None
        Needed with permutations.

    Returns
    -------
    polars.DataFrame
        In the order of the cells: ``value`` (the rate with exposure), ``z``, ``p`` (two-sided, normal), ``q``
        (Benjamini-Hochberg), ``gi_bin`` (-3 to 3 by q); with permutations ``p_sim`` (two-sided) and
        ``q_sim``.

    Raises
    ------
    InputFrameError, ParameterError

    Examples
    --------
    >>> line = sparse.csr_array(np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]]))
    >>> getis_ord_star([0.0, 0.0, 3.0], line)["z"].round(3).to_list()
    [-1.414, 0.0, 0.707]
    >>> getis_ord_star([], sparse.csr_array((0, 0))).height
    0
    """
    x = _checked_values(values, "values")
    n = len(x)
    if weights.shape != (n, n):
        raise InputFrameError(f"weights are {weights.shape}, values {n}")
    w = sparse.csr_array(weights, dtype=float)
    if (w.diagonal() == 0).any():
        w = sparse.csr_array(w + sparse.diags_array((w.diagonal() == 0).astype(float)))
    takes_part = np.ones(n, bool)
    if exposure is not None:
        against = _checked_values(exposure, "exposure")
        if len(against) != n or (against < 0).any():
            raise InputFrameError("exposure must be 0 or more, one a value")
        takes_part = against > 0
        x = np.divide(x, against, out=np.zeros(n), where=takes_part)
        w = w[takes_part][:, takes_part]
    return _result_frame(x, w, takes_part, permutations, rng)


def false_discovery_q(p: Array) -> Array:
    """Return Benjamini-Hochberg adjusted p values (q).

    The q value is the least false-discovery rate at which the test is significant (Benjamini and Hochberg
    1995).

    Parameters
    ----------
    p : ndarray of float, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n,)

    Examples
    --------
    >>> false_discovery_q(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    n = len(p)
    if n == 0:
        return np.empty(0)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * n / np.arange(1, n + 1)
    q = np.empty(n)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def gi_bins(z: Array, q: Array) -> Array:
    """Return bins -3 to 3 by significance and sign, int8."""
    strength = sum((q <= limit).astype(np.int8) for limit in BIN_LIMITS)
    bins: Array = (np.sign(z) * strength).astype(np.int8)
    return bins


def _checked_values(values: Any, name: str) -> Array:
    try:
        x: Array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputFrameError(f"{name} must be numbers: {error}") from error
    if x.ndim != 1:
        raise InputFrameError(f"{name} must be flat, got shape {x.shape}")
    if not np.isfinite(x).all():
        raise InputFrameError(f"{name}: row {int(np.argmin(np.isfinite(x)))} is not finite")
    return x


def _result_frame(
    x: Array, w: sparse.csr_array, takes_part: Array, permutations: int, rng: np.random.Generator | None
) -> pl.DataFrame:
    n = len(x)
    z, p, q = np.zeros(n), np.ones(n), np.ones(n)
    part = x[takes_part]
    z[takes_part] = z_scores(part, w)
    p[takes_part] = special.erfc(np.abs(z[takes_part]) / np.sqrt(2.0))
    q[takes_part] = false_discovery_q(p[takes_part])
    columns = {"value": x, "z": z, "p": p, "q": q, "gi_bin": gi_bins(z, q)}
    if permutations:
        if rng is None:
            raise ParameterError("permutations need rng, a numpy.random.Generator")
        p_sim, q_sim = np.ones(n), np.ones(n)
        p_sim[takes_part] = permutation_p(part, w, permutations, rng)
        q_sim[takes_part] = false_discovery_q(p_sim[takes_part])
        columns |= {"p_sim": p_sim, "q_sim": q_sim}
    return pl.DataFrame(columns)


def z_scores(x: Array, w: sparse.csr_array) -> Array:
    """Return the closed form of Gi*, shape (n,); 0 for constant values and rows that cover the study area."""
    n = len(x)
    if n < 2:
        return np.zeros(n)
    total = np.asarray(w.sum(axis=1)).ravel()
    squares = np.asarray(w.multiply(w).sum(axis=1)).ravel()
    deviation = x.std()
    spread = deviation * np.sqrt(np.maximum(n * squares - total**2, 0.0) / (n - 1))
    above = w @ (x - x.mean())
    flat = (spread <= 0) | (deviation <= 1e-12 * np.abs(x).max(initial=0.0))
    z: Array = np.where(flat, 0.0, above / np.where(flat, 1.0, spread))
    return z


def permutation_p(x: Array, w: sparse.csr_array, permutations: int, rng: np.random.Generator) -> Array:
    """Return two-sided conditional permutation p values of the weighted sums.

    p = (2 min(above, below) + 1 each) / (permutations + 1). All cells share the same draws (as in esda), so
    the same generator gives the same p.

    Parameters
    ----------
    x : ndarray of float64, shape (n,)
    w : scipy.sparse.csr_array, shape (n, n)
    permutations : int
    rng : numpy.random.Generator

    Raises
    ------
    ParameterError
    """
    if not 1 <= permutations <= 100_000:
        raise ParameterError(f"permutations must be 1 to 100000, got {permutations!r}")
    n = len(x)
    if n < 2:
        return np.ones(n)
    most = min(int(np.diff(w.indptr).max()), n - 1)
    draws = np.empty((permutations, most), np.int64)
    for draw in draws:
        draw[:] = rng.choice(n - 1, size=most, replace=False, shuffle=True)
    p: Array = _count_extreme_draws(x, w.indptr, w.indices, w.data, draws)
    return p


@njit(cache=True, nogil=True)
def _count_extreme_draws(x: Array, indptr: Array, indices: Array, data: Array, draws: Array) -> Array:
    p = np.empty(len(x))
    for i in range(len(x)):
        observed = 0.0
        for at in range(indptr[i], indptr[i + 1]):
            if indices[at] != i:
                observed += data[at] * x[indices[at]]
        tolerance = 1e-12 * (abs(observed) + 1e-300)
        at_least, at_most = 1, 1
        for r in range(len(draws)):
            drawn, m = 0.0, 0
            for at in range(indptr[i], indptr[i + 1]):
                if indices[at] != i:
                    j = draws[r, m]
                    drawn += data[at] * x[j + 1 if j >= i else j]
                    m += 1
            at_least += drawn >= observed - tolerance
            at_most += drawn <= observed + tolerance
        p[i] = min(1.0, 2.0 * min(at_least, at_most) / (len(draws) + 1))
    return p
