"""First content of a private cluster: the database, PostGIS, and a leakproof ``&&``."""

from __future__ import annotations

import psycopg
from psycopg import sql

from layers.errors import ClusterError
from layers.postgres import libpq_url


def prepare_database(url: str, database: str = "wangge") -> None:
    """Create ``database`` with PostGIS unless it exists, and update PostGIS to the installed version.

    It is safe to repeat.

    Parameters
    ----------
    url : str
        SQLAlchemy URL of any database of the server.
    database : str

    Raises
    ------
    ClusterError
        The server does not answer, or PostGIS cannot be made.
    """
    try:
        with psycopg.connect(libpq_url(url, "postgres"), autocommit=True, connect_timeout=10) as server:
            known = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
            if known is None:
                server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        with psycopg.connect(libpq_url(url, database), autocommit=True, connect_timeout=10) as connection:
            _prepare_postgis(connection)
    except psycopg.Error as error:
        raise ClusterError(f"数据库无法准备。The database could not be prepared: {error}") from error


def _prepare_postgis(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    found = connection.execute(
        "SELECT installed_version, default_version FROM pg_available_extensions WHERE name = 'postgis'"
    ).fetchone()
    if found is None:
        raise ClusterError("PostGIS 未安装。PostGIS is not installed beside this PostgreSQL")
    if found[0] is None:
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    elif found[0] != found[1]:
        connection.execute("ALTER EXTENSION postgis UPDATE")
    # Neither a dump nor an update of the extension keeps these marks. Without them the planner may not use the
    # spatial index and that of parties under row-level security. They are safe: both compare only, boxes and elements
    # of arrays, and reveal no hidden row.
    for function in ("geometry_overlaps(geometry, geometry)", "arrayoverlap(anyarray, anyarray)"):
        marked = connection.execute(
            "SELECT proleakproof FROM pg_proc WHERE oid = %s::regprocedure", [function]
        ).fetchone()
        if marked is not None and not marked[0]:
            connection.execute(sql.SQL("ALTER FUNCTION {} LEAKPROOF").format(sql.SQL(function)))
