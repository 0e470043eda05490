"""Meters of closed sites: series made by hand for each situation, with what an inspector would say of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from spatial_models.errors import InputFrameError, NaiveTimeError, ParameterError
from spatial_models.meters import METER_SIGNALS, REGIME_ROWS, START_ROWS, MeterConfig, meter_signals
from spatial_models.meters.daily_use import use_series
from spatial_models.signal_rows import SIGNAL_ROWS
from tests.support.meter_plants import cold, readings_of

AT = dt.date(2025, 10, 15)
WINTER = dt.date(2026, 2, 10)
DAYS = 700
CLOSED_AGO = 300
FORMER, IDLE = 1000.0, 50.0


def ago() -> np.ndarray:
    return np.arange(DAYS - 1, -1, -1)


def weekdays(last: dt.date = AT) -> np.ndarray:
    return np.array([(last - dt.timedelta(days=int(a))).weekday() for a in ago()])


def plant(
    idle: float = IDLE, noise: float = 0.06, seed: int = 0, last: dt.date = AT, closed: int = CLOSED_AGO
) -> Any:
    """A plant that worked Monday to Friday and rests since its closure."""
    use = np.where((ago() > closed) & (weekdays(last) < 5), FORMER, idle)
    return use * np.exp(np.random.default_rng(seed).normal(0, noise, DAYS))


def worked(on: Any, level: float = 400.0, **more: Any) -> Any:
    """The plant with ``level`` more on the days ``on``."""
    return plant(**more) + np.where(on, level, 0.0)


def site(since: dt.date | None, site_id: str = "S", **more: Any) -> pl.DataFrame:
    row = {"site_id": [site_id], "status": ["closed"], "status_since": [since], **more}
    return pl.DataFrame(row, schema_overrides={"status_since": pl.Date})


def found(
    readings: pl.DataFrame, at: dt.date = AT, sites: pl.DataFrame | None = None, **more: Any
) -> dict[str, dict[str, Any]]:
    """Rows of the only site by signal."""
    register = sites if sites is not None else site(at - dt.timedelta(days=CLOSED_AGO))
    rows = meter_signals(readings, register, at=at, **more).signals
    assert rows.schema == pl.Schema(SIGNAL_ROWS)
    assert rows["signal"].to_list() == [kind.name for kind in METER_SIGNALS]
    assert rows.filter((pl.col("value") < 0) | (pl.col("value") > 1)).is_empty()
    assert rows.filter((pl.col("quality") < 0) | (pl.col("quality") > 1)).is_empty()
    return {row["signal"]: row for row in rows.iter_rows(named=True)}


def daily(use: Any, kind: str = "power", last: dt.date = AT, **more: Any) -> pl.DataFrame:
    return readings_of("S", use, kind, last=last, **more)


def test_a_quiet_meter_that_is_well_measured_speaks_against_work() -> None:
    row = found(daily(plant()))["power_use"]
    assert row["value"] < 0.05 and row["quality"] > 0.9
    assert "未见高于空载的用量" in row["sentence_zh"] and "nothing above idle" in row["sentence_en"]


def test_a_zero_meter_speaks_against_work() -> None:
    rows = found(pl.concat([daily(np.zeros(DAYS)), daily(np.where(ago() > CLOSED_AGO, 30.0, 0.0), "water")]))
    assert rows["power_use"]["value"] < 0.05
    assert rows["water_use"]["value"] < 0.05 and rows["water_use"]["quality"] > 0.9
    assert rows["never_fell"]["value"] < 0.05


def test_no_meter_is_no_value() -> None:
    rows = found(daily(plant()).clear())
    assert {row["value"] for row in rows.values()} == {None} and {
        row["quality"] for row in rows.values()
    } == {0.0}
    assert "无法判断" in rows["power_use"]["sentence_zh"]


def test_readings_that_ended_long_ago_are_no_value() -> None:
    row = found(daily(plant()[:-90], last=AT - dt.timedelta(days=90)))["power_use"]
    assert row["value"] is None and "近期没有读数" in row["sentence_zh"]


def test_estimates_alone_say_nothing() -> None:
    row = found(daily(worked(ago() < 30), quality="estimated"))["power_use"]
    assert row["value"] is None and row["quality"] == 0.0 and "估算" in row["sentence_zh"]


def test_a_batch_of_estimates_says_nothing_of_its_days() -> None:
    quality = np.where(ago() < 40, "estimated", "measured")
    row = found(daily(np.where(ago() < 40, 600.0, plant()), quality=quality))["power_use"]
    assert row["value"] is None and row["quality"] == 0.0


def test_work_every_day_and_its_start() -> None:
    rows = meter_signals(daily(worked(ago() < 30)), site(AT - dt.timedelta(days=CLOSED_AGO)), at=AT)
    power = rows.signals.row(0, named=True)
    assert power["value"] > 0.9 and power["quality"] > 0.9
    begun = AT - dt.timedelta(days=29)
    [start] = rows.starts.rows(named=True)
    assert start["started_from"] <= begun <= start["started_to"]
    assert (start["started_to"] - start["started_from"]).days <= 2
    assert start["former_level"] == pytest.approx(FORMER, rel=0.05)
    assert start["idle_level"] == pytest.approx(IDLE, rel=0.1)
    assert "28 天高于空载" in power["sentence_zh"] and "45 %" in power["sentence_zh"]


def test_a_start_in_unread_days_may_be_any_of_them() -> None:
    readings = daily(worked(ago() < 20)).filter(pl.Series((ago() < 17) | (ago() > 23)))
    [start] = meter_signals(readings, site(AT - dt.timedelta(days=CLOSED_AGO)), at=AT).starts.rows(named=True)
    assert start["started_from"] == AT - dt.timedelta(days=23)
    assert start["started_to"] in (AT - dt.timedelta(days=16), AT - dt.timedelta(days=15))


RHYTHMS = {
    "工作日": lambda: (ago() < 42) & (weekdays() < 5),
    "周末和节假日": lambda: (ago() < 42) & (weekdays() >= 5),
    "每 3 天一次": lambda: (ago() < 42) & (ago() % 3 == 0),
    "每周固定几天": lambda: (ago() < 42) & np.isin(weekdays(), [1, 3, 5]),
    "两周开、两周停": lambda: (ago() < 84) & (ago() // 14 % 2 == 0),
}


@pytest.mark.parametrize("name", RHYTHMS)
@pytest.mark.parametrize("level", [150.0, 400.0])
def test_irregular_work_is_found(name: str, level: float) -> None:
    rows = found(daily(worked(RHYTHMS[name](), level)))
    assert rows["power_use"]["value"] > 0.75
    assert rows["working_rhythm"]["value"] > 0.7 and name in rows["working_rhythm"]["sentence_zh"]


def hourly(night: Any, day: Any, last: dt.date = AT) -> pl.DataFrame:
    """Hourly power of 120 days: use of each hour of the night (22 to 06) and of the day."""
    n = len(night)
    hours = [
        dt.datetime.combine(last - dt.timedelta(days=n - 1 - i), dt.time(h))
        for i in range(n)
        for h in range(24)
    ]
    value = [float(night[i] if h >= 22 or h < 6 else day[i]) for i in range(n) for h in range(24)]
    begin = pl.Series(hours).cast(pl.Datetime("us")).dt.replace_time_zone("Asia/Shanghai")
    return pl.DataFrame(
        {
            "site_id": "S", "kind": "power", "meter_id": "1", "from_at": begin, "to_at": begin + dt.timedelta(hours=1),
            "value": value, "quality": "measured",
        }
    )  # fmt: skip


def test_work_at_night_shows_in_the_share_of_the_night() -> None:
    """2 kWh an hour at rest: 8 of 24 hours are night, 33 %. At work 12 in the night hours: 96 of 128, 75 %."""
    left = np.arange(219, -1, -1)
    day = np.where(left > 120, 20.0, 2.0)
    night = np.where(left > 120, 20.0, np.where(left < 25, 12.0, 2.0))
    rows = found(hourly(night, day), sites=site(AT - dt.timedelta(days=120)))
    share = rows["power_night_share"]
    assert share["value"] == pytest.approx(0.75, abs=0.01) and share["baseline"] == pytest.approx(
        1 / 3, abs=0.01
    )
    assert "停产前 33 %" in share["sentence_zh"]
    assert "夜间" in rows["working_rhythm"]["sentence_zh"] and rows["working_rhythm"]["value"] > 0.7
    assert rows["power_use"]["value"] > 0.5


def test_weak_work_at_night_is_found_by_its_hours() -> None:
    """A seventh of the former use more, all of it at night: the hours say what the days leave open."""
    left = np.arange(219, -1, -1)
    day, night = np.where(left > 120, 20.0, 2.0), np.where(left > 120, 20.0, np.where(left < 25, 11.0, 2.0))
    readings, register = hourly(night, day), site(AT - dt.timedelta(days=120))
    total = readings.group_by_dynamic("from_at", every="1d").agg(pl.col("value").sum())["value"].to_numpy()
    by_hour = found(readings, sites=register)["power_use"]["value"]
    by_day = found(daily(total), sites=register)["power_use"]["value"]
    assert by_hour > by_day and by_hour > 0.5


def test_daily_readings_have_no_share_of_the_night() -> None:
    assert found(daily(plant()))["power_night_share"]["value"] is None


@pytest.mark.parametrize(("closed", "again"), [(20, 10), (35, 20)])
def test_a_recent_closure_says_so_and_still_uses_what_there_is(closed: int, again: int) -> None:
    rested = found(daily(plant(closed=closed)), sites=site(AT - dt.timedelta(days=closed)))["power_use"]
    works = found(daily(worked(ago() < again, closed=closed)), sites=site(AT - dt.timedelta(days=closed)))[
        "power_use"
    ]
    assert rested["value"] < 0.1 and works["value"] > 0.7
    for row in (rested, works):
        assert 0.2 < row["quality"] < 0.97 and f"停产仅 {closed} 天，历史不足" in row["sentence_zh"]
    assert works["quality"] <= found(daily(worked(ago() < again)))["power_use"]["quality"]


def test_without_the_day_of_closure_the_quality_is_lower() -> None:
    rows = found(daily(worked(ago() < 30)), sites=site(None))
    assert rows["power_use"]["value"] > 0.7 and 0.2 < rows["power_use"]["quality"] < 0.7
    assert "停产日期未知" in rows["power_use"]["sentence_zh"]
    assert found(daily(plant()), sites=site(None))["power_use"]["value"] < 0.1
    assert rows["never_fell"]["value"] is None


def test_one_day_in_five_gives_a_value_of_lower_quality() -> None:
    for use, low, high in ((plant(), 0.0, 0.1), (worked(ago() < 60), 0.9, 1.0)):
        row = found(daily(use).filter(pl.Series(ago() % 5 == 2)))["power_use"]
        assert low <= row["value"] <= high and 0.3 < row["quality"] < 0.5
        assert "28 天中实测 6 天" in row["sentence_zh"] and "缺 22 天" in row["sentence_zh"]


@pytest.mark.parametrize(("share", "low", "high"), [(0.2, 0.0, 0.15), (0.45, 0.7, 1.0), (0.8, 0.9, 1.0)])
def test_a_plant_that_went_on_after_its_closure(share: float, low: float, high: float) -> None:
    """Closed 80 days ago, since then always at the same share of its former use: guards draw a fifth of it, no more."""
    row = found(daily(plant(1000.0 * share, closed=80)), sites=site(AT - dt.timedelta(days=80)))["power_use"]
    assert low <= row["value"] <= high
    assert ("空载按" in row["sentence_zh"]) == (share > 0.25)


@pytest.mark.parametrize("former", [4.0, 30.0])
def test_a_meter_of_whole_cubic_metres(former: float) -> None:
    """Guards use a cubic metre on some days: one step of the meter is no work, whatever it is of a small former use."""
    rng = np.random.default_rng(4)
    use = np.where(
        (ago() > CLOSED_AGO) & (weekdays() < 5), rng.poisson(former, DAYS), rng.poisson(0.3, DAYS)
    ).astype(float)
    again = use + np.where((ago() < 40) & (weekdays() < 5), rng.poisson(0.7 * former, DAYS), 0)
    assert found(daily(use, "water"))["water_use"]["value"] < 0.3
    assert found(daily(again, "water"))["water_use"]["value"] > 0.6


@pytest.mark.parametrize(("every", "least", "most"), [(5, 0.5, 0.95), (30, 0.3, 0.7), (60, 0.15, 0.5)])
def test_long_intervals_give_a_value_of_lower_quality(every: int, least: float, most: float) -> None:
    works = found(daily(worked(ago() < 90), every_days=every))["power_use"]
    rests = found(daily(plant(), every_days=every))["power_use"]
    assert works["value"] > 0.7 and rests["value"] < 0.1
    assert least < works["quality"] < most and least < rests["quality"] < most
    assert f"读数间隔最长 {every} 天" in works["sentence_zh"]


def test_a_bill_is_not_spread_over_its_days() -> None:
    """Twenty days of work in a bill of thirty: the start is within the bill, not at its beginning alone."""
    use = worked(ago() < 50)
    [start] = meter_signals(
        daily(use, every_days=30), site(AT - dt.timedelta(days=CLOSED_AGO)), at=AT
    ).starts.rows(named=True)
    assert start["started_from"] <= AT - dt.timedelta(days=49) <= start["started_to"]
    assert (start["started_to"] - start["started_from"]).days <= 30


def test_a_slow_leak_is_not_work() -> None:
    leak = plant(2.0) + 1000.0 * np.clip(0.4 * (1 - ago() / 200), 0, None)
    assert found(daily(leak, "water"))["water_use"]["value"] < 0.4


@pytest.mark.parametrize("every", [1, 30])
def test_a_trend_is_not_work(every: int) -> None:
    use = plant() * np.where(ago() <= CLOSED_AGO, np.exp(0.7 * (1 - ago() / CLOSED_AGO)), 1.0)
    assert found(daily(use, every_days=every))["power_use"]["value"] < 0.3


def test_heating_is_not_work() -> None:
    use = plant(last=WINTER) + 100.0 * cold(WINTER, DAYS)
    row = found(daily(use, last=WINTER), at=WINTER)["power_use"]
    assert row["value"] < 0.4


def test_heating_of_many_sites_is_weather() -> None:
    """The same cold waves at ten sites: each judged lower beside the others than alone."""
    frames, registers = [], []
    for i in range(10):
        use = plant(seed=i, last=WINTER) + (120.0 + 5 * i) * cold(WINTER, DAYS)
        frames.append(readings_of(f"S{i}", use, last=WINTER))
        registers.append(site(WINTER - dt.timedelta(days=CLOSED_AGO), f"S{i}"))
    together = meter_signals(pl.concat(frames), pl.concat(registers), at=WINTER).signals
    together = together.filter(pl.col("signal") == "power_use")["value"].to_list()
    alone = [meter_signals(frames[i], registers[i], at=WINTER).signals["value"][0] for i in range(10)]
    assert np.mean(together) < np.mean(alone) and max(together) < 0.3


def test_pumps_and_guards_are_not_work() -> None:
    rng = np.random.default_rng(3)
    pumps = plant() + np.where(rng.random(DAYS) < 0.15, rng.uniform(20, 120, DAYS), 0)
    assert found(daily(pumps))["power_use"]["value"] < 0.4
    assert found(daily(plant(200.0)))["power_use"]["value"] < 0.1


def test_a_pump_that_is_tested_every_monday_is_not_work() -> None:
    rows = found(daily(worked((ago() < CLOSED_AGO - 10) & (weekdays() == 0), 120.0)))
    assert rows["power_use"]["value"] < 0.3 and rows["working_rhythm"]["value"] < 0.6


def test_one_test_day_is_not_work() -> None:
    assert found(daily(worked(ago() == 6, 600.0)))["power_use"]["value"] < 0.3


def outage_city(n: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Power and water of ``n`` sites that work again and have zeros from 3 to 12 days ago."""
    frames = []
    for i in range(n):
        for kind in ("power", "water"):
            use = np.where((ago() <= 12) & (ago() >= 3), 0.0, worked(ago() < 60, seed=i))
            frames.append(readings_of(f"S{i}", use, kind, last=AT))
    return pl.concat(frames), pl.concat([site(AT - dt.timedelta(days=CLOSED_AGO), f"S{i}") for i in range(n)])


