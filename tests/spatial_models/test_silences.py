"""Silences in fixes: tracks made by hand, minutes and metres counted by hand."""

from __future__ import annotations

import datetime as dt
import math

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from spatial_models.errors import NaiveTimeError, ParameterError
from spatial_models.stays import find_silences
from spatial_models.stays.silences import SILENCE_SCHEMA

T0 = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
M_PER_DEG = 6_371_008.8 * math.pi / 180


def track(vehicle: str, minutes: list[float], north_m: list[float] | float = 0.0) -> pl.DataFrame:
    metres = north_m if isinstance(north_m, list) else [north_m] * len(minutes)
    return pl.DataFrame(
        {
            "vehicle_id": vehicle, "t": [T0 + dt.timedelta(minutes=m) for m in minutes], "lon": 120.9,
            "lat": [32.0 + m / M_PER_DEG for m in metres],
        }
    )  # fmt: skip


def regular(start: float, n: int, every: float = 1.0) -> list[float]:
    return [start + every * k for k in range(n)]


def test_a_gap_is_a_silence_with_the_usual_interval_and_the_way_to_where_it_ended() -> None:
    found = find_silences(track("A", [*regular(0, 10), *regular(100, 10)], [0.0] * 10 + [700.0] * 10))
    assert found.schema == pl.Schema(SILENCE_SCHEMA)
    (row,) = found.rows(named=True)
    assert (row["began_at"], row["ended_at"]) == (
        T0 + dt.timedelta(minutes=9),
        T0 + dt.timedelta(minutes=100),
    )
    assert (row["duration_s"], row["before_s"]) == (91 * 60.0, 60.0)
    assert row["reappeared_m"] == pytest.approx(700.0, abs=0.01)
    assert (row["ahead_lon"], row["ahead_lat"]) == (row["lon"], row["lat"]), "it stood"


def test_a_gap_of_a_few_usual_intervals_is_none() -> None:
    """Every 10 minutes: 6 intervals are an hour. A gap of 59 minutes is none, one of 60 is."""
    times = regular(0, 10, 10)
    assert find_silences(track("A", [*times, times[-1] + 60, *regular(160, 3, 10)])).height == 1
    assert find_silences(track("A", [*times, times[-1] + 59, *regular(160, 3, 10)])).height == 0
    fast = regular(0, 10)
    assert find_silences(track("A", [*fast, fast[-1] + 14.9, fast[-1] + 15.9])).height == 0
    assert find_silences(track("A", [*fast, fast[-1] + 15, fast[-1] + 16])).height == 1


def test_a_moving_vehicle_is_followed_one_interval_further() -> None:
    """600 m a minute north: the last fix at 5400 m leads to 6000 m; with 60 s at 1200 m a minute to 1 km at most."""
    (row,) = find_silences(track("A", [*regular(0, 10), 200.0], [600.0 * k for k in range(10)] + [0.0])).rows(
        named=True
    )
    assert (row["ahead_lat"] - 32.0) * M_PER_DEG == pytest.approx(6000.0, abs=0.1)
    (fast,) = find_silences(
        track("A", [*regular(0, 10), 200.0], [1200.0 * k for k in range(10)] + [0.0])
    ).rows(named=True)
    assert (fast["ahead_lat"] - 32.0) * M_PER_DEG == pytest.approx(10_800.0 + 1000.0, abs=0.1)


def test_the_silence_after_the_last_fix_runs_to_the_end_of_the_data() -> None:
    fixes = pl.concat([track("A", regular(0, 10)), track("B", regular(0, 121), 5000.0)])
    (row,) = find_silences(fixes).rows(named=True)
    assert (row["vehicle_id"], row["ended_at"], row["reappeared_m"]) == ("A", None, None)
    assert row["duration_s"] == (120 - 9) * 60.0
    until = T0 + dt.timedelta(minutes=240)
    both = find_silences(fixes, until=until)
    assert both["duration_s"].to_list() == [(240 - 9) * 60.0, 120 * 60.0]


def test_vehicles_that_are_silent_in_the_same_minutes_are_counted() -> None:
    """Four fall silent in the same minute and come back after 100, 102, 104 and 170: two intervals are 2 minutes."""
    ends = {"A": 100, "B": 102, "C": 104, "D": 170}
    fixes = pl.concat(
        [
            track(v, [*regular(0, 10), *regular(end, 10)], 1000.0 * n)
            for n, (v, end) in enumerate(ends.items())
        ]
        + [track("E", [*regular(0, 25), *regular(100, 100)], 9000.0), track("F", regular(0, 200), 20_000.0)]
    )
    found = find_silences(fixes, until=T0 + dt.timedelta(minutes=200))
    began = found.filter(pl.col("ended_at").is_not_null()).sort("vehicle_id")
    assert began.select("vehicle_id", "began_together", "ended_together").rows() == [
        ("A", 3, 1), ("B", 3, 2), ("C", 3, 1), ("D", 3, 0), ("E", 0, 0),
    ]  # fmt: skip
    assert began["reporting"].to_list() == [6, 6, 6, 6, 2]


def test_order_of_rows_and_types_of_ids_change_nothing() -> None:
    fixes = pl.concat(
        [track(v, [*regular(n, 12), *regular(90 + n, 5)], 300.0 * n) for n, v in enumerate("CAB")]
    )
    first = find_silences(fixes)
    assert_frame_equal(first, find_silences(fixes.sample(fraction=1.0, shuffle=True, seed=3)))
    numbered = fixes.with_columns(
        pl.col("vehicle_id").replace_strict({"A": 1, "B": 2, "C": 3}, return_dtype=pl.Int64)
    )
    assert_frame_equal(first.drop("vehicle_id"), find_silences(numbered).drop("vehicle_id"))
    assert find_silences(fixes.clear()).schema == first.schema


def test_wrong_parameters_are_refused() -> None:
    with pytest.raises(ParameterError, match="min_silence_s"):
        find_silences(track("A", [0.0]), min_silence_s=1)
    with pytest.raises(NaiveTimeError):
        find_silences(track("A", [0.0]), until=dt.datetime(2026, 1, 1))


def test_a_terminal_that_sleeps_while_parked_falls_silent_once_and_is_no_outage() -> None:
    """Parked lorries report every half an hour from noon on; another one is switched off at one o'clock for two hours."""
    noon = dt.datetime(2026, 4, 1, 12, tzinfo=dt.UTC)
    rows = []
    for k in range(8):
        moving = [noon - dt.timedelta(minutes=m) for m in range(240, 0, -1)]
        asleep = [noon + dt.timedelta(minutes=30 * n, seconds=20 * k) for n in range(9)]
        rows += [(f"parked {k}", at, 120.8 + 0.01 * k, 32.0) for at in moving + asleep]
    for m in range(-240, 240):
        if not 60 < m < 180:
            rows.append(("dark", noon + dt.timedelta(minutes=m), 120.9, 32.1))
    fixes = pl.DataFrame(rows, schema=["vehicle_id", "t", "lon", "lat"], orient="row")
    found = find_silences(fixes)
    assert found["vehicle_id"].value_counts()["count"].to_list() == [1] * 9
    dark = found.filter(pl.col("vehicle_id") == "dark").row(0, named=True)
    assert (dark["duration_s"], dark["began_together"]) == (7200.0, 0)
