"""Stays, visits and hot-spot counts of Parquet on a cluster (Dask ``distributed``), one part a bucket of vehicles.

Layout, on any `fsspec` path: ``day=2026-01-31/bucket=017/*.parquet``. A vehicle is always in the same bucket, so a part needs no
other part, and a part that lost its worker is simply run again. This module and `spatial_models.bulk` are the only ones that
read and write files.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import fsspec
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from grid.cells import cells_of
from spatial_models.bulk import (
    BATCH_ROWS,
    BulkResult,
    FrameWriter,
    Progress,
    add_quality,
    parquet_files,
    read_tables,
)
from spatial_models.errors import InputFrameError, ModelError, ParameterError, PartFailed
from spatial_models.frames import time_us, to_polars
from spatial_models.ordering import FIX_COLUMNS, vehicle_codes
from spatial_models.stays import StayState, detect_stays
from spatial_models.visits import find_visits

UNKNOWN_DAY = "0000-00-00"
"""Where rows without a usable time go: they are counted, not dropped."""
ATTEMPTS = 3
"""So often a part is tried again after it lost its worker."""
_PART = re.compile(r"day=(?P<day>\d{4}-\d\d-\d\d)/bucket=(?P<bucket>\d+)/[^/]+\.parquet$")
_COUNTS: dict[str, Any] = {"cell": pl.UInt64, "stays": pl.Int64, "vehicles": pl.Int64, "dwell_s": pl.Float64}


@dataclass
class PartitionedResult:
    """What a run wrote below its target.

    Attributes
    ----------
    stays, visits : int
        Rows in ``stays/bucket=*.parquet`` and ``visits/bucket=*.parquet``.
    hot_spots : polars.DataFrame
        ``cell`` (H3, uint64), ``stays``, ``vehicles`` (distinct), ``dwell_s``; also in ``hot_spots.parquet``.
    quality : dict of str to int
        See `spatial_models.stays.detect_stays`.
    parts : int
    """

    stays: int = 0
    visits: int = 0
    hot_spots: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_COUNTS))
    quality: dict[str, int] = field(default_factory=dict)
    parts: int = 0


def bucket_of(vehicle_ids: pl.Series, buckets: int) -> np.ndarray[Any, Any]:
    """Bucket of each vehicle: CRC-32 of its id as text, the same on every machine and for ever.

    Examples
    --------
    The published check value of CRC-32, 0xCBF43926:

    >>> bucket_of(pl.Series(["123456789"]), 1000).tolist() == [0xCBF43926 % 1000]
    True
    """
    return np.array([zlib.crc32(str(v).encode()) % buckets for v in vehicle_ids.to_list()], np.int64)


def partition_fixes(
    source: str,
    target: str,
    *,
    buckets: int = 64,
    batch_rows: int = BATCH_ROWS,
    progress: Progress = lambda done, total: None,
) -> int:
    """Write the fixes of Parquet files by UTC day and bucket of vehicles; returns how many rows.

    Raises
    ------
    InputFrameError, ParameterError
    """
    if not 1 <= buckets <= 100_000:
        raise ParameterError(f"buckets must be 1 to 100000, got {buckets!r}")
    files = parquet_files(source)
    total, done = sum(file.rows for file in files), 0
    for number, table in enumerate(read_tables(files, batch_rows, BulkResult())):
        frame = to_polars(table, "fixes", FIX_COLUMNS)
        ids, code = vehicle_codes(frame["vehicle_id"], pl.Series([], dtype=pl.Null))
        bucket = np.append(bucket_of(ids, buckets), 0)[code]
        parts = frame.with_columns(day=_days(frame["t"]), bucket=pl.Series(bucket))
        for (day, part), rows in parts.partition_by("day", "bucket", as_dict=True, include_key=False).items():
            with FrameWriter(f"{target}/day={day}/bucket={part:03d}/part-{number:06d}.parquet") as writer:
                writer.write(
                    rows.with_columns(pl.col("vehicle_id").cast(ids.dtype if len(ids) else pl.String))
                )
        done += table.num_rows
        progress(done, total)
    return done


def _days(t: pl.Series) -> pl.Series:
    us = time_us(t, "fixes")
    fits = (us > -62_135_596_800_000_000) & (us < 253_402_300_800_000_000)  # years 1 to 9999
    day = pl.Series(np.where(fits, us, 0)).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d")
    return pl.select(
        pl.when(pl.Series(fits)).then(day).otherwise(pl.lit(UNKNOWN_DAY)).alias("day")
    ).to_series()


def run_partitioned(
    source: str,
    target: str,
    *,
    scheduler: str | None = None,
    workers: int = 2,
    sites: pl.DataFrame | None = None,
    places: pl.DataFrame | None = None,
    resolution: int = 9,
    first_day: str | None = None,
    last_day: str | None = None,
    visit_parameters: dict[str, Any] | None = None,
    progress: Progress = lambda done, total: None,
    **parameters: Any,
) -> PartitionedResult:
    """Stays, visits and hot-spot counts of partitioned fixes on a cluster; the same rows as in one process.

    Parameters
    ----------
    source : str
        Of `partition_fixes`: ``day=…/bucket=…/*.parquet``. Every worker must be able to read it.
    target : str
        Gets ``stays/bucket=*.parquet``, ``visits/bucket=*.parquet`` (with ``sites``) and ``hot_spots.parquet``; each file is
        complete or not there, so a run that was stopped can be run again.
    scheduler : str or None
        ``tcp://host:port`` of a Dask scheduler; None: a cluster on this machine.
    workers : int
        Processes of the cluster on this machine.
    sites, places, visit_parameters
        Of `spatial_models.visits.find_visits`.
    resolution : int
        H3 resolution of the hot-spot counts.
    first_day, last_day : str or None
        ``2026-01-31``: only these UTC days, both included. What goes on at the first day's begin starts there.
    progress : callable
        Takes parts done and parts in all.
    **parameters
        Of `spatial_models.stays.detect_stays`.

    Raises
    ------
    InputFrameError
        Nothing is partitioned there.
    PartFailed
        A part lost its worker more than ``ATTEMPTS`` times, or the scheduler cannot be reached.
    """
    parts = _parts(source, first_day or "", last_day or "9999-12-31")
    task = partial(
        _run_part,
        target=target,
        sites=sites,
        places=places,
        resolution=resolution,
        visit_parameters=visit_parameters or {},
        parameters=parameters,
    )
    result = PartitionedResult(parts=len(parts))
    counts = [result.hot_spots]
    with _client(scheduler, min(workers, len(parts))) as client:
        for done, part in enumerate(_completed(client, task, sorted(parts.items())), start=1):
            result.stays += part.stays
            result.visits += part.visits
            counts.append(part.hot_spots)
            for name, count in part.quality.items():
                result.quality[name] = result.quality.get(name, 0) + count
            progress(done, len(parts))
    summed = pl.concat(counts).group_by("cell").agg(pl.col("stays", "vehicles", "dwell_s").sum())
    result.hot_spots = summed.sort("cell")
    with FrameWriter(f"{target}/hot_spots.parquet") as writer:
        writer.write(result.hot_spots)
    return result


def _parts(source: str, first_day: str = "", last_day: str = "9999-12-31") -> dict[int, list[str]]:
    """URLs of each bucket's files, by day."""
    try:
        file_system, path = fsspec.core.url_to_fs(source)
        found = [
            (m, p)
            for p in sorted(file_system.find(path))
            if (m := _PART.search(p)) and first_day <= m["day"] <= last_day
        ]
    except (OSError, ValueError, ImportError) as error:
        raise InputFrameError(f"{source}: cannot be read: {error}") from error
    if not found:
        raise InputFrameError(f"{source}: no day=…/bucket=…/*.parquet there; `partition_fixes` makes it")
    parts: dict[int, list[str]] = {}
    for match, one in found:
        parts.setdefault(int(match["bucket"]), []).append(file_system.unstrip_protocol(one))
    return parts


@contextmanager
def _client(scheduler: str | None, workers: int) -> Iterator[Any]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise PartFailed("a cluster needs the extra 'cluster': pip install 'wangge[cluster]'") from error
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout="20s", set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise PartFailed(f"scheduler {scheduler} cannot be reached: {error}") from error
        with client:
            yield client
        return
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _completed(
    client: Any,
    task: Callable[[tuple[int, list[str]]], PartitionedResult],
    parts: list[tuple[int, list[str]]],
) -> Iterator[PartitionedResult]:
    """Results as they come; a part whose worker is lost runs again elsewhere."""
    from distributed import KilledWorker, as_completed

    futures = client.map(task, parts, pure=False, retries=ATTEMPTS)
    for future in as_completed(futures, loop=client.loop):
        try:
            yield future.result()
        except ModelError:
            raise
        except KilledWorker as error:
            raise PartFailed(f"a part lost its worker again and again: {error}") from error
        except Exception as error:
            raise PartFailed(f"a part failed: {type(error).__name__}: {error}") from error
        future.release()


def _run_part(
    part: tuple[int, list[str]],
    *,
    target: str,
    sites: pl.DataFrame | None,
    places: pl.DataFrame | None,
    resolution: int,
    visit_parameters: dict[str, Any],
    parameters: dict[str, Any],
) -> PartitionedResult:
    """All days of one bucket, day by day with the state carried."""
    bucket, urls = part
    result = PartitionedResult(parts=1)
    state: StayState | None = None
    found: list[pl.DataFrame] = []
    days = sorted({_day(url) for url in urls})
    for day in days:
        frame = pa.concat_tables(
            [_read(url) for url in urls if _day(url) == day], promote_options="permissive"
        )
        some = detect_stays(frame, **parameters, state=state, final=day == days[-1])
        state = some.state
        found.append(some.stays)
        add_quality(result.quality, some.quality)
    stays = pl.concat(found, how="vertical_relaxed").sort("vehicle_id", "started_at")
    with FrameWriter(f"{target}/stays/bucket={bucket:03d}.parquet") as writer:
        writer.write(stays)
    result.stays = stays.height
    result.hot_spots = count_cells(stays, resolution)
    if sites is not None:
        visits = find_visits(stays, sites, places, **visit_parameters)
        with FrameWriter(f"{target}/visits/bucket={bucket:03d}.parquet") as writer:
            writer.write(visits)
        result.visits = visits.height
    return result


def _day(url: str) -> str:
    match = _PART.search(url)
    assert match is not None
    return match["day"]


def _read(url: str) -> pa.Table:
    try:
        with fsspec.open(url, "rb") as handle:
            return pq.ParquetFile(handle, read_dictionary=["vehicle_id"]).read(columns=list(FIX_COLUMNS))
    except (OSError, pa.ArrowException) as error:
        raise InputFrameError(f"{url}: cannot be read: {error}") from error


def count_cells(stays: pl.DataFrame, resolution: int) -> pl.DataFrame:
    """Stays, distinct vehicles and seconds in each H3 cell, sorted by cell."""
    cells = cells_of(stays["lon"].to_numpy(), stays["lat"].to_numpy(), resolution)
    dwell = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    counts = stays.select("vehicle_id", cell=pl.Series(cells, dtype=pl.UInt64), dwell_s=dwell).group_by("cell").agg(
        stays=pl.len().cast(pl.Int64), vehicles=pl.col("vehicle_id").n_unique().cast(pl.Int64), dwell_s=pl.col("dwell_s").sum()
    )  # fmt: skip
    return counts.select(_COUNTS.keys()).cast(pl.Schema(_COUNTS)).sort("cell")
