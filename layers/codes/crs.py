"""Conversion of coordinates between the storage CRS and WGS-84, CGCS2000, GCJ-02, BD-09 or any EPSG code.

The storage CRS is EPSG:4326 with lon/lat. CGCS2000 is treated as equal to WGS-84 (they differ by decimetres,
depending on the epoch). PROJ has no GCJ-02 and BD-09: this module implements their published formulas,
vectorised, and iterates the inverses to well under 1 cm. ``metric_epsg_at`` names the system in metres for a
longitude.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from layers.codes.gcj_region import gcj_weight
from layers.errors import UnknownCrs

Lonlat = tuple[NDArray[np.float64], NDArray[np.float64]]

STORAGE_EPSG = 4326
CRS_NAMES = ("wgs84", "cgcs2000", "gcj02", "bd09")
AS_STORED = ("wgs84", "cgcs2000", "EPSG:4326", "EPSG:4490")
"""Names of systems whose coordinates are stored as they are."""
GEOGRAPHIC = (*AS_STORED, "gcj02", "bd09")
"""Names of the usual systems in degrees."""
GCJ_RECTANGLE = (72.004, 0.8293, 137.8347, 55.8271)
"""West, south, east, north in degrees: the rectangle of the published algorithm, around all of China."""

_AXIS_M = 6378245.0
_ECCENTRICITY_2 = 0.00669342162296594323
_X_PI = np.pi * 3000.0 / 180.0
_ITERATIONS = 6
_EPSG = re.compile(r"^EPSG:(\d{4,6})$", re.IGNORECASE)


def _floats(lon: ArrayLike, lat: ArrayLike) -> Lonlat:
    x, y = np.broadcast_arrays(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    return x.copy(), y.copy()


def in_gcj_rectangle(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Return whether points lie in the rectangle of the published algorithm (edges included); NaN is outside."""
    x, y = _floats(lon, lat)
    west, south, east, north = GCJ_RECTANGLE
    return np.asarray((x >= west) & (x <= east) & (y >= south) & (y <= north))


