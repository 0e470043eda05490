"""The access log: what gets in, who reads it, and that it stays."""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient

from geo_api.auth.access import create_user, is_logged
from geo_api.auth.access_records import remove_old_rows
from geo_api.http.settings import Settings
from geo_api.server.app import create_app
from layers.postgres import SYSTEM, session
from layers.postgres import sessions as database
from tests.support.application import PASSWORD, Api, Seeded, logged_in
from tests.support.small_town import TOWN_A

LOG = "/v1/access-log"
Login = Callable[[str], TestClient]
_ids = (f"request-{number:06d}" for number in itertools.count())


@pytest.fixture(scope="module")
def logged(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    url = seeded.copy("logged")
    with session(SYSTEM, url) as db:
        create_user(db, username="supervisor.a", password=PASSWORD, role="supervisor", area_code=TOWN_A)
    settings = Settings(
        database_url=url, data_dir=tmp_path_factory.mktemp("log"), secret=SecretStr("test"), log_level="error"
    )
    yield Api(create_app(settings), url, seeded.ids, settings)
    database.engine(url).dispose()


@pytest.fixture
def enter(logged: Api) -> Login:
    return partial(logged_in, logged.app)


def test_only_supervisors_read_it(enter: Login, logged: Api) -> None:
    assert TestClient(logged.app).get(LOG).status_code == 401
    for name in ("viewer.a", "grid.a", "officer.a", "dispatcher"):
        assert enter(name).get(LOG).status_code == 403
    answer = enter("supervisor").get(LOG)
    assert answer.status_code == 200 and answer.headers["cache-control"] == "private, no-store"
    # Who was refused here is in it.
    assert {c["username"] for c in enter("supervisor").get(f"{LOG}?path={LOG}&status=403").json()["calls"]} == {
        "viewer.a", "grid.a", "officer.a", "dispatcher",
    }  # fmt: skip


def test_reads_and_refusals_are_told_with_who_and_where(enter: Login, logged: Api) -> None:
    officer, nobody, supervisor = enter("officer.a"), TestClient(logged.app), enter("supervisor")
    asked = {
        "/collections/alerts/items": (officer, 200),
        f"/v1/alerts/{logged.ids['alert_B']}": (officer, 404),
        "/v1/vehicles/V-B/track": (officer, 404),
        "/v1/vehicles/V-A/track": (nobody, 401),
        "/collections/visits/export?f=csv": (officer, 200),
        "/collections/stays/tiles/WebMercatorQuad/8/104/213": (officer, 200),
        "/v1/cases/NT-nothing": (officer, 404),
    }
    for path, (client, status) in asked.items():
        number = next(_ids)
        answer = client.get(path, headers={"X-Request-Id": number})
        assert answer.status_code == status, path
        (call,) = supervisor.get(f"{LOG}?request_id={number}").json()["calls"]
        assert (call["path"], call["status"], call["method"]) == (path.partition("?")[0], status, "GET")
        who = ("officer.a", "officer", TOWN_A) if client is officer else (None, "public", None)
        assert (call["username"], call["role"], call["area_code"]) == who
        assert call["address"] == "testclient"


def test_a_row_stays_when_the_request_fails(
    enter: Login, logged: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("geo_api.cases.routes_alerts.alert_card", broken)
    number = next(_ids)
    path = f"/v1/alerts/{logged.ids['alert_A']}"
    assert enter("officer.a").get(path, headers={"X-Request-Id": number}).status_code == 500
    (call,) = enter("supervisor").get(f"{LOG}?request_id={number}").json()["calls"]
    assert (call["status"], call["username"], call["path"]) == (500, "officer.a", path)


def test_no_secret_and_no_query_string_is_in_it(enter: Login, logged: Api) -> None:
    officer = enter("officer.a")
    officer.get("/collections/visits/items?vehicle_id=苏FA1234&filter=vehicle_id='苏FB5678'")
    nobody = TestClient(logged.app)
    nobody.get("/v1/tracks/osmand?key=wk_very-secret&id=1&lat=1&lon=1")
    nobody.get("/v1/alerts/1", headers={"Authorization": "Bearer wk_other-secret"})
    nobody.post("/v1/login", json={"username": "officer.a", "password": "guessed-password"})
    with database.engine(logged.url).connect() as connection:
        rows = "\n".join(connection.execute(text("SELECT access_log::text FROM access_log")).scalars())
    assert "/v1/tracks/osmand" in rows  # the refusal itself is there
    for secret in (
        "苏F",
        "wk_",
        "guessed-password",
        PASSWORD,
        officer.cookies["wangge_session"],
        "?",
        "csrf",
    ):
        assert secret not in rows


def test_filters_and_pages(enter: Login) -> None:
    viewer, supervisor = enter("viewer.a"), enter("supervisor")
    begun = dt.datetime.now(dt.UTC)
    for _ in range(7):
        viewer.get("/collections/cases/items")
    asked = f"{LOG}?user=viewer.a&path=/collections/cases&status=200&from={begun.isoformat().replace('+', '%2B')}&limit=3"
    seen, url = [], asked
    while url:
        page = supervisor.get(url).json()
        seen += page["calls"]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), "").removeprefix(
            "http://testserver"
        )
    assert len(seen) == 7 == len({c["id"] for c in seen})
    assert [c["id"] for c in seen] == sorted((c["id"] for c in seen), reverse=True)
    assert supervisor.get(f"{LOG}?user=viewer.a&to=2020-01-01T00:00:00Z").json()["calls"] == []
    assert supervisor.get(f"{LOG}?user=viewer.%25").json()["calls"] == []
    assert supervisor.get(f"{LOG}?path=%25").json()["calls"] == [], "% is no wildcard"
    assert supervisor.get(f"{LOG}?cursor=AAAA").status_code == 400
    assert supervisor.get(f"{LOG}?usr=viewer.a").status_code == 400
    assert supervisor.get(f"{LOG}?from=yesterday").status_code == 400