def test_an_outage_is_not_quiet() -> None:
    row = meter_signals(*outage_city(6), at=AT).signals.row(0, named=True)
    assert row["value"] > 0.7 and 0.6 < row["quality"] < 0.8
    assert "10 天为多处同时停供" in row["sentence_zh"]
    regimes = meter_signals(*outage_city(6), at=AT).regimes
    [day] = regimes.filter(
        (pl.col("site_id") == "S0")
        & (pl.col("kind") == "power")
        & (pl.col("from_day") == AT - dt.timedelta(days=5))
    ).rows(named=True)
    assert day["p_unknown"] == 1.0
    alone = meter_signals(*outage_city(1), at=AT).signals.row(0, named=True)
    assert alone["quality"] > 0.9 and "停供" not in alone["sentence_zh"]


def flagged(readings: pl.DataFrame, chosen: Any, flag: str, value: float | None = None) -> pl.DataFrame:
    frame = readings.with_columns(
        flags=pl.Series([[flag] if c else [] for c in chosen], dtype=pl.List(pl.String))
    )
    return (
        frame
        if value is None
        else frame.with_columns(value=pl.when(pl.Series(chosen)).then(value).otherwise("value"))
    )


def test_jumps_of_unit_are_left_out_and_told() -> None:
    row = found(flagged(daily(plant()), ago() < 6, "unit_jump", 500_000.0))["power_use"]
    assert row["value"] < 0.05 and row["quality"] < 0.9
    assert (
        "6 条因单位突变未采用" in row["sentence_zh"]
        and "6 readings left out for a jump of unit" in row["sentence_en"]
    )


