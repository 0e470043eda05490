"""Exact point index over areas: finds the area that owns each of many points.

A uniform raster decides cells inside one area at once; in cells with an edge the polygons decide. Edges are
half-open: an area owns its western and southern edges but not its eastern and northern ones, so exactly one
of two siblings owns a point on their common edge. A point on the outer outline that no area owns belongs to
the first area on whose edge it lies. The areas need not be a tessellation: where they overlap, the first in
the order of the frame counts. The SQL function ``ownership`` (``layers/schema/ownership.sql``) is the same
rule.
"""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from grid.areas import point_index_kernels as kernels
from grid.errors import GridError

Array = NDArray[Any]

CELLS_PER_AREA = 512
MIN_CELLS, MAX_CELLS = 2**14, 2**22
POINTS_PER_THREAD = 200_000


@dataclass(frozen=True)
class AreaCover:
    """Immutable point index over areas, made by :meth:`build`; several threads may read it.

    Attributes
    ----------
    n_areas : int
    frame : ndarray of float64, shape (4,)
        West and south in degrees, cells per degree in x and in y.
    shape : ndarray of int64, shape (2,)
        Columns and rows of the raster.
    first, choice_ptr, choices : ndarray
        Result of each cell (see `grid.areas.point_index_kernels.locate`).
    rows, row_ptr, edges : ndarray
        Edges of each row of each area.
    """

    n_areas: int
    frame: Array
    shape: Array
    first: Array
    choice_ptr: Array
    choices: Array
    rows: Array
    row_ptr: Array
    edges: Array

    @classmethod
    def build(cls, areas: gpd.GeoDataFrame) -> AreaCover:
        """Build the index over the polygons of a frame; null and empty rows own nothing.

        Parameters
        ----------
        areas : GeoDataFrame
            Polygons and multi-polygons with holes, valid, EPSG:4326 (or without a CRS).

        Raises
        ------
        GridError
            The frame is in another CRS, or a coordinate is not finite.

        Examples
        --------
        >>> square = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)])
        >>> AreaCover.build(square).locate([0.5, 0.0, 1.0], [0.5, 0.0, 0.5]).tolist()
        [0, 0, 0]
        >>> AreaCover.build(square.iloc[:0]).locate([0.5], [0.5]).tolist()
        [-1]
        """
        if areas.crs is not None and areas.crs.to_epsg() not in (4326, 4490):
            raise GridError(f"areas are in {areas.crs}, not in EPSG:4326")
        segments, zones = _segments(areas.geometry.to_numpy())
        return _build(segments, zones, len(areas))

    def locate(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int64]:
        """Return the row position of the area that owns each point.

        Parameters
        ----------
        lon, lat : array_like of float
            Degrees, EPSG:4326; broadcast against each other.

        Returns
        -------
        ndarray of int64, same shape
            Row position in the frame of :meth:`build`; -1 without an area and for NaN.
        """
        x, y = np.broadcast_arrays(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
        flat_x, flat_y = np.ascontiguousarray(x).reshape(-1), np.ascontiguousarray(y).reshape(-1)
        found = np.full(flat_x.size, -1, dtype=np.int64)
        parts = max(1, min(os.cpu_count() or 1, flat_x.size // POINTS_PER_THREAD))
        bounds = np.linspace(0, flat_x.size, parts + 1).astype(int)
        spans = [slice(a, b) for a, b in itertools.pairwise(bounds)]
        if parts == 1:
            self._locate(flat_x, flat_y, found)
        else:
            with ThreadPoolExecutor(parts) as pool:
                list(pool.map(lambda span: self._locate(flat_x[span], flat_y[span], found[span]), spans))
        return found.reshape(x.shape)

    def _locate(self, lon: Array, lat: Array, out: Array) -> None:
        kernels.locate(
            lon,
            lat,
            out,
            self.frame,
            int(self.shape[0]),
            int(self.shape[1]),
            self.first,
            self.choice_ptr,
            self.choices,
            self.rows,
            self.row_ptr,
            self.edges,
        )


def _segments(geometry: Array) -> tuple[Array, Array]:
    """Return the edges of all rings, upwards, shape (n, 4), and the row of each."""
    is_area = np.isin(shapely.get_type_id(geometry), (3, 6))
    numbers = np.flatnonzero(is_area)
    parts, part_of = shapely.get_parts(geometry[is_area], return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    points, point_of = shapely.get_coordinates(rings, return_index=True)
    if not np.isfinite(points).all():
        raise GridError("an area has a coordinate that is not finite")
    same = point_of[1:] == point_of[:-1]
    start, end = points[:-1][same], points[1:][same]
    upward = (start[:, 1] <= end[:, 1])[:, None]
    segments = np.hstack([np.where(upward, start, end), np.where(upward, end, start)])
    zones = numbers[part_of[ring_of[point_of[1:][same]]]] if len(points) else np.empty(0, dtype=np.int64)
    return np.ascontiguousarray(segments), zones.astype(np.int64)


def _raster(segments: Array, n_areas: int) -> tuple[Array, Array, int, int]:
    """Return frame (west, south, cells per degree), cell size in degrees, columns, rows."""
    low = np.minimum(segments[:, :2].min(axis=0), segments[:, 2:].min(axis=0))
    high = np.maximum(segments[:, :2].max(axis=0), segments[:, 2:].max(axis=0))
    extent = np.maximum(high - low, 1e-6)
    cells = float(np.clip(CELLS_PER_AREA * n_areas, MIN_CELLS, MAX_CELLS))
    nx = int(np.clip(np.sqrt(cells * extent[0] / extent[1]), 1, cells))
    ny = int(np.clip(cells / nx, 1, cells))
    # A cell stays far larger than the rounding of a coordinate.
    nx, ny = (int(min(n, max(1, extent[i] / 1e-7))) for i, n in enumerate((nx, ny)))
    size = extent / (nx, ny)
    return np.concatenate([low, 1.0 / size]), size, nx, ny


def _build(segments: Array, zones: Array, n_areas: int) -> AreaCover:
    if not len(segments):
        return _empty(n_areas)
    frame, size, nx, ny = _raster(segments, n_areas)
    in_cells = (segments - np.tile(frame[:2], 2)) * np.tile(frame[2:], 2)
    keys = np.unique(kernels.mark_edges(in_cells, zones, nx, ny))
    rows, row_ptr, edges = _rows(segments, in_cells, zones, n_areas, ny)
    full = kernels.fill_interior(keys, nx, ny, frame[:2], size, rows, row_ptr, edges)
    first, choice_ptr, choices = _choices(keys, full, nx * ny)
    return AreaCover(n_areas, frame, np.array([nx, ny]), first, choice_ptr, choices, rows, row_ptr, edges)


def _rows(
    segments: Array, in_cells: Array, zones: Array, n_areas: int, ny: int
) -> tuple[Array, Array, Array]:
    """Return the edges by area and row.

    (first row, last row, first slot) of each area, offsets and coordinates.
    """
    first = np.clip(np.floor(in_cells[:, 1]), 0, ny - 1).astype(np.int64)
    last = np.clip(np.floor(in_cells[:, 3]), 0, ny - 1).astype(np.int64)
    rows = np.zeros((n_areas, 3), dtype=np.int64)
    rows[:, 0], rows[:, 1] = ny, -1
    np.minimum.at(rows[:, 0], zones, first)
    np.maximum.at(rows[:, 1], zones, last)
    counts = np.maximum(rows[:, 1] - rows[:, 0] + 1, 0)
    rows[:, 2] = np.cumsum(counts) - counts
    row_ptr, numbers = kernels.fill_rows(first, last, zones, rows, int(counts.sum()))
    return rows, row_ptr, segments[numbers]


def _choices(keys: Array, full: Array, n_cells: int) -> tuple[Array, Array, Array]:
    """Return the result of each cell: a zone, none, or the slot of its list of candidates."""
    zone, cell = np.divmod(keys, n_cells)
    covered = full[cell]
    open_ = (covered < 0) | (zone < covered)
    cell, zone = cell[open_], zone[open_]
    mixed = np.unique(cell)
    closing = mixed[full[mixed] >= 0]
    every_cell = np.concatenate([cell, closing])
    every_zone = np.concatenate([zone, ~full[closing].astype(np.int64)])
    order = np.lexsort((np.concatenate([zone, full[closing]]), every_cell))
    first = full.copy()
    first[mixed] = -2 - np.arange(len(mixed), dtype=np.int32)
    choice_ptr = np.concatenate([np.searchsorted(every_cell[order], mixed), [len(order)]])
    return first, choice_ptr.astype(np.int64), every_zone[order].astype(np.int32)


def _empty(n_areas: int) -> AreaCover:
    return AreaCover(
        n_areas,
        np.array([0.0, 0.0, 1.0, 1.0]),
        np.array([1, 1]),
        np.full(1, -1, dtype=np.int32),
        np.zeros(1, dtype=np.int64),
        np.empty(0, dtype=np.int32),
        np.zeros((n_areas, 3), dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.empty((0, 4), dtype=np.float64),
    )
