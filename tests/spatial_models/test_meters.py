"""Use after closure on series whose answer is known by construction."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_models.errors import InputFrameError, ParameterError
from spatial_models.suspicion import use_after_closure
from spatial_models.suspicion.meter_signals import SIGNAL_SCHEMA, MeterConfig
from tests.support.long_runs import examples

AT = dt.date(2026, 3, 1)
CLOSED = AT - dt.timedelta(days=300)


def readings(
    values: Any, *, kind: str = "power", site: str = "S", quality: Any = None, last: dt.date = AT
) -> pl.DataFrame:
    """Daily values, the last one on ``last``."""
    n = len(values)
    return pl.DataFrame(
        {
            "site_id": site,
            "kind": kind,
            "day": [last - dt.timedelta(days=n - 1 - i) for i in range(n)],
            "value": pl.Series(values, dtype=pl.Float64, strict=False),
            "quality": quality if quality is not None else ["measured"] * n,
        }
    )


def plant(
    *, former: float = 1000.0, idle: float = 50.0, again: float = 0.0, resumed_ago: int = 0, noise: float = 0.05,
    days: int = 700, seed: int = 0,
) -> np.ndarray:  # fmt: skip
    """Use of a plant that closed 300 days ago and works again since ``resumed_ago`` days (0: does not)."""
    ago = np.arange(days - 1, -1, -1)
    use = np.where(ago > 300, former, idle)
    if resumed_ago:
        use = np.where(ago < resumed_ago, again, use)
    return use * np.random.default_rng(seed).normal(1.0, noise, days)


def closures(site: str = "S", closed: dt.date | None = CLOSED) -> pl.DataFrame:
    return pl.DataFrame(
        {"site_id": [site], "status_since": [closed]}, schema_overrides={"status_since": pl.Date}
    )


def one(values: Any, kind: str = "power", **more: Any) -> dict[str, Any]:
    found = use_after_closure(readings(values, kind=kind, **more), closures(), at=AT)
    assert found.schema == pl.Schema(SIGNAL_SCHEMA)
    return found.filter(pl.col("kind") == kind).row(0, named=True)


def test_a_plant_at_rest_is_quiet() -> None:
    row = one(plant())
    assert (row["state"], row["level"], row["days_elevated"]) == ("quiet", "none", 0)
    assert row["pre_median"] == pytest.approx(1000.0, rel=0.02)
    assert row["idle_baseline"] == pytest.approx(50.0, rel=0.03)
    assert row["ratio_pre"] == pytest.approx(0.05, rel=0.1)


@pytest.mark.parametrize(
    ("again", "level"),
    [(80.0, "quiet"), (120.0, "weak"), (200.0, "weak"), (300.0, "strong"), (900.0, "strong")],
)
def test_levels_follow_the_share_of_the_former_use(again: float, level: str) -> None:
    """50 idle: 80 is below twice of it; 120 and 200 are 12 and 20 %, 300 is 30 % of 1000."""
    row = one(plant(again=again, resumed_ago=21))
    if level == "quiet":
        assert row["state"] == "quiet"
        return
    assert (row["state"], row["level"]) == ("rise", level)
    assert row["started_on"] == AT - dt.timedelta(days=20)
    assert row["ratio_idle"] == pytest.approx(again / 50.0, rel=0.1)
    assert row["recent_mean"] == pytest.approx(again, rel=0.06)


def test_below_a_tenth_a_rise_has_no_level() -> None:
    row = one(plant(idle=20.0, again=70.0, resumed_ago=21))
    assert (row["state"], row["level"]) == ("rise", "none")


def test_own_resumption_is_not_in_the_baseline() -> None:
    """It works again for 240 of the 270 days that a plain median would look at."""
    row = one(plant(again=600.0, resumed_ago=240))
    assert row["idle_baseline"] == pytest.approx(50.0, rel=0.03)
    assert (row["state"], row["level"]) == ("rise", "strong")
    assert row["started_on"] == AT - dt.timedelta(days=239)


def test_guards_power_is_no_rise() -> None:
    for share in (0.10, 0.15, 0.19):
        row = one(plant(idle=1000.0 * share, noise=0.08, seed=int(share * 100)))
        assert (row["state"], row["level"]) == ("quiet", "none")


def test_use_that_never_fell() -> None:
    row = one(plant(idle=450.0))
    assert (row["state"], row["level"]) == ("never_fell", "weak")


@pytest.mark.parametrize("n_days", [1, 2, 3])
def test_three_of_five_days(n_days: int) -> None:
    values = plant()
    values[-n_days:] = 500.0
    assert one(values)["state"] == ("rise" if n_days >= 3 else "quiet")


def test_two_single_days_a_week_apart_are_no_rise() -> None:
    values = plant()
    values[[-10, -3]] = 800.0
    assert one(values)["state"] == "quiet"


def test_a_rise_that_ended_a_month_ago_is_over() -> None:
    values = plant(again=600.0, resumed_ago=60)
    values[-30:] = 50.0
    assert one(values)["state"] == "quiet"


def test_working_week_only() -> None:
    values = plant(again=600.0, resumed_ago=28)
    for i in range(28):
        if (AT - dt.timedelta(days=i)).weekday() >= 5:
            values[-1 - i] = 50.0
    row = one(values)
    assert (row["state"], row["level"]) == ("rise", "strong")
    assert row["weekday_ratio"] == pytest.approx(12.0, rel=0.1)


def test_missing_is_no_data_and_not_zero() -> None:
    values = plant(again=600.0, resumed_ago=20)
    gone = [*values[:-20], *[None] * 20]
    row = one(gone, quality=["measured"] * 680 + ["missing"] * 20)
    assert (row["state"], row["level"], row["quality"]) == ("no_data", "none", 0.0)
    water = (
        use_after_closure(readings(values), closures(), at=AT)
        .filter(pl.col("kind") == "water")
        .row(0, named=True)
    )
    assert water["state"] == "no_data" and water["agrees"] is None
    # a value beside "missing" is not a reading, and zero is
    assert one(values, quality=["measured"] * 680 + ["missing"] * 20)["state"] == "no_data"
    assert one([*values[:-20], *[0.0] * 20])["state"] == "quiet"


def test_a_few_missing_days_do_not_hide_a_rise() -> None:
    values = plant(again=600.0, resumed_ago=20)
    quality = ["missing" if i >= 680 and i % 3 == 0 else "measured" for i in range(700)]
    row = one(values, quality=quality)
    assert (row["state"], row["level"]) == ("rise", "strong") and 0.2 < row["missing_share"] < 0.5


def test_estimated_readings_lower_the_quality() -> None:
    values = plant(again=600.0, resumed_ago=20)
    row = one(values, quality=["measured"] * 680 + ["estimated"] * 20)
    assert (row["estimated_share"], row["quality"]) == (1.0, 0.5)
    assert one(values)["quality"] == 1.0


def test_short_after_closure_and_no_date() -> None:
    values = plant(again=600.0, resumed_ago=20)
    early = use_after_closure(readings(values), closures(closed=AT - dt.timedelta(days=25)), at=AT)
    assert early["state"].to_list() == ["no_baseline", "no_data"]
    unknown = use_after_closure(readings(values), closures(closed=None), at=AT)
    assert unknown["state"].to_list() == ["no_closure_date"] * 2


def test_without_former_use_the_idle_ratio_decides() -> None:
    short = plant(again=120.0, resumed_ago=20)[-290:]
    row = one(short)
    assert row["pre_median"] is None and row["ratio_pre"] is None
    assert (row["state"], row["level"]) == ("rise", "weak")
    assert one(plant(again=400.0, resumed_ago=20)[-290:])["level"] == "strong"


@pytest.mark.parametrize(("lag", "agrees"), [(0, True), (2, True), (-2, True), (40, False)])
def test_power_and_water_agree_within_two_days(lag: int, agrees: bool) -> None:
    power = readings(plant(again=600.0, resumed_ago=60))
    water = readings(plant(former=90.0, idle=3.0, again=50.0, resumed_ago=60 - lag, seed=1), kind="water")
    found = use_after_closure(pl.concat([power, water]), closures(), at=AT)
    assert found["state"].to_list() == ["rise", "rise"] and found["agrees"].to_list() == [agrees] * 2


def test_only_one_of_both_rose() -> None:
    power = readings(plant(again=600.0, resumed_ago=60))
    found = use_after_closure(pl.concat([power, readings(plant(seed=2), kind="water")]), closures(), at=AT)
    assert found["agrees"].to_list() == [False, False]


def notice(kind: str, since: int, until: int | None, site: str = "S") -> pl.DataFrame:
    """From so many days before AT to so many days before AT (negative: after)."""
    return pl.DataFrame(
        {
            "site_id": [site],
            "kind": [kind],
            "valid_from": [AT - dt.timedelta(days=since)],
            "valid_to": [None if until is None else AT - dt.timedelta(days=until)],
        },
        schema_overrides={"valid_to": pl.Date},
    )


@pytest.mark.parametrize(
    ("given_notice", "explained"),
    [
        (notice("dismantling", 100, None), ["dismantling"]),
        (notice("maintenance", 30, -10), ["maintenance"]),
        (notice("maintenance", 100, 50), []),  # ended long ago
        (notice("permit", -5, None), []),  # not yet
        (notice("outage", 100, None), []),  # explains missing readings only
        (notice("dismantling", 100, None, site="other"), []),
    ],
)
def test_notices_explain_within_their_validity(given_notice: pl.DataFrame, explained: list[str]) -> None:
    found = use_after_closure(readings(plant(again=600.0, resumed_ago=20)), closures(), given_notice, at=AT)
    assert found["explained_by"].to_list()[0] == explained


def test_future_readings_are_not_looked_at() -> None:
    values = plant(again=600.0, resumed_ago=20)
    later = use_after_closure(readings(values), closures(), at=AT - dt.timedelta(days=25))
    assert later["state"].to_list()[0] == "quiet"


def test_order_and_doubled_days() -> None:
    frame = readings(plant(again=600.0, resumed_ago=20))
    expected = use_after_closure(frame, closures(), at=AT)
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=1)
    assert use_after_closure(shuffled, closures(), at=AT).equals(expected)
    wrong_first = pl.concat([frame.with_columns(value=pl.lit(9e9)), frame])
    assert use_after_closure(wrong_first, closures(), at=AT).equals(expected)
    assert use_after_closure(frame.to_pandas(), closures(), at=AT).equals(expected)


def test_parameters_are_an_argument() -> None:
    values = plant(again=80.0, resumed_ago=20)
    strict = MeterConfig(idle_ratio=1.3, weak_share=0.05)
    found = use_after_closure(readings(values), closures(), at=AT, config=strict)
    assert (found["state"][0], found["level"][0]) == ("rise", "weak")


def test_wrong_frames_are_refused_by_name() -> None:
    good = readings(plant())
    with pytest.raises(InputFrameError, match="readings: column quality"):
        use_after_closure(good.drop("quality"), closures(), at=AT)
    with pytest.raises(InputFrameError, match="day"):
        use_after_closure(good.with_columns(day=pl.lit(3)), closures(), at=AT)
    with pytest.raises(ParameterError, match="at"):
        use_after_closure(good, closures(), at="2026-03-01")  # type: ignore[arg-type]
    assert use_after_closure(good, closures()[:0], at=AT).height == 0
    assert use_after_closure(good[:0], closures(), at=AT)["state"].to_list() == ["no_data", "no_data"]


dirty_values = st.lists(
    st.one_of(st.none(), st.sampled_from([0.0, -5.0, float("nan"), float("inf"), 1e300]), st.floats(0, 1000)),
    min_size=1,
    max_size=120,
)


@examples(150)
@given(dirty_values, st.integers(-10, 200), st.integers(-5, 30))
def test_dirty_readings_never_break(values: Any, closed_ago: int, last_ago: int) -> None:
    frame = readings(values, last=AT - dt.timedelta(days=last_ago))
    found = use_after_closure(frame, closures(closed=AT - dt.timedelta(days=closed_ago)), at=AT)
    assert found.height == 2 and found["quality"].is_between(0, 1).all()
    numbers = found.select(pl.col(pl.Float64)).fill_null(0.0)
    assert not numbers.select(pl.any_horizontal(pl.all().is_nan())).to_series().any()
