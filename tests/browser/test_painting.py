"""Painting unit grids to a community, and measuring on the map."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.support.console import Console, photo
from tests.support.grid_editor import GIVEABLE, box, fit, open_editor, show, steps, unit_of
from tests.support.served_city import City


def test_a_grid_is_painted_to_the_next_community(open_page: Callable[..., Console], city: City) -> None:
    given = city.rows(GIVEABLE, town=city.town)[0]
    unit = unit_of(city, given.id)
    editor = open_editor(open_page(size=(1366, 768)))
    fit(editor, box(city, given.id, given.receiver))
    editor.page.click("[data-edit=paint]")
    editor.click_map(given.lon, given.lat)
    expect(editor.page.locator("[data-activity=painting]")).to_be_visible()
    x, y = editor.pixel(unit.lon, unit.lat)
    editor.page.mouse.move(x, y)
    editor.page.mouse.down()
    editor.page.mouse.move(x + 2, y, steps=2)
    editor.page.mouse.up()
    expect(editor.page.locator("[data-painted]")).to_contain_text(re.compile(r"^1 "))
    photo(editor, "paint")
    editor.page.click("[data-edit=finish]")
    expect(editor.page.locator("[data-preview]")).to_be_visible()
    assert steps(editor) == ["transfer"]
    editor.page.click("[data-side=swipe]")
    editor.page.locator("[name=swipe]").fill("0.3")
    assert editor.drawn_soon("edit-swipe-line")
    photo(editor, "swipe")


def test_a_line_and_the_area_inside_of_it_are_measured(open_page: Callable[..., Console], city: City) -> None:
    unit = unit_of(city, city.rows(GIVEABLE, town=city.town)[0].id)
    editor = open_editor(open_page(size=(1366, 768)))
    show(editor, unit)
    editor.page.click("[data-edit=measure]")
    for name in ("grids", "roads", "waterways"):
        editor.page.uncheck(f"[data-snap={name}]")
    east, north = unit.east - unit.west, unit.north - unit.south
    for share_x, share_y in ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8)):
        editor.click_map(unit.west + share_x * east, unit.south + share_y * north)
    editor.page.keyboard.press("Enter")
    length, area = city.rows(
        "SELECT ST_Length(l::geography), ST_Area(ST_MakePolygon(ST_AddPoint(l, ST_StartPoint(l)))::geography)"
        " FROM (SELECT ST_MakeLine(ARRAY[ST_Point(:w, :s, 4326), ST_Point(:e, :s, 4326), ST_Point(:e, :n, 4326)]) l) x",
        w=unit.west + 0.2 * east,
        e=unit.west + 0.8 * east,
        s=unit.south + 0.2 * north,
        n=unit.south + 0.8 * north,
    )[0]
    told = editor.page.locator("[data-measured] b")
    expect(told).to_have_count(2)
    shown = [float(re.sub(r"[^\d.]", "", each)) for each in told.all_inner_texts()]
    photo(editor, "measure")
    units = [1000.0 if "km" in told.nth(0).inner_text() else 1.0]
    assert abs(shown[0] * units[0] - length) < 0.01 * length, "within a pixel or two of PostGIS"
    assert area > 0 and shown[1] > 0
