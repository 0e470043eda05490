"""The view is the address: reload, Back and forward, and links that people send each other."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.console import Console
from tests.support.grid_editor import UNITS, open_editor, pick, show
from tests.support.served_city import City
from tests.support.waiting import wait_until

Open = Callable[..., Console]
PLACE = "() => { const m = window.__wangge.map, c = m.getCenter(); return [c.lng, c.lat, m.getZoom()]; }"


def fragment(console: Console) -> str:
    return console.page.url.partition("#")[2]


def place(console: Console) -> tuple[float, float, float]:
    lon, lat, zoom = console.page.evaluate(PLACE)
    return lon, lat, zoom


def stands_at(console: Console, lon: float, lat: float, zoom: float) -> None:
    """The map shows that place, to a hundredth of a zoom and a pixel or so."""
    close = pytest.approx((lon, lat, zoom), abs=0.005)
    wait_until(lambda: place(console) == close, f"the map is at {lon}, {lat}, {zoom}")


def log_in_when_asked(console: Console, role: str) -> None:
    """A link to something behind the login asks for it by itself."""
    login = console.city.login(role)
    expect(console.page.locator("dialog.login")).to_be_visible()
    console.page.fill("dialog [name=username]", login.username)
    console.page.fill("dialog [name=password]", login.password)
    console.page.click("dialog button[type=submit]")
    expect(console.page.locator("[data-logout]")).to_be_visible()


def test_a_reload_shows_the_same_view(open_page: Open, city: City) -> None:
    level = city.value("SELECT level FROM alerts ORDER BY score DESC LIMIT 1")
    lon, lat = city.rows(
        "SELECT ST_X(label_point), ST_Y(label_point) FROM areas WHERE kind = 'town' LIMIT 1"
    )[0]
    console = open_page(locale="zh-CN")
    console.log_in("dispatcher")
    console.tab("alerts")
    console.page.click(f"[data-level={level}]")
    console.page.check("[data-layer=hot_spots]")
    console.page.uncheck("[data-layer=water]")
    console.page.locator(".layers .chip", has_text="预警").click()
    console.page.click("[data-language]")
    console.look_at(lon, lat, 12.5)
    shown = console.page.locator(".row").evaluate_all("(all) => all.map((e) => e.dataset.alert)")
    before = fragment(console)
    console.page.reload()
    expect(console.page.locator(f"[data-level={level}]")).to_have_attribute("aria-pressed", "true")
    expect(console.page.locator(".row").first).to_be_visible()
    assert console.page.locator(".row").evaluate_all("(all) => all.map((e) => e.dataset.alert)") == shown
    expect(console.page.locator("[data-layer=hot_spots]")).to_be_checked()
    expect(console.page.locator("[data-layer=water]")).not_to_be_checked()
    expect(console.page.locator(".layers .chip", has_text="Alerts")).to_have_attribute("aria-pressed", "true")
    expect(console.page.locator("[data-tab=alerts]")).to_have_text("Alerts")
    stands_at(console, lon, lat, 12.5)
    assert fragment(console) == before


def test_back_and_forward_go_through_views_filters_layers_and_languages(open_page: Open, city: City) -> None:
    alert = city.value("SELECT id FROM alerts ORDER BY score DESC LIMIT 1")
    console = open_page()
    console.log_in("dispatcher")
    start = place(console)
    console.tab("alerts")
    console.page.locator(".chip", has_text="High").click()
    console.page.uncheck("[data-layer=county]")
    console.page.click("[data-language]")
    console.page.click(f"[data-alert='{alert}']")
    card = console.page.locator(f"[data-card='{alert}']")
    expect(card).to_be_visible()
    wait_until(
        lambda: not console.page.evaluate("() => window.__wangge.map.isMoving()"), "the map has flown there"
    )
    flown = place(console)
    assert flown[2] > start[2] + 1

    console.page.go_back()
    expect(console.page.locator(".view-alerts .row").first).to_be_visible()
    stands_at(console, *start)
    expect(console.page.locator("[data-tab=alerts]")).to_have_text("预警")
    console.page.go_back()
    expect(console.page.locator("[data-tab=alerts]")).to_have_text("Alerts")
    expect(console.page.locator("[data-layer=county]")).not_to_be_checked()
    console.page.go_back()
    expect(console.page.locator("[data-layer=county]")).to_be_checked()
    expect(console.page.locator("[data-level=high]")).to_have_attribute("aria-pressed", "true")
    console.page.go_back()
    expect(console.page.locator("[data-level=high]")).to_have_attribute("aria-pressed", "false")
    console.page.go_back()
    expect(console.page.locator(".view-overview")).to_be_visible()
    for _ in range(5):
        console.page.go_forward()
    expect(card).to_be_visible()
    stands_at(console, *flown)
    expect(console.page).to_have_title(re.compile(rf"^预警 {alert} · "))


def test_a_link_to_a_case_opens_it_after_the_login(open_page: Open, city: City) -> None:
    number = city.value(
        "SELECT c.number FROM cases c JOIN areas a ON a.id = c.town_area_id WHERE a.code = :town LIMIT 1",
        town=city.town,
    )
    sender = open_page()
    sender.log_in("dispatcher")
    sender.tab("cases")
    sender.page.click(f"[data-number='{number}']")
    expect(sender.page.locator(f"[data-open-case='{number}']")).to_be_visible()

    receiver = open_page(locale="zh-CN", started=False)
    receiver.goto("/map/#" + fragment(sender))
    expect(receiver.page.locator("[data-closed=login]")).to_contain_text(number)
    log_in_when_asked(receiver, "officer")
    expect(receiver.page.locator(f"[data-open-case='{number}']")).to_be_visible()
    expect(receiver.page.locator("[data-tab=cases]")).to_have_text("Cases")  # as it was sent
    receiver.page.click("[data-logout]")
    expect(receiver.page.locator(".view-overview")).to_be_visible()


def test_a_link_to_somewhere_outside_of_the_own_area_says_so(open_page: Open, city: City) -> None:
    other = city.value(
        "SELECT min(c.number) FROM cases c JOIN areas a ON a.id = c.town_area_id"
        " WHERE left(a.code, 6) <> left(:town, 6)",  # of another county: no body of the officer takes part
        town=city.town,
    )
    town = city.value("SELECT name FROM areas WHERE code = :code AND valid_to IS NULL", code=city.town)
    console = open_page(started=False)
    console.expect_status(404)
    console.goto(f"/map/#view=case/{other}&lang=en")
    log_in_when_asked(console, "officer")
    outside = console.page.locator("[data-closed=outside]")
    expect(outside).to_contain_text(f"Case {other}")
    expect(outside).to_contain_text(town.removesuffix("（示意）"))
    outside.locator("a").click()
    expect(console.page.locator(".view-cases .row").first).to_be_visible()


def test_a_link_to_a_view_that_the_role_does_not_have_says_so(open_page: Open) -> None:
    console = open_page(started=False)
    console.goto("/map/#view=edit&lang=zh")
    log_in_when_asked(console, "officer")
    expect(console.page.locator("[data-closed=role]")).to_contain_text("镇街执法员")


def test_an_old_link_goes_to_its_place(open_page: Open, city: City) -> None:
    lon, lat = city.rows(
        "SELECT ST_X(label_point), ST_Y(label_point) FROM areas WHERE kind = 'town' LIMIT 1"
    )[0]
    console = open_page(started=False)
    console.goto(f"/map/#map=13.25/{lat:.5f}/{lon:.5f}")
    stands_at(console, lon, lat, 13.25)
    expect(console.page.locator(".view-overview")).to_be_visible()
    console.page.evaluate("() => { location.hash = 'map=11/32.2/120.5' }")  # typed into the address bar
    stands_at(console, 120.5, 32.2, 11)


def test_what_was_picked_on_the_map_is_in_the_link(open_page: Open, city: City) -> None:
    lon, lat, code, name = city.rows(
        "SELECT ST_X(u.label_point), ST_Y(u.label_point), u.code, t.name FROM areas u"
        " JOIN areas c ON c.id = u.parent_id JOIN areas t ON t.id = c.parent_id"
        " WHERE u.kind = 'unit_grid' AND u.valid_to IS NULL ORDER BY u.area_m2 DESC LIMIT 1"
    )[0]
    sender = open_page()
    sender.look_at(lon, lat, 15)
    sender.expect_drawn("unit_grid-fill")
    sender.click_map(lon, lat)
    expect(sender.page.locator(".popup")).to_contain_text(code)
    receiver = open_page(locale="zh-CN", started=False)
    receiver.goto("/map/#" + fragment(sender))
    popup = receiver.page.locator(".popup")
    expect(popup).to_contain_text(code)
    expect(popup).to_contain_text(name)
    receiver.page.click(".maplibregl-popup-close-button")
    expect(popup).to_have_count(0)
    assert "pick=" not in fragment(receiver)
    receiver.page.go_back()
    expect(popup).to_contain_text(code)


def test_a_question_about_responsibility_is_a_link(open_page: Open, city: City) -> None:
    lon, lat, code = city.rows(
        "SELECT ST_X(label_point), ST_Y(label_point), code FROM areas WHERE kind = 'unit_grid' AND valid_to"
        " IS NULL LIMIT 1"
    )[0]
    item = city.value("SELECT max(item_code) FROM duty_items")
    console = open_page(started=False)
    console.goto(f"/map/#view=assign&item={item}&place={lon:.6f},{lat:.6f}")
    expect(console.page.locator(".answer")).to_contain_text(code)
    assert console.page.locator(".view-assign select").input_value() == item
    other = city.value("SELECT min(item_code) FROM duty_items")
    console.page.select_option(".view-assign select", other)
    wait_until(lambda: f"item={other}" in fragment(console), "the matter is in the address")
    console.page.go_back()
    expect(console.page.locator(".view-assign select")).to_have_value(item)


def test_a_track_is_in_the_link(open_page: Open, city: City) -> None:
    alert = city.value("SELECT id FROM alerts ORDER BY score DESC LIMIT 1")
    console = open_page()
    console.log_in("dispatcher")
    console.tab("alerts")
    console.page.click(f"[data-alert='{alert}']")
    console.page.locator("[data-track]").first.click()
    expect(console.page.locator(".track-box")).to_be_visible()
    console.page.reload()
    expect(console.page.locator(".track-box")).to_be_visible()
    console.expect_drawn("track-line")
    console.page.go_back()
    expect(console.page.locator(".track-box")).to_have_count(0)


def test_the_editors_grids_and_the_draft_under_review_are_in_the_link(open_page: Open, city: City) -> None:
    unit: Any = city.rows(UNITS + " ORDER BY u.area_m2 DESC OFFSET 5 LIMIT 1", town=city.town)[0]
    console = open_editor(open_page())
    show(console, unit)
    pick(console, unit)
    wait_until(lambda: f"grids={unit.code}" in fragment(console), "the chosen grid is in the address")
    console.page.reload()
    expect(console.page.locator(".picked code")).to_have_text(unit.code)
    expect(console.page.locator("[data-edit=split]")).to_be_enabled()


def test_an_address_that_means_nothing_shows_the_overview(open_page: Open) -> None:
    console = open_page(started=False)
    console.goto("/map/#view=nowhere&map=x/y/z&layers=&pick=sites/0@1,2&%E0%A4%A=%&lang=xx")
    expect(console.page.locator(".view-overview .tile")).to_have_count(8)
    expect(console.page.locator("[data-layer=county]")).not_to_be_checked()
    assert re.fullmatch(r"layers=&map=[\d./]+&lang=en", fragment(console))
