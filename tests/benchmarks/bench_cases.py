"""Speed of what reads many cases: ``python tests/benchmarks/bench_cases.py [cases]`` on a cluster of its own."""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
import time
from pathlib import Path

from grid.cases import verify_all
from grid.cases.indicators import read_indicators
from layers.postgres import SYSTEM, Scope, migrate, session
from layers.private_server import Cluster
from tests.benchmarks.many_cases import FIRST, write_many_cases
from tests.support.square_town import insert_town


def main(cases: int) -> None:
    """Write the cases and print what each reading took."""
    with tempfile.TemporaryDirectory(prefix="wgb-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with Cluster(Path(folder) / "c", durable=False) as cluster:
            migrate(cluster.url)
            with session(SYSTEM, cluster.url) as db:
                insert_town(db)
            started = time.perf_counter()
            events = write_many_cases(cluster.url, cases)
            print(f"{cases:,} cases, {events:,} events written in {time.perf_counter() - started:.1f} s")
            _indicators(cluster.url)
            _verify(cluster.url, events)


def _indicators(url: str) -> None:
    """A year by town, and by body, as the service and as a caller of the whole city."""
    for scope in (SYSTEM, Scope("supervisor", True, (), "sue")):
        for by in (None, "town", "lead_body"):
            times = []
            for _ in range(3):
                started = time.perf_counter()
                with session(scope, url) as db:
                    rows = read_indicators(db, FIRST, FIRST + dt.timedelta(days=365), by)
                times.append(time.perf_counter() - started)
            print(
                f"indicators of a year by {by} as {scope.role}: {len(rows)} rows, {min(times):.2f} to {max(times):.2f} s"
            )


def _verify(url: str, events: int) -> None:
    started = time.perf_counter()
    with session(SYSTEM, url) as db:
        report = verify_all(db, {}, None, dt.datetime.now(dt.UTC), url=url)
    took = time.perf_counter() - started
    print(f"verify: {took:.1f} s, {events / took:,.0f} events/s, faults {len(report.faults)}")
    assert not report.faults, report.faults[:3]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
