"""Drafts on the server: two tabs, sharing within the scope, limits, others' work, and codes that are promised."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from starlette.testclient import TestClient

from geo_api.areas.due_change_sets import apply_due_changes
from grid.change_sets.drafts import MOST_DRAFTS, remove_old_drafts
from layers.codes import NATIONAL_GRID_PROFILE
from layers.postgres import SYSTEM, session
from tests.support.application import Api, Seeded, api_over
from tests.support.change_sets import make_due
from tests.support.small_town import BOXES

Login = Callable[[str], TestClient]


@pytest.fixture
def api(seeded: Seeded, tmp_path: Path) -> Iterator[Api]:
    """An application of this test's own: its grids change."""
    yield from api_over(seeded, f"api_{tmp_path.name}", tmp_path)


def split(area_id: int, lat: float = 31.3) -> dict[str, Any]:
    line = {"type": "LineString", "coordinates": [[119.9, lat], [121.0, lat]]}
    return {"op": "split", "area_id": area_id, "line": line}


def step(area_id: int, code: str) -> dict[str, Any]:
    return {"operation": split(area_id), "zones": [{"id": area_id, "code": code, "name": "网格"}]}


def test_two_tabs_do_not_overwrite_each_other(login: Login, api: Api) -> None:
    manager = login("grid.a")
    made = manager.post("/v1/drafts", json={"steps": [step(api.ids["grid_A1"], "320601001001001")]})
    assert made.status_code == 201, made.text
    draft = made.json()
    assert (draft["version"], draft["mine"], draft["n_steps"]) == (1, True, 1)
    at = f"/v1/drafts/{draft['id']}"
    tag = manager.get(at).headers["etag"]
    assert tag == made.headers["etag"]
    assert manager.put(at, json={"title": "x"}).status_code == 428
    body = {"title": "Two halves", "steps": draft["steps"], "effective_on": "2031-01-01"}
    saved = manager.put(at, json=body, headers={"If-Match": tag})
    assert (saved.status_code, saved.json()["version"]) == (200, 2)
    late = manager.put(at, json={"title": "the other tab"}, headers={"If-Match": tag})
    problem = late.json()
    assert (late.status_code, problem["type"], problem["version"]) == (412, "/problems/version-conflict", 2)
    assert "read it again" in problem["detail"] and "重新读取" in problem["detail_zh"]
    kept = manager.get(at).json()
    assert (kept["title"], kept["effective_on"], kept["steps"]) == (
        "Two halves",
        "2031-01-01",
        draft["steps"],
    )
    assert manager.delete(at, headers={"If-Match": tag}).status_code == 412
    assert manager.delete(at, headers={"If-Match": saved.headers["etag"]}).status_code == 204
    assert manager.get(at).status_code == 404 and manager.get("/v1/drafts").json() == {"drafts": []}


def test_a_draft_is_its_owners_and_shared_within_the_scope(login: Login, api: Api) -> None:
    supervisor, manager, officer = login("supervisor"), login("grid.a"), login("officer.a")
    ids = api.ids
    drafts = {
        letter: supervisor.post(
            "/v1/drafts", json={"name": letter, "steps": [step(ids[f"grid_{letter}1"], f"32060100{n}001001")]}
        ).json()
        for n, letter in enumerate("AB", start=1)
    }
    assert [manager.get(f"/v1/drafts/{draft['id']}").status_code for draft in drafts.values()] == [404, 404]
    around = manager.get(f"/v1/drafts/around?area_ids={ids['grid_A1']},{ids['grid_B1']}").json()["drafts"]
    assert [(one["id"], one["name"], one["owner"]) for one in around] == [(None, "A", "supervisor")]
    for draft in drafts.values():
        tag = {"If-Match": f'"{draft["version"]}"'}
        body = {"name": draft["name"], "steps": draft["steps"], "shared": True}
        assert supervisor.put(f"/v1/drafts/{draft['id']}", json=body, headers=tag).status_code == 200
    seen = [login(name).get("/v1/drafts?shared=true").json()["drafts"] for name in ("grid.a", "officer.a")]
    assert [[(one["name"], one["mine"]) for one in some] for some in seen] == [[("A", False)]] * 2
    of_a = f"/v1/drafts/{drafts['A']['id']}"
    assert manager.get(of_a).json()["steps"] == drafts["A"]["steps"]
    assert manager.put(of_a, json={}, headers={"If-Match": '"2"'}).status_code == 404, "read only"
    assert manager.delete(of_a, headers={"If-Match": '"2"'}).status_code == 404
    copied = manager.post(f"{of_a}/copy")
    assert (copied.status_code, copied.json()["mine"], copied.json()["shared"]) == (201, True, False)
    assert manager.post(f"/v1/drafts/{drafts['B']['id']}/copy").status_code == 404
    assert officer.post(f"{of_a}/copy").status_code == 403
    around = manager.get(f"/v1/drafts/around?area_ids={ids['grid_A1']}").json()["drafts"]
    assert [one["id"] for one in around] == [drafts["A"]["id"]]


