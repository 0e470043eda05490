"""Low zooms of many points: cells that count, nothing lost, small enough to send."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import pyogrio
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.collections import COLLECTIONS, Selection, Tile, read_tile
from layers.collections.tiles import AGGREGATE_FROM
from tests.support.small_town import seed_town

SITES = 200_000


def tile(db: Session, zoom: int, column: int, row: int, **values: list[str]) -> Tile:
    return read_tile(db, COLLECTIONS["sites"], Selection(values=values), zoom=zoom, column=column, row=row)


@pytest.fixture
def city(db: Session) -> Session:
    """200,000 sites in 1° × 0.5°, more in the middle, in a repeatable order."""
    seed_town(db)
    db.execute(
        text(
            "INSERT INTO sites (site_id, enterprise_id, kind, geom, h3_9, h3_10)"
            " SELECT 'C-' || i, (SELECT min(id) FROM enterprises), CASE WHEN i % 4 = 0 THEN 'storage' ELSE"
            " 'sales' END, ST_SetSRID(ST_MakePoint(120 + (i * 0.6180339887) % 1 * ((i * 7919) % 1000) / 1000,"
            " 31 + (i * 0.7548776662) % 1 * 0.5), 4326), 0, 0 FROM generate_series(1, :n) AS i"
        ),
        {"n": SITES},
    )
    db.execute(text("ANALYZE sites"))
    return db


def test_200_000_sites(city: Session, tmp_path: Path) -> None:
    made = tile(city, 8, 213, 104)
    packed = len(gzip.compress(made.body, 5))
    assert made.aggregated and not made.truncated and packed <= 150_000, packed
    # Each site is in one cell: the counts add up, at every zoom. The tile ends at 214 · 360 / 256 - 180 =
    # 120.9375°.
    west_of_the_edge = city.scalar(text("SELECT count(*) FROM sites WHERE ST_X(geom) < 120.9375"))
    assert made.matched == west_of_the_edge > 199_000
    (tmp_path / "t.pbf").write_bytes(made.body)
    cells = pyogrio.read_dataframe(tmp_path / "t.pbf", layer="sites", X="213", Y="104", Z="8")
    assert (cells["count"].sum(), len(cells)) == (made.matched, made.shown)
    four = [tile(city, 9, 426 + i, 208 + j) for i in (0, 1) for j in (0, 1)]
    assert sum(t.matched for t in four) == made.matched
    stored = "SELECT count(*) FROM sites WHERE kind = 'storage' AND ST_X(geom) < 120.9375"
    assert tile(city, 8, 213, 104, kind=["storage"]).matched == city.scalar(text(stored))


def test_every_zoom_is_small(city: Session) -> None:
    for zoom in range(6, 15):
        n = 2**zoom
        column = int((120.02 + 180) / 360 * n)
        row = int((1 - math.asinh(math.tan(math.radians(31.25))) / math.pi) / 2 * n)
        made = tile(city, zoom, column, row)
        assert not made.truncated and len(gzip.compress(made.body, 5)) <= 150_000, zoom
        assert made.matched > 0 and made.aggregated == (made.matched > AGGREGATE_FROM and zoom < 14)
