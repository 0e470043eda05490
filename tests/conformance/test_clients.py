"""Clients that know nothing of this service.

What GDAL and OWSLib can do besides reading a whole collection.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from layers.collections import COLLECTIONS

PUBLIC = tuple(c.id for c in COLLECTIONS.values() if not c.login)
needs_gdal = pytest.mark.skipif(
    shutil.which("ogrinfo") is None, reason="ogrinfo is not installed: apt gdal-bin"
)
needs_owslib = pytest.mark.skipif(
    importlib.util.find_spec("owslib") is None, reason="owslib is not installed: extra conformance"
)


def ogrinfo(*arguments: str) -> str:
    done = subprocess.run(["ogrinfo", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "ERROR" not in done.stderr, done.stderr
    return done.stdout


def matched(address: str, collection: str) -> int:
    found: int = httpx.get(f"{address}/collections/{collection}/items?limit=10000").json()["numberMatched"]
    return found


@needs_gdal
def test_gdal_lists_the_collections(address: str) -> None:
    shown = ogrinfo("-ro", f"OAPIF:{address}")
    assert all(f"{name} (title:" in shown or f": {name}" in shown for name in PUBLIC), shown


@needs_gdal
@pytest.mark.parametrize("collection", PUBLIC)
def test_gdal_reads_every_feature_by_pages(address: str, collection: str) -> None:
    shown = ogrinfo("-ro", "-al", "-oo", "PAGE_SIZE=2", f"OAPIF:{address}/collections/{collection}")
    assert shown.count("OGRFeature(") == matched(address, collection)


@needs_gdal
def test_gdal_boxes_are_pushed_down(address: str) -> None:
    shown = ogrinfo(
        "-ro", "-al", "-spat", "120.01", "31.01", "120.02", "31.02", f"OAPIF:{address}/collections/areas"
    )
    assert shown.count("OGRFeature(") == 5


@needs_gdal
@pytest.mark.parametrize("collection", PUBLIC)
def test_gdal_decodes_tiles(address: str, collection: str, tmp_path: Path) -> None:
    answer = httpx.get(f"{address}/collections/{collection}/tiles/WebMercatorQuad/8/104/213")
    (tmp_path / "104.pbf").write_bytes(answer.content)
    if not answer.content:
        assert answer.headers["x-features-shown"] == "0"
        return
    shown = ogrinfo(
        "-ro",
        "-al",
        "-so",
        "-oo",
        "X=213",
        "-oo",
        "Y=104",
        "-oo",
        "Z=8",
        f"MVT:{tmp_path / '104.pbf'}",
        collection,
    )
    assert f"Feature Count: {answer.headers['x-features-shown']}" in shown
    assert 'ID["EPSG",3857]' in shown


@needs_gdal
def test_gdal_reads_a_compressed_tile_by_its_extension(address: str, tmp_path: Path) -> None:
    answer = httpx.get(
        f"{address}/collections/areas/tiles/WebMercatorQuad/8/104/213",
        headers={"Accept-Encoding": "identity"},
    )
    (tmp_path / "t.mvt").write_bytes(gzip.compress(answer.content))
    assert "Layer name: areas_labels" in ogrinfo("-ro", "-al", "-so", f"MVT:{tmp_path / 't.mvt'}")


@needs_gdal
def test_gdal_converts_a_whole_collection(address: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["ogr2ogr", "-f", "GeoJSON", str(tmp_path / "a.json"), f"OAPIF:{address}/collections/areas"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(json.loads((tmp_path / "a.json").read_text())["features"]) == 10


@needs_owslib
def test_owslib_reads_collections_items_and_queryables(address: str) -> None:
    from owslib.ogcapi.features import Features

    client = Features(address + "/")
    assert {"core", "geojson", "html"} <= {c.rsplit("/", 1)[1] for c in client.conformance()["conformsTo"]}
    assert set(client.feature_collections()) == set(PUBLIC)
    for name in PUBLIC:
        assert client.collection(name)["id"] == name
        assert client.collection_items(name)["type"] == "FeatureCollection"
        assert client.collection_queryables(name)["type"] == "object"
    assert client.collection_items("areas", bbox=[120.01, 31.01, 120.02, 31.02])["numberReturned"] == 5
    assert client.collection_items("areas", limit=3)["numberReturned"] == 3
    assert client.collection_items("areas", filter="kind = 'town'")["numberReturned"] == 2
    key = client.collection_items("sites")["features"][0]["id"]
    assert client.collection_item("sites", str(key))["id"] == key


@needs_owslib
def test_owslib_creates_and_refuses_blind_writes(address: str, dispatcher: dict[str, str]) -> None:
    from owslib.ogcapi.features import Features

    client = Features(address + "/", headers=dispatcher | {"Content-Type": "application/geo+json"})
    place = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [120.44, 31.44]},
        "properties": {"kind": "petrol", "radius_m": 5},
    }
    assert client.collection_item_create("places", json.dumps(place))
    (made,) = client.collection_items("places", bbox=[120.439, 31.439, 120.441, 31.441])["features"]
    with pytest.raises(RuntimeError, match="version-needed"):  # it sends no If-Match
        client.collection_item_delete("places", str(made["id"]))
    url = f"{address}/collections/places/items/{made['id']}"
    tag = httpx.get(url).headers["etag"]
    assert httpx.delete(url, headers=dispatcher | {"If-Match": tag}).status_code == 204


@needs_gdal
@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("kind = 'town'", 2),
        ("kind = 'unit_grid' AND name LIKE 'A%'", 2),
        ("kind IN ('city','county')", 2),
        ("area_m2 > 4e9", 2),
    ],
)
def test_gdal_attribute_filters(address: str, where: str, found: int) -> None:
    shown = ogrinfo("-ro", "-al", "-where", where, f"OAPIF:{address}/collections/areas")
    assert shown.count("OGRFeature(") == found, shown
