"""The access log is whole: what was answered is in it after kill -9, acts of the command line too."""

from __future__ import annotations

import datetime as dt
import itertools
import signal
import threading
from pathlib import Path

import httpx2
from sqlalchemy import text

from geo_api.auth.access import create_user
from geo_api.auth.api_keys import create_key
from geo_api.imports.import_file import import_file
from grid.cases import open_case
from grid.responsibility import assign
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Seeded
from tests.support.service_process import Service, serve
from tests.support.waiting import wait_until

ENOUGH = 60
"""Answered writes before the kill."""
TODAY = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)


def logged(url: str, start: str) -> dict[str, tuple[str, int]]:
    with session(SYSTEM, url) as db:
        rows = db.execute(
            text("SELECT request_id, path, status FROM access_log WHERE starts_with(request_id, :start)"),
            {"start": start},
        )
        return {row.request_id: (row.path, row.status) for row in rows}


def work(service: Service, name: str, number: str, key: str, answered: list[str]) -> None:
    """Steps of a case, drafts and fixes, each with an id of its own, until the service is gone."""
    try:
        with httpx2.Client(base_url=service.address, timeout=30) as client:
            login = client.post("/v1/login", json={"username": name, "password": PASSWORD}).json()
            csrf = {"X-CSRF-Token": login["csrf_token"]}
            for i in itertools.count():
                request_id = f"kill-{name}-{i:05}"
                head = {"X-Request-Id": request_id, "If-Match": "*", **csrf}
                if i % 2:
                    path, body = f"/v1/cases/{number}/events", {"action": "note", "note": "x"}
                    answer = client.post(path, json=body, headers=head)
                else:
                    fix = f'{{"vehicle_id": "V-{name}", "t": "{TODAY}T00:{i // 60 % 60:02}:{i % 60:02}Z", "lon": 120.1, "lat": 31.2}}\n'
                    head = {"X-Request-Id": request_id, "Authorization": f"Bearer {key}"}
                    head["Content-Type"] = "application/x-ndjson"
                    with httpx2.Client(base_url=service.address, timeout=30) as sender:
                        answer = sender.post("/v1/tracks?crs=wgs84", content=fix, headers=head)
                if answer.status_code in (200, 201):
                    answered.append(request_id)
    except httpx2.HTTPError:
        return


def read(service: Service, number: str, answered: list[str]) -> None:
    """Read a case again and again, each time with an id of its own, until the service is gone."""
    try:
        with httpx2.Client(base_url=service.address, timeout=30) as client:
            client.post("/v1/login", json={"username": "dispatcher", "password": PASSWORD})
            for i in itertools.count():
                request_id = f"kill-read-{i:05}"
                answer = client.get(f"/v1/cases/{number}", headers={"X-Request-Id": request_id})
                if answer.status_code == 200:
                    answered.append(request_id)
    except httpx2.HTTPError:
        return


def test_kill_loses_no_row_of_what_was_answered(seeded: Seeded, tmp_path: Path) -> None:
    url = seeded.copy(f"killed_{tmp_path.name}")
    with session(SYSTEM, url) as db:
        create_user(db, username="svc", password=PASSWORD, role="service", area_code=None, body="b")
        key = create_key(db, "svc", name="k")
    number = open_a_case(url)
    answered: list[str] = []
    reads: list[str] = []
    with serve(url, tmp_path, WANGGE_LOG_LEVEL="warning", WANGGE_RATE_LIMITS="off") as service:
        threads = [
            threading.Thread(target=work, args=(service, name, number, key, answered))
            for name in ("dispatcher", "supervisor")
        ]
        threads.append(threading.Thread(target=read, args=(service, number, reads)))
        for thread in threads:
            thread.start()
        wait_until(
            lambda: min(len(answered), len(reads)) >= ENOUGH,
            lambda: f"{len(answered)}, {len(reads)} are answered",
        )
        service.process.send_signal(signal.SIGKILL)
        service.process.wait()
        for thread in threads:
            thread.join()
    found = logged(url, "kill-")
    assert len(answered) >= ENOUGH
    assert set(answered) - set(found) == set(), "answered, and not in the log"
    assert {status for _, status in found.values()} <= {200, 201}
    assert any(path == "/v1/tracks" for path, _ in found.values())
    with session(SYSTEM, url) as db:
        (detail,) = db.execute(
            text("SELECT DISTINCT detail ->> 'rows' FROM access_log WHERE path = '/v1/tracks'")
        ).one()
        assert detail == "1"
        twice = text(
            "SELECT count(*) - count(DISTINCT request_id) FROM access_log WHERE request_id LIKE 'kill-%'"
        )
        assert db.scalar(twice) == 0, "one row each"
    lost = set(reads) - set(found)
    (journal,) = (tmp_path / "access_journals").glob("*.jsonl")
    assert journal.stat().st_mode & 0o777 == 0o600
    with serve(url, tmp_path, WANGGE_LOG_LEVEL="warning"):
        wait_until(
            lambda: not set(reads) - set(logged(url, "kill-read-")), lambda: f"{len(lost)} reads are found"
        )
    with session(SYSTEM, url) as db:
        assert db.scalar(twice) == 0, "one row each"
    assert list((tmp_path / "access_journals").iterdir()) == [], "a service that ends leaves nothing"


def open_a_case(url: str) -> str:
    with session(SYSTEM, url) as db:
        at = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)
        answer = assign(db, lon=120.1, lat=31.2, item_code="ECO-001", at=at)
        case = open_case(
            db, title="t", item_code="ECO-001", assignment=answer, lon=120.1, lat=31.2, opened_at=at
        )
        return str(case.number)


def test_an_import_of_the_command_line_is_logged_with_its_counts(seeded: Seeded, tmp_path: Path) -> None:
    url = seeded.copy(f"imported_{tmp_path.name}")
    (tmp_path / "meters.csv").write_text(
        "site_id,kind,day,value,quality\nS-A,power,2026-01-05,7,measured\n", encoding="utf-8"
    )
    report = import_file("meters", tmp_path / "meters.csv", url=url, actor="zhang")
    with session(SYSTEM, url) as db:
        row = db.execute(
            text("SELECT username, role, path, detail FROM access_log WHERE method = 'COMMAND'")
        ).one()
    assert (row.username, row.role, row.path) == ("zhang", "operator", f"/imports/{report.batch_id}")
    assert row.detail == {"kind": "meters", **report.counts()}
