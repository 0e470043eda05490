"""Sheet of a grid: its border in words, who works there, which enterprises lie in it."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.errors import UnknownArea
from grid.responsibility import grid_sheet
from maps.reports import grid_report
from tests.support.square_town import NOW, insert_town, unit_code, x, y

EAST_M, NORTH_M = 94.4, 110.9
"""0.001 degrees at 32.0 N (WGS-84 tables)."""
ROAD = (
    "INSERT INTO roads (source_id, name, name_en, kind, indicative, oneway, min_zoom, geom)"
    " VALUES ('R-1', :name, 'River Road', 'primary', false, false, 6, ST_Multi(ST_GeomFromText(:line, 4326)))"
)


def test_the_border_is_told_by_roads_and_neighbours(db: Session, ids: dict[str, int]) -> None:
    line = shapely.LineString([(x(-1), y(1) + 5e-5), (x(3), y(1) + 5e-5)])  # 5 m north of the southern row
    db.execute(text(ROAD), {"name": "滨河路", "line": line.wkt})
    sheet = grid_sheet(db, unit_code(0, 0), at=NOW)
    told = {
        side: [(part.kind, part.name, part.length_m) for part in parts]
        for side, parts in sheet.border.items()
    }
    assert told["north"] == [("road", "滨河路", pytest.approx(EAST_M, rel=0.01))]
    ((kind, name, length),) = told["east"]
    assert kind == "area" and unit_code(1, 0) in str(name) and length == pytest.approx(NORTH_M, rel=0.01)
    assert told["south"] == [("outer", None, pytest.approx(EAST_M, rel=0.01))]
    assert told["west"] == [("outer", None, pytest.approx(NORTH_M, rel=0.01))]
    assert [one["name"] for one in sheet.enterprises] == []


def test_the_page_holds_it_in_both_languages_and_escapes_names(db: Session, ids: dict[str, int]) -> None:
    line = shapely.LineString([(x(-1), y(1)), (x(3), y(1))])
    db.execute(text(ROAD), {"name": "<b>路</b>", "line": line.wkt})
    page = grid_report(asdict(grid_sheet(db, unit_code(0, 0), at=NOW)), time_zone="Asia/Shanghai")
    assert "北至" in page and "River Road" in page and unit_code(0, 0) in page
    assert "&lt;b&gt;路" in page and "<b>路" not in page
    assert "@page { size: A4" in page


def test_a_code_that_nobody_has_is_told(db: Session) -> None:
    insert_town(db)
    with pytest.raises(UnknownArea, match="999"):
        grid_sheet(db, "999", at=NOW)
