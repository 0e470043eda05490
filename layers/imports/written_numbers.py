"""Reader of numbers as people write them: thousands in groups, and degrees with signs, letters, minutes and seconds."""

from __future__ import annotations

import re
from typing import Literal

import polars as pl

from layers.codes import to_half_width

Axis = Literal["lon", "lat"]
_LETTERS: dict[Axis, dict[str, int]] = {
    "lon": {"E": 1, "W": -1, "东经": 1, "西经": -1},
    "lat": {"N": 1, "S": -1, "北纬": 1, "南纬": -1},
}
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DEGREE = r"(?:[°º˚\u5ea6]|o|\s\u030a)"
_MINUTE = r"(?:['′’ʹ‘]|\u5206)"
_SECOND = r"(?:[\"″”ʺ“\u79d2]|''|′′|’’)"
"""Signs behind degrees, minutes and seconds; the escapes are the Chinese words, and a ring that NFKC takes apart."""
_DEGREES = re.compile(
    rf"(?P<before>[NSEW]|[东西]经|[南北]纬)?[\s:]*(?P<minus>-)?(?P<degrees>\d{{1,3}}(?:\.\d+)?)\s*"
    rf"(?P<sign>{_DEGREE}\s*(?:(?P<minutes>\d{{1,2}}(?:\.\d+)?)\s*(?:{_MINUTE}\s*"
    rf"(?:(?P<seconds>\d{{1,2}}(?:\.\d+)?)\s*{_SECOND}?)?)?)?)?\s*(?P<after>[NSEW])?",
    re.IGNORECASE,
)


def degrees_of(text: str, axis: Axis) -> float | None:
    """Return a written longitude or latitude in decimal degrees; None for what is none, or one of the other axis.

    West and south are negative. A minus sign beside a letter, minutes behind a fraction and 60 minutes or more are
    refused.

    Examples
    --------
    >>> degrees_of("120.5°E", "lon"), degrees_of("北纬32°1′30″", "lat"), degrees_of("120度30分36秒", "lon")
    (120.5, 32.025, 120.51)
    >>> degrees_of("W 70.25", "lon"), degrees_of("-33°30'", "lat")
    (-70.25, -33.5)
    >>> [degrees_of(text, "lon") for text in ("32°N", "-120°W", "120°75'", "120.5°30'", "120 30", "E", "")]
    [None, None, None, None, None, None, None]
    """
    found = _DEGREES.fullmatch(to_half_width(text))
    if found is None:
        return None
    before, after, minus = found["before"], found["after"], found["minus"]
    letter = (before or after or "").upper()
    if (before and after) or (letter and minus) or not (letter or found["sign"]):
        return None
    if letter and letter not in _LETTERS[axis]:
        return None
    whole, minutes, seconds = found["degrees"], found["minutes"], found["seconds"]
    if (minutes and "." in whole) or (seconds and "." in (minutes or "")):
        return None
    parts = [float(part or 0) for part in (whole, minutes, seconds)]
    if max(parts[1:]) >= 60:
        return None
    size = round(parts[0] + parts[1] / 60 + parts[2] / 3600, 12)
    return size * (-1 if minus else _LETTERS[axis].get(letter, 1))


def grouped_number(text: str) -> float | None:
    """Return a number whose thousands are set apart by commas; None for anything else.

    Examples
    --------
    >>> grouped_number("1,234,567.5"), grouped_number("-12,000"), grouped_number("1,23"), grouped_number("12")
    (1234567.5, -12000.0, None, None)
    >>> grouped_number("") is None
    True
    """
    return float(text.replace(",", "")) if _GROUPED.fullmatch(text) else None


def read_numbers(series: pl.Series, axis: Axis | None) -> tuple[pl.Series, int]:
    """Convert a written column to floats; what is no number becomes null.

    Parameters
    ----------
    series : polars.Series
        Texts or numbers.
    axis : {"lon", "lat"} or None
        Of a coordinate, which may have degree signs, letters, minutes and seconds.

    Returns
    -------
    tuple
        Floats, and how many values were no plain numbers but were read.
    """
    typed = series.cast(pl.Float64, strict=False)
    left = series.filter(typed.is_null() & series.is_not_null())
    if series.dtype != pl.Utf8 or left.is_empty():
        return typed, 0
    known = {text: degrees_of(text, axis) if axis else grouped_number(text) for text in left.unique()}
    read = {text: value for text, value in known.items() if value is not None}
    if not read:
        return typed, 0
    others = series.replace_strict(read, default=None, return_dtype=pl.Float64)
    return typed.fill_null(others), int(left.is_in(list(read)).sum())


def number_note(n_degrees: int, n_grouped: int) -> list[str]:
    """Return what a person should know of numbers that were not written plainly.

    Examples
    --------
    >>> number_note(2, 0)
    ['2 个坐标带度符号、方位或度分秒，已换算为度 coordinates with degree signs, read as degrees']
    >>> number_note(0, 0)
    []
    """
    told = (
        (n_degrees, "个坐标带度符号、方位或度分秒，已换算为度 coordinates with degree signs, read as degrees"),
        (n_grouped, "个数值带千位分隔符，已去掉分隔符读取 numbers with commas between thousands, read without them"),
    )  # fmt: skip
    return [f"{count:,} {words}" for count, words in told if count]
