"""Habits of vehicles: where each spends its nights, where many of them live, and which sites each serves."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from spatial_models.distances import EARTH_RADIUS_M, RAD
from spatial_models.frames import Array
from spatial_models.nights import DAY_S, NIGHT_BEGINS_S, NIGHT_ENDS_S
from spatial_models.visits.signal_config import VehicleConfig

NIGHT_S = DAY_S - NIGHT_BEGINS_S + NIGHT_ENDS_S


def metres_xyz(lon: Array, lat: Array) -> Array:
    """Return points on the sphere in metres, shape (n, 3): near points are as far apart as on the ground."""
    x, y = lon * RAD, lat * RAD
    return EARTH_RADIUS_M * np.column_stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)])


def find_nights(presence: pl.DataFrame, local_zone: str, config: VehicleConfig) -> pl.DataFrame:
    """Return where each vehicle spent which night.

    Parameters
    ----------
    presence : polars.DataFrame
        ``vehicle_id``, ``entered_at``, ``left_at`` (UTC), ``lon``, ``lat``: times at one place.
    local_zone : str
    config : VehicleConfig

    Returns
    -------
    polars.DataFrame
        ``vehicle_id``, ``night`` (days since 1970 of the local day on which it begins), ``lon``, ``lat``; one row a
        vehicle, night and presence of at least ``night_least_s`` in it.

    Examples
    --------
    >>> import datetime as dt
    >>> at = dt.datetime(2026, 1, 1, 14, tzinfo=dt.UTC)  # 22:00 in China
    >>> stood = pl.DataFrame({"vehicle_id": ["A"], "entered_at": [at], "left_at": [at + dt.timedelta(hours=30)],
    ...                       "lon": 120.8, "lat": 32.0})
    >>> find_nights(stood, "Asia/Shanghai", VehicleConfig())["night"].to_list()
    [20454, 20455]
    """
    local = {
        name: pl.col(name).dt.convert_time_zone(local_zone).dt.replace_time_zone(None).dt.epoch("us") / 1e6
        for name in ("entered_at", "left_at")
    }
    begins = pl.col("night") * DAY_S + NIGHT_BEGINS_S
    within_s = pl.min_horizontal("b", begins + NIGHT_S) - pl.max_horizontal("a", begins)
    return (
        presence.select("vehicle_id", "lon", "lat", a=local["entered_at"], b=local["left_at"])
        .filter(pl.col("b") - pl.col("a") >= config.night_least_s)
        .with_columns(
            night=pl.int_ranges(
                ((pl.col("a") - NIGHT_BEGINS_S - NIGHT_S) / DAY_S).ceil().cast(pl.Int64),
                ((pl.col("b") - NIGHT_BEGINS_S) / DAY_S).floor().cast(pl.Int64) + 1,
            )
        )
        .explode("night")
        .filter(pl.col("night").is_not_null() & (within_s >= config.night_least_s))
        .select("vehicle_id", "night", "lon", "lat")
        .sort("vehicle_id", "night", "lon", "lat")
    )


def lives_at(points: pl.DataFrame, nights: pl.DataFrame, config: VehicleConfig) -> pl.Series:
    """Return whether the vehicle of each point lives there.

    Parameters
    ----------
    points : polars.DataFrame
        ``vehicle_id``, ``lon``, ``lat``.
    nights : polars.DataFrame
        From :func:`find_nights`.
    config : VehicleConfig

    Returns
    -------
    polars.Series of bool

    Examples
    --------
    >>> nights = pl.DataFrame({"vehicle_id": ["A"] * 4, "night": [1, 2, 3, 4], "lon": [120.0] * 3 + [121.0],
    ...                        "lat": 32.0})
    >>> points = pl.DataFrame({"vehicle_id": ["A", "A"], "lon": [120.001, 121.0], "lat": [32.0, 32.0]})
    >>> lives_at(points, nights, VehicleConfig()).to_list()
    [True, False]
    """
    known = nights.group_by("vehicle_id").agg(known=pl.col("night").n_unique())
    kx = (pl.col("lat") * RAD).cos()
    dlon = pl.col("lon_n") - pl.col("lon")
    dlon = dlon - 360.0 * (dlon / 360.0).round()
    apart_m = (((dlon * kx) ** 2 + (pl.col("lat_n") - pl.col("lat")) ** 2).sqrt()) * EARTH_RADIUS_M * RAD
    here = (
        points.select("vehicle_id", "lon", "lat")
        .unique()
        .join(nights.rename({"lon": "lon_n", "lat": "lat_n"}), on="vehicle_id")
        .filter(apart_m <= config.home_m)
        .group_by("vehicle_id", "lon", "lat")
        .agg(here=pl.col("night").n_unique())
        .join(known, on="vehicle_id")
        .select(
            "vehicle_id", "lon", "lat",
            home=(pl.col("here") >= config.home_nights) & (pl.col("here") >= config.home_share * pl.col("known")),
        )
    )  # fmt: skip
    joined = points.join(here, on=["vehicle_id", "lon", "lat"], how="left", maintain_order="left")
    return joined["home"].fill_null(False).rename("home")


def in_depot(points: pl.DataFrame, nights: pl.DataFrame, config: VehicleConfig) -> pl.Series:
    """Return whether each point lies where many *other* vehicles live.

    Parameters
    ----------
    points, nights, config
        As in :func:`lives_at`.

    Returns
    -------
    polars.Series of bool

    Examples
    --------
    >>> nights = pl.DataFrame({"vehicle_id": ["A", "B", "C"] * 3, "night": [1] * 3 + [2] * 3 + [3] * 3,
    ...                        "lon": 120.0, "lat": 32.0})
    >>> points = pl.DataFrame({"vehicle_id": ["A", "D"], "lon": [120.0, 120.0], "lat": [32.0, 32.0]})
    >>> in_depot(points, nights, VehicleConfig()).to_list()
    [False, True]
    """
    homes = nights.filter(lives_at(nights, nights, config)).unique(["vehicle_id", "lon", "lat"])
    if homes.is_empty() or points.is_empty():
        return pl.Series("depot", [False] * points.height, dtype=pl.Boolean)
    tree = cKDTree(metres_xyz(homes["lon"].to_numpy(), homes["lat"].to_numpy()))
    places = points.select("lon", "lat").unique(maintain_order=True)
    near = tree.query_ball_point(
        metres_xyz(places["lon"].to_numpy(), places["lat"].to_numpy()), config.home_m
    )
    owners = homes["vehicle_id"].rank("dense").cast(pl.Int64).to_numpy()
    found = places.with_columns(owners=pl.Series([np.unique(owners[rows]).tolist() for rows in near]))
    number = homes.select("vehicle_id", own=pl.Series(owners)).unique()
    joined = points.join(found, on=["lon", "lat"], how="left", maintain_order="left")
    joined = joined.join(number, on="vehicle_id", how="left", maintain_order="left")
    own = pl.col("owners").list.contains(pl.col("own")).fill_null(False)
    others = pl.col("owners").list.len() - own.cast(pl.Int64)
    return joined.select(depot=others >= config.depot_vehicles)["depot"]


def calls_next_door(visits: pl.DataFrame, open_sites: pl.Series, config: VehicleConfig) -> pl.Series:
    """Return whether the vehicle of each visit is a usual caller of an open site that is a candidate, too.

    Parameters
    ----------
    visits : polars.DataFrame
        ``visit_id``, ``vehicle_id``, ``site_id``, ``day``, ``share``.
    open_sites : polars.Series of str
        Ids of the sites that operate.
    config : VehicleConfig

    Returns
    -------
    polars.Series of bool

    Examples
    --------
    >>> row = {"visit_id": "1", "vehicle_id": "A", "day": 1, "share": 0.9, "site_id": "open"}
    >>> rows = [row, row | {"visit_id": "2", "day": 2}, row | {"visit_id": "3", "day": 3, "share": 0.4},
    ...         row | {"visit_id": "3", "day": 3, "share": 0.6, "site_id": "closed"}]
    >>> calls_next_door(pl.DataFrame(rows), pl.Series(["open"]), VehicleConfig()).to_list()
    [False, False, False, True]
    """
    at_open = visits.filter(pl.col("site_id").is_in(open_sites.implode()))
    served = at_open.filter(pl.col("share") >= 0.5).select("vehicle_id", "site_id", "day").unique()
    pairs = at_open.select("visit_id", "vehicle_id", "site_id", this="day").join(
        served, on=["vehicle_id", "site_id"]
    )
    usual = (
        pairs.filter(pl.col("day") != pl.col("this"))
        .group_by("visit_id", "site_id")
        .agg(days=pl.col("day").n_unique())
        .filter(pl.col("days") >= config.customer_days)
        .select("visit_id", caller_of="site_id")
    )
    keyed = visits.select("visit_id", "site_id").with_row_index("row")
    called = keyed.join(usual, on="visit_id").filter(pl.col("site_id") != pl.col("caller_of"))["row"]
    found = np.zeros(visits.height, bool)
    found[called.to_numpy()] = True
    return pl.Series("calls_next_door", found)
