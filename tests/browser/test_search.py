"""The search box: by keys alone, groups with counts, why each was found; coordinates; what was searched goes with the login."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.support.console import Console, photo
from tests.support.served_city import City

Open = Callable[..., Console]
BOX = "search-box input"
ACTIVE = "search-box [aria-selected=true]"


def search(console: Console, typed: str) -> None:
    console.page.fill(BOX, typed)
    expect(console.page.locator("search-box [role=listbox]")).to_be_visible()
    console.settle()


def test_a_case_and_a_company_are_found_by_keys_alone(open_page: Open, city: City) -> None:
    console = open_page(locale="zh-CN")
    console.log_in("dispatcher")
    page = console.page
    company = city.value("SELECT min(enterprise_name) FROM sites WHERE geom IS NOT NULL")
    number = city.value("SELECT max(number) FROM cases")
    search(console, company[:4])
    expect(page.locator("[data-group=companies] h3")).to_contain_text("企业场所")
    photo(console, "search-company-zh")
    for key in ("ArrowUp", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowDown"):  # round, over the field
        page.press(BOX, key)
    assert (
        page.get_attribute(BOX, "aria-activedescendant") == page.get_attribute(ACTIVE, "id") == "search-hit-0"
    )
    page.press(BOX, "Escape")
    expect(page.locator(ACTIVE)).to_have_count(0)
    assert page.evaluate("() => document.activeElement.matches('search-box input')")
    search(console, number[-8:])
    page.press(BOX, "ArrowDown")
    expect(page.locator(ACTIVE)).to_contain_text(number)
    page.press(BOX, "Enter")
    expect(page.locator(".view-case")).to_contain_text(number)
    page.fill(BOX, "")
    expect(page.locator("search-box [role=option]")).to_have_text([number[-8:]])
    page.press(BOX, "Escape")
    page.click("[data-logout]")
    expect(page.locator("[data-login]")).to_be_visible()
    assert page.evaluate("() => Object.keys(localStorage).filter((key) => key.includes('searches'))") == []


def test_coordinates_are_read_and_the_other_systems_offered(open_page: Open, city: City) -> None:
    console = open_page(size=(390, 844))
    lon, lat = city.rows(
        "SELECT ST_X(label_point), ST_Y(label_point) FROM areas WHERE kind = 'county' LIMIT 1"
    )[0]
    search(console, f"{lat:.6f}, {lon:.6f}")
    options = console.page.locator("[data-group=coordinates] [role=option]")
    expect(options).to_have_count(3)
    expect(options.nth(0)).to_contain_text("WGS-84 · latitude first · taken")
    expect(options.nth(1)).to_contain_text("m away")
    box = options.nth(1).bounding_box()
    assert box is not None and box["height"] >= 44 and box["x"] >= 0 and box["x"] + box["width"] <= 390
    photo(console, "search-coordinates-phone")
    options.nth(0).click()
    expect(console.page.locator(".answer")).to_be_visible()
    assert f"place={lon:.6f},{lat:.6f}" in console.page.url.replace("%2C", ",")
