"""An installation of revision 0014 is upgraded to the newest.

The same rows and answers, whole chains, jobs that run.

``tests/support/installation_0014`` holds its rows and what it answered to each kind of account. Both are as
the program of that time wrote them and are never changed. Whoever changes a table says here what becomes of
the old rows: in ``MOVED`` when a column is not there any more, in ``ANSWERED_OTHERWISE`` when an answer is
another one on purpose. The tests follow each other: the last ones change what the first ones look at.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient

from geo_api.cases.chain_keys import ChainKeys
from geo_api.http.settings import Settings
from geo_api.jobs.worker import job_app
from geo_api.server.app import create_app
from grid.cases import make_head, verify_all, verify_chain
from layers.postgres import SYSTEM, libpq_url, migrate, schema_is_current, session
from layers.private_server import Cluster
from tests.support.application import logged_in
from tests.support.databases import own_database

INSTALLATION = Path(__file__).parent.parent / "support" / "installation_0014"
MOVED: Mapping[str, frozenset[str]] = {"meter_readings": frozenset({"day"})}
"""Columns of revision 0014 that the newest tables do not have, by table.

A test of their own says where they went.
"""
MERGED_TOO = frozenset({"available_actions"})  # cases may be merged before they are dispatched
ANSWERED_OTHERWISE: Mapping[str, frozenset[str]] = {
    "/v1/change-sets": frozenset({"may_approve"}),
    # One enterprise does not decide any more: its measure weighs less.
    "/v1/areas/3/balance": frozenset({"weights"}),
    **{f"/v1/cases/NT20260301-{number:04}": MERGED_TOO for number in range(1, 20)},
}
"""Members of answers, by the path without its query, that later versions answer otherwise on purpose."""
KEY = "wk_ms99tOJKVHW1aOZCTQIGbvV8ECKLMs6rP1QzUfNB2IY"
"""The key called depot of the account of the trackers: the installation stores a hash of it."""
Rows = dict[str, dict[str, list[str]]]


@dataclass(frozen=True)
class Upgraded:
    """The database, and its rows at 0014 and right after the migration.

    Table to column to values in order.
    """

    url: str
    before: Rows
    after: Rows
    settings: Settings


def rows_of(driver: psycopg.Connection) -> Rows:
    """Every column of every table as text, in the order of the rows' keys.

    Without a key in the order of their text.
    """
    columns = driver.execute(
        "SELECT c.oid::regclass::text, array_agg(a.attname::text ORDER BY a.attnum),"
        " (SELECT array_agg(k.attname::text) FROM pg_index i"
        "  JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = ANY (i.indkey)"
        "  WHERE i.indrelid = c.oid AND i.indisprimary)"
        " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " AND c.relname NOT IN ('spatial_ref_sys', 'alembic_version', 'schema_in_force') GROUP BY c.oid"
    ).fetchall()
    found: Rows = {}
    for table, names, key in columns:
        texts, order = ", ".join(f"{name}::text" for name in names), ", ".join(key or ["t::text"])
        rows = driver.execute(f"SELECT {texts} FROM {table} t ORDER BY {order}").fetchall()
        found[table] = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    return found


@pytest.fixture(scope="module")
def upgraded(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    with own_database(cluster, "wangge", "upgraded") as url:
        migrate(url, "0014")
        with psycopg.connect(libpq_url(url)) as driver:
            driver.execute((INSTALLATION / "rows.sql").read_text(encoding="utf-8"))
            before = rows_of(driver)
        migrate(url)
        with psycopg.connect(libpq_url(url)) as driver:
            after = rows_of(driver)
        settings = Settings(
            database_url=url,
            data_dir=tmp_path_factory.mktemp("upgraded"),
            secret=SecretStr("test"),
            log_level="error",
        )
        yield Upgraded(url, before, after, settings)


@pytest.fixture
def app(upgraded: Upgraded) -> Any:
    return create_app(upgraded.settings)


def test_the_old_installation_has_everything_that_one_can_have(upgraded: Upgraded) -> None:
    """A table that is empty proves nothing."""
    empty = {table for table, columns in upgraded.before.items() if not any(columns.values())}
    assert empty <= {"procrastinate_workers", "procrastinate_periodic_defers"}
    rows = upgraded.before
    assert set(rows["change_sets"]["status"]) == {"applied", "undone", "rejected", "draft", "approved"}
    assert {"closed", "filed", "accepted", "reported"} <= set(rows["cases"]["state"])
    assert set(rows["alerts"]["outcome"]) == {None, "legal_use", "confirmed"}
    assert any(rows["areas"]["valid_to"]) and any(rows["api_keys"]["revoked_at"])


def test_every_row_is_as_it_was(upgraded: Upgraded) -> None:
    assert schema_is_current(upgraded.url)
    for table, columns in upgraded.before.items():
        gone = MOVED.get(table, frozenset())
        for name, values in columns.items():
            if name not in gone:
                expected = (
                    _told_as_withdrawn(columns) if (table, name) == ("change_sets", "status") else values
                )
                assert upgraded.after[table][name] == expected, (table, name)
    assert all(set(upgraded.before[table]) >= columns for table, columns in MOVED.items())


def _told_as_withdrawn(change_sets: Mapping[str, list[Any]]) -> list[Any]:
    """States of change sets: one that its author turned down is withdrawn."""
    rows = zip(change_sets["status"], change_sets["result"], change_sets["author"], strict=True)
    return [
        "withdrawn" if status == "rejected" and json.loads(result).get("rejected_by") == author else status
        for status, result, author in rows
    ]


def test_what_tables_of_later_revisions_hold(upgraded: Upgraded) -> None:
    kinds = upgraded.after["alert_kinds"]
    rows = sorted(zip(kinds["kind"], kinds["domain"], kinds["item_code"], strict=True))
    assert rows == [
        ("fishing_ban", "agriculture", None),
        ("hazardous_storage", "ecology", None),
        ("illegal_resumption", "ecology", "ECO-001"),  # the item of the newest case
        ("split_jurisdictions", "market", None),
    ]
    alerts = upgraded.after["alerts"]
    assert set(alerts["fence_id"]) == {None} and None not in alerts["site_id"]
    assert set(alerts["would_settle"]) == {"[]"}


def test_daily_readings_are_intervals_from_midnight_to_midnight(upgraded: Upgraded) -> None:
    """Without a city file the days are those of China."""
    days, now = upgraded.before["meter_readings"]["day"], upgraded.after["meter_readings"]
    assert len(days) == len(now["began_at"]) > 100
    for day, began_at, ended_at in zip(days, now["began_at"], now["ended_at"], strict=True):
        midnight = dt.datetime.fromisoformat(f"{day}T00:00+08:00")
        assert dt.datetime.fromisoformat(began_at) == midnight
        assert dt.datetime.fromisoformat(ended_at) == midnight + dt.timedelta(days=1)
    assert set(now["meter_id"]) == {""} and set(now["flags"]) == {"{}"} and set(now["register"]) == {None}
    assert set(zip(now["kind"], now["unit"], strict=True)) == {("power", "kWh"), ("water", "m³")}


def test_alerts_get_the_memory_that_can_be_told_from_old_rows(upgraded: Upgraded) -> None:
    """Scores as they stood; who recorded an outcome stands in the case, or in the log of calls without one."""
    scores, outcomes = upgraded.after["alert_scores"], upgraded.after["alert_outcomes"]
    assert list(zip(scores["alert_id"], scores["level"], scores["score"], strict=True)) == [
        ("1", "high", "0.9"), ("2", "high", "0.8"), ("3", "warning", "0.61"),
    ]  # fmt: skip
    assert scores["families"] == ["{power}", "{power}", "{}"]
    assert [round(float(odds), 3) for odds in scores["log_odds"]] == [
        2.197,
        1.386,
        0.447,
    ]  # ln 9, ln 4, ln 0.61/0.39
    told = zip(*(outcomes[name] for name in ("alert_id", "outcome", "actor", "case_number")), strict=True)
    assert list(told) == [
        ("2", "confirmed", "officer.b", "NT20260301-0002"), ("3", "legal_use", "officer.a", None),
    ]  # fmt: skip
    assert outcomes["at"][1].startswith("2026-11-28 19:15:26.047189"), "as the log of calls says"
    assert set(upgraded.after["alerts"]["joined_to"]) == {None}


def test_alerts_of_one_site_are_joined(cluster: Cluster) -> None:
    """A checked alert came back as a new one: the newest is live, the former ones stay for their cases."""
    again = """
        INSERT INTO alerts (run_id, site_id, kind, level, score, raised_at, evidence, would_lower, status, geom, area_id)
        SELECT run_id, site_id, kind, 'attention', 0.3, raised_at + interval '9 days', '[]', '[]', 'open', geom, area_id
        FROM alerts WHERE id = 2 RETURNING id
    """
    with own_database(cluster, "wangge", "joined") as url:
        migrate(url, "0014")
        with psycopg.connect(libpq_url(url)) as driver:
            driver.execute((INSTALLATION / "rows.sql").read_text(encoding="utf-8"))
            (live,) = driver.execute(again).fetchone() or ()
        migrate(url)
        with psycopg.connect(libpq_url(url)) as driver:
            alerts = driver.execute(
                "SELECT id, joined_to, status, outcome, raised_at = opened_at FROM alerts WHERE site_id = 2 ORDER BY id"
            ).fetchall()
            scores = driver.execute(
                "SELECT score, status FROM alert_scores WHERE alert_id = %s ORDER BY id", [live]
            ).fetchall()
            outcomes = driver.execute(
                "SELECT o.outcome, o.actor, s.score FROM alert_outcomes o JOIN alert_scores s ON s.id = o.score_id"
                " WHERE o.alert_id = %s",
                [live],
            ).fetchall()
    assert alerts == [(2, live, "joined", "confirmed", None), (live, None, "open", None, False)]
    assert scores == [(0.8, "checked"), (0.3, "open")] and outcomes == [("confirmed", "officer.b", 0.8)]


def test_rows_of_before_have_no_batch(upgraded: Upgraded) -> None:
    """It is not known where they came from: no batch stands for them, and none can be undone."""
    assert upgraded.after["batches"]["id"] == []
    with_batch = {table for table, columns in upgraded.after.items() if "batch_id" in columns}
    assert {"areas", "sites", "fixes", "vehicles", "meter_readings", "duty_items"} < with_batch
    assert not any(any(upgraded.after[table]["batch_id"]) for table in with_batch)


def test_a_second_migration_changes_nothing(upgraded: Upgraded) -> None:
    migrate(upgraded.url)
    with psycopg.connect(libpq_url(upgraded.url)) as driver:
        assert {t: c for t, c in rows_of(driver).items() if t not in ("login_sessions", "access_log")} == {
            t: c for t, c in upgraded.after.items() if t not in ("login_sessions", "access_log")
        }


def recorded() -> dict[str, list[dict[str, Any]]]:
    """The questions with their answers, by who asked; the empty name is nobody."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in (INSTALLATION / "answers.jsonl").read_text(encoding="utf-8").splitlines():
        question = json.loads(line)
        found.setdefault(question["caller"], []).append(question)
    return found


