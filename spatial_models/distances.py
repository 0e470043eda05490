"""Distances on the sphere, for compiled loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

EARTH_RADIUS_M = 6_371_008.8
M_PER_DEG = EARTH_RADIUS_M * math.pi / 180.0
RAD = math.pi / 180.0
M2_PER_DEG2 = M_PER_DEG * M_PER_DEG
SIXTH = 1.0 / 6.0
NODES_PER_DEG = 4
NODES_BELOW = 90 * NODES_PER_DEG
NODES = np.arange(-NODES_BELOW, NODES_BELOW + 1) / NODES_PER_DEG * RAD
NODE_COS, NODE_SIN = np.cos(NODES), np.sin(NODES)
"""Cosine and sine of latitudes at steps of a quarter of a degree."""


@njit(cache=True, nogil=True, inline="always")
def wrap_deg(dlon: float) -> float:
    """Return a difference of longitudes, degrees, wrapped to [-180, 180]."""
    if dlon > 180.0:
        return dlon - 360.0
    if dlon < -180.0:
        return dlon + 360.0
    return dlon


@njit(cache=True, nogil=True)
def haversine_m(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    r"""Return the great-circle distance in metres on a sphere of radius 6 371 008.8 m.

    Parameters
    ----------
    lon_a, lat_a, lon_b, lat_b : float
        Two points, WGS 84 degrees.

    Notes
    -----
    The haversine formula, Sinnott, "Virtues of the haversine", 1984:

    .. math:: d = 2 R \arcsin \sqrt{\sin^2(\Delta\phi / 2) + \cos\phi_a \cos\phi_b \sin^2(\Delta\lambda / 2)}

    Examples
    --------
    >>> round(haversine_m(0.0, 0.0, 1.0, 0.0), 3)
    111195.08
    """
    half_lat = 0.5 * (lat_b - lat_a) * RAD
    half_lon = 0.5 * (lon_b - lon_a) * RAD
    a = math.sin(half_lat) ** 2 + math.cos(lat_a * RAD) * math.cos(lat_b * RAD) * math.sin(half_lon) ** 2
    return 2.0 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(a)))


@njit(cache=True, nogil=True, inline="always")
def cos_sin(lat_deg: float) -> tuple[float, float]:
    """Return cosine and sine of a latitude in degrees from a table and a series; the error is below 1e-12.

    The nodes are fixed, so that the same latitude gives the same bits in every batch.
    """
    node = math.floor(lat_deg * NODES_PER_DEG + 0.5)
    c, s = NODE_COS[int(node) + NODES_BELOW], NODE_SIN[int(node) + NODES_BELOW]
    d = (lat_deg - node * (1.0 / NODES_PER_DEG)) * RAD
    return (
        c - d * (s + d * (0.5 * c - d * (s * SIXTH + d * c * SIXTH / 4.0))),
        s + d * (c - d * (0.5 * s + d * (c * SIXTH - d * s * SIXTH / 4.0))),
    )
