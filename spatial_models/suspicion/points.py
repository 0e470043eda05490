"""Tables of points: from the value of a signal to its log-likelihood ratio."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def log_likelihood_ratio(points: Sequence[tuple[float, float]], value: float | None) -> float:
    """Return the log-likelihood ratio of a value: linear between the points, constant beyond them.

    Parameters
    ----------
    points : sequence of (value, log-likelihood ratio)
        Values increase.
    value : float or None
        None: nothing is known, which says nothing.

    Examples
    --------
    >>> table = [(0.0, -1.0), (0.5, 0.0), (1.0, 2.0)]
    >>> [log_likelihood_ratio(table, value) for value in (-3.0, 0.25, 0.75, 9.0)]
    [-1.0, -0.5, 1.0, 2.0]
    >>> log_likelihood_ratio(table, None)
    0.0
    """
    if value is None or value != value:
        return 0.0
    if value <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in pairwise(points):
        if value <= x1:
            return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
    return points[-1][1]
