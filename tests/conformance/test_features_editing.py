"""OGC API Features part 4, annex A: create, replace, update, delete, optimistic locking."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from starlette.testclient import TestClient

GEOJSON = {"Content-Type": "application/geo+json"}
PATCH = {"Content-Type": "application/merge-patch+json"}
_numbers = itertools.count(1)


def place() -> dict[str, Any]:
    point = {"type": "Point", "coordinates": [120.2 + next(_numbers) / 1e3, 31.05]}
    return {"type": "Feature", "geometry": point, "properties": {"kind": "petrol", "radius_m": 10}}


@pytest.fixture
def client(login: Any) -> TestClient:
    made: TestClient = login("supervisor")
    return made


@pytest.fixture
def made(client: TestClient) -> Any:
    """Address and ETag of a feature; deleted afterwards."""
    answer = client.post("/collections/places/items", json=place(), headers=GEOJSON)
    yield answer.headers["location"], answer.headers["etag"]
    tag = client.get(answer.headers["location"]).headers.get("etag")
    client.delete(answer.headers["location"], headers={"If-Match": tag or ""})


def test_conf_create_replace_delete_insert_post_op(client: TestClient, made: Any) -> None:
    assert client.get(made[0]).status_code == 200


def test_conf_create_replace_delete_insert_response_rid(client: TestClient, made: Any) -> None:
    assert client.get(made[0]).json()["id"] == int(made[0].rsplit("/", 1)[1])


def test_conf_create_replace_delete_options(client: TestClient, made: Any) -> None:
    assert "POST" in client.options("/collections/places/items").headers["allow"]
    assert {"PUT", "PATCH", "DELETE"} <= set(client.options(made[0]).headers["allow"].split(", "))


def test_conf_create_replace_delete_put_op(client: TestClient, made: Any) -> None:
    body = place()
    assert client.put(made[0], json=body, headers=GEOJSON | {"If-Match": made[1]}).status_code == 200
    assert client.get(made[0]).json()["geometry"] == body["geometry"]


def test_conf_create_replace_delete_put_missing(client: TestClient) -> None:
    answer = client.put(
        "/collections/places/items/99999999", json=place(), headers=GEOJSON | {"If-Match": '"1-a"'}
    )
    assert answer.status_code == 404


def test_conf_create_replace_delete_delete_op(client: TestClient, made: Any) -> None:
    assert client.delete(made[0], headers={"If-Match": made[1]}).status_code == 204
    assert client.get(made[0]).status_code == 404


def test_conf_update_patch_op(client: TestClient, made: Any) -> None:
    before = client.get(made[0]).json()
    answer = client.patch(
        made[0], json={"properties": {"radius_m": 77}}, headers=PATCH | {"If-Match": made[1]}
    )
    after = client.get(made[0]).json()
    assert answer.status_code == 200 and after["properties"] == before["properties"] | {"radius_m": 77.0}
    assert after["geometry"] == before["geometry"]


def test_conf_update_accept_patch(client: TestClient, made: Any) -> None:
    assert client.options(made[0]).headers["accept-patch"] == "application/merge-patch+json"


def test_conf_update_merge_patch_removes_with_null(client: TestClient, made: Any) -> None:
    answer = client.patch(
        made[0], json={"properties": {"radius_m": None}}, headers=PATCH | {"If-Match": made[1]}
    )
    assert answer.status_code == 422 and "radius_m" in answer.json()["detail"]


def test_conf_optimistic_locking_etags_etag_header(client: TestClient, made: Any) -> None:
    tag = client.get(made[0]).headers["etag"]
    assert tag.startswith('"') and tag.endswith('"')
    assert client.get(made[0], headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_conf_optimistic_locking_etags_required(client: TestClient, made: Any, method: str) -> None:
    assert client.request(method, made[0], json=place(), headers=GEOJSON).status_code == 428


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_conf_optimistic_locking_etags_lost_update(client: TestClient, made: Any, method: str) -> None:
    changed = client.put(made[0], json=place(), headers=GEOJSON | {"If-Match": made[1]})
    assert changed.headers["etag"] != made[1]
    answer = client.request(method, made[0], json=place(), headers=GEOJSON | {"If-Match": made[1]})
    assert answer.status_code == 412
    assert client.get(made[0]).headers["etag"].split("-")[0] == changed.headers["etag"].split("-")[0]


def test_conf_features_content_crs(client: TestClient, made: Any) -> None:
    body = place()
    body["geometry"]["coordinates"] = [31.06, 120.77]
    headers = GEOJSON | {"If-Match": made[1], "Content-Crs": "<http://www.opengis.net/def/crs/EPSG/0/4326>"}
    assert client.put(made[0], json=body, headers=headers).status_code == 200
    assert client.get(made[0]).json()["geometry"]["coordinates"] == [120.77, 31.06]


def test_conf_features_invalid_body(client: TestClient) -> None:
    assert client.post("/collections/places/items", content=b"{", headers=GEOJSON).status_code == 400
    assert client.post("/collections/places/items", json={"type": "x"}, headers=GEOJSON).status_code == 422
    assert (
        client.post(
            "/collections/places/items", json=place(), headers={"Content-Type": "text/csv"}
        ).status_code
        == 415
    )
