"""The migrations make what the tables say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from layers import tables
from layers.tables import Base

OWN = set(Base.metadata.tables)


def _ours(obj: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """Tables of PostGIS and of the job queue are theirs; partitions come and go."""
    table = name if kind == "table" else getattr(getattr(obj, "table", None), "name", None)
    return table in OWN


def test_the_newest_migration_and_the_tables_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": _ours, "compare_type": False}
        )
        difference = compare_metadata(context, Base.metadata)
    assert difference == []


def test_one_import_knows_every_table() -> None:
    """As a migration or a job sees it: in a new interpreter, ``layers.tables`` alone."""
    code = "from layers.tables import Base; print(*sorted(Base.metadata.tables))"
    known = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(known.split()) == OWN
    written = {
        name
        for path in Path(tables.__path__[0]).glob("*.py")
        for name in re.findall(r'__tablename__ = "(\w+)"', path.read_text(encoding="utf-8"))
    }
    made = {f"{source}_cells" for source in tables.CELL_TABLES} | {
        f"{name}_history" for name in tables.HISTORY_TABLES
    }
    assert written | made == OWN