def test_impossible_values_are_left_out_and_told() -> None:
    use = np.where(ago() == 3, -5.0, plant())
    assert "1 条因数值不可能未采用" in found(daily(use))["power_use"]["sentence_zh"]


def test_a_stuck_meter_has_low_quality() -> None:
    use = np.where(ago() < 40, 400.0, plant())
    row = found(flagged(daily(use), ago() < 40, "stuck"))["power_use"]
    assert row["quality"] < 0.35 and "读数不动" in row["sentence_zh"]


def test_a_swapped_meter_goes_on() -> None:
    use = worked(ago() < 30)
    old = daily(use).filter(pl.Series(ago() >= 100))
    new = daily(use, meter_id="2").filter(pl.Series(ago() < 100))
    assert found(pl.concat([old, new]))["power_use"]["value"] == pytest.approx(
        found(daily(use))["power_use"]["value"]
    )


def test_meters_of_one_site_are_summed_and_a_silent_one_is_missing() -> None:
    use = worked(ago() < 30)
    halves = pl.concat([daily(use / 2), daily(use / 2, meter_id="2")])
    assert found(halves)["power_use"]["value"] == pytest.approx(
        found(daily(use))["power_use"]["value"], abs=1e-6
    )
    silent = pl.concat([daily(use / 2), daily(use / 2, meter_id="2").filter(pl.Series(ago() > 20))])
    row = found(silent)["power_use"]
    assert (
        row["quality"] < 0.3 and "28 天中实测 7 天" in row["sentence_zh"] and "缺 21 天" in row["sentence_zh"]
    )


