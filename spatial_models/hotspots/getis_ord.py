"""Getis-Ord Gi*: cells whose neighbourhood has higher values than chance explains."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numba import njit
from scipy import sparse, special

from spatial_models.errors import InputFrameError, ParameterError
from spatial_models.frames import Array
from spatial_models.hotspots.permutation_kernels import draws_of_field
from spatial_models.hotspots.significance import check_draws, family_wise_p, significance_levels

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
    r"""Compute Gi* of each cell; with permutations, significance that holds for the whole field.

    .. math:: z_i = \frac{\sum_j w_{ij} x_j - \bar x W_i}{s \sqrt{(n \sum_j w_{ij}^2 - W_i^2) / (n - 1)}}

    with :math:`W_i = \sum_j w_{ij}`, :math:`w_{ii} > 0` and the population deviation :math:`s` (Ord and Getis
    1995). The normal p and its q are those of the literature; on sparse counts they find hot spots where there
    are none. With ``permutations`` the whole field is drawn anew that often, and a cell is significant by the
    greatest statistic of all cells in each draw. For counts given an exposure see
    `spatial_models.hotspots.count_excess`.

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
        Draws of the whole field; 999 is usual. Without exposure all values are permuted; with exposure the
        values must be counts, and their sum is drawn anew over the cells in proportion to the exposure.
    rng : numpy.random.Generator or None
        Needed with permutations.

    Returns
    -------
    polars.DataFrame
        In the order of the cells: ``value`` (the rate with exposure), ``z``, ``p`` (two-sided, normal), ``q``
        (Benjamini-Hochberg), ``gi_bin`` (-3 to 3 by q); with permutations ``p_sim`` (two-sided, of the cell
        alone), ``p_adjusted`` (of the whole field) and ``level`` (0, 90, 95, 99; negative: cold).

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
    if _lacks_itself(w.indptr, w.indices, w.data):
        w = sparse.csr_array(w + sparse.diags_array((w.diagonal() == 0).astype(float)))
    takes_part = np.ones(n, bool)
    if exposure is not None:
        against = _checked_values(exposure, "exposure")
        if len(against) != n or (against < 0).any():
            raise InputFrameError("exposure must be 0 or more, one a value")
        takes_part = against > 0
        x = np.divide(x, against, out=np.zeros(n), where=takes_part)
        w = w[takes_part][:, takes_part]
    return _result_frame(
        x, w, takes_part, None if exposure is None else against[takes_part], permutations, rng
    )


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
    order = np.argsort(p)  # equal p get the same q in any order
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
    x: Array,
    w: sparse.csr_array,
    takes_part: Array,
    exposure_of_part: Array | None,
    permutations: int,
    rng: np.random.Generator | None,
) -> pl.DataFrame:
    n = len(x)
    z, p, q = np.zeros(n), np.ones(n), np.ones(n)
    part = x[takes_part]
    z[takes_part] = z_scores(part, w)
    p[takes_part] = special.erfc(np.abs(z[takes_part]) / np.sqrt(2.0))
    q[takes_part] = false_discovery_q(p[takes_part])
    columns = {"value": x, "z": z, "p": p, "q": q, "gi_bin": gi_bins(z, q)}
    if permutations:
        drawn = _drawn(part, w, z[takes_part], exposure_of_part, permutations, rng)
        columns |= {"p_sim": np.ones(n), "p_adjusted": np.ones(n)}
        columns["p_sim"][takes_part], columns["p_adjusted"][takes_part] = drawn
        columns["level"] = significance_levels(columns["p_adjusted"], z)
    return pl.DataFrame(columns)


def z_scores(x: Array, w: sparse.csr_array) -> Array:
    """Return the closed form of Gi*, shape (n,); 0 for constant values and rows that cover the study area."""
    scale, shift = z_scale(x, w)
    z: Array = scale * (w @ x) + shift
    z[scale == 0.0] = 0.0
    return z


def z_scale(x: Array, w: sparse.csr_array) -> tuple[Array, Array]:
    """Return a and b of z = a (w @ x) + b: they are the same for every order of the values."""
    n = len(x)
    if n < 2:
        return np.zeros(n), np.zeros(n)
    total, squares = _row_sums(w.indptr, w.data)
    deviation = x.std()
    spread = deviation * np.sqrt(np.maximum(n * squares - total**2, 0.0) / (n - 1))
    flat = (spread <= 0) | (deviation <= 1e-12 * np.abs(x).max(initial=0.0))
    scale = np.where(flat, 0.0, 1.0 / np.where(flat, 1.0, spread))
    return scale, -x.mean() * total * scale


@njit(cache=True, nogil=True)
def _row_sums(indptr: Array, data: Array) -> tuple[Array, Array]:
    """Return sums and sums of squares of the weights of each row."""
    n = len(indptr) - 1
    total, squares = np.zeros(n), np.zeros(n)
    for i in range(n):
        for at in range(indptr[i], indptr[i + 1]):
            total[i] += data[at]
            squares[i] += data[at] * data[at]
    return total, squares


@njit(cache=True, nogil=True)
def _lacks_itself(indptr: Array, indices: Array, data: Array) -> bool:
    """Return whether some row has no weight for its own cell."""
    for i in range(len(indptr) - 1):
        own = 0.0
        for at in range(indptr[i], indptr[i + 1]):
            if indices[at] == i:
                own += data[at]
        if own == 0.0:
            return True
    return False


def _drawn(
    x: Array, w: sparse.csr_array, z: Array, exposure: Array | None, draws: int,
    rng: np.random.Generator | None,
) -> tuple[Array, Array]:  # fmt: skip
    """P of each cell alone, and of the whole field."""
    check_draws(draws)
    if rng is None:
        raise ParameterError("permutations need rng, a numpy.random.Generator")
    if len(x) < 2:
        return np.ones(len(x)), np.ones(len(x))
    if exposure is None:
        greatest, more, less = draws_of_field(x, w.indptr, w.indices, w.data, *z_scale(x, w), draws, rng)
    else:
        greatest, more, less = _draws_of_counts(x * exposure, exposure, w, z, draws, rng)
    p_sim = np.minimum(1.0, 2.0 * (np.minimum(more, less) + 1.0) / (draws + 1.0))
    return p_sim, family_wise_p(np.abs(z), greatest)


def _draws_of_counts(
    counts: Array, exposure: Array, w: sparse.csr_array, z: Array, draws: int, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Gi* of rates whose counts are drawn given their sum: cells of little exposure vary more."""
    whole = np.rint(counts)
    if (np.abs(whole - counts) > 1e-6).any() or (whole < 0).any():
        raise InputFrameError("values must be counts (whole, 0 or more) when permutations have an exposure")
    chances, tolerance = exposure / exposure.sum(), 1e-9 * np.maximum(np.abs(z), 1.0)
    greatest = np.empty(draws)
    more, less = np.zeros(len(z), np.int64), np.zeros(len(z), np.int64)
    for draw in range(draws):
        drawn = z_scores(rng.multinomial(int(whole.sum()), chances) / exposure, w)
        greatest[draw] = np.abs(drawn).max()
        more += drawn >= z - tolerance
        less += drawn <= z + tolerance
    return greatest, more, less
