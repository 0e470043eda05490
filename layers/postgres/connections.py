"""Connection limits per process, so that all processes together stay within the server's limit."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from layers.errors import DatabaseUnavailable
from layers.postgres.urls import libpq_url

DEFAULT_CONNECTIONS = 26
"""Connections of one process, if the server allows them."""
MIN_CONNECTIONS = 7
"""Least number for a process: two listen, one is for the health check, the others serve requests."""
RESERVED_FOR_JOBS = 10
"""Connections left for ``wangge worker``, ``wangge analyse``, imports and psql."""
LISTENERS = 2
"""Listening connections: one for changes, one for accounts."""
HEALTH_CHECKS = 1
CONNECT_TIMEOUT_S = 10


@dataclass(frozen=True)
class ConnectionLimits:
    """Connections of one process; the parts add up to ``total``.

    Attributes
    ----------
    total : int
        All connections, including those that listen and the one of the health check.
    pool : int
        Connections of the pooled engine.
    live : int
        Connections of the second pool, for requests that are answered on the event loop.

    Examples
    --------
    >>> few = ConnectionLimits(7)
    >>> few.live, few.pool, ConnectionLimits().pool
    (1, 3, 17)
    """

    total: int = DEFAULT_CONNECTIONS

    @property
    def live(self) -> int:
        """A quarter of all, at most 8."""
        return min(8, max(1, self.total // 4))

    @property
    def pool(self) -> int:
        """The remaining connections."""
        return max(2, self.total - self.live - LISTENERS - HEALTH_CHECKS)


@dataclass(frozen=True)
class ConnectionShare:
    """Number of processes to start, and number of connections of each."""

    workers: int
    each: int
    room: int


def divide_connections(room: int, workers: int, wanted: int = DEFAULT_CONNECTIONS) -> ConnectionShare:
    """Divide the available connections among the workers.

    Each worker gets the wanted number or fewer; when that is below the minimum, there are fewer workers.

    Examples
    --------
    >>> divide_connections(47, 2), divide_connections(47, 9).workers
    (ConnectionShare(workers=2, each=23, room=47), 6)
    """
    fitting = max(1, min(workers, room // MIN_CONNECTIONS))
    return ConnectionShare(fitting, max(MIN_CONNECTIONS, min(wanted, room // fitting)), room)


_ROOM = """
SELECT least(current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
             - coalesce(current_setting('reserved_connections', true)::int, 0),
             (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
             (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()))
"""


def available_connections(url: str) -> int:
    """Return the number of connections that server, role and database allow for serving.

    :data:`RESERVED_FOR_JOBS` connections are not counted.

    Raises
    ------
    DatabaseUnavailable
        The server cannot be reached.
    """
    try:
        with psycopg.connect(libpq_url(url), connect_timeout=CONNECT_TIMEOUT_S) as connection:
            row = connection.execute(_ROOM).fetchone()
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error)) from error
    assert row is not None
    return int(row[0]) - RESERVED_FOR_JOBS
