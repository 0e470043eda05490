"""An undo takes back exactly what an import wrote.

Afterwards the rows are those of before, in both cities.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas
import polars as pl
import pytest

from geo_api.demo_city import make_city
from geo_api.imports.import_file import ImportReport, import_file
from geo_api.second_city import make_second_city
from layers.batches import undo_batch
from layers.ground import GROUND_LAYERS
from layers.imports import FILE_KINDS
from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from tests.support.databases import own_database
from tests.support.row_digests import differing_tables, row_digests

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
KINDS = tuple(FILE_KINDS)


@dataclass
class LoadedCity:
    """A database with every file of a city, and the rows before each import."""

    url: str
    files: dict[str, Path]
    reports: dict[str, ImportReport]
    before: dict[str, dict[str, tuple[int, str]]]


def undo(url: str, batch_id: int) -> None:
    with session(SYSTEM, url) as db:
        undo_batch(db, batch_id, by="tester", now=NOW)


def load(kind: str, path: Path, url: str) -> ImportReport:
    return import_file(kind, path, crs="wgs84", url=url, actor="tester")


def make_demo(folder: Path) -> Path:
    make_city(folder, seed=3, grids=300, size="small")
    return folder


def make_other(folder: Path) -> Path:
    return make_second_city(folder).plain


@pytest.fixture(scope="module", params=[make_demo, make_other], ids=["demo", "second"])
def loaded(
    request: pytest.FixtureRequest, cluster: Cluster, _migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LoadedCity]:
    folder = request.param(tmp_path_factory.mktemp("city"))
    with own_database(cluster, _migrated, "undo") as url:
        city = LoadedCity(url, {}, {}, {})
        for kind in KINDS:
            found = sorted(folder.glob(f"{kind}.*"))
            if found:
                city.files[kind] = found[0]
                city.before[kind] = row_digests(url)
                city.reports[kind] = load(kind, found[0], url)
        yield city


def read(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema_length=0)


THIRD = pl.int_range(pl.len()) % 3 == 0


def third(column: str, value: pl.Expr) -> pl.Expr:
    """Another value in every third row."""
    return pl.when(THIRD).then(value).otherwise(pl.col(column)).alias(column)


def number(column: str, more: float) -> pl.Expr:
    return third(column, (pl.col(column).cast(pl.Float64) + more).cast(pl.Float64))


WRONG: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "enterprises": lambda f: f.with_columns(
        third("industry", pl.lit("写错")), third("status", pl.lit("closed"))
    ),
    "sites": lambda f: f.with_columns(
        pl.when(THIRD).then(pl.lit("storage")).otherwise(pl.col("kind")).alias("kind"),
        pl.when(THIRD)
        .then(pl.col("lon").cast(pl.Float64) + 0.01)
        .otherwise(pl.col("lon").cast(pl.Float64))
        .alias("lon"),
    ),
    "vehicles": lambda f: f.with_columns(third("plate", pl.lit("写错"))),
    "tracks": lambda f: f.with_columns(
        pl.when(THIRD).then(pl.lit("nobody")).otherwise(pl.col("vehicle_id")).alias("vehicle_id"),
        t=pl.col("t") + pl.duration(milliseconds=7) - pl.duration(days=40),
    ),
    "meters": lambda f: f.with_columns(
        pl.when(THIRD).then(pl.col("value") + 1).otherwise(pl.col("value")).alias("value")
    ),
    "places": lambda f: f.with_columns(
        pl.when(THIRD)
        .then(pl.col("radius_m").cast(pl.Float64) + 1)
        .otherwise(pl.col("radius_m").cast(pl.Float64))
        .alias("radius_m")
    ),
    "fences": lambda f: f.with_columns(third("name", pl.lit("写错"))),
    "notices": lambda f: f.with_columns(third("valid_to", pl.lit("2030-01-01"))),
    "duties": lambda f: f.with_columns(
        third("item", pl.lit("写错")),
        pl.when(pl.int_range(pl.len()) % 3 == 1)
        .then(pl.lit("2020-01-01"))
        .otherwise(pl.col("valid_from"))
        .alias("valid_from"),
    ),
    "bodies": lambda f: f.with_columns(
        pl.col("name") + "（写错）", third("valid_from", pl.lit("2026-01-01"))
    ),
    "officers": lambda f: f.with_columns(third("name", pl.lit("写错"))),
    "matters": lambda f: f.with_columns(third("name", pl.lit("写错")), third("legal_review", pl.lit("no"))),
    "grid_workers": lambda f: f.with_columns(third("name", pl.lit("写错"))),
    "grid_households": lambda f: f.with_columns(third("households", pl.lit("7"))),
}
"""A wrong file of each kind: every third row of the right one has another value."""


def wrong_areas(path: Path, target: Path) -> Path:
    """Every community has another name from a later day on, and one unit grid follows another."""
    frame = geopandas.read_parquet(path) if path.suffix == ".parquet" else geopandas.read_file(path)
    some = frame[frame["kind"] == "unit_grid"].iloc[::5].copy()
    some["name"] = "写错"
    some["valid_from"] = "2026-09-01"
    some.to_parquet(target)
    return target


def wrong_ground(path: Path, target: Path) -> Path:
    """Every third road or waterway has another name."""
    frame = geopandas.read_file(path)
    frame.loc[::3, "name"] = "写错"
    frame.to_file(target, driver="FlatGeobuf", engine="pyogrio")
    return target


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_file_is_undone_and_the_rows_are_those_of_before(
    loaded: LoadedCity, tmp_path: Path, kind: str
) -> None:
    if kind not in loaded.files:
        pytest.skip("the city has no such file")
    before = row_digests(loaded.url)
    if kind == "areas":
        path = wrong_areas(loaded.files[kind], tmp_path / "areas.parquet")
    elif kind in GROUND_LAYERS:
        path = wrong_ground(loaded.files[kind], tmp_path / f"{kind}.fgb")
    else:
        path = tmp_path / f"{kind}.parquet"
        WRONG[kind](read(loaded.files[kind])).write_parquet(path)
    report = load(kind, path, loaded.url)
    assert report.written.updated + report.written.inserted > 0
    assert report.written.updated > 0 or kind == "tracks"
    assert differing_tables(before, row_digests(loaded.url))
    undo(loaded.url, report.batch_id)
    assert differing_tables(before, row_digests(loaded.url)) == []


def test_the_last_import_is_undone_first_and_nothing_is_left(loaded: LoadedCity) -> None:
    for kind in reversed(loaded.files):
        undo(loaded.url, loaded.reports[kind].batch_id)
        assert differing_tables(loaded.before[kind], row_digests(loaded.url)) == [], kind
