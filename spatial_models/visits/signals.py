"""Signals of vehicles at closed sites: evidence for each distinct vehicle, against its habits and the surroundings."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl

from spatial_models.errors import NaiveTimeError
from spatial_models.frames import LOCAL_ZONE, select_columns
from spatial_models.signal_rows import SIGNAL_ROWS, SignalKind
from spatial_models.visits.callers import count_callers, night_rows
from spatial_models.visits.darkness import SITE_SILENCES, dark_stands, no_silences
from spatial_models.visits.encounter_rows import encounter_stands
from spatial_models.visits.habits import find_nights
from spatial_models.visits.inputs import check_zone, read_places
from spatial_models.visits.scene import Scene, candidate_sites, places_stood
from spatial_models.visits.signal_config import VehicleConfig, check_config
from spatial_models.visits.site_rows import own_rows, yard_rows

VEHICLE_SIGNALS: tuple[SignalKind, ...] = (
    SignalKind(
        "hazmat_visits", "vehicles", "vehicles", 0.0, float("inf"), ("fixes", "vehicle_list"),
        "在名单上的危险货物车辆到访：不同车辆的有效数，已扣除同类地点的平常水平",
        "Visits of vehicles on the hazardous-goods list: effective number of different vehicles beyond what comes to"
        " such a place anyhow",
    ),
    SignalKind(
        "heavy_visits", "vehicles", "vehicles", 0.0, float("inf"), ("fixes",),
        "不在危险货物名单上的货运车辆到访：不同车辆的有效数，已扣除同类地点的平常水平",
        "Visits of other vehicles that are not on the list: effective number of different vehicles beyond what comes to"
        " such a place anyhow",
    ),
    SignalKind(
        "night_visits", "vehicles", "share", 0.0, 1.0, ("fixes",),
        "归属到场所的停留时间中夜间（22:00-06:00）的比例，不含常在此过夜的车辆",
        "Share of the attributed time that lies at night (22:00-06:00), without vehicles that live there",
    ),
    SignalKind(
        "dark_near_site", "vehicles", "vehicles", 0.0, float("inf"), ("fixes",),
        "到达场所附近后终端随即失联的车辆：有效数，已扣除同类地点的平常水平",
        "Vehicles that fell silent on arriving near the site: effective number beyond what is silent at such a place"
        " anyhow",
    ),
    SignalKind(
        "neighbour_yard", "vehicles", "vehicles", 0.0, float("inf"), ("fixes", "vehicle_list"),
        "停在相邻场所院内、可能为该场所卸货的危险货物车辆：有效数",
        "Hazardous-goods vehicles in the yard of an adjoining site that may have unloaded for this one: effective"
        " number",
    ),
    SignalKind(
        "encounters_near_site", "vehicles", "pairs", 0.0, float("inf"), ("fixes", "encounters"),
        "在场所内或附近停靠在一起的车辆对：有效数，已扣除同类地点的平常水平",
        "Pairs of vehicles that stood together at the site: effective number beyond what meets at such a place anyhow",
    ),
)  # fmt: skip
"""Signals of `vehicle_signals`."""

VEHICLE_COLUMNS = ("vehicle_id", "kind")
HEAVY_KINDS = ("other",)
"""Kinds of vehicles besides ``hazmat`` that may carry goods; coaches carry people, vessels are at fences."""


@dataclass(frozen=True)
class VehicleFindings:
    """Signals of vehicles, and the silences behind ``dark_near_site``.

    Attributes
    ----------
    signals : polars.DataFrame
        As of :func:`vehicle_signals`.
    silences : polars.DataFrame
        Silences in reach of closed sites, one row a silence and site: ``silence_id``, ``vehicle_id``, ``site_id``,
        ``began_at``, ``ended_at``, ``duration_s``, ``before_s``, ``reappeared_m``, ``distance_m``, ``share``,
        ``weight``, ``left_out``, ``lon``, ``lat``, sorted by begin, silence and site.
    """

    signals: pl.DataFrame
    silences: pl.DataFrame


def vehicle_signals(
    visits: pl.DataFrame,
    stays: pl.DataFrame,
    silences: pl.DataFrame,
    sites: pl.DataFrame,
    places: pl.DataFrame | None,
    vehicles: pl.DataFrame,
    *,
    at: dt.datetime,
    encounters: pl.DataFrame | None = None,
    intervals: pl.DataFrame | None = None,
    local_zone: str = LOCAL_ZONE,
    config: VehicleConfig = VehicleConfig(),
) -> pl.DataFrame:
    """Return the signals of vehicles at every closed, suspended or dismantled site.

    Parameters
    ----------
    visits : polars.DataFrame
        From `spatial_models.visits.find_visits`, of the vehicles of all kinds at *all* sites: an open neighbour that
        is not among them takes nothing.
    stays : polars.DataFrame
        From `spatial_models.stays.detect_stays`, of all vehicles.
    silences : polars.DataFrame
        From `spatial_models.stays.find_silences`.
    sites : polars.DataFrame
        All sites: ``site_id``, ``lon``, ``lat``, ``status``; optional ``status_since``, ``boundary``, ``hazard``.
    places : polars.DataFrame or None
        As in `spatial_models.visits.find_visits`.
    vehicles : polars.DataFrame
        ``vehicle_id`` (of the same type as in the other frames), ``kind``: hazmat, coach, vessel, other.
    at : datetime
        Moment of the analysis; what begins later is ignored.
    encounters : polars.DataFrame or None
        From `spatial_models.encounters.find_encounters`; None: they were not looked for.
    intervals : polars.DataFrame or None
        ``vehicle_id``, ``gap_s``: median interval between two fixes of the vehicles that reported. None: of every
        vehicle with a stay it is assumed that it can be judged.
    local_zone : str
        Time zone of days and nights.
    config : VehicleConfig

    Returns
    -------
    polars.DataFrame
        ``SIGNAL_ROWS``, one row a site and signal of ``VEHICLE_SIGNALS``, sorted by both. ``value`` is null where the
        family is blind (no vehicle reported that can be judged, no hazardous-goods list), 0 where vehicles reported
        and nothing stood there. ``quality`` is the part of the vehicles that can be judged, halved where none was
        seen in the surroundings. Sentences name no vehicle.

    Raises
    ------
    InputFrameError, NaiveTimeError, ParameterError

    Examples
    --------
    >>> import datetime as dt
    >>> from spatial_models.stays import detect_stays, find_silences
    >>> from spatial_models.visits import find_visits
    >>> t0 = dt.datetime(2026, 1, 5, 2, tzinfo=dt.UTC)
    >>> minutes = [t0 + dt.timedelta(minutes=m) for m in range(60)]
    >>> track = pl.concat(
    ...     pl.DataFrame({"vehicle_id": name, "t": minutes, "lon": [120.8] * 50 + [120.9] * 10, "lat": 32.0})
    ...     for name in "ABC")
    >>> sites = pl.DataFrame({"site_id": ["S", "T"], "lon": [120.8, 121.0], "lat": 32.0, "status": "closed"})
    >>> stays, fleet = detect_stays(track).stays, pl.DataFrame({"vehicle_id": ["A", "B", "C"], "kind": "hazmat"})
    >>> found = vehicle_signals(find_visits(stays, sites), stays, find_silences(track), sites, None, fleet,
    ...                         at=dt.datetime(2026, 1, 6, tzinfo=dt.UTC))
    >>> found.filter(signal="hazmat_visits").select("site_id", "value", "baseline").rows()
    [('S', 2.99, 0.01), ('T', 0.0, 0.01)]
    >>> vehicle_signals(find_visits(stays.clear(), sites), stays.clear(), find_silences(track.clear()), sites.clear(),
    ...                 None, fleet, at=dt.datetime(2026, 1, 6, tzinfo=dt.UTC)).height
    0
    """
    return vehicle_findings(
        visits, stays, silences, sites, places, vehicles, at=at, encounters=encounters, intervals=intervals,
        local_zone=local_zone, config=config,
    ).signals  # fmt: skip


def vehicle_findings(
    visits: pl.DataFrame,
    stays: pl.DataFrame,
    silences: pl.DataFrame,
    sites: pl.DataFrame,
    places: pl.DataFrame | None,
    vehicles: pl.DataFrame,
    *,
    at: dt.datetime,
    encounters: pl.DataFrame | None = None,
    intervals: pl.DataFrame | None = None,
    local_zone: str = LOCAL_ZONE,
    config: VehicleConfig = VehicleConfig(),
) -> VehicleFindings:
    """Return the signals of :func:`vehicle_signals`, and the silences at closed sites that they rest on.

    Parameters
    ----------
    visits, stays, silences, sites, places, vehicles, at, encounters, intervals, local_zone, config
        As in :func:`vehicle_signals`.

    Raises
    ------
    InputFrameError, NaiveTimeError, ParameterError

    Examples
    --------
    >>> import datetime as dt
    >>> from spatial_models.stays import detect_stays, find_silences
    >>> from spatial_models.visits import find_visits
    >>> t0 = dt.datetime(2026, 1, 5, 2, tzinfo=dt.UTC)
    >>> times = [t0 + dt.timedelta(minutes=m) for m in (*range(10), *range(200, 210))]
    >>> track = pl.DataFrame({"vehicle_id": "A", "t": times, "lon": 120.8, "lat": 32.0})
    >>> sites, fleet = pl.DataFrame({"site_id": ["S"], "lon": [120.8], "lat": [32.0], "status": "closed"}), (
    ...     pl.DataFrame({"vehicle_id": ["A"], "kind": "hazmat"}))
    >>> stays = detect_stays(track).stays
    >>> found = vehicle_findings(find_visits(stays, sites), stays, find_silences(track), sites, None, fleet,
    ...                          at=dt.datetime(2026, 1, 6, tzinfo=dt.UTC))
    >>> found.silences.select("site_id", "duration_s", "weight", "left_out").rows()
    [('S', 11460.0, 1.0, None)]
    """
    if at.tzinfo is None:
        raise NaiveTimeError("at: a time without a zone")
    check_zone(local_zone)
    check_config(config)
    all_sites, closed = candidate_sites(sites, at, local_zone, config)
    if closed.is_empty():
        return VehicleFindings(pl.DataFrame(schema=SIGNAL_ROWS), no_silences(silences))
    fleet = select_columns(vehicles, "vehicles", VEHICLE_COLUMNS).unique("vehicle_id", keep="first")
    stood, presence = places_stood(stays, silences, at, config)
    scene = Scene(
        at=at, local_zone=local_zone, config=config, sites=all_sites, closed=closed, places=read_places(places),
        fleet=fleet, stood=stood.join(fleet, on="vehicle_id", how="left"),
        nights=find_nights(presence, local_zone, config), intervals=intervals,
    )  # fmt: skip
    rows = own_rows(scene, visits)
    hazmat, goods = ("hazmat",), ("hazmat", *HEAVY_KINDS)
    dark, dark_elsewhere = dark_stands(scene, silences, rows, goods)
    found = [
        count_callers(scene, "hazmat_visits", rows, hazmat),
        count_callers(scene, "heavy_visits", rows, HEAVY_KINDS),
        night_rows(scene, rows, visits, goods),
        count_callers(scene, "dark_near_site", dark, goods, dark_elsewhere),
        count_callers(scene, "neighbour_yard", yard_rows(scene, rows, visits), hazmat),
        encounter_stands(scene, encounters, goods),
    ]
    stored = (
        dark.filter(pl.col("when") != "before")
        .select(SITE_SILENCES.keys())
        .sort("began_at", "silence_id", "site_id")
    )
    return VehicleFindings(pl.concat(found).sort("site_id", "signal"), stored)
