"""A case is moved by dragging its pin: what changes is shown, a reason is asked, the case is re-routed."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.support.console import Console, photo
from tests.support.served_city import City

Open = Callable[..., Console]


def test_a_pin_is_dragged_and_the_case_goes_there(open_page: Open, city: City) -> None:
    number, lon, lat = city.rows(
        "SELECT number, ST_X(geom), ST_Y(geom) FROM cases WHERE state = 'reported' ORDER BY id DESC LIMIT 1"
    )[0]
    console = open_page()
    console.log_in("dispatcher")
    console.goto(f"/map/#view=case/{number}")
    page = console.page
    page.click("[data-move-place]")
    console.look_at(lon, lat, 11)
    pin = page.locator(".pin-place").bounding_box()
    assert pin is not None
    x, y = pin["x"] + pin["width"] / 2, pin["y"] + pin["height"] - 6
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y - 40, steps=6)
    page.mouse.up()
    preview = page.locator("[data-place-preview]")
    expect(preview).to_contain_text("→")
    expect(page.locator(".maplibregl-popup")).to_have_count(0)
    photo(console, "case_place_preview")
    page.click("[data-save-place]")
    expect(page.locator("case-place .fault")).to_contain_text("needs a note")
    assert city.value("SELECT count(*) FROM case_events WHERE action = 'relocate'") == 0
    page.fill("textarea[name=place-reason]", "the caller corrected the address")
    page.click("[data-save-place]")
    expect(page.locator("[data-move-place]")).to_be_visible()
    expect(page.locator(".timeline").first).to_contain_text("Change the place")
    now = city.rows("SELECT ST_X(geom), ST_Y(geom) FROM cases WHERE number = :n", n=number)[0]
    assert now[0] > lon and now[1] > lat
    console.language("zh")
    expect(page.locator(".timeline").first).to_contain_text("变更地点")
    photo(console, "case_place_after")
