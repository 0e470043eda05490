"""H3 cells as uint64 arrays.

A cell is only an index; jurisdiction is decided by areas.
"""

from __future__ import annotations

from typing import Any

import h3ronpy
import numpy as np
import shapely
from h3ronpy.vector import cells_to_wkb_polygons, coordinates_to_cells
from numpy.typing import ArrayLike, NDArray

from grid.errors import GridError

Cells = NDArray[np.uint64]


def _check_res(res: int) -> None:
    if not 0 <= res <= 15:
        raise GridError(f"H3 resolution {res}: 0 to 15", f"H3 级别 {res} 应为 0 至 15")


def cells_of(lon: ArrayLike, lat: ArrayLike, res: int) -> Cells:
    """Return the H3 cell of each point.

    Parameters
    ----------
    lon, lat : array_like of float, shape (n,)
        Degrees, EPSG:4326.
    res : int
        H3 resolution, 0 to 15.

    Returns
    -------
    ndarray of uint64, shape (n,)
        0 (H3's null) where a coordinate is not finite or outside ±180, ±90.

    Raises
    ------
    GridError
        When ``res`` is no resolution.

    Examples
    --------
    >>> cells_of([120.8645, float("nan")], [32.0163, 32.0], 9).tolist()
    [617848386255585279, 0]
    >>> cells_of([], [], 9).tolist()
    []
    """
    _check_res(res)
    x, y = np.broadcast_arrays(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    with np.errstate(invalid="ignore"):
        known = (np.abs(x) <= 180.0) & (np.abs(y) <= 90.0)
    cells = np.zeros(x.shape, dtype=np.uint64)
    if known.any():
        cells[known] = np.asarray(
            coordinates_to_cells(np.ascontiguousarray(y[known]), np.ascontiguousarray(x[known]), res)
        )
    return cells


def parents_of(cells: ArrayLike, res: int) -> Cells:
    """Return the parent of each cell at resolution ``res``; null stays 0.

    Parameters
    ----------
    cells : array_like of uint64, shape (n,)
    res : int
        At most the cells' own resolution.

    Raises
    ------
    GridError

    Examples
    --------
    >>> parents_of([617848386255585279], 8).tolist()
    [613344786629263359]
    """
    _check_res(res)
    given = np.asarray(cells, dtype=np.uint64)
    known = given != 0
    if np.any(resolutions_of(given[known]) < res):
        raise GridError(f"a cell is coarser than resolution {res}: it has no parent there")
    parents = np.zeros(given.shape, dtype=np.uint64)
    if known.any():
        parents[known] = np.asarray(h3ronpy.change_resolution(given[known], res))
    return parents


def resolutions_of(cells: ArrayLike) -> NDArray[np.int64]:
    """Return the resolution of each cell (bits 52 to 55 of the index).

    Parameters
    ----------
    cells : array_like of uint64, shape (n,)

    Examples
    --------
    >>> resolutions_of([617848386255585279]).tolist()
    [9]
    >>> resolutions_of([]).tolist()
    []
    """
    shifted = np.asarray(cells, dtype=np.uint64) >> np.uint64(52)
    return np.asarray((shifted & np.uint64(15)).astype(np.int64))


def cell_boundaries(cells: ArrayLike) -> NDArray[Any]:
    """Return the hexagon (or pentagon) of each cell.

    Parameters
    ----------
    cells : array_like of uint64, shape (n,)

    Returns
    -------
    ndarray of shapely.Polygon, shape (n,)
        EPSG:4326, not cut at the 180th meridian.

    Examples
    --------
    >>> len(cell_boundaries([617848386255585279])[0].exterior.coords)
    7
    """
    given = np.ascontiguousarray(np.asarray(cells, dtype=np.uint64))
    if given.size == 0:
        return np.empty(0, dtype=object)
    texts = cells_to_wkb_polygons(given)
    return np.asarray(shapely.from_wkb(np.array([value.as_py() for value in texts], dtype=object)))
