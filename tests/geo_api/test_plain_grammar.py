"""Small grammar: numbers as people write them, days, quotation marks, values of lists, places of the city."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from layers.postgres import SYSTEM, session
from tests.support.application import Api

Login = Callable[[str], TestClient]


@pytest.mark.parametrize(
    "path",
    [
        "/collections/areas/items/1_0",
        "/collections/areas/items/%201",
        "/collections/areas/items/١",
        "/collections/areas/items/+1",
        "/collections/areas/items/01",
        "/v1/alerts/%2B1",
        "/collections/areas/items?limit=1_0",
        "/collections/areas/items?at=20260301",
        "/collections/areas/items?at=2026-W09-1",
        "/collections/areas/items?offset=1_0",
        "/collections/areas/items?bbox=1_20,31,121,32",
        "/collections/areas/items?bbox=nan,31,121,32",
        "/collections/places/items?radius_m=1_0",
        "/collections/areas/tiles/WebMercatorQuad/1_0/1/1",
        "/v1/duty-items?limit=1_0",
    ],
)
def test_a_number_is_digits(public: TestClient, path: str) -> None:
    answer = public.get(path)
    assert answer.status_code == 400, answer.text[:300]
    assert answer.json()["detail"]


def test_a_value_outside_of_a_list_is_refused(public: TestClient, login: Login) -> None:
    for client, path, named in (
        (login("supervisor"), "/collections/alerts/items?level=hgih", "warning"),
        (login("supervisor"), "/collections/cases/items?state=open,reported", "reported"),
        (public, "/collections/areas/items?kind=vilage", "town"),
    ):
        answer = client.get(path)
        assert answer.status_code == 400 and named in answer.json()["detail"], answer.text[:300]
        assert path.partition("?")[2].partition("=")[0] in answer.json()["detail"]


def test_a_day_is_the_whole_day_of_the_city(api: Api, login: Login) -> None:
    with session(SYSTEM, api.url) as db:
        moments = db.execute(text("SELECT raised_at FROM alerts")).scalars().all()
    assert moments
    day = moments[0].astimezone(dt.timezone(dt.timedelta(hours=8))).date()
    client = login("supervisor")

    def found(interval: str) -> int:
        return int(client.get(f"/collections/alerts/items?datetime={interval}").json()["numberMatched"])

    same = sum(m.astimezone(dt.timezone(dt.timedelta(hours=8))).date() == day for m in moments)
    assert found(f"{day}") == same > 0
    assert found(f"{day}/{day}") == same
    before, after = day - dt.timedelta(days=1), day + dt.timedelta(days=1)
    assert found(f"../{before}") + found(f"{before + dt.timedelta(days=1)}/..") == len(moments)
    assert found(f"{after}/..") == sum(
        m.astimezone(dt.timezone(dt.timedelta(hours=8))).date() > day for m in moments
    )


def test_a_quotation_mark_may_be_escaped_in_both_ways(public: TestClient) -> None:
    for literal in (r"'O\'Neil'", "'O''Neil'", r"'a\' (((( '"):
        answer = public.get("/collections/areas/items", params={"filter": f"name = {literal}"})
        assert (answer.status_code, answer.json().get("numberReturned")) == (200, 0), answer.text[:300]


def test_a_collection_of_geometries_intersects_like_its_parts(public: TestClient) -> None:
    everything = public.get("/collections/areas/items", params={"limit": 1000}).json()["features"]
    point = everything[0]["geometry"]["coordinates"]
    while isinstance(point[0][0], list):
        point = point[0]
    x, y = point[0]
    parts = [f"POINT({x} {y})", "LINESTRING(0 0, 1 1)"]

    def found(geometry: str) -> set[int]:
        asked = {"filter": f"S_INTERSECTS(geometry, {geometry})", "limit": 1000}
        return {
            feature["id"]
            for feature in public.get("/collections/areas/items", params=asked).json()["features"]
        }

    assert found(f"GEOMETRYCOLLECTION({', '.join(parts)})") == found(parts[0]) | found(parts[1]) != set()
    refused = public.get(
        "/collections/areas/items", params={"filter": f"S_WITHIN(geometry, GEOMETRYCOLLECTION({parts[0]}))"}
    )
    assert refused.status_code == 400 and "GeometryCollection" in refused.json()["detail"]


def test_a_place_at_zero_and_an_outline_far_away_are_refused(login: Login, public: TestClient) -> None:
    client = login("supervisor")
    place = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [0, 0]},
        "properties": {"kind": "licensed_parking", "radius_m": 100},
    }
    answer = client.post("/collections/places/items", json=place)
    assert answer.status_code == 422 and "outside the city" in answer.json()["detail"], answer.text
    site = public.get("/collections/sites/items?limit=1").json()["features"][0]
    tag = client.get(f"/collections/sites/items/{site['id']}").headers["etag"]
    x, y = 0.5, 31.2
    ring = [[x, y], [x + 0.01, y], [x + 0.01, y + 0.01], [x, y]]
    patch = {"properties": {"boundary": {"type": "Polygon", "coordinates": [ring]}}}
    headers = {"If-Match": tag, "Content-Type": "application/merge-patch+json"}
    answer = client.patch(f"/collections/sites/items/{site['id']}", json=patch, headers=headers)
    assert answer.status_code == 422 and answer.json()["detail"].startswith("boundary"), answer.text


def test_the_duty_list_comes_in_pages(public: TestClient) -> None:
    whole = public.get("/v1/duty-items?limit=10000").json()
    assert whole["numberMatched"] == len(whole["items"]) > 1
    got, href = [], "/v1/duty-items?limit=1"
    while href:
        page = public.get(href).json()
        assert page["numberMatched"] == len(whole["items"])
        got += page["items"]
        href = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert got == whole["items"]
