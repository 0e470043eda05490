"""Sites and excluded places near many points, by exact distance."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import shapely

from spatial_models.distances import M_PER_DEG, RAD
from spatial_models.errors import InputFrameError
from spatial_models.frames import Array, float_column, to_polars

DISC_M = 60.0
"""Radius of a site of which only the point is known, metres: about a hectare."""
LEAST_BOUNDARIES = 20
PLACE_COLUMNS = ("kind", "lon", "lat", "radius_m")


def find_site_pairs(
    lon: Array, lat: Array, sites: pl.DataFrame, reach_m: float
) -> tuple[Array, Array, Array, Array]:
    """Find all pairs of a point and a site within reach.

    Parameters
    ----------
    lon, lat : ndarray of float64, shape (n,)
        WGS 84 degrees.
    sites : polars.DataFrame
        ``site_id``, ``lon``, ``lat``, optional ``boundary``.
    reach_m : float
        Metres to the boundary, to the point of a site that has none.

    Returns
    -------
    point, site : ndarray of int64
        Rows of each pair, sorted by point, then site.
    distance_m : ndarray of float64
        0 inside a boundary.
    inside : ndarray of bool
        In or on a boundary.
    """
    if sites.height == 0 or len(lon) == 0:
        none = np.empty(0, np.int64)
        return none, none, np.empty(0), np.empty(0, bool)
    shapes, has_boundary = site_shapes(sites)
    point, site = _candidates(lon, lat, shapes, reach_m)
    distance_m = _distance_m(lon[point], lat[point], shapes[site])
    near = distance_m <= reach_m
    point, site, distance_m = point[near], site[near], distance_m[near]
    order = np.lexsort((site, point))
    point, site, distance_m = point[order], site[order], distance_m[order]
    return point, site, distance_m, has_boundary[site] & (distance_m == 0.0)


def find_excluding_places(lon: Array, lat: Array, places: pl.DataFrame | None) -> pl.Series:
    """Return the kind of the excluded place whose circle contains each point, null without one.

    When several circles contain a point, the place with the least distance relative to its radius counts.

    Parameters
    ----------
    lon, lat : ndarray of float64, shape (n,)
        WGS 84 degrees.
    places : polars.DataFrame or None
        ``kind``, ``lon``, ``lat``, ``radius_m``.

    Returns
    -------
    polars.Series of str, length n

    Raises
    ------
    InputFrameError
    """
    kinds = np.full(len(lon), None, dtype=object)
    if places is None or places.height == 0 or len(lon) == 0:
        return pl.Series("excluded_by", kinds.tolist(), dtype=pl.String)
    places = to_polars(places, "places", PLACE_COLUMNS)
    radius_m = float_column(places["radius_m"], "places")
    if not (np.isfinite(radius_m) & (radius_m >= 0)).all():
        raise InputFrameError("places: radius_m must be 0 or more in every row")
    shapes = _points(places, "places")
    point, place = _candidates(lon, lat, shapes, float(radius_m.max()))
    relative = _distance_m(lon[point], lat[point], shapes[place]) / np.maximum(radius_m[place], 1e-9)
    order = np.argsort(-relative, kind="stable")
    point, place, relative = point[order], place[order], relative[order]
    holds = relative <= 1.0
    kinds[point[holds]] = places["kind"].cast(pl.String).to_numpy()[place[holds]]
    return pl.Series("excluded_by", kinds.tolist(), dtype=pl.String)


def site_shapes(sites: pl.DataFrame) -> tuple[Array, Array]:
    """Return the boundary of each site, or its point when it has no boundary, and which have one."""
    frame = to_polars(sites, "sites", ("site_id", "lon", "lat"))
    points = _points(frame, "sites")
    if "boundary" not in sites.columns:
        return points, np.zeros(sites.height, bool)
    try:
        boundaries = np.array([_geometry(value) for value in sites["boundary"].to_list()], dtype=object)
    except (shapely.errors.ShapelyError, TypeError, ValueError) as error:
        raise InputFrameError(f"sites: column boundary holds no WKB or geometry: {error}") from error
    given = ~(shapely.is_missing(boundaries) | shapely.is_empty(boundaries))
    return np.where(given, boundaries, points), given


def disc_radii_m(sites: pl.DataFrame) -> Array:
    """Return the radius of the disc that each site without boundary is taken for, 0 for those with one, metres.

    It is that of a circle of the median area of the boundaries, once ``LEAST_BOUNDARIES`` are known; else
    ``DISC_M``.
    """
    shapes, has_boundary = site_shapes(sites)
    radius_m = DISC_M
    if has_boundary.sum() >= LEAST_BOUNDARIES:
        area_m2 = areas_m2(shapes, sites["lat"].to_numpy())[has_boundary]
        radius_m = float(np.sqrt(np.median(area_m2) / np.pi))
    radii: Array = np.where(has_boundary, 0.0, radius_m)
    return radii


def areas_m2(shapes: Array, lat: Array) -> Array:
    """Return the area of each shape in the local plane at its latitude, m²."""
    area: Array = shapely.area(shapes) * M_PER_DEG**2 * np.cos(lat * RAD)
    return area


def _points(frame: pl.DataFrame, name: str) -> Array:
    lon, lat = float_column(frame["lon"], name), float_column(frame["lat"], name)
    for column, values, most in (("lon", lon, 180.0), ("lat", lat, 90.0)):
        wrong = ~(np.abs(values) <= most)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InputFrameError(f"{name}: row {row}, {column}: {values[row]} is no coordinate in degrees")
    points: Array = np.asarray(shapely.points(lon, lat), dtype=object)
    return points


def _geometry(value: Any) -> Any:
    if value is None or isinstance(value, shapely.Geometry):
        return value
    return shapely.from_wkb(value)


def _candidates(lon: Array, lat: Array, shapes: Array, reach_m: float) -> tuple[Array, Array]:
    """Return pairs whose boxes touch: a superset of the pairs within reach."""
    half_lat = reach_m / M_PER_DEG * 1.001 + 1e-9
    half_lon = half_lat / np.maximum(np.cos(np.minimum(np.abs(lat) + half_lat, 89.9) * RAD), 1e-3)
    tree = shapely.STRtree(shapes)
    pairs = []
    for turn in (0.0, 360.0, -360.0):  # a box over the antimeridian also looks on the other side
        west, east = lon - half_lon + turn, lon + half_lon + turn
        some = np.flatnonzero((east >= -180.0) & (west <= 180.0) & np.isfinite(lon))
        boxes = shapely.box(west[some], (lat - half_lat)[some], east[some], (lat + half_lat)[some])
        point, shape = tree.query(boxes)
        pairs.append(some[point] * len(shapes) + shape)
    point, shape = np.divmod(np.unique(np.concatenate(pairs)).astype(np.int64), max(1, len(shapes)))
    return point, shape


def _distance_m(lon: Array, lat: Array, shapes: Array) -> Array:
    """Return the distance of each point to the shape of its row, metres.

    It is measured in a local plane at the point (with the cosine of its latitude). Within a few kilometres it
    differs from the distance on the sphere by less than 1e-3.
    """
    xy, row = shapely.get_coordinates(shapes, return_index=True)
    xy = xy - np.column_stack([lon, lat])[row]
    xy[:, 0] -= 360.0 * np.round(xy[:, 0] / 360.0)
    xy *= M_PER_DEG
    xy[:, 0] *= np.cos(lat * RAD)[row]
    local = shapely.set_coordinates(shapes.copy(), xy)
    origin = shapely.Point(0.0, 0.0)
    distance: Array = shapely.distance(local, origin)
    return distance
