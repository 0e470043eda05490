"""Registers as people use them: lists, versions from a day on, withdrawals, confirmation, accounts, by API and command."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from geo_api.auth.access import create_user
from geo_api.cli.main import app as command_line
from geo_api.http.progress import console
from geo_api.imports.import_file import import_file
from grid.cases import open_case
from grid.responsibility import assign
from layers.batches import undo_batch
from layers.errors import RejectedRows
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Api, Seeded, api_over, logged_in
from tests.support.row_digests import differing_tables, row_digests
from tests.support.small_town import TOWN_A, TOWN_B

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
BODIES = (
    "code,name,short_name,level,area_code,domains,parent_code,phone,valid_from\n"
    "B-CITY,测试市生态环境局,市生态局,city,320600,ecology,,+86 513 1234,2020-01-01\n"
    f"B-A,甲镇人民政府,,town,{TOWN_A},ecology;market,B-CITY,,2020-01-01\n"
    f"B-B,乙镇人民政府,,town,{TOWN_B},ecology,B-CITY,,2020-01-01\n"
)
OFFICERS = (
    "certificate_no,name,certificate_from,certificate_to,body_code,area_codes,phone,valid_from\n"
    f"ZF-1,王一,2020-01-01,2999-12-31,B-A,{TOWN_A},13900000001,2020-01-01\n"
    f"ZF-2,李二,2020-01-01,2999-12-31,B-B,{TOWN_B},13900000002,2020-01-01\n"
)
MATTERS = (
    "item_code,name,domain,limit_overall,legal_review,duplicate_radius_m,evidence,valid_from\n"
    "M-1,露天焚烧,ecology,15工作日；紧急 24小时,yes,200,photo;note,2020-01-01\n"
)


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path) -> Iterator[Api]:
    for api in api_over(seeded, f"registers_{tmp_path.name}", tmp_path):
        for kind, content in (("bodies", BODIES), ("officers", OFFICERS), ("matters", MATTERS)):
            path = tmp_path / f"{kind}.csv"
            path.write_text(content, encoding="utf-8")
            import_file(kind, path, url=api.url, now=NOW)
        with session(SYSTEM, api.url) as db:
            create_user(db, username="supervisor.a", password=PASSWORD, role="supervisor", area_code=TOWN_A)
        yield api


def tag(client: TestClient, path: str) -> dict[str, str]:
    return {"If-Match": client.get(path).headers["ETag"]}


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with session(SYSTEM, url) as db:
        return [tuple(row) for row in db.execute(text(statement))]


def test_an_edit_is_a_version_from_its_day_on_and_nothing_is_overwritten(own: Api) -> None:
    client = logged_in(own.app, "dispatcher")
    path = "/v1/registers/bodies/B-A"
    body = {
        "valid_from": "2027-01-01",
        "values": {"name": "甲街道办事处", "domains": ["ecology"]},
        "reason": "撤镇设街道",
    }
    assert client.patch(path, json=body).status_code == 428
    assert client.patch(path, json=body, headers={"If-Match": '"other"'}).status_code == 412
    known = tag(client, path)
    answer = client.patch(path, json=body, headers=known)
    assert answer.status_code == 200, answer.text
    newest, first = answer.json()["versions"]
    assert (newest["valid_from"], newest["valid_to"], newest["former_names"]) == (
        "2027-01-01",
        None,
        ["甲镇人民政府"],
    )
    assert newest["changed_by"] == "dispatcher" and newest["reason"] == "撤镇设街道"
    assert (first["name"], first["valid_to"]) == ("甲镇人民政府", "2027-01-01")
    assert answer.json()["version"]["name"] == "甲镇人民政府", "today the former version holds"
    assert client.patch(path, json=body, headers=known).status_code == 412, "somebody changed it since"
    again = client.patch(path, json=body, headers=tag(client, path))
    assert again.status_code == 409 and "2027-01-01" in again.json()["detail_zh"]
    assert rows(own.url, "SELECT count(DISTINCT body_id) FROM bodies WHERE code = 'B-A'") == [(1,)]
    listed = client.get("/v1/registers/bodies", params={"q": "甲", "at": "2027-06-01"}).json()["entries"]
    assert [entry["version"]["name"] for entry in listed] == ["甲街道办事处"]
    batch = newest["batch_id"]
    assert client.post(f"/v1/imports/{batch}/undo").status_code == 200
    assert [v["valid_to"] for v in client.get(path).json()["versions"]] == [None]


def test_a_new_entry_needs_that_nobody_has_its_key(own: Api) -> None:
    client = logged_in(own.app, "supervisor")
    path, new = "/v1/registers/bodies/B-NEW", {"If-None-Match": "*"}
    body = {"valid_from": "2026-12-01", "values": {"name": "测试市水务局", "level": "city"}}
    assert client.put(path, json=body).status_code == 428
    assert client.put(path, json=body, headers=new).status_code == 200
    assert client.put(path, json=body, headers=new).status_code == 412
    wrong = client.put("/v1/registers/bodies/B-X", headers=new, json={"valid_from": "2026-12-01", "values": {
        "name": "某局", "level": "planet", "area_code": "1", "domains": ["sea"]}})  # fmt: skip
    assert wrong.status_code == 422
    for field in ("level", "area_code", "domains"):
        assert field in wrong.json()["detail"]
    unknown = client.put(
        "/v1/registers/bodies/B-X", headers=new, json={"valid_from": "2026-12-01", "values": {"nme": "x"}}
    )
    assert unknown.status_code == 422 and "nme" in unknown.json()["detail_zh"]


def test_an_entry_that_is_not_there_is_answered_with_the_nearest_names(own: Api) -> None:
    answer = logged_in(own.app, "dispatcher").get("/v1/registers/bodies/测试市生态环保局")
    assert answer.status_code == 404
    assert answer.json()["nearest"][0] == "测试市生态环境局 B-CITY" and "相近" in answer.json()["detail_zh"]


def test_a_body_with_officers_or_cases_is_not_withdrawn_before_they_are_elsewhere(own: Api) -> None:
    client = logged_in(own.app, "dispatcher")
    path = "/v1/registers/bodies/B-B"
    end = {"on": "2027-01-01", "reason": "撤并"}
    refused = client.post(f"{path}/withdraw", json=end, headers=tag(client, path))
    assert refused.status_code == 409
    assert {one["kind"]: one["ids"] for one in refused.json()["rests_on"]}["officers"] == ["ZF-2"]
    assert "执法人员" in refused.json()["detail_zh"]
    officer = "/v1/registers/officers/ZF-2"
    moved = {"valid_from": "2026-12-31", "values": {"body_code": "甲镇人民政府"}}
    assert (
        client.patch(officer, json=moved, headers=tag(client, officer)).json()["versions"][0]["body_code"]
        == "B-A"
    )
    answer = client.post(f"{path}/withdraw", json=end, headers=tag(client, path))
    assert answer.status_code == 200, answer.text
    assert answer.json()["entry"]["versions"][0]["valid_to"] == "2027-01-01"
    (ended,) = answer.json()["entry"]["versions"][0]["later"]
    assert (ended["what"], ended["reason"]) == ("ended", "撤并")
    twice = client.post(f"{path}/withdraw", json=end, headers=tag(client, path))
    assert twice.status_code == 409
    with session(SYSTEM, own.url) as db:
        at = dt.datetime(2026, 3, 1, 2, tzinfo=dt.UTC)
        lon, lat = db.execute(
            text("SELECT ST_X(label_point), ST_Y(label_point) FROM areas WHERE code = :code"),
            {"code": TOWN_A},
        ).one()
        answer = assign(db, lon=lon, lat=lat, item_code="ECO-001", at=at)
        assert answer.lead is not None
        db.execute(
            text(
                "INSERT INTO bodies (body_id, code, name, level, valid_from) SELECT 0, 'B-LEAD', :name, 'town', '2020-01-01'"
                " WHERE body_named(:name) IS NULL"
            ),
            {"name": answer.lead.body},
        )
        number = open_case(
            db, title="t", item_code="ECO-001", assignment=answer, lon=lon, lat=lat, opened_at=at
        ).number
        lead = db.execute(
            text(
                "SELECT b.code FROM bodies b JOIN case_parties p USING (body_id) JOIN cases c ON c.id = p.case_id"
                " WHERE c.number = :number AND p.part = 'lead' LIMIT 1"
            ),
            {"number": number},
        ).scalar_one()
    path = f"/v1/registers/bodies/{lead}"
    refused = client.post(f"{path}/withdraw", json=end, headers=tag(client, path))
    assert {one["kind"]: one["ids"] for one in refused.json()["rests_on"]}["cases"] == [number]
    assert client.get(path).json()["version"]["valid_to"] is None


def test_grid_workers_are_seen_by_who_looks_after_their_grids(own: Api, tmp_path: Path) -> None:
    path = tmp_path / "网格员.csv"
    staff = f"1,孙三,{TOWN_A}001001,专职,2024-01-01\n2,钱四,{TOWN_B}001,兼职,2024-01-01\n"
    path.write_text("网格员编号,姓名,负责网格编码,岗位,生效日期\n" + staff, encoding="utf-8")
    import_file("grid_workers", path, url=own.url, now=NOW)
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(
        f"grid_code,households,valid_from\n{TOWN_A},3,2024-01-01\n{TOWN_A}001001,2.5,2024-01-01\n"
    )
    with pytest.raises(RejectedRows, match=r"no unit grid has this code[\s\S]*not a whole number"):
        import_file("grid_households", wrong, url=own.url, now=NOW)
    of_a = logged_in(own.app, "grid.a")
    assert [e["key"] for e in of_a.get("/v1/registers/grid_workers").json()["entries"]] == ["1"]
    assert of_a.get("/v1/registers/grid_workers/2").status_code == 404
    assert "钱四" not in of_a.get("/v1/registers/grid_workers", params={"f": "csv"}).text
    assert logged_in(own.app, "officer.a").get("/v1/registers/grid_workers").status_code == 403
    client, count = (
        logged_in(own.app, "supervisor.a"),
        {"valid_from": "2027-01-01", "values": {"households": 420}},
    )
    for code, status in ((f"{TOWN_A}001001", 200), (f"{TOWN_B}001001", 403)):
        place = f"/v1/registers/grid_households/{code}"
        answer = client.put(place, json=count, headers={"If-None-Match": "*"})
        assert answer.status_code == status, answer.text
    entry = TestClient(own.app).get(f"/v1/registers/grid_households/{TOWN_A}001001").json()
    assert (entry["version"]["households"], entry["names"]) == (420, {f"{TOWN_A}001001": "A网格1"})


def test_who_sees_and_who_edits(own: Api) -> None:
    for role in ("viewer.a", "grid.a", "officer.a"):
        client = logged_in(own.app, role)
        assert client.get("/v1/registers/bodies").status_code == 200
        assert client.get("/v1/registers/officers").status_code == 403, "names of officers are personal data"
        assert client.get("/v1/registers/officers/ZF-1").status_code == 403
        path = "/v1/registers/bodies/B-A"
        change = {"valid_from": "2027-01-01", "values": {"phone": "1"}}
        assert client.patch(path, json=change, headers=tag(client, path)).status_code == 403
    public = TestClient(own.app)
    assert public.get("/v1/registers/officers").status_code == 401
    assert public.get("/v1/registers/matters").status_code == 200, "matters are published by law"
    assert public.get("/v1/registers/bodies/B-A").json()["versions"][0]["changed_by"] is None
    of_a = logged_in(own.app, "supervisor.a")
    assert [e["key"] for e in of_a.get("/v1/registers/officers").json()["entries"]] == ["ZF-1"]
    assert of_a.get("/v1/registers/officers/ZF-2").status_code == 404
    assert "李二" not in of_a.get("/v1/registers/officers", params={"f": "csv"}).text
    change = {"valid_from": "2027-01-01", "values": {"phone": "1"}}
    for key, status in (("B-A", 200), ("B-B", 403), ("B-CITY", 403)):
        path = f"/v1/registers/bodies/{key}"
        assert of_a.patch(path, json=change, headers=tag(of_a, path)).status_code == status, key
    out = {"valid_from": "2027-02-01", "values": {"area_code": TOWN_B}}
    path = "/v1/registers/bodies/B-A"
    assert of_a.patch(path, json=out, headers=tag(of_a, path)).status_code == 403, (
        "it would leave the own area"
    )
    path = "/v1/registers/matters/M-1"
    renamed = {"valid_from": "2027-01-01", "values": {"name": "x"}}
    assert of_a.patch(path, json=renamed, headers=tag(of_a, path)).status_code == 403, (
        "matters hold city-wide"
    )


def test_lists_are_filtered_paged_and_begin_with_what_is_unconfirmed(own: Api) -> None:
    with session(SYSTEM, own.url) as db:
        db.execute(
            text(
                "INSERT INTO bodies (body_id, code, name, level, area_code, confirmed, valid_from)"
                " VALUES (0, 'U99999', '某某执法局', 'town', :town, false, '2021-01-01')"
            ),
            {"town": TOWN_A},
        )
        known = int(db.execute(text("SELECT count(DISTINCT code) FROM bodies")).scalar_one())
    client = logged_in(own.app, "dispatcher")
    page = client.get("/v1/registers/bodies", params={"limit": 2}).json()
    assert page["numberMatched"] == known and page["entries"][0]["confirmed"] is False
    keys = [entry["key"] for entry in page["entries"]]
    while further := [one["href"] for one in page["links"] if one["rel"] == "next"]:
        page = client.get(further[0]).json()
        keys += [entry["key"] for entry in page["entries"]]
    assert len(keys) == len(set(keys)) == known

    def found(**filters: str) -> set[str]:
        entries = client.get("/v1/registers/bodies", params=filters | {"limit": "1000"}).json()["entries"]
        return {entry["key"] for entry in entries}

    assert {"B-CITY", "B-A", "B-B"} <= found(area="320600") and "B-B" not in found(area=TOWN_A)
    assert found(domain="market") & {"B-A", "B-B", "B-CITY"} == {"B-A"}
    assert found(q="市生态局") == {"B-CITY"}
    assert found(at="2019-12-31") == set() and "U99999" in found(mark="unconfirmed")
    path = "/v1/registers/bodies/U99999"
    assert client.post(f"{path}/confirm", headers=tag(client, path)).json()["confirmed"] is True
    assert "U99999" not in found(mark="unconfirmed")
    assert client.post(f"{path}/confirm", headers=tag(client, path)).status_code == 409
    assert client.get("/v1/registers/bodies", params={"area": "1"}).status_code == 422


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_is_exported_is_imported_again(own: Api, fresh_database: str, tmp_path: Path, form: str) -> None:
    client = logged_in(own.app, "supervisor")
    path = "/v1/registers/bodies/B-A"
    client.patch(
        path, json={"valid_from": "2026-06-01", "values": {"name": "新名"}}, headers=tag(client, path)
    )
    with session(SYSTEM, own.url) as db, session(SYSTEM, fresh_database) as other:
        areas = db.execute(text("SELECT code, name, kind FROM areas WHERE kind <> 'unit_grid'")).all()
        place = "ST_SetSRID(ST_MakePoint(120, 31), 4326)"
        for row in areas:
            other.execute(
                text(
                    "INSERT INTO areas (code, name, kind, valid_from, geom, label_point, area_m2) VALUES"
                    f" (:code, :name, :kind, '2020-01-01', ST_Multi(ST_Buffer({place}, 1)), {place}, 1)"
                ),
                row._asdict(),
            )
    for register in ("bodies", "officers", "matters"):
        answer = client.get(f"/v1/registers/{register}", params={"f": form})
        target = tmp_path / f"{register}.{form}"
        target.write_bytes(answer.content)
        import_file(register, target, url=own.url, now=NOW)
        import_file(register, target, url=fresh_database, now=NOW)
        told = "(to_jsonb(r) - 'id' - 'body_id' - 'officer_id' - 'batch_id')::text"
        statement = f"SELECT {told} FROM {register} r ORDER BY 1"
        assert rows(fresh_database, statement) == rows(own.url, statement)
    assert rows(own.url, "SELECT counts ->> 'unchanged' = counts ->> 'rows' FROM batches ORDER BY id DESC LIMIT 3") == [
        (True,)
    ] * 3  # fmt: skip
    assert rows(fresh_database, "SELECT phone FROM bodies WHERE code = 'B-CITY'") == [("+86 513 1234",)]
    assert client.get("/v1/registers/bodies", params={"f": form, "q": "甲"}).status_code == 400


def test_the_workbook_has_the_columns_of_the_template(own: Api) -> None:
    answer = logged_in(own.app, "supervisor").get("/v1/registers/officers", params={"f": "xlsx"})
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    header, *lines = sheet.iter_rows(values_only=True)
    assert header[:2] == ("certificate_no", "name") and [line[0] for line in lines] == ["ZF-1", "ZF-2"]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command_line, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_line_edits_withdraws_confirms_and_exports(
    own: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", own.url)
    monkeypatch.setenv("WANGGE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(console, "_width", 200)
    run("registers", "list", "bodies")
    before = row_digests(own.url)
    told = run(
        "registers",
        "edit",
        "bodies",
        "B-A",
        "--from",
        "2026-12-01",
        "--set",
        "short_name=甲镇",
        "--reason",
        "简称",
    )
    assert "甲镇" in run("registers", "show", "bodies", "B-A")
    assert rows(own.url, "SELECT valid_from::text, short_name FROM bodies WHERE code = 'B-A' ORDER BY 1") == [
        ("2020-01-01", None),
        ("2026-12-01", "甲镇"),
    ]
    batch = int(told.split("batch")[1].split()[0])
    with session(SYSTEM, own.url) as db:
        undo_batch(db, batch, by="tester", now=NOW)
    assert differing_tables(before, row_digests(own.url)) == []
    run(
        "registers",
        "add",
        "officers",
        "ZF-3",
        "--from",
        "2026-12-01",
        "--set",
        "name=赵三",
        "--set",
        "body_code=B-A",
    )
    run("registers", "withdraw", "officers", "ZF-3", "--from", "2027-12-01", "--reason", "调离")
    assert rows(own.url, "SELECT valid_to::text FROM officers WHERE certificate_no = 'ZF-3'") == [
        ("2027-12-01",)
    ]
    listed = run("registers", "list", "officers", "--mark", "coming", "--json")
    assert "ZF-3" in listed and "ZF-1" not in listed
    out = tmp_path / "out.xlsx"
    run("registers", "export", "officers", "--out", str(out))
    assert openpyxl.load_workbook(out).active.max_row == 4


def test_an_account_is_bound_to_an_officer_and_acts_for_the_body(
    own: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", own.url)
    monkeypatch.setenv("WANGGE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(console, "_width", 250)
    run("users", "bind", "officer.a", "--officer", "ZF-1")
    listed = run("users", "list")
    line = next(line for line in listed.splitlines() if "officer.a" in line)
    assert "甲镇人民政府" in line and "ZF-1" in line
    from geo_api.auth.accounts import scope_of_account

    def body_id(username: str) -> int | None:
        with session(SYSTEM, own.url) as db:
            scope = scope_of_account(db, username)
        return None if scope is None else scope.body_id

    assert rows(own.url, "SELECT DISTINCT body_id FROM bodies WHERE code = 'B-A'") == [
        (body_id("officer.a"),)
    ]
    assert "ZF-1" in run("users", "bind", "officer.a", "--officer", "ZF-2"), "the former officer is told"
    assert rows(own.url, "SELECT certificate_no FROM officers WHERE username = 'officer.a'") == [("ZF-2",)]
    run("users", "bind", "dispatcher", "--body", "市生态局")
    assert rows(own.url, "SELECT DISTINCT body_id FROM bodies WHERE code = 'B-CITY'") == [
        (body_id("dispatcher"),)
    ]
    refused = CliRunner().invoke(command_line, ["users", "bind", "nobody", "--officer", "ZF-1"])
    assert refused.exit_code != 0


def test_a_certificate_that_is_over_is_marked_and_kept_when_the_rest_is_edited(own: Api) -> None:
    with session(SYSTEM, own.url) as db:
        db.execute(text("UPDATE officers SET certificate_to = '2021-01-01' WHERE certificate_no = 'ZF-1'"))
    client = logged_in(own.app, "supervisor")
    expired = client.get("/v1/registers/officers", params={"mark": "certificate_expired"}).json()["entries"]
    assert [(entry["key"], entry["certificate_expired"]) for entry in expired] == [("ZF-1", True)]
    path = "/v1/registers/officers/ZF-1"
    off = {"valid_from": "2026-12-01", "values": {"on_duty": False}}
    answer = client.patch(path, json=off, headers=tag(client, path))
    assert answer.status_code == 200, answer.text
    assert [version["on_duty"] for version in answer.json()["versions"]] == [False, True]
    older = {"valid_from": "2026-12-02", "values": {"certificate_to": "2022-01-01"}}
    answer = client.patch(path, json=older, headers=tag(client, path))
    assert answer.status_code == 422 and "过期" in answer.json()["detail"]


def test_a_matter_in_the_duty_list_is_not_withdrawn(own: Api) -> None:
    client = logged_in(own.app, "supervisor")
    key = rows(own.url, "SELECT item_code FROM duty_items WHERE valid_to IS NULL ORDER BY 1 LIMIT 1")[0][0]
    path = f"/v1/registers/matters/{key}"
    if client.get(path).status_code == 404:
        new = {"valid_from": "2020-01-01", "values": {"name": "事项", "domain": "ecology"}}
        assert client.put(path, json=new, headers={"If-None-Match": "*"}).status_code == 200
    refused = client.post(
        f"{path}/withdraw", json={"on": "2027-01-01", "reason": "废止"}, headers=tag(client, path)
    )
    assert refused.status_code == 409 and "duty_items" in {one["kind"] for one in refused.json()["rests_on"]}
    free = "/v1/registers/matters/M-1"
    assert (
        client.post(
            f"{free}/withdraw", json={"on": "2027-01-01", "reason": "废止"}, headers=tag(client, free)
        ).status_code
        == 200
    )


def test_a_cell_that_begins_like_a_formula_is_refused_by_edit_too(own: Api) -> None:
    client = logged_in(own.app, "supervisor")
    path = "/v1/registers/bodies/B-A"
    wrong = {"valid_from": "2027-01-01", "values": {"name": "=1+1"}}
    answer = client.patch(path, json=wrong, headers=tag(client, path))
    assert answer.status_code == 422 and "公式" in answer.json()["detail"]


def test_a_file_with_an_expired_certificate_of_nobody_known_is_refused(own: Api, tmp_path: Path) -> None:
    path = tmp_path / "expired.csv"
    path.write_text(
        OFFICERS.split("\n", 1)[0] + f"\nZF-9,钱九,2010-01-01,2015-01-01,B-A,{TOWN_A},,2020-01-01\n"
    )
    with pytest.raises(RejectedRows, match="ended"):
        import_file("officers", path, url=own.url, now=NOW)


def test_every_version_shows_its_own_reason_and_who_ended_it(
    own: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By API and command: later changes do not cover the reason for which a version was made."""
    path = "/v1/registers/bodies/B-NEW"
    new = {
        "valid_from": "2025-01-01",
        "values": {"name": "测试市水务局", "level": "city"},
        "reason": "新设机构",
    }
    made = logged_in(own.app, "supervisor").put(path, json=new, headers={"If-None-Match": "*"})
    assert made.status_code == 200, made.text
    for who, since, phone, reason in (
        ("dispatcher", "2026-01-01", "111", "换了电话"),
        ("supervisor", "2026-06-01", "222", "搬迁新址"),
        ("dispatcher", "2026-09-01", "333", "总机改号"),
    ):
        client = logged_in(own.app, who)
        edit = {"valid_from": since, "values": {"phone": phone}, "reason": reason}
        answer = client.patch(path, json=edit, headers=tag(client, path))
        assert answer.status_code == 200, answer.text
    client = logged_in(own.app, "supervisor")
    ended = client.post(
        f"{path}/withdraw", json={"on": "2027-01-01", "reason": "机构撤并"}, headers=tag(client, path)
    )
    assert ended.status_code == 200, ended.text
    told = [
        (
            one["phone"],
            one["changed_by"],
            one["reason"],
            [(c["what"], c["changed_by"], c["reason"]) for c in one["later"]],
        )
        for one in client.get(path).json()["versions"]
    ]
    assert told[:3] == [
        ("333", "dispatcher", "总机改号", [("ended", "supervisor", "机构撤并")]),
        ("222", "supervisor", "搬迁新址", [("ended", "dispatcher", "总机改号")]),
        ("111", "dispatcher", "换了电话", [("ended", "supervisor", "搬迁新址")]),
    ]
    assert told[3] == (None, "supervisor", "新设机构", [("ended", "dispatcher", "换了电话")])
    assert all(
        one["changed_by"] is None and not one["later"]
        for one in TestClient(own.app).get(path).json()["versions"]
    ), "batches are not for everybody"
    monkeypatch.setenv("WANGGE_DATABASE_URL", own.url)
    shown = CliRunner().invoke(command_line, ["registers", "show", "bodies", "B-NEW"])
    assert shown.exit_code == 0, shown.output
    for reason, times in (
        ("新设机构", 1),
        ("换了电话", 2),
        ("搬迁新址", 2),
        ("总机改号", 2),
        ("机构撤并", 1),
    ):
        assert shown.output.count(reason) == times, (reason, "as made, and as the end of the version before")
    # An undone edit takes its reason with it, and the version before holds again.
    with session(SYSTEM, own.url) as db:
        newest = db.scalar(text("SELECT max(id) FROM batches"))
        undo_batch(db, newest, by="tester", now=NOW)
    now = client.get(path).json()["versions"][0]
    assert (now["reason"], now["later"]) == ("总机改号", [])
