"""Region in which GCJ-02 differs from WGS-84.

The published algorithm shifts a rectangle of 72-138 E, 0.8-56 N, and with it Seoul, Osaka, Hanoi and Delhi, for which
no map is drawn in it; at the edges of the rectangle it jumps, so that no inverse exists there. Here the shift is
whole inside a coarse outline of China, which lies about 20 km outside of the border, and falls to nothing over the
next 20 km. So it has an inverse everywhere.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray

_MAINLAND = (
    (123.3, 53.56), (125.6, 53.1), (126.9, 51.4), (127.6, 50.3), (129.5, 49.45), (130.8, 48.95),
    (131.1, 47.75), (132.5, 47.8), (134.6, 48.45), (135.1, 48.45), (134.7, 47.7), (133.9, 46.3),
    (133.1, 45.1), (131.9, 45.35), (131.05, 44.85), (131.35, 44), (131.3, 43.45), (130.65, 42.4),
    (129.95, 42.95), (129.75, 42.4), (128.3, 41.9), (128.4, 41.3), (127.1, 41.2), (126.95, 41.75),
    (126.55, 41.3), (125.3, 40.6), (124.4, 39.9), (123.2, 39), (123, 37.3), (121.5, 35.2), (123, 30.9),
    (122.9, 29), (122.2, 25.3), (121.8, 21.8), (120.6, 21.6), (117.4, 20.4), (113.7, 18.9), (111.6, 19.6),
    (110.6, 18.3), (109.5, 17.9), (108.4, 18.6), (108.2, 21.3), (107.9, 21.45), (106.7, 21.95),
    (106.6, 22.7), (105.4, 23.35), (104, 22.45), (102.5, 22.4), (101.7, 22.35), (101.85, 21.1),
    (101.1, 21.5), (100.1, 21.4), (99.1, 22.1), (98.7, 24), (97.5, 23.75), (97.6, 25), (98.7, 26),
    (98.5, 27.6), (97.3, 28.1), (97, 27.6), (95.5, 26.8), (93.5, 26.65), (91.9, 26.8), (91.5, 27.75),
    (90, 28.15), (88.9, 27.2), (88.6, 28), (86, 27.85), (84, 28.85), (81.2, 29.9), (79, 31), (78.5, 32.5),
    (79.3, 32.7), (78.6, 34.2), (77.8, 35.4), (76, 35.75), (74.5, 37.1), (73.5, 38.4), (73.5, 39.5),
    (74.8, 40.5), (76.8, 41.1), (78.3, 41.5), (80.1, 42.1), (80.1, 43.1), (80.7, 43.2), (79.9, 44.9),
    (82.4, 45.3), (82.2, 45.6), (82.9, 47.2), (85.4, 47.15), (85.6, 48.4), (87.3, 49.2), (87.9, 49.2),
    (88.2, 48.6), (90.2, 47.8), (91.1, 46.8), (90.8, 45.3), (93.5, 45.1), (95.5, 44.35), (96.4, 42.8),
    (101.8, 42.65), (105, 41.7), (107.5, 42.5), (110, 42.75), (111.9, 43.7), (111.2, 44.1), (111.4, 45.2),
    (114, 45.05), (116, 46.35), (119.9, 46.75), (119, 47.75), (117.4, 47.75), (115.5, 47.95),
    (116.6, 49.9), (119.2, 50.2), (120.6, 52), (120, 52.7), (121.2, 53.4),
)  # fmt: skip
_ISLANDS = (
    (110.9, 17.4), (114.5, 17.4), (118.3, 15.5), (118.1, 10), (114.8, 7), (109.3, 7), (109.6, 8.4),
    (111.2, 12),
)  # fmt: skip
"""Corners in degrees, drawn by hand to a tenth of a degree; islands of the South China Sea."""
MARGIN_DEG = 0.2
"""Width of the border that is shifted whole, and of the one over which the shift ends."""
OUTLINE = shapely.union_all([shapely.Polygon(_MAINLAND), shapely.Polygon(_ISLANDS)]).buffer(
    MARGIN_DEG, quad_segs=2
)
"""Where the shift is whole; the browser has a copy (``scripts/write_gcj_region.py``)."""
shapely.prepare(OUTLINE)
CELL_DEG = 0.5
_WEST, _SOUTH, _EAST, _NORTH = OUTLINE.buffer(MARGIN_DEG).bounds


def gcj_weight(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of the shift applies at WGS-84 places: 1 in China, 0 elsewhere, between them on the way out.

    Examples
    --------
    >>> gcj_weight(np.array([120.9, 126.98, 135.5, 105.85, np.nan]), np.array([32.0, 37.57, 34.7, 21.03, 28.6]))
    array([1., 0., 0., 0., 0.])
    >>> gcj_weight(np.array([]), np.array([]))
    array([], dtype=float64)
    """
    cells = _cells()
    with np.errstate(invalid="ignore"):
        near = (lon > _WEST) & (lon < _EAST) & (lat > _SOUTH) & (lat < _NORTH)
    column = np.where(near, (lon - _WEST) / CELL_DEG, 0).astype(np.int64)
    row = np.where(near, (lat - _SOUTH) / CELL_DEG, 0).astype(np.int64)
    weight = np.where(near, cells[row, column], 0.0)
    edge = np.isnan(weight)
    if edge.any():
        distance = shapely.distance(shapely.points(lon[edge], lat[edge]), OUTLINE)
        weight[edge] = np.clip(1.0 - distance / MARGIN_DEG, 0.0, 1.0)
    return weight


@lru_cache(maxsize=1)
def _cells() -> NDArray[np.float64]:
    """Return the weight of each cell of a raster, by row and column: NaN where it is not the same everywhere."""
    west, south = np.arange(_WEST, _EAST, CELL_DEG), np.arange(_SOUTH, _NORTH, CELL_DEG)
    x, y = np.meshgrid(west, south)
    boxes = shapely.box(x, y, x + CELL_DEG, y + CELL_DEG)
    reached = shapely.intersects(boxes, OUTLINE.buffer(2 * MARGIN_DEG))
    return np.where(shapely.contains(OUTLINE, boxes), 1.0, np.where(reached, np.nan, 0.0))
