"""Daily power and water readings of the chemical plants over two years."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from geo_api.demo_city.planting import RESUMPTION, Plan
from geo_api.demo_city.tessellation import Floats, Ints


def _smooth_noise(shape: tuple[int, int], rho: float, sigma: float, rng: np.random.Generator) -> Floats:
    """Log noise that remembers the day before, shape (sites, days)."""
    out = rng.normal(scale=sigma, size=shape)
    for day in range(1, shape[1]):
        out[:, day] = rho * out[:, day - 1] + np.sqrt(1 - rho * rho) * out[:, day]
    return np.exp(out)


def _demand(sites: int, days: int, end_day: dt.date, rng: np.random.Generator) -> Floats:
    """Relative use of a working plant around 1.

    Weekday pattern, season, memory, a maintenance week now and then.
    """
    dates = [end_day - dt.timedelta(days=days - 1 - d) for d in range(days)]
    weekend = np.array([d.weekday() >= 5 for d in dates])
    year = np.array([d.timetuple().tm_yday for d in dates]) / 365.25
    rest = rng.choice([1.0, 0.85, 0.5], size=sites, p=[0.4, 0.35, 0.25])
    season = rng.normal(0.08, 0.05, size=(sites, 1))
    demand = np.where(weekend, rest[:, None], 1.0) * (1 + season * np.cos(2 * np.pi * (year - 0.58)))
    for site in range(sites):
        for _ in range(rng.poisson(1.5)):
            start = rng.integers(days)
            demand[site, start : start + rng.integers(4, 11)] *= rng.uniform(0.08, 0.3)
    return demand


def _ramp(days_ago: Floats, since: Floats, length: Floats) -> Floats:
    """0 before ``since`` days ago, rising to 1 over ``length`` days.

    Shapes (1, days), (sites, 1), (sites, 1).
    """
    return np.clip((since - days_ago) / length, 0.0, 1.0)


def _after_closure(
    plan: Plan, lots: Ints, days: int, kind: str, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Idle share of the former use, and the share to which use rises again, each of shape (sites, days)."""
    n = len(lots)
    role = plan.role[lots]
    guards = role == "guards_only"
    idle = rng.uniform(0.03, 0.09, n) if kind == "power" else rng.uniform(0.01, 0.05, n)
    if kind == "power":
        idle = np.where(guards, rng.uniform(0.10, 0.19, n), idle)
    else:
        idle = np.where(guards, rng.uniform(0.03, 0.07, n), idle)
    level = np.zeros(n)
    level = np.where(role == RESUMPTION, rng.uniform(0.40, 0.75, n), level)
    level = np.where(role == "dismantling", rng.uniform(0.18, 0.40, n), level)
    level = np.where(role == "shared_meter", rng.uniform(0.35, 0.80, n), level)
    days_ago = np.arange(days - 1, -1, -1.0)[None, :]
    lag = rng.integers(-1, 2, n) if kind == "water" else np.zeros(n)
    since = np.where(
        role == "shared_meter", plan.closed_day[lots] - rng.integers(3, 40, n), plan.resumed[lots] + lag
    )
    rise = _ramp(days_ago, since[:, None].astype(float), rng.uniform(3.0, 9.0, (n, 1)))
    active = np.where((role == RESUMPTION)[:, None] & (rng.uniform(size=(n, days)) < 0.14), 0.45, 1.0)
    return np.repeat(idle[:, None], days, axis=1), rise * level[:, None] * active


def _use(plan: Plan, lots: Ints, days: int, kind: str, rng: np.random.Generator) -> Floats:
    """Relative use, 1 for a working day of the plant itself."""
    demand = _demand(len(lots), days, plan.end_day, rng)
    idle, again = _after_closure(plan, lots, days, kind, rng)
    days_ago = np.arange(days - 1, -1, -1.0)[None, :]
    closed_ago = plan.closed_day[lots][:, None].astype(float)
    falling = np.where(
        closed_ago >= 0, _ramp(days_ago, closed_ago, rng.uniform(3.0, 10.0, (len(lots), 1))), 0.0
    )
    seasonal_idle = idle * (
        0.85 + 0.3 * rng.uniform(size=(len(lots), 1)) * np.cos(2 * np.pi * days_ago / 365.25) ** 2
    )
    share = demand * (1 - falling) + falling * np.maximum(seasonal_idle, again)
    slack = np.where(plan.role[lots] == "suspended", 0.25, 1.0)[:, None]
    return share * np.where(days_ago < 120, slack, 1.0)


