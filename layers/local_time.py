"""The time by which days, deadlines and reports of the city are counted."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from layers.city import city_in_force


def local_zone() -> ZoneInfo:
    """Return the time zone of the city in force."""
    return city_in_force().zone


def start_of_day(day: dt.date) -> dt.datetime:
    """Return the first moment of a day in the city."""
    return dt.datetime.combine(day, dt.time(), local_zone())


def zone_note(at: dt.datetime | None = None) -> str:
    """Return the time zone by its name and its distance from UTC, as ``Europe/Berlin (UTC+1)``."""
    moment = (at or dt.datetime.now(dt.UTC)).astimezone(local_zone())
    hours = f"{moment:%z}"
    sign, hour, minute = hours[0], int(hours[1:3]), hours[3:5]
    offset = f"{sign}{hour}" + ("" if minute == "00" else f":{minute}")
    return f"{local_zone().key} (UTC{offset})"
