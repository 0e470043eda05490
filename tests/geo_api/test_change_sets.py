"""Split and merge over HTTP: drafted, refused with the place, applied, heard of, taken back.

Inside the own area.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyogrio
import pytest
from shapely import from_wkb, from_wkt
from shapely.geometry import shape
from starlette.testclient import TestClient

from geo_api.areas.due_change_sets import apply_due_changes
from geo_api.auth.access import create_user
from geo_api.server.app import create_app
from layers.codes import NATIONAL_GRID_PROFILE
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Api, Seeded, api_over, logged_in
from tests.support.change_sets import make_due

Login = Callable[[str], TestClient]


@pytest.fixture
def api(seeded: Seeded, tmp_path: Path) -> Iterator[Api]:
    """An application of this test's own: its grids change."""
    yield from api_over(seeded, f"api_{tmp_path.name}", tmp_path)


def split(area_id: int, west: float, east: float, lat: float = 31.3) -> dict[str, Any]:
    return {
        "op": "split",
        "area_id": area_id,
        "line": {"type": "LineString", "coordinates": [[west, lat], [east, lat]]},
    }


def codes(client: TestClient, **query: str) -> list[str]:
    page = client.get(
        "/collections/areas/items", params={"kind": "unit_grid", "sortby": "code", "limit": 100, **query}
    )
    return [f["properties"]["code"] for f in page.json()["features"]]


def test_a_split_is_drafted_applied_and_taken_back(login: Login, api: Api) -> None:
    manager = login("grid.a")
    before = codes(manager)
    etag = manager.get("/collections/areas/items?kind=unit_grid").headers["etag"]
    drafted = manager.post(
        "/v1/change-sets", json={"operations": [split(api.ids["grid_A1"], 119.99, 120.26)]}
    )
    assert drafted.status_code == 201, drafted.text
    draft = drafted.json()
    assert (draft["status"], draft["author"]) == ("draft", "grid.a")
    assert draft["preview"]["voided_codes"] == ["320601001001001"]
    assert draft["preview"]["new_codes"] == ["320601001001003", "320601001001004"]
    assert codes(manager) == before
    own = manager.post(f"/v1/change-sets/{draft['id']}/apply")
    assert (own.status_code, own.json()["type"]) == (403, "/problems/not-allowed")
    applied = login("supervisor").post(f"/v1/change-sets/{draft['id']}/apply").json()
    assert (applied["status"], applied["approved_by"]) == ("applied", "supervisor")
    town_a = [code for code in codes(manager) if code.startswith("320601001")]
    assert town_a == ["320601001001002", "320601001001003", "320601001001004"]
    assert codes(manager, at=draft["created_at"]) == before
    assert (
        manager.get("/collections/areas/items?kind=unit_grid", headers={"If-None-Match": etag}).status_code
        == 200
    )
    again = manager.post(f"/v1/change-sets/{draft['id']}/apply")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/edit-conflict")
    own = manager.post(f"/v1/change-sets/{draft['id']}/undo")
    assert (own.status_code, own.json()["type"]) == (403, "/problems/not-allowed"), "nor does the author undo"
    undone = login("supervisor").post(f"/v1/change-sets/{draft['id']}/undo").json()
    assert undone["undoes_id"] == draft["id"] and codes(manager) == before
    listed = manager.get("/v1/change-sets").json()["change_sets"]
    assert [(row["id"], row["status"]) for row in listed] == [
        (undone["id"], "applied"),
        (draft["id"], "undone"),
    ]


def test_a_line_that_does_not_cross_is_refused_with_its_place(login: Login, api: Api) -> None:
    answer = login("grid.a").post(
        "/v1/change-sets", json={"operations": [split(api.ids["grid_A1"], 120.05, 120.1)]}
    )
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["rule"]) == (
        422,
        "/problems/topology-fault",
        "line_does_not_cross",
    )
    assert problem["zones"] and problem["detail_zh"] and problem["clash"]["type"]
    assert login("grid.a").get("/v1/change-sets").json()["change_sets"] == []