def test_drafts_are_limited_and_old_ones_go(login: Login, api: Api) -> None:
    manager = login("grid.a")
    for _ in range(MOST_DRAFTS):
        assert manager.post("/v1/drafts", json={}).status_code == 201
    refused = manager.post("/v1/drafts", json={})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/conflict")
    assert manager.post("/v1/drafts", json={"steps": [step(1, "x")] * 101}).status_code == 422
    with session(SYSTEM, api.url) as db:
        now = dt.datetime.now(dt.UTC)
        assert remove_old_drafts(db, now + dt.timedelta(days=179)) == 0
        assert remove_old_drafts(db, now + dt.timedelta(days=181)) == MOST_DRAFTS


def test_codes_of_an_approved_future_change_are_promised(login: Login, api: Api) -> None:
    """Two drafts are offered the same codes until one is approved for a later day; then they are its own."""
    ids, manager, supervisor = api.ids, login("grid.a"), login("supervisor")
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(days=30)).isoformat()
    one = manager.post(
        "/v1/change-sets", json={"operations": [split(ids["grid_A1"])], "effective_at": later}
    ).json()
    other = manager.post("/v1/change-sets", json={"operations": [split(ids["grid_A2"])]}).json()
    first, second = ["320601001001003", "320601001001004"], ["320601001001005", "320601001001006"]
    assert [draft["preview"]["new_codes"] for draft in (one, other)] == [first, first]
    assert supervisor.post(f"/v1/change-sets/{one['id']}/apply").json()["status"] == "approved"
    around = manager.get(f"/v1/drafts/around?area_ids={ids['grid_A1']}").json()["change_sets"]
    assert [(each["id"], each["status"], each["new_codes"]) for each in around] == [
        (one["id"], "approved", first)
    ]
    seen = manager.post("/v1/change-sets/preview", json={"operations": [split(ids["grid_A2"])]}).json()
    assert seen["preview"]["new_codes"] == second
    applied = supervisor.post(f"/v1/change-sets/{other['id']}/apply").json()
    assert applied["result"]["new_codes"] == second
    with session(SYSTEM, api.url) as db:
        make_due(db, one["id"])
    assert apply_due_changes(api.url, NATIONAL_GRID_PROFILE) == {one["id"]: "applied"}
    listed = {row["id"]: row for row in manager.get("/v1/change-sets").json()["change_sets"]}
    assert listed[one["id"]]["result"]["new_codes"] == first


def reshape(api: Api, lon: float) -> dict[str, Any]:
    """The boundary between both grids of town A, drawn anew along a meridian."""
    line = {"type": "LineString", "coordinates": [[lon, 31.0], [lon, 31.9]]}
    return {"op": "reshape", "area_ids": [api.ids["grid_A1"], api.ids["grid_A2"]], "line": line}


def test_a_corrected_border_keeps_the_codes(login: Login, api: Api) -> None:
    """Both grids are halves of a box: the western one keeps 7/8 of its land, and with 3/4 it is refused."""
    manager, supervisor = login("grid.a"), login("supervisor")
    west, _, east, _ = BOXES["A"]
    half = (east - west) / 2
    for share, status in ((0.875, 201), (0.75, 422)):
        body = {"operations": [reshape(api, west + half * share)], "keep_codes": True, "title": "New road"}
        answer = manager.post("/v1/change-sets", json=body)
        assert answer.status_code == status, answer.text
        if status == 422:
            assert "75.0%" in answer.json()["detail"] and "80%" in answer.json()["detail_zh"]
        else:
            draft = answer.json()
    codes = ["320601001001001", "320601001001002"]
    seen = draft["preview"]
    assert (sorted(seen["kept_codes"]), seen["new_codes"], seen["voided_codes"]) == (codes, [], [])
    assert len(seen["result"]["features"]) == 2
    at = f"/v1/change-sets/{draft['id']}"
    planned = manager.get(f"{at}/codes").json()["rows"]
    applied = supervisor.post(f"{at}/apply").json()
    assert [one["code"] for one in applied["result"]["versions"] if one["kind"] == "unit_grid"] == codes
    page = manager.get("/collections/areas/items?kind=unit_grid&sortby=code&limit=9").json()["features"]
    after = {one["properties"]["code"]: one for one in page if one["properties"]["code"] in codes}
    assert set(after) == set(codes) and not {one["id"] for one in after.values()} & {api.ids["grid_A1"]}
    rows = manager.get(f"{at}/codes").json()["rows"]
    pairs = [(row["old_code"][-3:], row["new_code"][-3:], row["share"]) for row in rows]
    expected = [("001", "001", 0.875), ("001", "002", 0.125), ("002", "002", 1.0)]
    assert [p[:2] for p in pairs] == [p[:2] for p in expected]
    assert [p[2] for p in pairs] == pytest.approx([p[2] for p in expected], abs=1e-3)
    assert [row["share"] for row in planned] == pytest.approx([p[2] for p in expected], abs=1e-3)
    assert supervisor.post(f"{at}/undo").status_code == 200
    again = manager.get("/collections/areas/items?kind=unit_grid&sortby=code&limit=9").json()["features"]
    assert {one["properties"]["code"] for one in again} >= set(codes)


