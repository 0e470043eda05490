"""A duty list is changing law: its impact, approval by another person, its day, and the undo of it."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from geo_api.auth.access import create_user
from geo_api.cli.main import app as command_line
from geo_api.demo_city import FILES
from geo_api.http.progress import console
from geo_api.imports.duty_files import read_duties
from geo_api.imports.import_file import import_file
from geo_api.second_city import make_second_city
from grid.cases import open_case
from grid.duty_proposals import impact_of
from grid.responsibility import assign
from layers.local_time import local_zone
from layers.postgres import SYSTEM, Scope, session
from tests.support.application import PASSWORD, Api, Seeded, api_over, logged_in
from tests.support.cities import NANTONG, SECOND, in_force
from tests.support.demo_files import demo_city
from tests.support.row_digests import differing_tables, row_digests
from tests.support.small_town import TOWN_A

COLUMNS = (
    "item_code",
    "item",
    "domain",
    "legal_basis",
    "kind",
    "body",
    "level",
    "area_code",
    "role",
    "valid_from",
    "valid_to",
)
NEW_BODY = "测试区综合执法局"
TODAY = dt.datetime.now(local_zone()).date()
LATER = TODAY + dt.timedelta(days=30)


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path) -> Iterator[Api]:
    for api in api_over(seeded, f"proposals_{tmp_path.name}", tmp_path):
        with session(SYSTEM, api.url) as db:
            create_user(db, username="supervisor.a", password=PASSWORD, role="supervisor", area_code=TOWN_A)
            db.execute(
                text(
                    "INSERT INTO bodies (body_id, code, name, level, valid_from)"
                    " SELECT 0, 'L' || row_number() OVER (), n, 'county', '2020-01-01'"
                    " FROM (SELECT DISTINCT body FROM duty_items UNION VALUES (:new)) d (n) WHERE body_named(n) IS NULL"
                ),
                {"new": NEW_BODY},
            )
        yield api


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with session(SYSTEM, url) as db:
        return [tuple(row) for row in db.execute(text(statement))]


def written_list(url: str, change: Callable[[dict[str, str]], dict[str, str] | None]) -> bytes:
    """The stored list as a file, each line as ``change`` gives it back (None: left out)."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for row in rows(url, f"SELECT {', '.join(COLUMNS)} FROM duty_items ORDER BY id"):
        line = {name: "" if value is None else str(value) for name, value in zip(COLUMNS, row, strict=True)}
        if (changed := change(line)) is not None:
            writer.writerow(changed)
    return out.getvalue().encode()


def opened(url: str, at: dt.datetime) -> tuple[str, str]:
    """Number and lead of a case of ECO-001 in town A."""
    with session(SYSTEM, url) as db:
        lon, lat = db.execute(
            text("SELECT ST_X(label_point), ST_Y(label_point) FROM areas WHERE code = :code"),
            {"code": TOWN_A},
        ).one()
        answer = assign(db, lon=lon, lat=lat, item_code="ECO-001", at=at)
        assert answer.lead is not None
        case = open_case(
            db, title="t", item_code="ECO-001", assignment=answer, lon=lon, lat=lat, opened_at=at
        )
        return case.number, answer.lead.body


def lead_on(url: str, day: dt.date) -> str | None:
    with session(SYSTEM, url) as db:
        lon, lat = db.execute(
            text("SELECT ST_X(label_point), ST_Y(label_point) FROM areas WHERE code = :code"),
            {"code": TOWN_A},
        ).one()
        at = dt.datetime.combine(day, dt.time(12), local_zone())
        answer = assign(db, lon=lon, lat=lat, item_code="ECO-001", at=at)
        return answer.lead and answer.lead.body


def handed_on(url: str, former: str) -> bytes:
    """The stored list in which ECO-001 of one body is another body's."""
    return written_list(
        url,
        lambda line: (
            line | {"body": NEW_BODY} if (line["item_code"], line["body"]) == ("ECO-001", former) else line
        ),
    )


def propose(client: TestClient, content: bytes, on: dt.date, path: str = "", covers: str = "whole") -> Any:
    given = {"effective_on": str(on), "covers": covers, "name": "清单.csv"}
    return client.post(f"/v1/duty-proposals{path}", params=given, content=content)


