"""Rows of three departments through the contracts of their sources: time, processor time and greatest memory.

``python tests/benchmarks/bench_contracts.py [rows]``.

Half are fixes (UTF-8, our headings), three eighths readings of meters as an office exports them (GB 18030, Chinese
headings, days with slashes), one eighth sites. One row in a hundred breaks its contract, which must find exactly those.
Goal: 4,000,000 rows in 5 minutes within 2 GiB.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from geo_api.city_file import Source
from geo_api.imports.city_sources.contract_check import check_file, contract_of

GOAL_S, GOAL_MIB, GOAL_ROWS = 300.0, 2048.0, 4_000_000
NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)
BAD_EVERY = 100
CONTRACTS = {
    "tracks": {
        "fields": [
            {"name": "vehicle_id", "type": "string", "constraints": {"required": True, "pattern": "V-[0-9]+"}},
            {"name": "t", "type": "datetime", "constraints": {"required": True}},
            {"name": "lon", "type": "number", "constraints": {"minimum": 119, "maximum": 123}},
            {"name": "lat", "type": "number", "constraints": {"minimum": 31, "maximum": 34}},
            {"name": "speed_kmh", "type": "number", "constraints": {"minimum": 0, "maximum": 200}},
        ],
        "primaryKey": ["vehicle_id", "t"],
    },
    "meters": {
        "fields": [
            {"name": "场所编号", "type": "string", "constraints": {"required": True, "pattern": "S-[0-9]+"}},
            {"name": "表计类别", "type": "string", "constraints": {"enum": ["电", "power"]}},
            {"name": "日期", "type": "date", "constraints": {"required": True}},
            {"name": "用量", "type": "number", "constraints": {"minimum": 0, "maximum": 100000}},
        ],
        "primaryKey": ["场所编号", "日期"],
    },
    "sites": {
        "fields": [
            {"name": "site_id", "type": "string", "constraints": {"required": True}},
            {"name": "uscc"},
            {"name": "kind", "type": "string", "constraints": {"enum": ["production", "storage"]}},
            {"name": "lon", "type": "number", "constraints": {"minimum": 119, "maximum": 123}},
            {"name": "lat", "type": "number", "constraints": {"minimum": 31, "maximum": 34}},
        ],
        "primaryKey": ["site_id"],
    },
}  # fmt: skip


def main() -> None:
    """Print the figures of each file and of all of them."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else GOAL_ROWS
    with tempfile.TemporaryDirectory(prefix="wgb-contracts-") as name:
        folder = Path(name)
        files = {
            "tracks": _tracks(folder, rows // 2),
            "meters": _meters(folder, rows * 3 // 8),
            "sites": _sites(folder, rows // 8),
        }
        begun, busy = time.perf_counter(), time.process_time()
        for kind, path in files.items():
            _checked(folder, kind, path)
        took, used = time.perf_counter() - begun, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    share = rows / GOAL_ROWS
    ok = "met" if took <= GOAL_S * share and peak <= GOAL_MIB else "NOT MET"
    print(
        f"{rows:,} rows: {took:.0f} s, {used:.0f} s of processors, {peak:,.0f} MiB"
        f" (goal {GOAL_S * share:.0f} s, {GOAL_MIB:,.0f} MiB: {ok})"
    )


def _checked(folder: Path, kind: str, path: Path) -> None:
    (folder / f"{kind}.json").write_text(json.dumps(CONTRACTS[kind]), encoding="utf-8")
    source = Source(name=kind, kind=kind, files=(path.name,), contract=f"{kind}.json", tz="Asia/Shanghai")
    begun, busy = time.perf_counter(), time.process_time()
    findings = check_file(path, source, contract_of(source, folder), folder, [], NOW)
    took, used = time.perf_counter() - begun, time.process_time() - busy
    broken = sum(rule["rows"] for rule in findings.document()["rules"])
    planted = -(-findings.rows // BAD_EVERY)
    assert broken == planted, (kind, broken, planted, findings.document()["rules"])
    print(
        f"{kind}: {findings.rows:,} rows, {took:.1f} s, {used:.1f} s of processors, {broken:,} break the contract"
    )


def _tracks(folder: Path, n: int) -> Path:
    rng = np.random.default_rng(1)
    path, first = folder / "tracks.csv", dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    lon, lat, speed = rng.uniform(120, 122, n), rng.uniform(31.5, 33, n), rng.uniform(0, 90, n)
    lon[::BAD_EVERY] = 10.0
    with path.open("w", encoding="utf-8") as file:
        file.write("vehicle_id,t,lon,lat,speed_kmh\n")
        for k in range(n):
            at = first + dt.timedelta(seconds=30 * (k // 1000))
            file.write(f"V-{k % 1000},{at:%Y-%m-%dT%H:%M:%SZ},{lon[k]:.6f},{lat[k]:.6f},{speed[k]:.1f}\n")
    return path


def _meters(folder: Path, n: int) -> Path:
    rng = np.random.default_rng(2)
    path, first = folder / "meters.csv", dt.date(2025, 1, 1)
    use = rng.uniform(0, 5000, n)
    use[::BAD_EVERY] = 999_999
    with path.open("w", encoding="gb18030") as file:
        file.write("场所编号,表计类别,日期,用量\n")
        for k in range(n):
            day = first + dt.timedelta(days=k % 365)
            file.write(f"S-{k // 365},电,{day.year}/{day.month}/{day.day},{use[k]:.1f}\n")
    return path


def _sites(folder: Path, n: int) -> Path:
    path = folder / "sites.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("site_id,uscc,kind,lon,lat\n")
        for k in range(n):
            kind = "castle" if k % BAD_EVERY == 0 else "production"
            file.write(
                f"S-{k},919901000000000940,{kind},{120 + k % 1000 / 1000:.6f},{32 + k % 997 / 1000:.6f}\n"
            )
    return path


if __name__ == "__main__":
    main()