def test_a_bill_beside_daily_values_of_another_meter_is_one_interval() -> None:
    use = plant()
    both = pl.concat([daily(use / 2), daily(use / 2, meter_id="2", every_days=10)])
    [series] = use_series(both, {"S"}, since=dt.date(2020, 1, 1), at=AT, zone="Asia/Shanghai")
    assert set(series.length[1:].tolist()) == {10}
    assert (series.use * series.length).sum() == pytest.approx(use.sum())


def test_a_value_after_a_gap_is_the_sum_of_its_days() -> None:
    """Six days unread, then one reading of all six: nothing unusual."""
    use = plant()
    gap = (ago() >= 8) & (ago() < 14)
    kept = daily(use).filter(pl.Series(~gap))
    one = daily(use).filter(pl.Series(gap))
    merged = one.head(1).with_columns(to_at=pl.lit(one["to_at"].max()), value=pl.lit(float(use[gap].sum())))
    row = found(pl.concat([kept, merged.select(kept.columns)]))["power_use"]
    assert row["value"] < 0.05 and row["quality"] > 0.8


def test_days_of_23_and_25_hours_are_days() -> None:
    """1 kWh an hour in Berlin over both changes of the clock: 24 kWh for 24 hours on each local day."""
    hours = pl.datetime_range(
        dt.datetime(2025, 3, 25), dt.datetime(2025, 11, 2), "1h", time_unit="us", eager=True
    ).dt.replace_time_zone("UTC")
    frame = pl.DataFrame(
        {
            "site_id": "S", "kind": "power", "meter_id": "1", "from_at": hours, "to_at": hours + dt.timedelta(hours=1),
            "value": 1.0, "quality": "measured",
        }
    )  # fmt: skip
    at = dt.date(2025, 10, 31)
    [series] = use_series(frame, {"S"}, since=dt.date(2025, 3, 26), at=at, zone="Europe/Berlin")
    assert np.allclose(series.use, 24.0) and set(series.length.tolist()) == {1}
    assert np.array_equal(np.diff(series.start), np.ones(len(series.start) - 1))
    assert series.start[-1] == (at - dt.date(1970, 1, 1)).days


