"""Changes of a collection since a position: a copy that follows them is equal to the collection itself."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from typer.testing import CliRunner

from geo_api.cli.main import app
from grid.cases import open_case
from grid.responsibility import assign
from layers.collections import COLLECTIONS, newest_position, read_changes
from layers.collections.row_changes import Position
from layers.postgres import SYSTEM, Scope, session
from tests.support.application import Api, Seeded, api_over, logged_in

OPENED = dt.datetime(2026, 3, 1, 2, tzinfo=dt.UTC)
NOW = dt.datetime.now(dt.UTC)
ALERT = (
    "INSERT INTO alerts (run_id, site_id, kind, level, score, raised_at, evidence, would_lower, geom, area_id)"
    " SELECT (SELECT min(id) FROM model_runs), s.id, 'illegal_resumption', 'high', 0.5, now(), '[]', '[]', s.geom,"
    " s.area_id FROM sites s WHERE s.id = :site ON CONFLICT DO NOTHING"
)
PLACE = "INSERT INTO places (kind, lon, lat, radius_m, geom) SELECT 'petrol', :lon, :lat, 50, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)"


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path) -> Iterator[Api]:
    yield from api_over(seeded, f"rows_{tmp_path.name}", tmp_path)


class Copy:
    """A program's copy of a collection: read once, then kept by the changes."""

    def __init__(self, client: TestClient, collection: str) -> None:
        self.client, self.path = client, f"/collections/{collection}"
        self.after = self._ask()["next"]
        self.rows = self.stored()
        self.read_anew = 0

    def _ask(self, **parameters: Any) -> dict[str, Any]:
        answer = self.client.get(f"{self.path}/changes", params=parameters)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def stored(self) -> dict[int, Any]:
        features = self.client.get(f"{self.path}/items?limit=10000").json()["features"]
        return {one["id"]: one for one in features}

    def follow(self, limit: int = 1000) -> None:
        more, anew = True, False
        while more:
            page = self._ask(after=self.after, limit=limit)
            for one in page["changes"]:
                if one["deleted"]:
                    self.rows.pop(one["id"], None)
                else:
                    self.rows[one["id"]] = self.client.get(f"{self.path}/items/{one['id']}").json()
            self.after, more, anew = page["next"], page["more"], anew or page["everything"]
        if anew:
            self.read_anew += 1
            self.rows = self.stored()


def without_links(rows: dict[int, Any]) -> dict[int, Any]:
    return {key: {k: v for k, v in one.items() if k != "links"} for key, one in rows.items()}


@pytest.mark.parametrize("seed", range(3))
def test_copies_of_three_callers_follow_random_writes(own: Api, seed: int) -> None:
    chance = random.Random(seed)
    copies = [
        Copy(TestClient(own.app), "places"),
        Copy(logged_in(own.app, "officer.a"), "alerts"),
        Copy(logged_in(own.app, "officer.b"), "alerts"),
        Copy(logged_in(own.app, "dispatcher"), "alerts"),
        Copy(TestClient(own.app), "sites"),
    ]
    ids = own.ids
    both = [ids["community_A"], ids["community_B"]]
    writes: list[tuple[str, Any]] = [
        (PLACE, lambda: {"lon": chance.uniform(120.1, 120.9), "lat": 31.2}),
        ("DELETE FROM places WHERE id = (SELECT min(id) FROM places)", dict),
        ("UPDATE places SET radius_m = radius_m + 1 WHERE id % 2 = 0", dict),
        (ALERT, lambda: {"site": ids[f"site_{chance.choice('AB')}"]}),
        ("UPDATE alerts SET area_id = :area WHERE id % 2 = :odd",
         lambda: {"area": chance.choice(both), "odd": chance.choice([0, 1])}),
        ("DELETE FROM alerts WHERE site_id = :site", lambda: {"site": ids[f"site_{chance.choice('AB')}"]}),
        ("UPDATE enterprises SET name = name || '厂' WHERE id = (SELECT min(id) FROM enterprises)", dict),
        ("UPDATE sites SET enterprise_name = enterprise_name WHERE id = :site", lambda: {"site": ids["site_B"]}),
    ]  # fmt: skip
    for _round in range(12):
        with session(SYSTEM, own.url) as db:
            for _write in range(chance.randint(1, 3)):
                statement, values = chance.choice(writes)
                db.execute(text(statement), values())
        if chance.random() < 0.7:
            for copy in copies:
                copy.follow(limit=chance.choice([1, 2, 1000]))
    for copy in copies:
        copy.follow()
        assert without_links(copy.rows) == without_links(copy.stored()), copy.path
        assert copy.read_anew == 0, "every row of these writes is named"


