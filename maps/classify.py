"""Classes of a value for a map: where one colour ends and the next begins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

SEQUENTIAL = ("#fff5eb", "#fdd0a2", "#fd8d3c", "#d94801", "#7f2704")
"""Light to dark; told apart in grey print too."""


def quantile_breaks(values: ArrayLike, classes: int) -> NDArray[np.float64]:
    """Upper limits of classes that hold equally many values.

    Parameters
    ----------
    values : array_like of float
        NaN is left out.
    classes : int
        At least 1.

    Returns
    -------
    ndarray of float64
        At most ``classes`` strictly rising limits; the last is the maximum. Fewer where values repeat.

    Examples
    --------
    >>> quantile_breaks([1, 2, 3, 4, 5, 6, 7, 8], 4)
    array([2., 4., 6., 8.])
    >>> quantile_breaks([5, 5, 5], 4), quantile_breaks([], 4)
    (array([5.]), array([], dtype=float64))
    """
    finite = _finite(values)
    if finite.size == 0:
        return finite
    shares = np.arange(1, classes + 1) / classes
    return np.unique(np.quantile(finite, shares, method="inverted_cdf"))


def class_of(values: ArrayLike, breaks: ArrayLike) -> NDArray[np.int64]:
    """Index of the class of each value: the first limit that is not below it; -1 for NaN.

    Examples
    --------
    >>> class_of([1.0, 2.0, 2.1, float("nan"), 99.0], [2.0, 4.0])
    array([ 0,  0,  1, -1,  1])
    """
    given, limits = np.asarray(values, dtype=np.float64), np.asarray(breaks, dtype=np.float64)
    index = np.minimum(np.searchsorted(limits, given, side="left"), max(limits.size - 1, 0)).astype(np.int64)
    return np.where(np.isnan(given), -1, index)


def class_colors(count: int, ramp: Sequence[str] = SEQUENTIAL) -> tuple[str, ...]:
    """``count`` colours spread over a ramp.

    Examples
    --------
    >>> class_colors(2)
    ('#fff5eb', '#7f2704')
    >>> class_colors(1), class_colors(0)
    (('#7f2704',), ())
    """
    if count <= 0:
        return ()
    if count == 1:
        return (ramp[-1],)
    return tuple(ramp[round(i * (len(ramp) - 1) / (count - 1))] for i in range(count))


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    given = np.asarray(values, dtype=np.float64)
    return given[np.isfinite(given)]
