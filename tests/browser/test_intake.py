"""Intake in the page: a clerk takes a call, picks the place and the matter, sees duplicates, opens a case; /report on a phone."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from grid.gazetteer import refresh_place_names
from layers.postgres import SYSTEM, session
from tests.support.console import Console, photo
from tests.support.served_city import City

Open = Callable[..., Console]
PHONE = (390, 844)


@pytest.fixture(scope="module")
def named(city: City) -> City:
    """The city with the names of its places, as `wangge places refresh` makes them."""
    with session(SYSTEM, city.url) as db:
        refresh_place_names(db)
    return city


def of_an_open_case(city: City) -> tuple[float, float]:
    """Place of an open case in the grid manager's town."""
    found = city.rows(
        "SELECT ST_X(c.geom), ST_Y(c.geom) FROM cases c JOIN areas a ON a.id = c.town_area_id WHERE a.code = :town"
        " ORDER BY c.id DESC LIMIT 1",
        town=city.town,
    )[0]
    return found[0], found[1]


def test_a_call_becomes_a_case_and_another_is_merged_into_it(open_page: Open, named: City) -> None:
    town = named.value(
        "SELECT name FROM areas WHERE kind = 'town' AND valid_to IS NULL ORDER BY code LIMIT 1"
    )
    console = open_page()
    console.log_in("dispatcher")
    console.tab("cases")
    console.page.click("[data-intake]")
    page = console.page
    opens = page.locator("[data-open]")
    expect(opens).to_be_disabled()
    page.fill("textarea[name=text]", "化工厂夜间冒烟，疑似停产企业复工生产")
    page.fill("input[name=phone]", "13812345678")
    page.fill("input[name=address]", town)
    page.click("[data-find]")
    first = page.locator("[data-candidate='0']")
    expect(first).to_contain_text(town)
    expect(first).to_contain_text("%")
    expect(page.locator("[data-place]")).to_contain_text("No place yet")  # found is not chosen
    expect(page.locator(".pin-candidate").first).to_be_visible()
    console.idle()
    first.click()
    expect(page.locator(".pin-place")).to_be_visible()
    page.click("[data-suggest]")
    matter = page.locator("[data-matter]").first
    matter.click()
    item = str(matter.get_attribute("data-matter"))
    expect(page.locator("select[name=item]")).to_have_value(item)
    expect(opens).to_be_enabled()
    photo(console, "intake_desk")
    opens.scroll_into_view_if_needed()
    photo(console, "intake_decide")
    opens.click()
    result = page.locator("[data-result=opened]")
    number = result.locator("[data-case-number]").inner_text()
    code = result.locator("[data-code]").inner_text()
    assert re.fullmatch(r"\w{4}(-\w{2,4})+", code), code
    assert named.value("SELECT item_code FROM cases WHERE number = :n", n=number) == item
    photo(console, "intake_result")

    result.locator("[data-next]").click()
    page.fill("textarea[name=text]", "又有人反映同一家化工厂冒烟")
    page.fill("input[name=address]", town)
    page.click("[data-find]")
    page.locator("[data-candidate='0']").click()
    page.select_option("select[name=item]", item)
    near = page.locator(f"[data-duplicate='{number}']")
    expect(near).to_contain_text("0 m · 0 days ago")
    expect(page.locator(".pin-nearby").first).to_be_visible()
    near.scroll_into_view_if_needed()
    photo(console, "intake_duplicates")
    near.locator("[data-merge]").click()
    page.click("[data-confirm]")
    expect(page.locator("[data-result=merged] [data-case-number]")).to_have_text(number)
    # What the caller is told by the code, without any name.
    ask = """async (code) => (await (await fetch("/v1/reports/status", { method: "POST", credentials: "omit",
        headers: { "Content-Type": "application/json" }, body: JSON.stringify({ code }) })).json())"""
    told = page.evaluate(ask, code)
    assert told["case_state"] == "reported" and "13812345678" not in str(told)


def test_a_clue_is_saved_on_the_phone_found_by_filter_moved_by_its_pin_and_rejected(
    open_page: Open, named: City
) -> None:
    lon, lat = of_an_open_case(named)
    console = open_page(size=PHONE, locale="zh-CN")
    console.log_in("grid_manager")
    console.goto("/map/#view=intake")
    page = console.page
    page.select_option("select[name=source]", "grid")
    page.fill("textarea[name=text]", "巡查发现占道堆放")
    page.locator("textarea[name=text]").blur()  # the panel is whole while somebody writes
    console.look_at(lon, lat, 17)
    page.mouse.click(PHONE[0] / 2, 200)  # the panel covers the lower half of the map
    expect(page.locator("[data-place]")).not_to_contain_text("尚未选定位置")
    photo(console, "intake_phone_zh")
    page.locator("[data-save]").scroll_into_view_if_needed()
    page.click("[data-save]")
    result = page.locator("[data-result=received]")
    expect(result).to_contain_text("查询码")
    photo(console, "intake_phone_result")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE[0]
    clue = named.value("SELECT max(id) FROM clues")
    page.select_option("select[name=clue-source]", "public")
    expect(page.locator(f"[data-clue='{clue}']")).to_have_count(0)
    page.select_option("select[name=clue-source]", "grid")
    page.locator(f"[data-clue='{clue}']").click()
    expect(page.locator("[data-open-clue]")).to_contain_text(f"#{clue}")
    console.idle()
    before = page.locator("[data-place]").inner_text()
    pin = page.locator(".pin-place").bounding_box()
    assert pin is not None
    page.mouse.move(pin["x"] + pin["width"] / 2, pin["y"] + pin["height"] - 6)
    page.mouse.down()
    page.mouse.move(pin["x"] + 60, pin["y"] + 60, steps=5)
    page.mouse.up()
    expect(page.locator("[data-place]")).not_to_have_text(before)
    page.locator("[data-reject]").click()
    page.fill("textarea[name=reason]", "不属于本市职责")
    page.click("[data-confirm]")
    expect(page.locator("[data-result=rejected]")).to_be_visible()
    assert named.value("SELECT reason FROM clues WHERE id = :id", id=clue) == "不属于本市职责"


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_the_page_of_the_public_works_on_a_phone(open_page: Open, named: City, locale: str) -> None:
    console = open_page(size=PHONE, locale=locale, started=False)
    page = console.page
    page.goto(f"{named.address}/report")
    photo_of_page = f"report_{locale}"
    town = named.value(
        "SELECT name FROM areas WHERE kind = 'town' AND valid_to IS NULL ORDER BY code LIMIT 1"
    )
    page.fill("#text", "河边有人倾倒垃圾")
    page.fill("#address", town)
    _photo_of_page(console, f"{photo_of_page}_form")
    page.locator("#report button:not([type=button])").click()
    expect(page.locator("#code")).to_have_text(re.compile(r"\w{4}-\w{4}"))
    page.locator("#status button").click()
    expect(page.locator("#steps li")).to_have_count(1)
    expect(page.locator("#steps")).to_contain_text("已收到" if locale == "zh-CN" else "It was received")
    _photo_of_page(console, f"{photo_of_page}_status")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE[0]
    console.expect_status(404, 422)
    page.fill("#asked", "AAAA-BBBB-CCCC-DDDD")
    page.locator("#status button").click()
    expect(page.locator("#unknown")).to_be_visible()


def _photo_of_page(console: Console, name: str) -> None:
    """A picture of a page without a map, when somebody looks at the pictures of this run."""
    if folder := os.environ.get("WANGGE_PHOTOS"):
        console.page.screenshot(path=f"{folder}/{name}.png", full_page=True)
