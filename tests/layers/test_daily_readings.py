"""Daily view of intervals: days of zones with and without summer time, hours, bills, several meters."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.local_time import start_of_day
from layers.readings import GIVEN, INTERVALS, daily_readings, plan_readings
from layers.records import meters
from tests.support.cities import BERLIN, NANTONG, in_force
from tests.support.enterprises import insert_enterprise, insert_site

HOUR = dt.timedelta(hours=1)
Row = tuple[str, str, str, dt.datetime, dt.datetime, float | None, str, list[str]]


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=INTERVALS, orient="row")


def interval(
    begin: dt.datetime, end: dt.datetime, value: float | None, quality: str = "measured", meter: str = ""
) -> Row:
    return ("S", "power", meter, begin.astimezone(dt.UTC), end.astimezone(dt.UTC), value, quality, [])


def hours_of(day: dt.date, zone: str) -> list[Row]:
    """One kWh an hour from midnight to midnight, counted in UTC."""
    at = dt.datetime.combine(day, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)
    found = []
    while at < end:
        found.append(interval(at, at + HOUR, 1.0))
        at += HOUR
    return found


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Shanghai", dt.date(2026, 3, 29), 24),
        ("Europe/Berlin", dt.date(2026, 3, 29), 23),
        ("Europe/Berlin", dt.date(2026, 10, 25), 25),
        ("Europe/Berlin", dt.date(2026, 7, 1), 24),
    ],
)
def test_hours_of_a_day_are_summed_whatever_the_clocks_do(zone: str, day: dt.date, hours: int) -> None:
    rows = hours_of(day, zone)
    assert len(rows) == hours
    assert daily_readings(frame(rows), zone).rows() == [("S", "power", day, float(hours), "measured")]


def test_a_day_with_a_tenth_unknown_is_missing() -> None:
    rows = hours_of(dt.date(2026, 9, 1), "Asia/Shanghai")
    assert daily_readings(frame(rows[2:]), "Asia/Shanghai")["value"].to_list() == [22.0]
    (row,) = daily_readings(frame(rows[3:]), "Asia/Shanghai").rows(named=True)
    assert (row["value"], row["quality"]) == (None, "missing")


def test_a_register_read_at_eight_is_of_the_day_and_a_bill_of_none() -> None:
    eight = dt.datetime(2026, 9, 1, 8, tzinfo=NANTONG.zone)
    day = dt.timedelta(days=1)
    rows = [
        interval(eight, eight + day - HOUR / 2, 5.0),
        interval(eight + day - HOUR / 2, eight + 2 * day, 7.0, "estimated"),
        interval(eight + 2 * day, eight + 32 * day, 300.0),
    ]
    assert daily_readings(frame(rows), "Asia/Shanghai").select("day", "value", "quality").rows() == [
        (dt.date(2026, 9, 1), 5.0, "measured"),
        (dt.date(2026, 9, 2), 7.0, "estimated"),
    ]


def test_meters_of_a_site_add_up_and_a_missing_one_makes_the_day_unknown() -> None:
    at = [start_of_day(dt.date(2026, 9, n)) for n in range(1, 6)]
    rows = [interval(at[n], at[n + 1], 10.0, meter="1") for n in range(4)]
    rows += [interval(at[n], at[n + 1], 1.0, meter="2") for n in (1, 3)]  # 2 is not read on the third day
    assert daily_readings(frame(rows), "Asia/Shanghai")["value"].to_list() == [10.0, 11.0, None, 11.0]


def test_random_intervals_give_the_days_of_a_plain_count() -> None:
    """Against a loop over minutes: no more than a day long, without gaps or with some."""
    zone, minute = ZoneInfo("Europe/Berlin"), dt.timedelta(minutes=1)
    for seed in range(20):
        chance = random.Random(seed)
        at = dt.datetime(2026, 10, 23, 22, tzinfo=dt.UTC)
        rows: list[Row] = []
        for _ in range(60):
            end = at + dt.timedelta(hours=chance.choice([1, 2, 6, 12, 24]))
            if chance.random() < 0.9:
                rows.append(interval(at, end, float(chance.randint(0, 99))))
            at = end
        sums: dict[dt.date, float] = defaultdict(float)
        covered: dict[dt.date, dt.timedelta] = defaultdict(dt.timedelta)
        for _, _, _, begin, end, value, _, _ in rows:
            day = (begin + (end - begin) / 2).astimezone(zone).date()
            sums[day] += value or 0.0
            covered[day] += end - begin
        expected = []
        for day in sorted(sums):
            first = dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
            after = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone).astimezone(dt.UTC)
            enough = covered[day] / minute >= 0.9 * ((after - first) / minute)
            expected.append((day, sums[day] if enough else None))
        assert daily_readings(frame(rows), "Europe/Berlin").select("day", "value").rows() == expected, seed


@pytest.mark.parametrize("city", [NANTONG, BERLIN])
def test_stored_days_are_read_up_to_a_day_of_the_city(db: Session, city: object) -> None:
    with in_force(city):  # type: ignore[arg-type]
        insert_site(db, insert_enterprise(db, status="closed", hazard="chemical"), "S-1", 120.8, 32.0)
        days = [dt.date(2026, 3, 27) + dt.timedelta(days=n) for n in range(5)]
        values = [1.0, None, 3.0, 4.0, 5.0]
        qualities = ["measured", "missing", "estimated", "measured", "measured"]
        at = [start_of_day(day).astimezone(dt.UTC) for day in (*days, dt.date(2026, 4, 1))]
        rows = [
            ("S-1", "power", "", *row, [], None, None, n)
            for n, row in enumerate(zip(at, at[1:], values, qualities, strict=False))
        ]
        given = pl.DataFrame(rows, schema=GIVEN, orient="row")
        plan = plan_readings(given, meters.stored_readings(db, ["S-1"]), city.zone.key)  # type: ignore[attr-defined]
        counts = meters.write_plan(db, plan)
        assert (counts.inserted, counts.updated) == (5, 0)
        found = meters.read_readings(db, until=days[3])
        assert found.schema == pl.Schema(INTERVALS)
        assert found["from_at"].to_list() == [start_of_day(day).astimezone(dt.UTC) for day in days[:4]]
        assert found["to_at"].to_list() == [start_of_day(day).astimezone(dt.UTC) for day in days[1:]]
        assert (
            daily_readings(found, city.zone.key).select("day", "value", "quality").rows()
            == list(  # type: ignore[attr-defined]
                zip(days[:4], values, qualities, strict=False)
            )
        )
        assert meters.last_moment(db) == start_of_day(dt.date(2026, 4, 1))
        assert db.scalar(text("SELECT count(DISTINCT unit) FROM meter_readings WHERE unit = 'kWh'")) == 1


def test_without_readings_the_frame_is_empty(db: Session) -> None:
    assert meters.read_readings(db, until=dt.date(2026, 1, 1)).schema == pl.Schema(INTERVALS)
    assert meters.last_moment(db) is None