RECORDED = recorded()
HALF_WIDTH = re.compile(r"(?<=[\u4e00-\u9fff0-9]) \((\d{6,15})\)")


UTC_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)\+00:00")
UTC_DAY = re.compile(r"(?<=已于 )2026-11-28(?= 撤销)|(?<= ended on )2026-11-28(?=;)")


def in_words_of_today(answer: Any) -> Any:
    """An answer with the brackets, days and times of today; explanations that are stored keep those of before.

    Times in UTC end with Z.

    Reasons in Chinese hold no English any more. Brackets behind Chinese names are full-width ones. Areas of the installation ended at 19:15 in UTC, which is the
    next day in the city: it was told as the day in UTC.
    """
    written = HALF_WIDTH.sub(r"（\1）", json.dumps(answer, ensure_ascii=False))
    written = written.replace("清单未授权 no line", "清单未授权")
    written = UTC_TIME.sub(r"\1Z", written)
    return json.loads(UTC_DAY.sub("2026-11-29", written))


@pytest.mark.parametrize("caller", RECORDED)
def test_every_account_gets_the_answers_of_before(app: Any, caller: str) -> None:
    client = logged_in(app, caller) if caller else TestClient(app, raise_server_exceptions=False)
    for question in RECORDED[caller]:
        path = question["path"]
        answer = client.post(path, json=question["body"]) if "body" in question else client.get(path)
        assert answer.status_code == question["status"], (path, answer.text)
        if "ids" in question:
            assert sorted(feature["id"] for feature in answer.json()["features"]) == question["ids"], path
        if "answer" in question:
            for change_set in question["answer"].get("change_sets", ()):
                if (
                    change_set["status"] == "rejected"
                    and change_set["result"]["rejected_by"] == change_set["author"]
                ):
                    change_set["status"] = "withdrawn"  # by its author
            given = answer.json()
            if path.startswith("/collections/"):
                given = {str(feature["id"]): feature["properties"] for feature in given["features"]}
                assert set(given) == set(question["answer"]), path
            otherwise = ANSWERED_OTHERWISE.get(path.partition("?")[0], frozenset())
            assert (
                differences(in_words_of_today(question["answer"]), in_words_of_today(given), otherwise) == []
            ), path


