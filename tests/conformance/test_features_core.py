"""OGC API Features part 1, annex A: core, GeoJSON, HTML. A test is named as its abstract test."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

SPEC = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GEOJSON = "application/geo+json"
PUBLIC = (
    "areas",
    "grids",
    "sites",
    "places",
    "hot_spots",
    "emerging_hot_spots",
    "fences",
    "roads",
    "waterways",
    "buildings",
)
JSON = {"Accept": "application/json"}


def links(body: dict[str, Any], rel: str) -> list[dict[str, Any]]:
    return [link for link in body["links"] if link["rel"] == rel]


def features(client: TestClient, collection: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/collections/{collection}/items", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["features"]


# A.2.1 General tests
def test_conf_core_http(public: TestClient) -> None:
    assert public.get("/").http_version == "HTTP/1.1"
    assert public.post("/collections").status_code == 405
    assert public.get("/nothing").status_code == 404


def test_conf_core_crs84(public: TestClient) -> None:
    for name in PUBLIC:
        answer = public.get(f"/collections/{name}/items")
        assert answer.headers["content-crs"] == f"<{CRS84}>"
        for feature in answer.json()["features"]:
            point = feature["geometry"]["coordinates"]
            while isinstance(point[0], list):
                point = point[0]
            assert 119 < point[0] < 122 and 30 < point[1] < 33


# A.2.2 Landing page
def test_conf_core_root_op(public: TestClient) -> None:
    assert public.get("/", headers=JSON).status_code == 200


def test_conf_core_root_success(public: TestClient) -> None:
    body = public.get("/", headers=JSON).json()
    for rel in ("service-desc", "service-doc", "conformance", "data"):
        assert links(body, rel), rel
        for link in links(body, rel):
            answer = public.get(link["href"])
            assert answer.status_code == 200
            assert answer.headers["content-type"].partition(";")[0] == link["type"].partition(";")[0]


# A.2.3 API definition
def test_conf_core_api_definition_op(public: TestClient) -> None:
    body = public.get("/", headers=JSON).json()
    assert all(public.get(link["href"]).status_code == 200 for link in links(body, "service-desc"))


def test_conf_core_api_definition_success(public: TestClient) -> None:
    described = public.get("/openapi.json").json()
    assert described["openapi"].startswith("3.")
    assert {"/", "/conformance", "/collections", "/collections/areas/items"} <= set(described["paths"])


# A.2.4 Conformance
def test_conf_core_conformance_op(public: TestClient) -> None:
    assert public.get("/conformance").status_code == 200


def test_conf_core_conformance_success(public: TestClient) -> None:
    classes = public.get("/conformance").json()["conformsTo"]
    assert {SPEC + "core", SPEC + "geojson", SPEC + "html"} <= set(classes)


# A.2.5 Collections
def test_conf_core_fc_md_op(public: TestClient) -> None:
    assert public.get("/collections").status_code == 200


def test_conf_core_fc_md_success(public: TestClient) -> None:
    body = public.get("/collections").json()
    assert isinstance(body["collections"], list) and links(body, "self")
    assert all(link["type"] for link in body["links"])


def test_conf_core_fc_md_links(public: TestClient) -> None:
    body = public.get("/collections").json()
    assert len(links(body, "self")) == 1 and links(body, "alternate")


def test_conf_core_fc_md_items(public: TestClient) -> None:
    listed = public.get("/collections").json()["collections"]
    assert {c["id"] for c in listed} == set(PUBLIC)
    for described in listed:
        assert public.get(f"/collections/{described['id']}").status_code == 200


def test_conf_core_fc_md_items_links(public: TestClient) -> None:
    for described in public.get("/collections").json()["collections"]:
        assert {link["type"] for link in links(described, "items")} >= {GEOJSON}
        for link in links(described, "items"):
            assert public.get(link["href"]).headers["content-type"].startswith(link["type"])


def test_conf_core_fc_md_extent(public: TestClient) -> None:
    for described in public.get("/collections").json()["collections"]:
        (box,) = described["extent"]["spatial"]["bbox"]
        assert box[0] < box[2] and box[1] < box[3]
        for interval in described["extent"].get("temporal", {"interval": []})["interval"]:
            assert len(interval) == 2


def test_conf_core_sfc_md_op(public: TestClient) -> None:
    for name in PUBLIC:
        assert public.get(f"/collections/{name}").status_code == 200


def test_conf_core_sfc_md_success(public: TestClient) -> None:
    listed = {c["id"]: c for c in public.get("/collections").json()["collections"]}
    for name in PUBLIC:
        one = public.get(f"/collections/{name}").json()
        same = ("id", "title", "description", "extent", "itemType", "crs")
        assert all(one[member] == listed[name][member] for member in same)


# A.2.6 Features
def test_conf_core_fc_op(public: TestClient) -> None:
    for name in PUBLIC:
        assert public.get(f"/collections/{name}/items").status_code == 200


def test_conf_core_fc_limit_definition(public: TestClient) -> None:
    operation = public.get("/openapi.json").json()["paths"]["/collections/areas/items"]["get"]
    (limit,) = [p for p in operation["parameters"] if p["name"] == "limit"]
    assert limit["in"] == "query" and not limit["required"]
    assert (
        limit["schema"]["type"] == "integer"
        and limit["schema"]["minimum"] == 1
        and limit["schema"]["default"]
    )


@pytest.mark.parametrize(("asked", "most"), [(1, 1), (3, 3), (10_000, 10_000), (10**9, 10_000)])
def test_conf_core_fc_limit_response(public: TestClient, asked: int, most: int) -> None:
    found = features(public, "areas", limit=asked)
    assert len(found) == min(most, 10)


def test_conf_core_fc_bbox_definition(public: TestClient) -> None:
    operation = public.get("/openapi.json").json()["paths"]["/collections/areas/items"]["get"]
    (bbox,) = [p for p in operation["parameters"] if p["name"] == "bbox"]
    assert bbox["in"] == "query" and not bbox["required"]


@pytest.mark.parametrize(
    ("box", "kinds"),
    [
        ("120,31,121,31.5", 10),
        ("120.01,31.01,120.02,31.02", 5),
        ("120.01,31.01,0,120.02,31.02,100", 5),
        ("0,0,1,1", 0),
        ("170,-10,-170,10", 0),
    ],
)
def test_conf_core_fc_bbox_response(public: TestClient, box: str, kinds: int) -> None:
    assert len(features(public, "areas", bbox=box)) == kinds


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "120,31,121,x", "0,50,1,40", "1,2,3,4,5"])
def test_conf_core_fc_bbox_invalid(public: TestClient, box: str) -> None:
    assert public.get("/collections/areas/items", params={"bbox": box}).status_code == 400


def test_conf_core_fc_time_definition(public: TestClient) -> None:
    operation = public.get("/openapi.json").json()["paths"]["/collections/areas/items"]["get"]
    (time,) = [p for p in operation["parameters"] if p["name"] == "datetime"]
    assert time["in"] == "query" and not time["required"]


@pytest.mark.parametrize(
    ("time", "found"),
    [
        ("2026-01-01T00:00:00Z", 10),
        ("2019-12-31T23:59:59Z", 0),
        ("../2019-12-31T00:00:00Z", 0),
        ("2019-01-01T00:00:00Z/2021-01-01T00:00:00Z", 10),
        ("2020-01-01T00:00:00Z/..", 10),
        ("../2020-01-01T08:00:00%2B08:00", 10),
        ("/2021-01-01T00:00:00Z", 10),
    ],
)
def test_conf_core_fc_time_response(public: TestClient, time: str, found: int) -> None:
    assert len(public.get(f"/collections/areas/items?datetime={time}").json()["features"]) == found


@pytest.mark.parametrize(
    "time", ["soon", "2026-13-01", "2026-02-02/2026-01-01", "2026-01-01/2026-02-01/2026-03-01", "../x"]
)
def test_conf_core_fc_time_invalid(public: TestClient, time: str) -> None:
    assert public.get("/collections/areas/items", params={"datetime": time}).status_code == 400


def test_conf_core_fc_response(public: TestClient) -> None:
    for name in PUBLIC:
        answer = public.get(f"/collections/{name}/items")
        body = answer.json()
        assert answer.headers["content-type"] == GEOJSON and body["type"] == "FeatureCollection"


def test_conf_core_fc_links(public: TestClient) -> None:
    body = public.get("/collections/areas/items?limit=3").json()
    assert len(links(body, "self")) == 1 and links(body, "alternate") and links(body, "next")
    assert all("type" in link and "rel" in link for link in body["links"])


def test_conf_core_fc_timestamp(public: TestClient) -> None:
    assert (
        "timeStamp" not in public.get("/collections/areas/items").json()
    )  # optional: equal data, equal ETag


def test_conf_core_fc_number_matched(public: TestClient) -> None:
    body = public.get("/collections/areas/items?limit=3&count=exact").json()
    assert body["numberMatched"] == 10


def test_conf_core_fc_number_returned(public: TestClient) -> None:
    body = public.get("/collections/areas/items?limit=3").json()
    assert body["numberReturned"] == len(body["features"]) == 3


def test_conf_core_fc_next(public: TestClient) -> None:
    url, seen = "/collections/areas/items?limit=3", []
    while url:
        body = public.get(url).json()
        seen += [feature["id"] for feature in body["features"]]
        url = next((link["href"] for link in links(body, "next")), "")
    assert len(seen) == len(set(seen)) == 10


def test_conf_core_query_param_unknown(public: TestClient) -> None:
    for path in (
        "/",
        "/conformance",
        "/collections",
        "/collections/areas",
        "/collections/areas/items",
        "/collections/areas/items/1",
    ):
        assert public.get(path + "?nothing=1").status_code == 400, path


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "limit=1.5", "offset=-1", "f=xml"])
def test_conf_core_query_param_invalid(public: TestClient, query: str) -> None:
    assert public.get(f"/collections/areas/items?{query}").status_code == 400


# A.2.7 Feature
def test_conf_core_f_op(public: TestClient) -> None:
    for name in ("areas", "sites", "hot_spots"):
        key = features(public, name, limit=1)[0]["id"]
        assert public.get(f"/collections/{name}/items/{key}").status_code == 200


def test_conf_core_f_success(public: TestClient) -> None:
    for name in ("areas", "sites", "hot_spots"):
        listed = features(public, name, limit=1)[0]
        one = public.get(f"/collections/{name}/items/{listed['id']}").json()
        assert {k: one[k] for k in ("type", "id", "geometry", "properties")} == listed


def test_conf_core_f_links(public: TestClient) -> None:
    key = features(public, "areas", limit=1)[0]["id"]
    body = public.get(f"/collections/areas/items/{key}").json()
    assert [link["type"] for link in links(body, "self")] == [GEOJSON]
    assert links(body, "alternate") and links(body, "collection")


# A.3 GeoJSON
def test_conf_geojson_definition(public: TestClient) -> None:
    assert SPEC + "geojson" in public.get("/conformance").json()["conformsTo"]


def test_conf_geojson_content(public: TestClient) -> None:
    for name in PUBLIC:
        for feature in features(public, name):
            assert (
                feature["type"] == "Feature" and isinstance(feature["properties"], dict) and "id" in feature
            )
            assert (
                feature["geometry"]["type"] in {"Point", "Polygon", "MultiPolygon"}
                and "crs" not in feature["geometry"]
            )


# A.4 HTML
def test_conf_html_definition(public: TestClient) -> None:
    key = features(public, "sites", limit=1)[0]["id"]
    for path in (
        "/",
        "/conformance",
        "/collections",
        "/collections/sites",
        "/collections/sites/items",
        f"/collections/sites/items/{key}",
    ):
        for asked in (
            public.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}),
            public.get(path + "?f=html"),
        ):
            assert asked.status_code == 200 and asked.headers["content-type"].startswith("text/html"), path
            assert "Accept" in asked.headers["vary"]


def test_conf_html_content(public: TestClient) -> None:
    page = public.get("/collections/sites/items?f=html").text
    assert "<!doctype html>" in page and "S-A" in page and "测试A化工厂" in page
    hrefs = re.findall(r'href="([^"]+)"', page)
    assert any(href.endswith("/collections/sites") for href in hrefs)
