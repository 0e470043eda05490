"""OGC API Features part 3 and CQL2, annex A.

Queryables, filter, and the operators against what Python finds.
"""

from __future__ import annotations

import json
from typing import Any

import cql2
import pytest
from starlette.testclient import TestClient

SPEC = "http://www.opengis.net/spec/"
QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
PUBLIC = ("areas", "grids", "sites", "places", "hot_spots", "emerging_hot_spots", "fences")


def ids(client: TestClient, collection: str, text: str, lang: str = "cql2-text") -> set[int]:
    answer = client.get(f"/collections/{collection}/items", params={"filter": text, "filter-lang": lang})
    assert answer.status_code == 200, answer.text
    return {feature["id"] for feature in answer.json()["features"]}


def all_of(client: TestClient, collection: str) -> list[dict[str, Any]]:
    return client.get(f"/collections/{collection}/items?limit=10000").json()["features"]


def test_conf_queryables_get_conformance(public: TestClient) -> None:
    classes = set(public.get("/conformance").json()["conformsTo"])
    assert {
        SPEC + f"ogcapi-features-3/1.0/conf/{n}" for n in ("queryables", "filter", "features-filter")
    } <= classes
    assert {SPEC + f"cql2/1.0/conf/{n}" for n in ("cql2-text", "cql2-json", "basic-cql2")} <= classes


def test_conf_queryables_get_queryables_uris(public: TestClient) -> None:
    for name in PUBLIC:
        described = public.get(f"/collections/{name}").json()
        (link,) = [link for link in described["links"] if link["rel"] == QUERYABLES]
        assert public.get(link["href"]).headers["content-type"] == link["type"] == "application/schema+json"


def test_conf_queryables_get_queryables(public: TestClient) -> None:
    for name in PUBLIC:
        address = f"/collections/{name}/queryables"
        schema = public.get(address).json()
        assert (
            schema["$schema"] == "https://json-schema.org/draft/2020-12/schema" and schema["type"] == "object"
        )
        assert schema["$id"].endswith(address) and schema["additionalProperties"] is False
        assert public.get(address + "?f=html").headers["content-type"].startswith("text/html")


def conforms(client: TestClient, name: str) -> bool:
    return f"{SPEC}ogcapi-features-3/1.0/conf/{name}" in client.get("/conformance").json()["conformsTo"]


def test_conf_filter_get_conformance(public: TestClient) -> None:
    assert conforms(public, "filter")


def test_conf_features_filter_get_conformance(public: TestClient) -> None:
    assert conforms(public, "features-filter")


def test_conf_filter_get_collections(public: TestClient) -> None:
    assert {c["id"] for c in public.get("/collections").json()["collections"]} == set(PUBLIC)


def test_conf_filter_get_collection(public: TestClient) -> None:
    for name in PUBLIC:
        links = public.get(f"/collections/{name}").json()["links"]
        (href,) = [link["href"] for link in links if link["rel"] == QUERYABLES]
        assert href.endswith(f"/collections/{name}/queryables")


def _filtered(client: TestClient, more: dict[str, str]) -> None:
    """Of every queryable of every collection: what is null, by a filter that is read, and one that is not."""
    for name in PUBLIC:
        every = all_of(client, name)
        for queryable in client.get(f"/collections/{name}/queryables").json()["properties"]:
            query = {"filter": f"{queryable} IS NULL", "limit": 10_000, **more}
            answer = client.get(f"/collections/{name}/items", params=query)
            assert answer.status_code == 200 and answer.headers["content-type"] == "application/geo+json"
            empty = {f["id"] for f in every if (f["properties"] | {"geometry": 0})[queryable] is None}
            assert {f["id"] for f in answer.json()["features"]} == empty, (name, queryable)
        query = {"filter": "THIS IS NOT A FILTER", **more}
        assert client.get(f"/collections/{name}/items", params=query).status_code == 400


def test_conf_filter_filter_param(public: TestClient) -> None:
    _filtered(public, {"filter-lang": "cql2-text"})


def test_conf_filter_filter_lang_default(public: TestClient) -> None:
    _filtered(public, {})


def test_conf_features_filter_filter_on_items(public: TestClient) -> None:
    """The tests of ``filter`` ask the items; a filter that finds nothing is an empty collection."""
    for name in PUBLIC:
        answer = public.get(f"/collections/{name}/items", params={"filter": "false"})
        assert answer.status_code == 200 and answer.json()["features"] == []
        assert answer.json()["numberReturned"] == 0


def test_conf_filter_expression_construction(public: TestClient) -> None:
    for name in PUBLIC:
        for unknown in ("this_is_not_a_queryable", "geom", "area_id2"):
            query = {"filter": f"{unknown} IS NULL"}
            assert public.get(f"/collections/{name}/items", params=query).status_code == 400


