"""Snapping to roads while a line is drawn, and a line that follows a road between two clicks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import shapely
from playwright.sync_api import expect

from tests.support.console import Console, photo
from tests.support.grid_editor import (
    UNITS,
    in_force,
    last_operation,
    open_editor,
    pick,
    show,
    steps,
    take_back,
    unit_of,
)
from tests.support.served_city import City

ROADS_THROUGH = f"""
WITH u AS ({UNITS}), r AS (SELECT r.id, (ST_Dump(r.geom)).geom AS line FROM roads r)
SELECT u.id, r.id AS road, ST_AsText(r.line, 15) AS line, ST_AsText(a.geom, 15) AS grid
FROM u JOIN areas a ON a.id = u.id JOIN r ON ST_Crosses(r.line, a.geom)
WHERE ST_NumPoints(r.line) > 4 AND GeometryType(ST_Intersection(r.line, a.geom)) = 'LINESTRING'
 AND ST_NumPoints(ST_Intersection(r.line, a.geom)) > 3 AND ST_Length(ST_Intersection(r.line, a.geom)) > 0.002
ORDER BY ST_NumPoints(ST_Intersection(r.line, a.geom)) DESC, u.id LIMIT 20
"""
"""Grids of the town that a winding road runs through from side to side."""


def _road_through(city: City) -> tuple[Any, list[list[float]], list[tuple[float, float]]]:
    """A grid, the corners that a road has in it, and a place on the road at each side, outside of the grid."""
    for row in city.rows(ROADS_THROUGH, town=city.town):
        line, grid = shapely.from_wkt(row.line), shapely.from_wkt(row.grid)
        inside = line.intersection(grid)
        first, last = (line.project(shapely.Point(inside.coords[i])) for i in (0, -1))
        out = inside.length * 0.04
        if min(first, last) < out or max(first, last) > line.length - out:
            continue
        ends = [line.interpolate(first - out if first < last else first + out)]
        ends.append(line.interpolate(last + out if first < last else last - out))
        if any(grid.contains(end) for end in ends):
            continue
        corners = [list(c) for c in line.coords if grid.contains(shapely.Point(c))]
        corners.sort(key=lambda c: abs(line.project(shapely.Point(c)) - first))
        return unit_of(city, row.id), corners, [(end.x, end.y) for end in ends]
    raise AssertionError("the demo city has no road through a grid")


def test_a_grid_is_cut_along_a_road_by_two_clicks(open_page: Callable[..., Console], city: City) -> None:
    unit, corners, ends = _road_through(city)
    editor = open_editor(open_page(size=(1440, 900)))
    show(editor, unit)
    pick(editor, unit)
    editor.page.click("[data-edit=split]")
    editor.page.check("[data-snap=trace]")
    editor.settle()  # the roads of the view are read
    for place in ends:
        editor.click_map(*place)
    photo(editor, "trace-line")
    editor.page.keyboard.press("Enter")
    expect(editor.page.locator("[data-preview]")).to_be_visible()
    assert steps(editor) == ["split"]
    in_force(editor)
    line = last_operation(city)["line"]["coordinates"]
    assert [corner for corner in line if corner in corners] == corners, (
        "the road's own corners, in their order"
    )
    take_back(editor)


def test_what_is_snapped_to_is_marked_and_switched(open_page: Callable[..., Console], city: City) -> None:
    unit, corners, _ = _road_through(city)
    editor = open_editor(open_page(size=(1440, 900)))
    show(editor, unit)
    pick(editor, unit)
    editor.page.click("[data-edit=split]")
    for name in ("grids", "waterways", "guides"):
        editor.page.uncheck(f"[data-snap={name}]")
    editor.settle()
    x, y = editor.pixel(*corners[0])
    editor.page.mouse.move(x + 4, y + 3, steps=3)
    marked = editor.drawn_soon("edit-snap-mark")
    assert marked[0]["layer"] == "roads" and marked[0]["on"] == "corner"
    photo(editor, "snap-mark")
    editor.page.keyboard.down("Alt")
    editor.page.mouse.move(x + 5, y + 3, steps=2)
    editor.idle()
    assert editor.drawn("edit-snap-mark") == [], "Alt: nothing snaps"
    editor.page.keyboard.up("Alt")
    editor.page.uncheck("[data-snap=roads]")
    editor.page.mouse.move(x + 4, y + 3, steps=2)
    editor.idle()
    assert editor.drawn("edit-snap-mark") == [], "roads are switched off"
