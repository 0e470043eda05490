"""`wangge import roads|waterways|buildings`.

Every format, names and kinds, faults, and the tiles that come of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import text
from typer.testing import CliRunner

from geo_api.cli.main import app
from geo_api.imports.import_file import import_file
from layers.collections import COLLECTIONS, Selection, read_tile
from layers.errors import InputError, RejectedRows, UnknownCrs
from layers.ground import GROUND_LAYERS, renew_statistics
from layers.imports import template
from layers.postgres import SYSTEM, session
from tests.support.osm_extracts import write_extract
from tests.support.tiles import tile_of

LINE = [(120.86, 32.01), (120.87, 32.02)]
SQUARE = [(120.86, 32.01), (120.861, 32.01), (120.861, 32.011), (120.86, 32.011), (120.86, 32.01)]
WAYS = {
    1: (
        {
            "highway": "motorway",
            "name": "Hujia Expressway",
            "name:zh": "沪嘉高速",
            "ref": "G15",
            "oneway": "yes",
        },
        LINE,
    ),
    2: ({"highway": "residential", "name": "人民路", "name:en": "Renmin Road", "oneway": "-1"}, LINE),
    3: ({"highway": "corridor"}, LINE),
    4: ({"waterway": "river", "name": "通吕运河", "width": "80"}, LINE),
    5: ({"waterway": "dam"}, LINE),
    6: ({"building": "apartments", "building:levels": "18", "name": "A座"}, SQUARE),
}


def rows(url: str, layer: str, columns: str) -> list[tuple[Any, ...]]:
    with session(SYSTEM, url) as db:
        return [tuple(row) for row in db.execute(text(f"SELECT {columns} FROM {layer} ORDER BY source_id"))]


@pytest.mark.parametrize("ending", [".osm.pbf", ".osm"])
def test_an_extract_of_openstreetmap(fresh_database: str, tmp_path: Path, ending: str) -> None:
    path = write_extract(tmp_path / f"city{ending}", WAYS)
    report = import_file("roads", path, crs="wgs84", url=fresh_database)
    assert (report.rows, report.written.inserted) == (3, 3)
    assert any("corridor 1" in note for note in report.notes)
    assert rows(fresh_database, "roads", "source_id, name, name_en, kind, ref, oneway, indicative,"
                                         " ST_AsText(geom, 2)") == [
        ("way/1", "沪嘉高速", None, "motorway", "G15", True, False, "MULTILINESTRING((120.86 32.01,120.87"
                                                                " 32.02))"),
        ("way/2", "人民路", "Renmin Road", "local", None, True, False, "MULTILINESTRING((120.87 32.02,120.86"
                                                                    " 32.01))"),
        ("way/3", None, None, "other", None, False, False, "MULTILINESTRING((120.86 32.01,120.87 32.02))"),
    ]  # fmt: skip
    import_file("waterways", path, crs="wgs84", url=fresh_database)
    assert rows(fresh_database, "waterways", "source_id, name, kind, width_m") == [
        ("way/4", "通吕运河", "river", 80.0)
    ]
    import_file("buildings", path, crs="wgs84", url=fresh_database)
    (found,) = rows(fresh_database, "buildings", "source_id, name, kind, levels, ST_AsText(geom, 3)")
    assert found[:4] == ("way/6", "A座", "residential", 18.0)
    assert shapely.from_wkt(found[4]).equals(shapely.MultiPolygon([shapely.Polygon(SQUARE)]))


def test_the_same_extract_again_changes_nothing_and_a_new_name_changes_one(
    fresh_database: str, tmp_path: Path
) -> None:
    path = write_extract(tmp_path / "city.osm.pbf", WAYS)
    import_file("roads", path, crs="wgs84", url=fresh_database)
    again = import_file("roads", path, crs="wgs84", url=fresh_database).written
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 3)
    renamed = {**WAYS, 2: ({**WAYS[2][0], "name": "解放路"}, LINE)}
    again = import_file(
        "roads", write_extract(tmp_path / "new.osm.pbf", renamed), crs="wgs84", url=fresh_database
    ).written
    assert (again.inserted, again.updated, again.unchanged) == (0, 1, 2)


@pytest.mark.filterwarnings("ignore:.*(longer than 10|laundered)")  # what a Shapefile is known for
@pytest.mark.parametrize("ending", [".geojson", ".gpkg", ".shp", ".fgb"])
def test_every_other_format_gives_the_same_rows(fresh_database: str, tmp_path: Path, ending: str) -> None:
    frame = gpd.GeoDataFrame(
        {
            "来源编号": ["a", "b"],
            "名称": ["长江路", None],
            "name_en": ["Changjiang Road", ""],
            "道路等级": ["主干路", "没有的"],
        },
        geometry=[shapely.LineString(LINE), shapely.MultiLineString([LINE, [(121, 32), (121.1, 32)]])],
        crs=4326,
    )
    path = tmp_path / f"whatever{ending}"
    frame.to_file(path, engine="pyogrio", **({"encoding": "GB18030"} if ending == ".shp" else {}))
    report = import_file("roads", path, crs="wgs84", url=fresh_database, indicative=("roads",))
    assert report.written.inserted == 2 and any("没有的 1" in note for note in report.notes)
    assert rows(fresh_database, "roads", "source_id, name, name_en, kind, indicative,"
                                         " ST_NumGeometries(geom)") == [
        ("a", "长江路", "Changjiang Road", "primary", True, 1),
        ("b", None, None, "other", True, 2),
    ]  # fmt: skip


def test_a_file_in_another_system_is_moved(fresh_database: str, tmp_path: Path) -> None:
    metres = gpd.GeoDataFrame({"id": ["m"]}, geometry=[shapely.LineString(LINE)], crs=4326).to_crs(4549)
    path = tmp_path / "metres.gpkg"
    metres.to_file(path, engine="pyogrio")
    import_file("waterways", path, crs="EPSG:4549", url=fresh_database)
    (found,) = rows(fresh_database, "waterways", "ST_AsText(geom, 6)")
    assert found == ("MULTILINESTRING((120.86 32.01,120.87 32.02))",)
    with pytest.raises(UnknownCrs, match="4549"):
        import_file("waterways", path, crs="wgs84", url=fresh_database)
    with pytest.raises(UnknownCrs, match="--crs"):
        import_file("waterways", path, url=fresh_database)
    extract = write_extract(tmp_path / "city.osm.pbf", WAYS)
    with pytest.raises(InputError, match="WGS-84"):
        import_file("waterways", extract, crs="gcj02", url=fresh_database)


def test_what_is_no_file_of_roads_is_named_and_nothing_is_written(
    fresh_database: str, tmp_path: Path
) -> None:
    rivers = write_extract(tmp_path / "rivers.osm.pbf", {4: WAYS[4]})
    with pytest.raises(InputError, match=r"rivers\.osm\.pbf: has no roads"):
        import_file("roads", rivers, crs="wgs84", url=fresh_database)
    remote = tmp_path / "remote.geojson"
    remote.write_text("<OGRVRTDataSource><OGRVRTLayer name='x'/></OGRVRTDataSource>")
    with pytest.raises(InputError, match="what its ending says"):
        import_file("roads", remote, crs="wgs84", url=fresh_database)
    with pytest.raises(InputError, match=r"one of"):
        import_file("roads", write_extract(tmp_path / "x.osm", WAYS).rename(tmp_path / "x.gml"), crs="wgs84", url=fresh_database)  # fmt: skip
    whole = write_extract(tmp_path / "whole.osm.pbf", WAYS).read_bytes()
    cut = tmp_path / "cut.osm.pbf"
    cut.write_bytes(whole[: len(whole) - 60])
    with pytest.raises(InputError, match=r"cut\.osm\.pbf"):
        import_file("roads", cut, crs="wgs84", url=fresh_database)
    assert rows(fresh_database, "roads", "count(*) OVER ()") == []


def features(folder: Path, *shapes: dict[str, Any] | None) -> Path:
    path = folder / "given.geojson"
    listed = [
        {"type": "Feature", "properties": {"source_id": str(n), "kind": "local"}, "geometry": shape}
        for n, shape in enumerate(shapes)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": listed}))
    return path


def test_wrong_rows_leave_everything_as_it_was_or_are_skipped_with_reasons(
    fresh_database: str, tmp_path: Path
) -> None:
    good = {"type": "LineString", "coordinates": LINE}
    path = features(
        tmp_path,
        good,
        None,
        {"type": "Point", "coordinates": LINE[0]},
        {"type": "LineString", "coordinates": [[582000, 3544000], [582100, 3544000]]},
    )
    with pytest.raises(RejectedRows) as caught:
        import_file("roads", path, crs="wgs84", url=fresh_database)
    assert [fault.row for fault in caught.value.faults] == [2, 3, 4]
    assert rows(fresh_database, "roads", "source_id") == []
    report = import_file("roads", path, crs="wgs84", skip_bad=True, url=fresh_database)
    assert rows(fresh_database, "roads", "source_id") == [("0",)]
    assert report.rejected is not None and len(report.rejected.read_text().splitlines()) == 4


def test_an_id_that_stands_twice_is_a_fault(fresh_database: str, tmp_path: Path) -> None:
    path = features(tmp_path, *[{"type": "LineString", "coordinates": LINE}] * 2)
    path.write_text(path.read_text().replace('"source_id": "1"', '"source_id": "0"'))
    with pytest.raises(RejectedRows, match="twice"):
        import_file("roads", path, crs="wgs84", url=fresh_database)


def test_a_broken_outline_is_repaired_and_told(fresh_database: str, tmp_path: Path) -> None:
    bow = {
        "type": "Polygon",
        "coordinates": [[[120, 32], [120.1, 32.1], [120.1, 32], [120, 32.1], [120, 32]]],
    }
    report = import_file("buildings", features(tmp_path, bow), crs="wgs84", url=fresh_database)
    assert any("repaired" in note for note in report.notes)
    assert rows(fresh_database, "buildings", "ST_IsValid(geom), ST_NumGeometries(geom)") == [(True, 2)]


def test_tiles_of_a_low_zoom_have_the_large_roads_only(fresh_database: str, tmp_path: Path) -> None:
    import_file("roads", write_extract(tmp_path / "city.osm.pbf", WAYS), crs="wgs84", url=fresh_database)
    counts = {}
    with session(SYSTEM, fresh_database) as db:
        for zoom in (4, 5, 11, 12, 13, 14):
            _, column, row = tile_of(120.865, 32.015, zoom)
            tile = read_tile(db, COLLECTIONS["roads"], Selection(), zoom=zoom, column=column, row=row)
            counts[zoom] = tile.matched
    assert counts == {4: 0, 5: 1, 11: 1, 12: 2, 13: 3, 14: 3}


def test_a_low_tile_uses_the_index_over_large_roads(fresh_database: str) -> None:
    from layers.collections.tiles import tile_statement

    with session(SYSTEM, fresh_database) as db:
        db.execute(
            text(
                "INSERT INTO roads (source_id, kind, indicative, oneway, min_zoom, geom) SELECT n, 'x',"
                " false, false, CASE WHEN n % 100 = 0 THEN 5 WHEN n % 10 = 0 THEN 11 ELSE 13 END,"
                " ST_Multi(ST_MakeLine(ST_Point(118 + n / 4000.0, 30, 4326), ST_Point(118 + n / 4000.0, 34,"
                " 4326))) FROM generate_series(1, 20000) n"
            )
        )
        renew_statistics(db, "roads")
        for zoom, index in ((8, "up_to_9"), (10, "up_to_11"), (14, "idx_roads_geom_3857")):
            statement = tile_statement(COLLECTIONS["roads"], Selection(), tile_of(120.8, 32, zoom))
            plan = db.execute(
                text(
                    "EXPLAIN " + str(statement.compile(db.get_bind(), compile_kwargs={"literal_binds": True}))
                )
            )
            assert index in "\n".join(line for (line,) in plan)


@pytest.mark.parametrize("layer", GROUND_LAYERS)
def test_the_command_takes_the_template_and_a_folder(
    fresh_database: str, tmp_path: Path, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", fresh_database)
    (tmp_path / f"{layer}.geojson").write_text(template(layer), encoding="utf-8")
    said = CliRunner().invoke(app, ["import", "all", str(tmp_path), "--crs", "wgs84"])
    assert said.exit_code == 0, said.output
    (row,) = rows(fresh_database, layer, "name, name_en, kind")
    assert all(row)
