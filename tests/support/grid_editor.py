"""The grid editor on the page: its grids in the database, and what a grid manager does with hand and keys."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.support.console import Console
from tests.support.served_city import City

CURRENT = "SELECT a.code, ST_Area(a.geom) AS size FROM areas a WHERE a.kind = 'unit_grid' AND a.valid_to IS NULL AND a.parent_id = :parent"

UNITS = """
SELECT u.id, u.code, u.parent_id, ST_X(u.label_point) lon, ST_Y(u.label_point) lat,
       ST_XMin(u.geom) west, ST_XMax(u.geom) east, ST_YMin(u.geom) south, ST_YMax(u.geom) north
FROM areas u JOIN areas c ON c.id = u.parent_id JOIN areas t ON t.id = c.parent_id
WHERE u.kind = 'unit_grid' AND u.valid_to IS NULL AND t.code = :town
"""
"""Unit grids of the manager's town."""
CORNERS = f"""
WITH u AS ({UNITS}), g AS (SELECT u.id, u.parent_id, a.geom FROM u JOIN areas a ON a.id = u.id),
p AS (SELECT DISTINCT g.id, g.parent_id, (ST_DumpPoints(g.geom)).geom AS corner FROM g)
SELECT ST_X(corner) lon, ST_Y(corner) lat, min(p.id) id, min(p.parent_id) parent_id, count(DISTINCT p.id) n
FROM p JOIN areas c ON c.id = p.parent_id
WHERE ST_Distance(ST_Boundary(c.geom), corner) > 1e-6
GROUP BY corner HAVING count(DISTINCT p.id) >= 3 ORDER BY 5 DESC, 1, 2
"""
"""Corners that three or more grids of the manager's town share, away from the border of their community."""
PAIRS = f"""
WITH u AS ({UNITS}) SELECT a.id AS one, b.id AS two, a.parent_id, ST_AsGeoJSON(ST_LineMerge(ST_CollectionExtract(ST_Intersection(x.geom, y.geom), 2)), 15) AS border
FROM u a JOIN u b ON a.id < b.id AND a.parent_id = b.parent_id JOIN areas x ON x.id = a.id JOIN areas y ON y.id = b.id
WHERE ST_Length(ST_CollectionExtract(ST_Intersection(x.geom, y.geom), 2)) > 0.001
 AND GeometryType(ST_LineMerge(ST_CollectionExtract(ST_Intersection(x.geom, y.geom), 2))) = 'LINESTRING' ORDER BY 1, 2
"""
"""Neighbours of one community, with their common border."""
GIVEABLE = f"""
WITH u AS ({UNITS}) SELECT a.id, a.parent_id, c.id AS receiver, c.code AS receiver_code, ST_X(c.label_point) lon, ST_Y(c.label_point) lat,
 (SELECT count(*) FROM u WHERE u.parent_id = a.parent_id) AS siblings
FROM u a JOIN areas x ON x.id = a.id JOIN areas c ON c.kind = 'community' AND c.valid_to IS NULL AND c.id <> a.parent_id
 AND c.parent_id = (SELECT parent_id FROM areas WHERE id = a.parent_id)
WHERE ST_Length(ST_CollectionExtract(ST_Intersection(x.geom, c.geom), 2)) > 0.0005 ORDER BY 7 DESC, 1
"""
"""Grids with an edge on another community of the town."""
OVERLAPS = """
SELECT count(*) FROM areas a JOIN areas b ON a.id < b.id AND a.geom && b.geom
WHERE a.kind = 'unit_grid' AND b.kind = 'unit_grid' AND a.valid_to IS NULL AND b.valid_to IS NULL
 AND ST_Area(ST_Intersection(a.geom, b.geom)::geography) > 0.01
"""


def open_editor(console: Console, role: str = "grid_manager") -> Console:
    """Log in and open the editor; a manager's map goes to the own area."""
    console.log_in(role)
    console.tab("edit")
    expect(console.page.locator("[data-edit=split]")).to_be_visible()
    console.settle()
    return console


