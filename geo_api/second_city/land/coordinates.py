"""Coordinates of the second city.

Metres of its zone, degrees, and the shifted degrees of public maps (GCJ-02).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geo_api.second_city.land.gazetteer import EPSG

Floats = NDArray[np.float64]

AXIS_M = 6378245.0
"""Semi-major axis of Krasovsky 1940, which the published GCJ-02 formula uses."""
ECCENTRICITY_2 = 0.00669342162296594323


@cache
def _to_degrees() -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(EPSG, 4490, always_xy=True)


@cache
def _to_metres() -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(4490, EPSG, always_xy=True)


def degrees(points: Floats) -> Floats:
    """Longitudes and latitudes (rows of two) of points in metres of the zone, to a tenth of a millimetre."""
    lon, lat = _to_degrees().transform(points[:, 0], points[:, 1])
    return np.round(np.column_stack([lon, lat]), 9)


def metres(points: Floats) -> Floats:
    """Metres of the zone (rows of two) of longitudes and latitudes."""
    return np.column_stack(_to_metres().transform(points[:, 0], points[:, 1]))


def geometry_in_degrees(geometry: Any) -> Any:
    """Return a shapely geometry in metres of the zone, vertex by vertex in degrees."""
    return shapely.transform(geometry, degrees)


def geometry_in_gcj02(geometry: Any) -> Any:
    """Return a shapely geometry in metres of the zone, vertex by vertex in shifted degrees."""
    return shapely.transform(geometry, lambda points: gcj02(degrees(points)))


def gcj02(lonlat: Floats) -> Floats:
    """Shifted longitudes and latitudes by the formula that was published for GCJ-02.

    The shift in metres is a sum of sines of the place relative to 105° E, 35° N; the radii of curvature of
    the Krasovsky ellipsoid turn it into degrees.
    """
    x, y = lonlat[:, 0] - 105.0, lonlat[:, 1] - 35.0
    pi, sin = np.pi, np.sin
    common = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x)) + common
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    north += (160 * sin(y / 12 * pi) + 320 * sin(y / 30 * pi)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x)) + common
    east += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    east += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    latitude = np.radians(lonlat[:, 1])
    magic = 1 - ECCENTRICITY_2 * sin(latitude) ** 2
    north_degrees = north * 180 / (AXIS_M * (1 - ECCENTRICITY_2) / (magic * np.sqrt(magic)) * pi)
    east_degrees = east * 180 / (AXIS_M / np.sqrt(magic) * np.cos(latitude) * pi)
    return np.column_stack([lonlat[:, 0] + east_degrees, lonlat[:, 1] + north_degrees])