def test_nothing_after_the_day_is_read() -> None:
    use = worked(ago() < 30)
    before = AT - dt.timedelta(days=40)
    assert found(daily(use), at=before)["power_use"]["value"] < 0.05


def test_use_that_never_fell() -> None:
    assert found(daily(plant(500.0)))["never_fell"]["value"] > 0.8
    assert found(daily(plant(500.0)))["power_use"]["value"] > 0.5
    assert found(daily(plant(100.0)))["never_fell"]["value"] < 0.1
    assert (
        found(daily(plant(closed=DAYS + 10)), sites=site(AT - dt.timedelta(days=DAYS + 10)))["never_fell"][
            "value"
        ]
        is None
    )


def test_power_and_water_agree() -> None:
    on = (ago() < 42) & (ago() % 3 == 0)
    water = worked(on, 12.0, idle=0.5) - plant(0.5) + plant(0.5, seed=5) * 0.03
    rows = found(pl.concat([daily(worked(on)), daily(water, "water")]))
    assert rows["power_water_agree"]["value"] > 0.8
    other = plant(0.5, seed=5) * 0.03 + np.where((ago() < 5), 12.0, 0)
    rows = found(pl.concat([daily(worked(ago() < 60)), daily(other, "water")]))
    assert rows["power_water_agree"]["value"] < 0.4
    assert found(daily(worked(on)))["power_water_agree"]["value"] is None
    quiet = found(pl.concat([daily(plant()), daily(plant(), "water")]))["power_water_agree"]
    assert quiet["value"] == 0.0


