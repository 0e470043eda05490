"""Tiles, decoded by GDAL: what the database wrote is what a client reads."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.collections import COLLECTIONS, Selection, Tile, read_tile
from layers.errors import NotFound
from layers.postgres import PUBLIC, Scope, apply_scope
from tests.support.tiles import tile_of


def make(
    db: Session, collection_id: str, lon: float, lat: float, zoom: int, cap: int = 20_000, **selection: Any
) -> Tile:
    _, column, row = tile_of(lon, lat, zoom)
    return read_tile(
        db, COLLECTIONS[collection_id], Selection(**selection), zoom=zoom, column=column, row=row, cap=cap
    )


def decode(tile: Tile, layer: str, folder: Path, zoom: int, lon: float, lat: float) -> gpd.GeoDataFrame:
    """Read by GDAL's MVT driver, which takes the place of a tile from ``zoom/column/row`` in its path."""
    _, column, row = tile_of(lon, lat, zoom)
    path = folder / str(zoom) / str(column) / f"{row}.pbf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tile.body)
    found: gpd.GeoDataFrame = pyogrio.read_dataframe(f"MVT:{path}", layer=layer)
    return found.set_crs(3857, allow_override=True).to_crs(4326)


def test_gdal_reads_areas_and_their_labels(db: Session, town: dict[str, Any], tmp_path: Path) -> None:
    tile = make(db, "areas", 120.3, 31.2, 8, values={"kind": ["unit_grid"]})
    areas = decode(tile, "areas", tmp_path, 8, 120.3, 31.2)
    assert sorted(areas["name"]) == ["A网格1", "A网格2", "B网格1", "B网格2"]
    assert (tile.matched, tile.shown, tile.truncated) == (4, 4, False)
    labels = decode(tile, "areas_labels", tmp_path, 8, 120.3, 31.2)
    assert sorted(labels["name"]) == ["A网格1", "A网格2", "B网格1", "B网格2"]
    # One tile unit at zoom 8 is 38 m: the label of the first grid stands in the middle of its box.
    first = labels.set_index("name").loc["A网格1"].geometry
    assert first.x == pytest.approx(120.125, abs=0.001) and first.y == pytest.approx(31.25, abs=0.001)


def test_a_label_stands_in_one_tile_only(db: Session, town: dict[str, Any]) -> None:
    zoom = 10
    _, west, north = tile_of(120.0, 31.5, zoom)
    _, east, south = tile_of(120.999, 31.0, zoom)
    found = 0
    for column in range(west, east + 1):
        for row in range(north, south + 1):
            tile = read_tile(
                db,
                COLLECTIONS["areas"],
                Selection(values={"name": ["A网格1"]}),
                zoom=zoom,
                column=column,
                row=row,
            )
            found += tile.body.count(b"areas_labels")
    assert found == 1


def test_points_carry_their_properties(db: Session, town: dict[str, Any], tmp_path: Path) -> None:
    alerts = decode(make(db, "alerts", 120.1, 31.2, 14), "alerts", tmp_path, 14, 120.1, 31.2)
    assert alerts[["site_id", "level", "score"]].to_dict("records") == [
        {"site_id": "S-A", "level": "high", "score": 0.9}
    ]
    assert alerts.geometry[0].distance(gpd.points_from_xy([120.1], [31.2])[0]) < 1e-5


def test_a_tile_too_full_says_so_and_keeps_the_first(db: Session, town: dict[str, Any]) -> None:
    tile = make(db, "areas", 120.3, 31.2, 8, cap=3)
    assert tile.truncated and tile.shown == 3 and tile.matched == 4  # cap + 1: there are more


def test_tiles_are_scoped(db: Session, town: dict[str, Any]) -> None:
    apply_scope(db, Scope(role="officer", area_ids=(town["community_A"],), username="a"))
    assert make(db, "alerts", 120.1, 31.2, 8).matched == 1
    assert make(db, "alerts", 120.6, 31.2, 12).body == b""
    apply_scope(db, PUBLIC)
    assert make(db, "alerts", 120.1, 31.2, 8).body == b""


def test_far_away_is_empty_and_outside_is_not_found(db: Session, town: dict[str, Any]) -> None:
    assert make(db, "areas", -70, -30, 8) == Tile(b"", 0, 0, False)
    for zoom, column, row in ((0, 1, 0), (3, 0, 8), (-1, 0, 0), (23, 0, 0)):
        with pytest.raises(NotFound):
            read_tile(db, COLLECTIONS["areas"], Selection(), zoom=zoom, column=column, row=row)


def test_low_zooms_are_simpler_and_near_the_truth(db: Session, town: dict[str, Any], tmp_path: Path) -> None:
    """A circle of 2,048 corners: few of them at zoom 9, yet the area stays within 1 %."""
    db.execute(
        text(
            "UPDATE areas SET geom = ST_Multi(ST_Buffer(ST_SetSRID(ST_MakePoint(120.3, 31.2), 4326), 0.1,"
            " 512)) WHERE id = :id"
        ),
        {"id": town["grid_A1"]},
    )
    tile = make(db, "areas", 120.3, 31.2, 8, values={"name": ["A网格1"]})
    circle = decode(tile, "areas", tmp_path, 8, 120.3, 31.2).geometry[0]
    assert (
        len(circle.geoms[0].exterior.coords if circle.geom_type == "MultiPolygon" else circle.exterior.coords)
        < 200
    )
    assert circle.area == pytest.approx(math.pi * 0.1**2, rel=0.01)
