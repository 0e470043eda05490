"""Neighbourhoods of H3 cells as sparse matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from h3ronpy import cells_resolution, cells_valid, grid_disk
from scipy import sparse

from spatial_models.errors import ParameterError, StudyAreaError
from spatial_models.frames import Array


def ring_weights(cells: Any, k: int = 1, *, include_self: bool = True) -> sparse.csr_array:
    """Build binary weights: 1 for each cell of the study area within ``k`` rings.

    Parameters
    ----------
    cells : array_like of uint64 or int64, shape (n,)
        The study area: distinct H3 cells of one resolution. A cell without data takes part when it is given,
        and does not when it is not; mean, variance and z depend on it.
    k : int
        Rings; 1 is the cell and its (at most) 6 neighbours.
    include_self : bool
        Whether a cell is its own neighbour, as the star form (Gi*) needs.

    Returns
    -------
    scipy.sparse.csr_array of float64, shape (n, n)
        Rows and columns in the order of ``cells``.

    Raises
    ------
    StudyAreaError, ParameterError

    Examples
    --------
    >>> import h3
    >>> disk = [h3.str_to_int(c) for c in h3.grid_disk(h3.latlng_to_cell(32.0, 120.9, 8), 1)]
    >>> ring_weights(disk).sum(axis=1).max()
    np.float64(7.0)
    >>> ring_weights([]).shape
    (0, 0)
    """
    if not isinstance(k, int) or not 1 <= k <= 100:
        raise ParameterError(f"k must be a whole number from 1 to 100, got {k!r}")
    area = checked_cells(cells)
    n = len(area)
    if n == 0:
        return sparse.csr_array((0, 0))
    disks = pl.from_arrow(grid_disk(area, k))
    assert isinstance(disks, pl.Series)
    neighbour = disks.explode(empty_as_null=False).to_numpy().astype(np.uint64)
    row = np.repeat(np.arange(n), disks.list.len().to_numpy())
    order = np.argsort(area, kind="stable")
    at = np.minimum(np.searchsorted(area[order], neighbour), n - 1)
    column = order[at]
    known = area[column] == neighbour
    if not include_self:
        known &= column != row
    matrix = sparse.csr_array((np.ones(known.sum()), (row[known], column[known])), shape=(n, n))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    matrix.sort_indices()
    return matrix


def checked_cells(cells: Any) -> Array:
    """Convert cells to uint64 after the checks of a study area.

    Parameters
    ----------
    cells : array_like of uint64 or int64, shape (n,)

    Raises
    ------
    StudyAreaError
        A value is no H3 cell, resolutions are mixed, or a cell occurs twice.
    """
    raw = np.asarray(cells)
    if raw.size == 0:
        return np.empty(0, np.uint64)
    if raw.ndim != 1 or raw.dtype.kind not in "iu":
        raise StudyAreaError(f"cells must be a flat array of integers, got {raw.dtype} of shape {raw.shape}")
    area: Array = raw.astype(np.uint64)
    valid = np.asarray(pl.Series(cells_valid(area, booleanarray=True)))
    if not valid.all():
        raise StudyAreaError(f"row {int(np.argmin(valid))}: {int(area[np.argmin(valid)])} is no H3 cell")
    resolutions = np.unique(np.asarray(pl.Series(cells_resolution(area))))
    if len(resolutions) > 1:
        raise StudyAreaError(f"cells of resolutions {resolutions.tolist()}: one is needed")
    values, counts = np.unique(area, return_counts=True)
    if counts.max() > 1:
        raise StudyAreaError(f"cell {int(values[counts.argmax()])} stands {int(counts.max())} times")
    return area
