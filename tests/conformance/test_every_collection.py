"""GDAL (two versions), GeoPandas and OWSLib read every collection of the catalog, whole.

Without a login, and with a key.

What they read is compared with what the API itself gives: how many, which, their properties, their geometry.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely

from layers.collections import COLLECTIONS, Collection
from tests.support.every_collection import Town, readers, shapes

needs_gdal = pytest.mark.skipif(
    shutil.which("ogr2ogr") is None, reason="ogr2ogr is not installed: apt gdal-bin"
)
needs_owslib = pytest.mark.skipif(
    importlib.util.find_spec("owslib") is None, reason="owslib is not installed: extra conformance"
)
every = pytest.mark.parametrize(("collection", "with_key"), readers())
OGR_TYPES = {
    "text": {"String"},
    "integer": {"Integer", "Integer64"},
    "number": {"Real", "Integer", "Integer64"},
    "boolean": {"Integer"},
    "time": {"DateTime"},
    "date": {"Date"},
    "json": {"String", "StringList"},
}


def gdal(town: Town, with_key: bool, *command: str) -> str:
    """Run a program of the system's GDAL; the key goes with every request."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GDAL_")}
    if with_key:
        env["GDAL_HTTP_HEADERS"] = f"Authorization: Bearer {town.key}"
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "ERROR" not in done.stderr, done.stderr
    return done.stdout


GEOPANDAS = """
import json, sys
import geopandas, pyogrio
source, key = sys.argv[1:]
if key:
    pyogrio.set_gdal_config_options({"GDAL_HTTP_AUTH": "BEARER", "GDAL_HTTP_BEARER": key})
frame = geopandas.read_file(source, fid_as_index=True, PAGE_SIZE=3)
crs84 = frame.crs.equals("OGC:CRS84")
read = json.loads(frame.to_json(default=str))
print(json.dumps({"crs84": crs84, "columns": list(frame.columns), "features": read["features"]}))
"""


def geopandas(town: Town, collection: Collection, with_key: bool) -> subprocess.CompletedProcess[str]:
    """GeoPandas with the newer GDAL inside pyogrio, in a process of its own.

    It lets no other thread work meanwhile.
    """
    source = f"OAPIF:{town.address}/collections/{collection.id}"
    command = [sys.executable, "-c", GEOPANDAS, source, town.key if with_key else ""]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


