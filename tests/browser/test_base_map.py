"""The ground under the areas.

A file of the installation, the roads and buildings of the service, or nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from geo_api.imports.import_file import import_file
from tests.support.console import Console
from tests.support.served_city import City

Open = Callable[..., Console]
LAYERS = "() => window.__wangge.map.getStyle().layers.map((each) => each.id)"


def ground_layers(console: Console) -> set[str]:
    return {each for each in console.page.evaluate(LAYERS) if each.startswith("base-")}


def main_road(city: City) -> tuple[float, float, str]:
    """A point on a main road, and the layer that draws the road."""
    lon, lat, kind = city.rows(
        "SELECT ST_X(p), ST_Y(p), kind FROM (SELECT kind, ST_PointOnSurface(geom) p FROM roads"
        " WHERE kind IN ('trunk', 'primary') ORDER BY id LIMIT 1) r"
    )[0]
    return lon, lat, f"base-road-{kind}"


def test_the_ground_is_a_choice_and_stays_chosen(open_page: Open, city: City) -> None:
    lon, lat, layer = main_road(city)
    asked: list[str] = []
    console = open_page(before=lambda context: context.on("request", lambda each: asked.append(each.url)))
    console.look_at(lon, lat, 14)
    file = console.page.locator("[data-base]").first
    expect(file).to_be_checked()
    console.expect_drawn(layer)
    assert any(".pmtiles" in url for url in asked)
    assert not any("/collections/roads/tiles" in url for url in asked)

    console.page.check("[data-base=roads]")
    console.expect_drawn(layer)
    assert any("/collections/roads/tiles" in url for url in asked)
    expect(console.page.locator(".bases .legend li")).to_have_count(6)

    console.page.check("[data-base=none]")
    console.idle()
    assert ground_layers(console) == set()
    expect(console.page.locator(".bases .legend")).to_have_count(0)
    console.page.reload()
    expect(console.page.locator("[data-base=none]")).to_be_checked()
    console.page.go_back()
    expect(console.page.locator("[data-base=roads]")).to_be_checked()


def test_buildings_are_drawn_where_one_can_be_told_from_another(
    open_page: Open, city: City, tmp_path: Path
) -> None:
    lon, lat, _ = main_road(city)
    ring = [[lon + x, lat + y] for x, y in ((0, 0), (0.001, 0), (0.001, 0.001), (0, 0.001), (0, 0))]
    feature = {
        "type": "Feature",
        "properties": {"source_id": "test-hall", "kind": "industrial"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path = tmp_path / "buildings.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    import_file("buildings", path, crs="wgs84", url=city.url)
    console = open_page()
    console.page.check("[data-base=roads]")
    console.look_at(lon, lat, 15)
    (hall,) = console.drawn_soon("base-building")
    assert hall["kind"] == "industrial"
    console.look_at(lon, lat, 12.5)
    assert console.drawn("base-building") == []