def test_a_manager_edits_in_the_own_area_only(login: Login, api: Api) -> None:
    manager = login("grid.a")
    body = {"operations": [{"op": "merge", "area_ids": [api.ids["grid_B1"], api.ids["grid_B2"]]}]}
    refused = manager.post("/v1/change-sets", json=body)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-allowed")
    assert login("officer.a").post("/v1/change-sets", json=body).status_code == 403
    assert login("viewer.a").get("/v1/change-sets").status_code == 403
    supervisor = login("supervisor")
    draft = supervisor.post("/v1/change-sets", json=body).json()
    assert draft["preview"]["new_codes"] == ["320601002001003"]
    # The draft of B is not A's to see, to apply or to undo.
    assert manager.get("/v1/change-sets").json()["change_sets"] == []
    for action in ("apply", "undo"):
        assert manager.post(f"/v1/change-sets/{draft['id']}/{action}").status_code == 404
    assert login("supervisor.2").post(f"/v1/change-sets/{draft['id']}/apply").status_code == 200
    assert manager.post("/v1/change-sets/999/apply").status_code == 404
    by_code = supervisor.get("/v1/change-sets?area=320601002001").json()["change_sets"]
    assert [row["id"] for row in by_code] == [draft["id"]]
    for area, expected in (
        ("320601002", [draft["id"]]),
        (api.ids["county"], [draft["id"]]),
        ("320601001", []),
    ):
        rows = supervisor.get("/v1/change-sets", params={"area": area}).json()["change_sets"]
        assert [row["id"] for row in rows] == expected, area


def test_a_higher_level_than_the_authors_approves(login: Login, api: Api) -> None:
    """Another manager of the same town may not.

    The county's may; the city's may; whoever stands below may not.
    """
    with session(SYSTEM, api.url) as db:
        for name, area in (("grid.a2", "320601001"), ("grid.county", "320601"), ("grid.city", None)):
            create_user(db, username=name, password=PASSWORD, role="grid_manager", area_code=area, body="b")
    body = {"operations": [split(api.ids["grid_A1"], 119.99, 120.26)]}
    drafted = login("grid.a").post("/v1/change-sets", json=body).json()
    shown = {}
    for name in ("grid.a", "grid.a2", "grid.county", "grid.city", "supervisor"):
        listed = login(name).get("/v1/change-sets").json()["change_sets"]
        shown[name] = [row["may_approve"] for row in listed if row["id"] == drafted["id"]]
    assert shown == {
        "grid.a": [False], "grid.a2": [False], "grid.county": [True], "grid.city": [True], "supervisor": [True],
    }  # fmt: skip
    for name in ("grid.a", "grid.a2"):
        assert login(name).post(f"/v1/change-sets/{drafted['id']}/apply").status_code == 403
    assert login("grid.a2").post(f"/v1/change-sets/{drafted['id']}/reject", json={}).status_code == 403
    county = login("grid.county")
    above = county.post("/v1/change-sets", json=body).json()
    assert county.post(f"/v1/change-sets/{above['id']}/apply").status_code == 403, "not the own one"
    assert login("grid.a2").post(f"/v1/change-sets/{above['id']}/apply").status_code == 403
    assert county.post(f"/v1/change-sets/{drafted['id']}/apply").json()["approved_by"] == "grid.county"
    withdrawn = county.post(f"/v1/change-sets/{above['id']}/reject", json={"reason": "mine"}).json()
    assert withdrawn["status"] == "withdrawn"


