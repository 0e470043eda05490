"""QGIS as Debian ships it reads every collection.

Features by its OGC API provider, vector tiles by drawing them.

PyQGIS runs in a process of the system's Python, without a screen. A key goes with every request as QGIS lets
plug-ins do it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from typing import Any

import pytest
import shapely

from layers.collections import COLLECTIONS, Collection
from tests.support.every_collection import Town, readers, shapes

pytestmark = [
    pytest.mark.skipif(
        shutil.which("qgis_process") is None, reason="qgis_process is not installed: apt qgis, python3-qgis"
    ),
    pytest.mark.timeout(600),
]
SCRIPT = """
import json, sys
from qgis.core import (QgsApplication, QgsCoordinateReferenceSystem, QgsFeatureRequest, QgsMapRendererSequentialJob,
    QgsMapSettings, QgsNetworkAccessManager, QgsRectangle, QgsVectorLayer, QgsVectorTileLayer)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

address, key, box, names = json.loads(sys.stdin.read())
app = QgsApplication([], False)
app.initQgis()
if key:
    authorization = b"Bearer " + key.encode()
    QgsNetworkAccessManager.setRequestPreprocessor(lambda request: request.setRawHeader(b"Authorization", authorization))


def drawn(name):
    url = f"{address}/collections/{name}/tiles/WebMercatorQuad/%7Bz%7D/%7By%7D/%7Bx%7D"
    tiles = QgsVectorTileLayer(f"type=xyz&url={url}&zmin=0&zmax=22", name)
    settings = QgsMapSettings()
    settings.setLayers([tiles])
    settings.setBackgroundColor(QColor("white"))
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    settings.setOutputSize(QSize(256, 256))
    settings.setExtent(QgsRectangle(13354000, 3625000, 13475000, 3700000))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    pixels = sum(image.pixelColor(x, y) != QColor("white") for x in range(256) for y in range(256))
    return {"valid": tiles.isValid(), "pixels": pixels, "errors": [e.message for e in job.errors()]}


def read(name):
    layer = QgsVectorLayer(f"url='{address}' typename='{name}' pageSize='2'", name, "OAPIF")
    if not layer.isValid():
        return {"valid": False}
    features = [
        {"id": f.id(), "geometry": json.loads(f.geometry().asJson(9)),
         "properties": {n: f[n] for n in f.fields().names() if isinstance(f[n], (str, int, float, bool))}}
        for f in layer.getFeatures()
    ]
    boxed = sum(1 for _ in layer.getFeatures(QgsFeatureRequest().setFilterRect(QgsRectangle(*box))))
    return {"valid": True, "count": layer.featureCount(), "features": features, "boxed": boxed, "crs": layer.crs().authid(),
            "fields": layer.fields().names(), "types": {f.name(): f.typeName() for f in layer.fields()}}


told = {name: {"layer": read(name), "tiles": drawn(name)} for name in names}
sys.stdout.write("READ" + json.dumps(told))
sys.stdout.flush()
app.exitQgis()
"""
BOX = (120.05, 31.05, 120.45, 31.45)
TYPES = {
    "text": {"String"},
    "integer": {"Integer", "Integer64"},
    "number": {"Real", "Integer"},
    "boolean": {"Boolean"},
    "time": {"DateTime"},
    "date": {"Date"},
}


@cache
def qgis(town: Town, with_key: bool) -> dict[str, Any]:
    """What QGIS reads of every collection, with the key or without: one start of it for all."""
    question = json.dumps([town.address, town.key if with_key else "", BOX, list(COLLECTIONS)])
    env = {"QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin:/bin", "HOME": "/tmp", "XDG_RUNTIME_DIR": "/tmp"}
    done = subprocess.run(
        ["/usr/bin/python3", "-c", SCRIPT],
        input=question, capture_output=True, text=True, timeout=500, check=False, env=env,
    )  # fmt: skip
    assert "READ" in done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.split("READ", 1)[1])
    return told


@pytest.mark.parametrize(("collection", "with_key"), readers())
def test_features_by_the_provider_for_ogc_api(town: Town, collection: Collection, with_key: bool) -> None:
    read, known = qgis(town, with_key)[collection.id]["layer"], town.features(collection.id)
    assert read["valid"] and read["count"] == len(read["features"]) == len(known)
    assert read["crs"] == "EPSG:4326"
    assert [n for n in read["fields"] if n != "id"] == [p.name for p in collection.properties]
    kinds = {p.name: p.type for p in collection.properties}
    given = {n for f in known for n, value in f["properties"].items() if value is not None}
    for name in given - {n for n, kind in kinds.items() if kind == "json"}:
        assert read["types"][name] in TYPES[kinds[name]], name
    plain = [n for n, kind in kinds.items() if kind in ("text", "integer", "boolean") and n in given]
    by_properties = sorted(_compared(f, plain) for f in read["features"])
    assert by_properties == sorted(_compared(f, plain) for f in known)
    for feature in read["features"]:
        assert feature["geometry"]["type"] in shapes(collection)
    box = shapely.box(*BOX)
    met = sum(box.intersects(shapely.geometry.shape(f["geometry"])) for f in known)
    assert read["boxed"] == met


def _compared(feature: dict[str, Any], names: list[str]) -> str:
    """Geometry and properties as a text; where rings begin does not matter."""
    shape: Any = shapely.set_precision(shapely.geometry.shape(feature["geometry"]), 1e-7).normalize()
    if shape.geom_type.startswith("Multi") and len(shape.geoms) == 1:
        shape = shape.geoms[0]
    values = {n: feature["properties"].get(n) for n in names}
    return json.dumps([shapely.to_wkt(shape, 6), values], ensure_ascii=False, sort_keys=True)


@pytest.mark.parametrize(("collection", "with_key"), readers())
def test_vector_tiles_are_drawn(town: Town, collection: Collection, with_key: bool) -> None:
    drawn = qgis(town, with_key)[collection.id]["tiles"]
    assert drawn["valid"] and drawn["errors"] == []
    assert drawn["pixels"] > 0


@pytest.mark.parametrize("name", [c.id for c in COLLECTIONS.values() if c.login])
def test_without_a_key_nothing_of_a_private_collection_is_shown(town: Town, name: str) -> None:
    read = qgis(town, False)[name]
    assert not read["layer"]["valid"] and read["tiles"]["pixels"] == 0
