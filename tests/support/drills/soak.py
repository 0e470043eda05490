"""A soak: the same load for minutes, during which memory, files, connections and times to answer must
stay as they are.
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg

from layers.postgres import libpq_url
from layers.private_server import backup as cluster_backup
from tests.support.acknowledged_writes import Comparison, Writers, compare
from tests.support.drills.crowd import Crowd
from tests.support.drills.faults import CHANGE, TOWN_BOX
from tests.support.event_streams import log_in
from tests.support.private_town import PrivateTown
from tests.support.row_digests import differing_tables, digests_seen_by
from tests.support.service_process import Service, serve

SAMPLE_S = 1.0
PARTS = 4
"""The time is told in quarters; the first is warming up, the second is compared with the last."""
FIX_WRITERS, NOTE_WRITERS, WRITER_PAUSE_S = 4, 1, 1.0
RESTORED = "drill_restored"


@dataclass(frozen=True)
class Sample:
    """State of the service at a moment of the monotonic clock."""

    at: float
    memory_mib: float
    files: int
    connections: int


@dataclass(frozen=True)
class Quarter:
    """Medians of a quarter of the time, and quantiles of the times to answer."""

    memory_mib: float
    files: float
    connections: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class SoakResult:
    """Result of a soak, with everything that must not be."""

    quarters: tuple[Quarter, ...]
    found: Comparison
    faults: tuple[str, ...]


@dataclass(frozen=True)
class BackupResult:
    """A backup under load.

    Rows and tables of its snapshot, and the tables that differ after a restoration.
    """

    tables: int
    rows: int
    seconds: float
    differing: tuple[str, ...]


def soak(
    town: PrivateTown, seconds: float, *, viewers: int, streams: int, tell: Callable[[str], None] = print
) -> tuple[SoakResult, BackupResult]:
    """Serve a town under the same load for so long, then take a backup under it."""
    with serve(
        None, town.folder, workers=2, WANGGE_LOG_LEVEL="warning", WANGGE_DISK_RESERVE_MB="0"
    ) as service:
        cookies = log_in(service.address, "dispatcher")
        writers = Writers(
            service.address, town.case_number, fixes=FIX_WRITERS, notes=NOTE_WRITERS, pause_s=WRITER_PAUSE_S
        )
        crowd = Crowd(service.address, TOWN_BOX, cookies, viewers=viewers, streams=streams)
        with writers, crowd:
            begun = time.monotonic()
            samples = _sampled(service, town, begun + seconds)
            ended = time.monotonic()
            backed_up = back_up(town, town.folder / "drill.dump")
            tell(f"backup under load: {backed_up.rows} rows, {backed_up.seconds:.1f} s")
        found = compare(town.cluster.url, writers.seen, town.case_number)
    edges = [begun + (ended - begun) * part / PARTS for part in range(PARTS + 1)]
    quarters = tuple(_quarter(samples, crowd, since, until) for since, until in itertools.pairwise(edges))
    faults = (*writers.seen.faults, *crowd.seen.faults, *_growth(quarters))
    return SoakResult(quarters, found, faults), backed_up


def _sampled(service: Service, town: PrivateTown, until: float) -> list[Sample]:
    samples, pace = [], threading.Event()
    with psycopg.connect(libpq_url(town.cluster.url), autocommit=True) as db:
        while time.monotonic() < until:
            db.execute(CHANGE)
            row = db.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            ).fetchone()
            processes = [psutil.Process(service.process.pid), *service.workers()]
            memory, files = 0, 0
            for process in processes:
                with contextlib.suppress(psutil.Error):
                    memory += process.memory_info().rss
                    files += process.num_fds()
            samples.append(Sample(time.monotonic(), memory / 2**20, files, int(row[0]) if row else 0))
            pace.wait(SAMPLE_S)
    return samples


def _quarter(samples: list[Sample], crowd: Crowd, since: float, until: float) -> Quarter:
    inside = [sample for sample in samples if since <= sample.at <= until] or samples[-1:]
    return Quarter(
        statistics.median(sample.memory_mib for sample in inside),
        statistics.median(sample.files for sample in inside),
        statistics.median(sample.connections for sample in inside),
        crowd.seen.wait_ms(0.5, since=since, until=until),
        crowd.seen.wait_ms(0.99, since=since, until=until),
    )


def _growth(quarters: tuple[Quarter, ...]) -> list[str]:
    """Name the figures that grew from the second quarter to the last; a busy machine may double the slowest answers."""
    before, after = quarters[1], quarters[-1]
    limits = (
        ("memory, MiB", before.memory_mib, after.memory_mib, before.memory_mib * 1.1 + 32),
        ("open files", before.files, after.files, before.files * 1.1 + 8),
        ("connections", before.connections, after.connections, before.connections + 4),
        ("p99, ms", before.p99_ms, after.p99_ms, before.p99_ms * 3 + 100),
    )
    return [f"{name} grew from {was:.0f} to {now:.0f}" for name, was, now, most in limits if now > most]


def back_up(town: PrivateTown, path: Path) -> BackupResult:
    """Back up a served town, restore it beside, and compare every row with the snapshot that was dumped."""
    url, binaries = town.cluster.url, town.cluster.binaries()
    started = time.monotonic()
    with psycopg.connect(libpq_url(url)) as db:
        db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        row = db.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        cluster_backup.dump(url, path, binaries, snapshot=row[0])
        seconds = time.monotonic() - started
        before = digests_seen_by(db)
    with _empty_database(url) as beside:
        cluster_backup.restore(beside, path, binaries)
        with psycopg.connect(libpq_url(beside)) as db:
            after = digests_seen_by(db)
    path.unlink()
    rows = sum(count for count, _ in before.values())
    return BackupResult(len(before), rows, seconds, tuple(differing_tables(before, after)))


@contextlib.contextmanager
def _empty_database(url: str) -> Iterator[str]:
    with psycopg.connect(libpq_url(url, "postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {RESTORED} TEMPLATE template0")
        try:
            yield url.replace("/wangge?", f"/{RESTORED}?")
        finally:
            server.execute(f"DROP DATABASE IF EXISTS {RESTORED} WITH (FORCE)")
