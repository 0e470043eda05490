"""Crossings of a geofence between two fixes outside it, inferred from the straight line between them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from spatial_models.distances import M_PER_DEG, RAD, wrap_deg
from spatial_models.fences.kernels import signed_distance_m
from spatial_models.fences.shapes import RULES, FenceGrid, FenceShapes
from spatial_models.fixes import NO_TIME, Array, OrderedFixes

PLAUSIBLE_KMH = 200.0
"""Greatest plausible speed; a faster segment is a jump of the receiver and is not tested for crossings."""


@dataclass(frozen=True)
class Crossings:
    """Inferred crossings, one row each.

    Attributes
    ----------
    vehicle, fence : ndarray of int64, shape (n,)
    times : ndarray of int64, shape (n, 4)
        Microseconds since 1970 UTC: fix before, interpolated begin and end inside, fix after.
    places : ndarray of float64, shape (n, 4)
        Longitude and latitude of the begin, and of the middle of the line inside, degrees.
    """

    vehicle: Array
    fence: Array
    times: Array
    places: Array


def find_crossings(
    rows: OrderedFixes,
    last_lon: Array,
    last_lat: Array,
    shapes: FenceShapes,
    grid: FenceGrid,
    group: Array,
    applies: Array,
    near_key: Array,
    max_gap: int,
) -> Crossings:
    """Find pairs of consecutive fixes outside a geofence whose straight line crosses it.

    Parameters
    ----------
    rows : OrderedFixes
    last_lon, last_lat : ndarray of float64, shape (vehicles,)
        Newest fix of each vehicle before ``rows``, degrees; its time is in ``rows.last_t``.
    shapes : FenceShapes
    grid : FenceGrid
    group, applies
        From `spatial_models.fences.shapes.group_vehicles`.
    near_key : ndarray of int64
        ``row * fences + fence`` of the rows within a fence or its buffer, sorted.
    max_gap : int
        Longest time between the two fixes, microseconds.
    """
    only = applies & (shapes.rule == RULES.index("forbid_enter"))
    vehicle = np.repeat(np.arange(len(rows.starts)), rows.ends - rows.starts)
    at = np.concatenate(
        [np.arange(a, b) for a, b in zip(rows.starts, rows.ends, strict=True)] or [np.empty(0, np.int64)]
    )
    room = 1024
    while True:
        found_i, found_f = np.empty((room, 6), np.int64), np.empty((room, 4))
        n = cut_segments(
            at, vehicle, rows.starts, rows.t, rows.lon, rows.lat, rows.last_t, last_lon, last_lat,
            group, only, near_key, grid.west, grid.south, grid.step_lon, grid.step_lat, grid.nx, grid.ny,
            grid.cell_starts, grid.cell_boxes, grid.boxes, grid.box_fence, shapes.edges, shapes.edge_starts,
            shapes.buffer_m, shapes.below_speed_kmh, shapes.threshold_us, max_gap, room, found_i, found_f,
        )  # fmt: skip
        if n <= room:
            break
        room = n
    found_i, found_f = found_i[:n], found_f[:n]
    ruled = np.ones(n, bool)
    for table in {table for table in shapes.tables if not table.is_always}:
        mine = np.array([one == table for one in shapes.tables])[found_i[:, 1]]
        ruled[mine] = table.applies_at(found_i[mine, 3]) & table.applies_at(found_i[mine, 4])
    return Crossings(found_i[ruled, 0], found_i[ruled, 1], found_i[ruled, 2:], found_f[ruled])


@njit(cache=True, nogil=True)
def clip_segment(
    lon_a: float, lat_a: float, lon_b: float, lat_b: float, edges: Array, begin: int, end: int
) -> tuple[float, float, float]:
    """Clip a segment to a polygon; both its ends lie outside.

    Returns the first and the last share of the segment inside, and the metres inside; (0, 0, 0) when it
    misses the polygon. It uses a local plane at the middle of the segment and the even-odd rule, half-open at
    corners.

    Parameters
    ----------
    lon_a, lat_a, lon_b, lat_b : float
        Ends of the segment, WGS 84 degrees.
    edges : ndarray of float64, shape (edges, 4)
        Rows ``lon_a, lat_a, lon_b, lat_b``.
    begin, end : int
        Rows of ``edges`` that form the polygon.

    Examples
    --------
    >>> box = np.array([[1.0, -1, 2, -1], [2, -1, 2, 1], [2, 1, 1, 1], [1, 1, 1, -1]])
    >>> [round(share, 6) for share in clip_segment(0.0, 0.0, 4.0, 0.0, box, 0, 4)[:2]]
    [0.25, 0.5]
    """
    half = 0.5 * wrap_deg(lon_b - lon_a)
    shrink = math.cos(0.5 * (lat_a + lat_b) * RAD)
    vx, vy = 2.0 * half * shrink * M_PER_DEG, (lat_b - lat_a) * M_PER_DEG
    length = math.sqrt(vx * vx + vy * vy)
    if length == 0.0:
        return 0.0, 0.0, 0.0
    ux, uy = vx / length, vy / length
    cuts = np.empty(end - begin)
    n = 0
    for e in range(begin, end):
        # relative to the middle of the segment, so that wide polygons wrap as the fixes do
        ax, ay = (
            (wrap_deg(edges[e, 0] - lon_a - half) + half) * shrink * M_PER_DEG,
            (edges[e, 1] - lat_a) * M_PER_DEG,
        )
        bx, by = (
            (wrap_deg(edges[e, 2] - lon_a - half) + half) * shrink * M_PER_DEG,
            (edges[e, 3] - lat_a) * M_PER_DEG,
        )
        off_a, off_b = ux * ay - uy * ax, ux * by - uy * bx
        if (off_a > 0.0) == (off_b > 0.0):
            continue
        along_a, along_b = ux * ax + uy * ay, ux * bx + uy * by
        along = along_a + (along_b - along_a) * off_a / (off_a - off_b)
        if 0.0 < along < length:
            cuts[n] = along
            n += 1
    if n < 2:
        return 0.0, 0.0, 0.0
    cuts = np.sort(cuts[:n])
    inside = 0.0
    for c in range(0, n - 1, 2):
        inside += cuts[c + 1] - cuts[c]
    return cuts[0] / length, cuts[n - 1 - n % 2] / length, inside


@njit(cache=True, nogil=True, inline="always")
def _contains(keys: Array, key: int) -> bool:
    """Return whether a sorted array contains a key."""
    at = np.searchsorted(keys, key)
    return bool(at < len(keys) and keys[at] == key)


@njit(cache=True, nogil=True)
def cut_segments(  # noqa: C901, PLR0912  one pass, compiled
    at: Array, vehicle: Array, starts: Array, t: Array, lon: Array, lat: Array, last_t: Array, last_lon: Array,
    last_lat: Array, group: Array, applies: Array, near_key: Array, west: float, south: float, step_lon: float,
    step_lat: float, nx: int, ny: int, cell_starts: Array, cell_boxes: Array, boxes: Array, box_fence: Array,
    edges: Array, edge_starts: Array, buffer_m: Array, below_kmh: Array, threshold: Array, max_gap: int, room: int,
    out_i: Array, out_f: Array,
) -> int:  # fmt: skip
    """Write segments that cross a geofence deep and long enough.

    ``out_i`` gets vehicle, fence and four times, ``out_f`` the positions of `Crossings`.

    Returns their number; when it exceeds ``room``, call again with that room. It is one long function because
    it runs over every fix: passing an array inside the loop costs more than the comparison that rejects
    nearly all of them.
    """
    n, n_fences = 0, len(edge_starts) - 1
    asked = np.full(n_fences, -1, np.int64)
    for p in range(len(at)):
        r, v = at[p], vehicle[p]
        ta, xa, ya, inside_batch = last_t[v], last_lon[v], last_lat[v], r > starts[v]
        if inside_batch:
            ta, xa, ya = t[r - 1], lon[r - 1], lat[r - 1]
        if ta == NO_TIME or t[r] - ta > max_gap:
            continue
        dx = wrap_deg(lon[r] - xa)
        low_x, high_x = min(xa, xa + dx), max(xa, xa + dx)
        low_y, high_y = min(ya, lat[r]), max(ya, lat[r])
        for turn in range(-1, 2):  # over the antimeridian the segment is looked for on both sides
            x0, x1 = low_x + 360.0 * turn, high_x + 360.0 * turn
            if x1 < -180.0 or x0 > 180.0:
                continue
            c0, c1 = (
                max(0, math.floor((x0 - west) / step_lon)),
                min(nx - 1, math.floor((x1 - west) / step_lon)),
            )
            d0, d1 = (
                max(0, math.floor((low_y - south) / step_lat)),
                min(ny - 1, math.floor((high_y - south) / step_lat)),
            )
            for cy in range(d0, d1 + 1):
                for cx in range(c0, c1 + 1):
                    for m in range(cell_starts[cy * nx + cx], cell_starts[cy * nx + cx + 1]):
                        box = cell_boxes[m]
                        fence = box_fence[box]
                        if asked[fence] == p or not applies[group[v], fence]:
                            continue
                        if (
                            x1 < boxes[box, 0]
                            or x0 > boxes[box, 2]
                            or high_y < boxes[box, 1]
                            or low_y > boxes[box, 3]
                        ):
                            continue
                        asked[fence] = p
                        if _contains(near_key, r * n_fences + fence):
                            continue
                        first_edge, end_edge = edge_starts[fence], edge_starts[fence + 1]
                        if inside_batch:
                            near = _contains(near_key, (r - 1) * n_fences + fence)
                        else:
                            near = signed_distance_m(xa, ya, edges, first_edge, end_edge) <= buffer_m[fence]
                        if near:
                            continue
                        first, last, metres = clip_segment(
                            xa, ya, lon[r], lat[r], edges, first_edge, end_edge
                        )
                        if metres <= 0.0 or metres < buffer_m[fence]:
                            continue
                        wide, high = dx * math.cos(0.5 * (ya + lat[r]) * RAD), lat[r] - ya
                        way_km = math.sqrt(wide * wide + high * high) * M_PER_DEG / 1000.0
                        if way_km > min(below_kmh[fence], PLAUSIBLE_KMH) * (t[r] - ta) / 3.6e9:
                            continue
                        enter, leave = ta + round(first * (t[r] - ta)), ta + round(last * (t[r] - ta))
                        if leave - enter < threshold[fence]:
                            continue
                        if n < room:
                            out_i[n, 0], out_i[n, 1], out_i[n, 2], out_i[n, 3] = v, fence, ta, enter
                            out_i[n, 4], out_i[n, 5] = leave, t[r]
                            middle = 0.5 * (first + last)
                            out_f[n, 0], out_f[n, 1] = wrap_deg(xa + first * dx), ya + first * high
                            out_f[n, 2], out_f[n, 3] = wrap_deg(xa + middle * dx), ya + middle * high
                        n += 1
    return n
