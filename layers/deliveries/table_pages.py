"""Rows of a table of another PostgreSQL that are new since the last time, read only and page by page."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from layers.deliveries.registry import FoundContent
from layers.errors import InputError
from layers.postgres import libpq_url, sqlalchemy_url

PAGE_ROWS = 500_000
"""Rows of one delivery; what is left is fetched at once in further ones."""
MOST_PAGES = 20
STATEMENT_S = 120
OVERLAP = dt.timedelta(minutes=5)
"""Transactions that write rows with a time and end later than others take no longer, as a rule."""
CONNECT_S = 10


@dataclass(frozen=True)
class TablePage:
    """A page of rows in a file, and how far the table is read with it."""

    content: FoundContent
    path: Path
    position: dict[str, Any]


def fetch_rows(
    database: str,
    table: str,
    by: str,
    key: str,
    columns: tuple[str, ...],
    position: Mapping[str, Any],
    incoming: Path,
    limit_bytes: int,
    *,
    overlap: dt.timedelta = OVERLAP,
    page_rows: int = PAGE_ROWS,
) -> list[TablePage]:
    """Fetch the rows behind the last one, in the order of a column and of a key that no two rows share.

    Parameters
    ----------
    database : str
        URL of PostgreSQL, with its credentials; it is told to nobody.
    table : str
        ``name`` or ``schema.name``.
    by : str
        Column that grows with every row that is new or changed, such as ``updated_at``; rows without a value in it
        are refused.
    key : str
        Column that orders rows with the same value.
    columns : tuple of str
        Columns that are read; empty: all.
    position : mapping
        ``by`` and ``key`` of the last row, as text, and ``window``: what stood before it.
    overlap : timedelta
        Of a column of times: when another transaction wrote rows so long before the last one since then, they are
        fetched, too.

    Raises
    ------
    InputError
        No connection, no such table or column, or rows that no order can find again.
    """
    found: list[TablePage] = []
    at = dict(position)
    try:
        with psycopg.connect(
            libpq_url(sqlalchemy_url(database)),
            connect_timeout=CONNECT_S,
            options=f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_S}s"
            " -c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601",
            application_name="wangge-sources",
        ) as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            _check_order(connection, table, by, key)
            order = _Order(connection, table, by, key, overlap)
            repeat = bool(at) and order.window(at) != position.get("window")
            for page in range(MOST_PAGES):
                rows = order.rows(columns, at, page_rows, repeat=repeat and not page)
                last = order.last(rows)
                if last is None:
                    break
                at = {"by": last[0], "key": last[1]}
                path = incoming / str(page) / f"{table.rpartition('.')[2]}.csv"
                path.parent.mkdir()
                digest, size = _copied(connection, _chosen(rows, columns), path, limit_bytes)
                at["window"] = order.window(at)
                mark = f"{at['by']} {at['key']} {digest[:16]}"
                content = FoundContent(f"postgresql:{table}", mark, path.name, digest, size)
                found.append(TablePage(content, path, dict(at)))
                if last[2] < page_rows:
                    break
    except psycopg.Error as error:
        said = str(error).splitlines()[0] if error.sqlstate else "no connection"
        raise InputError(f"{table}: cannot be read: {said} 无法读取") from error
    return found


def _named(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


def _check_order(connection: psycopg.Connection[Any], table: str, by: str, key: str) -> None:
    """Refuse a table in which a row could be passed over: no value to order it by."""
    without = connection.execute(
        sql.SQL("SELECT EXISTS (SELECT FROM {table} WHERE {by} IS NULL OR {key} IS NULL)").format(
            table=_named(table), by=sql.Identifier(by), key=sql.Identifier(key)
        )
    ).fetchone()
    if without == (True,):
        raise InputError(
            f"{table}: rows without {by} or {key} would never be read 存在 {by} 或 {key} 为空的行，无法增量读取"
        )


class _Order:
    """The order of a table's rows; names are quoted by the library, values are literals of it."""

    def __init__(
        self, connection: psycopg.Connection[Any], table: str, by: str, key: str, overlap: dt.timedelta
    ) -> None:
        self._connection = connection
        self._table = _named(table)
        self._by, self._key = sql.Identifier(by), sql.Identifier(key)
        types = dict(
            connection.execute(
                "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                (self._table.as_string(connection),),
            ).fetchall()
        )
        self._by_type, self._key_type = sql.SQL(types[by]), sql.SQL(types[key])
        self._overlap = overlap if types[by].startswith("timestamp") else None

    def _last(self, at: Mapping[str, Any]) -> sql.Composed:
        return sql.SQL("({}::{}, {}::{})").format(
            sql.Literal(at["by"]), self._by_type, sql.Literal(at["key"]), self._key_type
        )

    def _window_begin(self, at: Mapping[str, Any]) -> sql.Composed:
        return sql.SQL("{}::{} - {}::interval").format(
            sql.Literal(at["by"]),
            self._by_type,
            sql.Literal(f"{self._overlap.total_seconds()} seconds" if self._overlap else "0"),
        )

    def rows(
        self, columns: tuple[str, ...], at: Mapping[str, Any], limit: int, *, repeat: bool
    ) -> sql.Composed:
        """Return the query for the rows behind the last one, or from the beginning of the window before it."""
        names: sql.Composable = sql.SQL("*")
        if columns:
            wanted = [sql.Identifier(name) for name in columns]
            names = sql.SQL(", ").join(
                [*wanted, *(one for one in (self._by, self._key) if one not in wanted)]
            )
        behind: sql.Composable = sql.SQL("")
        if at and repeat:
            behind = sql.SQL("WHERE {} >= {}").format(self._by, self._window_begin(at))
        elif at:
            behind = sql.SQL("WHERE ({}, {}) > {}").format(self._by, self._key, self._last(at))
        return sql.SQL("SELECT {names} FROM {table} {behind} ORDER BY {by}, {key} LIMIT {n}").format(
            names=names, table=self._table, behind=behind, by=self._by, key=self._key, n=sql.Literal(limit)
        )

    def last(self, rows: sql.Composed) -> tuple[str, str, int] | None:
        """Return the last row of a query, and how many rows it has."""
        return self._connection.execute(
            sql.SQL(
                "SELECT q.{by}::text, q.{key}::text, count(*) OVER () FROM ({rows}) q"
                " ORDER BY q.{by} DESC, q.{key} DESC LIMIT 1"
            ).format(by=self._by, key=self._key, rows=rows)
        ).fetchone()

    def window(self, at: Mapping[str, Any]) -> str | None:
        """Return a digest of the rows in the window that ends with a row; None: the order has no time."""
        if self._overlap is None:
            return None
        found = self._connection.execute(
            sql.SQL(
                "SELECT count(*) || ' ' || COALESCE(sum(hashtextextended(q::text, 0)), 0) FROM {table} q"
                " WHERE {by} >= {begin} AND ({by}, {key}) <= {last}"
            ).format(
                table=self._table,
                by=self._by,
                key=self._key,
                begin=self._window_begin(at),
                last=self._last(at),
            )
        ).fetchone()
        return None if found is None else str(found[0])


def _chosen(rows: sql.Composed, columns: tuple[str, ...]) -> sql.Composable:
    if not columns:
        return rows
    return sql.SQL("SELECT {} FROM ({}) q").format(sql.SQL(", ").join(map(sql.Identifier, columns)), rows)


def _copied(
    connection: psycopg.Connection[Any], rows: sql.Composable, path: Path, limit_bytes: int
) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)").format(rows)
    with connection.cursor() as cursor, cursor.copy(statement) as copy, path.open("wb") as file:
        for block in copy:
            size += len(block)
            if size > limit_bytes:
                raise InputError(
                    f"{path.name}: larger than {limit_bytes // 2**20} MiB (WANGGE_SOURCE_MAX_MB)"
                )
            digest.update(block)
            file.write(block)
    return digest.hexdigest(), size
