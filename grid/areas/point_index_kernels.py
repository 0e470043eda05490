"""Compiled loops of the point index (numba, without the interpreter lock).

A uniform raster of ``nx`` by ``ny`` cells covers the areas. An edge runs from ``(x1, y1)`` up to ``(x2,
y2)``, ``y1 <= y2``, independent of the direction of its ring: two siblings evaluate a shared edge alike, so
exactly one of them owns each point. The sign of the orientation is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

MARGIN = 1e-6
"""Part of a cell by which an edge is widened when its cells are marked.

Far more than rounding can move it.
"""
_SPLITTER = 134217729.0  # 2**27 + 1, Dekker 1971


@njit(cache=True, nogil=True, inline="always")
def _product_error(a: float, b: float, product: float) -> float:
    """Return the rounding error of ``a * b`` (Dekker 1971)."""
    c = _SPLITTER * a
    a_high = c - (c - a)
    a_low = a - a_high
    c = _SPLITTER * b
    b_high = c - (c - b)
    b_low = b - b_high
    return a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


@njit(cache=True, nogil=True, inline="always")
def _difference_error(a: float, b: float, difference: float) -> float:
    """Return rounding error of ``a - b`` (Knuth)."""
    virtual = a - difference
    return (a - (difference + virtual)) + (virtual - b)


@njit(cache=True, nogil=True)
def _exact_side(px: float, py: float, x1: float, y1: float, x2: float, y2: float) -> int:
    """Return the sign of the orientation by an exact expansion (Shewchuk 1997, grow-expansion)."""
    factors = np.empty((4, 2), dtype=np.float64)
    for i, (p, q) in enumerate(((x1, px), (y2, py), (x2, px), (y1, py))):
        factors[i, 0] = p - q
        factors[i, 1] = _difference_error(p, q, factors[i, 0])
    parts = np.zeros(17, dtype=np.float64)
    n = 0
    for first, second, sign in ((0, 1, 1.0), (2, 3, -1.0)):
        for i in range(2):
            for k in range(2):
                a, b = sign * factors[first, i], factors[second, k]
                product = a * b
                for term in (_product_error(a, b, product), product):
                    rest = term
                    for m in range(n):
                        total = rest + parts[m]
                        virtual = total - rest
                        parts[m] = (rest - (total - virtual)) + (parts[m] - virtual)
                        rest = total
                    parts[n] = rest
                    n += 1
    for m in range(n - 1, -1, -1):
        if parts[m] != 0.0:
            return 1 if parts[m] > 0.0 else -1
    return 0


@njit(cache=True, nogil=True, inline="always")
def _side_of_edge(px: float, py: float, x1: float, y1: float, x2: float, y2: float) -> int:
    """Return 1 for a point strictly west of an upward edge, 0 for a point on it, -1 for a point east of it.

    The point's y is inside the y range of the edge.
    """
    if px < x1 and px < x2:
        return 1
    if px > x1 and px > x2:
        return -1
    a, b, c, d = x1 - px, y2 - py, x2 - px, y1 - py
    left, right = a * b, c * d
    difference = left - right
    if abs(difference) > 1e-15 * (abs(left) + abs(right)):
        return 1 if difference > 0.0 else -1
    return _exact_side(px, py, x1, y1, x2, y2)


@njit(cache=True, nogil=True)
def _inside(px: float, py: float, row: int, zone: int, rows: Array, row_ptr: Array, edges: Array) -> bool:
    """Return whether a ray to the east crosses an odd number of edges, half-open in y, of this row."""
    if row < rows[zone, 0] or row > rows[zone, 1]:
        return False
    slot = rows[zone, 2] + row - rows[zone, 0]
    odd = False
    for k in range(row_ptr[slot], row_ptr[slot + 1]):
        if edges[k, 1] <= py < edges[k, 3] and (
            _side_of_edge(px, py, edges[k, 0], edges[k, 1], edges[k, 2], edges[k, 3]) > 0
        ):
            odd = not odd
    return odd


@njit(cache=True, nogil=True)
def _on_edge(px: float, py: float, row: int, zone: int, rows: Array, row_ptr: Array, edges: Array) -> bool:
    """Return whether the point lies exactly on an edge or corner of the zone."""
    if row < rows[zone, 0] or row > rows[zone, 1]:
        return False
    slot = rows[zone, 2] + row - rows[zone, 0]
    for k in range(row_ptr[slot], row_ptr[slot + 1]):
        x1, y1, x2, y2 = edges[k, 0], edges[k, 1], edges[k, 2], edges[k, 3]
        if y1 <= py <= y2 and min(x1, x2) <= px <= max(x1, x2) and _side_of_edge(px, py, x1, y1, x2, y2) == 0:
            return True
    return False


@njit(cache=True, nogil=True)
def _clamp(value: float, n: int) -> int:
    return min(max(int(np.floor(value)), 0), n - 1)


@njit(cache=True, nogil=True)
def _mark_edge(edge: Array, zone: int, nx: int, ny: int, keys: Array, at: int, write: bool) -> int:
    """Write the cells that one edge (in cell units) touches, as ``zone * nx * ny + cell``.

    Returns the next free position.
    """
    x1, y1, x2, y2 = edge
    for row in range(_clamp(y1 - MARGIN, ny), _clamp(y2 + MARGIN, ny) + 1):
        low, high = max(y1, row - MARGIN), min(y2, row + 1.0 + MARGIN)
        if y2 - y1 > 0.0 and low <= high:
            slope = (x2 - x1) / (y2 - y1)
            a, b = x1 + (low - y1) * slope, x1 + (high - y1) * slope
        else:
            a, b = x1, x2
        west = max(min(a, b), min(x1, x2)) - MARGIN
        east = min(max(a, b), max(x1, x2)) + MARGIN
        for column in range(_clamp(west, nx), _clamp(east, nx) + 1):
            if write:
                keys[at] = (zone * ny + row) * nx + column
            at += 1
    return at


@njit(cache=True, nogil=True)
def mark_edges(edges: Array, zones: Array, nx: int, ny: int) -> Array:
    """Return the cells that edges touch, as keys ``zone * nx * ny + cell`` (int64), with repetitions."""
    keys = np.empty(0, dtype=np.int64)
    total = 0
    for k in range(len(edges)):
        total = _mark_edge(edges[k], zones[k], nx, ny, keys, total, False)
    keys = np.empty(total, dtype=np.int64)
    at = 0
    for k in range(len(edges)):
        at = _mark_edge(edges[k], zones[k], nx, ny, keys, at, True)
    return keys


@njit(cache=True, nogil=True)
def fill_rows(first: Array, last: Array, zones: Array, rows: Array, n_slots: int) -> tuple[Array, Array]:
    """Return the edges of each row of each zone: offsets (``n_slots + 1``) and edge numbers."""
    counts = np.zeros(n_slots + 1, dtype=np.int64)
    for k in range(len(zones)):
        base = rows[zones[k], 2] - rows[zones[k], 0]
        for row in range(first[k], last[k] + 1):
            counts[base + row + 1] += 1
    offsets = np.cumsum(counts)
    cursor = offsets[:-1].copy()
    numbers = np.empty(offsets[-1], dtype=np.int64)
    for k in range(len(zones)):
        base = rows[zones[k], 2] - rows[zones[k], 0]
        for row in range(first[k], last[k] + 1):
            numbers[cursor[base + row]] = k
            cursor[base + row] += 1
    return offsets, numbers


@njit(cache=True, nogil=True)
def fill_interior(
    keys: Array, nx: int, ny: int, origin: Array, size: Array, rows: Array, row_ptr: Array, edges: Array
) -> Array:
    """Return the lowest zone that covers each cell completely, -1 without one.

    ``keys`` are the sorted distinct keys of touched cells.
    """
    full = np.full(nx * ny, -1, dtype=np.int32)
    for k in range(len(keys) - 1):
        here, there = keys[k], keys[k + 1]
        if there == here + 1 or here // nx != there // nx:
            continue
        zone = here // (nx * ny)
        cell = here - zone * nx * ny
        row, column = cell // nx, cell % nx
        px = origin[0] + (column + 1.5) * size[0]
        py = origin[1] + (row + 0.5) * size[1]
        if not _inside(px, py, row, zone, rows, row_ptr, edges):
            continue
        for c in range(cell + 1, cell + there - here):
            if full[c] < 0 or zone < full[c]:
                full[c] = zone
    return full


@njit(cache=True, nogil=True)
def locate(
    lon: Array,
    lat: Array,
    out: Array,
    frame: Array,
    nx: int,
    ny: int,
    first: Array,
    choice_ptr: Array,
    choices: Array,
    rows: Array,
    row_ptr: Array,
    edges: Array,
) -> None:
    """Write the lowest zone that owns each point; else the lowest on whose edge it lies; else -1.

    ``first`` of a cell is a zone, -1 (none), or ``-2 - slot``: then ``choices[choice_ptr[slot]:…]`` are tried
    in order; ``~zone`` there means that the zone covers the whole cell.
    """
    x0, y0, per_x, per_y = frame
    for k in range(len(lon)):
        x, y = lon[k], lat[k]
        fx, fy = (x - x0) * per_x, (y - y0) * per_y
        out[k] = -1
        if not (-MARGIN <= fx <= nx + MARGIN and -MARGIN <= fy <= ny + MARGIN):
            continue
        column, row = _clamp(fx, nx), _clamp(fy, ny)
        found = first[row * nx + column]
        if found >= -1:
            out[k] = found
            continue
        slot = -2 - found
        for c in range(choice_ptr[slot], choice_ptr[slot + 1]):
            zone = choices[c]
            if zone < 0:
                out[k] = ~zone
                break
            if _inside(x, y, row, zone, rows, row_ptr, edges):
                out[k] = zone
                break
        if out[k] >= 0:
            continue
        for c in range(choice_ptr[slot], choice_ptr[slot + 1]):
            if _on_edge(x, y, row, choices[c], rows, row_ptr, edges):
                out[k] = choices[c]
                break
