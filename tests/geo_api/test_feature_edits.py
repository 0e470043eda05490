"""Create, replace, change and delete over HTTP: versions, areas, roles, the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from layers.postgres import sessions as database
from tests.support.application import Api, Seeded, api_over, logged_in

Login = Callable[[str], TestClient]
GEOJSON = {"Content-Type": "application/geo+json"}


@pytest.fixture(scope="module")
def editing(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An application of this module's own: its rows change."""
    yield from api_over(seeded, "editing", tmp_path_factory.mktemp("editing"))


@pytest.fixture
def login(editing: Api) -> Login:
    return partial(logged_in, editing.app)


def place(lon: float = 120.1, lat: float = 31.2, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": {"kind": "petrol", "radius_m": 60, **properties},
    }


def create(client: TestClient, lon: float, lat: float = 31.2) -> tuple[str, str]:
    answer = client.post("/collections/places/items", json=place(lon, lat), headers=GEOJSON)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"], answer.headers["etag"]


def test_a_life_of_a_place(login: Login) -> None:
    client = login("officer.a")
    url, etag = create(client, 120.11)
    read = client.get(url)
    assert read.headers["etag"].split("-")[0] == etag.split("-")[0] and not etag.startswith("W/")
    changed = client.patch(
        url,
        json={"properties": {"radius_m": 80}},
        headers={"If-Match": read.headers["etag"], "Content-Type": "application/merge-patch+json"},
    )
    assert (changed.status_code, changed.json()["properties"]) == (200, {"kind": "petrol", "radius_m": 80.0})
    stale = client.put(url, json=place(120.12), headers={"If-Match": etag, **GEOJSON})
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/version-conflict")
    put = client.put(url, json=place(120.12), headers={"If-Match": changed.headers["etag"], **GEOJSON})
    assert (put.status_code, put.json()["geometry"]["coordinates"]) == (200, [120.12, 31.2])
    assert client.delete(url, headers={"If-Match": put.headers["etag"]}).status_code == 204
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_without_a_version_nothing_is_written(login: Login, method: str) -> None:
    client = login("officer.a")
    url, etag = create(client, {"put": 120.13, "patch": 120.14, "delete": 120.15}[method])
    body = (
        {}
        if method == "delete"
        else {
            "json": place(),
        }
    )
    for tag, status in (
        (None, 428),
        ("*", 428),
        ('W/"1-a"', 412),
        ('"x"', 412),
        ('"1-a"', 412),
        (etag + ', "2"', 412),
    ):
        headers = GEOJSON | ({} if tag is None else {"If-Match": tag})
        assert getattr(client, method)(url, headers=headers, **body).status_code == status
    assert client.get(url).headers["etag"].split("-")[0] == etag.split("-")[0]


def test_a_site_is_placed_in_its_area(login: Login, editing: Api) -> None:
    client = login("officer.a")
    uscc = client.get("/collections/sites/items?site_id=S-A").json()["features"][0]["properties"]["uscc"]
    body = place(120.3, 31.3, kind="storage", site_id="S-NEW", uscc=uscc)
    del body["properties"]["radius_m"]
    answer = client.post("/collections/sites/items", json=body, headers=GEOJSON)
    assert answer.status_code == 201, answer.text
    made = answer.json()["properties"]
    assert (made["area_id"], made["hazard"], made["site_id"]) == (
        editing.ids["community_A"],
        "chemical",
        "S-NEW",
    )
    again = client.post("/collections/sites/items", json=body, headers=GEOJSON)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/conflict")
    # What GET gave can be sent back: derived members change nothing.
    whole = client.get(answer.headers["location"])
    put = client.put(
        answer.headers["location"], json=whole.json(), headers={"If-Match": whole.headers["etag"], **GEOJSON}
    )
    assert (put.status_code, put.json()["properties"]) == (200, made)


def test_a_site_with_alerts_is_not_deleted(login: Login) -> None:
    client = login("supervisor")
    key = client.get("/collections/sites/items?site_id=S-A").json()["features"][0]["id"]
    url = f"/collections/sites/items/{key}"
    etag = client.get(url).headers["etag"]
    assert client.delete(url, headers={"If-Match": etag}).status_code == 409
    assert client.get(url).status_code == 200


def test_nobody_writes_outside_his_area(login: Login) -> None:
    a, b = login("officer.a"), login("officer.b")
    assert a.post("/collections/places/items", json=place(120.9), headers=GEOJSON).status_code == 403
    url, etag = create(b, 120.91)
    for lon in (120.1, 120.9):  # neither taken over nor left there
        assert a.put(url, json=place(lon), headers={"If-Match": etag, **GEOJSON}).status_code == 403
    assert a.delete(url, headers={"If-Match": etag}).status_code == 403
    assert b.put(url, json=place(120.1), headers={"If-Match": etag, **GEOJSON}).status_code == 403
    assert b.get(url).json()["geometry"]["coordinates"] == [120.91, 31.2]


