"""Files of a few polygons: every format is read back by a library that did not write it."""

from __future__ import annotations

import csv
import io
from typing import Any

import geopandas as gpd
import pytest
import shapely

from layers.exports import polygon_file

WEST = shapely.box(120.0, 32.0, 120.1, 32.1)
EAST = shapely.MultiPolygon([shapely.box(120.1, 32.0, 120.2, 32.1), shapely.box(121.0, 32.0, 121.1, 32.1)])


def feature(shape: shapely.Geometry, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": shape.__geo_interface__, "properties": properties}


FEATURES = [
    feature(WEST, code="0012", name='西, "甲"', area_m2=1.5, note=None),
    feature(EAST, code="0013", name=None, area_m2=2.5, note=None),
]
READERS = {"fgb": gpd.read_file, "gpkg": gpd.read_file, "parquet": gpd.read_parquet}


@pytest.mark.parametrize("form", list(READERS))
def test_features_come_back_from_a_file(form: str) -> None:
    frame = READERS[form](io.BytesIO(polygon_file(FEATURES, "draft", form)))
    frame = frame.sort_values("code")  # the order of a FlatGeobuf file is free
    assert frame.crs.is_geographic and frame.crs.to_epsg() in (4326, None)  # GeoParquet: OGC:CRS84
    assert list(frame["code"]) == ["0012", "0013"] and list(frame["area_m2"]) == [1.5, 2.5]
    assert frame["name"].iloc[0] == '西, "甲"' and frame["name"].isna().iloc[1] and frame["note"].isna().all()
    assert set(frame.geom_type) == {"MultiPolygon"}
    assert frame.geometry.iloc[0].equals(WEST) and frame.geometry.iloc[1].equals(EAST)


def test_a_spreadsheet_reads_the_csv() -> None:
    content = polygon_file(FEATURES, "draft", "csv")
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert list(rows[0]) == ["code", "name", "area_m2", "note", "wkt"]
    assert [row["name"] for row in rows] == ['西, "甲"', ""]
    assert [shapely.from_wkt(row["wkt"]).equals(shape) for row, shape in zip(rows, [WEST, EAST], strict=True)]


@pytest.mark.parametrize("form", ["csv", *READERS])
def test_a_file_without_features_is_one(form: str) -> None:
    assert polygon_file([], "draft", form)
