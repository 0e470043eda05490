"""The migrations make what the tables say."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

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