def box_of(client: TestClient, name: str) -> list[float]:
    found: list[float] = client.get(f"/collections/{name}").json()["extent"]["spatial"]["bbox"][0]
    return found


def test_conf_filter_filter_crs_wgs84(public: TestClient) -> None:
    for name in PUBLIC:
        west, south, east, north = box_of(public, name)
        found = ids(public, name, f"S_INTERSECTS(geometry,BBOX({west},{south},{east},{north}))")
        assert found == {f["id"] for f in all_of(public, name)}
        query = {"filter": "S_INTERSECTS(geometry,BBOX(1000000,1000000,2000000,2000000))"}
        assert public.get(f"/collections/{name}/items", params=query).status_code == 400


def test_conf_filter_filter_crs_param(public: TestClient) -> None:
    from pyproj import Transformer

    for name in PUBLIC:
        west, south, east, north = box_of(public, name)
        for uri in public.get(f"/collections/{name}").json()["crs"]:
            _, authority, _, code = uri.rsplit("/", 3)
            to = Transformer.from_crs("OGC:CRS84", f"{authority}:{code}")
            corners = [to.transform(x, y) for x in (west, east) for y in (south, north)]
            low, high = (tuple(pick(c[i] for c in corners) for i in (0, 1)) for pick in (min, max))
            text = f"S_INTERSECTS(geometry,BBOX({low[0]!r},{low[1]!r},{high[0]!r},{high[1]!r}))"
            query = {"filter": text, "filter-crs": uri, "limit": 10_000}
            answer = public.get(f"/collections/{name}/items", params=query)
            assert answer.status_code == 200, (name, uri, answer.text)
            assert {f["id"] for f in answer.json()["features"]} == {f["id"] for f in all_of(public, name)}, (
                uri
            )
        query = {"filter": text, "filter-crs": "http://www.opengis.net/def/crs/OGC/0/does_not_exist"}
        assert public.get(f"/collections/{name}/items", params=query).status_code == 400


def test_conf_filter_mixing_expression(public: TestClient) -> None:
    for name in PUBLIC:
        west, south, east, north = box_of(public, name)
        query = {"filter": f"S_INTERSECTS(geometry,BBOX({west},{south},{east},{north}))", "limit": 10_000}
        both = public.get(
            f"/collections/{name}/items", params=query | {"bbox": f"{west},{south},{east},{north}"}
        )
        assert {f["id"] for f in both.json()["features"]} == {f["id"] for f in all_of(public, name)}
        apart = public.get(f"/collections/{name}/items", params=query | {"bbox": "1,1,2,2"})
        assert apart.status_code == 200 and apart.json()["features"] == []


@pytest.mark.parametrize("parameter", ["filter", "filter-lang", "filter-crs"])
def test_conf_filter_param_definitions(public: TestClient, parameter: str) -> None:
    paths = public.get("/openapi.json").json()["paths"]
    tile = "/collections/{collection_id}/tiles/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}"
    for path in ("/collections/sites/items", tile, "/collections/{collection_id}/export"):
        operation = paths[path]["get"]
        assert [p["in"] for p in operation["parameters"] if p["name"] == parameter] == ["query"]


def test_conf_filter_filter_expression_invalid(public: TestClient) -> None:
    answer = public.get("/collections/areas/items", params={"filter": "kind = = 1"})
    assert (answer.status_code, answer.json()["position"]) == (400, {"line": 1, "column": 8})


def test_conf_filter_expression_construction_unknown(public: TestClient) -> None:
    assert public.get("/collections/areas/items", params={"filter": "nothing = 1"}).status_code == 400


def test_conf_filter_lang_invalid(public: TestClient) -> None:
    assert public.get("/collections/areas/items?filter=a=1&filter-lang=sql").status_code == 400


def test_conf_filter_combined_with_other_parameters(public: TestClient) -> None:
    query = {"filter": "name LIKE 'A%'", "kind": "unit_grid", "bbox": "120,31,120.1,31.1"}
    assert len(public.get("/collections/areas/items", params=query).json()["features"]) == 1


