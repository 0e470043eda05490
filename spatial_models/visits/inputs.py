"""Checks of the inputs of `spatial_models.visits.find_visits`."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import polars as pl

from spatial_models.errors import InputFrameError, NaiveTimeError, ParameterError
from spatial_models.fixes import NO_TIME
from spatial_models.frames import epoch_us, float_column, select_columns
from spatial_models.parameter_checks import is_number
from spatial_models.visits.attribution import Attribution

SITE_COLUMNS = ("site_id", "lon", "lat")
SITE_OPTIONS = ("boundary", "status", "hazard", "demand")
PLACE_COLUMNS = ("kind", "lon", "lat", "radius_m")


def read_sites(sites: Any) -> pl.DataFrame:
    """Read sites as a polars frame and check that every row has an id of its own.

    Raises
    ------
    InputFrameError
    """
    frame = select_columns(sites, "sites", SITE_COLUMNS, SITE_OPTIONS)
    ids = frame["site_id"].cast(pl.String)
    wrong = ids.is_null() | ids.is_duplicated()
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise InputFrameError(f"sites: row {row}, site_id: {ids[row]!r} does not tell the site apart")
    return frame


def read_places(places: Any) -> pl.DataFrame | None:
    """Read excluded places as a polars frame; None stays None."""
    return None if places is None else select_columns(places, "places", PLACE_COLUMNS)


def check_stays(stays: pl.DataFrame) -> None:
    """Check that every stay has a vehicle, two times in order and a position.

    Raises
    ------
    InputFrameError
        Names the row and the column.
    """
    start, end = epoch_us(stays["started_at"], "stays"), epoch_us(stays["ended_at"], "stays")
    lon, lat = float_column(stays["lon"], "stays"), float_column(stays["lat"], "stays")
    for column, wrong in (
        ("vehicle_id", stays["vehicle_id"].is_null().to_numpy()),
        ("started_at", start == NO_TIME),
        ("ended_at", (end == NO_TIME) | (end < start)),
        ("lon", ~(np.abs(lon) <= 180.0)),
        ("lat", ~(np.abs(lat) <= 90.0)),
    ):
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InputFrameError(f"stays: row {row}, {column}: {stays[column][row]!r} is no part of a stay")


def check_not_negative(**values: object) -> None:
    """Check that numbers are 0 or more.

    Raises
    ------
    ParameterError
        Names the parameter and its value.
    """
    for name, value in values.items():
        if not is_number(value) or value < 0:  # type: ignore[operator]
            raise ParameterError(f"{name} must be 0 or more, got {value!r}")


def check_zone(local_zone: object) -> None:
    """Check that a value is the name of a time zone.

    Raises
    ------
    ParameterError
    """
    try:
        ZoneInfo(local_zone)  # type: ignore[arg-type]
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        raise ParameterError(f"local_zone: {local_zone!r} is no time zone") from error


def check_window(window: object) -> None:
    """Check that a window is None or two times with a zone, the first before the second.

    Raises
    ------
    NaiveTimeError, ParameterError
    """
    if window is None:
        return
    times = window if isinstance(window, tuple | list) else ()
    if len(times) != 2 or not all(isinstance(time, dt.datetime) for time in times):
        raise ParameterError(f"window must be two times, got {window!r}")
    if any(time.tzinfo is None for time in times):
        raise NaiveTimeError("window: times without a zone")
    if times[0] >= times[1]:
        raise ParameterError(f"window: {times[0]} is not before {times[1]}")


def check_attribution(attribution: object) -> None:
    """Check that the parameters give every candidate site a weight above 0.

    Raises
    ------
    ParameterError
    """
    if not isinstance(attribution, Attribution):
        raise ParameterError(f"attribution must be an Attribution, got {type(attribution).__name__}")
    values = {
        "decay_m": attribution.decay_m,
        "inside_weight": attribution.inside_weight,
        "disc_weight": attribution.disc_weight,
        "most_repeats": attribution.most_repeats,
        "no_hazard_demand": attribution.no_hazard_demand,
        **{f"status_demand[{status!r}]": demand for status, demand in attribution.status_demand.items()},
    }
    for name, value in values.items():
        if not isinstance(value, int | float | np.number) or not (math.isfinite(value) and value > 0):
            raise ParameterError(f"attribution: {name} must be above 0, got {value!r}")