def _qualities(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.int8]:
    """0 measured, 1 estimated, 2 missing: single days and a few runs of days."""
    draw = rng.uniform(size=shape)
    quality = np.where(draw < 0.012, 1, np.where(draw < 0.02, 2, 0)).astype(np.int8)
    for site in range(shape[0]):
        for _ in range(rng.poisson(1.2)):
            start = rng.integers(shape[1])
            quality[site, start : start + rng.integers(2, 7)] = rng.integers(1, 3)
    return quality


def _carry(values: Floats, quality: NDArray[np.int8]) -> Floats:
    """Estimate values as billing systems do: the last measured one, with a little added."""
    out = values.copy()
    for day in range(1, values.shape[1]):
        out[:, day] = np.where(quality[:, day] == 1, out[:, day - 1] * 1.01, out[:, day])
    return out


def make_meters(
    plan: Plan, lots: Ints, site_ids: list[str], days: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Return readings of power (kWh) and water (m³) for the plants on ``lots``.

    Parameters
    ----------
    plan : Plan
    lots : ndarray of int, shape (n,)
    site_ids : list of str, length n
    days : int
        Back from the demo's last day.
    rng : Generator

    Returns
    -------
    polars.DataFrame
        ``site_id``, ``kind``, ``day``, ``value`` (null when missing), ``quality``; sorted by site, kind, day.
    """
    base = {"power": rng.lognormal(9.0, 0.8, len(lots))}
    base["water"] = base["power"] * rng.lognormal(-3.6, 0.5, len(lots))
    shape = (len(lots), days)
    dates = pl.Series([plan.end_day - dt.timedelta(days=days - 1 - d) for d in range(days)], dtype=pl.Date)
    gone = _gone(plan, lots, days, rng)
    frames = []
    for kind in ("power", "water"):
        noise = _smooth_noise(shape, 0.6, 0.09 if kind == "power" else 0.14, rng)
        quality = _qualities(shape, rng)
        quality[gone == 1] = 2
        values = _carry(_use(plan, lots, days, kind, rng) * noise * base[kind][:, None], quality)
        frames.append(_table(kind, site_ids, dates, values, quality, gone == 2))
    table = pl.concat(frames).filter(~pl.col("gone")).drop("gone")
    empty = pl.when(pl.col("quality") == "missing").then(None).otherwise(pl.col("value"))
    return table.with_columns(value=empty).sort("site_id", "kind", "day")


def _gone(plan: Plan, lots: Ints, days: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Plants without data since closure: 1 rows that say missing, 2 no rows at all; shape (sites, days)."""
    days_ago = np.arange(days - 1, -1, -1)[None, :]
    lost = (plan.role[lots] == "missing_meters")[:, None]
    way = rng.integers(1, 3, len(lots))[:, None]
    return np.where(lost & (days_ago < plan.closed_day[lots][:, None]), way, 0).astype(np.int8)


def _table(
    kind: str,
    site_ids: list[str],
    dates: pl.Series,
    values: Floats,
    quality: NDArray[np.int8],
    gone: NDArray[np.bool_],
) -> pl.DataFrame:
    """Return readings of one kind as rows; arrays have shape (sites, days)."""
    return pl.DataFrame(
        {
            "site_id": np.repeat(np.array(site_ids), len(dates)),
            "kind": kind,
            "day": pl.concat([dates] * len(site_ids)),
            "value": np.round(values, 1).reshape(-1),
            "quality": np.array(["measured", "estimated", "missing"])[quality.reshape(-1)],
            "gone": gone.reshape(-1),
        }
    )
