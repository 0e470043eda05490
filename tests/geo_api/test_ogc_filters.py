"""CQL2 over HTTP: what it finds, and where it says that it cannot be read."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

Login = Callable[[str], TestClient]


def names(client: TestClient, collection: str, text: str, member: str, **more: str) -> list[str]:
    query = urllib.parse.urlencode({"filter": text, **more})
    answer = client.get(f"/collections/{collection}/items?{query}")
    assert answer.status_code == 200, answer.text
    return [f["properties"][member] for f in answer.json()["features"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kind = 'town'", ["A镇", "B镇"]),
        ("kind <> 'town' AND name LIKE 'A%'", ["A社区", "A网格1", "A网格2"]),
        ("kind IN ('city','county')", ["测试市", "测试区"]),
        ("NOT (kind IN ('unit_grid','community','town'))", ["测试市", "测试区"]),
        ("code BETWEEN '320601002' AND '320601002001001'", ["B镇", "B社区", "B网格1"]),
        ("parent_id IS NULL", ["测试市"]),
        ("parent_id IS NOT NULL AND kind='county'", ["测试区"]),
        ("CASEI(name) LIKE CASEI('a镇')", ["A镇"]),
        ("indicative = FALSE AND kind='city'", ["测试市"]),
        ("NOT indicative AND kind='city'", ["测试市"]),
        ("kind='unit_grid' AND S_INTERSECTS(geometry, POINT(120.1 31.2))", ["A网格1"]),
        ("kind='unit_grid' AND S_TOUCHES(geometry, LINESTRING(120.5 31, 120.5 31.5))", ["A网格2", "B网格1"]),
        ("kind='unit_grid' AND S_WITHIN(geometry, BBOX(120, 31, 120.5, 31.5))", ["A网格1", "A网格2"]),
        ("S_CONTAINS(geometry, POINT(120.9 31.2)) AND kind = 'town'", ["B镇"]),
        ("S_DISJOINT(geometry, POINT(120.9 31.2)) AND kind = 'town'", ["A镇"]),
        ("S_EQUALS(geometry, POLYGON((120 31,121 31,121 31.5,120 31.5,120 31))) AND kind='city'", ["测试市"]),
        ("S_CROSSES(geometry, LINESTRING(119 31.2, 120.6 31.2)) AND kind='town'", ["A镇", "B镇"]),
        ("S_OVERLAPS(geometry, BBOX(119, 30, 120.2, 31.2)) AND kind='town'", ["A镇"]),
        ("T_AFTER(valid_from, DATE('2019-12-31')) AND kind='city'", ["测试市"]),
        ("T_AFTER(valid_from, DATE('2020-01-01')) AND kind='city'", []),
        ("T_INTERSECTS(INTERVAL(valid_from, valid_to), INTERVAL('2030-01-01','..')) AND kind='city'", ["测试市"]),
        ("valid_from < TIMESTAMP('2020-01-01T00:00:01Z') AND kind='city'", ["测试市"]),
        ("valid_from = '2020-01-01T08:00:00+08:00' AND kind='city'", ["测试市"]),
        ("area_m2 / 1000000 > 2 * 2000 AND kind = 'town'", []),
        ("area_m2 / 1e6 > 2 * 1000 + 1 AND kind = 'town'", ["A镇", "B镇"]),
    ],
)  # fmt: skip
def test_what_a_filter_finds(public: TestClient, text: str, found: list[str]) -> None:
    assert sorted(names(public, "areas", text, "name")) == sorted(found)


def test_json_says_the_same_as_text(public: TestClient) -> None:
    tree = {
        "op": "and",
        "args": [
            {"op": "=", "args": [{"property": "kind"}, "unit_grid"]},
            {
                "op": "s_intersects",
                "args": [{"property": "geometry"}, {"type": "Point", "coordinates": [120.1, 31.2]}],
            },
        ],
    }
    assert names(public, "areas", json.dumps(tree), "name", **{"filter-lang": "cql2-json"}) == ["A网格1"]


def test_filter_crs_has_its_axis_order(public: TestClient) -> None:
    text = "kind='unit_grid' AND S_INTERSECTS(geometry, POINT(31.2 120.1))"
    assert names(public, "areas", text, "name", **{"filter-crs": "EPSG:4326"}) == ["A网格1"]
    swapped = public.get("/collections/areas/items", params={"filter": text})
    assert (
        swapped.status_code == 400 and "axes" in swapped.json()["detail"]
    )  # 120.1 degrees north is no place


@pytest.mark.parametrize(
    ("text", "language", "line", "column", "named"),
    [
        ("kind = = 'town'", "cql2-text", 1, 8, "expected"),
        ("kind = 'town'\n  AND nothing = 1", "cql2-text", 2, 7, "nothing"),
        ("kind = 5", "cql2-text", 1, 6, "compared"),
        ("S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 0 1, 1 0, 0 0)))", "cql2-text", 1, 1, "valid"),
        ("NOSUCH(kind) = 1", "cql2-text", 1, 1, "NOSUCH"),
        ("kind", "cql2-text", 1, 1, "boolean"),
        ("(" * 3000 + "a=1" + ")" * 3000, "cql2-text", 1, 61, "deep"),
        ("-" * 3000 + "1 = 1", "cql2-text", 1, 1, "signs"),
        ('{"op":"=",', "cql2-json", 1, 11, ""),
        ('{"op":"nope","args":[]}', "cql2-json", 1, 8, "nope"),
        ('{"op":"not",' * 500, "cql2-json", 1, 1, ""),
        ("[" * 7000, "cql2-json", 1, 1, ""),
        ('{"op":"=","args":[{"property":"area_m2"},NaN]}', "cql2-json", 1, 42, "NaN"),
        ('{"op":"s_within","args":[{"property":"geometry"},{"type":"Point","coordinates":[[1]]}]}', "cql2-json", 1, 59, "geometry"),
    ],
)  # fmt: skip
def test_a_bad_filter_is_a_400_with_its_place(
    public: TestClient, text: str, language: str, line: int, column: int, named: str
) -> None:
    query = urllib.parse.urlencode({"filter": text, "filter-lang": language})
    answer = public.get(f"/collections/areas/items?{query}")
    assert answer.status_code == 400, answer.text
    position = answer.json()["position"]
    assert named in answer.json()["detail"]
    if len(text) < 500:
        assert (position["line"], position["column"]) == (line, column)


def test_a_filter_with_a_zero_byte_is_refused_by_its_name(public: TestClient) -> None:
    answer = public.get("/collections/areas/items", params={"filter": "name = 'a\x00'"})
    assert answer.status_code == 400 and "filter" in answer.text, answer.text


def test_a_filter_never_widens_what_a_caller_sees(login: Login) -> None:
    a = login("officer.a")
    assert names(a, "alerts", "score > 0 OR score <= 0", "site_id") == ["S-A"]
    assert names(a, "alerts", "S_INTERSECTS(geometry, BBOX(0,0,180,90))", "site_id") == ["S-A"]
    tile = "/collections/alerts/tiles/WebMercatorQuad/8/104/213?filter=" + urllib.parse.quote("score > 0")
    assert a.get(tile).headers["x-features-matched"] == "1"


def test_tiles_and_exports_take_filters(public: TestClient) -> None:
    query = "?filter=" + urllib.parse.quote("kind = 'town' AND name LIKE 'A%'")
    assert (
        public.get("/collections/areas/tiles/WebMercatorQuad/8/104/213" + query).headers["x-features-matched"]
        == "1"
    )
    assert public.get("/collections/areas/export" + query + "&f=csv").text.count("镇") == 1
    bad = public.get("/collections/areas/tiles/WebMercatorQuad/8/104/213?filter=x%3D")
    assert (bad.status_code, "position" in bad.json()) == (400, True)


def test_paging_keeps_the_filter(public: TestClient) -> None:
    url: str | None = "/collections/areas/items?limit=2&filter=" + urllib.parse.quote("kind = 'unit_grid'")
    seen: list[str] = []
    while url:
        page = public.get(url).json()
        seen += [f["properties"]["name"] for f in page["features"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    assert sorted(seen) == ["A网格1", "A网格2", "B网格1", "B网格2"]


def test_queryables_and_sortables_are_what_filter_and_sortby_take(public: TestClient) -> None:
    queryables = public.get("/collections/areas/queryables")
    assert queryables.headers["content-type"] == "application/schema+json"
    for name, schema in queryables.json()["properties"].items():
        assert public.get(f"/collections/areas/items?filter={name}%20IS%20NULL").status_code == 200, name
        assert "type" in schema or "format" in schema
    for name in public.get("/collections/areas/sortables").json()["properties"]:
        assert public.get(f"/collections/areas/items?sortby={name}").status_code == 200
