"""Light and dark: by the desk, by choice, on the map, and readable in both."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.console import Console, photo
from tests.support.page_faults import LOW_CONTRAST
from tests.support.served_city import City
from tests.support.waiting import wait_until

Open = Callable[..., Console]
GROUND = "() => getComputedStyle(document.querySelector('.side')).backgroundColor"
LAND = "() => window.__wangge.map.getPaintProperty('land', 'fill-color')"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(24, 33, 42)"


def choose(console: Console, theme: str) -> None:
    console.page.click("[data-theme-menu]")
    console.page.click(f"[data-theme-choice={theme}]")


def test_the_theme_follows_the_desk_until_somebody_chooses(open_page: Open) -> None:
    console = open_page()
    page = console.page
    assert page.evaluate(GROUND) == LIGHT
    light = page.evaluate(LAND)
    page.emulate_media(color_scheme="dark")
    wait_until(lambda: page.evaluate(GROUND) == DARK, "the page is dark")
    wait_until(lambda: page.evaluate(LAND) != light, "the map is dark")
    choose(console, "light")
    assert page.evaluate(GROUND) == LIGHT and page.evaluate(LAND) == light
    page.reload()
    expect(page.locator(".tile").first).to_be_visible()
    assert page.evaluate(GROUND) == LIGHT
    choose(console, "system")
    assert page.evaluate(GROUND) == DARK


def test_a_chosen_theme_is_there_before_anything_is_painted(open_page: Open) -> None:
    """The script that sets it stands before the sheets, so nobody sees the other theme first."""
    console = open_page()
    choose(console, "dark")
    html = console.page.request.get(console.city.address + "/map/").text()
    assert html.index("theme.js") < html.index("stylesheet")
    other = console.visit.context.new_page()
    other.goto(console.city.address + "/map/", wait_until="commit")
    wait_until(
        lambda: other.evaluate("() => document.documentElement.dataset.theme") == "dark", "dark at once"
    )


def test_layers_that_come_later_are_dark_too(open_page: Open) -> None:
    console = open_page()
    choose(console, "dark")
    console.log_in("dispatcher")
    halo = "() => window.__wangge.map.getPaintProperty('town-label', 'text-halo-color')"
    dark = console.page.evaluate(halo)
    edges = (
        "() => JSON.stringify(window.__wangge.map.getPaintProperty('alerts-point', 'circle-stroke-color'))"
    )
    there = console.page.evaluate(edges)
    choose(console, "light")
    assert console.page.evaluate(halo) != dark
    assert console.page.evaluate(edges) != there


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_every_text_can_be_read(open_page: Open, city: City, scheme: str, locale: str) -> None:
    """At least 4.5 to 1 against what lies behind it (WCAG 2.2, 1.4.3)."""
    alert = city.value("SELECT id FROM alerts ORDER BY score DESC LIMIT 1")
    number = city.value("SELECT number FROM cases ORDER BY number LIMIT 1")

    def before(context: BrowserContext) -> None:
        context.add_init_script(f"localStorage.setItem('wangge.theme', '{scheme}')")

    console = open_page(locale=locale, before=before)
    console.log_in("dispatcher")
    places = ["", "view=alerts", f"view=alert/{alert}", "view=cases", f"view=case/{number}", "view=assign"]
    for place in places:
        console.page.evaluate(
            "(to) => { location.hash = to }", f"{place}&layers=alerts,cases,hot_spots,county"
        )
        console.settle()
        photo(console, f"theme-{scheme}-{locale}-{place.replace('/', '-') or 'overview'}")
        assert console.page.evaluate(LOW_CONTRAST) == [], place
