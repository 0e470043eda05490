"""Reading on the event loop: connections that can only read, statements that are compiled and planned once.

A connection logs in as every other does and takes ``wangge_reader`` for its whole life, so that row-level security
holds for whatever runs on it, and the database keeps plans (they belong to a role). Its own state is that of the
public: who calls is set for one transaction, in the same round trip as the query, and ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.abc import RV, PQGen
from psycopg.waiting import READY_R, WAIT_R, Wait
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import psycopg as dialects
from sqlalchemy.exc import DBAPIError

from layers.errors import DatabaseUnavailable
from layers.postgres.scope import PUBLIC, Scope
from layers.postgres.timeouts import timeout_option
from layers.postgres.urls import libpq_url
from layers.roles import READER_ROLE

WAIT_S = 10.0
"""How long a reader waits for a connection that others use."""
CANCEL_S = 5.0
STATEMENTS = 400
"""Prepared statements that a connection keeps."""
Row = tuple[Any, ...]

_DIALECT = dialects.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_BEGIN, _COMMIT = b"BEGIN READ ONLY", b"COMMIT"
_BY_VALUES = b"SET plan_cache_mode = force_custom_plan"
_SCOPE = (
    b"SELECT set_config('wangge.city_wide', $1, true), set_config('wangge.areas', $2, true),"
    b" set_config('wangge.role', $3, true), set_config('wangge.domains', $4, true)"
)


@dataclass(frozen=True)
class Query:
    """A statement as PostgreSQL takes it, with its values.

    Attributes
    ----------
    sql : bytes
        With ``$1``, ``$2``, …
    values : tuple
        In their order.
    names : tuple of str
        Of the values, so that some are filled in later.
    generic : bool
        True: one plan for all values. False: the planner looks at the values (boxes, filters).
    """

    sql: bytes
    values: Row
    names: tuple[str, ...]
    generic: bool

    @classmethod
    def of(cls, statement: Select[*Row], *, generic: bool) -> Query:
        """Compile a statement.

        Examples
        --------
        >>> from sqlalchemy import bindparam, select
        >>> query = Query.of(select(bindparam("a", 1) + bindparam("b", 2)), generic=True)
        >>> query.sql, query.with_values(b=5).values
        (b'SELECT $1::INTEGER + $2::INTEGER AS anon_1', (1, 5))
        """
        made = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        names = tuple(made.positiontup or ())
        return cls(str(made).encode(), tuple(made.params[name] for name in names), names, generic)

    def with_values(self, **given: Any) -> Query:
        """The same statement with other values for some names."""
        values = tuple(given.get(name, value) for name, value in zip(self.names, self.values, strict=True))
        return Query(self.sql, values, self.names, self.generic)


class _Connection(AsyncConnection[Row]):
    """A connection whose socket stays in the event loop while answers are awaited one after the other.

    psycopg puts it in and takes it out for each answer, which costs as much as the rest of a small query.
    """

    _watched = -1
    _answer: asyncio.Future[None] | None = None

    async def wait(self, gen: PQGen[RV], *settings: Any, **named: Any) -> RV:
        """Lead a conversation of psycopg with the server to its end; other than plain reading is left to psycopg."""
        if settings or named:
            self._unwatch()
            return await super().wait(gen, *settings, **named)
        try:
            state = next(gen)
            while state == WAIT_R:
                await self._readable()
                state = gen.send(READY_R)
        except StopIteration as end:
            result: RV = end.value
            return result
        except asyncio.CancelledError:
            with contextlib.suppress(psycopg.Error, OSError):
                await self.cancel_safe(timeout=CANCEL_S)  # the query would go on without anybody who waits
            await self.close()
            raise
        self._unwatch()
        return await super().wait(_resumed(gen, state))

    async def _readable(self) -> None:
        if self._watched < 0:
            self._watched = self.fileno()
            asyncio.get_running_loop().add_reader(self._watched, self._heard)
        self._answer = asyncio.get_running_loop().create_future()
        await self._answer

    def _heard(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)
        else:
            self._unwatch()  # nobody asked: the server closes the connection, or tells a notice

    def _unwatch(self) -> None:
        if self._watched >= 0:
            asyncio.get_running_loop().remove_reader(self._watched)
            self._watched = -1

    async def close(self) -> None:
        """End it; the socket leaves the event loop first."""
        self._unwatch()
        await super().close()


def _resumed(gen: PQGen[RV], state: Wait) -> PQGen[RV]:
    """The conversation for somebody who begins with it anew."""
    ready = yield state
    try:
        while True:
            ready = yield gen.send(ready)
    except StopIteration as end:
        result: RV = end.value
        return result


@dataclass
class _Kept:
    """A connection, and how it plans now."""

    connection: AsyncConnection[Row]
    generic: bool | None = None


class Reader:
    """A small pool of reading connections, used on the event loop that it was started on.

    Where it was not started (a test without a running server), each query opens a connection of its own.

    Parameters
    ----------
    url : str
        SQLAlchemy URL.
    size : int
        Most connections at once.
    statement_timeout_s : int
        A query is ended after this time.
    """

    def __init__(self, url: str, *, size: int, statement_timeout_s: int = 30) -> None:
        self._conninfo = libpq_url(url)
        self._options = (
            f"-c role={READER_ROLE} -c default_transaction_read_only=on -c client_min_messages=warning"
            f" {timeout_option(statement_timeout_s)}"
        )
        self._free = asyncio.Semaphore(size)
        self._idle: list[_Kept] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Keep connections from now on, for this event loop."""
        self._loop = asyncio.get_running_loop()

    async def stop(self) -> None:
        """Close what is idle, and keep nothing any more."""
        self._loop = None
        idle, self._idle = self._idle, []
        for kept in idle:
            await kept.connection.close()

    async def rows(self, scope: Scope, query: Query) -> list[Row]:
        """The rows of a query that the scope may see.

        Raises
        ------
        DatabaseUnavailable
            The server cannot be reached, or no connection came free.
        sqlalchemy.exc.DBAPIError
            What the server says of the statement, as an engine raises it; ``57014`` when it took too long.
        """
        try:
            return await self._rows(scope, query)
        except psycopg.Error as error:
            raise DBAPIError.instance(query.sql.decode(), None, error, psycopg.Error) from error

    async def _rows(self, scope: Scope, query: Query) -> list[Row]:
        if asyncio.get_running_loop() is not self._loop:
            kept = _Kept(await self._connect())
            try:
                return await _run(kept, scope, query)
            finally:
                await kept.connection.close()
        await self._take_place()
        try:
            while True:
                reused = bool(self._idle)
                kept = self._take(query.generic) if reused else _Kept(await self._connect())
                try:
                    found = await _run(kept, scope, query)
                except BaseException as error:
                    lost = kept.connection.closed  # by the server, while it was idle
                    await kept.connection.close()
                    if reused and lost and isinstance(error, psycopg.OperationalError):
                        continue
                    raise
                if self._loop is None:
                    await kept.connection.close()
                else:
                    self._idle.append(kept)
                return found
        finally:
            self._free.release()

    async def _take_place(self) -> None:
        if not self._free.locked():
            await self._free.acquire()  # at once
            return
        try:
            async with asyncio.timeout(WAIT_S):
                await self._free.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable("every connection for reading is in use") from error

    def _take(self, generic: bool) -> _Kept:
        """The connection that was used last and plans this way, else the one that was used last."""
        for i in range(len(self._idle) - 1, -1, -1):
            if self._idle[i].generic is generic:
                return self._idle.pop(i)
        return self._idle.pop()

    async def _connect(self) -> AsyncConnection[Row]:
        try:
            connection = await _Connection.connect(
                self._conninfo,
                autocommit=True,
                prepare_threshold=0,
                options=self._options,
                connect_timeout=10,
                application_name="wangge reader",
            )
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(str(error)) from error
        connection.prepared_max = STATEMENTS
        return connection


async def _run(kept: _Kept, scope: Scope, query: Query) -> list[Row]:
    """One round trip: the query alone for the public, else a transaction that carries the scope."""
    connection = kept.connection
    if kept.generic is not query.generic:
        mode = b"SET plan_cache_mode = force_generic_plan" if query.generic else _BY_VALUES
        await connection.execute(mode, prepare=False)
        kept.generic = query.generic
    cursor = AsyncRawCursor(connection)
    if scope == PUBLIC:
        await cursor.execute(query.sql, query.values, binary=True)
        return await cursor.fetchall()
    async with connection.pipeline():
        await AsyncRawCursor(connection).execute(_BEGIN)
        await AsyncRawCursor(connection).execute(_SCOPE, scope_settings(scope))
        await cursor.execute(query.sql, query.values, binary=True)
        await AsyncRawCursor(connection).execute(_COMMIT)
    return await cursor.fetchall()


def scope_settings(scope: Scope) -> tuple[str, str, str, str]:
    """The settings that policies read: city-wide or not, the areas, the role, the domains."""
    areas = ",".join(map(str, scope.area_ids))
    return ("on" if scope.city_wide else "off", areas, scope.role, ",".join(scope.domains))
