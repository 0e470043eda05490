"""Sites of which only the address is known: imported, listed in scope, placed in three ways, and taken back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyproj
import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from geo_api.imports.import_file import ImportReport, import_file
from grid.gazetteer import refresh_place_names
from layers.codes.crs import from_storage
from layers.errors import RejectedRows
from layers.imports.readers import EXAMPLE_USCC
from layers.postgres import SYSTEM, session
from layers.records import enterprises
from tests.support.application import Api, Seeded, api_over, logged_in
from tests.support.row_digests import differing_tables, row_digests

Login = Callable[[str], TestClient]
SITES = """场所编号,统一社会信用代码,场所类别,经度,纬度,地址
N-1,{code},production,,,测试市测试区A镇大洋港路88号
N-2,{code},storage,,,测试区B镇东边
N-3,{code},sales,120.7,31.2,测试区B镇
N-4,{code},storage,,,没有人知道的地方
"""
LIST, ACCEPT = "/v1/sites/unplaced", "/v1/sites/unplaced/accept"
ROAD = {"type": "LineString", "coordinates": [[120.1, 31.2], [120.3, 31.2]]}


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Api]:
    """The two towns, an enterprise with four sites of which one has coordinates, and a road in town A."""
    for api in api_over(seeded, f"unplaced_{abs(hash(request.node.name))}", tmp_path):
        given = f"uscc,name,industry,hazard,status,status_since\n{EXAMPLE_USCC},示例厂,化工,chemical,closed,2025-06-30\n"
        load(api, tmp_path, "enterprises", given)
        road = {"type": "Feature", "properties": {"name": "大洋港路", "kind": "primary"}, "geometry": ROAD}
        collection = {"type": "FeatureCollection", "features": [road]}
        load(api, tmp_path, "roads", json.dumps(collection, ensure_ascii=False), name="roads.geojson")
        yield api


@pytest.fixture
def login(own: Api) -> Login:
    return partial(logged_in, own.app)


def load(own: Api, folder: Path, kind: str, content: str, crs: str = "wgs84", name: str = "") -> ImportReport:
    path = folder / (name or f"{kind}.csv")
    path.write_text(content, encoding="utf-8")
    return import_file(kind, path, crs=crs, url=own.url, actor="office")


def rows(own: Api, statement: str) -> list[tuple[object, ...]]:
    with session(SYSTEM, own.url) as db:
        return [tuple(row) for row in db.execute(text(statement))]


def test_an_address_is_a_site_without_place_that_nothing_else_trips_over(
    own: Api, login: Login, tmp_path: Path
) -> None:
    before = row_digests(own.url)
    report = load(own, tmp_path, "sites", SITES.format(code=EXAMPLE_USCC))
    assert (report.written.inserted, report.skipped) == (4, 0)
    assert any(note.startswith("3 个场所只有地址") and "3" in note for note in report.notes)
    areas = "SELECT s.site_id, a.name FROM sites s LEFT JOIN areas a ON a.id = s.area_id WHERE s.geom IS NULL ORDER BY 1"
    assert rows(own, areas) == [("N-1", "A镇"), ("N-2", "B镇"), ("N-4", None)]
    meters = "site_id,kind,day,value,quality\nN-2,power,2026-01-05,9,measured\n"
    assert load(own, tmp_path, "meters", meters).written.inserted == 1

    seen = {
        name: [site["site_id"] for site in login(name).get(LIST).json()["sites"]]
        for name in ("grid.a", "officer.b", "dispatcher")
    }
    assert seen == {"grid.a": ["N-1"], "officer.b": ["N-2"], "dispatcher": ["N-1", "N-2", "N-4"]}
    pages, url = [], f"{LIST}?limit=2"
    dispatcher = login("dispatcher")
    while url:
        page = dispatcher.get(url).json()
        assert page["numberMatched"] == 3
        pages += [site["site_id"] for site in page["sites"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert pages == ["N-1", "N-2", "N-4"]
    assert login("viewer.a").get(LIST).status_code == 403

    public = TestClient(own.app)
    items = dispatcher.get("/collections/sites/items?limit=100").json()["features"]
    assert {each["properties"]["site_id"] for each in items} == {"S-A", "S-B", "N-3"}
    (hidden,) = rows(own, "SELECT id FROM sites WHERE site_id = 'N-1'")[0]
    assert public.get(f"/collections/sites/items/{hidden}").status_code == 404
    assert dispatcher.get("/collections/sites/export?f=csv").text.count("N-") == 1
    with session(SYSTEM, own.url) as db:
        assert set(enterprises.read_sites(db)["site_id"]) == {"S-A", "S-B"}
    undone = dispatcher.post(f"/v1/imports/{report.batch_id}/undo")
    assert undone.status_code == 409 and "meter_readings" in undone.text
    assert rows(own, "SELECT count(*) FROM sites WHERE geom IS NULL") == [(3,)]
    for batch in (report.batch_id + 1, report.batch_id):
        assert dispatcher.post(f"/v1/imports/{batch}/undo").status_code == 200
    differing = differing_tables(before, row_digests(own.url))
    assert set(differing) <= {"access_log", "batches", "login_sessions"}, differing


def test_a_place_comes_from_the_gazetteer_a_file_or_a_click(own: Api, login: Login, tmp_path: Path) -> None:
    load(own, tmp_path, "sites", SITES.format(code=EXAMPLE_USCC))
    with session(SYSTEM, own.url) as db:
        refresh_place_names(db)
    dispatcher, of_a = login("dispatcher"), login("grid.a")
    proposal = of_a.get(LIST).json()["sites"][0]["proposal"]
    assert proposal["name"] == "大洋港路" and proposal["matched"] == "大洋港路"
    # half way of its two ends, by the geodesic of another library
    assert (proposal["lon"], proposal["lat"]) == pytest.approx(
        pyproj.Geod(ellps="WGS84").npts(*ROAD["coordinates"][0], *ROAD["coordinates"][1], 1)[0], abs=1e-4
    )
    assert of_a.post(ACCEPT, json={}).status_code == 422, "a score has no default"
    taken = dispatcher.post(ACCEPT, json={"accept_above": 0.9}).json()
    assert taken["placed"] == ["N-1"] and taken["left"] == 2
    stored = (
        "SELECT place_source, place_score, place_name, area_id IS NOT NULL FROM sites WHERE site_id = 'N-1'"
    )
    assert rows(own, stored) == [("gazetteer", proposal["score"], "大洋港路", True)]
    batch = dispatcher.get(f"/v1/imports/{taken['import_id']}").json()
    assert batch["kind"] == "site_places" and batch["options"]["accept_above"] == 0.9
    assert dispatcher.post(f"/v1/imports/{taken['import_id']}/undo").status_code == 200
    assert rows(own, stored) == [(None, None, None, True)]
    low = dispatcher.post(ACCEPT, json={"accept_above": 0.9, "site_ids": ["N-2", "?"]}).json()
    assert (low["placed"], [each["site_id"] for each in low["refused"]]) == ([], ["?", "N-2"])

    click = {"lon": 120.2, "lat": 31.21}
    assert of_a.post(f"{LIST}/N-2/place", json=click).status_code == 404, "of another town"
    assert of_a.post(f"{LIST}/N-1/place", json={"lon": 120.9, "lat": 31.2}).status_code == 403
    assert of_a.post(f"{LIST}/N-1/place", json=click).json()["placed"] == ["N-1"]
    assert of_a.post(f"{LIST}/N-1/place", json=click).status_code == 404, "it has a place now"

    several = f"site_id,uscc,lon,lat\n,{EXAMPLE_USCC},120.71,31.21\n"
    with pytest.raises(RejectedRows, match="2 sites without place"):
        load(own, tmp_path, "site_places", several)
    lon, lat = (float(value[0]) for value in from_storage([120.72], [31.22], "gcj02"))
    load(own, tmp_path, "site_places", f"场所编号,经度,纬度\nN-2,{lon},{lat}\n", crs="gcj02")
    load(own, tmp_path, "site_places", several)
    where = "SELECT site_id, place_source, round(ST_X(geom)::numeric, 6)::float8 FROM sites WHERE site_id LIKE 'N%' ORDER BY 1"
    assert rows(own, where) == [
        ("N-1", "map", 120.2), ("N-2", "file", 120.72), ("N-3", None, 120.7), ("N-4", "file", 120.71),
    ]  # fmt: skip
    again = load(own, tmp_path, "sites", SITES.format(code=EXAMPLE_USCC))
    assert again.written.unchanged == 4, "a row without coordinates leaves the place"
