"""Functions, triggers, policies and grants are those of ``layers/schema``, whatever a database was before."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections import Counter
from importlib import resources
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.errors import DependentObjectsStillExist

from layers.postgres import engine, libpq_url, migrate, schema_digest, schema_is_current
from layers.postgres.schema_in_force import FILES, apply_schema, schema_functions, schema_sql
from layers.private_server import Cluster
from layers.records import reset
from tests.support.long_runs import is_long

FOLDER = Path(str(resources.files("layers") / "schema"))


def revisions() -> list[str]:
    """All revisions, the oldest first."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("layers") / "migrations"))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def dump(cluster: Cluster, url: str) -> str:
    """The schema as ``pg_dump`` writes it, without comments and the keys that differ from run to run."""
    program = cluster.binaries().program("pg_dump")
    written = subprocess.run(
        [program, "--schema-only", "--dbname", libpq_url(url)], capture_output=True, text=True, check=True
    ).stdout
    return "\n".join(
        line for line in written.splitlines() if line and not re.match(r"--|\\(un)?restrict", line)
    )


IN_FORCE = {
    "functions": """
        SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proacl::text FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proname NOT LIKE 'procrastinate%'
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')""",
    "triggers": """
        SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), tgenabled::text FROM pg_trigger
        WHERE NOT tgisinternal AND tgrelid::regclass::text NOT LIKE 'procrastinate%'""",
    "policies": "SELECT * FROM pg_policies",
    "views": """
        SELECT c.relname, pg_get_viewdef(c.oid) FROM pg_class c
        WHERE c.relkind IN ('v', 'm') AND c.relnamespace = 'public'::regnamespace
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')""",
    "grants on tables": """
        SELECT table_name, privilege_type FROM information_schema.table_privileges WHERE grantee = 'wangge_reader'""",
    "grants on columns": """
        SELECT table_name, column_name, privilege_type FROM information_schema.column_privileges
        WHERE grantee = 'wangge_reader'""",
    "row-level security": "SELECT relname FROM pg_class WHERE relrowsecurity",
}
"""Queries for everything that is in force besides tables, columns, keys and indexes."""


def in_force(driver: psycopg.Connection) -> dict[str, Counter[tuple[object, ...]]]:
    return {
        kind: Counter(tuple(map(str, row)) for row in driver.execute(query).fetchall())
        for kind, query in IN_FORCE.items()
    }


def disarm(driver: psycopg.Connection) -> None:
    """Take away whatever is in force, except functions that a generated column or an index needs."""
    for table, name in driver.execute(
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
        " WHERE NOT tgisinternal AND tgrelid::regclass::text NOT LIKE 'procrastinate%'"
    ).fetchall():
        driver.execute(f"DROP TRIGGER {name} ON {table}")
    for table, name in driver.execute("SELECT tablename, policyname FROM pg_policies").fetchall():
        driver.execute(f"DROP POLICY {name} ON {table}")
    for (table,) in driver.execute("SELECT relname FROM pg_class WHERE relrowsecurity").fetchall():
        driver.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    driver.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM wangge_reader")
    for name, *_ in driver.execute(IN_FORCE["functions"]).fetchall():
        with contextlib.suppress(DependentObjectsStillExist), driver.transaction():
            driver.execute(f"DROP FUNCTION {name}")
    driver.execute("DELETE FROM schema_in_force")


@pytest.fixture(scope="module")
def fresh_dump(cluster: Cluster, database_url: str) -> str:
    return dump(cluster, database_url)


OLDER = revisions()[:-1]
INSTALLED = [OLDER[0], "0014", *OLDER[-4:]]
"""Revisions of every run: the first, that of the installation that ``test_upgrade`` keeps, and the newest."""


@pytest.mark.long
@pytest.mark.parametrize("revision", OLDER if is_long() else INSTALLED)
def test_every_older_database_gets_the_schema_of_a_fresh_one(
    cluster: Cluster, empty_database: str, fresh_dump: str, revision: str
) -> None:
    migrate(empty_database, revision)
    assert dump(cluster, empty_database) != fresh_dump
    migrate(empty_database)
    assert dump(cluster, empty_database) == fresh_dump


def test_one_step_after_the_other_gives_the_same_schema(
    cluster: Cluster, empty_database: str, fresh_dump: str
) -> None:
    for revision in revisions():
        migrate(empty_database, revision)
    assert dump(cluster, empty_database) == fresh_dump
    assert schema_is_current(empty_database)


