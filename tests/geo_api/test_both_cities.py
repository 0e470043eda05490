"""Answers that depend on the city, on the demo and on the second one.

Against their files, pyproj and GEOS.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyproj
import pytest
import shapely
from fastapi import FastAPI
from pydantic import SecretStr
from pypinyin import lazy_pinyin
from starlette.testclient import TestClient

from geo_api.http.settings import Settings
from geo_api.server.app import create_app
from layers.private_server import Cluster
from tests.support.application import logged_in
from tests.support.cities import in_force
from tests.support.loaded_cities import MAKERS, LoadedCity, loaded_city

COUNTED = ("sites", "roads", "waterways")
"""Kinds of files whose rows are all public features."""


@dataclass(frozen=True)
class Served:
    """A loaded city behind the application."""

    loaded: LoadedCity
    app: FastAPI
    public: TestClient
    dispatcher: TestClient


@pytest.fixture(scope="module", params=list(MAKERS))
def module_city(
    request: pytest.FixtureRequest, cluster: Cluster, _migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    with loaded_city(cluster, _migrated, request.param) as loaded:
        settings = Settings(
            database_url=loaded.url, data_dir=folder / "data", secret=SecretStr("test"), log_level="error"
        )
        app = create_app(settings)
        yield Served(loaded, app, TestClient(app), logged_in(app, "dispatcher"))


@pytest.fixture
def served(module_city: Served) -> Iterator[Served]:
    with in_force(module_city.loaded.city):
        yield module_city


def features(client: TestClient, collection: str, **query: Any) -> dict[str, Any]:
    answer = client.get(
        f"/collections/{collection}/items", params={"limit": 10_000, "count": "exact"} | query
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_console_is_told_the_city(served: Served) -> None:
    city = served.loaded.city
    told = served.public.get("/v1/settings").json()
    assert (told["city_zh"], told["city_en"], told["city_code"]) == (city.name_zh, city.name_en, city.code)
    assert (told["time_zone"], told["languages"]) == (city.time_zone, list(city.languages))


def test_every_row_of_a_file_is_a_feature(served: Served) -> None:
    for kind in COUNTED:
        if kind in served.loaded.files:
            assert features(served.public, kind, limit=1)["numberMatched"] == served.loaded.rows(kind), kind


def test_areas_that_hold_today_are_served_in_their_kinds(served: Served) -> None:
    for kind in ("county", "town", "community", "unit_grid"):
        codes = sorted(served.loaded.areas(kind)["code"])
        found = features(served.public, "areas", kind=kind)
        assert sorted(each["properties"]["code"] for each in found["features"]) == codes, kind


def test_a_point_is_assigned_to_the_grid_that_it_lies_in(served: Served) -> None:
    units = served.loaded.areas("unit_grid").reset_index(drop=True)
    rng = np.random.default_rng(20)
    west, south, east, north = units.total_bounds
    points = shapely.points(rng.uniform(west, east, 2_000), rng.uniform(south, north, 2_000))
    which, where = shapely.STRtree(units.geometry.to_numpy()).query(points, predicate="within")
    assert len(which) >= 60
    item = served.loaded.city.matters["illegal_resumption"]
    asked = [{"lon": p.x, "lat": p.y, "item_code": item} for p in points[which]]
    answer = served.public.post("/v1/assign/bulk", json={"points": asked})
    assert answer.status_code == 200, answer.text
    got = [each["unit_grid"] for each in answer.json()["assignments"]]
    assert got == units["code"].to_numpy()[where].tolist()


def test_features_are_served_in_the_metric_system_of_the_city(served: Served) -> None:
    epsg = served.loaded.city.served_epsg
    there = pyproj.Transformer.from_crs(4326, epsg, always_xy=True)
    plain = {
        f["id"]: f["geometry"]["coordinates"] for f in features(served.public, "sites", limit=50)["features"]
    }
    uri = f"http://www.opengis.net/def/crs/EPSG/0/{epsg}"
    metric = features(served.public, "sites", limit=50, crs=uri)["features"]
    assert len(metric) > 10
    northing_first = pyproj.CRS(epsg).axis_info[0].direction == "north"
    for each in metric:
        x, y = there.transform(*plain[each["id"]])
        wanted = (y, x) if northing_first else (x, y)
        assert each["geometry"]["coordinates"] == pytest.approx(wanted, abs=0.02)


def test_an_export_has_a_row_for_each_feature(served: Served) -> None:
    count = features(served.public, "sites", limit=1)["numberMatched"]
    answer = served.public.get("/collections/sites/export?f=csv")
    assert answer.status_code == 200
    table = pl.read_csv(io.BytesIO(answer.content), infer_schema_length=0)
    assert table.height == count


def test_alerts_and_cases_are_of_their_city(served: Served) -> None:
    """The second city has no list of hazardous-goods vehicles: its cases rest on other lorries."""
    units = served.loaded.areas("unit_grid").set_index("code")
    assert features(served.dispatcher, "alerts", limit=1)["numberMatched"] > 0
    cases = features(served.dispatcher, "cases")["features"]
    assert cases
    for case in cases:
        about = case["properties"]
        assert about["number"].startswith(served.loaded.city.case_prefix)
        place = shapely.geometry.shape(case["geometry"])
        assert units.geometry[about["grid_code"]].buffer(1e-7).covers(place)
        report = served.dispatcher.get(f"/v1/cases/{about['number']}/report.html")
        assert report.status_code == 200 and about["number"] in report.text


def test_an_officer_sees_the_own_town_only(served: Served) -> None:
    officer = logged_in(served.app, "officer")
    own = features(officer, "alerts")["features"]
    (town,) = served.loaded.areas("town").set_index("code").loc[[served.loaded.town]].geometry
    inside = [
        each
        for each in features(served.dispatcher, "alerts")["features"]
        if town.covers(shapely.geometry.shape(each["geometry"]))
    ]
    assert own
    assert {each["id"] for each in own} == {each["id"] for each in inside}


def test_the_search_finds_town_and_company_by_part_pinyin_and_place(served: Served) -> None:
    town = served.loaded.areas("town").set_index("code").loc[served.loaded.town]
    company = pl.read_csv(served.loaded.files["enterprises"], infer_schema=False).row(7, named=True)
    place = town.geometry.representative_point()
    said = "".join(lazy_pinyin(town["name"]))

    def hits(typed: str, group: str) -> dict[str, str]:
        answer = served.dispatcher.get("/v1/search", params={"q": typed, "limit": 20}).json()
        found = {each["group"]: each["hits"] for each in answer["groups"]}
        return {hit["key"]: hit["matched_by"] for hit in found.get(group, ())}

    assert hits(town["name"][:2], "areas")[served.loaded.town] == "name"
    assert hits(said.title(), "areas")[served.loaded.town] == "pinyin"
    assert hits(served.loaded.town, "areas")[served.loaded.town] == "code"
    by_name = served.dispatcher.get("/v1/search", params={"q": company["name"], "limit": 20}).json()["groups"]
    assert company["name"] in {hit["title"] for group in by_name for hit in group["hits"]}
    assert "uscc" in hits(company["uscc"], "companies").values()
    assert (
        next(iter(hits(f"{place.y:.5f} {place.x:.5f}", "coordinates")))
        == f"{round(place.x, 5):.6f},{round(place.y, 5):.6f}"
    )
