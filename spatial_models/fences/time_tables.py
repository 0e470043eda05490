"""Time tables of rules: weekly windows, seasons of every year and spans of dates in a local zone."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import polars as pl

from spatial_models.errors import ParameterError
from spatial_models.frames import LOCAL_ZONE, Array

_MONTH_DAY = re.compile(r"(\d\d)-(\d\d)(?:T(\d\d):(\d\d))?")
_MINUTE_US = 60_000_000


@dataclass(frozen=True)
class TimeTable:
    """Times at which a rule applies.

    Every part that is given must apply; a table without parts applies always.

    Attributes
    ----------
    weekly : tuple of (days, begin, end)
        ``days``: ISO weekdays on which the window begins (1 Monday - 7 Sunday); ``begin``, ``end``:
        ``"HH:MM"`` local, half-open, over midnight when ``end`` is not after ``begin`` (equal: 24 hours). One
        window is enough.
    yearly : tuple of (begin, end)
        ``"MM-DD"`` or ``"MM-DDTHH:MM"`` local: a season of every year, over the new year when ``end`` is not
        after ``begin``. A begin without a time is 00:00, an end without a time includes its whole day. Summer
        fishing ban: ``(("05-01T12:00", "08-16T12:00"),)``.
    spans : tuple of (first, last)
        ``datetime.date`` local days, both included, or ``datetime`` with zone, half-open; None is open.
        With both ``yearly`` and ``spans``, one of them is enough.
    zone : str
        Local time zone.

    Examples
    --------
    In China the four times are 21, 22, 05 and 06 o'clock:

    >>> night = TimeTable(weekly=(((1, 2, 3, 4, 5, 6, 7), "22:00", "06:00"),))
    >>> times = [dt.datetime(2026, 1, 1, hour, tzinfo=dt.UTC) for hour in (13, 14, 21, 22)]
    >>> night.applies_at(np.array([int(t.timestamp() * 1e6) for t in times])).tolist()
    [False, True, True, False]
    >>> night.applies_at(np.array([])).tolist()
    []
    """

    weekly: tuple[tuple[tuple[int, ...], str, str], ...] = ()
    yearly: tuple[tuple[str, str], ...] = ()
    spans: tuple[tuple[dt.date | None, dt.date | None], ...] = ()
    zone: str = LOCAL_ZONE

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
            raise ParameterError(f"time table: {self.zone!r} is no time zone") from error
        try:
            windows = [([int(d) for d in days], _minute(a), _minute(b)) for days, a, b in self.weekly]
            for begin, end in self.yearly:
                _season_point(begin, end=False)
                _season_point(end, end=True)
            for first, last in self.spans:
                _moment_us(first, self.zone, end=False)
                _moment_us(last, self.zone, end=True)
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ParameterError(f"time table: {error}") from error
        if any(not 1 <= day <= 7 for days, _, _ in windows for day in days):
            raise ParameterError("time table: weekdays are 1 (Monday) to 7 (Sunday)")

    @classmethod
    def from_dict(cls, document: dict[str, Any] | None, local_zone: str = LOCAL_ZONE) -> Self:
        """Read a time table from JSON.

        ``{"weekly": [{"days": [1], "from": "22:00", "to": "06:00"}], "yearly": [["05-01", "08-16"]], "spans":
        [["2021-01-01", "2030-12-31"]], "zone": "Asia/Shanghai"}``; without ``zone`` in ``local_zone``.

        Raises
        ------
        ParameterError
        """
        document = document or {}
        try:
            if unknown := set(document) - {"weekly", "yearly", "spans", "zone"}:
                raise ValueError(f"unknown part {sorted(unknown)[0]!r}")
            return cls(
                weekly=tuple((tuple(w["days"]), w["from"], w["to"]) for w in document.get("weekly", ())),
                yearly=tuple((a, b) for a, b in document.get("yearly", ())),
                spans=tuple((_from_text(a), _from_text(b)) for a, b in document.get("spans", ())),
                zone=document.get("zone", local_zone),
            )
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise ParameterError(f"time table: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON values, to be read by `from_dict`."""
        document: dict[str, Any] = {"zone": self.zone}
        if self.weekly:
            document["weekly"] = [{"days": list(d), "from": a, "to": b} for d, a, b in self.weekly]
        if self.yearly:
            document["yearly"] = [list(season) for season in self.yearly]
        if self.spans:
            document["spans"] = [
                [None if end is None else end.isoformat() for end in span] for span in self.spans
            ]
        return document

    @property
    def is_always(self) -> bool:
        """Whether the rule applies at every time."""
        return not (self.weekly or self.yearly or self.spans)

    def applies_at(self, t: Array) -> Array:
        """Return whether the rule applies at each moment (int64 microseconds since 1970 UTC)."""
        t = np.asarray(t, np.int64)
        if self.is_always:
            return np.ones(len(t), bool)
        utc = pl.Series(t, dtype=pl.Int64).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        local = utc.dt.convert_time_zone(self.zone).dt.replace_time_zone(None)
        active = np.ones(len(t), bool)
        if self.weekly:
            active &= self._in_week(local)
        if self.yearly or self.spans:
            active &= self._in_season(local) | self._in_span(t)
        return active

    def _in_week(self, local: pl.Series) -> Array:
        minute = (local.to_physical() // _MINUTE_US).to_numpy()
        # 1970-01-01 was a Thursday: day 0 is ISO weekday 4
        of_week = (minute + 3 * 1440) % (7 * 1440)
        active = np.zeros(len(minute), bool)
        for days, begin, end in self.weekly:
            a, b = _minute(begin), _minute(end)
            length = (b - a) % 1440 or 1440
            for day in days:
                active |= (of_week - ((day - 1) * 1440 + a)) % (7 * 1440) < length
        return active

    def _in_season(self, local: pl.Series) -> Array:
        minute = (local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute()).to_numpy()
        point = (local.dt.month().cast(pl.Int64) * 100 + local.dt.day()).to_numpy() * 10_000 + minute
        active = np.zeros(len(point), bool)
        for begin, end in self.yearly:
            a, b = _season_point(begin, end=False), _season_point(end, end=True)
            active |= (point >= a) & (point < b) if a < b else (point >= a) | (point < b)
        return active

    def _in_span(self, t: Array) -> Array:
        active = np.zeros(len(t), bool)
        for first, last in self.spans:
            a, b = _moment_us(first, self.zone, end=False), _moment_us(last, self.zone, end=True)
            active |= (t >= a) & (t < b)
        return active


ALWAYS = TimeTable()


def _minute(text: str) -> int:
    if text == "24:00":
        return 0
    clock = dt.time.fromisoformat(text)
    if clock.second or clock.microsecond or clock.tzinfo is not None:
        raise ValueError(f"{text!r} is no time of the form HH:MM")
    return clock.hour * 60 + clock.minute


def _season_point(text: str, *, end: bool) -> int:
    """Encode month, day and minute as one number that increases over the year."""
    found = _MONTH_DAY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no MM-DD or MM-DDTHH:MM")
    month, day, hour, minute = (int(part or 0) for part in found.groups())
    dt.datetime(2024, month, day, hour % 24, minute)  # a day that exists, 29 February included
    whole_day = end and found.group(3) is None
    return (month * 100 + day) * 10_000 + (1440 if whole_day else hour * 60 + minute)


def _from_text(value: str | dt.date | None) -> dt.date | None:
    if value is None or isinstance(value, dt.date):
        return value
    return dt.date.fromisoformat(value) if len(value) == 10 else dt.datetime.fromisoformat(value)


def _moment_us(value: dt.date | None, zone: str, *, end: bool) -> int:
    if value is None:
        return int(np.iinfo(np.int64).max if end else np.iinfo(np.int64).min)
    if not isinstance(value, dt.datetime):
        day = value + dt.timedelta(days=1) if end else value
        value = dt.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    if value.tzinfo is None:
        raise ValueError(f"{value} has no zone")
    return (value - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
