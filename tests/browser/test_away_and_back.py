"""When the service is away, when the language changes in the middle of work, and without a mouse or a
keyboard.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, Route, expect

from maps.glossary import glossary
from tests.support.console import Console, photo, without_shared_workers
from tests.support.grid_editor import UNITS, across, box, fit, open_editor, pick, steps
from tests.support.page_faults import LAYOUT_FAULTS, NAMELESS
from tests.support.served_city import City
from tests.support.waiting import wait_until

Open = Callable[..., Console]
ROOT = Path(__file__).parents[2]
SOON_MS = 60_000


def test_a_lost_connection_is_said_and_tried_again(open_page: Open) -> None:
    """The bar names it in the language of the page; what failed comes back with the connection."""
    away = True

    def service(route: Route) -> None:
        if away:
            route.fulfill(status=503, headers={"Retry-After": "3600"}, body="")
        else:
            route.fallback()

    def before(context: BrowserContext) -> None:
        without_shared_workers(context)
        context.route("**/v1/events*", service)
        context.route("**/v1/duty-items*", service)

    console = open_page(before=before, locale="zh-CN")
    console.expect_status(503)
    bar = console.page.locator(".lost")
    expect(bar).to_be_visible(timeout=SOON_MS)
    expect(bar).to_contain_text("连接中断")
    console.language("en")
    expect(bar).to_contain_text("may be out of date")
    console.tab("assign")
    failure = console.page.locator(".view-assign .failure")
    expect(failure).to_be_visible()
    photo(console, "away-en")
    for width, height in ((1280, 800), (820, 1180)):
        console.page.set_viewport_size({"width": width, "height": height})
        assert console.page.evaluate(LAYOUT_FAULTS) == []
    away = False
    console.page.click("[data-reconnect]")
    expect(bar).to_be_hidden()
    expect(
        console.page.locator(".view-assign select")
    ).to_be_visible()  # by itself, without a press of the button


def test_a_console_that_cannot_start_says_so_and_offers_to_try_again(open_page: Open) -> None:
    failing = True

    def me(route: Route) -> None:
        if failing:
            route.fulfill(status=503, body="")
        else:
            route.fallback()

    console = open_page(
        before=lambda context: context.route("**/v1/me", lambda route: me(route)), started=False
    )
    console.expect_status(503)
    fault = console.page.locator(".start-fault")
    expect(fault).to_contain_text("could not start")
    failing = False
    fault.locator("button").click()
    expect(console.page.locator("[data-tab=overview]")).to_be_visible()


def test_what_is_being_written_outlives_another_language(open_page: Open, city: City) -> None:
    number = city.value("SELECT number FROM cases WHERE closed_at IS NULL ORDER BY number LIMIT 1")
    console = open_page()
    console.log_in("dispatcher")
    console.tab("cases")
    console.page.click(f"[data-number='{number}']")
    note = console.page.locator(".view-case textarea").first
    note.fill("the gate was open")
    console.page.focus("[data-language]")
    console.page.keyboard.press("Enter")
    expect(console.page.locator("[data-tab=cases]")).to_have_text("案件")
    expect(note).to_have_value("the gate was open")
    focus = "() => document.activeElement.hasAttribute('data-language')"
    assert console.page.evaluate(focus), "the focus stays where it was"
    console.page.focus("[data-tab=alerts]")
    console.page.keyboard.press("Enter")
    expect(console.page.locator(".view-alerts .row").first).to_be_visible()
    assert console.page.evaluate("() => document.activeElement.dataset.tab") == "alerts"


def test_every_control_has_a_name_in_the_language_of_the_page(open_page: Open) -> None:
    console = open_page(locale="zh-CN")
    console.log_in("dispatcher")
    for tab in ("overview", "alerts", "cases", "assign"):
        console.tab(tab)
        console.settle()
        assert console.page.evaluate(NAMELESS) == [], tab
    labels = "() => [...document.querySelectorAll('[aria-label]')].map((e) => e.getAttribute('aria-label'))"
    latin = [each for each in console.page.evaluate(labels) if not re.search("[一-鿿]", each)]
    assert latin == []
    console.language("en")
    assert [each for each in console.page.evaluate(labels) if re.search("[一-鿿]", each)] == []


def test_a_line_is_drawn_on_a_tablet_without_a_keyboard(open_page: Open, city: City) -> None:
    console = open_page(size=(820, 1180), locale="zh-CN")
    open_editor(console)
    unit = city.rows(UNITS + " ORDER BY u.area_m2 LIMIT 1", town=city.town)[0]
    fit(console, box(city, unit.id))
    pick(console, unit)
    console.page.click("[data-edit=split]")
    west, east = across(unit)
    console.click_map(*west)
    console.click_map(unit.lon, unit.lat + (unit.north - unit.lat) * 0.3)
    console.page.click("[data-edit=point-back]")
    console.click_map(*east)
    photo(console, "tablet-drawing-zh")
    console.page.click("[data-edit=finish]")
    expect(console.page.locator("[data-preview] .code-list.void code")).to_have_text(unit.code)
    wait_until(lambda: steps(console) == ["split"], "the split is in the draft")
    assert console.page.evaluate(LAYOUT_FAULTS) == []
    photo(console, "tablet-split-zh")


def test_every_rule_of_an_answer_has_words_in_both_languages() -> None:
    """The steps of the reasoning, as the packages name them, against the glossary."""
    known = set(glossary()["why"]["terms"])
    named: set[str] = set()
    for path in (ROOT / "grid").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Step":
                texts = [
                    a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)
                ]
                named |= set(texts[1:2])
    assert len(named) > 8 and named <= known
