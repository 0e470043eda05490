"""How many connections a process may hold, so that all processes together never ask the server for more than it has."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from layers.errors import DatabaseUnavailable
from layers.postgres.urls import libpq_url

WANTED = 26
"""Of one process, where the server has them."""
LEAST = 7
"""With fewer a process does not work: two that listen, one that asks for health, and the others for requests."""
FOR_JOBS = 10
"""Left free for ``wangge worker``, ``wangge analyse``, imports and whoever looks in with psql."""
LISTEN = 2
"""One hears of changes, one of accounts."""
HEALTH = 1
CONNECT_TIMEOUT_S = 10


@dataclass(frozen=True)
class Limits:
    """What one process may hold; the parts add up to ``total``.

    Attributes
    ----------
    total : int
        All of it, with the connection that listens for changes and the one that asks for health.
    pool : int
        Of the pooled engine.
    live : int
        Of a second pool, for what is answered on the event loop.

    Examples
    --------
    >>> few = Limits(7)
    >>> few.live, few.pool, Limits().pool
    (1, 3, 17)
    """

    total: int = WANTED

    @property
    def live(self) -> int:
        """A quarter, at most 8."""
        return min(8, max(1, self.total // 4))

    @property
    def pool(self) -> int:
        """What the others leave."""
        return max(2, self.total - self.live - LISTEN - HEALTH)


@dataclass(frozen=True)
class Share:
    """How many processes are started, and how many connections each may hold."""

    workers: int
    each: int
    room: int


def share(room: int, workers: int, wanted: int = WANTED) -> Share:
    """Divide the room among the workers: each gets what it wants, or less; fewer workers where it is too little.

    Examples
    --------
    >>> share(47, 2), share(47, 9).workers
    (Share(workers=2, each=23, room=47), 6)
    """
    fitting = max(1, min(workers, room // LEAST))
    return Share(fitting, max(LEAST, min(wanted, room // fitting)), room)


_ROOM = """
SELECT least(current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
             - coalesce(current_setting('reserved_connections', true)::int, 0),
             (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
             (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()))
"""


def connection_room(url: str) -> int:
    """Connections that the server, the role and the database allow for serving, :data:`FOR_JOBS` left out.

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
    return int(row[0]) - FOR_JOBS