def test_a_row_that_leaves_the_own_area_is_told_as_deleted_and_no_other_is_told(own: Api) -> None:
    mine, other = (Copy(logged_in(own.app, name), "alerts") for name in ("officer.a", "officer.b"))
    with session(SYSTEM, own.url) as db:
        db.execute(text("UPDATE alerts SET score = score / 2 WHERE id = :id"), {"id": own.ids["alert_A"]})
    assert mine._ask(after=mine.after)["changes"][0]["deleted"] is False
    assert other._ask(after=other.after)["changes"] == [], "an alert of another area"
    mine.follow()
    with session(SYSTEM, own.url) as db:
        db.execute(
            text("UPDATE alerts SET area_id = :area WHERE id = :id"),
            {"area": own.ids["community_B"], "id": own.ids["alert_A"]},
        )
    (told,) = mine._ask(after=mine.after)["changes"]
    assert told["id"] == own.ids["alert_A"] and told["deleted"] is True
    other.follow()
    assert own.ids["alert_A"] in other.rows


def test_a_case_is_told_to_the_bodies_that_are_parties(own: Api) -> None:
    with session(SYSTEM, own.url) as db:
        start = newest_position(db, NOW)
        answer = assign(db, lon=120.1, lat=31.2, item_code="ECO-001", at=OPENED)
        number = open_case(
            db, title="t", item_code="ECO-001", assignment=answer, lon=120.1, lat=31.2, opened_at=OPENED
        ).number
        key, parties = db.execute(
            text("SELECT id, party_ids FROM cases WHERE number = :n"), {"n": number}
        ).one()
    assert parties

    def told(body_id: int) -> list[tuple[int, bool]]:
        scope = Scope("officer", area_ids=(own.ids["community_B"],), body_id=body_id)
        with session(scope, own.url) as db:
            return [
                (one.id, one.deleted) for one in read_changes(db, COLLECTIONS["cases"], start, NOW).changes
            ]

    assert all(told(body) == [(key, False)] for body in parties)
    assert told(max(parties) + 1) == []


def test_the_command_prints_the_changes_after_a_position(own: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", own.url)
    runner = CliRunner()
    start = json.loads(runner.invoke(app, ["changes", "places"]).output)["next"]
    with session(SYSTEM, own.url) as db:
        db.execute(text(PLACE), {"lon": 120.2, "lat": 31.2})
        key = db.scalar(text("SELECT max(id) FROM places"))
    found = json.loads(runner.invoke(app, ["changes", "places", "--after", start]).output)
    assert [one["id"] for one in found["changes"]] == [key] and not found["everything"]


def test_what_was_rolled_back_is_not_told(own: Api) -> None:
    copy = Copy(TestClient(own.app), "places")
    with pytest.raises(ZeroDivisionError), session(SYSTEM, own.url) as db:
        db.execute(text(PLACE), {"lon": 120.2, "lat": 31.2})
        raise ZeroDivisionError
    assert copy._ask(after=copy.after)["changes"] == []


def test_more_rows_than_are_named_ask_for_the_whole_collection(own: Api) -> None:
    copy = Copy(TestClient(own.app), "places")
    with session(SYSTEM, own.url) as db:
        db.execute(
            text(
                "INSERT INTO places (kind, lon, lat, radius_m, geom) SELECT 'petrol', 120.2, 31 + n / 1e4, 50,"
                " ST_SetSRID(ST_MakePoint(120.2, 31 + n / 1e4), 4326) FROM generate_series(1, 1001) n"
            )
        )
    copy.follow()
    assert copy.read_anew == 1 and len(copy.rows) == len(copy.stored())


@pytest.mark.parametrize("after", ["x", "1-2", "1-2-3-4", "-1-2-3", "1-2-٣", "9" * 30 + "-1-1", "1-2-3 "])
def test_what_is_no_position_is_refused(own: Api, after: str) -> None:
    answer = TestClient(own.app).get("/collections/sites/changes", params={"after": after})
    assert answer.status_code == 400 and answer.headers["content-type"] == "application/problem+json"


def test_positions_that_are_too_old_or_of_another_database_are_gone(own: Api) -> None:
    with session(SYSTEM, own.url) as db:
        known = Position.parse(newest_position(db, NOW))
    old = Position(known.change_id, known.row_id, known.given_s - 31 * 86_400)
    ahead = Position(known.change_id + 1, 0, known.given_s)
    for position in (old, ahead):
        answer = TestClient(own.app).get("/collections/sites/changes", params={"after": str(position)})
        assert answer.status_code == 410 and answer.json()["title_zh"] == "变更记录已不再保留"


def test_a_caller_cannot_read_the_log_itself(own: Api) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), session(Scope("viewer"), own.url) as db:
        db.execute(text("SELECT * FROM row_changes"))
