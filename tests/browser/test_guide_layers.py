"""Guide layers: a file in a chosen datum is shown at its place, snapped to, compared with the partition and removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import shapely
from playwright.sync_api import expect

from layers.codes.crs import wgs84_to_gcj02
from tests.support.console import Console, photo
from tests.support.grid_editor import UNITS, open_editor, pick, show, unit_of
from tests.support.served_city import City


def _written(path: Path, shapes: dict[str, shapely.Geometry]) -> Path:
    """A GeoJSON in GCJ-02, as a planning office of a map company's drawing sends it."""
    moved = {
        name: shapely.transform(shape, lambda xy: _shifted(xy[:, 0], xy[:, 1]))
        for name, shape in shapes.items()
    }
    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": json.loads(shapely.to_geojson(shape))}
        for name, shape in moved.items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def _shifted(x: object, y: object) -> object:
    return shapely.get_coordinates(shapely.points(*wgs84_to_gcj02(x, y)))


def test_a_guide_layer_is_read_snapped_to_compared_and_removed(
    open_page: Callable[..., Console], city: City, tmp_path: Path
) -> None:
    unit = unit_of(city, city.rows(UNITS + " ORDER BY u.code LIMIT 1", town=city.town)[0].id)
    grid = shapely.from_wkt(city.value("SELECT ST_AsText(geom, 15) FROM areas WHERE id = :id", id=unit.id))
    middle = grid.representative_point()
    span = (unit.east - unit.west) / 10
    road = shapely.LineString(
        [(unit.west - span, middle.y), (middle.x, middle.y), (unit.east + span, middle.y)]
    )
    cut = grid.intersection(shapely.box(unit.west, middle.y, unit.east, unit.north))
    path = _written(tmp_path / "规划.geojson", {"规划道路": road, "same": grid, "规划网格": cut})
    editor = open_editor(open_page(size=(1366, 768)))
    editor.page.locator("[data-guide-box] summary").click()
    with editor.page.expect_file_chooser() as chooser:
        editor.page.click("[data-guide-box] label.button")
    chooser.value.set_files(path)
    expect(editor.page.locator("[data-guides=read]")).to_be_disabled()  # nothing is guessed
    editor.page.select_option("[name=guide-crs]", "gcj02")
    photo(editor, "guides-asking")
    editor.page.click("[data-guides=read]")
    expect(editor.page.locator("[data-guide]")).to_have_count(1)
    editor.page.click("[data-guides=compare]")
    rows = editor.page.locator("[data-guides=difference] [data-state]")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(unit.code)
    rows.locator("button").click()
    editor.settle()
    photo(editor, "guides-difference")
    show(editor, unit)
    pick(editor, unit)
    editor.page.click("[data-edit=split]")
    for name in ("grids", "roads", "waterways"):
        editor.page.uncheck(f"[data-snap={name}]")
    x, y = editor.pixel(middle.x, middle.y)
    editor.page.mouse.move(x + 3, y - 3, steps=3)
    (marked,) = editor.drawn_soon("edit-snap-mark")
    assert marked["layer"] == "guides"
    at = editor.page.evaluate(
        "() => window.__wangge.map.getSource('edit-snap').serialize().data.features[0].geometry.coordinates"
    )
    assert at == pytest.approx([middle.x, middle.y], abs=1e-7), "the file's corner at its place in WGS-84"
    photo(editor, "guides-snap")
    editor.page.keyboard.press("Escape")
    editor.page.click("[data-guides=remove]")
    expect(editor.page.locator("[data-guide]")).to_have_count(0)
    editor.settle()
    assert editor.drawn("edit-guides-line") == []
