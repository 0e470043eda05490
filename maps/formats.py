"""Formats of times, numbers, units and lists in reports.

The console's ``texts/format.ts`` follows the same rules.

``tests/maps/formats.json`` holds both to the same examples.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from layers.local_time import local_zone
from maps.glossary import Language, term

NONE = "–"
"""Where there is no value."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
Number = float | int | None
Moment = str | dt.datetime | dt.date | None


@dataclass(frozen=True)
class Formats:
    """Writes values in one language, times in one time zone.

    Examples
    --------
    >>> zh, en = Formats("zh"), Formats("en")
    >>> zh.time("2026-03-01T08:05:59Z"), zh.day("2026-02-28T17:00:00Z"), zh.time(None)
    ('2026-03-01 16:05', '2026-03-01', '–')
    >>> zh.percent(0.345), en.percent(0.345), en.surface(2_500_000), en.number(-1234.5, 1)
    ('35%', '35 %', '2.5 km²', '−1,234.5')
    """

    language: Language
    time_zone: str = field(default_factory=lambda: local_zone().key)

    def number(self, value: Number, digits: int = 0) -> str:
        """At most so many digits after the point."""
        text = self.fixed(value, digits)
        return text.rstrip("0").rstrip(".") if digits and "." in text else text

    def fixed(self, value: Number, digits: int) -> str:
        """Exactly so many digits after the point; a half is rounded away from zero."""
        if value is None or not math.isfinite(value):
            return NONE
        rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        return f"{rounded:,f}".replace("-", "−")

    def signed(self, value: Number, digits: int) -> str:
        """With its sign, unless it is written as zero."""
        if value is None or not math.isfinite(value):
            return NONE
        size = self.fixed(abs(value), digits)
        if not re.search("[1-9]", size):
            return size
        return ("−" if value < 0 else "+") + size

    def significant(self, value: Number, digits: int = 4) -> str:
        """So many significant digits: for statistics, whose size is not known beforehand."""
        if value is None or not math.isfinite(value):
            return NONE
        return (
            f"{float(value):.{digits}g}".replace("-", "−", 1) if value < 0 else f"{float(value):.{digits}g}"
        )

    def percent(self, share: Number, digits: int = 0) -> str:
        """Return a share as a percentage."""
        if share is None or not math.isfinite(share):
            return NONE
        return self.term("written", "percent").format(n=self.number(share * 100, digits))

    def quantity(self, value: Number, unit: str, digits: int = 0) -> str:
        """Return a number with its unit."""
        text = self.number(value, digits)
        return text if text == NONE else f"{text} {unit}"

    def surface(self, area_m2: Number) -> str:
        """Square metres, as km² when there are many."""
        if area_m2 is not None and area_m2 >= 1e6:
            return self.quantity(area_m2 / 1e6, "km²", 2)
        return self.quantity(area_m2, "m²")

    def time(self, value: Moment) -> str:
        """Return a time in the city, to the minute; a day stays a day; what is no time stands as it came."""
        if value is None or value == "":
            return NONE
        if isinstance(value, str):
            if _DAY.fullmatch(value):
                return value
            try:
                value = dt.datetime.fromisoformat(value)
            except ValueError:
                return str(value)
        if not isinstance(value, dt.datetime):
            return value.isoformat()
        aware = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return f"{aware.astimezone(ZoneInfo(self.time_zone)):%Y-%m-%d %H:%M}"

    def day(self, value: Moment) -> str:
        """Return the day in the city."""
        return self.time(value)[:10]

    def span(self, start: Moment, end: Moment) -> str:
        """From one day or time to another; without an end until now."""
        until = self.term("written", "open_end") if end is None or end == "" else self.time(end)
        return f"{self.time(start)} – {until}"

    def duration(self, seconds: Number) -> str:
        """Seconds as hours and minutes."""
        if seconds is None or not math.isfinite(seconds):
            return NONE
        minutes = math.floor(seconds / 60 + 0.5)
        hours, rest = divmod(minutes, 60)
        if hours:
            return self.term("written", "hours").format(h=self.number(hours), m=f"{rest:02d}")
        return self.term("written", "minutes").format(m=minutes)

    def label(self, name: str, value: str) -> str:
        """Return a name and what belongs to it, with the colon of the language."""
        return self.term("written", "label").format(name=name, value=value)

    def brackets(self, text: str, more: object) -> str:
        """Return a text and what is added to it, with the brackets of the language."""
        return self.term("written", "in_brackets").format(text=text, more=more)

    def list(self, items: Iterable[str]) -> str:
        """Several names in a row."""
        return self.term("written", "list_separator").join(items)

    def zone_note(self, at: dt.datetime | None = None) -> str:
        """Return the time zone by its name and its distance from UTC, said once on a page."""
        moment = (at or dt.datetime.now(dt.UTC)).astimezone(ZoneInfo(self.time_zone))
        hours = f"{moment:%z}"
        offset = "UTC" + re.sub(
            r"^([+-])0?(\d+)(\d\d)$", lambda m: m[1] + m[2] + ("" if m[3] == "00" else f":{m[3]}"), hours
        )
        return self.term("written", "zone").format(name=self.term("time_zone", self.time_zone), offset=offset)

    def term(self, group: str, code: object) -> str:
        """Return the name of a code."""
        return term(group, code, self.language)
