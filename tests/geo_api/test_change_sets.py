"""Split and merge over HTTP: drafted, refused with the place, applied, heard of, taken back; inside the own area."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.geo_api.conftest import Api, Seeded, api_over

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
    applied = manager.post(f"/v1/change-sets/{draft['id']}/apply").json()
    assert (applied["status"], applied["approved_by"]) == ("applied", "grid.a")
    town_a = [code for code in codes(manager) if code.startswith("320601001")]
    assert town_a == ["320601001001002", "320601001001003", "320601001001004"]
    assert codes(manager, at=draft["created_at"]) == before
    assert (
        manager.get("/collections/areas/items?kind=unit_grid", headers={"If-None-Match": etag}).status_code
        == 200
    )
    again = manager.post(f"/v1/change-sets/{draft['id']}/apply")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/edit-conflict")
    undone = manager.post(f"/v1/change-sets/{draft['id']}/undo").json()
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
    assert login("grid.a").get("/v1/change-sets").json() == {"change_sets": []}


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
    assert manager.get("/v1/change-sets").json() == {"change_sets": []}
    for action in ("apply", "undo"):
        assert manager.post(f"/v1/change-sets/{draft['id']}/{action}").status_code == 403
    assert supervisor.post(f"/v1/change-sets/{draft['id']}/apply").status_code == 200
    assert manager.post("/v1/change-sets/999/apply").status_code == 404
    by_code = supervisor.get("/v1/change-sets?area=320601002001").json()["change_sets"]
    assert [row["id"] for row in by_code] == [draft["id"]]
