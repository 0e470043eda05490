"""Inspection of a database: versions, clock, the role of callers, row-level security, the spatial index."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, exists, select, table, text

from layers.roles import READER_ROLE


@dataclass(frozen=True)
class ServerVersions:
    """Versions of PostgreSQL and PostGIS.

    Attributes
    ----------
    postgres : int
        PostgreSQL, as ``server_version_num``: 150018 is 15.18.
    postgis : str or None
        PostGIS in this database, None when it is not installed.
    """

    postgres: int
    postgis: str | None


@dataclass(frozen=True)
class ReaderRole:
    """Properties of the role that callers use.

    Attributes
    ----------
    bypasses : bool
        Whether the role bypasses row-level security.
    owns : bool
        Whether the role owns tables; policies do not apply to owners.
    takes : bool
        Whether this login may use the role.
    """

    bypasses: bool
    owns: bool
    takes: bool


@dataclass(frozen=True)
class RowSecurity:
    """Result of reading tables as a caller without a scope.

    Attributes
    ----------
    off : tuple of str
        Tables without row-level security.
    filled : tuple of str
        Tables with rows.
    leaking : tuple of str
        Tables whose rows such a caller sees.
    """

    off: tuple[str, ...]
    filled: tuple[str, ...]
    leaking: tuple[str, ...]


def server_versions(connection: Connection) -> ServerVersions:
    """Return the versions of PostgreSQL and PostGIS."""
    number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    postgis = connection.execute(
        text("SELECT installed_version FROM pg_available_extensions WHERE name = 'postgis'")
    ).scalar()
    return ServerVersions(number, None if postgis is None else str(postgis))


def server_clock(connection: Connection) -> dt.datetime:
    """Return the server's present time."""
    now: dt.datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now


def reader_role(connection: Connection) -> ReaderRole | None:
    """Return the properties of the role of callers; None when it does not exist."""
    found = connection.execute(
        text(
            "SELECT rolsuper OR rolbypassrls, EXISTS (SELECT FROM pg_class WHERE relowner = r.oid),"
            " pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles r WHERE rolname = :role"
        ),
        {"role": READER_ROLE},
    ).one_or_none()
    return None if found is None else ReaderRole(*found)


def row_security(connection: Connection, tables: Sequence[str]) -> RowSecurity:
    """Read tables as a caller without a scope; the transaction is rolled back."""
    security = text("SELECT relrowsecurity FROM pg_class WHERE oid = to_regclass(:name)")
    off = [name for name in tables if not connection.execute(security, {"name": f"public.{name}"}).scalar()]
    filled = [name for name in tables if _has_row(connection, name)]
    connection.execute(text("SELECT set_config('role', :role, true)"), {"role": READER_ROLE})
    leaking = [name for name in tables if _has_row(connection, name)]
    connection.rollback()
    return RowSecurity(tuple(off), tuple(filled), tuple(leaking))


def _has_row(connection: Connection, name: str) -> bool:
    return bool(connection.execute(select(exists().select_from(table(name)))).scalar())


def box_overlap_is_leakproof(connection: Connection) -> bool:
    """Return whether ``&&`` may use its spatial index under a policy."""
    marked = text(
        "SELECT proleakproof FROM pg_proc WHERE oid = 'geometry_overlaps(geometry, geometry)'::regprocedure"
    )
    return bool(connection.execute(marked).scalar())
