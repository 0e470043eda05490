"""Cells that are counted on write: what counting the points gives, for every reader, at every moment."""

from __future__ import annotations

import math
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyogrio
import pytest
from pyproj import Transformer
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.collections import COLLECTIONS, Selection, read_tile, settle_cells
from layers.collections.tile_aggregates import FINEST_ZOOM, has_stored_cells
from layers.collections.tiles import AGGREGATE_FROM, cells_statement
from tests.support.enterprises import insert_enterprise, insert_sites

SITES = COLLECTIONS["sites"]
HALF_M = 20_037_508.342789244
CELL_M = 2 * HALF_M / 2**17
TO_3857 = Transformer.from_crs(4326, 3857, always_xy=True)
Cells = dict[tuple[int, int], tuple[int, float, float]]


def counted(db: Any, source: str = "sites", zoom: int = FINEST_ZOOM) -> Cells:
    """Points a cell and their middle, from the points themselves alone."""
    cell_m = CELL_M * 2 ** (FINEST_ZOOM - zoom)
    found: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for x, y in db.execute(text(f"SELECT ST_X(geom_3857), ST_Y(geom_3857) FROM {source}")):
        found.setdefault((math.floor((x + HALF_M) / cell_m), math.floor((HALF_M - y) / cell_m)), []).append(
            (x, y)
        )
    return {
        cell: (len(points), *(sum(axis) / len(points) for axis in zip(*points, strict=True)))
        for cell, points in found.items()
    }


def kept(db: Any, source: str = "sites", zoom: int = FINEST_ZOOM) -> Cells:
    """The same from what was kept: settled rows of the zoom and fresh ones of the finest."""
    rows = db.execute(
        text(
            "SELECT x, y, sum(points), sum(x_mm), sum(y_mm) FROM ("
            " SELECT x, y, points, x_mm, y_mm FROM {0} WHERE settled AND zoom = :zoom UNION ALL"
            " SELECT x >> :step, y >> :step, points, x_mm, y_mm FROM {0} WHERE NOT settled) r"
            " GROUP BY 1, 2 HAVING sum(points) <> 0 OR sum(x_mm) <> 0 OR sum(y_mm) <> 0".format(
                f"{source}_cells"
            )
        ),
        {"zoom": zoom, "step": FINEST_ZOOM - zoom},
    )
    return {(x, y): (int(n), float(a) / int(n) / 1000, float(b) / int(n) / 1000) for x, y, n, a, b in rows}


def same(db: Any, source: str = "sites") -> None:
    for zoom in range(FINEST_ZOOM + 1):
        wanted, found = counted(db, source, zoom), kept(db, source, zoom)
        assert {k: v[0] for k, v in found.items()} == {k: v[0] for k, v in wanted.items()}, zoom
        for cell, (_, x, y) in wanted.items():
            assert found[cell][1:] == pytest.approx((x, y), abs=0.001), (zoom, cell)


def some_points(n: int, seed: int, spread: float = 0.4) -> list[tuple[float, float]]:
    r = random.Random(seed)
    return [(120.9 + r.gauss(0, spread), 32.1 + r.gauss(0, spread)) for _ in range(n)]


def decoded(body: bytes, at: tuple[int, int, int], folder: Path) -> Counter[tuple[int, int, int]]:
    """Place in the tile and count of each cell, as GDAL reads them."""
    zoom, column, row = at
    path = folder / str(zoom) / str(column) / f"{row}.pbf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    cells = pyogrio.read_dataframe(f"MVT:{path}", layer="sites")
    unit_m = 2 * HALF_M / 2**zoom / 4096
    across = ((cells.geometry.x + HALF_M) / unit_m - column * 4096).round().astype(int)
    down = ((HALF_M - cells.geometry.y) / unit_m - row * 4096).round().astype(int)
    return Counter(zip(across.tolist(), down.tolist(), cells["count"].tolist(), strict=True))


