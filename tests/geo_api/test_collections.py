"""Items and tiles over HTTP: paging, parameters, HEAD, ETag, problems."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from tests.support.application import Api
from tests.support.waiting import PATIENCE_S

TILE = "/collections/areas/tiles/WebMercatorQuad/8/104/213"


def next_link(page: dict[str, list[dict[str, str]]]) -> str | None:
    return next((link["href"] for link in page["links"] if link["rel"] == "next"), None)


def test_next_links_walk_through_everything_and_keep_every_parameter(public: TestClient) -> None:
    url: str | None = (
        "/collections/areas/items?limit=3&kind=unit_grid,town&bbox=119,30,122,32&sortby=-code&at=2026-01-01T00:00:00Z"
    )
    seen: list[str] = []
    while url:
        page = public.get(url).json()
        assert page["numberReturned"] == len(page["features"]) <= 3
        seen += [f["properties"]["code"] for f in page["features"]]
        url = next_link(page)
        if url:
            assert (
                "kind=unit_grid%2Ctown" in url and "bbox=119" in url and "at=2026" in url and "cursor=" in url
            )
    assert seen == sorted(seen, reverse=True) and len(seen) == len(set(seen)) == 6


def test_offset_and_count(public: TestClient) -> None:
    page = public.get("/collections/areas/items?limit=4&offset=8&count=exact").json()
    assert (page["numberReturned"], page["numberMatched"], next_link(page)) == (2, 10, None)
    assert "numberMatched" not in public.get("/collections/areas/items?limit=4").json()
    assert public.get("/collections/areas/items").json()["numberMatched"] == 10  # all of them are here


def test_an_estimate_is_never_called_matched(public: TestClient, login: Callable[[str], TestClient]) -> None:
    page = public.get("/collections/areas/items?limit=4&count=estimate").json()
    assert "numberMatched" not in page and isinstance(page["numberEstimated"], int)
    page = login("officer.a").get("/collections/alerts/items?limit=1&count=estimate").json()
    assert page["numberMatched"] == 1  # statistics cover rows of other areas, so this caller gets a count


def test_too_large_a_limit_is_lowered_and_zero_refused(public: TestClient) -> None:
    assert public.get("/collections/areas/items?limit=1000000").status_code == 200
    assert public.get("/collections/areas/items?limit=0").status_code == 400


@pytest.mark.parametrize(
    ("path", "kind", "named"),
    [
        ("/collections/areas/items?limti=5", "unknown-parameter", "limti"),
        ("/collections/areas/items?level=high", "unknown-parameter", "level"),
        ("/collections/areas/items?area_m2=5", "unknown-parameter", "area_m2"),
        ("/collections/areas?bbox=1,2,3,4", "unknown-parameter", "bbox"),
        ("/health/live?x=1", "unknown-parameter", "x"),
        (TILE + "?bbox=1,2,3,4", "unknown-parameter", "bbox"),
        ("/collections/areas/items?bbox=1,2,3", "invalid-parameter", "bbox"),
        ("/collections/areas/items?datetime=soon", "invalid-parameter", "datetime"),
        ("/collections/areas/items?at=soon", "invalid-parameter", "at"),
        ("/collections/sites/items?at=2026-01-01", "invalid-parameter", "at"),
        ("/collections/sites/items?datetime=2026-01-01", "invalid-parameter", "datetime"),
        ("/collections/areas/items?cursor=AAAA", "invalid-parameter", "cursor"),
        ("/collections/areas/items?sortby=geom", "invalid-parameter", "sortby"),
        ("/collections/areas/items?parent_id=x", "invalid-parameter", "parent_id"),
        ("/collections/areas/items?kind=town,village", "invalid-parameter", "kind"),
        ("/collections/areas/items?limit=x", "invalid-parameter", "limit"),
        ("/collections/areas/items?count=guess", "invalid-parameter", "count"),
        ("/collections/areas/items?name=%00", "invalid-parameter", "name"),
        ("/collections/areas/items/x", "invalid-parameter", "feature_id"),
    ],
)
def test_a_wrong_parameter_is_a_400_that_names_it(
    public: TestClient, path: str, kind: str, named: str
) -> None:
    answer = public.get(path)
    problem = answer.json()
    assert answer.status_code == problem["status"] == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert problem["type"] == f"/problems/{kind}" and named in problem["detail"] and problem["title_zh"]
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_a_changed_cursor_is_refused(public: TestClient) -> None:
    url = next_link(public.get("/collections/areas/items?limit=1").json()) or ""
    assert public.get(url).status_code == 200
    assert public.get(url.replace("cursor=", "cursor=A")).status_code == 400
    assert public.get(url.replace("/areas/", "/sites/")).status_code == 400
    assert public.get(url + "&sortby=code").status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/collections/nothing",
        "/collections/areas/items/999999",
        "/nothing",
        "/collections/areas/tiles/WebMercatorQuad/3/8/0",
        "/collections/users/items",
    ],
)
def test_what_is_not_there_is_a_404_problem(public: TestClient, path: str) -> None:
    answer = public.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_wrong_method_is_a_405_problem(public: TestClient) -> None:
    answer = public.delete("/collections/areas/items")
    assert (answer.status_code, answer.json()["type"]) == (405, "/problems/method-not-allowed")


@pytest.mark.parametrize(
    "path",
    ["/", "/collections/areas/items", TILE, "/health/ready", "/openapi.json", "/static/page.css", "/v1/me"],
)
def test_head_is_get_without_a_body(public: TestClient, path: str) -> None:
    get, head = public.get(path), public.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "etag", "cache-control"):
        assert head.headers.get(name) == get.headers.get(name)


@pytest.mark.parametrize("path", ["/collections/areas/items", TILE, "/collections/areas/items/1"])
def test_the_same_content_is_a_304(public: TestClient, path: str) -> None:
    first = public.get(path)
    assert first.headers["cache-control"] == "public, no-cache"
    same = public.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    assert public.get(path, headers={"If-None-Match": 'W/"other"'}).status_code == 200


def test_a_change_changes_the_tag(public: TestClient, login: Callable[[str], TestClient], api: Api) -> None:
    client = login("dispatcher")
    path = f"/collections/alerts/items/{api.ids['alert_A']}"
    before = client.get(path).headers["etag"]
    for status in ("checked", "open"):
        from sqlalchemy import text

        from layers.postgres import SYSTEM, session

        with session(SYSTEM, api.url) as db:
            db.execute(
                text("UPDATE alerts SET status = :s WHERE id = :id"), {"s": status, "id": api.ids["alert_A"]}
            )
        after = client.get(path, headers={"If-None-Match": before})
        assert after.status_code == (200 if status == "checked" else 304)


def test_tiles_and_items_are_compressed_when_asked(public: TestClient) -> None:
    with public.stream("GET", TILE, headers={"Accept-Encoding": "gzip"}) as packed:
        raw = b"".join(packed.iter_raw())
    plain = public.get(TILE, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert gzip.decompress(raw) == plain.content
    assert packed.headers["etag"] == plain.headers["etag"]
    assert (plain.headers["x-features-shown"], plain.headers["x-features-truncated"]) == ("10", "false")


def test_tile_filters_and_moment(public: TestClient) -> None:
    assert public.get(TILE + "?kind=town").headers["x-features-matched"] == "2"
    assert public.get(TILE + "?kind=town,county").headers["x-features-matched"] == "3"
    assert public.get(TILE + "?at=2019-01-01").headers["x-features-matched"] == "0"


def test_every_collection_describes_itself(login: Callable[[str], TestClient]) -> None:
    client = login("dispatcher")
    for described in client.get("/collections").json()["collections"]:
        assert described["title_zh"] and described["description_zh"] and described["filterable"]
        assert described["extent"]["spatial"]["bbox"] == [[120.0, 31.0, 121.0, 31.5]]
        links = {link["rel"]: link["href"] for link in described["links"]}
        assert client.get(links["items"]).status_code == 200
        assert client.get(links["self"]).json()["id"] == described["id"]


def test_gdal_walks_the_pages_as_an_ogc_client(served: str) -> None:
    """In a process of its own: GDAL holds the interpreter while it waits for the server."""
    script = (
        "import pyogrio; f = pyogrio.read_dataframe('OAPIF:%s/collections/areas', PAGE_SIZE='3');"
        "print(len(f), *f.crs.to_authority(), *f.total_bounds, *sorted(f['kind'].unique()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script % served],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    expected = "10 OGC CRS84 120.0 31.0 121.0 31.5 city community county town unit_grid"
    assert done.stdout.split() == expected.split(), done.stderr


TRACK_TILE = "/collections/tracks/tiles/WebMercatorQuad/12/1670/{}"


def test_tracks_are_for_those_who_may_read_them(
    public: TestClient, login: Callable[[str], TestClient]
) -> None:
    paths = ("", "/items", "/queryables", "/export?f=csv", "/tiles/WebMercatorQuad/12/1670/3413")
    for path in paths:
        assert public.get(f"/collections/tracks{path}").status_code == 401
        assert login("viewer.a").get(f"/collections/tracks{path}").status_code == 403
        assert login("officer.a").get(f"/collections/tracks{path}").status_code == 200


def test_tracks_are_lines_inside_the_own_area(login: Callable[[str], TestClient]) -> None:
    """The truck of each town: ten fixes a minute apart, an hour without signal, ten more."""
    spans = ("2026-03-01T02:00:00Z", "2026-03-01T02:09:00Z"), ("2026-03-01T03:10:00Z", "2026-03-01T03:19:00Z")
    for letter in "AB":
        who = login(f"officer.{letter.lower()}")
        found = who.get("/collections/tracks/items").json()["features"]
        assert [(f["properties"]["started_at"], f["properties"]["ended_at"]) for f in found] == list(spans)
        assert {f["properties"]["vehicle_id"] for f in found} == {f"V-{letter}"}
        assert all(
            f["geometry"]["type"] == "LineString" and len(f["geometry"]["coordinates"]) == 10 for f in found
        )
        assert who.get(f"/collections/tracks/items/{found[0]['id']}").status_code == 200
        other = login("officer.b" if letter == "A" else "officer.a")
        assert other.get(f"/collections/tracks/items/{found[0]['id']}").status_code == 404
    everything = login("dispatcher").get("/collections/tracks/items").json()
    assert len(everything["features"]) == 4 and "苏" not in str(everything["features"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=hazmat", 4),
        ("kind=coach", 0),
        ("vehicle_id=V-A", 2),
        ("day=2026-03-01", 4),
        ("datetime=2026-03-01T02:05:00Z/2026-03-01T02:06:00Z", 2),
        ("datetime=2026-03-01T02:30:00Z/2026-03-01T03:00:00Z", 0),
        ("bbox=120.1,31.1,120.105,31.3", 1),
        ("filter=length_m > 800 AND S_CROSSES(geometry, LINESTRING(120.105 31, 120.105 31.4))", 1),
    ],
)
def test_tracks_are_filtered(login: Callable[[str], TestClient], query: str, found: int) -> None:
    who = login("dispatcher")
    assert len(who.get(f"/collections/tracks/items?{query}").json()["features"]) == found
    tile = who.get(f"{TRACK_TILE.format(3414)}?{query.partition('bbox')[0]}")
    assert tile.status_code == 200, tile.text


def test_grids_are_the_grids_among_the_areas(public: TestClient) -> None:
    grids = {f["id"] for f in public.get("/collections/grids/items").json()["features"]}
    units = {f["id"] for f in public.get("/collections/areas/items?kind=unit_grid").json()["features"]}
    assert grids == units and len(grids) == 4
    assert public.get("/collections/grids/items?kind=town").json()["features"] == []


def test_collections_tell_when_and_how_to_take_everything(login: Callable[[str], TestClient]) -> None:
    who = login("officer.a")
    for found in who.get("/collections").json()["collections"]:
        box = found["extent"]["spatial"]["bbox"]
        assert box == [[120.0, 31.0, 121.0, 31.5]]
        files = [link for link in found["links"] if link["rel"] == "enclosure"]
        assert {link["href"].rpartition("=")[2] for link in files} == {
            "csv",
            "geojsonseq",
            "fgb",
            "parquet",
            "gpkg",
            "pmtiles",
            "xlsx",
        }
        assert all(who.head(link["href"]).headers["content-type"] == link["type"] for link in files)
    span = {
        c["id"]: c["extent"].get("temporal", {}).get("interval")
        for c in who.get("/collections").json()["collections"]
    }
    assert span["tracks"] == [["2026-03-01T02:00:00Z", "2026-03-01T03:19:00Z"]]
    assert span["areas"] == [["2020-01-01T00:00:00Z", None]]
    assert span["sites"] is None
