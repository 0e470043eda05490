"""Every view of the console on both cities and in both languages.

It opens, names the city, and complains of nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from geo_api.city_file import write_city
from layers.private_server import Cluster
from tests.support.console import Console
from tests.support.loaded_cities import MAKERS, LoadedCity, loaded_city
from tests.support.served_city import City, serve_city

Open = Callable[..., Console]
Served = tuple[LoadedCity, City]


@pytest.fixture(scope="module", params=list(MAKERS))
def served(
    request: pytest.FixtureRequest, cluster: Cluster, _migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp(request.param)
    with loaded_city(cluster, _migrated, request.param) as loaded:
        data = folder / "data"
        data.mkdir()
        write_city(data / "city.toml", loaded.city)
        with serve_city(loaded.url, data, loaded.logins) as city:
            yield loaded, city


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_every_view_opens(open_page: Open, served: Served, locale: str) -> None:
    loaded, city = served
    console = open_page(locale=locale, at=city)
    name = loaded.city.name_zh if locale == "zh-CN" else loaded.city.name_en
    expect(console.page.locator(".brand small")).to_have_text(name)
    expect(console.page).to_have_title(re.compile(f"{name}$"))
    console.log_in("supervisor")
    for tab in ("overview", "alerts", "cases", "assign", "imports", "edit"):
        console.tab(tab)
        expect(console.page.locator(f".view-{tab}")).to_be_visible()
    assert_alert_opens(console)
    assert_import_is_listed(console, loaded)


def assert_alert_opens(console: Console) -> None:
    console.tab("alerts")
    console.page.locator(".view-alerts .row").first.click()
    expect(console.page.locator("[data-card] h2")).to_be_visible()


def assert_import_is_listed(console: Console, loaded: LoadedCity) -> None:
    console.tab("imports")
    expect(console.page.locator("[data-import]")).to_have_count(len(loaded.files))


def test_a_point_of_the_city_has_its_town_and_body(open_page: Open, served: Served) -> None:
    loaded, city = served
    town = loaded.areas("town").set_index("code").loc[loaded.town]
    place = town.geometry.representative_point()
    item = loaded.city.matters["illegal_resumption"]
    console = open_page(locale="zh-CN", at=city, started=False)
    console.goto(f"/map/#view=assign&item={item}&place={place.x:.6f},{place.y:.6f}")
    expect(console.page.locator(".answer")).to_contain_text(town["name"])