def test_water_only_is_found() -> None:
    rows = found(pl.concat([daily(plant()), daily(worked(ago() < 30), "water")]))
    assert rows["power_use"]["value"] < 0.05 and rows["water_use"]["value"] > 0.9


def test_regimes_name_the_days() -> None:
    on = (ago() < 42) & (weekdays() >= 5)
    readings = daily(worked(on)).filter(pl.Series(ago() != 10))
    regimes = meter_signals(readings, site(AT - dt.timedelta(days=CLOSED_AGO)), at=AT).regimes
    assert regimes.schema == pl.Schema(REGIME_ROWS) and regimes.height == MeterConfig().regime_days
    total = regimes.select(pl.sum_horizontal("p_idle", "p_work", "p_unknown")).to_series()
    assert np.allclose(total, 1.0)
    recent = regimes.tail(42)
    unknown = recent.filter(pl.col("p_unknown") == 1.0)["from_day"].to_list()
    assert unknown == [AT - dt.timedelta(days=10)]
    weekend = recent.filter((pl.col("from_day").dt.weekday() >= 6) & (pl.col("p_unknown") == 0))
    others = recent.filter((pl.col("from_day").dt.weekday() < 6) & (pl.col("p_unknown") == 0))
    assert weekend["p_work"].min() > 0.7 and others["p_work"].max() < 0.25


