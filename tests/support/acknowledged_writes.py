"""Writers that remember what was acknowledged to them, to be compared with what is stored afterwards."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx2
import psycopg

from layers.postgres import libpq_url
from tests.support.application import PASSWORD
from tests.support.fix_batches import NDJSON, encoded, rows
from tests.support.waiting import PATIENCE_S, wait_until

FIXES_EACH = 5
REFUSALS = {429, 503, 507}
"""Statuses by which a service may refuse for a while."""
PAUSE_S = 0.02
ROUND_TRIP_S = 40.0


@dataclass
class Acknowledged:
    """Answers to writers: keys of writes that were acknowledged, and how often each status came."""

    vehicles: dict[str, int] = field(default_factory=dict)
    """Fixes of each vehicle."""
    notes: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Writes that were acknowledged."""
        return len(self.vehicles) + len(self.notes)


@dataclass(frozen=True)
class Comparison:
    """Acknowledged against stored, and the keys that are missing."""

    acknowledged: dict[str, int]
    stored: dict[str, int]
    missing: tuple[str, ...]


class Writers:
    """Threads that send batches of fixes and add notes to a case until the ``with`` block ends.

    Every answer other than success and the refusals for a while, and a refusal that does not say when to come
    back, is a fault. Each thread pauses ``pause_s`` between two writes.
    """

    _numbers = itertools.count()

    def __init__(
        self, address: str, case_number: str, *, fixes: int = 2, notes: int = 1, pause_s: float = PAUSE_S
    ) -> None:
        self.seen = Acknowledged()
        self._address = address
        self._case = case_number
        self._pause_s = pause_s
        self._ending = threading.Event()
        self._run = f"{next(self._numbers)}-{threading.get_native_id()}"
        self._threads = [threading.Thread(target=self._send_fixes, args=(n,)) for n in range(fixes)]
        self._threads += [threading.Thread(target=self._add_notes, args=(n,)) for n in range(notes)]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def wait_for(self, more: int) -> None:
        """Wait until so many further writes are acknowledged."""
        wanted = self.seen.count + more
        wait_until(
            lambda: self.seen.count >= wanted,
            lambda: f"{wanted} acknowledged, {self.seen.count} are: {self.seen.statuses} {self.seen.lost}",
        )

    def _send_fixes(self, writer: int) -> None:
        for client, number in self._turns():
            vehicle = f"K-{self._run}-{writer}-{number}"
            body = encoded(rows(vehicle, FIXES_EACH), NDJSON)
            answer = self._ask(client, "/v1/tracks?crs=wgs84", content=body, headers={"Content-Type": NDJSON})
            if answer is not None:
                self.seen.vehicles[vehicle] = FIXES_EACH

    def _add_notes(self, writer: int) -> None:
        for client, number in self._turns():
            note = f"note {self._run}-{writer}-{number}"
            path = f"/v1/cases/{self._case}/events"
            if (
                self._ask(client, path, json={"action": "note", "note": note}, headers={"If-Match": "*"})
                is not None
            ):
                self.seen.notes.append(note)

    def _turns(self) -> Iterator[tuple[httpx2.Client, int]]:
        """Log in, then count until the end; a client that lost its connection goes on with another."""
        with httpx2.Client(base_url=self._address, timeout=ROUND_TRIP_S) as client:
            wait_until(
                lambda: _log_in(client), "the writer logs in", despite=(httpx2.HTTPError,), pause_s=0.2
            )
            for number in itertools.count():
                if self._ending.wait(self._pause_s):
                    return
                yield client, number

    def _ask(self, client: httpx2.Client, path: str, **body: object) -> httpx2.Response | None:
        """The answer of a write that was acknowledged, else None."""
        try:
            answer = client.post(path, **body)  # type: ignore[arg-type]
        except httpx2.HTTPError as error:
            self.seen.lost[type(error).__name__] += 1
            return None
        self.seen.statuses[answer.status_code] += 1
        if answer.status_code in (200, 201):
            return answer
        told = answer.headers.get("content-type") == "application/problem+json"
        if answer.status_code == 503:
            told = told and "retry-after" in answer.headers
        if answer.status_code not in REFUSALS or not told:
            self.seen.faults.append(f"{answer.status_code} {path} {answer.text[:300]}")
        return None


def _log_in(client: httpx2.Client) -> bool:
    answer = client.post("/v1/login", json={"username": "dispatcher", "password": PASSWORD})
    if answer.status_code == 200:
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    return answer.status_code == 200


def compare(url: str, seen: Acknowledged, case_number: str) -> Comparison:
    """Compare what was acknowledged with what the database holds."""
    with contextlib.closing(psycopg.connect(libpq_url(url))) as db:
        vehicles = dict(
            db.execute(
                "SELECT v.vehicle_id, count(*) FROM fixes f JOIN vehicles v ON v.id = f.vehicle_id"
                " WHERE v.vehicle_id = ANY (%s) GROUP BY 1",
                [list(seen.vehicles)],
            ).fetchall()
        )
        notes = {
            note
            for (note,) in db.execute(
                "SELECT payload ->> 'note' FROM case_events e JOIN cases c ON c.id = e.case_id"
                " WHERE c.number = %s AND action = 'note'",
                [case_number],
            )
        }
    missing = [
        f"{vehicle}: {vehicles.get(vehicle, 0)} of {fixes} fixes"
        for vehicle, fixes in seen.vehicles.items()
        if vehicles.get(vehicle) != fixes
    ]
    missing += [note for note in seen.notes if note not in notes]
    return Comparison(
        {"fixes": sum(seen.vehicles.values()), "notes": len(seen.notes)},
        {"fixes": sum(vehicles.values()), "notes": len(notes & set(seen.notes))},
        tuple(missing),
    )
