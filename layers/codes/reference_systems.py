"""Coordinate reference systems of requests, by their URIs: axis order, SRID, and boxes in them.

Coordinates follow the axis order that the authority defines: latitude first for EPSG:4326 and EPSG:4490,
northing first for the Gauss-Krueger zones of CGCS2000. GCJ-02 and BD-09 are in no registry; their names are
an extension of this service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from layers.city import city_in_force
from layers.codes.crs import from_storage, metric_transformer, to_storage
from layers.errors import InvalidFilter, UnknownCrs

Numbers = tuple[float, ...]
Coordinates = NDArray[np.float64]
EDGE_POINTS = 32
"""Points per edge of a box that is converted to the storage CRS, where a straight edge is a curve."""


@dataclass(frozen=True)
class ReferenceSystem:
    """Coordinate reference system that a request may name.

    Attributes
    ----------
    name : str
        Short name, as in `layers.codes.crs` except for ``CRS84``.
    uri : str
        As in ``Content-Crs``.
    srid : int or None
        SRID to which the database transforms; None: unknown to PROJ, converted after reading.
    north_first : bool
        Latitude or northing is the first coordinate.
    digits : int
        Decimal places that give about a centimetre or less.
    metres : bool
        Coordinates are metres, not degrees.
    """

    name: str
    uri: str
    srid: int | None
    north_first: bool = False
    digits: int = 7
    metres: bool = False

    @property
    def matches_storage(self) -> bool:
        """Whether the numbers equal those of the storage CRS, except for their order."""
        return self.srid in (4326, 4490)

    def to_storage(self, coordinates: Coordinates) -> Coordinates:
        """Convert coordinates (n, 2) of this system to lon, lat of EPSG:4326."""
        x, y = coordinates.T[::-1] if self.north_first else coordinates.T
        if self.matches_storage:
            return np.column_stack((x, y))
        return np.column_stack(to_storage(x, y, self.name))

    def from_storage(self, coordinates: Coordinates) -> Coordinates:
        """Convert lon, lat of EPSG:4326 (n, 2) to coordinates of this system."""
        x, y = coordinates.T
        u, v = (x, y) if self.matches_storage else from_storage(x, y, self.name)
        return np.column_stack((v, u) if self.north_first else (u, v))


def _epsg(code: int, **more: bool | int) -> ReferenceSystem:
    return ReferenceSystem(f"EPSG:{code}", f"http://www.opengis.net/def/crs/EPSG/0/{code}", code, **more)  # type: ignore[arg-type]


CRS84 = ReferenceSystem("CRS84", "http://www.opengis.net/def/crs/OGC/1.3/CRS84", 4326)
SYSTEMS: tuple[ReferenceSystem, ...] = (
    CRS84,
    _epsg(4326, north_first=True),
    _epsg(4490, north_first=True),
    _epsg(3857, digits=3, metres=True),
    ReferenceSystem("gcj02", "gcj02", None),
    ReferenceSystem("bd09", "bd09", None),
)


def projected_system(epsg: int) -> ReferenceSystem:
    """Return a projected system in metres, with the axis order that the authority defines.

    Raises
    ------
    UnknownCrs
        When the code is unknown or its unit is not the metre.

    Examples
    --------
    >>> projected_system(4544).north_first, projected_system(32633).north_first
    (True, False)
    """
    metric_transformer(epsg)
    return _epsg(epsg, north_first=CRS(epsg).axis_info[0].direction == "north", digits=4, metres=True)


def served_systems() -> tuple[ReferenceSystem, ...]:
    """Return the systems that a request may name: the usual ones and the projected one of the city."""
    return _systems(city_in_force().served_epsg)


def published_uris() -> tuple[str, ...]:
    """Return the URIs that the description of a collection lists."""
    return tuple(system.uri for system in served_systems() if system.srid is not None)


@lru_cache
def _systems(projected_epsg: int | None) -> tuple[ReferenceSystem, ...]:
    if projected_epsg is None:
        return SYSTEMS
    return (*SYSTEMS[:4], projected_system(projected_epsg), *SYSTEMS[4:])


@lru_cache
def _by_name(projected_epsg: int | None) -> Mapping[str, ReferenceSystem]:
    return {
        name.lower(): system
        for system in _systems(projected_epsg)
        for name in (
            system.name,
            system.uri,
            f"[{system.name}]",
            f"[OGC:{system.name}]",
            f"OGC:{system.name}",
        )
    }


def reference_system(text: str, parameter: str = "crs") -> ReferenceSystem:
    """Return the system of a URI or short name.

    Raises
    ------
    InvalidFilter
        When it is not one of ``served_systems``.

    Examples
    --------
    >>> reference_system("http://www.opengis.net/def/crs/EPSG/0/4326").north_first
    True
    >>> reference_system("EPSG:3857").srid
    3857
    """
    found = _by_name(city_in_force().served_epsg).get(text.strip().strip("<>").lower())
    if found is None:
        raise InvalidFilter(
            f"{parameter}: {text!r} is not one of {', '.join(s.uri for s in served_systems())}"
        )
    return found


def box_outline(numbers: Numbers, system: ReferenceSystem) -> bytes:
    """Return a box as a polygon of EPSG:4326, WKB.

    Parameters
    ----------
    numbers : tuple of float
        Least first and second coordinate, greatest first and second coordinate, in the axis order of the
        system.
    system : ReferenceSystem

    Raises
    ------
    InvalidFilter
        The box is empty, or lies outside the range of the system.
    """
    low_1, low_2, high_1, high_2 = numbers
    if not (low_1 <= high_1 and low_2 <= high_2):
        raise InvalidFilter("bbox: the lower corner comes first")
    if max(map(abs, numbers)) > (1e8 if system.metres else 540):
        raise InvalidFilter(f"bbox: not within {system.name}")
    ramp = np.linspace(0.0, 1.0, EDGE_POINTS + 1)[:-1]
    a = low_1 + (high_1 - low_1) * np.concatenate((ramp, ramp * 0 + 1, 1 - ramp, ramp * 0))
    b = low_2 + (high_2 - low_2) * np.concatenate((ramp * 0, ramp, ramp * 0 + 1, 1 - ramp))
    try:
        ring = system.to_storage(np.column_stack((a, b)))
    except UnknownCrs as error:
        raise InvalidFilter(f"bbox-crs: {error}") from error
    if not np.isfinite(ring).all() or np.abs(ring).max() > 540:
        raise InvalidFilter(f"bbox: not within {system.name}")
    outline: bytes = shapely.to_wkb(shapely.Polygon(ring))
    return outline
