"""Moments of runs: the newest data, from which the main job looks back."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from layers.errors import InputError
from layers.local_time import local_zone
from layers.records import meters, tracks


def newest_moment(db: Session) -> dt.datetime:
    """Return the moment of the newest fix or reading; a reading is of the end of its day in the city.

    Raises
    ------
    layers.errors.InputError
        There is neither.
    """
    span, day = tracks.time_span(db), meters.last_day(db)
    moments = [span[1]] if span else []
    if day:
        moments.append(dt.datetime.combine(day, dt.time(23, 59, 59), local_zone()))
    if not moments:
        raise InputError("nothing to analyse: import tracks or meters first")
    return max(moments)
