"""Engines, the scope of a transaction, advisory locks, and the schema's version."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from layers.errors import DatabaseUnavailable
from layers.postgres.changes import watch
from layers.postgres.connections import Limits
from layers.postgres.schema_in_force import schema_digest
from layers.postgres.scope import SYSTEM, Scope
from layers.roles import READER_ROLE

_pool_sizes: dict[str, int] = {}


def set_pool_size(url: str, connections: int) -> None:
    """Set how many connections this process's engine on a database may hold, before its first use."""
    _pool_sizes[url] = connections


@lru_cache(maxsize=8)
def engine(url: str) -> Engine:
    """One pooled engine a URL and process, of the size that :func:`set_pool_size` gave it."""
    most = _pool_sizes.get(url, Limits().pool)
    made = create_engine(
        url,
        pool_size=most // 2,
        max_overflow=most - most // 2,
        pool_pre_ping=True,
        pool_timeout=10,
        connect_args={"connect_timeout": 10, "application_name": "wangge"},
    )
    watch(made, url)
    return made


@contextlib.contextmanager
def session(scope: Scope, url: str) -> Iterator[Session]:
    """One transaction in which the database applies ``scope``; committed at the end, rolled back on an error.

    ``SYSTEM`` keeps the login role (jobs and imports); every other scope takes ``wangge_reader``.

    Raises
    ------
    DatabaseUnavailable
        When the server cannot be reached.
    """
    try:
        with Session(engine(url), expire_on_commit=False) as db, db.begin():
            apply_scope(db, scope)
            yield db
    except OperationalError as error:
        if error.connection_invalidated or "connect" in str(error.orig).lower():
            raise DatabaseUnavailable(str(error.orig)) from error
        raise


_SCOPE_SQL = text(
    "SELECT set_config('role', :role, true), set_config('wangge.city_wide', :city_wide, true),"
    " set_config('wangge.areas', :areas, true), set_config('wangge.role', :caller, true),"
    " set_config('wangge.domains', :domains, true)"
)


def apply_scope(db: Session, scope: Scope) -> None:
    """Set the caller of this transaction; it ends with the transaction."""
    db.execute(
        _SCOPE_SQL,
        {
            "role": "none" if scope is SYSTEM else READER_ROLE,
            "city_wide": "on" if scope.city_wide else "off",
            "areas": ",".join(map(str, scope.area_ids)),
            "caller": scope.role,
            "domains": ",".join(scope.domains),
        },
    )


@contextlib.contextmanager
def advisory_lock(db: Session, name: str) -> Iterator[None]:
    """Hold a named lock until the transaction ends: two runs of one job follow each other."""
    db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})
    yield


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema to a version (Alembic), by default the newest, with the SQL in force that belongs to it.

    Safe to run again and from two processes at once. An older ``revision`` leaves the SQL as the migrations made it.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resources.files("layers") / "migrations"))
    config.attributes["url"] = url
    command.upgrade(config, revision)


def schema_is_current(url: str) -> bool:
    """Whether the database is at the newest version of the schema and has the SQL of this program in force."""
    from alembic.migration import MigrationContext

    with engine(url).connect() as connection:
        if MigrationContext.configure(connection).get_current_revision() != newest_schema():
            return False
        return connection.scalar(text("SELECT digest FROM schema_in_force")) == schema_digest()


def newest_schema() -> str | None:
    """The newest version of the schema that this program knows."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(resources.files("layers") / "migrations"))
    return ScriptDirectory.from_config(config).get_current_head()
