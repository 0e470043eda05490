"""Drawings (DXF) as input: closed lines are areas, and neither unit nor system is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from geo_api.imports.import_file import import_file
from layers.codes.crs import from_storage
from layers.errors import InputError, UnknownCrs
from layers.imports.column_map import ColumnMap
from layers.postgres import SYSTEM, session

OF_CITY = ColumnMap(
    {"code": "Layer", "name": "Layer"}, {"kind": "city", "parent_code": "", "valid_from": "2020-07-23"}
)
BOX = [(120.0, 32.0), (121.0, 32.0), (121.0, 33.0), (120.0, 33.0)]


def drawing(folder: Path, name: str, entity: list[str], unit: int | None = 6) -> Path:
    header = [] if unit is None else ["9", "$INSUNITS", "70", str(unit)]
    lines = ["0", "SECTION", "2", "HEADER", *header, "0", "ENDSEC", "0", "SECTION", "2", "ENTITIES"]
    path = folder / f"{name}.dxf"
    path.write_text("\r\n".join([*lines, *entity, "0", "ENDSEC", "0", "EOF", ""]), encoding="gbk")
    return path


def line(layer: str, corners: list[tuple[float, float]], *, closed: bool) -> list[str]:
    places = [value for lon, lat in corners for value in _metres(lon, lat)]
    return ["0", "LWPOLYLINE", "8", layer, "90", str(len(corners)), "70", str(int(closed)), *places]


def _metres(lon: float, lat: float) -> tuple[str, ...]:
    x, y = from_storage(lon, lat, "EPSG:4549")
    return "10", repr(float(x)), "20", repr(float(y))


def test_closed_lines_are_areas_and_open_ones_roads(fresh_database: str, tmp_path: Path) -> None:
    city = drawing(tmp_path, "areas", line("320600", BOX, closed=True))
    report = import_file("areas", city, crs="EPSG:4549", url=fresh_database, column_map=OF_CITY)
    roads = drawing(tmp_path, "roads", line("0", BOX[:2], closed=False))
    import_file("roads", roads, crs="EPSG:4549", url=fresh_database)
    with session(SYSTEM, fresh_database) as db:
        west, north = db.execute(text("SELECT ST_XMin(geom), ST_YMax(geom) FROM areas")).one()
        assert (west, north) == pytest.approx((120, 33), abs=1e-7)
        assert db.scalar(text("SELECT ST_NPoints(geom) FROM roads")) == 2
    assert report.written.inserted == 1


def test_points_of_a_drawing_are_places(fresh_database: str, tmp_path: Path) -> None:
    point = drawing(tmp_path, "places", ["0", "POINT", "8", "petrol", *_metres(120.5, 32.5)])
    of_places = ColumnMap({"kind": "Layer"}, {"radius_m": "50"})
    import_file("places", point, crs="EPSG:4549", url=fresh_database, column_map=of_places)
    with session(SYSTEM, fresh_database) as db:
        stored = db.execute(text("SELECT ST_X(geom), ST_Y(geom), kind FROM places")).one()
    assert (stored[0], stored[1]) == pytest.approx((120.5, 32.5), abs=1e-7) and stored[2] == "petrol"


@pytest.mark.parametrize(
    ("unit", "crs", "reason"),
    [
        (4, "EPSG:4549", "a unit is 0.001 m"),
        (0, "EPSG:4549", "states no unit"),
        (None, "EPSG:4549", "states no unit"),
        (6, "wgs84", "wgs84 is in degrees"),
        (6, "file", "states no CRS"),
        (6, None, "--crs"),
    ],
)
def test_a_unit_that_is_missing_or_another_is_refused(
    fresh_database: str, tmp_path: Path, unit: int | None, crs: str | None, reason: str
) -> None:
    path = drawing(tmp_path, "areas", line("320600", BOX, closed=True), unit)
    with pytest.raises(UnknownCrs, match=reason):
        import_file("areas", path, crs=crs, url=fresh_database, column_map=OF_CITY)


def test_the_operator_may_say_that_a_drawing_without_a_unit_is_in_metres(
    fresh_database: str, tmp_path: Path
) -> None:
    path = drawing(tmp_path, "areas", line("320600", BOX, closed=True), None)
    done = import_file(
        "areas", path, crs="EPSG:4549", crs_use="override", url=fresh_database, column_map=OF_CITY
    )
    assert done.written.inserted == 1


def test_what_only_has_the_ending_is_no_drawing(fresh_database: str, tmp_path: Path) -> None:
    (tmp_path / "areas.dxf").write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(InputError, match="is not what its ending says"):
        import_file("areas", tmp_path / "areas.dxf", crs="EPSG:4549", url=fresh_database)