def differences(old: Any, new: Any, otherwise: frozenset[str], place: str = "") -> list[str]:
    """Where an old answer is not part of a new one.

    A document may have more members, a list not more entries.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            found
            for name, value in old.items()
            if name not in otherwise
            for found in (
                differences(value, new[name], otherwise, f"{place}/{name}")
                if name in new
                else [f"{place}/{name}: gone"]
            )
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [found for i, (a, b) in pairs for found in differences(a, b, otherwise, f"{place}/{i}")]
    return [] if old == new else [f"{place}: {old!r} was, {new!r} is"]


def test_what_counts_as_another_answer() -> None:
    old = {"a": 1, "b": [{"c": 2}]}
    assert differences(old, {"a": 1, "b": [{"c": 2, "d": 3}], "e": 4}, frozenset()) == []
    assert differences(old, {"a": 2, "b": []}, frozenset({"a"})) == ["/b: [{'c': 2}] was, [] is"]
    assert differences(old, {"b": [{}]}, frozenset()) == ["/a: gone", "/b/0/c: gone"]


def test_the_chain_of_every_case_is_whole(upgraded: Upgraded) -> None:
    assert len(upgraded.after["case_events"]["hash"]) == 16
    with session(SYSTEM, upgraded.url) as db:
        assert verify_chain(db) == []


def test_events_of_before_come_under_the_first_head(upgraded: Upgraded, tmp_path: Path) -> None:
    """Unchanged they verify without a head and under one.

    After it the last of them cannot be taken away any more.
    """
    keys = ChainKeys(tmp_path / "chain_keys")
    keys.ensure()
    now = dt.datetime.now(dt.UTC)
    with session(SYSTEM, upgraded.url) as db:
        before = verify_all(db, keys.public_keys(), keys.known_head(), now)
        assert (before.faults, before.waiting) == ([], 16)
        made = make_head(db, keys.signer(), now)
        keys.remember(made)
        after = verify_all(db, keys.public_keys(), keys.known_head(), now)
        assert (after.faults, after.n_events, after.waiting) == ([], 16, 0)
        db.execute(text("ALTER TABLE case_events DISABLE TRIGGER USER"))
        db.execute(text("DELETE FROM case_events WHERE id = (SELECT max(id) FROM case_events)"))
        assert any("was removed" in str(f) for f in verify_all(db, keys.public_keys(), made, now).faults)
        db.rollback()


def test_a_tracker_still_sends_with_its_old_key(app: Any) -> None:
    client = TestClient(app, raise_server_exceptions=False)
    fix = '{"vehicle_id": "V-A", "t": "2026-03-03T00:00:00Z", "lon": 120.1, "lat": 31.2}\n'
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-ndjson"}
    sent = client.post("/v1/tracks?crs=wgs84", content=fix, headers=headers)
    assert sent.status_code == 200, sent.text
    headers["Authorization"] = headers["Authorization"][:-1] + "x"
    assert client.post("/v1/tracks?crs=wgs84", content=fix, headers=headers).status_code == 401


def test_an_old_change_set_is_undone_and_an_old_draft_is_applied(app: Any, upgraded: Upgraded) -> None:
    supervisor = logged_in(app, "supervisor")
    listed = {row["title"]: row for row in supervisor.get("/v1/change-sets").json()["change_sets"]}
    undone = supervisor.post(f"/v1/change-sets/{listed['分割A1']['id']}/undo")
    assert undone.status_code == 200, undone.text
    applied = supervisor.post(f"/v1/change-sets/{listed['草案']['id']}/apply")
    assert applied.status_code == 200, applied.text
    page = supervisor.get("/collections/areas/items?kind=unit_grid&limit=100&sortby=code").json()
    codes = [
        f["properties"]["code"] for f in page["features"] if f["properties"]["code"].startswith("320601001")
    ]
    assert "320601001001001" in codes and "320601001001002" not in codes and len(codes) == 3


def test_jobs_that_wait_are_run(upgraded: Upgraded) -> None:
    """The newest worker knows the names of the old tasks.

    The change set whose date has come is put into force.
    """
    jobs = job_app(upgraded.url, Settings())
    assert set(upgraded.after["procrastinate_jobs"]["task_name"]) <= set(jobs.tasks)

    async def work() -> None:
        async with jobs.open_async():
            await jobs.run_worker_async(queues=["models"], wait=False, install_signal_handlers=False)

    asyncio.run(work())
    with psycopg.connect(libpq_url(upgraded.url)) as driver:
        done = driver.execute(
            "SELECT task_name, status::text FROM procrastinate_jobs WHERE id <= 4"
        ).fetchall()
        states = dict(driver.execute("SELECT title, status FROM change_sets").fetchall())
    assert {status for _, status in done} == {"succeeded"}, done
    assert (states["到期"], states["未到期"]) == ("applied", "approved")
