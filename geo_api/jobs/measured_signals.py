"""Signals of a run: measured once from meters and movement, and shared by all models."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from sqlalchemy.orm import Session

from geo_api.http.progress import step
from geo_api.jobs.measured_vehicles import MeasuredVehicles, measure_vehicles
from geo_api.jobs.movement import LINK_GAP_S, Movement, Window
from grid.calendar import PUBLISHED
from grid.errors import CalendarUnknown
from layers.imports import SITE_KINDS
from layers.records import enterprises, meters, tracks
from layers.visit_share import LEAST_SHARE
from spatial_models.fences import counted_breaches, fence_signals
from spatial_models.meters import MeterConfig, meter_signals
from spatial_models.site_facts import county_rows, power_rows
from spatial_models.suspicion import ACTIVE_DAYS, Model, population_of
from spatial_models.visits import VehicleConfig

HAZMAT_VEHICLES = "hazmat_vehicles"
"""Name of their count in the record of a run."""
OPERATING = "operating"


@dataclass(frozen=True)
class MeasuredSignals:
    """Frames that the models read, of all sites.

    Attributes
    ----------
    registered : polars.DataFrame
        Sites of all kinds with their ``county``: the models choose theirs of them.
    licences : polars.DataFrame
        As of `spatial_models.suspicion.population.population_of`.
    visits : polars.DataFrame
        Those that are stored: of listed vehicles at hazardous sites, and of all vehicles at closed ones and at sites
        that operate and that a model looks at.
    signals : polars.DataFrame
        ``SIGNAL_ROWS``, also of fences.
    fences : polars.DataFrame
        Of the run, with name and legal basis.
    breaches : polars.DataFrame
        In the window, with ``exempt``: see `spatial_models.fences.counted_breaches`.
    active_days : polars.DataFrame
        ``ACTIVE_DAYS`` of `spatial_models.suspicion`.
    starts : polars.DataFrame
        Starts of work by meters, as of `spatial_models.meters.meter_signals`.
    vehicles : MeasuredVehicles
        Silences and encounters, too.
    vehicle_kinds : frozenset of str
        Kinds of the vehicles that are known.
    """

    sites: pl.DataFrame
    registered: pl.DataFrame
    licences: pl.DataFrame
    readings: pl.DataFrame
    notices: pl.DataFrame
    visits: pl.DataFrame
    signals: pl.DataFrame
    fences: pl.DataFrame
    breaches: pl.DataFrame
    active_days: pl.DataFrame
    starts: pl.DataFrame
    vehicles: MeasuredVehicles
    vehicle_kinds: frozenset[str]


def measure_signals(
    db: Session,
    window: Window,
    moved: Movement,
    zone: str,
    *,
    models: Sequence[Model],
    parameters: Mapping[str, Mapping[str, Any]],
    seconds: dict[str, float],
    counts: dict[str, int],
) -> MeasuredSignals:
    """Measure every signal at every closed site, and those of sites that operate and that a model looks at.

    Nothing is written.

    Parameters
    ----------
    parameters : mapping
        Room → parameter → value, where a model sets other ones than the default.
    """
    sites = enterprises.read_sites(db)
    registered, licences = _register(db, window.today)
    looked_at = pl.concat(
        [pl.Series("site_id", [], dtype=pl.String)]
        + [
            population_of(model, registered, licences, today=window.today)["site_id"]
            for model in models
            if model.population.subject == "site"
        ]
    ).unique()
    operating = sites.filter(pl.col("status") == OPERATING)["site_id"]
    watched = operating.filter(operating.is_in(looked_at.implode()))
    notices = enterprises.read_notices(db, window.today)
    fleet = tracks.read_vehicles(db)
    listed = fleet.filter(pl.col("kind") == "hazmat")["id"]
    counts[HAZMAT_VEHICLES] = listed.len()
    vehicles = measure_vehicles(
        db,
        moved.fixes,
        moved.stays,
        moved.sampling,
        at=window.at,
        window=(min([window.read_from, *moved.begins.values()]), window.end),
        link_gap_s=LINK_GAP_S,
        zone=zone,
        seconds=seconds,
        config=replace(VehicleConfig(), **parameters.get("vehicles", {})),
        watched=watched,
    )
    visits = _kept(vehicles.visits, sites, listed, watched)
    counts["visits"] = visits.height
    with step("水电信号 meter signals", seconds, "meters"):
        readings = meters.read_readings(db, until=window.today)
        of_meters = meter_signals(
            readings,
            sites,
            at=window.today,
            config=replace(MeterConfig(), **parameters.get("meters", {})),
            local_zone=zone,
            is_holiday=_is_rest_day,
        )
        power = power_rows(readings, looked_at, at=window.today, local_zone=zone)
    apart = county_rows(registered, at=window.today).filter(pl.col("site_id").is_in(looked_at.implode()))
    with step("围栏信号 signals of fences", seconds, "fence_signals"):
        of_fences, breaches = _at_fences(fleet, window, moved, zone)
    signals = pl.concat([of_meters.signals, vehicles.signals, power, apart, of_fences])
    active = _active_days(of_meters.regimes, visits, window, zone)
    return MeasuredSignals(
        sites, registered, licences, readings, notices, visits, signals, moved.fences, breaches, active,
        of_meters.starts, vehicles, frozenset(fleet["kind"]),
    )  # fmt: skip


def _register(db: Session, today: dt.date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the sites of all kinds with their county, and the licences that began by a day."""
    sites = enterprises.read_sites(db, kinds=SITE_KINDS).join(
        enterprises.read_counties(db), on="site_id", how="left", maintain_order="left"
    )
    return sites, enterprises.read_licences(db, today)