def test_codes_story_and_difference_of_a_split(login: Login, api: Api) -> None:
    manager, supervisor = login("grid.a"), login("supervisor")
    body = {"operations": [split(api.ids["grid_A1"])], "title": "Two halves", "reason": "too large"}
    draft = manager.post("/v1/change-sets", json=body).json()
    at = f"/v1/change-sets/{draft['id']}"
    assert supervisor.post(f"{at}/apply").status_code == 200
    old, new = "320601001001001", ["320601001001003", "320601001001004"]
    rows = list(csv.DictReader(io.StringIO(manager.get(f"{at}/codes?f=csv").content.decode("utf-8-sig"))))
    assert [(row["原编码 old_code"], row["新编码 new_code"]) for row in rows] == [(old, code) for code in new]
    assert sum(float(row["占原面积 share"]) for row in rows) == pytest.approx(1, abs=1e-3)
    sheet = openpyxl.load_workbook(io.BytesIO(manager.get(f"{at}/codes?f=xlsx").content)).active
    assert [cell.value for cell in next(sheet.iter_rows(min_row=2))][:3:2] == [old, new[0]]
    page = manager.get(f"{at}/codes?f=html").text
    assert all(code in page for code in (old, *new)) and "变更对照表" in page
    story = manager.get(f"/v1/areas/{new[0]}/story").json()["versions"]
    assert [(one["code"], one["relation"]) for one in story] == [(old, "before"), (new[0], "itself")]
    assert (story[0]["successors"], story[1]["change"]["reason"]) == (new, "too large")
    assert (story[1]["change"]["author"], story[1]["change"]["approved_by"]) == ("grid.a", "supervisor")
    assert login("officer.b").get(f"/v1/areas/{new[0]}/story").json()["versions"][1]["change"] is None
    assert manager.get("/v1/areas/none/story").status_code == 404
    today = dt.date.today()
    days = f"since={today - dt.timedelta(days=2)}&until={today + dt.timedelta(days=1)}"
    found = manager.get(f"/v1/areas/difference?{days}&area=320601001").json()
    assert (found["n_before"], found["n_after"]) == (2, 3)
    told = {one["code"]: (one["change"], one["followed_by"], one["follows"]) for one in found["changes"]}
    assert told == {old: ("ended", new, []), **{code: ("begun", [], [old]) for code in new}}
    assert {one["change_set_id"] for one in found["changes"]} == {draft["id"]}
    assert manager.get("/v1/areas/difference?since=2026-01-02&until=2026-01-01").status_code == 422


def test_a_wedge_is_warned_of_and_a_withdrawn_change_is_withdrawn(login: Login, api: Api) -> None:
    """A cut 20 m above the southern edge of a box 11 km wide leaves a strip; a cut in the middle does not."""
    manager = login("grid.a")
    south = BOXES["A"][1]
    strip = {"operations": [split(api.ids["grid_A1"], south + 20 / 111_320)]}
    (narrow,) = manager.post("/v1/change-sets/preview", json=strip).json()["preview"]["warnings"]
    assert narrow["kind"] == "narrow" and narrow["width_m"] == pytest.approx(20, abs=0.5)
    assert narrow["length_m"] > 5_000
    drafted = manager.post("/v1/change-sets", json={"operations": [split(api.ids["grid_A1"])]}).json()
    assert drafted["preview"]["warnings"] == []
    gone = manager.post(f"/v1/change-sets/{drafted['id']}/reject", json={"reason": "mine"}).json()
    assert (gone["status"], manager.get(f"/v1/change-sets/{drafted['id']}").json()["status"]) == (
        "withdrawn",
    ) * 2
