"""Engines, transactions with a scope, advisory locks, and the schema version."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from layers.errors import DatabaseUnavailable, SchemaTooNew
from layers.postgres.changes import bump_on_commit
from layers.postgres.connections import ConnectionLimits
from layers.postgres.schema_in_force import schema_digest
from layers.postgres.scope import SYSTEM, Scope
from layers.roles import READER_ROLE

_pool_sizes: dict[str, int] = {}


def set_pool_size(url: str, connections: int) -> None:
    """Set the number of connections of this process's engine on a database, before its first use."""
    _pool_sizes[url] = connections


@lru_cache(maxsize=8)
def engine(url: str) -> Engine:
    """Return the pooled engine of a URL and process, of the size set by :func:`set_pool_size`."""
    most = _pool_sizes.get(url, ConnectionLimits().pool)
    made = create_engine(
        url,
        pool_size=most // 2,
        max_overflow=most - most // 2,
        pool_pre_ping=True,
        pool_timeout=10,
        connect_args={"connect_timeout": 10, "application_name": "wangge"},
    )
    bump_on_commit(made, url)
    return made


def leave_connections(url: str) -> None:
    """Leave the connections of a process to it, in one that was forked from it.

    Opens own ones, and ends none.
    """
    engine(url).dispose(close=False)


@contextlib.contextmanager
def session(scope: Scope, url: str) -> Iterator[Session]:
    """Open a transaction in which the database applies ``scope``.

    It is committed at the end and rolled back on an error. ``SYSTEM`` keeps the login role (jobs and
    imports); every other scope uses the role ``wangge_reader``.

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
    " set_config('wangge.domains', :domains, true), set_config('wangge.username', :username, true),"
    " set_config('wangge.body_id', :body_id, true)"
)


def apply_scope(db: Session, scope: Scope) -> None:
    """Set the scope of this transaction; it ends with the transaction."""
    db.execute(
        _SCOPE_SQL,
        {
            "role": "none" if scope is SYSTEM else READER_ROLE,
            "city_wide": "on" if scope.city_wide else "off",
            "areas": ",".join(map(str, scope.area_ids)),
            "caller": scope.role,
            "domains": ",".join(scope.domains),
            "username": scope.username or "",
            "body_id": "" if scope.body_id is None else str(scope.body_id),
        },
    )


@contextlib.contextmanager
def advisory_lock(db: Session, name: str, on_wait: Callable[[], object] | None = None) -> Iterator[None]:
    """Take a named lock until the transaction ends, so that two runs of a job do not overlap.

    Parameters
    ----------
    on_wait : callable, optional
        Called once when another transaction holds the lock, before it is waited for.
    """
    if on_wait is not None and not db.scalar(
        text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name}
    ):
        on_wait()
    db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})
    yield


def forbid_writes(db: Session) -> None:
    """Make the transaction read only: the database refuses every write until it ends."""
    db.execute(text("SET TRANSACTION READ ONLY"))


def refresh_statistics(db: Session) -> None:
    """Count anew what the planner knows of every table: after much was written."""
    db.execute(text("ANALYZE"))


def migrate(url: str, revision: str = "head") -> None:
    """Migrate the schema to a version (Alembic), by default the newest, with its SQL in force.

    It is safe to repeat and from two processes at once. An older ``revision`` leaves the SQL as the
    migrations made it.

    Raises
    ------
    SchemaTooNew
        A newer program has migrated the database.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.script.revision import ResolutionError
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(resources.files("layers") / "migrations"))
    config.attributes["url"] = url
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        if isinstance(error.__cause__, ResolutionError):
            raise SchemaTooNew(
                f"数据库由更新的程序升级过，请安装该版本，或恢复升级前的备份。"
                f"The schema is of a newer program ({error}):"
                " install that one, or restore the backup of before (docs/upgrade.md)"
            ) from error
        raise


@dataclass(frozen=True)
class SchemaState:
    """Schema of a database beside that of this program.

    Attributes
    ----------
    revision : str or None
        Of the database; None: it has no tables yet.
    digest : str or None
        Of its SQL in force.
    program : str or None
        Newest revision that this program knows.
    """

    revision: str | None
    digest: str | None
    program: str | None

    @property
    def newest(self) -> bool:
        """Whether the database has this program's revision and SQL in force."""
        return self.revision == self.program and self.digest == schema_digest()


def schema_state(url: str) -> SchemaState:
    """Return the schema of a database as it is now."""
    from alembic.migration import MigrationContext

    with engine(url).connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        told = connection.scalar(text("SELECT to_regclass('schema_in_force') IS NOT NULL"))
        digest = connection.scalar(text("SELECT digest FROM schema_in_force")) if told else None
    return SchemaState(revision, digest, newest_schema())


def schema_is_current(url: str) -> bool:
    """Return whether the database has the newest schema version and this program's SQL in force."""
    return schema_state(url).newest


def newest_schema() -> str | None:
    """Return the newest version of the schema that this program knows."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(resources.files("layers") / "migrations"))
    return ScriptDirectory.from_config(config).get_current_head()