def test_a_tile_is_the_one_that_counting_gives(db: Session, tmp_path: Path) -> None:
    insert_sites(db, insert_enterprise(db), some_points(12_000, 1))
    for settled in (False, True):
        if settled:
            assert settle_cells(db)["sites"] <= len(counted(db))
            assert not db.scalar(text("SELECT count(*) FROM sites_cells WHERE NOT settled"))
            insert_sites(
                db, db.scalar(text("SELECT min(id) FROM enterprises")) or 0, some_points(500, 2), "later"
            )
        seen = 0
        for zoom in range(FINEST_ZOOM + 1):
            middle = (int((120.9 + 180) / 360 * 2**zoom), int(0.4060 * 2**zoom))
            for column in range(max(middle[0] - 1, 0), min(middle[0] + 2, 2**zoom)):
                for row in range(max(middle[1] - 1, 0), min(middle[1] + 2, 2**zoom)):
                    at = (zoom, column, row)
                    wanted = db.execute(cells_statement(SITES, Selection(), at)).one()
                    made = read_tile(db, SITES, Selection(), zoom=zoom, column=column, row=row)
                    if wanted[1] <= AGGREGATE_FROM:
                        assert db.execute(cells_statement(SITES, Selection(), at, stored=True)).one()[1:] == (
                            0,
                            0,
                        )
                        continue
                    seen += 1
                    assert (made.matched, made.shown, made.aggregated) == (wanted[1], wanted[2], True)
                    near(decoded(made.body, at, tmp_path), decoded(wanted[0], at, tmp_path))
        assert seen > 12


def near(found: Counter[tuple[int, int, int]], wanted: Counter[tuple[int, int, int]]) -> None:
    """The same cells; half a millimetre may round a middle to the next of 4096 units, in one cell of
    thousands.
    """
    assert sum(n for *_, n in found.elements()) == sum(n for *_, n in wanted.elements())
    only_found, only_wanted = sorted((found - wanted).elements()), sorted((wanted - found).elements())
    assert len(only_found) == len(only_wanted) <= 2
    for a, b in zip(only_found, only_wanted, strict=True):
        assert a[2] == b[2] and abs(a[0] - b[0]) <= 1 and abs(a[1] - b[1]) <= 1


def test_points_on_edges_are_in_one_cell_and_the_same_one(db: Session) -> None:
    """Corners of cells of many zooms, as close as the arithmetic gets to them."""
    r, points = random.Random(4), []
    for _ in range(3_500):
        zoom = r.randrange(7, 18)
        x, y = (r.randrange(1, 2**zoom) / 2**zoom * 2 * HALF_M - HALF_M for _ in range(2))
        points.append(TO_3857.transform(x, y, direction="INVERSE"))
    insert_sites(db, insert_enterprise(db), points)
    same(db)
    for zoom in (0, 1, 2):
        tiles = [(zoom, x, y) for x in range(2**zoom) for y in range(2**zoom)]
        now = [db.execute(cells_statement(SITES, Selection(), t)).one() for t in tiles]
        assert sum(t[1] for t in now) == len(points)
    whole = read_tile(db, SITES, Selection(), zoom=0, column=0, row=0)
    assert whole.matched == len(points) and whole.aggregated


def test_only_whole_collections_are_kept(db: Session) -> None:
    assert has_stored_cells(SITES, Selection(), FINEST_ZOOM)
    assert not has_stored_cells(SITES, Selection(), FINEST_ZOOM + 1)
    assert not has_stored_cells(SITES, Selection(values={"kind": ["sales"]}), 5)
    assert not has_stored_cells(SITES, Selection(bbox=(120, 31, 121, 32)), 5)
    assert not has_stored_cells(COLLECTIONS["areas"], Selection(), 5)
    insert_sites(db, insert_enterprise(db), some_points(4_000, 5))
    db.execute(text("UPDATE sites SET kind = 'storage' WHERE id % 4 <> 0"))
    filtered = read_tile(db, SITES, Selection(values={"kind": ["storage"]}), zoom=4, column=13, row=6)
    assert filtered.matched == db.scalar(text("SELECT count(*) FROM sites WHERE kind = 'storage'"))


def test_a_crowd_outside_of_the_edge_is_no_crowd_inside(db: Session) -> None:
    """More than 3,000 points meet the tile with its margin, fewer lie in it.

    Still cells, as without kept ones.
    """
    edge = 855 / 1024 * 360 - 180  # between columns 854 and 855 of zoom 10
    owner = insert_enterprise(db)
    insert_sites(db, owner, [(edge - 0.05 - i * 1e-5, 32.1) for i in range(2_000)], "in")
    insert_sites(db, owner, [(edge + 1e-4 + i * 1e-6, 32.1) for i in range(2_000)], "out")
    row = next(
        r for r in range(1024) if db.execute(cells_statement(SITES, Selection(), (10, 854, r))).one()[1]
    )
    made = read_tile(db, SITES, Selection(), zoom=10, column=854, row=row)
    assert (made.matched, made.aggregated) == (2_000, True)