def test_nobody_is_alone_with_a_change_of_the_partition(login: Login, api: Api) -> None:
    """Two people draft, apply and undo; each of them alone gets nowhere, and the refusal says whom to ask."""
    with session(SYSTEM, api.url) as db:
        create_user(
            db, username="head.a", password=PASSWORD, role="supervisor", area_code="320601001", body="b"
        )
        create_user(
            db, username="head.a2", password=PASSWORD, role="supervisor", area_code="320601001", body="b"
        )
    body = {"operations": [split(api.ids["grid_A1"], 119.99, 120.26)]}

    def refused(client: TestClient, action: str, number: int) -> Any:
        answer = client.post(f"/v1/change-sets/{number}/{action}")
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-allowed"), answer.text
        return answer.json()

    head, one, two = login("head.a"), login("supervisor"), login("supervisor.2")
    town = head.post("/v1/change-sets", json=body).json()
    assert (town["may_approve"], town["approvers_en"]) == (
        False,
        "a supervisor of a larger area than 320601001",
    )
    own = refused(head, "apply", town["id"])
    assert "own change set" in own["detail"] and "320601001 上级区域的监督员" in own["detail_zh"]
    assert "a larger area than 320601001" in refused(login("head.a2"), "apply", town["id"])["detail"]
    refused(login("grid.a"), "apply", town["id"])
    city = one.post("/v1/change-sets", json=body).json()
    refused(head, "apply", city["id"])  # a town's supervisor stands below
    assert (
        "a supervisor of the whole city other than supervisor" in refused(one, "apply", city["id"])["detail"]
    )
    assert two.post(f"/v1/change-sets/{city['id']}/apply").json()["approved_by"] == "supervisor.2"
    refused(one, "undo", city["id"])
    shown = {row["id"]: row["may_approve"] for row in one.get("/v1/change-sets").json()["change_sets"]}
    assert shown == {town["id"]: True, city["id"]: False}
    undone = two.post(f"/v1/change-sets/{city['id']}/undo").json()
    refused(two, "undo", undone["id"])  # the undo is a change of its own, by the one who undid
    assert one.post(f"/v1/change-sets/{undone['id']}/undo").status_code == 200


def test_an_officer_approves_nothing(login: Login, api: Api) -> None:
    """Who reads the list but edits nothing is shown no button, whatever the area."""
    body = {"operations": [split(api.ids["grid_A1"], 119.99, 120.26)]}
    login("grid.a").post("/v1/change-sets", json=body)
    for name in ("officer.a", "dispatcher"):
        (row,) = login(name).get("/v1/change-sets").json()["change_sets"]
        assert row["may_approve"] is False and row["approvers_zh"]


def test_an_installation_may_let_authors_approve(
    login: Login, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.app.state.settings, "self_approval", True)
    manager = login("grid.a")
    drafted = manager.post(
        "/v1/change-sets", json={"operations": [split(api.ids["grid_A1"], 119.99, 120.26)]}
    ).json()
    assert manager.post(f"/v1/change-sets/{drafted['id']}/apply").json()["approved_by"] == "grid.a"


def test_a_preview_is_a_draft_that_nobody_keeps(login: Login, api: Api) -> None:
    manager = login("grid.a")
    operations = [split(api.ids["grid_A1"], 119.99, 120.26)]
    seen = manager.post("/v1/change-sets/preview", json={"operations": operations})
    assert seen.status_code == 200, seen.text
    assert manager.get("/v1/change-sets").json()["change_sets"] == []
    body = {"operations": operations, "title": " 两个网格 ", "reason": "household growth"}
    drafted = manager.post("/v1/change-sets", json=body).json()
    assert (seen.json()["id"], seen.json()["status"]) == (None, "preview")
    assert seen.json()["preview"] == drafted["preview"], "the preview tells what the draft tells"
    assert (drafted["title"], drafted["reason"], drafted["may_approve"]) == (
        "两个网格",
        "household growth",
        False,
    )
    assert login("supervisor").get("/v1/change-sets").json()["change_sets"][0]["may_approve"] is True
    refused = manager.post(
        "/v1/change-sets/preview", json={"operations": [split(api.ids["grid_A1"], 120.01, 120.02)]}
    )
    assert (refused.status_code, refused.json()["rule"]) == (422, "line_does_not_cross")
    foreign = {"operations": [split(api.ids["grid_B1"], 119.99, 120.9)]}
    assert manager.post("/v1/change-sets/preview", json=foreign).status_code == 403
    assert login("officer.a").post("/v1/change-sets/preview", json=body).status_code == 403


