"""Stands of vehicles whose terminal is off while they are parked: silences that begin and end at one place."""

from __future__ import annotations

import polars as pl

from spatial_models.frames import LOCAL_ZONE

LEAST_STAND_S = 600.0
"""Least time of a stand, after the way to where the vehicle reappeared, seconds."""
TRAVEL_MPS = 40 / 3.6
"""Speed at which that way is driven, metres a second."""
WAKE_INTERVALS = 1.5
"""A terminal that wakes as its vehicle leaves sends its first fix within so many intervals."""
AT_PLACE_M = 150.0
HABIT_DAYS, HABIT_PLACES = 5, 3
"""A terminal is off whenever its vehicle is parked when this was seen on so many days, at so many places."""
PLACE_DEG = 0.005
"""Places are told apart by a grid of about half a kilometre."""
TOGETHER = 3
"""Silences that end together with so many others are an outage."""


def find_parked(silences: pl.DataFrame, *, local_zone: str = LOCAL_ZONE) -> pl.DataFrame:
    """Find the stands of vehicles whose terminal is off whenever they are parked.

    Such a terminal sends for some minutes after the stop, and again when the vehicle leaves: its first fix lies within
    one and a half intervals of driving from the place. A vehicle that falls silent at one place only has no such
    terminal: that silence stays what it is.

    Parameters
    ----------
    silences : polars.DataFrame
        From `spatial_models.stays.find_silences`.
    local_zone : str
        Time zone of the days.

    Returns
    -------
    polars.DataFrame
        Rows for `spatial_models.visits.find_visits`: ``vehicle_id``, ``started_at``, ``ended_at``, ``left_by``,
        ``ended_by`` (``gap``), ``open``, ``lon``, ``lat``, ``left_m``, sorted by vehicle and start. Each is seen for no
        time and unseen from ``started_at`` to ``left_by``, without the way to where the vehicle reappeared.

    Examples
    --------
    >>> import datetime as dt
    >>> from spatial_models.stays import find_silences
    >>> t0 = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    >>> parts = [pl.DataFrame({"vehicle_id": "A", "lon": 120.0 + 0.02 * day, "lat": 32.0,
    ...                        "t": [t0 + dt.timedelta(days=day, minutes=m) for m in (0, 1, 2, 60, 61, 62)]})
    ...          for day in range(6)]
    >>> found = find_parked(find_silences(pl.concat(parts)))
    >>> found.height, found["left_by"][0] - found["started_at"][0]
    (6, datetime.timedelta(seconds=3480))
    >>> find_parked(find_silences(parts[0])).height
    0
    """
    drive_s = pl.col("reappeared_m") / TRAVEL_MPS
    woke_near = pl.col("reappeared_m") <= pl.max_horizontal(
        pl.lit(AT_PLACE_M), WAKE_INTERVALS * pl.col("before_s") * TRAVEL_MPS
    )
    stood = silences.filter(
        pl.col("ended_at").is_not_null()
        & woke_near
        & (pl.col("duration_s") - drive_s >= LEAST_STAND_S)
        & (pl.col("ended_together") < TOGETHER)
    ).with_columns(
        day=pl.col("began_at").dt.convert_time_zone(local_zone).dt.date(),
        place=pl.struct((pl.col("lon") / PLACE_DEG).round(), (pl.col("lat") / PLACE_DEG).round()),
    )
    habit = (pl.col("day").n_unique() >= HABIT_DAYS) & (pl.col("place").n_unique() >= HABIT_PLACES)
    return (
        stood.filter(habit.over("vehicle_id"))
        .select(
            "vehicle_id",
            started_at="began_at",
            ended_at="began_at",
            left_by=pl.col("ended_at") - pl.duration(seconds=drive_s),
            ended_by=pl.lit("gap"),
            open=pl.lit(False),
            lon="lon",
            lat="lat",
            left_m=pl.lit(0.0),
        )
        .sort("vehicle_id", "started_at")
    )
