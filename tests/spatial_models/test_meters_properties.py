"""Meters of closed sites: properties, oracles from other libraries, and calibration on invented plants."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from typing import Any

import numpy as np
import polars as pl
import pytest
import ruptures
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from spatial_models.meters import DEFAULT_METERS, MeterFindings, meter_signals
from spatial_models.meters.kernels import active_probability, common_intervals, weighted_quantile
from tests.support.long_runs import count, examples
from tests.support.meter_plants import AT as WINTER
from tests.support.meter_plants import draw_city, readings_of, work_days

AT = dt.date(2025, 9, 15)
DAYS, CLOSED_AGO = 500, 250


def plant(started_ago: int, level: float, noise: float, seed: int, every: int = 1) -> Any:
    ago = np.arange(DAYS - 1, -1, -1)
    use = np.where(ago > CLOSED_AGO, 1000.0, 50.0) + np.where(
        (ago < started_ago) & (ago % every == 0), level, 0.0
    )
    return use * np.exp(np.random.default_rng(seed).normal(0, noise, DAYS))


def judged(use: Any, at: dt.date = AT, keep: Any = None, kind: str = "power") -> MeterFindings:
    readings = readings_of("S", use, kind, last=at)
    closed = pl.DataFrame(
        {"site_id": ["S"], "status": ["closed"], "status_since": [at - dt.timedelta(days=CLOSED_AGO)]}
    )
    return meter_signals(readings if keep is None else readings.filter(pl.Series(keep)), closed, at=at)


def power(findings: MeterFindings) -> dict[str, Any]:
    return findings.signals.row(0, named=True)


@examples(8, deadline=None)
@given(weeks=st.integers(0, 17), started_ago=st.integers(8, 60), seed=st.integers(0, 99))
def test_a_shift_of_all_days_shifts_the_start(weeks: int, started_ago: int, seed: int) -> None:
    """By whole weeks and outside of the heating season, nothing else may change."""
    use = plant(started_ago, 400.0, 0.08, seed)
    now, earlier = judged(use), judged(use, AT - dt.timedelta(weeks=weeks))
    assert power(now)["value"] == pytest.approx(power(earlier)["value"], abs=1e-9)
    moved = earlier.starts.with_columns(pl.col("started_from", "started_to") + dt.timedelta(weeks=weeks))
    assert moved.equals(now.starts) and now.starts.height == 1


@examples(10, deadline=None)
@given(
    factor=st.sampled_from([1e-3, 0.07, 3.6, 1e4]), level=st.sampled_from([0.0, 60.0, 150.0, 500.0]),
    idle=st.sampled_from([0.0, 1.0]), seed=st.integers(0, 99),
)  # fmt: skip
def test_a_change_of_unit_changes_no_probability(factor: float, level: float, idle: float, seed: int) -> None:
    ago = np.arange(DAYS - 1, -1, -1)
    use = plant(30, level, 0.1, seed) * np.where((ago <= CLOSED_AGO) & (ago >= 30), idle, 1.0)
    one, other = judged(use).signals, judged(use * factor).signals
    for name in ("value", "quality"):
        a, b = one[name].fill_null(-1.0).to_numpy(), other[name].fill_null(-1.0).to_numpy()
        assert np.allclose(a, b, atol=1e-6), (name, a, b)


@pytest.mark.parametrize("level", [0.0, 100.0, 160.0, 300.0])
def test_more_noise_gives_no_more_certainty_on_average(level: float) -> None:
    """Certainty is the distance of the log-odds from those of the prior, mean of many draws."""
    prior = DEFAULT_METERS.prior

    def certainty(noise: float) -> float:
        values = [power(judged(plant(25, level, noise, seed, every=2)))["value"] for seed in range(count(12))]
        return float(
            np.mean(np.abs(np.log(values) - np.log1p(-np.array(values)) - math.log(prior / (1 - prior))))
        )

    assert certainty(0.6) <= certainty(0.03) + 0.1


def test_missing_days_lower_the_quality() -> None:
    rng = np.random.default_rng(1)
    order = rng.permutation(DAYS)
    for level in (0.0, 400.0):
        use = plant(30, level, 0.08, 2)
        quality = [power(judged(use, keep=order >= gone))["quality"] for gone in (0, 60, 150, 300)]
        assert quality == sorted(quality, reverse=True) and quality[0] - quality[-1] > 0.4


@pytest.mark.parametrize("seed", range(6))
def test_the_start_is_that_of_least_squares(seed: int) -> None:
    """Binary segmentation of `ruptures` on the logarithm, after the closure: one change of level."""
    started_ago = [9, 21, 30, 47, 75, 120][seed]
    use = plant(started_ago, 300.0, 0.15, seed)
    [start] = judged(use).starts.rows(named=True)
    after = np.log(use[-CLOSED_AGO + 30 :])
    [change, _] = ruptures.Binseg(model="l2", jump=1).fit(after).predict(n_bkps=1)
    begun = AT - dt.timedelta(days=len(after) - 1 - change)
    assert start["started_from"] - dt.timedelta(days=1) <= begun <= start["started_to"] + dt.timedelta(days=1)


def test_the_chain_is_the_sum_over_all_paths() -> None:
    """Forward and backward against all 2^n paths, with Student's t from scipy."""
    rng = np.random.default_rng(5)
    start = np.array([0, 1, 2, 4, 5, 9, 10, 12])
    length = np.array([1, 1, 1, 1, 4, 1, 2, 1])
    use = np.array([5.0, 5.5, 9.0, 30.0, 22.0, 5.2, 14.0, 4.0]) * np.exp(rng.normal(0, 0.1, 8))
    weight = np.array([1.0, 1.0, 0.3, 1.0, 1.0, 0.0, 0.7, 1.0])
    idle, offset, spread, highest, up, down, odd = 5.0, 0.2, 0.3, 60.0, 0.05, 0.2, 0.01
    found = active_probability(
        start, length, use, weight, np.full(8, idle), offset, spread, highest, up, down, odd
    )
    top = max(math.log((highest + offset) / (idle + offset)), 1.4)
    z = np.log((use + offset) / (idle + offset))
    scale = np.maximum(spread * length**-0.3, 0.05)
    beyond = np.where(z < 0, -z, np.maximum(z - top, 0.0))
    above = np.exp(-beyond / scale) / top
    like = np.stack([((1 - odd) * stats.t(5, scale=scale).pdf(z) + odd * above) ** weight, above**weight])
    always, paths = up / (up + down), np.zeros((8, 2))
    for path in itertools.product((0, 1), repeat=8):
        p, before = 1.0, always
        for i, state in enumerate(path):
            days = length[0] if i == 0 else start[i] - start[i - 1]
            on = always + (before - always) * (1 - up - down) ** days
            p *= (on if state else 1 - on) * like[state, i]
            before = float(state)
        for i, state in enumerate(path):
            paths[i, state] += p
    assert np.allclose(found, paths[:, 1] / paths.sum(axis=1), atol=1e-4)


