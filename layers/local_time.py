"""The time by which days, deadlines and reports of the city are counted."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from layers.city import city_in_force


def local_zone() -> ZoneInfo:
    """Return the time zone of the city in force."""
    return city_in_force().zone


def local_day(at: dt.datetime) -> dt.date:
    """Return the day in the city on which a moment lies.

    Laws, matters and certificates hold by days of the city: at six in the morning in Beijing it is yesterday in UTC.
    """
    return at.astimezone(local_zone()).date()


def start_of_day(day: dt.date) -> dt.datetime:
    """Return the first moment of a day in the city."""
    return dt.datetime.combine(day, dt.time(), local_zone())


def utc_text(at: dt.datetime) -> str:
    """Return a moment as answers write it: RFC 3339 in UTC with ``Z``.

    Examples
    --------
    >>> utc_text(dt.datetime(2026, 3, 1, 8, tzinfo=dt.UTC))
    '2026-03-01T08:00:00Z'
    """
    return at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def zone_note(at: dt.datetime | None = None, zone: ZoneInfo | None = None) -> str:
    """Return a time zone (the city's) by its name and its distance from UTC, as ``Europe/Berlin (UTC+1)``."""
    zone = zone or local_zone()
    moment = (at or dt.datetime.now(dt.UTC)).astimezone(zone)
    hours = f"{moment:%z}"
    sign, hour, minute = hours[0], int(hours[1:3]), hours[3:5]
    offset = f"{sign}{hour}" + ("" if minute == "00" else f":{minute}")
    return f"{zone.key} (UTC{offset})"
