"""Stays, visits and hot-spot counts of partitioned Parquet on a cluster (Dask ``distributed``).

The layout, on any `fsspec` path, is ``day=2026-01-31/bucket=017/*.parquet``. A vehicle is always in the same
bucket, so a part needs no other part, and a part whose worker is lost can run again. Only this module and
`spatial_models.out_of_core.streamed` read and write files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import fsspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from grid.areas import cells_of
from spatial_models.errors import InputFrameError, ModelError, ParameterError, PartFailed, StateMismatch
from spatial_models.fixes import FIX_COLUMNS
from spatial_models.out_of_core.partitioning import bucket_of as bucket_of
from spatial_models.out_of_core.partitioning import partition_fixes as partition_fixes
from spatial_models.out_of_core.partitioning import read_bucket_count, write_bucket_count
from spatial_models.out_of_core.streamed import FrameWriter, Progress, add_counts
from spatial_models.stays import StayState, detect_stays, state_from_frame, state_to_frame
from spatial_models.visits import find_visits

ATTEMPTS = 3
"""Number of retries of a part after it lost its worker."""
_PART = re.compile(r"day=(?P<day>\d{4}-\d\d-\d\d)/bucket=(?P<bucket>\d+)/[^/]+\.parquet$")
_STATE = re.compile(r"after=(?P<day>\d{4}-\d\d-\d\d)/bucket=(?P<bucket>\d+)\.parquet$")
_COUNTS: dict[str, Any] = {"cell": pl.UInt64, "stays": pl.Int64, "vehicles": pl.Int64, "dwell_s": pl.Float64}


@dataclass
class PartitionedResult:
    """Counts and hot spots of a run; its rows are files below the target.

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
    states: str | None = None,
    visit_parameters: dict[str, Any] | None = None,
    progress: Progress = lambda done, total: None,
    **parameters: Any,
) -> PartitionedResult:
    """Compute stays, visits and hot-spot counts of partitioned fixes on a cluster.

    The rows are the same as of one process.

    Parameters
    ----------
    source : str
        From `partition_fixes`: ``day=…/bucket=…/*.parquet``. Every worker must be able to read it.
    target : str
        Receives ``stays/bucket=*.parquet``, ``visits/bucket=*.parquet`` (with ``sites``) and
        ``hot_spots.parquet``. Each file exists only when it is complete, so a run that was stopped can be run
        again.
    scheduler : str or None
        ``tcp://host:port`` of a Dask scheduler; None: a cluster on this machine.
    workers : int
        Processes of the cluster on this machine.
    sites, places, visit_parameters
        As in `spatial_models.visits.find_visits`.
    resolution : int
        H3 resolution of the hot-spot counts.
    first_day, last_day : str or None
        ``2026-01-31``: only these UTC days, both included. Without ``states``, a stay that is in progress
        when the first day begins starts there.
    states : str or None
        Folder of states, for a nightly run (``first_day`` and ``last_day`` are then needed): the newest state
        before ``first_day`` is continued, the state after ``last_day`` is written as
        ``after=2026-01-31/bucket=*.parquet``. So a run may be repeated, also for an older day whose rows came
        late. The rows of the next night replace the open rows of this one (see `join_runs`).
    progress : callable
        Takes parts done and parts in total.
    **parameters
        As in `spatial_models.stays.detect_stays`.

    Returns
    -------
    PartitionedResult

    Raises
    ------
    InputFrameError
        The source has no partitions.
    StateMismatch
        The states have other parameters or another number of buckets.
    PartFailed
        A part lost its worker more than ``ATTEMPTS`` times, or the scheduler cannot be reached.
    """
    if states is not None and (first_day is None or last_day is None):
        raise ParameterError("states needs first_day and last_day")
    parts = _part_urls(source, first_day or "", last_day or "9999-12-31", has_states=states is not None)
    before, after = _state_urls(source, states, first_day or "", last_day or "")
    for bucket in before:
        parts.setdefault(bucket, [])
    task = partial(
        _run_part,
        target=target,
        sites=sites,
        places=places,
        resolution=resolution,
        visit_parameters=visit_parameters or {},
        parameters=parameters,
        before=before,
        after=after,
    )
    with _client(scheduler, min(workers, len(parts))) as client:
        result = _sum_results(_run_tasks(client, task, sorted(parts.items())), len(parts), progress)
    with FrameWriter(f"{target}/hot_spots.parquet") as writer:
        writer.write(result.hot_spots)
    return result


def _sum_results(found: Iterator[PartitionedResult], parts: int, progress: Progress) -> PartitionedResult:
    """Add up the results of all parts as they arrive."""
    result = PartitionedResult(parts=parts)
    counts = [result.hot_spots]
    for done, part in enumerate(found, start=1):
        result.stays += part.stays
        result.visits += part.visits
        counts.append(part.hot_spots)
        add_counts(result.quality, part.quality)
        progress(done, parts)
    summed = pl.concat(counts).group_by("cell").agg(pl.col("stays", "vehicles", "dwell_s").sum())
    result.hot_spots = summed.sort("cell")
    return result


def join_runs(runs: list[pl.DataFrame]) -> pl.DataFrame:
    """Join the stays of consecutive runs; the next run replaces the open stays of a run.

    Parameters
    ----------
    runs : list of polars.DataFrame
        Stays of each run, in their order.

    Returns
    -------
    polars.DataFrame
        Sorted by vehicle and time; the same rows as of one run over everything.
    """
    kept = [run.filter(~pl.col("open")) for run in runs[:-1]] + runs[-1:]
    return pl.concat(kept, how="vertical_relaxed").sort("vehicle_id", "started_at")