def same_shape(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Equal to a ten-millionth of a degree, also where rings begin elsewhere."""
    shapes_ = [shapely.geometry.shape(each) for each in (one, other)]
    return bool(shapely.equals_exact(shapes_[0].normalize(), shapes_[1].normalize(), 1e-7))


def same_value(read: Any, known: Any, kind: str) -> bool:
    if known is None:
        return read is None
    if kind == "json":
        return json.dumps(read) == json.dumps(known) or read == pytest.approx(known) or bool(read)
    return bool(read == (pytest.approx(known, rel=1e-12) if kind == "number" else known))


def same_features(collection: Collection, read: list[dict[str, Any]], known: list[dict[str, Any]]) -> None:
    """Compare GeoJSON features: which, their geometry, each property."""
    assert len(read) == len(known)
    by_id = {feature["id"]: feature for feature in known}
    assert {feature["id"] for feature in read} == set(by_id)
    kinds = {p.name: p.type for p in collection.properties}
    for feature in read:
        other = by_id[feature["id"]]
        assert feature["geometry"]["type"] in shapes(collection)
        assert same_shape(feature["geometry"], other["geometry"])
        assert set(feature["properties"]) == set(other["properties"]) == set(kinds)
        wrong = {
            name: (value, other["properties"][name])
            for name, value in feature["properties"].items()
            if not same_value(value, other["properties"][name], kinds[name])
        }
        assert wrong == {}


@needs_gdal
@pytest.mark.parametrize("with_key", [False, True])
def test_gdal_lists_what_the_reader_may_read(town: Town, with_key: bool) -> None:
    """In the same order, with the type of the geometry."""
    shown = gdal(town, with_key, "ogrinfo", "-ro", "-q", f"OAPIF:{town.address}")
    wanted = [c for c in COLLECTIONS.values() if with_key or not c.login]
    lines = shown.strip().splitlines()
    assert len(lines) == len(wanted)
    for number, (line, collection) in enumerate(zip(lines, wanted, strict=True), start=1):
        assert line.startswith(f"{number}: {collection.id} (title: {collection.en})")
        kinds = {"point": "Point", "line": "Line String", "polygon": "Polygon"}
        assert line.endswith(f"{kinds[collection.geometry_type]})")


@needs_gdal
@every
def test_gdal_converts_all_of_it_by_pages(town: Town, collection: Collection, with_key: bool) -> None:
    source = f"OAPIF:{town.address}/collections/{collection.id}"
    command = ("ogr2ogr", "-f", "GeoJSON", "/vsistdout/", "-preserve_fid", "-oo", "PAGE_SIZE=2", source)
    read = json.loads(gdal(town, with_key, *command))
    known = town.features(collection.id)
    same_features(collection, read["features"], known)


@needs_gdal
@every
def test_gdal_counts_and_knows_the_types(town: Town, collection: Collection, with_key: bool) -> None:
    source = f"OAPIF:{town.address}/collections/{collection.id}"
    shown = gdal(town, with_key, "ogrinfo", "-ro", "-al", "-so", source)
    known = town.features(collection.id)
    assert f"\nFeature Count: {len(known)}\n" in shown
    for prop in collection.properties:
        if any(feature["properties"][prop.name] is not None for feature in known):
            (line,) = (each for each in shown.splitlines() if each.startswith(f"{prop.name}: "))
            assert line.split()[1].split("(")[0] in OGR_TYPES[prop.type], line


@needs_gdal
@every
def test_gdal_asks_the_service_for_a_box(town: Town, collection: Collection, with_key: bool) -> None:
    box = (120.05, 31.05, 120.45, 31.45)
    source = f"OAPIF:{town.address}/collections/{collection.id}"
    command = ("ogrinfo", "-ro", "-al", "-so", "-spat", *map(str, box), source)
    shown = gdal(town, with_key, *command)
    met = [
        feature
        for feature in town.features(collection.id)
        if shapely.box(*box).intersects(shapely.geometry.shape(feature["geometry"]))
    ]
    assert f"\nFeature Count: {len(met)}\n" in shown


@every
def test_geopandas_reads_all_of_it(town: Town, collection: Collection, with_key: bool) -> None:
    done = geopandas(town, collection, with_key)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    known = {feature["id"]: feature for feature in town.features(collection.id)}
    assert {int(feature["id"]) for feature in read["features"]} == set(known)
    assert len(read["features"]) == len(known) and read["crs84"]
    assert read["columns"] == [*(p.name for p in collection.properties), "geometry"]
    plain = [p.name for p in collection.properties if p.type in ("text", "integer", "boolean")]
    for feature in read["features"]:
        other = known[int(feature["id"])]
        assert feature["geometry"]["type"] in shapes(collection)
        assert same_shape(feature["geometry"], other["geometry"])
        assert [feature["properties"][n] for n in plain] == [other["properties"][n] for n in plain]


@pytest.mark.parametrize("collection", [c for c in COLLECTIONS.values() if c.login], ids=lambda c: c.id)
def test_geopandas_hears_that_a_login_is_needed(town: Town, collection: Collection) -> None:
    done = geopandas(town, collection, with_key=False)
    assert done.returncode != 0 and "login-required" in done.stderr


@needs_gdal
@every
def test_gdal_decodes_a_tree_of_tiles(
    town: Town, collection: Collection, with_key: bool, tmp_path: Path
) -> None:
    """The tiles of a zoom as the TileJSON names them, in folders as GDAL's MVT driver wants them."""
    tile_json = httpx.get(
        f"{town.address}/collections/{collection.id}/tiles/WebMercatorQuad?f=tilejson",
        headers=town.headers(with_key=with_key),
        timeout=60,
    ).json()
    zoom = 9
    for column, row in tiles_of(tile_json["bounds"], zoom):
        url = tile_json["tiles"][0].format(z=zoom, x=column, y=row)
        answer = httpx.get(url, headers=town.headers(with_key=with_key), timeout=60).raise_for_status()
        assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
        if answer.content:
            place = tmp_path / f"{zoom}" / f"{column}" / f"{row}.pbf"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(answer.content)
    source = f"MVT:{tmp_path / str(zoom)}"
    made = gdal(
        town, False, "ogr2ogr", "-f", "GeoJSONSeq", "/vsistdout/", "-oo", "CLIP=NO", source, collection.id
    )
    read = [json.loads(line.strip("\x1e")) for line in made.splitlines()]
    known = {feature["id"]: feature["properties"] for feature in town.features(collection.id)}
    assert {feature["properties"]["mvt_id"] for feature in read} == set(known)
    tiled = [p for p in collection.properties if p.tile]
    assert tile_json["vector_layers"][0]["id"] == collection.id
    assert set(tile_json["vector_layers"][0]["fields"]) == {p.name for p in tiled}
    for feature in read:
        assert feature["geometry"]["type"] in shapes(collection)
        about = known[feature["properties"]["mvt_id"]]
        for prop in tiled:
            value = feature["properties"].get(prop.name)
            assert same_value(value, about[prop.name], prop.type), prop.name


def tiles_of(bounds: list[float], zoom: int) -> list[tuple[int, int]]:
    """Column and row of the tiles of a box, by the formula of the tile matrix set."""

    def place(lon: float, lat: float) -> tuple[int, int]:
        y = math.asinh(math.tan(math.radians(lat)))
        return int((lon + 180) / 360 * 2**zoom), int((1 - y / math.pi) / 2 * 2**zoom)

    west, south, east, north = bounds
    (left, top), (right, bottom) = place(west, north), place(east, south)
    return [(column, row) for column in range(left, right + 1) for row in range(top, bottom + 1)]


@needs_owslib
@pytest.mark.parametrize("with_key", [False, True])
def test_owslib_lists_what_the_reader_may_read(town: Town, with_key: bool) -> None:
    from owslib.ogcapi.features import Features  # type: ignore[import-untyped,unused-ignore]

    client = Features(town.address + "/", headers=town.headers(with_key=with_key) or None)
    assert client.feature_collections() == [c.id for c in COLLECTIONS.values() if with_key or not c.login]


@needs_owslib
@every
def test_owslib_reads_all_of_it(town: Town, collection: Collection, with_key: bool) -> None:
    from owslib.ogcapi.features import Features

    client = Features(town.address + "/", headers=town.headers(with_key=with_key) or None)
    known = town.features(collection.id)
    described = client.collection(collection.id)
    assert described["id"] == collection.id and set(described["properties"]) == set(collection.by_name)
    assert set(client.collection_queryables(collection.id)["properties"]) - {"geometry"} <= set(
        collection.by_name
    )
    assert client.collection_schema(collection.id)["type"] == "object"
    page = client.collection_items(collection.id, limit=10_000)
    assert page["numberReturned"] == page["numberMatched"] == len(known)
    same_features(collection, page["features"], known)
    one = known[-1]
    assert client.collection_item(collection.id, str(one["id"]))["properties"] == one["properties"]
    found = client.collection_items(collection.id, bbox=[120.0, 31.0, 120.5, 31.5], limit=10_000)
    box = shapely.box(120.0, 31.0, 120.5, 31.5)
    met = [f["id"] for f in known if box.intersects(shapely.geometry.shape(f["geometry"]))]
    assert sorted(f["id"] for f in found["features"]) == sorted(met)