def test_a_dated_change_waits_for_the_worker(login: Login, api: Api) -> None:
    """Approved today, in force from its date.

    The worker applies it, as-then and as-now differ at that moment.
    """
    supervisor = login("supervisor")
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    body = {"operations": [split(api.ids["grid_A1"], 119.99, 120.26)], "effective_at": tomorrow.isoformat()}
    draft = supervisor.post("/v1/change-sets", json=body).json()
    before = codes(supervisor)
    approved = login("supervisor.2").post(f"/v1/change-sets/{draft['id']}/apply").json()
    assert (approved["status"], approved["applied_at"]) == ("approved", None)
    assert apply_due_changes(api.url, NATIONAL_GRID_PROFILE) == {} and codes(supervisor) == before
    with session(SYSTEM, api.url) as db:
        date = make_due(db, draft["id"])
    assert apply_due_changes(api.url, NATIONAL_GRID_PROFILE) == {draft["id"]: "applied"}
    assert "320601001001001" not in codes(supervisor)
    assert codes(supervisor, at=(date - dt.timedelta(microseconds=1)).isoformat()) == before
    assert "320601001001003" in codes(supervisor, at=date.isoformat())
    late = body | {"effective_at": "2020-01-01T00:00:00Z"}
    assert supervisor.post("/v1/change-sets", json=late).status_code == 422


def test_a_dated_change_that_became_impossible_is_rejected_with_the_reason(login: Login, api: Api) -> None:
    supervisor = login("supervisor")
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    body = {"operations": [split(api.ids["grid_A1"], 119.99, 120.26)], "effective_at": tomorrow.isoformat()}
    late = supervisor.post("/v1/change-sets", json=body).json()
    second = login("supervisor.2")
    second.post(f"/v1/change-sets/{late['id']}/apply")
    merge = {"op": "merge", "area_ids": [api.ids["grid_A1"], api.ids["grid_A2"]]}
    first = supervisor.post("/v1/change-sets", json={"operations": [merge]}).json()
    assert second.post(f"/v1/change-sets/{first['id']}/apply").json()["status"] == "applied"
    with session(SYSTEM, api.url) as db:
        make_due(db, late["id"])
    assert apply_due_changes(api.url, NATIONAL_GRID_PROFILE) == {late["id"]: "rejected"}
    row = next(r for r in supervisor.get("/v1/change-sets").json()["change_sets"] if r["id"] == late["id"])
    assert f"change set {first['id']}" in row["result"]["reason"]


def test_a_draft_is_turned_down(login: Login, api: Api) -> None:
    manager = login("grid.a")
    body = {"operations": [split(api.ids["grid_A1"], 119.99, 120.26)]}
    draft = manager.post("/v1/change-sets", json=body).json()
    turned = login("supervisor").post(f"/v1/change-sets/{draft['id']}/reject", json={"reason": "later"})
    assert (turned.json()["status"], turned.json()["result"]["reason"]) == ("rejected", "later")
    assert login("supervisor").post(f"/v1/change-sets/{draft['id']}/apply").status_code == 409


def test_moves_transfers_and_new_parents_over_http(login: Login, api: Api) -> None:
    supervisor = login("supervisor")
    community = supervisor.get("/collections/areas/items?kind=community&code=320601002001").json()
    target = community["features"][0]["id"]
    give = {"op": "transfer", "area_ids": [api.ids["grid_A2"]], "community_id": target}
    answer = login("grid.a").post("/v1/change-sets", json={"operations": [give]})
    assert answer.status_code == 403, "the other community is not the manager's"
    draft = supervisor.post("/v1/change-sets", json={"operations": [give]}).json()
    assert draft["preview"]["new_codes"] == ["320601002001003"], draft
    assert login("supervisor.2").post(f"/v1/change-sets/{draft['id']}/apply").json()["status"] == "applied"
    assert "320601002001003" in codes(supervisor)
    for bad in (
        {"op": "move_vertex", "area_id": 1},
        {"op": "reshape", "area_ids": [1, 2, 3]},
        {"op": "bake"},
    ):
        assert supervisor.post("/v1/change-sets", json={"operations": [bad]}).status_code == 422


