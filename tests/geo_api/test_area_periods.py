"""Periods of imported areas: one version of a code at a time, and what lies below follows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from geo_api.imports.import_file import import_file
from grid.change_sets.current_areas import current_units
from grid.errors import EditConflict
from layers.batches import undo_batch
from layers.errors import RejectedRows
from layers.postgres import SYSTEM, session
from layers.records import stored_city

TOWN, COMMUNITY = "320601001", "320601001001"
GRIDS = (f"{COMMUNITY}001", f"{COMMUNITY}002")
NEXT_YEAR = f"{dt.date.today().year + 1}-01-01"


def area(code: str, kind: str, parent: str | None, box: Any, start: str = "2000-01-01") -> dict[str, Any]:
    return {
        "code": code,
        "name": code,
        "kind": kind,
        "parent_code": parent,
        "valid_from": start,
        "geometry": box,
    }


WHOLE, WEST, EAST = shapely.box(120, 32, 120.02, 32.01), shapely.box(120, 32, 120.01, 32.01), shapely.box(120.01, 32, 120.02, 32.01)  # fmt: skip
CITY = [
    area("320600", "city", None, WHOLE),
    area("320601", "county", "320600", WHOLE),
    area(TOWN, "town", "320601", WHOLE),
    area(COMMUNITY, "community", TOWN, WHOLE),
    area(GRIDS[0], "unit_grid", COMMUNITY, WEST),
    area(GRIDS[1], "unit_grid", COMMUNITY, EAST),
]


class Loader:
    def __init__(self, url: str, path: Path) -> None:
        self.url, self.path = url, path

    def __call__(self, *rows: dict[str, Any]) -> Any:
        self.path.unlink(missing_ok=True)
        gpd.GeoDataFrame(list(rows), crs=4326).to_file(self.path, driver="GPKG")
        return import_file("areas", self.path, crs="wgs84", url=self.url)

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        with session(SYSTEM, url=self.url) as db:
            return [tuple(row) for row in db.execute(text(sql), values).all()]

    def end(self, code: str, day: str) -> None:
        with session(SYSTEM, url=self.url) as db:
            db.execute(
                text("UPDATE areas SET valid_to = :day WHERE code = :code"), {"day": day, "code": code}
            )
            db.commit()


@pytest.fixture
def load(fresh_database: str, tmp_path: Path) -> Loader:
    loader = Loader(fresh_database, tmp_path / "areas.gpkg")
    loader(*CITY)
    return loader


def fault_of(load: Loader, *rows: dict[str, Any]) -> Any:
    with pytest.raises(RejectedRows) as refused:
        load(*rows)
    (fault,) = refused.value.faults
    return fault


def test_a_file_that_comes_again_after_an_end_changes_nothing(load: Loader) -> None:
    load.end(GRIDS[0], "2026-10-01 10:00+08")
    before = load.rows("SELECT id, code, valid_from, valid_to, parent_id FROM areas ORDER BY id")
    load(*CITY)
    assert load.rows("SELECT id, code, valid_from, valid_to, parent_id FROM areas ORDER BY id") == before


def test_a_code_is_not_given_again_inside_its_old_time(load: Loader) -> None:
    load.end(GRIDS[0], "2026-10-01 10:00+08")
    for day in ("2023-01-01", "2026-10-01"):
        fault = fault_of(load, area(GRIDS[0], "unit_grid", COMMUNITY, WEST, day))
        assert (fault.row, fault.field) == (1, "valid_from") and "2026-10-02" in fault.reason
    load(area(GRIDS[0], "unit_grid", COMMUNITY, WEST, "2026-10-02"))
    load.end(TOWN, "2025-01-01 00:00+08")
    corrected = {**area(TOWN, "town", "320601", WHOLE, "2022-03-01"), "name": "改名"}
    assert "2025-01-01" in fault_of(load, corrected).reason, "a late correction does not make it hold again"


def test_the_database_holds_one_version_at_a_time(load: Loader) -> None:
    with pytest.raises(IntegrityError, match="ex_areas_period"), session(SYSTEM, url=load.url) as db:
        db.execute(
            text(
                "INSERT INTO areas (code, name, kind, valid_from, valid_to, geom, label_point, area_m2)"
                " SELECT code, name, kind, '1999-01-01', '2000-01-02', geom, label_point, area_m2 FROM areas"
                " WHERE code = '320600'"
            )
        )


def test_what_lies_in_an_area_follows_its_new_version_and_an_undo(load: Loader) -> None:
    tree = "SELECT c.code, p.id FROM areas c JOIN areas p ON p.id = c.parent_id WHERE c.valid_to IS NULL ORDER BY 1"
    before = load.rows(tree)
    load({**area(COMMUNITY, "community", TOWN, WHOLE, "2026-03-01"), "name": "新名社区"})
    (parent,) = load.rows("SELECT id FROM areas WHERE name = '新名社区'")
    assert [row[1] for row in load.rows(tree) if row[0] in GRIDS] == [parent[0]] * 2
    with session(SYSTEM, url=load.url) as db:
        batch = db.scalar(text("SELECT max(id) FROM batches"))
        undo_batch(db, batch, by="test", now=dt.datetime.now(dt.UTC))
        db.commit()
    assert load.rows(tree) == before


def test_a_planned_version_leaves_the_area_of_today_in_force(load: Loader) -> None:
    fault = fault_of(load, area(COMMUNITY, "community", TOWN, WHOLE, NEXT_YEAR) | {"name": "新社区"})
    assert fault.field == "valid_from" and GRIDS[0] in fault.reason
    load({**CITY[0], "name": "新市名", "valid_from": NEXT_YEAR}, *({**row, "name": row["name"] + "新", "valid_from": NEXT_YEAR} for row in CITY[1:]))  # fmt: skip
    with session(SYSTEM, url=load.url) as db:
        city = stored_city(db)
        assert city is not None and city.name == "320600"
        ids = db.scalars(text("SELECT id FROM areas WHERE code = :code"), {"code": GRIDS[0]}).all()
        for area_id in ids:
            with pytest.raises(EditConflict, match=NEXT_YEAR):
                current_units(db, [area_id])
    load(area(f"{COMMUNITY}003", "unit_grid", COMMUNITY, WEST, "2026-11-01"))
    (parent,) = load.rows(f"SELECT p.name FROM areas c JOIN areas p ON p.id = c.parent_id WHERE c.code = '{COMMUNITY}003'")  # fmt: skip
    assert parent == (COMMUNITY,), "a new grid lies in the community of today"