def _active_days(regimes: pl.DataFrame, visits: pl.DataFrame, window: Window, zone: str) -> pl.DataFrame:
    """Return the days of the window on which meters were at work, and vehicles at the site."""
    first = window.start.astimezone(ZoneInfo(zone)).date()
    worked = (
        regimes.with_columns(day=pl.date_ranges("from_day", "to_day"))
        .explode("day")
        .filter((pl.col("day") >= first) & (pl.col("p_work") > 0))
        .group_by("site_id", "day")
        .agg(weight=pl.col("p_work").max())
        .with_columns(family=pl.lit("meters"))
    )
    came = (
        visits.filter(pl.col("site_id").is_not_null() & (pl.col("share") >= LEAST_SHARE))
        .select("site_id", day=pl.col("entered_at").dt.convert_time_zone(zone).dt.date(), weight="share")
        .filter(pl.col("day") >= first)
        .group_by("site_id", "day")
        .agg(pl.col("weight").max())
        .with_columns(family=pl.lit("vehicles"))
    )
    return pl.concat([frame.select(*ACTIVE_DAYS) for frame in (worked, came)]).sort(
        "site_id", "family", "day"
    )


def _at_fences(
    fleet: pl.DataFrame, window: Window, moved: Movement, zone: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the signals of the fences and the breaches of the window, by the vehicles that reported."""
    reported = moved.fixes.select("vehicle_id").unique()
    days = (window.at - window.start).days
    fleet = fleet.select(pl.col("id").alias("vehicle_id"), "kind").join(reported, on="vehicle_id", how="semi")
    signals = fence_signals(
        moved.fence_events, moved.fences, fleet, at=window.at, window_days=days, local_zone=zone
    )
    return signals, counted_breaches(moved.fence_events, moved.fences, at=window.at, window_days=days)


def _is_rest_day(day: dt.date) -> bool:
    """Whether a day is not worked; by the week in years whose calendar is not published."""
    try:
        return not PUBLISHED.is_working_day(day)
    except CalendarUnknown:
        return day.weekday() >= 5


def _kept(visits: pl.DataFrame, sites: pl.DataFrame, listed: pl.Series, watched: pl.Series) -> pl.DataFrame:
    """Return the visits that are stored."""
    hazardous = sites.filter(pl.col("hazard") != "none")["site_id"]
    closed = sites.filter(pl.col("status") != OPERATING)["site_id"]
    of_listed = pl.col("vehicle_id").is_in(listed.implode()) & (
        pl.col("site_id").is_null() | pl.col("site_id").is_in(hazardous.implode())
    )
    asked = pl.concat([closed, watched])
    return visits.filter(of_listed | pl.col("site_id").is_in(asked.implode()))
