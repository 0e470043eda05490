"""Registers as intervals: differences of what a meter showed, over rollovers, swaps, misreadings and estimates."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from itertools import pairwise

import polars as pl

from layers.readings.intervals import METER
from layers.readings.units import GREATEST_RATE

ROLLOVER_SHARE = 0.1
"""A register rolls over when it stood in the last tenth of its digits and stands in the first tenth afterwards."""
LEAST_DIGITS = 3
ROLLOVER_RATE = 5.0
"""Use over a rollover is at most so many times the greatest rate before it; else the meter was swapped."""
SWAP_SHARE = 0.1
"""A register that fell to less than this part of what it was is that of a new meter."""
SPAN = {
    "from_at": pl.Datetime("us", "UTC"), "to_at": pl.Datetime("us", "UTC"), "value": pl.Float64(),
    "register": pl.Float64(), "quality": pl.String(), "flags": pl.List(pl.String()), "row": pl.Int64(),
}  # fmt: skip


@dataclass(frozen=True)
class Point:
    """Register of a meter at a moment (microseconds since 1970); ``row`` of the file, -1: it was stored."""

    at: int
    register: float
    estimated: bool
    row: int


@dataclass(frozen=True)
class Span:
    """Use between two points that are kept."""

    begin: int
    end: int
    value: float | None
    register: float
    quality: str
    flags: tuple[str, ...]
    row: int


def intervals_of_registers(points: pl.DataFrame) -> pl.DataFrame:
    """Return the intervals between the registers of each meter.

    Parameters
    ----------
    points : polars.DataFrame
        ``site_id``, ``kind``, ``meter_id``, ``at``, ``register``, ``quality``, ``row`` (-1: stored). Of several points
        of a moment the one with the greatest row counts. Points without a register are left out: the next one has
        the use of the whole time.

    Returns
    -------
    polars.DataFrame
        The meter, ``from_at``, ``to_at``, ``value``, ``register`` (at the end), ``quality``, ``flags``, ``row`` (of the
        end; when that is stored, of the begin). The first point of a meter is an interval without length. Estimated
        registers between two that were read are left out: the interval between those is ``computed``. ``rollover``:
        the use goes over the greatest number of the register. ``meter_swap`` and ``register_fell``: the use is not
        known. ``misread``: a register between, which does not follow from the one before, was left out.

    Examples
    --------
    >>> import datetime as dt
    >>> at = [dt.datetime(2026, 9, day, tzinfo=dt.UTC) for day in (1, 2, 3)]
    >>> points = pl.DataFrame({"site_id": "S", "kind": "power", "meter_id": "", "at": at, "register":
    ...     [99950.0, 99999.0, 12.0], "quality": "measured", "row": [0, 1, 2]})
    >>> intervals_of_registers(points).select("value", "quality", "flags").rows()
    [(None, 'measured', []), (49.0, 'measured', []), (13.0, 'computed', ['rollover'])]
    >>> intervals_of_registers(points.clear()).height
    0
    """
    points = (
        points.filter(pl.col("register").is_not_null())
        .sort(*METER, "at", "row")
        .unique([*METER, "at"], keep="last", maintain_order=True)
    )
    found: list[tuple[object, ...]] = []
    for meter, part in points.group_by(METER, maintain_order=True):
        columns = part["at"].dt.epoch("us"), part["register"], part["quality"] == "estimated", part["row"]
        given = [Point(*values) for values in zip(*(column.to_list() for column in columns), strict=True)]
        found += [(*meter, *span) for span in map(_as_row, spans_of_points(given))]
    schema = {**{name: pl.String() for name in METER}, **SPAN, "from_at": pl.Int64(), "to_at": pl.Int64()}
    frame = pl.DataFrame(found, schema=schema, orient="row")
    frame = frame.with_columns(
        pl.from_epoch(pl.col("from_at", "to_at"), time_unit="us").dt.replace_time_zone("UTC")
    )
    return _without_impossible(frame)


def _without_impossible(frame: pl.DataFrame) -> pl.DataFrame:
    """Take the value from differences that no site can use: one of their registers was misread."""
    hours = (pl.col("to_at") - pl.col("from_at")).dt.total_seconds() / 3600
    greatest = pl.col("kind").replace_strict(GREATEST_RATE, default=float("inf"), return_dtype=pl.Float64)
    impossible = (pl.col("value") > greatest * hours).fill_null(False)
    flags = pl.col("flags").list.concat(pl.lit(["misread"]))
    return frame.with_columns(
        value=pl.when(~impossible).then("value"),
        quality=pl.when(impossible).then(pl.lit("missing")).otherwise("quality"),
        flags=pl.when(impossible).then(flags).otherwise("flags"),
    )


def _as_row(span: Span) -> tuple[object, ...]:
    return span.begin, span.end, span.value, span.register, span.quality, list(span.flags), span.row


def spans_of_points(points: list[Point]) -> list[Span]:
    """Return the spans between the points of one meter, sorted; see :func:`intervals_of_registers`."""
    if not points:
        return []
    read, misread = _without_misread(_without_estimates(points))
    first = read[0]
    found = [Span(first.at, first.at, None, first.register, _quality(first), (), first.row)]
    rate = 0.0
    estimates = sorted({point.at for point in points if point.estimated} - {point.at for point in read})
    wrong = sorted(misread)
    for before, after in pairwise(read):
        span = _between(before, after, rate)
        spans_misread = _lies_between(wrong, before.at, after.at)
        skips = _lies_between(estimates, before.at, after.at)
        if spans_misread:
            span = replace(span, flags=(*span.flags, "misread"))
        if (spans_misread or skips) and span.quality == "measured":
            span = replace(span, quality="computed")
        found.append(span)
        if span.value is not None:
            rate = max(rate, span.value / (span.end - span.begin))
    return found


def _lies_between(times: list[int], begin: int, end: int) -> bool:
    return bisect_right(times, begin) < bisect_left(times, end)


def _quality(point: Point) -> str:
    return "estimated" if point.estimated else "measured"


def _without_estimates(points: list[Point]) -> list[Point]:
    """Leave out the estimated points between two that were read."""
    read = [place for place, point in enumerate(points) if not point.estimated]
    if not read:
        return points
    return [p for place, p in enumerate(points) if not p.estimated or not read[0] < place < read[-1]]


def _without_misread(points: list[Point]) -> tuple[list[Point], set[int]]:
    """Leave out points after which the register goes on from the one before."""
    kept, misread = list(points), set()
    place = 1
    while place < len(kept):
        before, after = kept[place - 1], kept[place]
        if after.register >= before.register:
            place += 1
        elif place + 1 < len(kept) and kept[place + 1].register >= before.register:
            misread.add(kept.pop(place).at)  # it fell and came back
        elif place > 1 and kept[place - 2].register <= after.register:
            misread.add(kept.pop(place - 1).at)  # it jumped up and came back
            place -= 1
        else:
            place += 1
    return kept, misread


def _limit(register: float) -> float:
    """Return the number at which a register of so many digits begins again."""
    return 10.0 ** max(len(str(math.floor(register))), 1)


def _rolls_over(before: Point, after: Point) -> bool:
    limit = _limit(before.register)
    return (
        limit >= 10**LEAST_DIGITS
        and before.register >= limit * (1 - ROLLOVER_SHARE)
        and after.register <= limit * ROLLOVER_SHARE
        and after.register < before.register
    )


def _between(before: Point, after: Point, greatest_rate: float) -> Span:
    value: float | None = after.register - before.register
    quality = "estimated" if after.estimated or before.estimated else "measured"
    flags: tuple[str, ...] = ()
    assert value is not None
    if value < 0:
        over = _limit(before.register) + value
        usual = ROLLOVER_RATE * greatest_rate * (after.at - before.at)
        if _rolls_over(before, after) and (greatest_rate == 0 or over <= usual):
            value, quality, flags = over, "computed", ("rollover",)
        else:
            fell_far = after.register <= SWAP_SHARE * before.register
            value, quality, flags = None, "missing", ("meter_swap" if fell_far else "register_fell",)
    rounded = None if value is None else round(value, 6)
    row = after.row if after.row >= 0 else before.row
    return Span(before.at, after.at, rounded, after.register, quality, flags, row)
