"""Effective vehicles: how many different vehicles came to a site, and how many come to such a place anyhow."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import shapely
from scipy.spatial import cKDTree
from scipy.special import gammainc

from spatial_models.distances import M_PER_DEG, RAD
from spatial_models.frames import Array
from spatial_models.visits.habits import metres_xyz
from spatial_models.visits.nearness import areas_m2, find_excluding_places, find_site_pairs, site_shapes
from spatial_models.visits.signal_config import VehicleConfig


def effective_vehicles(days: pl.DataFrame, repeat_factor: float) -> pl.DataFrame:
    r"""Count the vehicles of each site; further days of the same vehicle saturate.

    Parameters
    ----------
    days : polars.DataFrame
        ``site_id``, ``vehicle_id``, ``day``, ``weight`` (0 to 1). Of one vehicle and day the greatest weight counts.
    repeat_factor : float

    Returns
    -------
    polars.DataFrame
        ``site_id``, ``effective``, ``vehicles``, ``days``, sorted by site.

    Notes
    -----
    The weights of a vehicle's days, the greatest first, count less and less:

    .. math:: e = \sum_{vehicles} \sum_k w_k f^{k - 1}, \qquad w_1 \ge w_2 \ge \dots

    so a vehicle counts at most :math:`1 / (1 - f)`, however often it comes.

    Examples
    --------
    Three vehicles once each, against one vehicle on three days:

    >>> days = pl.DataFrame({"site_id": ["S"] * 3 + ["T"] * 3, "vehicle_id": ["A", "B", "C", "D", "D", "D"],
    ...                      "day": [1, 2, 3, 1, 2, 3], "weight": 1.0})
    >>> effective_vehicles(days, 0.5).rows()
    [('S', 3.0, 3, 3), ('T', 1.75, 1, 3)]
    >>> effective_vehicles(days.clear(), 0.5).height
    0
    """
    rank = pl.col("weight").rank("ordinal", descending=True).over("site_id", "vehicle_id") - 1
    daily = days.group_by("site_id", "vehicle_id", "day").agg(pl.col("weight").max())
    return (
        daily.sort("site_id", "vehicle_id", "weight", "day", descending=[False, False, True, False])
        .with_columns(counted=pl.col("weight") * pl.lit(repeat_factor).pow(rank))
        .group_by("site_id", maintain_order=True)
        .agg(
            effective=pl.col("counted").sum(),
            vehicles=pl.col("vehicle_id").n_unique().cast(pl.Int64),
            days=pl.col("day").n_unique().cast(pl.Int64),
        )
    )


def vehicles_beyond_chance(effective: Array, expected: Array) -> Array:
    r"""Return how many of the effective vehicles are there beyond what comes to such a place anyhow.

    Parameters
    ----------
    effective, expected : ndarray of float64

    Notes
    -----
    With the chance :math:`p` of at least as many when :math:`\mu` are expected (Poisson, continued to broken numbers
    by the regularised gamma function), the value is

    .. math:: \min\left(\max(e - \mu, 0),\ \left(\tfrac{-\log_{10} p}{2}\right)^3\right), \qquad p = P(e, \mu)

    so a value above 1 means that chance gives it in less than 1 of 100 such places.

    Examples
    --------
    Three vehicles where 0.1 are expected, where 1 is expected, and one vehicle where 0.01 are:

    >>> vehicles_beyond_chance(np.array([3.0, 3.0, 1.0, 0.0]), np.array([0.1, 1.0, 0.01, 1.0])).round(2).tolist()
    [2.9, 0.16, 0.99, 0.0]
    """
    some = effective > 0.0
    chance = np.where(some, gammainc(np.where(some, effective, 1.0), expected), 1.0)
    most = (-np.log10(np.maximum(chance, 1e-300)) / 2.0) ** 3
    beyond: Array = np.minimum(np.maximum(effective - expected, 0.0), most)
    return np.where(some, beyond, 0.0)


def nearness(distance_m: Array, inside: Array, has_boundary: Array, config: VehicleConfig) -> Array:
    """Return 1 at a site, falling with the distance from it.

    Examples
    --------
    >>> two = np.array([100.0, 250.0]), np.array([False, False]), np.array([False, False])
    >>> nearness(*two, VehicleConfig()).round(3).tolist()
    [1.0, 0.368]
    """
    free_m = np.where(has_boundary, 0.0, config.near_m)
    near: Array = np.exp(-np.maximum(distance_m - free_m, 0.0) / config.decay_m)
    return np.where(inside, 1.0, near)


def catchment_km2(sites: pl.DataFrame, config: VehicleConfig) -> Array:
    r"""Return the area of each site weighted by nearness: its own, and what lies within reach around it.

    Notes
    -----
    Around a convex boundary of area A and length L (Steiner), with :math:`\lambda` = ``decay_m``:
    :math:`\int (L + 2 \pi x) e^{-x / \lambda} dx` from 0 to ``reach_m``, plus A. A site without boundary is a circle of
    ``near_m``, and the reach ends ``reach_m`` from its point.

    Examples
    --------
    >>> point = pl.DataFrame({"site_id": ["S"], "lon": [120.8], "lat": [32.0]})
    >>> catchment_km2(point, VehicleConfig()).round(3).tolist()
    [0.172]
    """
    shapes, has_boundary = site_shapes(sites)
    xy = shapely.get_coordinates(shapes, return_index=True)
    lat = sites["lat"].to_numpy()
    scaled = xy[0] * M_PER_DEG
    scaled[:, 0] *= np.cos(lat * RAD)[xy[1]]
    local = shapely.set_coordinates(shapes.copy(), scaled)
    area = np.where(has_boundary, areas_m2(shapes, lat), math.pi * config.near_m**2)
    length = np.where(has_boundary, shapely.length(local), 2 * math.pi * config.near_m)
    reach = np.where(has_boundary, config.reach_m, max(0.0, config.reach_m - config.near_m)) / config.decay_m
    along = config.decay_m * (1.0 - np.exp(-reach))
    around = 2 * math.pi * config.decay_m**2 * (1.0 - (1.0 + reach) * np.exp(-reach))
    whole: Array = (area + length * along + around) / 1e6
    return whole


def ground_km2(sites: pl.DataFrame, disc_m: float) -> Array:
    """Return the area of each site: inside its boundary, or of the disc of one without, km².

    Examples
    --------
    >>> point = pl.DataFrame({"site_id": ["S"], "lon": [120.8], "lat": [32.0]})
    >>> ground_km2(point, 100.0).round(4).tolist()
    [0.0314]
    """
    shapes, has_boundary = site_shapes(sites)
    area_m2 = areas_m2(shapes, sites["lat"].to_numpy())
    area: Array = np.where(has_boundary, area_m2, math.pi * disc_m**2) / 1e6
    return area


def free_ring_km2(
    candidates: pl.DataFrame, sites: pl.DataFrame, places: pl.DataFrame | None, config: VehicleConfig
) -> Array:
    """Return the part of the ring around each candidate that is in reach of no site and no place, km².

    It is measured at ``ring_points`` points that are spread evenly (a sunflower), the same around every site.

    Examples
    --------
    >>> point = pl.DataFrame({"site_id": ["S"], "lon": [120.8], "lat": [32.0]})
    >>> free_ring_km2(point, point, None, VehicleConfig()).round(2).tolist()
    [6.79]
    """
    k = np.arange(config.ring_points) + 0.5
    inner, outer = config.reach_m**2, max(config.ring_m, config.reach_m) ** 2
    radius = np.sqrt(inner + (outer - inner) * k / config.ring_points)
    angle = k * math.pi * (3.0 - math.sqrt(5.0))
    lon, lat = candidates["lon"].to_numpy()[:, None], candidates["lat"].to_numpy()[:, None]
    x = (lon + radius * np.cos(angle) / (M_PER_DEG * np.cos(lat * RAD)) + 180.0) % 360.0 - 180.0
    y = np.clip(lat + radius * np.sin(angle) / M_PER_DEG, -90.0, 90.0)
    free = np.ones(x.size, bool)
    free[find_site_pairs(x.ravel(), y.ravel(), sites, config.reach_m)[0]] = False
    if places is not None:
        free &= find_excluding_places(x.ravel(), y.ravel(), places).is_null().to_numpy()
    part: Array = free.reshape(x.shape).mean(axis=1)
    return part * math.pi * (outer - inner) / 1e6


def expected_vehicles(
    candidates: pl.DataFrame,
    catchment: Array,
    free_km2: Array,
    stood: tuple[Array, Array, Array],
    effective: Array,
    callers: Array,
    config: VehicleConfig,
) -> Array:
    """Return the effective vehicles that each candidate is expected to get anyhow.

    Parameters
    ----------
    candidates : polars.DataFrame
        ``lon``, ``lat``.
    catchment, free_km2 : ndarray of float64
        From :func:`catchment_km2` and :func:`free_ring_km2`.
    stood : (lon, lat, weight)
        Stands in reach of no site and no place; each weighs as it would at a site.
    effective : ndarray of float64
        Effective vehicles of each candidate.
    callers : ndarray of int64
        Vehicles that stood within ``ring_m`` of each candidate, but served others.
    config : VehicleConfig

    Returns
    -------
    ndarray of float64
        The greatest of: the rate of stands in the ring times the catchment; what the median of all candidates gets
        of such a number of callers (once ``least_candidates`` have any); ``least_expected``.

    Notes
    -----
    The rate of a ring is drawn to the rate of all rings (empirical Bayes, gamma and Poisson):
    ``(stands + rate * prior_km2) / (free_km2 + prior_km2)``.
    """
    if candidates.is_empty():
        return np.empty(0)
    here = metres_xyz(candidates["lon"].to_numpy(), candidates["lat"].to_numpy())
    lon, lat, weight = stood
    stands = weigh_within(here, metres_xyz(lon, lat), weight, config.ring_m)
    all_rates = stands.sum() / free_km2.sum() if free_km2.sum() > 0 else 0.0
    rate = (stands + all_rates * config.prior_km2) / (free_km2 + config.prior_km2)
    seen = callers > 0
    is_enough = seen.sum() >= config.least_candidates
    of_callers = float(np.median(effective[seen] / callers[seen])) if is_enough else 0.0
    expected: Array = np.maximum(rate * catchment, of_callers * callers)
    return np.maximum(expected, config.least_expected)


def weigh_within(centres: Array, points: Array, weight: Array, radius_m: float) -> Array:
    """Return the sum of the weights of the points within a distance of each centre; both from `metres_xyz`."""
    if len(points) == 0 or len(centres) == 0:
        return np.zeros(len(centres))
    found = cKDTree(points).query_ball_point(centres, radius_m, return_sorted=True)
    return np.array([weight[rows].sum() for rows in found], float)


def count_within(centres: Array, points: Array, radius_m: float) -> Array:
    """Return how many points lie within a distance of each centre; both from `metres_xyz`."""
    if len(points) == 0 or len(centres) == 0:
        return np.zeros(len(centres), np.int64)
    found: Array = cKDTree(points).query_ball_point(centres, radius_m, return_length=True)
    return found.astype(np.int64)