@pytest.mark.parametrize(
    ("username", "status"), [(None, 401), ("viewer.a", 403), ("grid.a", 201), ("dispatcher", 201)]
)
def test_roles(editing: Api, login: Login, username: str | None, status: int) -> None:
    client = login(username) if username else TestClient(editing.app)
    lon = 120.2 + (status + len(username or "")) / 1e4
    assert client.post("/collections/places/items", json=place(lon), headers=GEOJSON).status_code == status


def test_the_database_itself_refuses_other_roles(editing: Api) -> None:
    """Even if a route forgot to ask."""
    scope = database.Scope(role="viewer", city_wide=True, username="v")
    with pytest.raises(Exception, match="row-level security"), database.session(scope, editing.url) as db:
        db.execute(
            text(
                "INSERT INTO places (kind, lon, lat, radius_m, geom) VALUES ('petrol', 1, 1, 5,"
                " ST_SetSRID(ST_MakePoint(1, 1), 4326))"
            )
        )


def test_csrf_and_log(login: Login, editing: Api) -> None:
    client = login("officer.a")
    url, etag = create(client, 120.16)
    del client.headers["X-CSRF-Token"]
    assert client.delete(url, headers={"If-Match": etag}).status_code == 403
    with database.session(database.SYSTEM, editing.url) as db:
        rows = db.execute(
            text(
                "SELECT username, method, status FROM access_log WHERE path LIKE"
                " '/collections/places/items%' ORDER BY id DESC LIMIT 2"
            )
        ).all()
    assert [tuple(row) for row in rows] == [("officer.a", "DELETE", 403), ("officer.a", "POST", 201)]


@pytest.mark.parametrize("collection", ["areas", "cases", "alerts", "stays", "visits", "hot_spots"])
def test_what_is_not_edited_by_hand_says_where_to_go(login: Login, collection: str) -> None:
    client = login("supervisor")
    for method, url in (("POST", "items"), ("PUT", "items/1"), ("PATCH", "items/1"), ("DELETE", "items/1")):
        answer = client.request(method, f"/collections/{collection}/{url}", json={})
        assert client.request(method, f"/collections/{collection}/{url}?f=json", json={}).status_code == 405
        assert answer.status_code == 405 and answer.json()["detail"] and "POST" not in answer.headers["allow"]
    assert client.options(f"/collections/{collection}/items/1").headers["allow"] == "GET, HEAD, OPTIONS"
    assert "DELETE" in client.options("/collections/sites/items/1").headers["allow"]


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        (b"{", 400, "JSON"),
        (b"[]", 422, "object"),
        (b"[" * 100_000, 400, "JSON"),
        ({"type": "Point"}, 422, "Feature"),
        (place(kind="bar"), 422, "kind"),
        (place() | {"geometry": {"type": "Point", "coordinates": [120.1, 32, True]}}, 422, "numbers"),
        (place() | {"geometry": {"type": "Point", "coordinates": ["120.1", "32"]}}, 422, "numbers"),
        (place(radius_m=0), 422, "radius_m"),
        (place(radius_m=True), 422, "radius_m"),
        (place(colour="red"), 422, "colour"),
        (place() | {"geometry": None}, 422, "geometry"),
        (place() | {"geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}}, 422, "geometry"),
        (place() | {"geometry": {"type": "Point", "coordinates": ["a", None]}}, 422, "geometry"),
        (place(31.2, 120.1), 422, "axes"),
    ],
)
def test_a_bad_body_names_what_is_wrong(login: Login, body: Any, status: int, named: str) -> None:
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = login("supervisor").post("/collections/places/items", headers=GEOJSON, **sent)
    assert answer.status_code == status and named in answer.json()["detail"], answer.text


def test_media_type_size_and_crs(login: Login) -> None:
    client = login("supervisor")
    assert (
        client.post(
            "/collections/places/items", content=b"{}", headers={"Content-Type": "text/plain"}
        ).status_code
        == 415
    )
    assert (
        client.post("/collections/places/items", content=b" " * (2**20 + 1), headers=GEOJSON).status_code
        == 413
    )
    answer = client.post(
        "/collections/places/items",
        json=place(31.21, 120.31),
        headers=GEOJSON | {"Content-Crs": "<http://www.opengis.net/def/crs/EPSG/0/4326>"},
    )
    assert answer.status_code == 201
    assert client.get(answer.headers["location"]).json()["geometry"]["coordinates"] == [120.31, 31.21]


def test_pages_escape_what_people_wrote(login: Login) -> None:
    client = login("supervisor")
    uscc = client.get("/collections/sites/items?site_id=S-A").json()["features"][0]["properties"]["uscc"]
    body = place(120.35, 31.35, kind="storage", site_id="<script>alert(1)</script>", uscc=uscc)
    del body["properties"]["radius_m"]
    made = client.post("/collections/sites/items", json=body, headers=GEOJSON)
    for url in (made.headers["location"], "/collections/sites/items"):
        page = client.get(url, headers={"Accept": "text/html"}).text
        assert "<script" not in page and "&lt;script&gt;alert(1)" in page
