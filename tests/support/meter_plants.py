"""Invented plants with random habits, and their meter readings: for tests of the meter model only."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

AT = dt.date(2026, 2, 10)
DAYS = 800
IDLE_HABITS = ("guards", "pumps", "heating", "season", "trend", "leak", "zero", "test_day", "lights")
WORK_HABITS = ("every_day", "weekdays", "weekends", "every_third_day", "nights", "two_weeks")


@dataclass(frozen=True)
class Plant:
    """One closed plant with what it really does."""

    site_id: str
    closed_ago: int
    idle_habit: str
    work_habit: str | None
    started_ago: int
    work_level: float
    former: float
    idle_share: float
    noise: float
    continuous: bool


def draw_plant(rng: np.random.Generator, site_id: str, *, works: bool) -> Plant:
    """A plant with random habits; ``works``: it works again."""
    closed_ago = int(rng.integers(60, 560))
    return Plant(
        site_id=site_id,
        closed_ago=closed_ago,
        idle_habit=str(rng.choice(IDLE_HABITS)),
        work_habit=str(rng.choice(WORK_HABITS)) if works else None,
        started_ago=int(rng.integers(7, max(8, min(closed_ago - 30, 150)))),
        work_level=float(np.exp(rng.normal(np.log(0.4), 0.55)).clip(0.1, 1.2)),
        former=float(np.exp(rng.normal(np.log(800), 1.3))),
        idle_share=float(np.exp(rng.normal(np.log(0.05), 0.7)).clip(0.005, 0.2)),
        noise=float(rng.uniform(0.03, 0.25)),
        continuous=bool(rng.random() < 0.4),
    )


def cold(last: dt.date = AT, n: int = DAYS) -> np.ndarray:
    """How cold each day was, 0 to 1, the same for the whole city."""
    rng = np.random.default_rng(7)
    day = np.array([(last - dt.timedelta(days=n - 1 - i)).timetuple().tm_yday for i in range(n)])
    wave = np.convolve(rng.normal(0, 1, n + 8), np.ones(5) / 5, "same")[4 : 4 + n]
    return np.clip(np.cos(2 * np.pi * (day - 20) / 365) * 1.3 - 0.35 + 0.35 * wave, 0, 1)


def daily_use(
    plant: Plant, rng: np.random.Generator, kind: str = "power", last: dt.date = AT, n: int = DAYS
) -> Any:
    """Use of each day up to ``last``."""
    ago = np.arange(n - 1, -1, -1)
    weekday = np.array([(last - dt.timedelta(days=int(a))).weekday() for a in ago])
    working_day = np.ones(n, bool) if plant.continuous else weekday < 5
    idle = _idle(plant, rng, kind, ago, last)
    use = np.where((ago > plant.closed_ago) & working_day, 1.0, idle)
    if plant.work_habit is not None:
        on = work_days(plant.work_habit, weekday, ago)
        level = plant.work_level * (0.5 if plant.work_habit == "nights" else 1.0)
        use = np.where((ago < plant.started_ago) & on, np.maximum(use, idle + level), use)
    return plant.former * use * np.exp(rng.normal(0, plant.noise, n))


def work_days(habit: str, weekday: Any, ago: Any) -> Any:
    """Days of work of a habit."""
    return {
        "every_day": np.ones(len(ago), bool),
        "weekdays": weekday < 5,
        "weekends": weekday >= 5,
        "every_third_day": ago % 3 == 1,
        "nights": np.ones(len(ago), bool),
        "two_weeks": (ago // 14) % 2 == 0,
    }[habit]


def _idle(plant: Plant, rng: np.random.Generator, kind: str, ago: Any, last: dt.date) -> Any:
    """Idle use as a share of the former."""
    n, base = len(ago), np.full(len(ago), plant.idle_share)
    day = np.array([(last - dt.timedelta(days=int(a))).timetuple().tm_yday for a in ago])
    if plant.idle_habit == "zero":
        return np.zeros(n)
    if plant.idle_habit == "pumps":
        base = base + (rng.random(n) < rng.uniform(0.02, 0.2)) * rng.uniform(0.02, 0.18, n)
    if plant.idle_habit == "heating" and kind != "water":
        base = base + rng.uniform(0.03, 0.2) * cold(last, n)
    if plant.idle_habit == "season":
        base = base * (1 + rng.uniform(0.2, 0.5) * np.cos(2 * np.pi * (day - rng.integers(365)) / 365))
    if plant.idle_habit == "trend":
        base = base * np.exp(rng.uniform(-0.8, 0.8) * (1 - ago / 365))
    if plant.idle_habit == "leak":
        span = rng.integers(60, 300)
        base = base + rng.uniform(0.05, 0.5 if kind == "water" else 0.15) * np.clip(1 - ago / span, 0, 1)
    if plant.idle_habit == "lights":
        base = base * (1 + 0.4 * np.cos(2 * np.pi * (day + 10) / 365)) * np.where(ago % 7 == 0, 1.3, 1.0)
    if plant.idle_habit == "test_day":
        base[rng.integers(0, n, 6)] += rng.uniform(0.1, 0.8, 6)
    return base


def readings_of(
    site_id: str, use: Any, kind: str = "power", *, last: dt.date = AT, every_days: int = 1, missing: float = 0.0,
    quality: Any = "measured", meter_id: str = "1", rng: np.random.Generator | None = None, zone: str = "Asia/Shanghai",
) -> pl.DataFrame:  # fmt: skip
    """Readings of ``every_days`` days from use a day; the last day is ``last``."""
    n = len(use) - len(use) % every_days
    value = np.asarray(use, float)[len(use) - n :].reshape(-1, every_days).sum(axis=1)
    first = [last - dt.timedelta(days=n - 1 - i) for i in range(0, n, every_days)]
    frame = pl.DataFrame(
        {
            "site_id": site_id,
            "kind": kind,
            "meter_id": meter_id,
            "from_at": first,
            "to_at": [day + dt.timedelta(days=every_days) for day in first],
            "value": value,
            "quality": quality,
            "flags": pl.Series([[]] * len(first), dtype=pl.List(pl.String)),
        }
    ).with_columns(
        pl.col("from_at", "to_at")
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone(zone)
        .dt.convert_time_zone("UTC")
    )
    if missing and rng is not None:
        frame = frame.filter(pl.Series(rng.random(frame.height) >= missing))
    return frame


def sites_of(plants: list[Plant], last: dt.date = AT) -> pl.DataFrame:
    """The register of the plants."""
    return pl.DataFrame(
        {
            "site_id": [p.site_id for p in plants],
            "status": "closed",
            "status_since": [last - dt.timedelta(days=p.closed_ago) for p in plants],
            "industry": None,
            "hazard": None,
        },
        schema_overrides={"status_since": pl.Date, "industry": pl.String, "hazard": pl.String},
    )


def draw_city(
    seed: int, n: int, *, working_share: float, modes: bool = True
) -> tuple[pl.DataFrame, pl.DataFrame, list[Plant]]:
    """Readings, sites and the truth of ``n`` closed plants; ``modes``: some have bills, gaps and estimates."""
    rng = np.random.default_rng(seed)
    frames, plants = [], []
    for i in range(n):
        plant = draw_plant(rng, f"S{i:04d}", works=bool(rng.random() < working_share))
        plants.append(plant)
        every = int(rng.choice([1, 1, 1, 1, 5, 30])) if modes else 1
        for kind in ("power", "water"):
            mine = (
                plant
                if kind == "power"
                else replace(plant, former=plant.former / 30, noise=min(plant.noise * 1.5, 0.3))
            )
            use = daily_use(mine, rng, kind)
            frames.append(
                readings_of(
                    plant.site_id,
                    use,
                    kind,
                    every_days=every,
                    missing=rng.uniform(0, 0.2) if modes else 0,
                    rng=rng,
                )
            )
    return pl.concat(frames), sites_of(plants), plants
