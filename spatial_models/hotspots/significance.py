"""Levels of significance of hot and cold spots, by p values that hold for the whole field at once."""

from __future__ import annotations

import numpy as np

from spatial_models.errors import ParameterError
from spatial_models.frames import Array

LEVEL_LIMITS = ((90, 0.10), (95, 0.05), (99, 0.01))
"""Level in percent, and the greatest adjusted p of it."""
MAX_DRAWS = 100_000


def significance_levels(p_adjusted: Array, sign: Array) -> Array:
    """Return levels 0, 90, 95 or 99 in percent, negative for cold spots, int16.

    Parameters
    ----------
    p_adjusted : ndarray of float, shape (n,)
        p values that hold for the whole field (family-wise).
    sign : ndarray, shape (n,)
        Above 0: hot; below 0: cold; 0: neither.

    Examples
    --------
    >>> significance_levels(np.array([0.01, 0.02, 0.07, 0.2]), np.array([1, -1, 1, 1])).tolist()
    [99, -95, 90, 0]
    """
    level = np.zeros(len(p_adjusted), np.int16)
    for percent, limit in LEVEL_LIMITS:
        level[p_adjusted <= limit] = percent
    found: Array = (level * np.sign(sign)).astype(np.int16)
    return found


def family_wise_p(statistics: Array, greatest: Array) -> Array:
    """Return p of each statistic against the greatest statistic of each draw of the whole field.

    p = (1 + draws whose greatest is at least the statistic) / (draws + 1): the chance that a field without
    any hot spot shows this much anywhere, so that no further correction for many cells is needed (maximum
    statistic: Westfall and Young 1993; Nichols and Holmes 2002).

    Parameters
    ----------
    statistics : ndarray of float, shape (n,)
    greatest : ndarray of float, shape (draws,)

    Examples
    --------
    >>> family_wise_p(np.array([3.0, 1.0]), np.array([1.0, 2.0, 2.5])).tolist()
    [0.25, 1.0]
    """
    ordered = np.sort(greatest)
    tolerance = 1e-9 * np.maximum(np.abs(statistics), 1.0)
    reached = len(ordered) - np.searchsorted(ordered, statistics - tolerance, side="left")
    p: Array = (1.0 + reached) / (len(ordered) + 1.0)
    return p


def check_draws(draws: int) -> None:
    """Refuse a number of draws that is no whole number from 1 to 100,000.

    Raises
    ------
    ParameterError
    """
    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or not 1 <= draws <= MAX_DRAWS:
        raise ParameterError(f"draws must be a whole number from 1 to {MAX_DRAWS}, got {draws!r}")