OPERATORS = {"=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b, ">": lambda a, b: a > b,
             "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b}  # fmt: skip


@pytest.mark.parametrize("op", OPERATORS)
def test_conf_basic_cql2_comparison(public: TestClient, op: str) -> None:
    every = all_of(public, "areas")
    for name in ("code", "kind", "area_m2", "valid_from", "indicative"):
        for value in {feature["properties"][name] for feature in every}:
            if isinstance(value, bool) and op not in ("=", "<>"):
                continue
            if name == "area_m2" and op in ("=", "<>"):
                continue
            shown = f"'{value}'" if isinstance(value, str) else str(value).upper()
            shown = f"TIMESTAMP({shown})" if name == "valid_from" else shown
            expected = {f["id"] for f in every if OPERATORS[op](f["properties"][name], value)}
            assert ids(public, "areas", f"{name} {op} {shown}") == expected, (name, op, value)


def test_conf_basic_cql2_logical(public: TestClient) -> None:
    every = all_of(public, "areas")
    a, b = "kind = 'town'", "name LIKE 'A%'"
    town = {f["id"] for f in every if f["properties"]["kind"] == "town"}
    named = {f["id"] for f in every if f["properties"]["name"].startswith("A")}
    assert ids(public, "areas", f"{a} AND {b}") == town & named
    assert ids(public, "areas", f"{a} OR {b}") == town | named
    assert ids(public, "areas", f"NOT ({a} OR {b})") == {f["id"] for f in every} - (town | named)
    assert ids(public, "areas", f"NOT {a} AND {b}") == named - town


def test_conf_basic_cql2_is_null(public: TestClient) -> None:
    every = all_of(public, "areas")
    empty = {f["id"] for f in every if f["properties"]["parent_id"] is None}
    assert ids(public, "areas", "parent_id IS NULL") == empty
    assert ids(public, "areas", "parent_id IS NOT NULL") == {f["id"] for f in every} - empty


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("name LIKE '%网格_'", "网格"), ("CASEI(name) LIKE CASEI('b%')", "B"), (r"name LIKE '\%%'", "%")],
)
def test_conf_advanced_comparison_like(public: TestClient, text: str, pattern: str) -> None:
    assert ids(public, "areas", text) == {
        f["id"] for f in all_of(public, "areas") if pattern in f["properties"]["name"]
    }


SPATIAL = {
    "S_INTERSECTS": "intersects", "S_DISJOINT": "disjoint", "S_WITHIN": "within", "S_CONTAINS": "contains",
    "S_TOUCHES": "touches", "S_OVERLAPS": "overlaps", "S_CROSSES": "crosses", "S_EQUALS": "equals",
}  # fmt: skip
SHAPES = [
    "POINT(120.1 31.2)", "POINT(120.5 31.2)", "LINESTRING(119 31.2, 122 31.2)", "LINESTRING(120.5 30, 120.5 32)",
    "POLYGON((120 31,120.5 31,120.5 31.5,120 31.5,120 31))", "POLYGON((120.2 31.2,120.7 31.2,120.7"
                                                             " 31.7,120.2 31.7,120.2 31.2))",
    "MULTIPOINT((120.1 31.2),(120.9 31.2))", "POLYGON((0 0,1 0,1 1,0 1,0 0))",
]  # fmt: skip


@pytest.mark.parametrize("op", SPATIAL)
@pytest.mark.parametrize("shape", SHAPES)
def test_conf_spatial_functions(public: TestClient, op: str, shape: str) -> None:
    import shapely

    other = shapely.from_wkt(shape)
    for collection in ("areas", "sites"):
        expected = {
            f["id"]
            for f in all_of(public, collection)
            if getattr(shapely.geometry.shape(f["geometry"]), SPATIAL[op])(other)
        }
        assert ids(public, collection, f"{op}(geometry, {shape})") == expected


TEMPORAL = {
    "T_AFTER": 0, "T_BEFORE": 1, "T_CONTAINS": 0, "T_DISJOINT": 1, "T_DURING": 1, "T_EQUALS": 0, "T_FINISHEDBY": 0,
    "T_FINISHES": 0, "T_INTERSECTS": 0, "T_MEETS": 0, "T_METBY": 0, "T_OVERLAPPEDBY": 0, "T_OVERLAPS": 0,
    "T_STARTEDBY": 0, "T_STARTS": 0,
}  # fmt: skip


@pytest.mark.parametrize("op", TEMPORAL)
def test_conf_temporal_functions(login: Any, op: str) -> None:
    """Stays are 03:00-04:00 of 2026-03-01; the other interval is 05:00-06:00."""
    client = login("dispatcher")
    other = "INTERVAL('2026-03-01T05:00:00Z','2026-03-01T06:00:00Z')"
    before = "INTERVAL(started_at, ended_at)"
    found = ids(client, "stays", f"{op}({before}, {other})")
    assert len(found) == (2 if op in ("T_BEFORE", "T_DISJOINT") else 0), op


def test_conf_cql2_json_is_the_same_as_text(public: TestClient) -> None:
    for text in ("kind = 'town'", "name LIKE 'A%' OR area_m2 > 1e9", "S_INTERSECTS(geometry, POINT(120.1 31.2))",
                 "kind IN ('town','city') AND NOT (parent_id IS NULL)", "valid_from > DATE('2019-01-01')"):  # fmt: skip
        as_json = json.dumps(cql2.parse_text(text).to_json())
        assert ids(public, "areas", as_json, "cql2-json") == ids(public, "areas", text)