def show(console: Console, unit: Any) -> None:
    """Bring a unit grid into the free part of the map, large enough to be edited."""
    console.page.evaluate(
        """([w, s, e, n]) => window.__wangge.map.fitBounds([[w, s], [e, n]],
            { padding: { top: 60, bottom: 60, left: 500, right: 300 }, maxZoom: 17, duration: 0 })""",
        [unit.west, unit.south, unit.east, unit.north],
    )
    console.idle()
    console.expect_drawn("unit_grid-fill")
    console.settle()  # the exact shapes of the grids in view are on their way


def pick(console: Console, unit: Any) -> None:
    console.click_map(unit.lon, unit.lat)
    expect(console.page.locator(".picked code", has_text=unit.code)).to_be_visible()


def draw(console: Console, *places: tuple[float, float], finish: bool = True) -> None:
    console.page.click("[data-edit=split]")
    expect(console.page.locator(".drawing-hint")).to_be_visible()
    for lon, lat in places:
        console.click_map(lon, lat)
    if finish:
        console.page.keyboard.press("Enter")


def across(unit: Any) -> list[tuple[float, float]]:
    """A line from outside in the west to outside in the east, through the label point."""
    out = (unit.east - unit.west) * 0.06
    return [(unit.west - out, unit.lat), (unit.east + out, unit.lat)]


def take_back(console: Console) -> None:
    """Undo what was just applied, and say yes to what that does."""
    console.page.click("[data-applied] [data-edit=undo]")
    console.page.click("dialog [data-confirm]")
    expect(console.page.locator("[data-applied]")).to_have_count(0)


def unit_of(city: City, area_id: int) -> Any:
    return city.rows(UNITS.replace("t.code = :town", "true") + " AND u.id = :id", id=area_id)[0]


def box(city: City, *ids: int) -> Any:
    return city.rows(
        "SELECT ST_XMin(e) west, ST_YMin(e) south, ST_XMax(e) east, ST_YMax(e) north"
        " FROM (SELECT ST_Extent(geom) e FROM areas WHERE id = ANY(:ids)) box",
        ids=list(ids),
    )[0]


def fit(console: Console, bounds: Any, layer: str = "unit_grid-fill") -> None:
    """Bring a box into the part of the map between the panels and clear of the button that folds one, in
    any window.
    """
    console.page.evaluate(
        """([w, s, e, n]) => {
            const width = (name) => document.querySelector(name).offsetWidth;
            const padding = { top: 40, bottom: 40, left: width(".side") + 50, right: width(".layers") + 30 };
            window.__wangge.map.fitBounds([[w, s], [e, n]], { padding, maxZoom: 17, duration: 0 });
        }""",
        [bounds.west, bounds.south, bounds.east, bounds.north],
    )
    console.idle()
    console.expect_drawn(layer)
    console.settle()


def drag(console: Console, start: tuple[float, float], end: tuple[float, float]) -> None:
    x, y = console.pixel(*start)
    console.page.mouse.move(x, y, steps=3)
    console.page.mouse.down()
    x, y = console.pixel(*end)
    console.page.mouse.move(x, y, steps=8)
    console.page.mouse.up()


def say_why(console: Console, reason: str = "因道路调整") -> None:
    """Give the draft a title and a reason where it has none: without them it is not handed in."""
    for name, value in (("draft-title", "边界调整"), ("draft-reason", reason)):
        field = console.page.locator(f"[name={name}]")
        if field.count() and not field.input_value():
            field.fill(value)
            field.blur()


def in_force(console: Console) -> None:
    say_why(console)
    console.page.click("[data-edit=apply]")
    expect(console.page.locator("[data-applied]")).to_be_visible()


def steps(console: Console) -> list[str]:
    script = "() => [...document.querySelectorAll('[data-step]')].map((each) => each.dataset.step)"
    found: list[str] = console.page.evaluate(script)
    return found


def last_operation(city: City) -> dict[str, Any]:
    found: dict[str, Any] = city.value("SELECT operations FROM change_sets ORDER BY id DESC LIMIT 1")[0]
    return found
