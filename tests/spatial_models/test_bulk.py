"""Files streamed row group by row group, and a cluster with a worker killed in the middle, against one
run in memory.
"""

from __future__ import annotations

import datetime as dt
import math
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from spatial_models.errors import InputFrameError, ParameterError, PartFailed
from spatial_models.out_of_core import detect_stays_in_files, partition_fixes, run_partitioned
from spatial_models.out_of_core.partitioned import bucket_of
from spatial_models.stays import detect_stays
from spatial_models.visits import find_visits

T0 = dt.datetime(2026, 3, 2, 20, 0, tzinfo=dt.UTC)


def fleet(vehicles: int = 12, hours: int = 40, seed: int = 5) -> pl.DataFrame:
    """Vehicles that drive, stand, fall silent and send late, double and broken rows; in order of arrival."""
    rng = np.random.default_rng(seed)
    frames = []
    for v in range(vehicles):
        n = hours * 60
        speed = np.repeat(rng.choice([0.0, 0.0, 600.0], n // 20), 20)  # metres a minute
        lon = 120.8 + np.cumsum(speed * np.cos(rng.uniform(0, 6.3, n))) / 94_000 + rng.normal(0, 1e-5, n)
        lat = 32.0 + np.cumsum(speed * np.sin(rng.uniform(0, 6.3, n))) / 111_000 + rng.normal(0, 1e-5, n)
        t = np.arange(n) * 60 + rng.integers(0, 30, n)
        arrival = t + rng.integers(0, 500, n) * (rng.random(n) < 0.05)
        keep = rng.random(n) > np.repeat(rng.random(n // 40) < 0.1, 40)
        frames.append(
            pl.DataFrame(
                {"vehicle_id": f"苏F{v:05d}", "s": t, "arrival": arrival, "lon": lon, "lat": lat}
            ).filter(pl.Series(keep))
        )
    fixes = pl.concat(frames)
    double = fixes.sample(fraction=0.02, seed=seed)
    fixes = pl.concat([fixes, double]).sort("arrival", maintain_order=True)
    broken = pl.when(pl.int_range(pl.len()) % 501 == 7).then(math.nan).otherwise(pl.col("lat"))
    return fixes.select(
        "vehicle_id", (T0 + pl.duration(seconds="s")).dt.cast_time_unit("us").alias("t"), "lon", lat=broken
    )


@pytest.fixture(scope="module")
def fixes() -> pl.DataFrame:
    return fleet()


def test_streaming_equals_one_run(fixes: pl.DataFrame, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for n, part in enumerate(fixes.iter_slices(5_000)):
        part.write_parquet(folder / f"{n:03d}.parquet", row_group_size=1_700)
    whole = detect_stays(fixes)
    assert whole.stays.height > 100 and whole.quality["out_of_order"] > 100
    told: list[tuple[int, int]] = []
    result = detect_stays_in_files(
        str(folder),
        str(tmp_path / "out" / "stays.parquet"),
        batch_rows=2_000,
        progress=lambda *both: told.append(both),
    )
    got = pl.read_parquet(tmp_path / "out" / "stays.parquet")
    assert got.sort("vehicle_id", "started_at").equals(whole.stays)
    assert result.stays == got.height and told[-1] == (fixes.height, fixes.height)
    for name in ("rows", "used", "duplicates", "invalid", "invalid_number", "late", "pending"):
        assert result.quality[name] == whole.quality[name], name
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out" / "stays.parquet"]


def test_rows_that_come_too_late_are_counted(fixes: pl.DataFrame, tmp_path: Path) -> None:
    fixes.write_parquet(tmp_path / "in.parquet")
    result = detect_stays_in_files(
        str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet"), batch_rows=500, lateness_s=0
    )
    quality = result.quality
    assert quality["late"] > 0
    assert quality["rows"] == quality["used"] + quality["duplicates"] + quality["late"] + quality["invalid"]


def test_a_file_without_rows_gives_a_file_without_stays(fixes: pl.DataFrame, tmp_path: Path) -> None:
    fixes.clear().write_parquet(tmp_path / "in.parquet")
    assert detect_stays_in_files(str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet")).stays == 0
    assert pl.read_parquet(tmp_path / "out.parquet").schema == detect_stays(fixes).stays.schema


def test_what_cannot_be_read_is_named_and_leaves_nothing(fixes: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(InputFrameError, match="no Parquet file"):
        detect_stays_in_files(str(tmp_path / "none.parquet"), str(tmp_path / "out.parquet"))
    (tmp_path / "text.parquet").write_text("vehicle_id,t")
    with pytest.raises(InputFrameError, match=r"text\.parquet: is no Parquet file"):
        detect_stays_in_files(str(tmp_path / "text.parquet"), str(tmp_path / "out.parquet"))
    fixes.drop("lat").write_parquet(tmp_path / "short.parquet")
    with pytest.raises(InputFrameError, match=r"short\.parquet: column lat missing"):
        detect_stays_in_files(str(tmp_path / "short.parquet"), str(tmp_path / "out.parquet"))
    fixes.write_parquet(tmp_path / "in.parquet")
    with pytest.raises(ParameterError, match="radius_m"):
        detect_stays_in_files(str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet"), radius_m=-1)
    assert {p.name for p in tmp_path.iterdir()} == {"text.parquet", "short.parquet", "in.parquet"}


def test_memory_stays_flat(tmp_path: Path) -> None:
    """Twenty times the rows of a batch must not need twenty times the memory."""
    import tracemalloc

    n = 2_000_000
    t = pl.Series(np.arange(n) * 1_000_000).cast(pl.Datetime("us", "UTC"))
    rows = pl.DataFrame({"vehicle_id": np.arange(n) % 100, "t": t, "lon": 120.0, "lat": 32.0})
    rows.write_parquet(tmp_path / "in.parquet", row_group_size=100_000)
    del rows, t
    tracemalloc.start()
    detect_stays_in_files(str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet"), batch_rows=100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6  # numpy's arrays of two million rows would be 64 MB for times and places alone


def test_buckets_are_the_same_everywhere() -> None:
    assert bucket_of(pl.Series(["123456789"]), 1 << 31).tolist() == [
        0xCBF43926 % (1 << 31)
    ]  # the check value of CRC-32
    assert bucket_of(pl.Series([123456789]), 64).tolist() == bucket_of(pl.Series(["123456789"]), 64).tolist()


def test_cluster_gives_the_rows_of_one_process_though_a_worker_dies(
    fixes: pl.DataFrame, tmp_path: Path
) -> None:
    from distributed import Client, LocalCluster

    fixes.write_parquet(tmp_path / "raw.parquet", row_group_size=4_000)
    assert (
        partition_fixes(str(tmp_path / "raw.parquet"), str(tmp_path / "parts"), buckets=8, batch_rows=7_000)
        == fixes.height
    )
    assert len(list((tmp_path / "parts").glob("day=*"))) == 3
    assert sum(pq.read_metadata(p).num_rows for p in (tmp_path / "parts").rglob("*.parquet")) == fixes.height
    whole = detect_stays(fixes)
    sites = pl.DataFrame({"site_id": ["S1", "S2"], "lon": [120.8, 120.805], "lat": [32.0, 32.0]})
    killed: list[int] = []
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        before = set(client.run(os.getpid).values())

        def kill_one(done: int, total: int) -> None:
            if not killed:
                busy = [address for address, keys in client.processing().items() if keys]
                pid = client.run(os.getpid, workers=busy[:1])[busy[0]] if busy else before.copy().pop()
                killed.append(pid)
                os.kill(pid, signal.SIGKILL)
            assert done <= total

        result = run_partitioned(
            str(tmp_path / "parts"),
            str(tmp_path / "out"),
            scheduler=cluster.scheduler_address,
            sites=sites,
            visit_parameters={"reach_m": 2_000.0},
            progress=kill_one,
        )
        assert killed and killed[0] in before
    stays = pl.read_parquet(tmp_path / "out" / "stays" / "*.parquet").sort("vehicle_id", "started_at")
    assert stays.equals(whole.stays) and result.stays == stays.height
    visits = pl.read_parquet(tmp_path / "out" / "visits" / "*.parquet").sort(
        "entered_at", "visit_id", "site_id"
    )
    assert (
        visits.equals(find_visits(whole.stays, sites, reach_m=2_000.0)) and result.visits == visits.height > 0
    )
    assert result.quality["used"] == whole.quality["used"] and result.quality["rows"] == fixes.height
    spots = pl.read_parquet(tmp_path / "out" / "hot_spots.parquet")
    assert spots["stays"].sum() == stays.height and spots.equals(result.hot_spots)
    import h3

    first = stays.row(0, named=True)
    cell = h3.str_to_int(h3.latlng_to_cell(first["lat"], first["lon"], 9))
    there = [
        r["vehicle_id"]
        for r in stays.iter_rows(named=True)
        if h3.str_to_int(h3.latlng_to_cell(r["lat"], r["lon"], 9)) == cell
    ]
    assert spots.filter(pl.col("cell") == cell).select("stays", "vehicles").row(0) == (
        len(there),
        len(set(there)),
    )


def test_only_some_days(fixes: pl.DataFrame, tmp_path: Path) -> None:
    fixes.write_parquet(tmp_path / "raw.parquet")
    partition_fixes(str(tmp_path / "raw.parquet"), str(tmp_path / "parts"), buckets=1)
    day = dt.date(2026, 3, 3)
    run_partitioned(
        str(tmp_path / "parts"), str(tmp_path / "out"), workers=1, first_day=str(day), last_day=str(day)
    )
    expected = detect_stays(fixes.filter(pl.col("t").dt.date() == day)).stays
    assert pl.read_parquet(tmp_path / "out" / "stays" / "*.parquet").equals(expected)
    with pytest.raises(InputFrameError, match="no day="):
        run_partitioned(str(tmp_path / "parts"), str(tmp_path / "out"), first_day="2027-01-01")


def test_what_is_not_partitioned_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFrameError, match="no day="):
        run_partitioned(str(tmp_path), str(tmp_path / "out"))


def test_rows_without_a_time_stay_counted(tmp_path: Path) -> None:
    bad = fleet(2, 4).with_columns(
        t=pl.when(pl.int_range(pl.len()) % 10 == 0).then(None).otherwise(pl.col("t"))
    )
    bad = bad.with_columns(
        vehicle_id=pl.when(pl.int_range(pl.len()) % 10 == 1).then(None).otherwise(pl.col("vehicle_id"))
    )
    bad.write_parquet(tmp_path / "raw.parquet")
    assert partition_fixes(str(tmp_path / "raw.parquet"), str(tmp_path / "parts"), buckets=4) == bad.height
    assert sum(pq.read_metadata(p).num_rows for p in (tmp_path / "parts").rglob("*.parquet")) == bad.height
    assert (tmp_path / "parts" / "day=0000-00-00").is_dir()


def test_a_scheduler_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "day=2026-01-01" / "bucket=000").mkdir(parents=True)
    fleet(1, 4).write_parquet(tmp_path / "day=2026-01-01" / "bucket=000" / "a.parquet")

    def call(**more: Any) -> None:
        run_partitioned(str(tmp_path), str(tmp_path / "out"), **more)

    with pytest.raises(PartFailed, match="tcp:/nowhere"):
        call(scheduler="tcp:/nowhere")
