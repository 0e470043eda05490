"""Seconds of `meter_signals` for 5,000 closed sites, two years of daily power and water: at most 60 on two cores.

``python tests/benchmarks/bench_meters.py [SITES]``. One site in ten works again; the readings are made before, and a
small run compiles the kernels.
"""

from __future__ import annotations

import datetime as dt
import sys
import time

import numpy as np
import polars as pl

from spatial_models.meters import meter_signals

AT = dt.date(2026, 3, 1)
DAYS = 730
LIMIT_S = 60.0


def city(sites: int, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Readings and register of ``sites`` closed sites."""
    rng = np.random.default_rng(seed)
    ago = np.arange(DAYS - 1, -1, -1)
    closed_ago = rng.integers(60, 600, sites)
    started_ago = np.where(rng.random(sites) < 0.1, rng.integers(7, 50, sites), 0)
    begin = pl.Series([AT - dt.timedelta(days=int(a)) for a in ago]).cast(pl.Datetime("us"))
    begin = begin.dt.replace_time_zone("Asia/Shanghai").dt.convert_time_zone("UTC")
    names = pl.Series([f"S{i:05d}" for i in range(sites)])
    frames = []
    for kind, former in (("power", 900.0), ("water", 30.0)):
        share = np.where(ago[None, :] > closed_ago[:, None], 1.0, 0.05)
        share = np.where(ago[None, :] < started_ago[:, None], 0.5, share)
        use = former * share * np.exp(rng.normal(0, 0.12, share.shape))
        frames.append(
            pl.DataFrame(
                {
                    "site_id": names.gather(np.repeat(np.arange(sites), DAYS)),
                    "kind": kind,
                    "meter_id": "1",
                    "from_at": begin.gather(np.tile(np.arange(DAYS), sites)),
                    "value": use.ravel(),
                    "quality": "measured",
                }
            ).with_columns(
                to_at=pl.col("from_at") + pl.duration(days=1), flags=pl.lit([], pl.List(pl.String))
            )
        )
    register = pl.DataFrame(
        {
            "site_id": names,
            "status": "closed",
            "status_since": [AT - dt.timedelta(days=int(a)) for a in closed_ago],
            "industry": None,
        }
    )
    return pl.concat(frames), register


def main() -> None:
    """Print rows, seconds and the limit."""
    sites = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    meter_signals(*city(20), at=AT)
    readings, register = city(sites)
    begun, busy = time.perf_counter(), time.process_time()
    found = meter_signals(readings, register, at=AT)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - busy
    high = found.signals.filter((pl.col("signal") == "power_use") & (pl.col("value") > 0.5)).height
    print(
        f"{sites} sites, {readings.height} readings: {seconds:.1f} s, {cpu:.1f} s of processor (limit {LIMIT_S * sites / 5000:.0f} s), {high} above 0.5"
    )


if __name__ == "__main__":
    main()
