"""Every table has a policy, or stands in the list of public or of closed tables and is what the list says."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from layers.postgres import PUBLIC, Scope, apply_scope
from layers.records.tracks import ensure_partitions
from layers.tables import CLOSED_TABLES, PUBLIC_TABLES, Base

WRITTEN_BY_CALLERS = {"alert_outcomes", "alerts", "edit_drafts", "places", "sites"}
PRIVILEGES = "INSERT,UPDATE,DELETE,TRUNCATE"


@pytest.fixture(scope="module")
def tables(engine: Engine) -> dict[str, dict[str, object]]:
    """Every table with its row-level security, the commands of its policies, and what callers may do with
    it.
    """
    query = text(
        "SELECT c.relname, c.relrowsecurity AS secured,"
        " ARRAY(SELECT p.cmd FROM pg_policies p WHERE p.tablename = c.relname AND p.schemaname = 'public'"
        "  AND p.roles @> '{wangge_reader}') AS policies,"
        " has_any_column_privilege('wangge_reader', c.oid, 'SELECT') AS reads,"
        " has_table_privilege('wangge_reader', c.oid, :all) OR has_any_column_privilege('wangge_reader',"
        " c.oid, 'INSERT,UPDATE')  AS writes FROM pg_class c"
        " WHERE c.relkind IN ('r', 'p', 'm', 'f') AND NOT c.relispartition AND c.relnamespace ="
        " 'public'::regnamespace AND c.relname <> 'spatial_ref_sys'"
    )
    with engine.connect() as connection:
        rows = connection.execute(query, {"all": PRIVILEGES}).mappings().all()
    return {row["relname"]: dict(row) for row in rows}


def test_every_table_is_guarded_or_listed_with_a_reason(tables: dict[str, dict[str, object]]) -> None:
    unknown = [
        name
        for name, table in tables.items()
        if not table["secured"] and name not in PUBLIC_TABLES and name not in CLOSED_TABLES
        and not name.startswith("procrastinate_")
    ]  # fmt: skip
    assert not unknown, "give it a policy in layers/schema/access.sql, or a line in layers/tables/readers.py"
    assert not set(PUBLIC_TABLES) & set(CLOSED_TABLES)
    assert set(PUBLIC_TABLES) | set(CLOSED_TABLES) <= set(tables)
    assert all(len(reason) > 10 for reason in (*PUBLIC_TABLES.values(), *CLOSED_TABLES.values()))
    own = {name for name in tables if not name.startswith("procrastinate_")}
    assert own == {*Base.metadata.tables, "alembic_version"}, "a table that the metadata do not know"


def test_guarded_tables_have_policies_and_are_read(tables: dict[str, dict[str, object]]) -> None:
    guarded = {name: table for name, table in tables.items() if table["secured"]}
    assert len(guarded) > 15
    for name, table in guarded.items():
        assert table["policies"], name
        assert table["reads"], name
    assert not set(guarded) & set(CLOSED_TABLES)


def test_closed_tables_are_neither_read_nor_written(tables: dict[str, dict[str, object]]) -> None:
    closed = {*CLOSED_TABLES, *(name for name in tables if name.startswith("procrastinate_"))}
    assert not [name for name in closed if tables[name]["reads"] or tables[name]["writes"]]


def test_only_tables_with_a_policy_for_it_are_written(tables: dict[str, dict[str, object]]) -> None:
    assert {name for name, table in tables.items() if table["writes"]} == WRITTEN_BY_CALLERS
    for name in WRITTEN_BY_CALLERS:
        policies = tables[name]["policies"]
        assert tables[name]["secured"] and isinstance(policies, list), name
        assert set(policies) & {"ALL", "INSERT", "UPDATE"}, name


def test_everybody_reads_the_public_tables_and_nobody_the_others(
    db: Session, tables: dict[str, dict[str, object]]
) -> None:
    """Asked without a login: a public table shows all, a guarded one nothing, a closed one not even that."""
    db.execute(text("INSERT INTO vehicles (vehicle_id, kind) VALUES ('v', 'hazmat')"))
    db.execute(
        text(
            "INSERT INTO places (kind, lon, lat, radius_m, geom) VALUES ('park', 1, 1, 1, ST_Point(1, 1, 4326))"
        )
    )
    apply_scope(db, PUBLIC)
    assert db.scalar(text("SELECT count(*) FROM places")) == 1
    assert db.scalar(text("SELECT count(*) FROM alert_kinds")) == 4
    for name, table in tables.items():
        if name in PUBLIC_TABLES:
            db.execute(text(f"SELECT * FROM {name} LIMIT 1"))
        elif table["secured"]:
            assert db.execute(text(f"SELECT * FROM {name} LIMIT 1")).first() is None, name
        else:
            with pytest.raises(ProgrammingError, match="permission denied"), db.begin_nested():
                db.execute(text(f"SELECT * FROM {name} LIMIT 1"))


def test_a_partition_is_read_through_its_table_only(db: Session) -> None:
    """A policy holds for the table that is named in a query.

    The partitions themselves are granted to nobody.
    """
    ensure_partitions(db, [dt.date(2026, 3, 1)])
    apply_scope(db, Scope(role="supervisor", city_wide=True))
    assert db.scalar(text("SELECT count(*) FROM fixes")) == 0
    with pytest.raises(ProgrammingError, match="permission denied"), db.begin_nested():
        db.execute(text("SELECT count(*) FROM fixes_20260301"))
