"""Vehicles of a run: visits, silences and encounters with the signals that they make, measured and written."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial

import polars as pl
from sqlalchemy.orm import Session

from geo_api.http.progress import step
from layers.records import enterprises, tracks
from layers.runs import write_encounters, write_silences
from spatial_models.encounters import find_encounters, fixes_at_stands
from spatial_models.stays import find_parked, find_silences
from spatial_models.visits import VehicleConfig, find_stands_away, find_visits, vehicle_findings

GOODS_KINDS = ("hazmat", "other")
"""Kinds of vehicles that may carry goods."""
ENCOUNTER_PARAMETERS = {"distance_m": 50.0, "min_duration_s": 300.0, "max_gap_s": 900.0}


@dataclass(frozen=True)
class MeasuredVehicles:
    """Frames of what goods vehicles did.

    Attributes
    ----------
    visits : polars.DataFrame
        At all sites.
    signals : polars.DataFrame
        ``SIGNAL_ROWS`` of ``VEHICLE_SIGNALS``.
    silences : polars.DataFrame
        Those in reach of closed sites.
    encounters : polars.DataFrame
        Those away from operating sites, car parks, depots and homes.
    """

    visits: pl.DataFrame
    signals: pl.DataFrame
    silences: pl.DataFrame
    encounters: pl.DataFrame


def measure_vehicles(
    db: Session,
    fixes: pl.DataFrame,
    stays: pl.DataFrame,
    sampling: pl.DataFrame,
    *,
    at: dt.datetime,
    window: tuple[dt.datetime, dt.datetime],
    link_gap_s: float,
    zone: str,
    seconds: dict[str, float],
    config: VehicleConfig = VehicleConfig(),
    watched: pl.Series | None = None,
) -> MeasuredVehicles:
    """Measure visits, silences, encounters and signals of goods vehicles; nothing is written.

    Parameters
    ----------
    fixes, stays : polars.DataFrame
        With the database's integers as ``vehicle_id``.
    sampling : polars.DataFrame
        Of `spatial_models.stays.sampling_gaps_s`.
    window : (datetime, datetime)
        Of the visits.
    link_gap_s : float
        As in `spatial_models.visits.find_visits`.
    watched : polars.Series or None
        Ids of sites that operate, of which a model asks what comes there: their signals are those that they would have
        if they were closed, and change nothing at the others.
    """
    fleet = tracks.read_vehicles(db).select(pl.col("id").alias("vehicle_id"), "kind")
    goods = fleet.filter(pl.col("kind").is_in(GOODS_KINDS))
    sites, places = enterprises.read_sites(db), enterprises.read_places(db)
    own_fixes = fixes.join(goods, on="vehicle_id", how="semi")
    own_stays = stays.join(goods, on="vehicle_id", how="semi", maintain_order="left")
    with step("失联 silences", seconds, "silences"):
        silences = find_silences(own_fixes, until=at)
    with step("会遇 encounters", seconds, "encounters"):
        away = find_stands_away(own_stays, silences, sites, places, fleet, at=at, local_zone=zone)
        met = find_encounters(
            fixes_at_stands(own_fixes, away, margin_s=0.0), **ENCOUNTER_PARAMETERS
        ).encounters
    with step("车辆信号 signals of vehicles", seconds, "vehicle_signals"):
        parked = find_parked(silences, local_zone=zone)
        stood = pl.concat([own_stays.select(parked.columns), parked])
        find = partial(_visits, stood, goods, places, link_gap_s=link_gap_s, window=window, zone=zone)
        visits = find(sites)
        found = vehicle_findings(
            visits, stood, silences, sites, places, fleet, at=at, encounters=met,
            intervals=sampling, local_zone=zone, config=config,
        )  # fmt: skip
        signals = found.signals
        if watched is not None and watched.len():
            own = pl.col("site_id").is_in(watched.implode())
            shut = sites.with_columns(
                status=pl.when(own).then(pl.lit("closed")).otherwise("status"),
                status_since=pl.when(~own).then("status_since"),
            )
            there = find(shut)
            of_watched = vehicle_findings(
                there, stood, silences, shut, places, fleet, at=at, intervals=sampling,
                local_zone=zone, config=config,
            ).signals  # fmt: skip
            signals = pl.concat([signals, of_watched.filter(own)])
    return MeasuredVehicles(visits, signals, found.silences, met)


def _visits(
    stays: pl.DataFrame,
    goods: pl.DataFrame,
    places: pl.DataFrame,
    sites: pl.DataFrame,
    *,
    link_gap_s: float,
    window: tuple[dt.datetime, dt.datetime],
    zone: str,
) -> pl.DataFrame:
    """Find the visits of goods vehicles: the hazards of sites draw vehicles that are listed for them, and no others."""
    listed = goods.filter(pl.col("kind") == "hazmat")
    find = partial(find_visits, places=places, link_gap_s=link_gap_s, window=window, local_zone=zone)
    found = [
        find(stays.join(listed, on="vehicle_id", how="semi", maintain_order="left"), sites),
        find(stays.join(listed, on="vehicle_id", how="anti", maintain_order="left"), sites.drop("hazard")),
    ]
    return pl.concat(found).sort("entered_at", "visit_id", "site_id")


def write_measured_vehicles(
    db: Session, run_id: int, measured: MeasuredVehicles, start: dt.datetime, end: dt.datetime
) -> dict[str, int]:
    """Write the silences and encounters that began in ``[start, end)``; returns counts.

    Those that began before are left as a run wrote them that saw them whole.
    """
    return {
        "silences": write_silences(db, measured.silences, run_id, start, end),
        "encounters": write_encounters(db, measured.encounters, run_id, start, end),
    }
