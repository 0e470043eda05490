"""The console on a phone (sheet, own town, touch targets, the answer by a tap), on a wall of screens, and on paper."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.console import Console, photo
from tests.support.page_faults import SMALL_TARGETS
from tests.support.served_city import City
from tests.support.waiting import wait_until

Open = Callable[..., Console]
HEIGHT = "() => document.querySelector('.side').offsetHeight / document.querySelector('.stage').clientHeight"
TOWN = """SELECT ST_XMin(geom) AS west, ST_YMin(geom) AS south, ST_XMax(geom) AS east, ST_YMax(geom) AS north
          FROM areas WHERE code = :code AND valid_to IS NULL"""


@pytest.mark.parametrize(("locale", "size"), [("zh-CN", (390, 844)), ("en-GB", (360, 640))])
def test_an_officer_works_with_one_hand(
    open_page: Open, city: City, locale: str, size: tuple[int, int]
) -> None:
    console = open_page(locale=locale, size=size)
    console.log_in("officer")
    assert_shows_the_own_town(console, city)
    for tab in ("overview", "alerts", "cases", "assign"):
        console.tab(tab)
        console.settle()
        assert console.page.evaluate(SMALL_TARGETS) == [], tab
        assert console.page.evaluate("() => document.documentElement.scrollWidth") <= size[0]
        photo(console, f"phone-{tab}-{locale}")
    assert_a_tap_is_answered(console, size)
    assert_the_sheet_has_three_heights(console)


def assert_shows_the_own_town(console: Console, city: City) -> None:
    code = city.login("officer").username.removeprefix("officer.")
    town = city.rows(TOWN, code=code)[0]

    def shown() -> bool:
        left, top = console.pixel(town.west, town.north)
        right, bottom = console.pixel(town.east, town.south)
        sheet = console.page.evaluate("() => document.querySelector('.side').getBoundingClientRect().top")
        width = console.page.evaluate("() => innerWidth")
        return left >= 0 and right <= width and top >= 0 and bottom <= sheet and (right - left) > width / 4

    wait_until(shown, "the own town fills the map above the sheet")


def assert_a_tap_is_answered(console: Console, size: tuple[int, int]) -> None:
    console.page.keyboard.press("Escape")
    console.page.focus(".fold")
    console.page.keyboard.press("ArrowDown")
    wait_until(lambda: console.page.evaluate(HEIGHT) < 0.15, "the map is whole")
    console.page.mouse.click(size[0] / 2, 170)
    answer = console.page.locator(".answer .verdict")
    expect(answer).to_be_visible()
    expect(answer).to_be_in_viewport()


def assert_the_sheet_has_three_heights(console: Console) -> None:
    def rests_at(low: float, high: float) -> None:
        wait_until(
            lambda: low < console.page.evaluate(HEIGHT) < high, f"the sheet rests between {low} and {high}"
        )

    rests_at(0.4, 0.6)
    grip = console.page.locator(".fold").bounding_box()
    assert grip
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    console.page.mouse.move(x, y)
    console.page.mouse.down()
    console.page.mouse.move(x, 80, steps=6)
    console.page.mouse.up()
    rests_at(0.95, 1.01)
    console.page.go_back()
    rests_at(0.4, 0.6)
    console.page.go_back()  # the answer that a tap opened goes, and with it the sheet
    rests_at(0.0, 0.15)


def test_a_wall_is_readable_with_a_true_scale_and_paper_has_the_map(open_page: Open) -> None:
    console = open_page(size=(3840, 2160), as_people_see_it=False)
    console.log_in("dispatcher")
    page = console.page
    assert page.evaluate("() => document.querySelector('.tabs a').getBoundingClientRect().height") > 70
    bar = page.evaluate("""() => {
        const map = window.__wangge.map, scale = document.querySelector('.maplibregl-ctrl-scale');
        const y = map.getContainer().clientHeight / 2, a = map.unproject([0, y]), b = map.unproject([scale.offsetWidth, y]);
        const seen = scale.getBoundingClientRect().width / scale.offsetWidth;
        return { said: scale.textContent, metres: a.distanceTo(b) * seen };
    }""")
    value, unit = bar["said"].split()
    assert bar["metres"] == pytest.approx(float(value) * (1000 if unit == "km" else 1), rel=0.03)
    console.tab("alerts")
    page.locator(".view-alerts .row").first.click()
    expect(page.locator("[data-card] h2")).to_be_visible()
    page.emulate_media(media="print")
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    expect(page.locator(".print-map")).to_be_visible()
    assert page.locator("button:visible, textarea:visible").count() == 0