def test_holidays_may_be_a_set_or_a_calendar_that_knows_weekends() -> None:
    on = (ago() < 42) & (weekdays() < 5)
    readings = daily(worked(on))
    as_set = found(readings, is_holiday={dt.date(2025, 10, 1)})
    as_call = found(readings, is_holiday=lambda day: day.weekday() >= 5)
    assert as_set["working_rhythm"]["value"] > 0.7 and as_call["working_rhythm"]["value"] > 0.7


def test_open_plants_of_the_trade_take_away_what_all_have() -> None:
    """All plants of the trade draw half as much again for six weeks: at a closed one that is no work."""
    everybody = np.where(ago() < 42, 1.5, 1.0)
    frames = [daily(plant() * everybody)]
    registers = [site(AT - dt.timedelta(days=CLOSED_AGO), industry=["dyeing"])]
    for i in range(6):
        use = np.where(weekdays() < 5, FORMER, 100.0) * np.exp(np.random.default_rng(i).normal(0, 0.05, DAYS))
        frames.append(readings_of(f"O{i}", use * everybody, last=AT))
        registers.append(site(None, f"O{i}", industry=["dyeing"]).with_columns(status=pl.lit("open")))
    beside = meter_signals(pl.concat(frames), pl.concat(registers), at=AT).signals.row(0, named=True)
    alone = meter_signals(frames[0], registers[0], at=AT).signals.row(0, named=True)
    assert beside["site_id"] == "S" and beside["value"] <= alone["value"] < 0.3
    assert "未见高于空载" in beside["sentence_zh"] and "高于空载，自" in alone["sentence_zh"]


def test_open_sites_have_no_rows() -> None:
    register = site(None).with_columns(status=pl.lit("open"))
    result = meter_signals(daily(plant()), register, at=AT)
    assert (
        result.signals.is_empty()
        and result.regimes.is_empty()
        and result.starts.schema == pl.Schema(START_ROWS)
    )


def test_bad_input_is_named() -> None:
    register = site(None)
    with pytest.raises(InputFrameError, match="meter_id"):
        meter_signals(daily(plant()).drop("meter_id"), register, at=AT)
    naive = daily(plant()).with_columns(pl.col("from_at").dt.replace_time_zone(None))
    with pytest.raises(NaiveTimeError, match="from_at"):
        meter_signals(naive, register, at=AT)
    with pytest.raises(ParameterError, match="at must be a date"):
        meter_signals(daily(plant()), register, at=dt.datetime(2025, 1, 1))
    with pytest.raises(ParameterError, match="prior"):
        MeterConfig(prior=1.0)
