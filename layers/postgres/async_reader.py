"""Read-only connections on the event loop, with statements that are compiled and planned once.

A connection logs in as every other does and has the role ``wangge_reader`` for its whole life, so that
row-level security applies to everything that runs on it, and the database keeps plans (they belong to a
role). Its own scope is the public one. The scope of a caller is set for one transaction, in the same round
trip as the query.
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
"""Greatest wait for a free connection, seconds."""
CANCEL_S = 5.0
STATEMENTS = 400
"""Number of prepared statements that a connection keeps."""
Row = tuple[Any, ...]

_DIALECT = dialects.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_BEGIN, _COMMIT = b"BEGIN READ ONLY", b"COMMIT"
_BY_VALUES = b"SET plan_cache_mode = force_custom_plan"
_SCOPE = (
    b"SELECT set_config('wangge.city_wide', $1, true), set_config('wangge.areas', $2, true),"
    b" set_config('wangge.role', $3, true), set_config('wangge.domains', $4, true),"
    b" set_config('wangge.body_id', $5, true)"
)


@dataclass(frozen=True)
class CompiledQuery:
    """SQL statement in PostgreSQL's form, with its values.

    Attributes
    ----------
    sql : bytes
        With ``$1``, ``$2``, …
    values : tuple
        In their order.
    names : tuple of str
        Names of the values, so that some can be set later.
    generic : bool
        True: one plan for all values. False: the planner uses the values (boxes, filters).
    """

    sql: bytes
    values: Row
    names: tuple[str, ...]
    generic: bool

    @classmethod
    def from_statement(cls, statement: Select[*Row], *, generic: bool) -> CompiledQuery:
        """Compile a statement.

        Examples
        --------
        >>> from sqlalchemy import bindparam, select
        >>> query = CompiledQuery.from_statement(select(bindparam("a", 1) + bindparam("b", 2)), generic=True)
        >>> query.sql, query.with_values(b=5).values
        (b'SELECT $1::INTEGER + $2::INTEGER AS anon_1', (1, 5))
        """
        made = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        names = tuple(made.positiontup or ())
        return cls(str(made).encode(), tuple(made.params[name] for name in names), names, generic)

    def with_values(self, **given: Any) -> CompiledQuery:
        """Return the same statement with other values for some names."""
        values = tuple(given.get(name, value) for name, value in zip(self.names, self.values, strict=True))
        return CompiledQuery(self.sql, values, self.names, self.generic)


class _Connection(AsyncConnection[Row]):
    """Connection whose socket stays registered in the event loop between answers.

    psycopg registers and removes it for each answer, which costs as much as the rest of a small query.
    """

    _watched = -1
    _answer: asyncio.Future[None] | None = None

    async def wait(self, gen: PQGen[RV], *settings: Any, **named: Any) -> RV:
        """Run psycopg's generator without re-registering the socket; psycopg does all but plain reading."""
        if settings or named:
            self._unwatch()
            return await super().wait(gen, *settings, **named)
        try:
            state = next(gen)
            while state == WAIT_R:
                await self._wait_readable()
                state = gen.send(READY_R)
        except StopIteration as end:
            result: RV = end.value
            return result
        except asyncio.CancelledError:
            with contextlib.suppress(psycopg.Error, OSError):
                await self.cancel_safe(timeout=CANCEL_S)  # or the query would continue in the database
            await self.close()
            raise
        self._unwatch()
        return await super().wait(_continue_generator(gen, state))

    async def _wait_readable(self) -> None:
        if self._watched < 0:
            self._watched = self.fileno()
            asyncio.get_running_loop().add_reader(self._watched, self._on_readable)
        self._answer = asyncio.get_running_loop().create_future()
        await self._answer

    def _on_readable(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)
        else:
            self._unwatch()  # no query is waiting: the server closes the connection or sends a notice

    def _unwatch(self) -> None:
        if self._watched >= 0:
            asyncio.get_running_loop().remove_reader(self._watched)
            self._watched = -1

    async def close(self) -> None:
        """Remove the socket from the event loop and close the connection."""
        self._unwatch()
        await super().close()


def _continue_generator(gen: PQGen[RV], state: Wait) -> PQGen[RV]:
    """Wrap a generator that has already started, for a caller that starts it."""
    ready = yield state
    try:
        while True:
            ready = yield gen.send(ready)
    except StopIteration as end:
        result: RV = end.value
        return result


@dataclass
class _PooledConnection:
    """Connection and its current plan mode."""

    connection: AsyncConnection[Row]
    generic: bool | None = None


class AsyncReader:
    """Small pool of reading connections on the event loop that started it.

    When it was not started (a test without a running server), each query opens a connection of its own.

    Parameters
    ----------
    url : str
        SQLAlchemy URL.
    size : int
        Greatest number of connections.
    statement_timeout_s : int
        Greatest time of a query, seconds.
    """

    def __init__(self, url: str, *, size: int, statement_timeout_s: int = 30) -> None:
        self._conninfo = libpq_url(url)
        self._options = (
            f"-c role={READER_ROLE} -c default_transaction_read_only=on -c client_min_messages=warning"
            f" {timeout_option(statement_timeout_s)}"
        )
        self._free = asyncio.Semaphore(size)
        self._idle: list[_PooledConnection] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Pool connections from now on, on this event loop."""
        self._loop = asyncio.get_running_loop()

    async def stop(self) -> None:
        """Close idle connections and stop pooling."""
        self._loop = None
        idle, self._idle = self._idle, []
        for kept in idle:
            await kept.connection.close()

    async def rows(self, scope: Scope, query: CompiledQuery) -> list[Row]:
        """Return the rows of a query that are visible in the scope.

        Raises
        ------
        DatabaseUnavailable
            The server cannot be reached, or no connection became free in time.
        sqlalchemy.exc.DBAPIError
            The error of the server, as an engine raises it; ``57014`` after the timeout.
        """
        try:
            return await self._rows(scope, query)
        except psycopg.Error as error:
            raise DBAPIError.instance(query.sql.decode(), None, error, psycopg.Error) from error

    async def _rows(self, scope: Scope, query: CompiledQuery) -> list[Row]:
        if asyncio.get_running_loop() is not self._loop:
            kept = _PooledConnection(await self._connect())
            try:
                return await _execute(kept, scope, query)
            finally:
                await kept.connection.close()
        await self._acquire_slot()
        try:
            while True:
                reused = bool(self._idle)
                kept = self._pop_idle(query.generic) if reused else _PooledConnection(await self._connect())
                try:
                    found = await _execute(kept, scope, query)
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

    async def _acquire_slot(self) -> None:
        if not self._free.locked():
            await self._free.acquire()  # at once
            return
        try:
            async with asyncio.timeout(WAIT_S):
                await self._free.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable("every connection for reading is in use") from error

    def _pop_idle(self, generic: bool) -> _PooledConnection:
        """Pop the last used connection with this plan mode, else the last used one."""
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


async def _execute(kept: _PooledConnection, scope: Scope, query: CompiledQuery) -> list[Row]:
    """Execute a query in one round trip: alone for the public, else in a transaction that sets the scope."""
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


def scope_settings(scope: Scope) -> tuple[str, str, str, str, str]:
    """Return the settings that policies read: city-wide or not, areas, role, domains, body."""
    areas = ",".join(map(str, scope.area_ids))
    body_id = "" if scope.body_id is None else str(scope.body_id)
    return ("on" if scope.city_wide else "off", areas, scope.role, ",".join(scope.domains), body_id)
