"""Geometry files are what their ending says, and reading one opens no other file and no connection."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from layers.errors import InputError
from layers.imports import check_geometry_file, read_area_file

AREA = {
    "code": ["621700"],
    "name": ["第二市"],
    "kind": ["city"],
    "parent_code": [None],
    "valid_from": ["2020-01-01"],
}
FRAME = gpd.GeoDataFrame(AREA, geometry=[shapely.box(105, 34, 106, 35)], crs=4326)
WRITERS = {
    "a.gpkg": "GPKG",
    "a.shp": "ESRI Shapefile",
    "a.geojson": "GeoJSON",
    "a.json": "GeoJSON",
    "a.fgb": "FlatGeobuf",
}


def written(folder: Path, name: str) -> Path:
    path = folder / name
    FRAME.to_file(path, driver=WRITERS[name], engine="pyogrio", encoding="utf-8")
    return path


@pytest.mark.filterwarnings("ignore:Normalized")
@pytest.mark.parametrize("name", WRITERS)
def test_files_of_every_format_are_read(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name)
    assert check_geometry_file(path) == WRITERS[name]
    if not name.endswith("fgb"):
        assert read_area_file(path)["name"].tolist() == ["第二市"]


@pytest.mark.filterwarnings("ignore:Normalized")
def test_a_zipped_shapefile_is_read(tmp_path: Path) -> None:
    written(tmp_path, "a.shp")
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for part in tmp_path.glob("a.*"):
            if part != packed:
                archive.write(part, part.name)
        archive.writestr("readme.txt", "notes")
    assert read_area_file(packed)["code"].tolist() == ["621700"]


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """A server that counts who comes."""
    came: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                try:
                    client, _ = server.accept()
                except TimeoutError:
                    continue
                came.append(client.recv(100).decode(errors="replace"))
                client.close()

        thread = threading.Thread(target=listen)
        thread.start()
        yield server.getsockname()[1], came
        ended.set()
        thread.join()


def hostile(folder: Path, port: int) -> dict[str, bytes]:
    """Texts that GDAL would follow, by their name."""
    secret = written(folder, "a.gpkg")
    vrt = f'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
    far = f'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/vsicurl/http://127.0.0.1:{port}/a.geojson</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
    command = json.dumps(
        {
            "type": "gdal_streamed_alg",
            "command_line": f"gdal vector pipeline ! read {secret} ! write streamed",
        }
    )
    feature = {
        "type": "Feature",
        "properties": {
            "code": "1",
            "name": "a",
            "kind": "city",
            "parent_code": None,
            "valid_from": "2020-01-01",
        },
        "geometry": json.loads(shapely.to_geojson(shapely.box(105, 34, 106, 35))),
    }
    link = {"type": "link", "properties": {"href": f"http://127.0.0.1:{port}/crs", "type": "ogcwkt"}}
    linked = {"type": "FeatureCollection", "crs": link, "features": [feature]}
    escaped = json.dumps(linked).replace('"crs"', '"\\u0063rs"')
    commented = f"<!-- <osm> -->{vrt}"
    wfs = f"<OGRWFSDataSource><URL>http://127.0.0.1:{port}/wfs</URL></OGRWFSDataSource>"
    return {
        "vrt.geojson": vrt.encode(),
        "vrt.json": b"\xef\xbb\xbf" + vrt.encode(),
        "vrt.gpkg": vrt.encode(),
        "vrt.shp": vrt.encode(),
        "vrt.osm": commented.encode(),
        "vrt.vrt": vrt.encode(),
        "far.geojson": far.encode(),
        "wfs.geojson": wfs.encode(),
        "command.geojson": command.encode(),
        "command.gdalg.json": command.encode(),
        "link.geojson": json.dumps(linked).encode(),
        "escaped.geojson": escaped.encode(),
        "api.geojson": json.dumps({"type": "FeatureCollection", "features": [], "links": []}).encode(),
    }


def test_reading_opens_nothing_else(tmp_path: Path, listener: tuple[int, list[str]]) -> None:
    port, came = listener
    for name, content in hostile(tmp_path, port).items():
        path = tmp_path / name
        path.write_bytes(content)
        try:
            found = read_area_file(path)
        except InputError as refused:
            assert name in str(refused)
        else:
            assert name == "escaped.geojson" and len(found) == 1, name
    assert came == []


def test_a_database_that_is_no_geopackage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.gpkg"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE areas (code TEXT)")
    with pytest.raises(InputError, match="not what its ending says"):
        read_area_file(path)


def test_an_archive_without_a_shapefile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.vrt", "<OGRVRTDataSource/>")
    with pytest.raises(InputError, match="not what its ending says"):
        read_area_file(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.shp", "<OGRVRTDataSource/>")
    with pytest.raises(InputError, match="not what its ending says"):
        read_area_file(path)
    path.write_bytes(b"PK\x03\x04cut")
    with pytest.raises(InputError, match="zip"):
        read_area_file(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    for name in (*WRITERS, "a.osm", "a.pbf"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(InputError):
            check_geometry_file(tmp_path / name)
