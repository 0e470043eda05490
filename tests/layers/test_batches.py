"""Which rows carry a batch, what is kept of replaced ones, and who sees batches."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from layers.batches import BatchOrigin, begin_batch, write_as_batch
from layers.batches.rows import TABLES_OF
from layers.imports import FILE_KINDS
from layers.postgres import SYSTEM, Scope, apply_scope
from layers.tables import HISTORY_TABLES, Base

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def batch(db: Session, actor: str = "x") -> int:
    return begin_batch(db, BatchOrigin("places", "file", actor), NOW)


def add_place(db: Session, radius_m: float) -> None:
    db.execute(
        text(
            "INSERT INTO places (kind, lon, lat, radius_m, geom) VALUES ('petrol', 1, 2, :radius, ST_Point(1,"
            " 2, 4326)) ON CONFLICT (kind, lon, lat) DO UPDATE SET radius_m = EXCLUDED.radius_m, batch_id ="
            " EXCLUDED.batch_id"
        ),
        {"radius": radius_m},
    )


def kept(db: Session) -> list[tuple[float, int | None, int]]:
    rows = db.execute(
        text("SELECT radius_m, batch_id, replaced_by FROM places_history ORDER BY replaced_by, radius_m")
    )
    return [tuple(row) for row in rows]


def test_every_kind_of_file_says_where_its_rows_stand() -> None:
    assert set(TABLES_OF) == set(FILE_KINDS)
    with_batch = {name for name, table in Base.metadata.tables.items() if "batch_id" in table.c}
    of_kinds = {name for tables in TABLES_OF.values() for name in tables}
    put_in_force = {"duty_proposals", "deliveries"}  # they name the batch that an approval or an import wrote
    assert with_batch == of_kinds | {table.name for table in HISTORY_TABLES.values()} | put_in_force
    versions = {"areas", "area_successions", "fixes"}  # never written over
    assert of_kinds - versions == set(HISTORY_TABLES)


def test_every_table_with_a_history_has_its_triggers(db: Session) -> None:
    found = db.execute(
        text(
            "SELECT tgrelid::regclass::text, count(*) FROM pg_trigger WHERE tgname IN ('replaced_kept',"
            " 'removed_kept') GROUP BY 1"
        )
    )
    assert {name: count for name, count in found} == dict.fromkeys(HISTORY_TABLES, 2)


def test_a_replaced_row_is_kept_once_a_batch(db: Session) -> None:
    add_place(db, 10)
    first = batch(db)
    add_place(db, 20)
    add_place(db, 30)  # the same batch: what it wrote itself is nobody's
    second = batch(db)
    add_place(db, 40)
    db.execute(text("DELETE FROM places"))
    assert kept(db) == [(10, None, first), (30, first, second)]


def test_what_no_batch_writes_is_not_kept(db: Session) -> None:
    batch(db)
    add_place(db, 10)
    write_as_batch(db, None)
    db.execute(text("UPDATE places SET radius_m = 11"))
    db.execute(text("DELETE FROM places"))
    assert kept(db) == []


def test_a_row_that_a_batch_touches_without_taking_it_is_not_kept(db: Session) -> None:
    """Sites get the new name of their enterprise: they stay with their own batch."""
    db.execute(
        text(
            "WITH e AS (INSERT INTO enterprises (uscc, name, industry, hazard, status) VALUES ('u', 'e', 'i',"
            " 'none', 'closed') RETURNING id) INSERT INTO sites (site_id, enterprise_id, kind, geom, h3_9,"
            " h3_10) SELECT 'S', id, 'sales', ST_Point(1, 2, 4326), 1, 1 FROM e"
        )
    )
    made = batch(db)
    db.execute(text("UPDATE enterprises SET name = 'n', batch_id = current_batch()"))
    assert db.scalar(text("SELECT enterprise_name FROM sites")) == "n"
    assert db.scalar(text("SELECT count(*) FROM sites_history")) == 0
    assert db.scalar(text("SELECT replaced_by FROM enterprises_history")) == made


@pytest.mark.parametrize(
    ("scope", "actors"),
    [
        (Scope("supervisor", city_wide=True, username="s"), {"office", "a", "b"}),
        (Scope("dispatcher", city_wide=True, username="s"), {"office", "a", "b"}),
        (Scope("dispatcher", city_wide=True, username="b", domains=("market",)), {"b"}),
        (Scope("supervisor", area_ids=(1,), username="a"), {"a"}),
        (Scope("officer", area_ids=(1,), username="a"), {"a"}),
        (Scope("officer", area_ids=(1,), username="b"), {"b"}),
        (Scope("viewer", city_wide=True, username="a"), set()),
        (Scope("sender", city_wide=True, username="a"), set()),
        (Scope("officer", area_ids=(1,)), set()),
        (Scope(), set()),
    ],
)
def test_others_than_the_centre_see_their_own_batches(db: Session, scope: Scope, actors: set[str]) -> None:
    for actor in ("office", "a", "b"):
        batch(db, actor)
    apply_scope(db, scope)
    assert set(db.scalars(text("SELECT actor FROM batches"))) == actors
    apply_scope(db, SYSTEM)


def test_callers_neither_write_batches_nor_read_what_was_replaced(db: Session) -> None:
    apply_scope(db, Scope("supervisor", city_wide=True, username="s"))
    for statement in ("UPDATE batches SET state = 'undone'", "SELECT * FROM places_history"):
        with pytest.raises(ProgrammingError, match="permission denied"), db.begin_nested():
            db.execute(text(statement))
    apply_scope(db, SYSTEM)
