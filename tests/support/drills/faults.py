"""Faults under load, one after another, and after each of them what was acknowledged against what is
stored.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import polars as pl
import psycopg

from grid.cases import verify_chain
from layers.postgres import SYSTEM, engine, libpq_url, session
from layers.private_server.start_stop import stop_server
from tests.support.acknowledged_writes import Comparison, Writers, compare
from tests.support.drills.crowd import Crowd
from tests.support.event_streams import log_in
from tests.support.fix_batches import NDJSON, encoded, rows
from tests.support.private_town import PrivateTown
from tests.support.service_process import Service, serve
from tests.support.small_disks import fill
from tests.support.small_town import BOXES
from tests.support.waiting import PATIENCE_S, wait_until

MIB = 2**20
RESERVE_MIB, LEFT_MIB = 64, 48
BEFORE, AFTER = 20, 20
"""Writes that are acknowledged before a fault, and after it when the service lives on."""
TRANSFERS, TRANSFERRED_FIXES, PIECES = 4, 5_000, 40
CHANGE = "UPDATE areas SET name = name WHERE kind = 'town'"
TOWN_BOX = (*BOXES["A"][:2], *BOXES["B"][2:])


@dataclass(frozen=True)
class Strike:
    """Service and data that a fault is done to."""

    town: PrivateTown
    service: Service
    writers: Writers
    disk: Path | None
    viewers: int
    streams: int


@dataclass(frozen=True)
class Fault:
    """A fault: its name, what it does, and whether the service ends by it."""

    name: str
    strike: Callable[[Strike], list[str]]
    exit_code: int | None = None
    needs_disk: bool = False


@dataclass(frozen=True)
class RoundResult:
    """Result of one fault.

    Attributes
    ----------
    refused : int
        Writes that were answered 429, 503 or 507.
    recovered_s : float
        From the fault until the service was ready again, or had ended.
    faults : tuple of str
        Everything that must not be.
    """

    fault: str
    found: Comparison
    refused: int
    recovered_s: float
    faults: tuple[str, ...] = field(default=())


def kill_postmaster(at: Strike) -> list[str]:
    """Kill -9 of the database's first process."""
    pid = at.town.cluster.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: at.town.cluster.pid not in (None, pid), "another server runs")
    return []


def kill_backends(at: Strike) -> list[str]:
    """Kill -9 of sessions of the database at work."""
    with psycopg.connect(libpq_url(at.town.cluster.url)) as db:
        found = db.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <>"
            " pg_backend_pid() ORDER BY random() LIMIT 3"
        ).fetchall()
    for (pid,) in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return [] if found else ["there was no session to kill"]


def exhaust_connections(at: Strike) -> list[str]:
    """Take every connection that the database has left, while the writers go on."""
    answered = sum(at.writers.seen.statuses.values())
    with contextlib.ExitStack() as held:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                held.enter_context(contextlib.closing(psycopg.connect(libpq_url(at.town.cluster.url))))
        wait_until(
            lambda: sum(at.writers.seen.statuses.values()) > answered + BEFORE, "the writers are answered"
        )
    return []


def fill_disk(at: Strike) -> list[str]:
    """Fill the disk until only the reserve is left, and give the room back."""
    assert at.disk is not None
    refused = at.writers.seen.statuses[507]
    ballast = fill(at.disk, LEFT_MIB * MIB)
    try:
        wait_until(lambda: at.writers.seen.statuses[507] > refused + BEFORE, "writes are refused")
        read = httpx2.get(f"{at.service.address}/collections/areas/items?limit=5", timeout=PATIENCE_S)
    finally:
        os.truncate(ballast, 0)
    return [] if read.status_code == 200 else [f"a read was {read.status_code} while the disk was full"]


def restart_database(at: Strike) -> list[str]:
    """Stop the database under viewers and open streams; the service's watch starts it again."""
    cookies = log_in(at.service.address, "dispatcher")
    with Crowd(at.service.address, TOWN_BOX, cookies, viewers=at.viewers, streams=at.streams) as crowd:
        wait_until(
            lambda: _change_areas(at.town) and all(crowd.seen.heard), "every stream hears", pause_s=0.3
        )
        wait_until(lambda: len(crowd.seen.waits_s) > at.viewers, "the viewers are answered")
        pid = at.town.cluster.pid
        stop_server(at.town.cluster.pgdata, at.town.cluster.binaries())
        wait_until(lambda: at.town.cluster.pid not in (None, pid), "another server runs")
        back = time.monotonic()
        wait_until(lambda: _ready(at.service), "the service is ready")
        wait_until(
            lambda: _change_areas(at.town) and all(heard[-1] > back for heard in crowd.seen.heard),
            "every stream hears of later changes",
            pause_s=0.3,
        )
    return crowd.seen.faults


def _change_areas(town: PrivateTown) -> bool:
    """Tell every stream of a change, as an edit of an area does."""
    with psycopg.connect(libpq_url(town.cluster.url), autocommit=True) as db:
        db.execute(CHANGE)
    return True


def kill_server(at: Strike) -> list[str]:
    """Kill -9 of the service's first process; its workers end by themselves."""
    workers = at.service.workers()
    at.service.process.kill()
    wait_until(
        lambda: not any(worker.is_running() and worker.status() != "zombie" for worker in workers),
        "the workers end",
    )
    return []