@examples(30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(1, 9)), min_size=1, max_size=12), st.floats(0.05, 0.95)
)
def test_a_weighted_quantile_is_that_of_repeated_values(rows: list[tuple[float, int]], q: float) -> None:
    values, weights = np.array([r[0] for r in rows]), np.array([float(r[1]) for r in rows])
    repeated = np.repeat(values, weights.astype(int))
    assert weighted_quantile(values, weights, q) in (
        pytest.approx(np.quantile(repeated, q, method="inverted_cdf")),
        pytest.approx(np.quantile(repeated, min(q + 1e-9, 1), method="inverted_cdf")),
    )


@examples(30, deadline=None)
@given(
    cuts=st.lists(st.lists(st.integers(1, 59), max_size=12, unique=True), min_size=1, max_size=3),
    seed=st.integers(0, 99),
)
def test_intervals_of_several_meters_keep_the_total(cuts: list[list[int]], seed: int) -> None:
    """Meters that cover the same 60 days: no use is lost or made, and every cut is one that all of them have."""
    rng = np.random.default_rng(seed)
    meter, start, length = [], [], []
    for i, inner in enumerate(cuts):
        edges = [0, *sorted(inner), 60]
        meter += [i] * (len(edges) - 1)
        start += edges[:-1]
        length += list(np.diff(edges))
    use = rng.uniform(0, 10, len(start))
    begins, days, mean, weight = common_intervals(
        np.array(meter), np.array(start), np.array(length), use, np.ones(len(start)), 59
    )
    assert (
        (mean * days).sum() == pytest.approx(use.sum()) and days.sum() == 60 and set(weight.round(9)) == {1.0}
    )
    assert {0, *begins.tolist()} == {0, *set.intersection(*(set(inner) | {0} for inner in cuts))}