def _state_urls(
    source: str, states: str | None, first_day: str, last_day: str
) -> tuple[dict[int, str], str | None]:
    """Return the newest state of each bucket before the first day, and the folder of the next states."""
    if states is None:
        return {}, None
    buckets = read_bucket_count(source)
    if read_bucket_count(states) not in (None, buckets):
        raise StateMismatch(f"{states} has {read_bucket_count(states)} buckets, {source} has {buckets}")
    if buckets is not None:
        write_bucket_count(states, buckets)
    file_system, path = fsspec.core.url_to_fs(states)
    found = [
        (m, p) for p in sorted(file_system.find(path)) if (m := _STATE.search(p)) and m["day"] < first_day
    ]
    newest = max((m["day"] for m, _ in found), default="")
    before = {int(m["bucket"]): file_system.unstrip_protocol(p) for m, p in found if m["day"] == newest}
    return before, f"{states}/after={last_day}"


def _part_urls(
    source: str, first_day: str = "", last_day: str = "9999-12-31", *, has_states: bool = False
) -> dict[int, list[str]]:
    """Return the URLs of each bucket's files, by day."""
    try:
        file_system, path = fsspec.core.url_to_fs(source)
        found = [
            (m, p)
            for p in sorted(file_system.find(path))
            if (m := _PART.search(p)) and first_day <= m["day"] <= last_day
        ]
    except (OSError, ValueError, ImportError) as error:
        raise InputFrameError(f"{source}: cannot be read: {error}") from error
    if not found and not has_states:  # a night without a row still has its open stays
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


def _run_tasks(
    client: Any,
    task: Callable[[tuple[int, list[str]]], PartitionedResult],
    parts: list[tuple[int, list[str]]],
) -> Iterator[PartitionedResult]:
    """Yield results as they arrive; a part whose worker is lost runs again elsewhere."""
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
    before: dict[int, str],
    after: str | None,
) -> PartitionedResult:
    """Process all days of one bucket."""
    bucket, urls = part
    result = PartitionedResult(parts=1)
    state = None if bucket not in before else state_from_frame(_read_frame(before[bucket]))
    stays, state = _stays_by_day(urls, state, parameters, result)
    if after is not None:
        with FrameWriter(f"{after}/bucket={bucket:03d}.parquet") as writer:
            writer.write(state_to_frame(state))
    with FrameWriter(f"{target}/stays/bucket={bucket:03d}.parquet") as writer:
        writer.write(stays)
    result.stays = stays.height
    result.hot_spots = count_stays_by_cell(stays, resolution)
    if sites is not None:
        visits = find_visits(stays, sites, places, **visit_parameters)
        with FrameWriter(f"{target}/visits/bucket={bucket:03d}.parquet") as writer:
            writer.write(visits)
        result.visits = visits.height
    return result


def _stays_by_day(
    urls: list[str], state: StayState | None, parameters: dict[str, Any], result: PartitionedResult
) -> tuple[pl.DataFrame, StayState]:
    """Detect the stays of one bucket, day by day, with the state carried from day to day."""
    days = sorted({_day_of_url(url) for url in urls})
    found = []
    for day in days or [""]:
        tables = [_read_fixes(url) for url in urls if _day_of_url(url) == day]
        frame = pa.concat_tables(tables, promote_options="permissive") if tables else _no_fixes(state)
        some = detect_stays(frame, **parameters, state=state, final=day == (days or [""])[-1])
        state = some.state
        found.append(some.stays)
        add_counts(result.quality, some.quality)
    assert state is not None
    return pl.concat(found, how="vertical_relaxed").sort("vehicle_id", "started_at"), state


def _no_fixes(state: StayState | None) -> pl.DataFrame:
    kind = pl.String if state is None else state.vehicle_ids.dtype
    return pl.DataFrame(
        schema={"vehicle_id": kind, "t": pl.Datetime("us", "UTC"), "lon": pl.Float64, "lat": pl.Float64}
    )


def _day_of_url(url: str) -> str:
    match = _PART.search(url)
    assert match is not None
    return match["day"]


def _read_fixes(url: str) -> pa.Table:
    try:
        with fsspec.open(url, "rb") as handle:
            return pq.ParquetFile(handle, read_dictionary=["vehicle_id"]).read(columns=list(FIX_COLUMNS))
    except (OSError, pa.ArrowException) as error:
        raise InputFrameError(f"{url}: cannot be read: {error}") from error


def _read_frame(url: str) -> pl.DataFrame:
    try:
        with fsspec.open(url, "rb") as handle:
            frame = pl.from_arrow(pq.ParquetFile(handle).read())
    except (OSError, pa.ArrowException) as error:
        raise InputFrameError(f"{url}: cannot be read: {error}") from error
    assert isinstance(frame, pl.DataFrame)
    return frame


def count_stays_by_cell(stays: pl.DataFrame, resolution: int) -> pl.DataFrame:
    """Count stays, distinct vehicles and seconds of stay in each H3 cell, sorted by cell."""
    cells = cells_of(stays["lon"].to_numpy(), stays["lat"].to_numpy(), resolution)
    dwell = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    counts = stays.select("vehicle_id", cell=pl.Series(cells, dtype=pl.UInt64), dwell_s=dwell).group_by("cell").agg(
        stays=pl.len().cast(pl.Int64), vehicles=pl.col("vehicle_id").n_unique().cast(pl.Int64),
        dwell_s=pl.col("dwell_s").sum()
    )  # fmt: skip
    return counts.select(_COUNTS.keys()).cast(pl.Schema(_COUNTS)).sort("cell")