def test_a_list_is_previewed_approved_by_another_dated_and_undone(own: Api) -> None:
    number, former = opened(own.url, dt.datetime.now(dt.UTC))
    content = handed_on(own.url, former)
    clerk, chief, other = (logged_in(own.app, name) for name in ("dispatcher", "supervisor", "supervisor.2"))
    before = row_digests(own.url)
    impact = propose(clerk, content, LATER, "/preview")
    assert impact.status_code == 200, impact.text
    (case,) = [one for one in impact.json()["cases"] if one["number"] == number]
    assert (case["lead_now"], case["lead_new"]) == (former, NEW_BODY)
    assert {line["body"] for line in impact.json()["ended"]} == {former}
    assert {line["valid_from"] for line in impact.json()["begun"]} == {str(LATER)}
    assert differing_tables(before, row_digests(own.url)) in ([], ["access_log"]), "a preview writes nothing"

    made = propose(chief, content, LATER)
    assert made.status_code == 201, made.text
    path = f"/v1/duty-proposals/{made.json()['id']}"
    assert made.json()["status"] == "proposed" and made.json()["preview"]["cases"] == impact.json()["cases"]
    assert lead_on(own.url, LATER) == former, "a proposal changes nothing"
    assert clerk.post(f"{path}/approve").status_code == 403, "dispatchers do not approve"
    own_list = chief.post(f"{path}/approve")
    assert own_list.status_code == 403 and "提出人" in own_list.json()["detail_zh"]
    approved = other.post(f"{path}/approve")
    assert approved.status_code == 200, approved.text
    assert approved.json()["decided_by"] == "supervisor.2"
    assert (lead_on(own.url, LATER - dt.timedelta(days=1)), lead_on(own.url, LATER)) == (former, NEW_BODY)
    assert other.post(f"{path}/approve").status_code == 409
    assert [(one["actor"], one["action"]) for one in other.get(path).json()["steps"]] == [
        ("supervisor", "propose"),
        ("supervisor.2", "approve"),
    ]
    undone = chief.post(f"{path}/undo", json={"reason": "登记有误"})
    assert undone.status_code == 200, undone.text
    assert lead_on(own.url, LATER) == former
    assert undone.json()["steps"][-1]["note"] == "登记有误"
    changed = set(differing_tables(before, row_digests(own.url)))
    assert changed <= {"access_log", "batches", "duty_proposals", "duty_proposal_steps"}
    assert chief.post(f"{path}/undo", json={}).status_code == 409


def test_an_undo_is_refused_with_the_cases_that_rest_on_the_list(own: Api) -> None:
    former = lead_on(own.url, TODAY)
    assert former is not None
    made = propose(logged_in(own.app, "supervisor"), handed_on(own.url, former), TODAY)
    path = f"/v1/duty-proposals/{made.json()['id']}"
    chief = logged_in(own.app, "supervisor.2")
    assert chief.post(f"{path}/approve").status_code == 200
    number, lead = opened(own.url, dt.datetime.now(dt.UTC))
    assert lead == NEW_BODY
    refused = chief.post(f"{path}/undo", json={"reason": "x"})
    assert refused.status_code == 409
    assert {one["kind"]: one["ids"] for one in refused.json()["rests_on"]}["cases"] == [number]
    assert chief.get(path).json()["status"] == "approved" and lead_on(own.url, TODAY) == NEW_BODY


def test_an_undo_of_the_import_is_an_undo_of_the_list_by_who_may_approve_it(own: Api) -> None:
    former = lead_on(own.url, TODAY)
    assert former is not None
    made = propose(logged_in(own.app, "supervisor"), handed_on(own.url, former), LATER)
    path = f"/v1/duty-proposals/{made.json()['id']}"
    chief = logged_in(own.app, "supervisor.2")
    batch = chief.post(f"{path}/approve").json()["batch_id"]
    assert logged_in(own.app, "dispatcher").post(f"/v1/imports/{batch}/undo").status_code == 403
    assert chief.post(f"/v1/imports/{batch}/undo").status_code == 200
    found = chief.get(path).json()
    assert found["status"] == "undone" and found["steps"][-1]["actor"] == "supervisor.2"
    assert lead_on(own.url, LATER) == former


def test_a_list_that_names_items_leaves_the_others(own: Api) -> None:
    former = lead_on(own.url, TODAY)
    part = written_list(
        own.url, lambda line: line | {"body": NEW_BODY} if (line["item_code"], line["body"]) == ("ECO-001", former)
        else line if line["item_code"] == "ECO-001" else None,
    )  # fmt: skip
    client = logged_in(own.app, "supervisor")
    impact = propose(client, part, LATER, "/preview", "items").json()
    assert {line["item_code"] for line in impact["ended"]} == {"ECO-001"}
    assert len(propose(client, part, LATER, "/preview", "whole").json()["ended"]) >= len(impact["ended"])


def test_what_is_wrong_with_a_list_is_named(own: Api) -> None:
    client = logged_in(own.app, "supervisor")
    misspelt = written_list(own.url, lambda line: line | {"body": "测试区综合执法队"})
    answer = propose(client, misspelt, LATER)
    assert answer.status_code == 422 and NEW_BODY in answer.json()["detail_zh"]
    reversed_days = written_list(own.url, lambda line: line | {"valid_to": "1990-01-01"})
    assert "dates_reversed" in propose(client, reversed_days, LATER).json()["detail"]
    same = written_list(own.url, lambda line: line)
    assert propose(client, same, LATER).status_code == 422
    assert propose(client, same, TODAY - dt.timedelta(days=1)).status_code == 422
    assert propose(client, b"\x00\x01", LATER).status_code == 422
    assert client.post("/v1/duty-proposals", content=same).status_code == 400, "the day is needed"
    assert rows(own.url, "SELECT count(*) FROM duty_proposals") == [(0,)]