def test_the_balance_of_a_town_is_for_its_manager(login: Login, api: Api, public: TestClient) -> None:
    town = (
        login("supervisor")
        .get("/collections/areas/items?kind=town&code=320601001")
        .json()["features"][0]["id"]
    )
    found = login("grid.a").get(f"/v1/areas/{town}/balance?weights=area_m2:1").json()
    assert [zone["code"] for zone in found["zones"]] == ["320601001001"]
    assert found["zones"][0]["enterprises"] == 1 and found["moves"] == [] and found["operations"] == []
    assert public.get(f"/v1/areas/{town}/balance").status_code == 401
    other = (
        login("supervisor")
        .get("/collections/areas/items?kind=town&code=320601002")
        .json()["features"][0]["id"]
    )
    assert login("grid.a").get(f"/v1/areas/{other}/balance").status_code == 404
    assert login("supervisor").get(f"/v1/areas/{town}/balance?weights=dogs:1").status_code == 422
    assert login("supervisor").get(f"/v1/areas/{town}/balance?weights=x").status_code == 400


def test_the_new_areas_of_a_draft_are_taken_away_as_files(login: Login, api: Api, tmp_path: Path) -> None:
    """Each format is read back by another library than wrote it where there is one; nothing is kept."""
    manager = login("grid.a")
    body = {"operations": [split(api.ids["grid_A1"], 119.99, 120.26)]}
    shown = manager.post("/v1/change-sets/preview", json=body).json()["preview"]["result"]["features"]
    expected = {each["properties"]["code"]: shape(each["geometry"]).area for each in shown}
    found: dict[str, dict[str, float]] = {}
    for form in ("gpkg", "fgb", "parquet", "csv"):
        answer = manager.post(f"/v1/change-sets/preview?f={form}", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-disposition"] == f'attachment; filename="draft.{form}"'
        if form == "csv":
            rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
            found[form] = {row["code"]: from_wkt(row["wkt"]).area for row in rows}
        elif form == "parquet":
            table = pq.read_table(io.BytesIO(answer.content)).to_pydict()
            found[form] = {c: from_wkb(g).area for c, g in zip(table["code"], table["geometry"], strict=True)}
        else:
            (tmp_path / f"draft.{form}").write_bytes(answer.content)
            _, _, shapes, columns = pyogrio.raw.read(tmp_path / f"draft.{form}", columns=["code"])
            found[form] = {c: from_wkb(g).area for c, g in zip(columns[0], shapes, strict=True)}
    assert len(expected) == 2
    for form, areas in found.items():
        assert areas == pytest.approx(expected), form
    assert manager.get("/v1/change-sets").json()["change_sets"] == []
    assert manager.post("/v1/change-sets/preview?f=shp", json=body).status_code == 400
    broken = {"operations": [split(api.ids["grid_A1"], 120.05, 120.1)]}
    assert (
        manager.post("/v1/change-sets/preview?f=gpkg", json=broken).json()["type"]
        == "/problems/topology-fault"
    )


def test_a_split_follows_the_code_profile_of_the_installation(seeded: Seeded, tmp_path: Path) -> None:
    """A local scheme of 18 digits: community (12), kind (2), number (4).

    The old codes of 15 digits have no kind.
    """
    for made in api_over(seeded, "local_codes", tmp_path):
        app = create_app(made.settings.model_copy(update={"grid_profile": "local_18"}))
        manager = logged_in(app, "grid.a")
        body = {"operations": [split(made.ids["grid_A1"], 119.99, 120.26)]}
        answer = manager.post("/v1/change-sets/preview", json=body)
        assert answer.status_code == 200, answer.text
        new = [each["properties"]["code"] for each in answer.json()["preview"]["result"]["features"]]
        assert new == ["320601001001000001", "320601001001000002"]
