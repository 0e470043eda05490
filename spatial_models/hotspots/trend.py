"""Mann-Kendall trend of many series at once, with ties."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from scipy import special

from spatial_models.errors import InputFrameError
from spatial_models.frames import Array


def mann_kendall(series: Any) -> tuple[Array, Array]:
    r"""Compute the Mann-Kendall statistic of each series.

    .. math:: S = \sum_{s < t} \operatorname{sign}(x_t - x_s), \quad
        V = \frac{n(n-1)(2n+5) - \sum_g g(g-1)(2g+5)}{18}, \quad z = \frac{S - \operatorname{sign} S}{\sqrt V}

    with a group of g equal values for each tie (Mann 1945, Kendall 1975). A constant series, and one of fewer
    than two steps, has z 0 and p 1.

    Parameters
    ----------
    series : array_like of float, shape (n_series, n_steps)
        Finite, in the order of time.

    Returns
    -------
    z : ndarray of float64, shape (n_series,)
        Above 0: rising.
    p : ndarray of float64, shape (n_series,)
        Two-sided, by the normal approximation; for fewer than about 8 steps it is rough.

    Raises
    ------
    InputFrameError

    Examples
    --------
    >>> z, p = mann_kendall([[1, 2, 3, 4, 5], [1, 1, 1, 1, 1], [5, 4, 4, 2, 1]])
    >>> z.round(3).tolist(), p.round(3).tolist()
    ([2.205, 0.0, -2.021], [0.027, 1.0, 0.043])
    >>> mann_kendall(np.empty((0, 4)))[0].tolist()
    []
    """
    x = checked_series(series)
    z = _trends(np.ascontiguousarray(x))
    return z, special.erfc(np.abs(z) / np.sqrt(2.0))


def checked_series(series: Any, name: str = "series") -> Array:
    """Return the series as float64, one a row.

    Raises
    ------
    InputFrameError
    """
    try:
        x: Array = np.asarray(series, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputFrameError(f"{name} must be numbers: {error}") from error
    if x.ndim != 2:
        raise InputFrameError(f"{name} must have rows of cells and columns of steps, got shape {x.shape}")
    if not np.isfinite(x).all():
        row, step = np.argwhere(~np.isfinite(x))[0]
        raise InputFrameError(f"{name}: row {row}, step {step} is not finite")
    return x


@njit(cache=True, nogil=True, parallel=True)
def _trends(x: Array) -> Array:
    n = x.shape[1]
    z = np.zeros(x.shape[0])
    for i in prange(x.shape[0]):
        row = x[i]
        score = 0
        ties = 0.0
        for t in range(n):
            equal_before, equal = 0, 1
            for s in range(t):
                score += int(row[t] > row[s]) - int(row[t] < row[s])
                equal_before += row[s] == row[t]
            if equal_before == 0:  # the first of its group counts the whole group
                for s in range(t + 1, n):
                    equal += row[s] == row[t]
                ties += equal * (equal - 1) * (2 * equal + 5)
        variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
        if variance > 0 and score != 0:
            z[i] = (score - 1 if score > 0 else score + 1) / np.sqrt(variance)
    return z
