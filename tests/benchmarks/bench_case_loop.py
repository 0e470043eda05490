"""Speed of the case loop over many cases: ``python tests/benchmarks/bench_case_loop.py [cases]``, a cluster of its own.

The list of a body by state, openings, steps of one writer and of fifty, indicators kept and cold.
"""

from __future__ import annotations

import datetime as dt
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import text

from geo_api.cases.kept_reports import KeptReports
from grid.cases import facts_version, open_case, read_indicators, transition, verify_chain
from grid.responsibility import assign
from layers.collections import COLLECTIONS, NarrowScope, Selection, Sort, read_page
from layers.postgres import SYSTEM, Scope, migrate, session, set_pool_size
from layers.private_server import Cluster
from tests.benchmarks.many_cases import FIRST, write_many_cases
from tests.support.square_town import RESUME, insert_duties, insert_town, middle

WRITERS, STEPS_EACH = 50, 12
OFFICER = Scope("officer", False, (), "ofei", (), "单位", 7)
"""Of no area: it sees cases because its body takes part in them."""


def main(cases: int) -> None:
    """Write the cases and print what each took."""
    with tempfile.TemporaryDirectory(prefix="wgb-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with Cluster(Path(folder) / "c", durable=True) as cluster:
            set_pool_size(cluster.url, WRITERS + 4)
            migrate(cluster.url)
            with session(SYSTEM, cluster.url) as db:
                insert_duties(db)
                insert_town(db)
            started = time.perf_counter()
            events = write_many_cases(cluster.url, cases)
            print(f"{cases:,} cases, {events:,} events written in {time.perf_counter() - started:.0f} s")
            _list(cluster.url)
            _one_writer(cluster.url)
            _many_writers(cluster.url)
            _indicators(cluster.url)


def _told(what: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p95 = ordered[int(len(ordered) * 0.95)]
    print(f"{what}: p50 {statistics.median(ordered) * 1e3:.1f}, p95 {p95 * 1e3:.1f} ms (n = {len(ordered)})")


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _list(url: str) -> None:
    """A page of 100 cases of a body in a state, the newest first, as its officer sees them."""
    for state in ("dispatched", "closed"):
        chosen = Selection(values={"state": (state,)}, narrow=NarrowScope(OFFICER.area_ids, OFFICER.body_id))

        def read(chosen: Selection = chosen) -> None:
            with session(OFFICER, url) as db:
                read_page(db, COLLECTIONS["cases"], chosen, limit=100, sort=Sort("opened_at", True))

        read()
        _told(f"list of a body, {state}", [_timed(read) for _ in range(40)])


def _one_writer(url: str) -> None:
    lon, lat = middle(1, 1)
    opening, stepping = [], []
    with session(SYSTEM, url) as db:
        now = dt.datetime.now(dt.UTC)
        assignment = assign(db, lon=lon, lat=lat, item_code=RESUME, at=now)

    def opened() -> str:
        with session(SYSTEM, url) as db:
            case = open_case(
                db, title="t", item_code=RESUME, assignment=assignment, lon=lon, lat=lat, opened_at=now
            )
            return case.number

    for _ in range(30):
        started = time.perf_counter()
        number = opened()
        opening.append(time.perf_counter() - started)
        stepping += [_timed(partial(_step, url, number, action)) for action in ("verify", "file", "dispatch")]
    _told("opening of a case", opening)
    _told("a step, one writer, committed durably", stepping)


def _step(url: str, number: str, action: str) -> None:
    with session(SYSTEM, url) as db:
        transition(db, number, action, actor="dan", role="dispatcher", note="原因")


def _many_writers(url: str) -> None:
    """Fifty writers add notes to two hundred cases; none is lost and none doubled."""
    with session(SYSTEM, url) as db:
        numbers = list(
            db.scalars(text("SELECT number FROM cases WHERE state <> 'closed' ORDER BY id LIMIT 200"))
        )
        before = db.scalar(text("SELECT count(*) FROM case_events")) or 0
    faults: list[BaseException] = []
    start = threading.Barrier(WRITERS + 1)

    def write(writer: int) -> None:
        start.wait()
        try:
            for n in range(STEPS_EACH):
                _step(url, numbers[(writer * 37 + n * 11) % len(numbers)], "note")
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    start.wait()
    took = _timed(lambda: [thread.join() for thread in threads])
    assert not faults, faults[:2]
    with session(SYSTEM, url) as db:
        added = (db.scalar(text("SELECT count(*) FROM case_events")) or 0) - before
        assert added == WRITERS * STEPS_EACH, added
        assert not [fault for number in numbers for fault in verify_chain(db, number)]
    print(f"{WRITERS} writers: {added / took:.0f} steps/s, none lost or doubled, chains hold")


def _indicators(url: str) -> None:
    until = FIRST + dt.timedelta(days=365)

    def cold() -> None:
        with session(SYSTEM, url) as db:
            read_indicators(db, FIRST, until, "town")

    kept = KeptReports()

    def unchanged() -> None:
        with session(SYSTEM, url) as db:
            kept.get(facts_version(db), lambda: (cold(), b"kept")[1])

    _told("indicators of a year by town, made", [_timed(cold) for _ in range(5)])
    unchanged()
    _told("the same, nothing changed", [_timed(unchanged) for _ in range(20)])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
