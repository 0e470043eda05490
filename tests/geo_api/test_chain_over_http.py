"""Heads over HTTP and from the command line.

Made by the running service, verified, and what was taken away told.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from geo_api.auth.access import create_user
from geo_api.cases.chain_keys import ChainKeys
from geo_api.cli.main import app
from grid.cases import open_case
from grid.responsibility import assign
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Api, Seeded, api_over, logged_in, serving
from tests.support.waiting import wait_until

OPENED = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An application of this test's own, which the command line works on too."""
    for made in api_over(seeded, f"chain_{tmp_path.name}", tmp_path):
        monkeypatch.setenv("WANGGE_DATABASE_URL", made.url)
        monkeypatch.setenv("WANGGE_DATA_DIR", str(tmp_path))
        yield made


def opened(api: Api) -> str:
    with session(SYSTEM, api.url) as db:
        place = {"lon": 120.1, "lat": 31.2}
        answer = assign(db, item_code="ECO-001", at=OPENED, **place)
        case = open_case(db, title="t", item_code="ECO-001", assignment=answer, opened_at=OPENED, **place)
        return str(case.number)


def command(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.output


def test_the_running_service_puts_every_step_under_a_head(own: Api) -> None:
    number = opened(own)
    with serving(own.settings) as address, httpx2.Client(base_url=address) as client:
        login = client.post("/v1/login", json={"username": "dispatcher", "password": PASSWORD}).json()
        client.headers["X-CSRF-Token"] = login["csrf_token"]
        step = client.post(
            f"/v1/cases/{number}/events", json={"action": "verify", "note": ""}, headers={"If-Match": "*"}
        )
        assert step.status_code == 201, step.text

        def verdict() -> Any:
            return client.get(f"/v1/cases/{number}/verify").json()

        wait_until(lambda: verdict()["under_heads"] == 2, "both events come under a head")
        found = verdict()
        assert (found["holds"], found["waiting"], found["faults"]) == (True, 0, [])
        head = ChainKeys(own.settings.chain_keys_folder()).known_head()
        assert head is not None and head.sequence >= found["newest_head"]["sequence"]
    with session(SYSTEM, own.url) as db:
        key = (own.settings.chain_keys_folder() / "private.pem").read_text()
        stored = "\n".join(db.scalars(text("SELECT to_jsonb(h)::text FROM chain_heads h")))
        assert not any(line in stored for line in key.splitlines()[1:-1])


def test_a_removed_last_event_is_told_by_every_door(own: Api) -> None:
    number = opened(own)
    client = logged_in(own.app, "dispatcher")
    assert (
        client.post(
            f"/v1/cases/{number}/events", json={"action": "verify", "note": ""}, headers={"If-Match": "*"}
        ).status_code
        == 201
    )
    assert command("cases", "seal")[0] == 0
    code, said = command("cases", "verify", "--json")
    assert (code, json.loads(said)["holds"], json.loads(said)["events_under_heads"]) == (0, True, 2)
    with session(SYSTEM, own.url) as db:
        for table in ("case_events", "cases"):
            db.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        db.execute(text("DELETE FROM case_events WHERE seq = 2"))
        db.execute(text("UPDATE cases SET state = 'reported'"))
    verdict = client.get(f"/v1/cases/{number}/verify").json()
    assert verdict["holds"] is False and verdict["faults"] == [f"{number} event 2: was removed"]
    code, said = command("cases", "verify")
    assert code == 1 and "was removed" in said


def test_heads_that_a_restore_took_away_are_accepted_by_hand(own: Api) -> None:
    opened(own)
    assert command("cases", "seal")[0] == 0
    with session(SYSTEM, own.url) as db:
        for table in ("chain_heads", "chain_entries", "access_log"):
            db.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        db.execute(text("DELETE FROM chain_heads"))
        db.execute(text("UPDATE chain_entries SET head = NULL"))
        db.execute(text("UPDATE access_log SET head = NULL"))
    assert command("cases", "verify")[0] == 1
    assert command("cases", "seal")[0] == 0, "what waits is sealed all the same"
    assert command("cases", "verify")[0] == 1, "and the loss stays known"
    assert command("cases", "accept-heads")[0] == 0
    assert command("cases", "verify")[0] == 0


def test_keys_from_the_command_line(own: Api, tmp_path: Path) -> None:
    opened(own)
    assert command("cases", "seal")[0] == 0
    assert command("cases", "keys", "rotate")[0] == 0
    listed = ChainKeys(own.settings.chain_keys_folder()).listed()
    assert [one.valid_to is None for one in listed] == [False, True]
    assert listed[0].key_id in command("cases", "keys", "list")[1]
    assert command("cases", "proof", str(tmp_path / "proof"))[0] == 0
    first, head = map(json.loads, (tmp_path / "proof").read_text().splitlines())
    assert set(first["keys"]) == {one.key_id for one in listed}
    assert json.loads(head["text"])["key_id"] == listed[0].key_id and len(head["lines"]) == 1
    (own.settings.chain_keys_folder() / "private.pem").chmod(0o604)
    assert command("cases", "seal")[0] != 0


def test_another_area_learns_nothing_of_a_case(own: Api) -> None:
    number = opened(own)
    with session(SYSTEM, own.url) as db:
        create_user(db, username="k", password=PASSWORD, role="viewer", area_code="320601002", body="b")
    assert logged_in(own.app, "k").get(f"/v1/cases/{number}/verify").status_code == 404