def test_as_a_file_that_no_spreadsheet_runs(enter: Login, logged: Api) -> None:
    with session(SYSTEM, logged.url) as db:
        create_user(db, username="=cmd|' /C calc'!A0", password=PASSWORD, role="viewer")
    enter("=cmd|' /C calc'!A0").get("/collections/alerts/items")
    answer = enter("supervisor").get(f"{LOG}?f=csv&path=/collections/alerts")
    assert (
        answer.headers["content-type"].startswith("text/csv")
        and "attachment" in answer.headers["content-disposition"]
    )
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("﻿"))))
    assert rows[0]["username"] == "'=cmd|' /C calc'!A0" and rows[0]["path"] == "/collections/alerts/items"


def test_a_supervisor_of_an_area_reads_of_its_accounts_only(enter: Login, logged: Api) -> None:
    enter("officer.b").get(f"/v1/alerts/{logged.ids['alert_B']}")
    enter("officer.a").get(f"/v1/alerts/{logged.ids['alert_A']}")
    calls = enter("supervisor.a").get(f"{LOG}?limit=1000").json()["calls"]
    assert calls and {c["area_code"] for c in calls} == {TOWN_A}
    assert not [c for c in calls if c["username"] in ("officer.b", "dispatcher", "supervisor")]
    everything = enter("supervisor").get(f"{LOG}?limit=1000").json()["calls"]
    assert {"officer.a", "officer.b"} <= {c["username"] for c in everything}


def test_the_database_itself_keeps_it_from_others(logged: Api) -> None:
    for role in ("public", "viewer", "officer", "dispatcher", "service"):
        with session(database.Scope(role=role, city_wide=True, username="x"), logged.url) as db:
            assert db.scalar(text("SELECT count(*) FROM access_log")) == 0


def test_rows_are_not_changed_and_only_old_ones_removed(logged: Api) -> None:
    with session(SYSTEM, logged.url) as db:
        for days in (1, 100, 200, 400):
            db.execute(
                text(
                    "INSERT INTO access_log (at, role, method, path, status, request_id)"
                    " VALUES (now() - make_interval(days => :days), 'public', 'GET', '/aged', 200, 'aged')"
                ),
                {"days": days},
            )
    for statement in ("UPDATE access_log SET path = '/'", "DELETE FROM access_log", "TRUNCATE access_log"):
        with pytest.raises(Exception, match="append-only"), session(SYSTEM, logged.url) as db:
            db.execute(text(statement))

    def ages() -> list[int]:
        with session(SYSTEM, logged.url) as db:
            rows = db.execute(
                text(
                    "SELECT extract(day FROM now() - at)::int FROM access_log WHERE path = '/aged' ORDER BY 1"
                )
            )
            return list(rows.scalars())

    assert remove_old_rows(logged.url, 0) == 0 and ages() == [1, 100, 200, 400]
    assert remove_old_rows(logged.url, 300) == 1 and ages() == [1, 100, 200]
    assert remove_old_rows(logged.url, 10) == 1 and ages() == [1, 100], "half a year stays"


@pytest.mark.parametrize(
    ("path", "method", "status", "logged_"),
    [
        ("/collections/areas/items", "GET", 200, False),
        ("/collections/areas/items", "GET", 401, True),
        ("/collections/sites/items", "POST", 201, True),
        ("/collections/tracks/items", "GET", 200, True),
        ("/collections/fence_events/export", "GET", 200, True),
        ("/v1/runs", "GET", 200, True),
        ("/v1/assign", "POST", 200, False),
        ("/v1/tracks", "POST", 403, True),
        ("/collections/areas/items", "GET", 429, False),
    ],
)
def test_what_is_logged(path: str, method: str, status: int, logged_: bool) -> None:
    assert is_logged(path, method, status) is logged_


def test_a_path_that_the_database_cannot_hold_is_logged_all_the_same(
    enter: Login, logged: Api, tmp_path: Path
) -> None:
    number = next(_ids)
    assert TestClient(logged.app).get("/v1/cases/%00%0A", headers={"X-Request-Id": number}).status_code == 400
    (call,) = enter("supervisor").get(f"{LOG}?request_id={number}").json()["calls"]
    assert call["path"] == "/v1/cases/�\n"