def end_in_transfers(at: Strike) -> list[str]:
    """SIGTERM while batches of fixes arrive piece by piece: what is answered is there."""
    begun, faults = threading.Semaphore(0), list[str]()
    threads = [threading.Thread(target=_transfer, args=(at, n, begun, faults)) for n in range(TRANSFERS)]
    for thread in threads:
        thread.start()
    for _ in threads:
        begun.acquire(timeout=PATIENCE_S)
    at.service.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join(PATIENCE_S)
    return faults


def _transfer(at: Strike, number: int, begun: threading.Semaphore, faults: list[str]) -> None:
    vehicle = f"T-{time.monotonic_ns()}-{number}"
    body = encoded(rows(vehicle, TRANSFERRED_FIXES).with_columns(speed_kmh=pl.lit(40.0)), NDJSON)
    size = len(body) // PIECES
    pace = threading.Event()

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]
            if start >= len(body) // 4:
                begun.release()
            pace.wait(0.05)

    try:
        with httpx2.Client(
            base_url=at.service.address, timeout=PATIENCE_S, cookies=log_in(at.service.address, "dispatcher")
        ) as client:
            token = client.get("/v1/me").json()["csrf_token"]
            headers = {"Content-Type": NDJSON, "X-CSRF-Token": token}
            answer = client.post("/v1/tracks?crs=wgs84", content=pieces(), headers=headers)
    except httpx2.HTTPError as error:
        at.writers.seen.lost[f"transfer {type(error).__name__}"] += 1
        return
    finally:
        begun.release()
    if answer.status_code == 200:
        at.writers.seen.vehicles[vehicle] = answer.json()["accepted"]
    elif answer.status_code not in (429, 503):
        faults.append(f"a transfer was {answer.status_code}: {answer.text[:200]}")


LASTING = (
    Fault("kill -9 of the postmaster", kill_postmaster),
    Fault("kill -9 of backends", kill_backends),
    Fault("connections exhausted", exhaust_connections),
    Fault("disk full", fill_disk, needs_disk=True),
    Fault("database restarted", restart_database),
)
"""The service lives on."""
KILL_SERVER = Fault("kill -9 of the server", kill_server, exit_code=-signal.SIGKILL)
END_IN_TRANSFERS = Fault("SIGTERM in transfers", end_in_transfers, exit_code=0)


def run_round(
    town: PrivateTown,
    faults: tuple[Fault, ...] = (*LASTING, KILL_SERVER, END_IN_TRANSFERS),
    *,
    disk: Path | None = None,
    viewers: int = 200,
    streams: int = 20,
    tell: Callable[[RoundResult], None] = lambda result: None,
) -> list[RoundResult]:
    """Do every fault once to a service of the town; faults that end it begin with another one.

    Parameters
    ----------
    town : PrivateTown
        Nobody serves it.
    faults : tuple of Fault
    disk : Path or None
        A small disk of its own, on which the town lies; None: its fault is left out.
    viewers, streams : int
        Under which the database is restarted.
    tell : callable
        Called with each result as soon as it is there.
    """
    waiting = [fault for fault in faults if disk is not None or not fault.needs_disk]
    results = []
    settings = {"WANGGE_DISK_RESERVE_MB": str(RESERVE_MIB if disk is not None else 0)}
    settings |= {"WANGGE_DISK_WARNING_MB": "0", "WANGGE_LOG_LEVEL": "warning", "WANGGE_RATE_LIMITS": "off"}
    while waiting:
        with serve(None, town.folder, workers=2, **settings) as service:
            alive = True
            while waiting and alive:
                fault = waiting.pop(0)
                alive = fault.exit_code is None
                result = _strike(fault, town, service, disk, viewers, streams)
                tell(result)
                results.append(result)
    return results


def _strike(
    fault: Fault, town: PrivateTown, service: Service, disk: Path | None, viewers: int, streams: int
) -> RoundResult:
    with Writers(service.address, town.case_number) as writers:
        writers.wait_for(BEFORE)
        struck = time.monotonic()
        faults = fault.strike(Strike(town, service, writers, disk, viewers, streams))
        if fault.exit_code is None:
            wait_until(lambda: _ready(service), "the service is ready by itself")
            recovered_s = time.monotonic() - struck
            writers.wait_for(AFTER)
        else:
            code = service.process.wait(PATIENCE_S)
            recovered_s = time.monotonic() - struck
            faults += [] if code == fault.exit_code else [f"exit code {code} instead of {fault.exit_code}"]
    with town.cluster:
        found = compare(town.cluster.url, writers.seen, town.case_number)
        with session(SYSTEM, town.cluster.url) as db:
            faults += [str(broken) for broken in verify_chain(db, town.case_number)]
        engine(town.cluster.url).dispose()
    refused = sum(writers.seen.statuses[status] for status in (429, 503, 507))
    return RoundResult(fault.name, found, refused, recovered_s, (*writers.seen.faults, *faults))


def _ready(service: Service) -> bool:
    return httpx2.get(f"{service.address}/health/ready", timeout=PATIENCE_S).status_code == 200
