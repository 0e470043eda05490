"""Base maps in PMTiles: drawn from roads, water and names, read by the library of Protomaps.

Wrong files are named.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pyogrio
import pytest
from pmtiles.reader import MmapSource, Reader
from pmtiles.tile import TileType
from sqlalchemy import text

from layers.errors import InputError
from layers.ground import check_base_map, write_base_map
from layers.postgres import SYSTEM, session
from tests.support.pmtiles_archives import write_archive
from tests.support.tiles import tile_of


@pytest.fixture
def drawn(fresh_database: str, tmp_path: Path) -> Path:
    """The base map of a square city with a river and two roads."""
    path = tmp_path / "base_map.pmtiles"
    with session(SYSTEM, fresh_database) as db:
        db.execute(
            text(
                "INSERT INTO areas (code, name, kind, valid_from, geom, label_point, area_m2) SELECT"
                " '320600', '城', kind, '2020-01-01', ST_Multi(g), ST_PointOnSurface(g), 1 FROM"
                " ST_MakeEnvelope(120.8, 32, 121, 32.2, 4326) AS g, unnest(ARRAY['city', 'county']) kind"
            )
        )
        db.execute(
            text(
                "INSERT INTO roads (source_id, name, name_en, kind, indicative, oneway, min_zoom, geom) VALUES"
                " ('m', '高速', 'Expressway', 'motorway', true, false, 5,"
                " ST_GeomFromText('MULTILINESTRING((120.8 32.1, 121 32.1))', 4326)),"
                " ('s', '小路', 'Lane', 'local', true, false, 12, ST_GeomFromText('MULTILINESTRING((120.9"
                " 32.05, 120.9 32.15))', 4326))"
            )
        )
        db.execute(
            text(
                "INSERT INTO waterways (source_id, name, kind, indicative, min_zoom, width_m, geom) VALUES"
                " ('w', '河', 'river', true, 8, 200,"
                " ST_GeomFromText('MULTILINESTRING((120.85 32, 120.85 32.2))', 4326))"
            )
        )
        assert write_base_map(db, path, name="底图", attribution="我们") > 10
    return path


def features(
    path: Path, lon: float, lat: float, zoom: int, folder: Path
) -> dict[str, list[dict[str, object]]]:
    """The features of the tile at a place, as GDAL decodes it."""
    with path.open("rb") as file:
        body = Reader(MmapSource(file)).get(*tile_of(lon, lat, zoom))
    assert body is not None
    tile = folder / "tile.mvt"
    tile.write_bytes(gzip.decompress(body))
    found = {}
    for layer, _ in pyogrio.list_layers(tile):
        found[str(layer)] = pyogrio.read_dataframe(tile, layer=layer).to_dict("records")
    return found


def test_a_tile_has_the_layers_and_kinds_of_protomaps(drawn: Path, tmp_path: Path) -> None:
    near = features(drawn, 120.9, 32.1, 13, tmp_path)
    roads = {r["name"]: (r["kind"], r["kind_detail"], r["name:en"]) for r in near["roads"]}
    assert roads["高速"] == ("highway", "motorway", "Expressway")
    assert roads["小路"] == ("minor_road", "residential", "Lane")
    far = features(drawn, 120.9, 32.1, 9, tmp_path)
    assert [r["name"] for r in far["roads"]] == ["高速"]
    assert {r["kind"] for r in far["water"]} == {"river"} and set(far) >= {
        "earth",
        "water",
        "roads",
        "places",
    }
    assert [p["name"] for p in far["places"]] == ["城"]


def test_the_file_says_what_it_is(drawn: Path) -> None:
    found = check_base_map(drawn)
    assert (found.tiles, found.min_zoom, found.max_zoom) == ("vector", 6, 13)
    assert (found.name, found.attribution) == ("底图", "我们")
    with drawn.open("rb") as file:
        header = Reader(MmapSource(file)).header()
    assert header["min_lon_e7"] == pytest.approx(1_208_000_000, abs=10)
    assert header["max_lat_e7"] == pytest.approx(322_000_000, abs=10)


def test_a_file_that_cannot_be_served_is_named(drawn: Path, tmp_path: Path) -> None:
    whole = drawn.read_bytes()
    cut, other, short = tmp_path / "cut.pmtiles", tmp_path / "other.pmtiles", tmp_path / "short.pmtiles"
    cut.write_bytes(whole[:-1])
    other.write_bytes(b"SQLite format 3\0" + whole)
    short.write_bytes(whole[:50])
    for path, reason in ((cut, "cut"), (other, "no PMTiles"), (short, "cut"), (tmp_path / "none", "no such")):
        with pytest.raises(InputError, match=reason):
            check_base_map(path)
    damaged = tmp_path / "damaged.pmtiles"
    place = int.from_bytes(whole[24:32], "little")  # of the metadata
    damaged.write_bytes(whole[:place] + b"\0" * 30 + whole[place + 30 :])
    with pytest.raises(InputError, match="metadata"):
        check_base_map(damaged)


def test_pictures_are_taken_and_other_schemas_are_not(tmp_path: Path) -> None:
    assert check_base_map(write_archive(tmp_path / "a", TileType.PNG, [])).tiles == "raster"
    with pytest.raises(InputError, match="transportation"):
        check_base_map(write_archive(tmp_path / "b", TileType.MVT, ["transportation", "water"]))
    with pytest.raises(InputError, match="unknown kind"):
        check_base_map(write_archive(tmp_path / "c", TileType.UNKNOWN, []))


def test_without_a_city_there_is_none_and_the_old_file_stays(fresh_database: str, tmp_path: Path) -> None:
    path = tmp_path / "base_map.pmtiles"
    path.write_bytes(b"old")
    with session(SYSTEM, fresh_database) as db, pytest.raises(InputError, match="no city"):
        write_base_map(db, path, name="", attribution="")
    assert path.read_bytes() == b"old" and list(tmp_path.glob("base_map*")) == [path]
