"""Area files of every format.

Each fault of topology is told with its place, an invalid polygon keeps all out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import text

from geo_api.imports.import_file import ImportReport, import_file
from layers.errors import RejectedRows
from layers.postgres import SYSTEM, session

FORMATS = ("gpkg", "shp", "geojson", "parquet")
WEST, EAST, TALL = 3, 4, shapely.box(120, 32, 121, 33)


def areas() -> gpd.GeoDataFrame:
    """A town of one square degree with a western and an eastern community."""
    rows = [
        ("320600", "南通市", "city", None, TALL),
        ("320623", "如东县", "county", "320600", TALL),
        ("320623100", "掘港镇", "town", "320623", TALL),
        ("320623100001", "一社区", "community", "320623100", shapely.box(120, 32, 120.5, 33)),
        ("320623100002", "二社区", "community", "320623100", shapely.box(120.5, 32, 121, 33)),
    ]
    frame = gpd.GeoDataFrame(rows, columns=["code", "name", "kind", "parent_code", "geometry"], crs=4326)
    # A vertex where the communities meet: neighbours share their edges vertex by vertex.
    frame.loc[2, "geometry"] = shapely.segmentize(TALL, 0.5)
    return frame.assign(valid_from="2020-07-23")


def write(frame: gpd.GeoDataFrame, folder: Path, suffix: str) -> Path:
    path = folder / f"areas.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        driver = {"gpkg": "GPKG", "shp": "ESRI Shapefile", "geojson": "GeoJSON"}[suffix]
        frame.to_file(path, driver=driver, engine="pyogrio", encoding="utf-8")
    return path


def bring_in(url: str, frame: gpd.GeoDataFrame, folder: Path, suffix: str) -> ImportReport:
    return import_file("areas", write(frame, folder, suffix), crs="wgs84", url=url)


def stored(url: str) -> list[Any]:
    with session(SYSTEM, url) as db:
        return list(
            db.execute(
                text("SELECT code, name, ST_AsBinary(geom) FROM areas WHERE valid_to IS NULL ORDER BY code")
            )
        )


def put(*shapes: tuple[int, Any]) -> gpd.GeoDataFrame:
    frame = areas()
    for row, shape in shapes:
        frame.loc[row, "geometry"] = shape
    return frame


Faulty = Callable[[], gpd.GeoDataFrame]
BESIDE = shapely.Polygon([(120.5, 32), (121, 32), (121, 33), (120.5, 33), (120.5, 32.5)])
# The place is the box in which the fault lies, by hand.
FAULTS: dict[str, tuple[Faulty, tuple[str, ...], tuple[float, float, float, float]]] = {
    "overlap": (lambda: put((EAST, shapely.box(120.4, 32, 121, 33))), ("一社区", "二社区"), (120.4, 32, 120.5, 33)),
    "gap": (lambda: put((EAST, shapely.box(120.6, 32, 121, 33))), ("320623100",), (120.5, 32, 120.6, 33)),
    "outside_parent": (lambda: put((EAST, shapely.box(120.5, 32, 121.1, 33))), ("二社区",), (121, 32, 121.1, 33)),
    "duplicate": (lambda: put((WEST, TALL), (EAST, TALL)), ("一社区", "二社区"), (120, 32, 121, 33)),
    "edge_not_shared": (lambda: put((EAST, BESIDE)), ("一社区",), (120.5, 32, 120.5, 33)),
    "label_outside": (
        lambda: areas().assign(label_lon=[120.5, 120.5, 120.5, 120.7, 120.8], label_lat=32.5),
        ("一社区",),
        (120.7, 32.5, 120.7, 32.5),
    ),
}  # fmt: skip


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_correct_file_goes_in_and_nothing_is_told(fresh_database: str, tmp_path: Path, suffix: str) -> None:
    report = bring_in(fresh_database, areas(), tmp_path, suffix)
    assert (report.written.inserted, report.notes) == (5, [])
    for row, (code, name, wkb) in zip(areas().itertuples(), stored(fresh_database), strict=True):
        assert (row.code, row.name) == (code, name)
        assert shapely.from_wkb(bytes(wkb)).equals(row.geometry), code
    assert not list(tmp_path.glob("*.topology.geojson"))


@pytest.mark.parametrize("rule", FAULTS)
@pytest.mark.parametrize("suffix", FORMATS)
def test_each_fault_is_told_with_its_areas_and_its_place(
    fresh_database: str, tmp_path: Path, suffix: str, rule: str
) -> None:
    make, names, (west, south, east, north) = FAULTS[rule]
    report = bring_in(fresh_database, make(), tmp_path, suffix)
    told = [note for note in report.notes if note.startswith(f"{rule}: ")]
    assert told and all(any(name in note for note in told) for name in names), report.notes
    document = json.loads((tmp_path / f"areas.{suffix}.topology.geojson").read_text(encoding="utf-8"))
    found = [one for one in document["features"] if one["properties"]["rule"] == rule]
    assert len(found) == len(told)
    for one in found:
        lon, lat = one["geometry"]["coordinates"]
        assert west - 1e-9 <= lon <= east + 1e-9 and south - 1e-9 <= lat <= north + 1e-9
        assert any(f"@ {lon:.6f},{lat:.6f}" in note for note in told)
        assert one["properties"]["zh"] and one["properties"]["en"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_invalid_polygon_is_named_with_its_place_and_nothing_is_written(
    fresh_database: str, tmp_path: Path, suffix: str
) -> None:
    bow = shapely.Polygon([(120.5, 32), (121, 33), (121, 32), (120.5, 33)])
    with pytest.raises(RejectedRows, match=r"row 5 行, geometry: an outline crosses itself at 120.75, 32.5"):
        bring_in(fresh_database, put((EAST, bow)), tmp_path, suffix)
    assert stored(fresh_database) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_unknown_parent_keeps_all_out(fresh_database: str, tmp_path: Path, suffix: str) -> None:
    frame = areas()
    frame.loc[EAST, "parent_code"] = "320623999"
    with pytest.raises(RejectedRows, match="unknown parent"):
        bring_in(fresh_database, frame, tmp_path, suffix)
    assert stored(fresh_database) == []