def city_rows(seed: int, n: int, share: float, *, modes: bool = True) -> pl.DataFrame:
    """Values of power and water with the truth."""
    readings, sites, plants = draw_city(seed, n, working_share=share, modes=modes)
    truth = pl.DataFrame(
        {"site_id": [p.site_id for p in plants], "works": [p.work_habit is not None for p in plants]}
    )
    rows = meter_signals(readings, sites, at=WINTER).signals.filter(
        pl.col("signal").is_in(["power_use", "water_use"])
    )
    return rows.join(truth, on="site_id")


def test_values_are_calibrated() -> None:
    """Of what has a value of p, about a share p works: within 0.1 where there are enough, and on average within 0.05."""
    rows = (
        pl.concat([city_rows(seed, 500, 0.15) for seed in (101, 102)])
        .drop_nulls("value")
        .filter(pl.col("quality") > 0.3)
    )
    edges = [0.05, 0.5, 0.9]
    bins = rows.with_columns(bin=sum(pl.col("value") > edge for edge in edges)).group_by("bin").agg(
        n=pl.len(), mean=pl.col("value").mean(), rate=pl.col("works").mean()
    )  # fmt: skip
    gap = bins.with_columns(
        gap=(pl.col("mean") - pl.col("rate")).abs(),
        error=(pl.col("rate") * (1 - pl.col("rate")) / pl.col("n")).sqrt(),
    )
    assert (gap["gap"] * gap["n"]).sum() / gap["n"].sum() < 0.05
    assert gap.filter(pl.col("gap") > 0.1 + pl.col("error")).is_empty(), gap
    works = rows.filter("works")
    assert (works["value"] > 0.5).mean() > 0.75


def test_starts_are_calibrated() -> None:
    """The first day of work lies in the interval of 90 %, two days allowed, where work is clear and read daily."""
    readings, sites, plants = draw_city(77, 300, working_share=0.6, modes=False)
    found = meter_signals(readings, sites, at=WINTER)
    clear = found.signals.filter((pl.col("signal") == "power_use") & (pl.col("value") > 0.8))[
        "site_id"
    ].to_list()
    spans = {
        row["site_id"]: row for row in found.starts.filter(pl.col("kind") == "power").iter_rows(named=True)
    }
    hits = []
    for plant_ in plants:
        if plant_.site_id in clear and plant_.work_habit in ("every_day", "weekdays", "every_third_day"):
            ago = np.arange(plant_.started_ago - 1, -1, -1)
            weekday = np.array([(WINTER - dt.timedelta(days=int(a))).weekday() for a in ago])
            first = WINTER - dt.timedelta(days=int(ago[work_days(plant_.work_habit, weekday, ago)][0]))
            span, slack = spans[plant_.site_id], dt.timedelta(days=2)
            hits.append(span["started_from"] - slack <= first <= span["started_to"] + slack)
    assert len(hits) > 40 and np.mean(hits) >= 0.85


