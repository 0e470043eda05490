"""Stands of goods vehicles away from where vehicles stand together anyhow."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from spatial_models.errors import NaiveTimeError
from spatial_models.frames import LOCAL_ZONE, select_columns
from spatial_models.visits.habits import find_nights
from spatial_models.visits.inputs import check_zone, read_places
from spatial_models.visits.nearness import find_excluding_places, find_site_pairs
from spatial_models.visits.scene import Scene, candidate_sites, places_stood
from spatial_models.visits.signal_config import VehicleConfig, check_config

AT_WORK_M = 100.0
"""Vehicles this near an operating site, and nearer to it than to a closed one, stand there for their work."""
GOODS_KINDS = ("hazmat", "other")


def find_stands_away(
    stays: pl.DataFrame,
    silences: pl.DataFrame,
    sites: pl.DataFrame,
    places: pl.DataFrame | None,
    vehicles: pl.DataFrame,
    *,
    at: dt.datetime,
    kinds: tuple[str, ...] = GOODS_KINDS,
    local_zone: str = LOCAL_ZONE,
    config: VehicleConfig = VehicleConfig(),
) -> pl.DataFrame:
    """Return the stands of goods vehicles that are not at home, in a depot, at a place, or at an operating site.

    Encounters are looked for among them: everywhere else two vehicles side by side mean nothing.

    Parameters
    ----------
    stays, silences, sites, places, vehicles, at, local_zone, config
        As in `spatial_models.visits.vehicle_signals`.
    kinds : tuple of str
        Kinds of vehicles.

    Returns
    -------
    polars.DataFrame
        ``vehicle_id``, ``entered_at``, ``left_at``, ``lon``, ``lat``, sorted by vehicle and time.

    Raises
    ------
    InputFrameError, NaiveTimeError, ParameterError

    Examples
    --------
    >>> import datetime as dt
    >>> from spatial_models.stays import detect_stays, find_silences
    >>> t0 = dt.datetime(2026, 1, 5, 2, tzinfo=dt.UTC)
    >>> track = pl.DataFrame({"vehicle_id": "A", "t": [t0 + dt.timedelta(minutes=m) for m in range(60)], "lat": 32.0,
    ...                       "lon": [120.8] * 30 + [120.9] * 30})
    >>> sites = pl.DataFrame({"site_id": ["S", "O"], "lon": [120.8, 120.9], "lat": 32.0,
    ...                       "status": ["closed", "operating"]})
    >>> given = detect_stays(track).stays, find_silences(track), sites, None
    >>> fleet = pl.DataFrame({"vehicle_id": ["A"], "kind": "hazmat"})
    >>> find_stands_away(*given, fleet, at=dt.datetime(2026, 1, 6, tzinfo=dt.UTC))["lon"].to_list()
    [120.8]
    """
    if at.tzinfo is None:
        raise NaiveTimeError("at: a time without a zone")
    check_zone(local_zone)
    check_config(config)
    all_sites, closed = candidate_sites(sites, at, local_zone, config)
    fleet = select_columns(vehicles, "vehicles", ("vehicle_id", "kind")).unique("vehicle_id", keep="first")
    stood, presence = places_stood(stays, silences, at, config)
    scene = Scene(
        at=at, local_zone=local_zone, config=config, sites=all_sites, closed=closed, places=read_places(places),
        fleet=fleet, stood=stood.join(fleet, on="vehicle_id", how="left"),
        nights=find_nights(presence, local_zone, config), intervals=None,
    )  # fmt: skip
    own = scene.stood.filter(pl.col("kind").is_in(kinds))
    lon, lat = own["lon"].to_numpy(), own["lat"].to_numpy()
    away = (
        find_excluding_places(lon, lat, scene.places).is_null() & ~scene.is_habit(own) & ~_at_work(scene, own)
    )
    return (
        own.filter(away)
        .select("vehicle_id", "entered_at", "left_at", "lon", "lat")
        .sort("vehicle_id", "entered_at")
    )


def _at_work(scene: Scene, stands: pl.DataFrame) -> pl.Series:
    """Return whether the nearest site of each stand operates and is within ``AT_WORK_M``."""
    point, site, distance_m, _ = find_site_pairs(
        stands["lon"].to_numpy(), stands["lat"].to_numpy(), scene.sites, AT_WORK_M
    )
    operates = (scene.sites["status"] == "operating").fill_null(False).to_numpy()[site]
    nearest = np.full((2, stands.height), np.inf)
    for row, which in enumerate((operates, ~operates)):
        np.minimum.at(nearest[row], point[which], distance_m[which])
    return pl.Series("at_work", np.isfinite(nearest[0]) & (nearest[0] < nearest[1]))
