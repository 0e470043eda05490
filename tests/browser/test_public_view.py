"""What everybody sees without a login."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from tests.support.console import Console
from tests.support.page_faults import LAYOUT_FAULTS
from tests.support.served_city import City
from tests.support.waiting import wait_until

Open = Callable[..., Console]


def test_areas_and_sites_are_drawn(open_page: Open, city: City) -> None:
    console = open_page()
    counties = console.drawn_soon("county-line")
    known = {row[0] for row in city.rows("SELECT code FROM areas WHERE kind = 'county' AND valid_to IS NULL")}
    assert {each["code"] for each in counties} == known
    labels = Counter(each["name"] for each in console.drawn_soon("county-label"))
    assert set(labels.values()) == {1}, "a county's name stands more than once"
    sites = {each["site_id"] for each in console.drawn_soon("hazard_sites-point")}
    hazardous = city.rows(
        "SELECT s.site_id FROM sites s JOIN enterprises e ON e.id = s.enterprise_id WHERE e.hazard <> 'none'"
    )
    assert sites <= {row[0] for row in hazardous}
    assert len(sites) > len(hazardous) / 2


def test_the_overview_counts_what_the_database_holds(open_page: Open, city: City) -> None:
    console = open_page()
    tiles = console.page.locator(".tile")
    expect(tiles).to_have_count(8)
    shown = [int(text.replace(",", "")) for text in console.page.locator(".tile b").all_inner_texts()]
    areas = [
        city.value("SELECT count(*) FROM areas WHERE kind = :kind AND valid_to IS NULL", kind=kind)
        for kind in ("county", "town", "community", "unit_grid")
    ]
    sites = [
        city.value(
            "SELECT count(*) FROM sites s JOIN enterprises e ON e.id = s.enterprise_id"
            " WHERE e.status = :status AND e.hazard <> 'none'",
            status=status,
        )
        for status in ("operating", "suspended", "closed", "dismantled")
    ]
    assert shown == areas + sites


def test_nothing_of_the_work_layers_is_there(open_page: Open) -> None:
    console = open_page()
    assert console.page.locator("[data-tab]").evaluate_all("(all) => all.map((e) => e.dataset.tab)") == [
        "overview",
        "assign",
    ]
    assert console.page.locator("[data-layer=alerts]").count() == 0
    sources = console.page.evaluate("() => Object.keys(window.__wangge.map.getStyle().sources)")
    assert not {"alerts", "cases", "stays"} & set(sources)


def test_unit_grids_appear_with_their_codes(open_page: Open, city: City) -> None:
    console = open_page()
    lon, lat, code = city.rows(
        "SELECT ST_X(label_point), ST_Y(label_point), code FROM areas WHERE kind = 'unit_grid' ORDER BY"
        " area_m2 DESC LIMIT 1"
    )[0]
    console.look_at(lon, lat, 15)
    assert code in {each["code"] for each in console.drawn_soon("unit_grid-label")}
    console.click_map(lon, lat)
    popup = console.page.locator(".popup")
    expect(popup).to_contain_text(code)
    expect(popup).to_contain_text("Indicative boundaries")


def test_a_site_tells_about_itself(open_page: Open, city: City) -> None:
    console = open_page()
    row = city.rows(
        "SELECT s.site_id, e.name, ST_X(s.geom) lon, ST_Y(s.geom) lat FROM sites s"
        " JOIN enterprises e ON e.id = s.enterprise_id WHERE e.hazard <> 'none' AND e.status = 'closed'"
        " AND NOT EXISTS (SELECT FROM sites o WHERE o.id <> s.id AND o.geom && ST_Expand(s.geom, 0.002))"
        " ORDER BY s.site_id LIMIT 1"
    )[0]
    console.look_at(row.lon, row.lat, 16)
    console.expect_drawn("hazard_sites-point")
    console.click_map(row.lon, row.lat)
    popup = console.page.locator(".popup")
    expect(popup).to_contain_text(row.name)
    expect(popup).to_contain_text(row.site_id)
    expect(popup).to_contain_text("Closed")


def test_hot_spots_can_be_switched_on(open_page: Open, city: City) -> None:
    console = open_page()
    console.page.check("[data-layer=hot_spots]")
    expect(console.page.locator(".legend", has_text="Far more, 99 %")).to_be_visible()
    expect(console.page.locator(".layers")).to_contain_text("against the place's own past")
    significant = city.value("SELECT count(*) FROM hot_spots WHERE field = 'visits' AND level <> 0")
    drawn = console.drawn_soon("hot_spots-fill") if significant else console.drawn("hot_spots-fill")
    assert {each["level"] for each in drawn} <= {-99, -95, -90, 90, 95, 99}
    console.page.click("text=Unexplained stops")
    expect(console.page.locator(".layers")).to_contain_text("out of those that passed")
    console.idle()


def test_layers_can_be_switched_off(open_page: Open) -> None:
    console = open_page()
    console.expect_drawn("hazard_sites-point")
    console.page.uncheck("[data-layer=hazard_sites]")
    console.idle()
    assert console.drawn("hazard_sites-point") == []


def test_the_language_is_switched_and_remembered(open_page: Open) -> None:
    console = open_page(locale="zh-CN")
    expect(console.page.locator("[data-tab=overview]")).to_have_text("概览")
    console.page.click("[data-language]")
    expect(console.page.locator("[data-tab=overview]")).to_have_text("Overview")
    expect(console.page.locator(".layers-head")).to_contain_text("Layers and legend")
    assert console.page.evaluate("() => document.documentElement.lang") == "en"
    console.page.reload()
    expect(console.page.locator("[data-tab=overview]")).to_have_text("Overview")
    wait_until(lambda: console.page.evaluate("() => Boolean(window.__wangge)"), "the console starts again")


def test_search_finds_a_town_by_its_code(open_page: Open, city: City) -> None:
    console = open_page()
    name = city.value("SELECT name FROM areas WHERE code = :code AND kind = 'town'", code=city.town)
    console.page.fill("input[type=search]", city.town)
    hit = console.page.locator(".hits [role=option]", has_text=f"{name}Town")
    expect(hit).to_be_visible()
    hit.click()
    wait_until(
        lambda: console.page.evaluate("() => window.__wangge.map.getZoom() > 9"), "the map flies to the town"
    )


def test_who_is_responsible_is_answered_with_its_steps(open_page: Open, city: City) -> None:
    console = open_page()
    lon, lat, code = city.rows(
        "SELECT ST_X(label_point), ST_Y(label_point), code FROM areas WHERE kind = 'unit_grid' ORDER BY"
        " area_m2 DESC LIMIT 1"
    )[0]
    console.look_at(lon, lat, 14)
    console.click_map(lon, lat, button="right")
    answer = console.page.locator(".answer[data-outcome=assigned]")
    expect(answer).to_contain_text(code)
    assert console.page.locator(".answer .steps li").count() >= 3
    item = console.page.locator(".view-assign select").input_value()
    lead = console.page.locator(".answer .lead-body b").inner_text()
    assert (
        city.value(
            "SELECT count(*) FROM duty_items WHERE item_code = :item AND body = :body", item=item, body=lead
        )
        > 0
    )


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_nothing_is_cut_off_or_overlaps(open_page: Open, locale: str) -> None:
    console = open_page(locale=locale)
    console.log_in("dispatcher")
    for width, height in ((1440, 900), (1280, 800), (1024, 768)):
        console.page.set_viewport_size({"width": width, "height": height})
        for tab in ("overview", "alerts", "cases", "assign"):
            console.tab(tab)
            console.settle()
            found = console.page.evaluate(LAYOUT_FAULTS)
            assert found == [], f"{tab} at {width} × {height}, {locale}"


PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.mark.parametrize("crs", ["wgs84", "gcj02"])
def test_a_base_map_is_drawn_under_the_areas(open_page: Open, city: City, crs: str) -> None:
    """Tiles in GCJ-02 are put together from those that their land is drawn on.

    Never the tile of the same number alone.
    """
    asked: set[tuple[int, int, int]] = set()

    def tile(route: Route) -> None:
        z, x, y = (int(part) for part in route.request.url.rsplit(".", 1)[0].split("/")[-3:])
        asked.add((z, x, y))
        route.fulfill(body=PIXEL, content_type="image/png")

    def settings(route: Route) -> None:
        answer = route.fetch()
        url = city.address + "/base/{z}/{x}/{y}.png"
        tiles = {"id": "tiles-1", "kind": "tiles", "name": {"zh": "x", "en": "x"}, "url": url, "datum": crs}
        tiles |= {"attribution": "© x", "max_zoom": 18}
        route.fulfill(response=answer, json=answer.json() | {"base_maps": [tiles]})

    def before(context: BrowserContext) -> None:
        context.route("**/v1/settings", settings)
        context.route("**/base/**", tile)

    console = open_page(before=before)
    assert asked
    layers = console.page.evaluate("() => window.__wangge.map.getStyle().layers.map((l) => l.id)")
    assert layers.index("base") < layers.index("land")
    asked.clear()
    lon, lat = city.rows(
        "SELECT ST_X(label_point), ST_Y(label_point) FROM areas WHERE kind = 'county' LIMIT 1"
    )[0]
    console.look_at(lon, lat, 17)
    wait_until(lambda: asked, "tiles are asked for")
    west = console.page.evaluate("() => window.__wangge.map.getBounds().getWest()")
    zoom = max(z for z, _, _ in asked)
    first = int((west + 180) / 360 * 2**zoom)
    shifted = min(x for z, x, _ in asked if z == zoom) - first
    # In Nantong a GCJ-02 picture lies about 440 m to the east: one or two tiles of about 260 m at this zoom.
    assert shifted == 0 if crs == "wgs84" else shifted >= 1


def test_a_city_with_one_language_has_no_switch(open_page: Open) -> None:
    def settings(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"languages": ["zh"]})

    console = open_page(locale="en-GB", before=lambda context: context.route("**/v1/settings", settings))
    expect(console.page.locator("[data-tab=overview]")).to_have_text("概览")
    expect(console.page.locator("[data-language]")).to_have_count(0)
    console.page.evaluate("() => { location.hash = 'lang=en' }")
    console.frames()
    expect(console.page.locator("html")).to_have_attribute("lang", "zh-CN")