def test_nothing_is_in_force_that_no_file_makes(fresh_database: str) -> None:
    with psycopg.connect(libpq_url(fresh_database)) as driver:
        before = in_force(driver)
        assert all(before[kind] for kind in IN_FORCE if kind != "views")
        disarm(driver)
        left = in_force(driver)
        kept = sorted(row[0] for row in left.pop("functions"))
        assert kept == ["name_keys(text)", "number_ends(text)", "plate_keys(text)", "tile_zooms(geometry)"]
        assert not any(left.values())
        assert "tile_zooms" in schema_functions()
        assert apply_schema(driver)
        after = in_force(driver)
    for kind in IN_FORCE:
        assert after[kind] - before[kind] == before[kind] - after[kind] == Counter(), kind


def test_files_mend_what_differs_and_are_applied_once(
    cluster: Cluster, fresh_database: str, fresh_dump: str
) -> None:
    with psycopg.connect(libpq_url(fresh_database)) as driver:
        assert not apply_schema(driver)
        driver.execute("ALTER POLICY in_scope ON cases USING (true)")
        driver.execute("ALTER TABLE stays DISABLE ROW LEVEL SECURITY")
        driver.execute("DROP TRIGGER case_events_append_only ON case_events")
        driver.execute("REVOKE SELECT ON alerts FROM wangge_reader")
        driver.execute("GRANT SELECT (username), DELETE ON users TO wangge_reader")
        driver.execute(
            "CREATE POLICY of_an_earlier_version ON alerts FOR SELECT TO wangge_reader USING (true)"
        )
        driver.execute(
            "CREATE OR REPLACE FUNCTION last_tile(metres float8) RETURNS int LANGUAGE sql RETURN 1"
        )
    migrate(fresh_database)
    assert dump(cluster, fresh_database) != fresh_dump, "a digest that is the same says that nothing is to do"
    with psycopg.connect(libpq_url(fresh_database)) as driver:
        driver.execute("UPDATE schema_in_force SET digest = 'of another version'")
    assert not schema_is_current(fresh_database)
    migrate(fresh_database)
    assert dump(cluster, fresh_database) == fresh_dump
    assert schema_is_current(fresh_database)


def test_the_order_names_every_file() -> None:
    assert sorted(FILES) == sorted(path.stem for path in FOLDER.glob("*.sql"))
    assert FILES[-1] == "retired"
    assert len(schema_digest()) == 64


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_what_it_is_about_and_what_calls_it(name: str) -> None:
    header = schema_sql(name).split("\n\n")[0]
    assert all(line.startswith("-- ") for line in header.splitlines())
    assert name == "retired" or "-- Called by: " in header


@pytest.mark.parametrize("name", FILES)
def test_a_file_may_be_applied_again(fresh_database: str, name: str) -> None:
    with psycopg.connect(libpq_url(fresh_database)) as driver:
        before = in_force(driver)
        driver.execute(schema_sql(name))
        driver.execute(schema_sql(name))
        assert in_force(driver) == before


def test_no_migration_applies_a_file_that_later_versions_edit() -> None:
    for path in (FOLDER.parent / "migrations" / "versions").glob("*.py"):
        written = path.read_text(encoding="utf-8")
        assert "schema_sql" not in written and not re.search(r'/ "schema"', written), path.name


def test_no_function_is_made_twice_or_retired_and_made() -> None:
    made = schema_functions()
    assert max(Counter(made).values()) == 1
    retired = set(re.findall(r"\w+", re.sub(r"--.*", "", schema_sql("retired"))))
    assert not retired & set(made)


@pytest.mark.parametrize("revision", ["0001", "0009", "0014", "head"])
def test_nothing_is_left_after_a_reset(empty_database: str, revision: str) -> None:
    with psycopg.connect(libpq_url(empty_database)) as driver:
        driver.execute("CREATE FUNCTION of_somebody_else() RETURNS int LANGUAGE sql RETURN 1")
    migrate(empty_database, revision)
    reset(empty_database)
    engine(empty_database).dispose()
    with psycopg.connect(libpq_url(empty_database)) as driver:
        left = in_force(driver)
        assert [row[0] for row in left.pop("functions")] == ["of_somebody_else()"]
        assert not any(left.values())
        tables = driver.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace ="
            " 'public'::regnamespace AND relname NOT LIKE 'procrastinate%'"
        ).fetchall()
        assert tables == [("spatial_ref_sys",)]
    migrate(empty_database)
    assert schema_is_current(empty_database)
