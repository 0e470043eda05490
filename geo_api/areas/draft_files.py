"""The new areas of a draft as a file, with the names and formats of the collections' exports."""

from __future__ import annotations

import io
from typing import Any, Literal

import geopandas as gpd

Format = Literal["csv", "fgb", "parquet", "gpkg"]
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "fgb": "application/flatgeobuf",
    "parquet": "application/vnd.apache.parquet",
    "gpkg": "application/geopackage+sqlite3",
}
LAYER = "draft"


def draft_file(result: dict[str, Any], form: Format) -> bytes:
    """The features of a preview's ``result`` as one file in WGS-84 (EPSG:4326).

    Parameters
    ----------
    result : dict
        FeatureCollection of polygons with ``code``, ``name``, ``kind`` and ``area_m2``.
    form : {"csv", "fgb", "parquet", "gpkg"}
        CSV is UTF-8 with a byte order mark and the geometry as ``wkt``, like the exports of collections.
    """
    areas = gpd.GeoDataFrame.from_features(result["features"], crs=4326)
    if form == "csv":
        table = areas.drop(columns="geometry").assign(wkt=areas.geometry.to_wkt(rounding_precision=9))
        return table.to_csv(index=False).encode("utf-8-sig")
    out = io.BytesIO()
    if form == "parquet":
        areas.to_parquet(out, index=False)
    else:
        driver = {"fgb": "FlatGeobuf", "gpkg": "GPKG"}[form]
        areas.to_file(out, driver=driver, layer=LAYER, engine="pyogrio", promote_to_multi=True)
    return out.getvalue()