def test_a_list_holds_for_the_whole_city_and_is_seen_by_who_leads_it(own: Api) -> None:
    former = lead_on(own.url, TODAY)
    assert former is not None
    made = propose(logged_in(own.app, "dispatcher"), handed_on(own.url, former), LATER)
    path = f"/v1/duty-proposals/{made.json()['id']}"
    for name in ("viewer.a", "grid.a", "officer.a", "supervisor.a"):
        client = logged_in(own.app, name)
        assert client.get("/v1/duty-proposals").status_code == 403
        assert client.get(path).status_code == 403
        assert propose(client, b"", LATER).status_code == 403
    for role, city_wide in (("supervisor", False), ("officer", True), ("viewer", True)):
        with session(Scope(role=role, city_wide=city_wide, username="x"), own.url) as db:
            assert db.execute(text("SELECT count(*) FROM duty_proposals")).scalar_one() == 0
            assert db.execute(text("SELECT count(*) FROM duty_proposal_steps")).scalar_one() == 0
    listed = logged_in(own.app, "supervisor").get("/v1/duty-proposals").json()["proposals"]
    assert [(one["author"], one["may_approve"]) for one in listed] == [("dispatcher", True)]
    rejected = logged_in(own.app, "dispatcher").post(f"{path}/reject", json={"reason": "重做"})
    assert rejected.json()["status"] == "rejected"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command_line, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_line_proposes_approves_and_undoes(
    own: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", own.url)
    monkeypatch.setenv("WANGGE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(console, "_width", 200)
    number, former = opened(own.url, dt.datetime.now(dt.UTC))
    path = tmp_path / "new.csv"
    path.write_bytes(handed_on(own.url, former))
    told = run("duties", "diff", str(LATER), str(path), "--impact")
    assert number in told and NEW_BODY in told
    run("duties", "propose", str(path), "--from", str(LATER), "--by", "甲")
    refused = CliRunner().invoke(command_line, ["duties", "approve", "1", "--by", "甲"])
    assert refused.exit_code != 0
    run("duties", "approve", "1", "--by", "乙")
    assert lead_on(own.url, LATER) == NEW_BODY
    assert "approved" in run("duties", "proposals")
    run("duties", "undo", "1", "--reason", "有误", "--by", "乙")
    assert lead_on(own.url, LATER) == former


@pytest.mark.parametrize("name", ["demo", "second"])
def test_a_town_that_loses_a_matter_is_told_with_its_officers(
    name: str, fresh_database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if name == "demo":
        folder = demo_city(tmp_path_factory).folder
        files = {kind: folder / FILES[kind] for kind in ("areas", "bodies", "duties", "officers")}
    else:
        city = make_second_city(tmp_path_factory.mktemp("second"))
        files = {
            "areas": city.plain / "areas.gpkg",
            "bodies": city.office / "名录" / "主体名录.xlsx",
            "duties": city.plain / "duties.csv",
            "officers": city.office / "名录" / "执法人员名册.csv",
        }
    day = dt.date(2026, 4, 1)
    with in_force(NANTONG if name == "demo" else SECOND):
        for kind, path in files.items():
            import_file(
                kind, path, crs="wgs84", url=fresh_database, now=dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
            )
        stored = read_duties(files["duties"]).duties
        towns = [line for line in stored if line.level == "town" and line.role == "lead" and line.holds(day)]
        lost = towns[0]
        with session(SYSTEM, fresh_database) as db:
            before = db.execute(text("SELECT count(*), max(batch_id) FROM duty_items")).one()
            impact = impact_of(db, [line for line in stored if line != lost], day, "whole")
            assert db.execute(text("SELECT count(*), max(batch_id) FROM duty_items")).one() == before
        certificates = rows(
            fresh_database,
            "SELECT DISTINCT o.certificate_no FROM officers o JOIN bodies b ON b.code = o.body_code"
            f" WHERE b.name = '{lost.body}'",
        )
    assert [(one.town_code, one.item_code, one.change) for one in impact.towns] == [
        (lost.area_code, lost.item_code, "loses")
    ]
    assert [(line.body, line.area_code) for line in impact.change.ended] == [(lost.body, lost.area_code)]
    assert impact.change.begun == [] and impact.cases == []
    told = [number for one in impact.officers for number in one.certificates]
    assert sorted(told) == sorted(number for (number,) in certificates) and told
