"""How fast and how large are stays, encounters and fences, beside fastmob and trackintel on the same rows.

``python tests/benchmarks/bench_movement.py TRACKS.parquet [--repeat 7] [--rows 100000000] [--no-peers]
[--no-memory]``

Medians of calls that take turns (other work on the machine meets both alike); figures are comparable only
within one run. The peers live in ``.setup/peers`` (made by ``peers.sh``), fastmob with 2 threads. Real taxi
tracks: any Parquet with vehicle_id, t, lon, lat.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from reference_kernel import li_2008

from spatial_models.encounters.find import find_encounters
from spatial_models.fences import detect_fence_events
from spatial_models.fixes import order_fixes
from spatial_models.out_of_core import detect_stays_in_files
from spatial_models.stays import detect_stays
from spatial_models.stays import kernels as k

COLUMNS = ["vehicle_id", "t", "lon", "lat"]
HERE = Path(__file__).parent


def timed(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def in_turns(calls: dict[str, Callable[[], float]], repeat: int) -> dict[str, float]:
    """Median seconds of each, called in turns; the first turn compiles and is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeat + 1):
        for name, call in calls.items():
            found = call()
            if turn:
                seconds[name].append(found)
    return {name: statistics.median(found) for name, found in seconds.items()}


class Peer:
    """A library in its own environment; each call is timed there."""

    def __init__(self, python: str, name: str, path: str) -> None:
        environment = {
            **os.environ,
            "POLARS_MAX_THREADS": "2",
            "RAYON_NUM_THREADS": "2",
            "PYTHONWARNINGS": "ignore",
        }
        self._process = subprocess.Popen(
            [python, str(HERE / "peer_stays.py"), name, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip
        self.stays = 0

    def __call__(self) -> float:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        self.stays = said["stays"]
        return float(said["seconds"])

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def arrival_order(fixes: pl.DataFrame, folder: Path, name: str) -> str:
    path = folder / f"{name}.parquet"
    fixes.sort("t").write_parquet(path, compression="zstd", row_group_size=1_000_000)
    return str(path)


def read_and_detect(path: str) -> pl.DataFrame:
    return detect_stays(pq.ParquetFile(path, read_dictionary=["vehicle_id"]).read(columns=COLUMNS)).stays


def beside(ours: str, peer: Peer | None, path: str, n: int, repeat: int) -> None:
    calls: dict[str, Callable[[], float]] = {ours: lambda: timed(lambda: read_and_detect(path))}
    if peer is not None:
        calls["peer"] = peer
    seconds = in_turns(calls, repeat)
    print(f"  {ours:42s} {seconds[ours]:8.3f} s {n / seconds[ours] / 1e6:7.1f} M fixes/s")
    if peer is not None:
        print(f"  {'the peer':42s} {seconds['peer']:8.3f} s {n / seconds['peer'] / 1e6:7.2f} M fixes/s")
        print(f"  ratio {seconds['peer'] / seconds[ours]:.1f}")
        peer.close()


def kernel_alone(fixes: pl.DataFrame, repeat: int) -> None:
    rows = order_fixes(fixes)
    n, vehicles = len(rows.t), len(rows.starts)
    state_i, state_f = np.zeros((vehicles, 7), np.int64), np.zeros((vehicles, 7))
    out_i, out_f = np.empty((n // 2 + vehicles + 1, 6), np.int64), np.empty((n // 2 + vehicles + 1, 4))
    gaps = np.full(vehicles, 900_000_000)

    def scan() -> None:
        state_i[:] = 0
        k.scan_vehicles(
            rows.t, rows.lon, rows.lat, rows.starts, rows.ends, state_i, state_f, 150.0**2, 600_000_000, gaps,
            False, 0, out_i, out_f, np.zeros(8, np.int64),
        )  # fmt: skip

    def plain() -> None:
        for part in (rows.t, rows.lon, rows.lat):
            np.diff(part)

    def reference() -> None:
        li_2008(rows.t, rows.lon, rows.lat, rows.starts, rows.ends, 150.0, 600_000_000, 900_000_000)

    calls = {"kernel": scan, "reference": reference, "numpy": plain}
    seconds = in_turns({name: partial(timed, call) for name, call in calls.items()}, repeat)
    for name, said in (
        ("kernel", "kernel, exact Li, 1 thread, sorted arrays"),
        ("reference", "the shortest exact Li, same arrays"),
        ("numpy", "numpy, differences of t, lon, lat"),
    ):
        print(f"  {said:42s} {seconds[name]:8.3f} s {n / seconds[name] / 1e6:7.1f} M fixes/s")
    print(
        f"  kernel: {seconds['reference'] / seconds['kernel']:.2f} of the reference's speed, "
        f"{seconds['kernel'] / seconds['numpy']:.2f} x the numpy pass"
    )


def crowd(fixes: pl.DataFrame, vehicles: int = 500, rows: int = 1_000_000) -> pl.DataFrame:
    """So many vehicles at the same time: stretches of the tracks laid over each other."""
    first, last = fixes["t"].min(), fixes["t"].max()
    folds = -(-vehicles // fixes["vehicle_id"].n_unique())
    length = (last - first) / folds  # type: ignore[operator]
    parts = []
    for fold in range(folds):
        begin = first + length * fold  # type: ignore[operator]
        part = fixes.filter((pl.col("t") >= begin) & (pl.col("t") < begin + length))
        renamed = pl.concat_str(pl.col("vehicle_id").cast(pl.String), pl.lit(f"-{fold}"))
        parts.append(part.with_columns(pl.col("t") - length * fold, vehicle_id=renamed))
    whole = pl.concat(parts)
    chosen = whole["vehicle_id"].unique().sort().head(vehicles)
    return whole.filter(pl.col("vehicle_id").is_in(chosen.implode())).sort("t").head(rows)


def encounters_and_fences(fixes: pl.DataFrame, repeat: int) -> None:
    some = crowd(fixes)
    lon, lat = some["lon"].median(), some["lat"].median()
    boxes = [
        shapely.box(lon + x, lat + y, lon + x + 0.005, lat + y + 0.005)
        for x in np.arange(-0.1, 0.1, 0.02)
        for y in np.arange(-0.1, 0.1, 0.02)
    ]  # type: ignore[operator]
    fences = pl.DataFrame(
        {
            "fence_id": [str(n) for n in range(len(boxes))],
            "rule": "forbid_enter",
            "boundary": [b.wkb for b in boxes],
        }
    )
    calls = {
        "stays": lambda: timed(lambda: detect_stays(some)),
        "encounters": lambda: timed(lambda: find_encounters(some)),
        "fences": lambda: timed(lambda: detect_fence_events(some, fences)),
    }
    seconds = in_turns(calls, repeat)
    found = find_encounters(some).encounters
    print(
        f"  {some.height:,} fixes of {some['vehicle_id'].n_unique()} vehicles: {found.height:,} encounters"
        " within 50 m for 5 min"
    )
    for name, value in seconds.items():
        print(f"  {name:12s} {value:8.3f} s, {value / seconds['stays']:.2f} x the stays")


def write_synthetic(path: Path, rows: int, vehicles: int = 10_000) -> None:
    """Vehicles that stand and move by turns, one fix in 30 s each, in order of arrival."""
    names = pa.array([f"苏F{v:06d}" for v in range(vehicles)])
    schema = pa.schema(
        [
            ("vehicle_id", pa.dictionary(pa.int32(), pa.string())),
            ("t", pa.timestamp("ms", "UTC")),
            ("lon", pa.float64()),
            ("lat", pa.float64()),
        ]
    )
    steps = 100
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for block in range(-(-rows // (vehicles * steps))):
            step = np.repeat(np.arange(block * steps, (block + 1) * steps), vehicles)
            v = np.tile(np.arange(vehicles, dtype=np.int32), steps)
            where = (step + v) // 60
            moving = where % 2
            lon = 120.5 + (v * 7919 % 1000) * 1e-3 + where % 7 * 0.01 + moving * ((step + v) % 60) * 0.003
            lat = 31.5 + (v * 104_729 % 1000) * 1e-3 + (step * 13 + v) % 9 * 1e-5
            columns = [
                pa.DictionaryArray.from_arrays(pa.array(v), names),
                pa.array(1_767_225_600_000 + step * 30_000, pa.timestamp("ms", "UTC")),
                pa.array(lon),
                pa.array(lat),
            ]
            writer.write_table(pa.table(columns, schema=schema))


def stream(path: str) -> None:
    """In a process of its own, so that the peak is this call's."""
    target = f"{path}.stays"
    begin = time.perf_counter()
    result = detect_stays_in_files(path, target)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - begin,
                "peak_mib": peak,
                "stays": result.stays,
                **result.quality,
            }
        )
    )


def memory(folder: Path, rows: int) -> None:
    path = folder / "synthetic.parquet"
    write_synthetic(path, rows)
    command = [sys.executable, __file__, str(path), "--stream"]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"  {said['rows']:,} fixes ({path.stat().st_size / 2**20:,.0f} MiB) -> {said['stays']:,} stays:"
          f" peak {said['peak_mib']:,.0f} MiB, "
          f"{said['seconds']:.1f} s, {said['rows'] / said['seconds'] / 1e6:.1f} M fixes/s; used"
          f" {said['used']:,}, late {said['late']}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--peers", default=None, help="Python of an environment made by peers.sh")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--stream", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stream:
        stream(options.path)
        return
    python = None
    if not options.no_peers:
        python = (
            options.peers
            or subprocess.run([HERE / "peers.sh"], check=True, capture_output=True, text=True).stdout.strip()
        )
    fixes = pl.read_parquet(options.path, columns=COLUMNS)
    n = fixes.height
    print(
        f"{n:,} fixes, {fixes['vehicle_id'].n_unique()} vehicles, {len(os.sched_getaffinity(0))} cores;"
        f" medians of {options.repeat}"
    )
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        path = arrival_order(fixes, folder, "arrival")
        print("raw Parquet in arrival order -> stays, the peer is fastmob, 2 threads")
        beside("detect_stays", Peer(python, "fastmob", path) if python else None, path, n, options.repeat)
        part = fixes.sort("vehicle_id", "t").head(200_000)
        path = arrival_order(part, folder, "part")
        print(f"the first {part.height:,} of them, the peer is trackintel")
        beside("detect_stays", Peer(python, "trackintel", path) if python else None, path, part.height, 5)
        print("kernel")
        kernel_alone(fixes, options.repeat)
        print("encounters and 100 fences beside stays")
        encounters_and_fences(fixes, options.repeat)
        if not options.no_memory:
            print("memory of bulk stays")
            memory(folder, options.rows)


if __name__ == "__main__":
    main()
