"""Rules about a delivery as a whole: freshness, its volume against its own past, and when the next one is due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from layers.contracts.findings import Findings

if TYPE_CHECKING:
    from layers.contracts.table_schema import Contract

FEWEST_BEFORE = 3
"""Deliveries that must have been accepted before a volume is judged by them."""


@dataclass(frozen=True)
class Freshness:
    """Greatest age of the newest value of a column; a day counts from its start."""

    field: str
    at_most: dt.timedelta


@dataclass(frozen=True)
class Volume:
    """Rows of a delivery as shares of the median of those that were accepted before."""

    at_least: float = 0.5
    at_most: float = 2.0
    of_last: int = 10

    def is_sound(self) -> bool:
        """Return whether the shares and the number can be used."""
        numbers = all(
            isinstance(one, int | float) and not isinstance(one, bool)
            for one in (self.at_least, self.at_most)
        )
        return (
            numbers
            and 0 <= self.at_least <= 1 <= self.at_most
            and isinstance(self.of_last, int)
            and FEWEST_BEFORE <= self.of_last <= 1_000
        )


@dataclass(frozen=True)
class Expected:
    """Expectation of deliveries: how often, by which clock time of the city, and how much later they may come."""

    every: dt.timedelta
    by: dt.time | None = None
    grace: dt.timedelta = dt.timedelta(hours=1)


def due_at(expected: Expected, last: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the moment after which the next delivery is late.

    Parameters
    ----------
    last : datetime
        When the last good delivery came; with a clock time the next one is due on the day ``every`` after it.

    Examples
    --------
    >>> shanghai, last = ZoneInfo("Asia/Shanghai"), dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    >>> due_at(Expected(dt.timedelta(days=1), dt.time(9), dt.timedelta(hours=2)), last, shanghai).isoformat()
    '2026-03-02T03:00:00+00:00'
    >>> due_at(Expected(dt.timedelta(hours=6)), last, shanghai).isoformat()
    '2026-03-01T19:00:00+00:00'
    """
    if expected.by is None:
        return last + expected.every + expected.grace
    day = last.astimezone(zone).date() + expected.every
    return dt.datetime.combine(day, expected.by, zone).astimezone(dt.UTC) + expected.grace


def judge_delivery(
    contract: Contract,
    findings: Findings,
    newest: dt.date | dt.datetime | None,
    rows_before: Sequence[int],
    now: dt.datetime,
    zone: ZoneInfo,
) -> None:
    """Add the findings about a delivery as a whole.

    Parameters
    ----------
    newest : date, datetime or None
        Newest value of the column of freshness.
    rows_before : sequence of int
        Rows of the deliveries that were accepted before, newest first.
    """
    if not findings.rows:
        findings.add([0], 1, "", "empty", "hold", "没有数据行", "has no rows")
        return
    if (fresh := contract.freshness) is not None:
        level = contract.level_of("freshness")
        if newest is None:
            said = ("没有可判断的日期", "no value to judge by")
            findings.add([0], 1, fresh.field, "freshness", level, *said)
        elif (age := now - _moment(newest, zone)) > fresh.at_most:
            zh = f"最新值 {newest} 距今 {_hours(age)} 小时，超过 {_hours(fresh.at_most)} 小时"
            en = f"the newest value {newest} is {_hours(age)} h old, more than {_hours(fresh.at_most)} h"
            findings.add([0], 1, fresh.field, "freshness", level, zh, en)
    if contract.volume is not None:
        _judge_volume(contract, contract.volume, findings, rows_before)


def _judge_volume(contract: Contract, volume: Volume, findings: Findings, rows_before: Sequence[int]) -> None:
    before = rows_before[: volume.of_last]
    if len(before) < FEWEST_BEFORE:
        findings.notes.append(
            f"行数未判断：此前仅 {len(before)} 次交付 volume not judged: {len(before)} deliveries before"
        )
        return
    usual = median(before)
    if not volume.at_least * usual <= findings.rows <= volume.at_most * usual:
        zh = f"{findings.rows:,} 行，以往中位数 {usual:,.0f} 行，允许 {volume.at_least:g} 至 {volume.at_most:g} 倍"
        en = f"{findings.rows:,} rows where {usual:,.0f} are usual; {volume.at_least:g} to {volume.at_most:g} times"
        findings.add([0], 1, "", "volume", contract.level_of("volume"), zh, en)


def _moment(value: dt.date | dt.datetime, zone: ZoneInfo) -> dt.datetime:
    return value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time(), zone)


def _hours(span: dt.timedelta) -> str:
    return f"{span.total_seconds() / 3600:,.0f}"