def _gcj_shift(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Lonlat:
    """Return the degrees that GCJ-02 adds to WGS-84, by the published formula without the rectangle."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    wave = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    phi = np.radians(lat)
    magic = 1.0 - _ECCENTRICITY_2 * np.sin(phi) ** 2
    d_lat = north * 180.0 / (_AXIS_M * (1.0 - _ECCENTRICITY_2) / (magic * np.sqrt(magic)) * np.pi)
    d_lon = east * 180.0 / (_AXIS_M / np.sqrt(magic) * np.cos(phi) * np.pi)
    return d_lon, d_lat


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> Lonlat:
    """Convert WGS-84 to GCJ-02.

    Parameters
    ----------
    lon, lat : array_like
        Degrees; broadcast against each other. NaN stays NaN.

    Returns
    -------
    tuple of ndarray
        lon, lat in degrees, float64. Outside of China (:mod:`layers.codes.gcj_region`) the input itself.

    Examples
    --------
    >>> x, y = wgs84_to_gcj02(120.8645, 32.0163)
    >>> f"{x:.8f} {y:.8f}"
    '120.86874686 32.01414817'
    """
    x, y = _floats(lon, lat)
    dx, dy = _weighted_shift(x, y)
    return x + dx, y + dy


def _weighted_shift(x: NDArray[np.float64], y: NDArray[np.float64]) -> Lonlat:
    """Return the shift where GCJ-02 is in use; nothing elsewhere, also of what is no place on the earth."""
    weight = gcj_weight(x, y)
    with np.errstate(invalid="ignore"):
        dx, dy = _gcj_shift(x, y)
        return np.where(weight > 0, weight * dx, 0.0), np.where(weight > 0, weight * dy, 0.0)


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> Lonlat:
    """Convert GCJ-02 to WGS-84 by fixed-point iteration (error below a millimetre everywhere).

    Parameters and results as in :func:`wgs84_to_gcj02`.
    """
    x, y = _floats(lon, lat)
    u, v = x.copy(), y.copy()
    for _ in range(_ITERATIONS):
        dx, dy = _weighted_shift(u, v)
        u, v = x - dx, y - dy
    return u, v


def gcj02_to_bd09(lon: ArrayLike, lat: ArrayLike) -> Lonlat:
    """Convert GCJ-02 to BD-09, in degrees; NaN stays NaN.

    Examples
    --------
    >>> x, y = gcj02_to_bd09(120.868746860, 32.014148162)
    >>> f"{x:.8f} {y:.8f}"
    '120.87522168 32.02016694'
    """
    x, y = _floats(lon, lat)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _X_PI)
    theta = np.arctan2(y, x) + 0.000003 * np.cos(x * _X_PI)
    return radius * np.cos(theta) + 0.0065, radius * np.sin(theta) + 0.006


def bd09_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> Lonlat:
    """Convert BD-09 to GCJ-02, in degrees; NaN stays NaN.

    The closed form has an error of 7 cm; fixed-point iteration makes it exact.
    """
    x, y = _floats(lon, lat)
    u, v = x - 0.0065, y - 0.006
    for _ in range(_ITERATIONS):
        fx, fy = gcj02_to_bd09(u, v)
        u, v = u + (x - fx), v + (y - fy)
    return u, v


@lru_cache(maxsize=64)
def _transformer(source: str, target: str) -> Transformer:
    try:
        return Transformer.from_crs(source, target, always_xy=True)
    except (CRSError, ProjError) as error:
        raise UnknownCrs(
            f"{source if target == 'EPSG:4326' else target}: not a CRS that PROJ knows ({error})"
        ) from error


def normalise_crs_name(crs: str) -> str:
    """Return the normal name of a CRS: ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09`` or ``EPSG:n``.

    The WKT of a system without a code, as a file states it, is its own name.

    Raises
    ------
    UnknownCrs

    Examples
    --------
    >>> normalise_crs_name("epsg:4549")
    'EPSG:4549'
    """
    name = crs.strip()
    if name.lower() in CRS_NAMES:
        return name.lower()
    if "[" in name:
        _transformer(name, f"EPSG:{STORAGE_EPSG}")
        return name
    match = _EPSG.match(name)
    if match is None:
        raise UnknownCrs(f"unknown CRS {crs!r}: use wgs84, cgcs2000, gcj02, bd09 or EPSG:n")
    code = int(match.group(1))
    _transformer(f"EPSG:{code}", f"EPSG:{STORAGE_EPSG}")
    return f"EPSG:{code}"


def is_geographic(crs: str) -> bool:
    """Return whether coordinates of a named CRS are degrees.

    Examples
    --------
    >>> is_geographic("gcj02"), is_geographic("EPSG:4610"), is_geographic("EPSG:4549")
    (True, True, False)
    """
    return crs in GEOGRAPHIC or bool(CRS(crs).is_geographic)


def crs_label(crs: str) -> str:
    """Return a short name of a named CRS, for messages.

    Examples
    --------
    >>> crs_label("EPSG:4549"), crs_label('LOCAL_CS["our own",UNIT["metre",1]]')
    ('EPSG:4549', 'our own')
    """
    return CRS(crs).name if "[" in crs else crs


def _project(x: NDArray[np.float64], y: NDArray[np.float64], source: str, target: str) -> Lonlat:
    """Project with PROJ, x/y order; points that cannot be projected become infinite, NaN stays NaN."""
    known = np.isfinite(x) & np.isfinite(y)
    u, v = np.full(x.shape, np.nan), np.full(y.shape, np.nan)
    if known.any():
        u[known], v[known] = _transformer(source, target).transform(x[known], y[known])
    return u, v


def to_storage(lon: ArrayLike, lat: ArrayLike, crs: str) -> Lonlat:
    """Convert coordinates of a named CRS to the storage CRS (EPSG:4326, lon/lat).

    Parameters
    ----------
    lon, lat : array_like
        Longitude and latitude in degrees, or x (east) and y (north) of a projected CRS.
    crs : str
        ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09`` or ``EPSG:n``. There is no default.

    Returns
    -------
    tuple of ndarray
        lon, lat in degrees, float64. NaN stays NaN; points that PROJ cannot project become infinite.

    Raises
    ------
    UnknownCrs
        The name is none of these, or PROJ does not know the code.

    Examples
    --------
    >>> x, y = to_storage([120.868746860], [32.014148162], "gcj02")
    >>> f"{x[0]:.6f} {y[0]:.6f}"
    '120.864500 32.016300'
    >>> to_storage([], [], "gcj02")
    (array([], dtype=float64), array([], dtype=float64))
    """
    name = normalise_crs_name(crs)
    x, y = _floats(lon, lat)
    if name in AS_STORED:
        return x, y
    if name == "gcj02":
        return gcj02_to_wgs84(x, y)
    if name == "bd09":
        return gcj02_to_wgs84(*bd09_to_gcj02(x, y))
    return _project(x, y, name, f"EPSG:{STORAGE_EPSG}")


def from_storage(lon: ArrayLike, lat: ArrayLike, crs: str) -> Lonlat:
    """Convert storage coordinates (EPSG:4326, lon/lat) to a named CRS; the inverse of :func:`to_storage`.

    Raises
    ------
    UnknownCrs
    """
    name = normalise_crs_name(crs)
    x, y = _floats(lon, lat)
    if name in AS_STORED:
        return x, y
    if name == "gcj02":
        return wgs84_to_gcj02(x, y)
    if name == "bd09":
        return gcj02_to_bd09(*wgs84_to_gcj02(x, y))
    return _project(x, y, f"EPSG:{STORAGE_EPSG}", name)


FIRST_GK3_EPSG, FIRST_GK3_MERIDIAN = 4534, 75
"""CGCS2000 3-degree Gauss-Krueger without zone numbers.

EPSG:4534 (75 E) to EPSG:4554 (135 E), one each 3 degrees.
"""
LAST_GK3_MERIDIAN = 135


def metric_epsg_at(lon: float, lat: float) -> int:
    """Return the projected system in metres that suits a place.

    Where CGCS2000 is in use (the rectangle of GCJ-02 north of 3 degrees, 73.5 to 136.5 E) its 3-degree zone
    with the nearest central meridian, elsewhere the UTM zone of WGS 84.

    Examples
    --------
    >>> metric_epsg_at(120.9, 32.0), metric_epsg_at(104.4, 38.0), metric_epsg_at(13.4, 52.5)
    (4549, 4544, 32633)
    >>> metric_epsg_at(-70.6, -33.4)
    32719
    """
    meridian = 3 * round(lon / 3)
    in_china = bool(in_gcj_rectangle(lon, lat)) and lat > 3.0
    if in_china and FIRST_GK3_MERIDIAN <= meridian <= LAST_GK3_MERIDIAN:
        return FIRST_GK3_EPSG + (meridian - FIRST_GK3_MERIDIAN) // 3
    zone = min(60, int((lon + 180) // 6) + 1)
    return (32600 if lat >= 0 else 32700) + zone


def metric_transformer(epsg: int) -> Transformer:
    """Return a cached transformer from storage lon/lat to metres (x east, y north).

    ``direction="INVERSE"`` of its ``transform`` converts back.

    Raises
    ------
    UnknownCrs
        When the code is unknown or its unit is not the metre.
    """
    transformer = _transformer(f"EPSG:{STORAGE_EPSG}", f"EPSG:{epsg}")
    target = transformer.target_crs
    if target is None or not target.is_projected or target.axis_info[0].unit_name != "metre":
        raise UnknownCrs(f"EPSG:{epsg}: not a projected CRS in metres")
    return transformer


def to_metric(lon: ArrayLike, lat: ArrayLike, epsg: int) -> Lonlat:
    """Convert storage lon/lat in degrees to metres of the metric CRS: x east, y north, float64."""
    metric_transformer(epsg)
    x, y = _floats(lon, lat)
    return _project(x, y, f"EPSG:{STORAGE_EPSG}", f"EPSG:{epsg}")


def from_metric(x_m: ArrayLike, y_m: ArrayLike, epsg: int) -> Lonlat:
    """Convert metres of the metric CRS to storage lon/lat in degrees, float64."""
    metric_transformer(epsg)
    x, y = _floats(x_m, y_m)
    return _project(x, y, f"EPSG:{epsg}", f"EPSG:{STORAGE_EPSG}")
