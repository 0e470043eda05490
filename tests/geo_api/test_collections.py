"""Items and tiles over HTTP: paging, parameters, HEAD, ETag, problems."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from tests.geo_api.conftest import Api

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
    for status in ("checking", "open"):
        from sqlalchemy import text

        from layers.database import SYSTEM, session

        with session(SYSTEM, api.url) as db:
            db.execute(
                text("UPDATE alerts SET status = :s WHERE id = :id"), {"s": status, "id": api.ids["alert_A"]}
            )
        after = client.get(path, headers={"If-None-Match": before})
        assert after.status_code == (200 if status == "checking" else 304)


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
        [sys.executable, "-c", script % served], capture_output=True, text=True, timeout=60, check=False
    )
    expected = "10 OGC CRS84 120.0 31.0 121.0 31.5 city community county town unit_grid"
    assert done.stdout.split() == expected.split(), done.stderr
