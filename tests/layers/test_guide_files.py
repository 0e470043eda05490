"""Guide files: every format in every datum, at its place, and what is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from layers.errors import InputError, UnknownCrs
from layers.imports import read_guide_file

LINE = shapely.LineString([(120.8645, 32.0163), (120.87, 32.02)])
DRIVERS = {
    "a.geojson": "GeoJSON",
    "a.kml": "KML",
    "a.gpkg": "GPKG",
    "a.zip": "ESRI Shapefile",
    "a.dxf": "DXF",
}
PLACES = {
    "wgs84": (120.8645, 32.0163),
    "cgcs2000": (120.8645, 32.0163),
    # the published examples of layers.codes.crs, read backwards
    "gcj02": (120.86874686, 32.01414817),
    "bd09": (120.87522168, 32.02016694),
}
"""One place in each datum."""


def written(folder: Path, name: str, shape: shapely.Geometry = LINE, crs: int = 4326) -> Path:
    frame = gpd.GeoDataFrame({"name": ["新路"]}, geometry=[shape], crs=crs)
    path = folder / name
    if name.endswith(".zip"):
        frame.to_file(folder / "b.shp", driver="ESRI Shapefile", engine="pyogrio", encoding="utf-8")
        with zipfile.ZipFile(path, "w") as archive:
            for part in folder.glob("b.*"):
                archive.write(part, part.name)
    elif name.endswith(".geojson"):  # without a statement of its system
        path.write_text(frame.to_json(drop_id=True))
    elif name.endswith(".dxf"):
        frame[["geometry"]].to_file(path, driver="DXF", engine="pyogrio")
    else:
        frame.to_file(path, driver=DRIVERS[name], engine="pyogrio")
    return path


@pytest.mark.parametrize("name", DRIVERS)
def test_every_format_is_read(tmp_path: Path, name: str) -> None:
    found = read_guide_file(written(tmp_path, name), "wgs84")
    assert shapely.get_coordinates(found.shapes[0]) == pytest.approx(shapely.get_coordinates(LINE), abs=1e-9)
    assert found.names == (["0"] if name.endswith(".dxf") else ["新路"]), "a drawing names its layer"


@pytest.mark.parametrize("crs", PLACES)
def test_every_datum_comes_to_one_place(tmp_path: Path, crs: str) -> None:
    path = written(tmp_path, "a.geojson", shapely.Point(PLACES[crs]))
    found = read_guide_file(path, crs)
    assert shapely.get_coordinates(found.shapes)[0] == pytest.approx(PLACES["wgs84"], abs=1e-7)


def test_a_datum_that_the_file_contradicts_is_refused_until_it_is_ignored(tmp_path: Path) -> None:
    path = written(tmp_path, "a.gpkg", shapely.Point(PLACES["gcj02"]))
    with pytest.raises(UnknownCrs, match="EPSG:4326"):
        read_guide_file(path, "gcj02")
    found = read_guide_file(path, "gcj02", ignore_own_crs=True)
    assert shapely.get_coordinates(found.shapes)[0] == pytest.approx(PLACES["wgs84"], abs=1e-7)


def test_a_file_in_metres_is_read_as_it_states(tmp_path: Path) -> None:
    metres = gpd.GeoSeries([LINE], crs=4326).to_crs(4549)[0]
    found = read_guide_file(written(tmp_path, "a.zip", metres, 4549), "file")
    assert shapely.get_coordinates(found.shapes[0]) == pytest.approx(shapely.get_coordinates(LINE), abs=1e-8)


def test_a_drawing_in_metres_that_is_called_degrees_is_refused(tmp_path: Path) -> None:
    metres = gpd.GeoSeries([LINE], crs=4326).to_crs(4549)[0]
    path = written(tmp_path, "a.dxf", metres, 4549)
    with pytest.raises(InputError, match="no degrees"):
        read_guide_file(path, "wgs84")
    found = read_guide_file(path, "EPSG:4549")
    assert shapely.get_coordinates(found.shapes[0]) == pytest.approx(shapely.get_coordinates(LINE), abs=1e-7)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.fgb", b"fgb\x03fgb"),
        ("a.csv", b"a,b"),
        ("a.dxf", b"0\nTITLE\n"),
        ("a.dxf", b"<?xml version='1.0'?>"),
        ("a.kml", b"<kml><NetworkLink/></kml>"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": []}'),
    ],
)
def test_what_is_no_guide_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_guide_file(path, "wgs84")


def test_a_zip_that_unpacks_to_much_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "a.zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b.cpg.txt", bytes(129 * 2**20))
    with pytest.raises(InputError, match="unpacks"):
        read_guide_file(path, "wgs84")
