"""Shares of a line, a polygon or several points in zones, measured in one equal-area plane."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

LONGEST_EDGE_DEG = 0.1
"""Longer edges are divided first: an edge is straight in degrees, not in the plane."""
STEEPEST_DEG = 80.0
ON_EDGE_M = 1e-3
"""A piece of a line that lies so near to several zones lies on their common edge and is shared equally."""


def shares_in_zones(geometry: Any, zones: Sequence[Any]) -> NDArray[np.float64]:
    """Measure the share of a geometry in each zone: of its area, else of its length, else of its points.

    Parts and whole are measured alike, so that shares and the share outside of all zones add up to 1. A line
    that passes twice counts twice; what lies on a common edge is shared equally by the zones beside it.

    Parameters
    ----------
    geometry : shapely geometry
        Valid, not empty; EPSG:4326.
    zones : sequence of polygons
        EPSG:4326, without common area.

    Returns
    -------
    ndarray of float64, shape (len(zones),)
        0 to 1 each; their sum is 1 at most.

    Examples
    --------
    >>> west, east = shapely.box(120, 31, 121, 32), shapely.box(121, 31, 122, 32)
    >>> there_and_back = shapely.LineString([(120.5, 31.5), (121.5, 31.5), (120.5, 31.5)])
    >>> shares_in_zones(there_and_back, [west, east]).round(6).tolist()
    [0.5, 0.5]
    >>> shares_in_zones(shapely.box(119, 31, 121, 32), [west, east]).round(6).tolist()
    [0.5, 0.0]
    """
    if len(zones) == 0:
        return np.zeros(0)
    south, north = shapely.bounds(geometry)[[1, 3]]
    plane = _plane(round(float(np.clip((south + north) / 2, -STEEPEST_DEG, STEEPEST_DEG))))
    whole, parts = _projected(plane, geometry), _projected(plane, np.asarray(zones, dtype=object))
    dimension = shapely.get_dimensions(whole)
    if dimension == 2:
        return np.asarray(shapely.area(shapely.intersection(whole, parts)) / shapely.area(whole))
    pieces = shapely.get_parts(whole) if dimension == 0 else _pieces(whole, parts)
    weights = np.ones(len(pieces)) if dimension == 0 else shapely.length(pieces)
    return _shared_equally(pieces, weights / weights.sum(), parts)


@functools.lru_cache(maxsize=32)
def _plane(latitude: int) -> pyproj.Transformer:
    """Return a cylindrical equal-area projection, true to scale at the latitude."""
    target = pyproj.CRS.from_proj4(f"+proj=cea +lat_ts={latitude} +ellps=GRS80 +units=m")
    return pyproj.Transformer.from_crs(pyproj.CRS.from_epsg(4326), target, always_xy=True)


def _projected(plane: pyproj.Transformer, shapes: Any) -> Any:
    fine = shapely.segmentize(shapes, LONGEST_EDGE_DEG)
    return shapely.transform(fine, lambda c: np.column_stack(plane.transform(c[:, 0], c[:, 1])))


def _pieces(line: Any, zones: Any) -> NDArray[Any]:
    """Return the segments of a line, divided where they meet the outlines of zones."""
    parts = shapely.get_parts(line)
    coordinates, part = shapely.get_coordinates(parts, return_index=True)
    inside = part[1:] == part[:-1]
    segments = shapely.linestrings(np.stack([coordinates[:-1][inside], coordinates[1:][inside]], axis=1))
    segments = segments[shapely.length(segments) > 0]
    near = zones[shapely.STRtree(zones).query(line)]
    outlines = shapely.unary_union(shapely.boundary(near)) if len(near) else shapely.MultiLineString()
    shapely.prepare(outlines)
    apart, along = shapely.difference(segments, outlines), shapely.intersection(segments, outlines)
    pieces = shapely.get_parts(shapely.get_parts(np.concatenate([apart, along])))
    return np.asarray(pieces[shapely.get_dimensions(pieces) == 1])


def _shared_equally(pieces: NDArray[Any], weights: NDArray[np.float64], zones: Any) -> NDArray[np.float64]:
    middles = (
        pieces
        if shapely.get_dimensions(pieces[0]) == 0
        else shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    )
    piece, zone = shapely.STRtree(zones).query(middles, predicate="dwithin", distance=ON_EDGE_M)
    owners = np.bincount(piece, minlength=len(pieces))
    shares = np.bincount(zone, weights=weights[piece] / owners[piece], minlength=len(zones))
    return shares.astype(np.float64)
