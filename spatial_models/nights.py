"""Nights: the hours from 22:00 to 06:00 of the city, and what part of a time lies in them."""

from __future__ import annotations

import numpy as np
import polars as pl

from spatial_models.frames import LOCAL_ZONE, Array

DAY_S = 86_400
NIGHT_ENDS_S, NIGHT_BEGINS_S = 6 * 3600, 22 * 3600


def night_share(entered_at: pl.Series, left_at: pl.Series, local_zone: str = LOCAL_ZONE) -> Array:
    """Return the share of each span that lies between 22:00 and 06:00 local time.

    A span of length 0 has share 1 at night, else 0.

    Parameters
    ----------
    entered_at, left_at : polars.Series
        Times in UTC, shape (n,).
    local_zone : str

    Returns
    -------
    ndarray of float64, shape (n,)

    Examples
    --------
    >>> import datetime as dt
    >>> day = lambda hour: pl.Series([dt.datetime(2026, 1, 1, hour, tzinfo=dt.UTC)])
    >>> night_share(day(12), day(16)).tolist()  # 20:00 to 24:00 in China
    [0.5]
    """
    a, b = _local_seconds(entered_at, local_zone), _local_seconds(left_at, local_zone)
    span = b - a
    of_day = a % DAY_S
    at_night = (of_day < NIGHT_ENDS_S) | (of_day >= NIGHT_BEGINS_S)
    share: Array = np.where(
        span > 0,
        (_night_seconds_until(b) - _night_seconds_until(a)) / np.where(span > 0, span, 1.0),
        at_night,
    )
    return share


def _local_seconds(times: pl.Series, zone: str) -> Array:
    wall = times.dt.convert_time_zone(zone).dt.replace_time_zone(None).dt.epoch("us")
    return wall.to_numpy() / 1e6


def _night_seconds_until(local_s: Array) -> Array:
    """Return the seconds of night between the local epoch and each moment."""
    days, of_day = np.divmod(local_s, DAY_S)
    night_s = NIGHT_ENDS_S + DAY_S - NIGHT_BEGINS_S
    into: Array = np.minimum(of_day, NIGHT_ENDS_S) + np.maximum(of_day - NIGHT_BEGINS_S, 0)
    return days * night_s + into