@pytest.mark.parametrize("modes", [False, True])
def test_idle_plants_of_all_habits_are_not_taken_for_work(modes: bool) -> None:
    """At most 2 % of 400 idle plants, in winter: guards, pumps, heating, seasons, trends, leaks, lights, tests, zeros."""
    rows = city_rows(201 + modes, 400, 0.0, modes=modes)
    wrong = rows.filter((pl.col("value") > 0.5) & (pl.col("quality") > 0.5))
    assert wrong.filter(pl.col("signal") == "power_use").height <= 8
    assert (
        wrong.filter(pl.col("signal") == "water_use").height <= 16
    )  # half of a leak may stand since before the closure


def hostile_readings(rng: np.random.Generator) -> pl.DataFrame:
    """Anything that a file may hold: overlaps, repeats, gaps, all lengths, no numbers, unknown kinds and qualities."""
    n = int(rng.integers(0, 120))
    begin = rng.integers(0, 400 * 24, n) * 3600 + rng.integers(0, 2, n) * 1800
    length = rng.choice([0, 900, 3600, 86_400, 90_000, 5 * 86_400, 30 * 86_400, 61 * 86_400, -3600], n)
    first = dt.datetime(2024, 9, 1, tzinfo=dt.UTC)
    value = rng.choice([0.0, 1.0, 5.5, 1e12, -3.0, np.nan, np.inf, 1e-12], n) * rng.choice([1.0, 7.0], n)
    return pl.DataFrame(
        {
            "site_id": rng.choice(["A", "B", "C", "unknown"], n).tolist(),
            "kind": rng.choice(["power", "water", "gas", "heat"], n).tolist(),
            "meter_id": pl.Series(rng.choice(["1", "2"], n).tolist(), dtype=pl.String).replace("2", None if n % 2 else "2"),
            "from_at": [first + dt.timedelta(seconds=int(b)) for b in begin],
            "to_at": [first + dt.timedelta(seconds=int(b + s)) for b, s in zip(begin, length, strict=True)],
            "value": [None if v > 30 else float(v) for v in value],
            "quality": pl.Series(rng.choice(["measured", "estimated", "computed", "missing", "other"], n).tolist(), dtype=pl.String),
            "flags": [rng.choice(["stuck", "swap", "unit_jump", "new"], int(rng.integers(0, 3))).tolist() for _ in range(n)],
        },
        schema_overrides={"from_at": pl.Datetime("us", "UTC"), "to_at": pl.Datetime("us", "UTC"), "value": pl.Float64,
                          "flags": pl.List(pl.String), "site_id": pl.String, "kind": pl.String, "meter_id": pl.String},
    )  # fmt: skip


@examples(40, deadline=None)
@given(st.integers(0, 10_000))
def test_any_readings_give_rows_in_their_ranges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sites = pl.DataFrame(
        {
            "site_id": ["A", "B", "C"],
            "status": ["closed", "suspended", "dismantled"],
            "status_since": [dt.date(2025, 3, 1), None, dt.date(2025, 9, 10)],
        }
    )
    readings = hostile_readings(rng)
    found = meter_signals(readings, sites, at=AT)
    assert found.signals.height == 21
    for name in ("value", "quality"):
        known = found.signals[name].drop_nulls().to_numpy()
        assert np.all(np.isfinite(known)) and np.all((known >= 0) & (known <= 1))
    total = found.regimes.select(pl.sum_horizontal("p_idle", "p_work", "p_unknown")).to_series().to_numpy()
    assert (
        np.allclose(total, 1.0)
        and found.starts.filter(pl.col("started_from") > pl.col("started_to")).is_empty()
    )
    again = meter_signals(readings.sample(fraction=1.0, shuffle=True, seed=seed), sites, at=AT)
    assert again.signals.select("site_id", "signal").equals(found.signals.select("site_id", "signal"))
    values = [frame["value"].fill_null(-1).to_numpy() for frame in (again.signals, found.signals)]
    assert np.allclose(*values, atol=1e-6)
