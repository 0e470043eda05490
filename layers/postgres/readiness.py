"""Readiness of the service: the database answers in time and has the newest schema."""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache

import psycopg

from layers.postgres.schema_in_force import schema_digest
from layers.postgres.sessions import newest_schema
from layers.postgres.timeouts import timeout_option
from layers.postgres.urls import libpq_url

TIMEOUT_S = 3.0
STATEMENT_S = 2.0
REMEMBERED_S = 1.0


class Readiness:
    """Readiness check over a connection of its own.

    The pool is not used, because a busy pool is no fault.
    """

    def __init__(self, url: str) -> None:
        self._conninfo = libpq_url(url)
        self._lock = asyncio.Lock()
        self._answer: tuple[float, str | None] = (float("-inf"), None)

    async def fault(self) -> str | None:
        """Return the reason why the service cannot work, or None.

        The answer is cached for one second.
        """
        async with self._lock:
            at, found = self._answer
            if time.monotonic() - at > REMEMBERED_S:
                found = await self._ask()
                self._answer = (time.monotonic(), found)
            return found

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._look()
        except TimeoutError:
            return f"no answer in {TIMEOUT_S:g} s"
        except (psycopg.Error, OSError) as error:
            return type(error).__name__

    async def _look(self) -> str | None:
        connection = await psycopg.AsyncConnection.connect(
            self._conninfo, autocommit=True, connect_timeout=2, options=timeout_option(STATEMENT_S)
        )
        try:
            cursor = await connection.execute("SELECT version_num FROM alembic_version")
            found = await cursor.fetchone()
            if found is None or found[0] != _newest():
                return "the schema is not the newest: wangge db migrate"
            cursor = await connection.execute("SELECT digest FROM schema_in_force")
            if await cursor.fetchone() != (schema_digest(),):
                return "other functions and policies are in force: wangge db migrate"
            await connection.execute("SELECT 1 FROM areas LIMIT 1")
        finally:
            await connection.close()
        return None


@lru_cache(maxsize=1)
def _newest() -> str | None:
    return newest_schema()
