"""Callers that a process remembers, and how every process hears at once that one changed.

A remembered caller is used while two counts stand where they stood before it was read from the database: one
in a file that all processes of a machine share, raised by the process that writes before its answer leaves,
and one of this process, raised by a notice of the database (``wangge_accounts``: another machine, the command
line, plain SQL). Without the connection for notices nothing is remembered.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.orm import Session

from grid.areas import scope_area_ids
from grid.errors import UnknownArea
from layers.postgres import Listener, ListeningConnection, SharedCounters

if TYPE_CHECKING:
    from geo_api.auth.callers import Caller

log = structlog.get_logger("geo_api.access")
CHANNEL = "wangge_accounts"
REMEMBER_S = 10.0
"""Longest time between two looks at the database, should a notice be lost."""
CAPACITY = 20_000
Version = tuple[int, int]


def shared_count(path: Path) -> SharedCounters:
    """Return the count of changed accounts in that file, in its first place."""
    return SharedCounters(1, path, mode=0o666)


class KnownCallers:
    """Remembers callers by a digest of what they sent, and the areas below an area by its code.

    Parameters
    ----------
    url : str
        Database whose notices are heard.
    shared : Path
        File of the count that all processes of this machine share.
    """

    def __init__(self, url: str, shared: Path) -> None:
        self._listener = Listener(
            url,
            CHANNEL,
            name="wangge accounts",
            on_start=self._begin,
            on_notice=self._hear,
            on_loss=self._lose,
        )
        self._path = shared
        self._shared: SharedCounters | None = None
        self._heard = 0
        self._listening = False
        self._lock = threading.Lock()
        self._callers: OrderedDict[bytes, tuple[Version, float, Caller]] = OrderedDict()
        self._areas: dict[str, tuple[Version, float, tuple[int, ...]]] = {}

    @property
    def live(self) -> bool:
        """Return whether changes are heard, so that callers may be cached."""
        return self._listening

    def version(self) -> Version:
        """Return both change counts; read them *before* the database is queried."""
        return (self._shared.words[0] if self._shared else 0, self._heard)

    def changed(self) -> None:
        """Drop what every process of this machine remembers: call it after the commit, before the answer."""
        self._heard += 1
        if self._shared is None:
            self._open_shared()
        if self._shared is not None:
            self._shared.increment(0)

    def get(self, token: str) -> Caller | None:
        """Return the remembered caller, without the database; None: look it up."""
        if not self._listening:
            return None
        entry = self._callers.get(_digest(token))
        if entry is None or entry[0] != self.version() or time.time() >= entry[1]:
            return None
        return entry[2]

    def put(self, token: str, caller: Caller, version: Version, until: float) -> None:
        """Remember a caller that was read at ``version``, at most until that time (seconds since 1970)."""
        if not self._listening or version != self.version():
            return
        digest = _digest(token)
        with self._lock:
            self._callers[digest] = (version, min(until, time.time() + REMEMBER_S), caller)
            self._callers.move_to_end(digest)
            while len(self._callers) > CAPACITY:
                self._callers.popitem(last=False)

    def areas(self, db: Session, area_code: str) -> tuple[int, ...]:
        """Ids of that area in every version and of all below (``grid.areas.history.scope_area_ids``).

        None if it is not there.
        """
        version = self.version()
        entry = self._areas.get(area_code) if self._listening else None
        if entry is not None and entry[0] == version and time.time() < entry[1]:
            return entry[2]
        try:
            ids = tuple(scope_area_ids(db, area_code))
        except UnknownArea:  # an account of an area that is not loaded sees nothing
            return ()
        if self._listening:
            if len(self._areas) > CAPACITY:
                self._areas = {}
            self._areas[area_code] = (version, time.time() + REMEMBER_S, ids)
        return ids

    def start(self) -> None:
        """Begin to listen, and so to remember."""
        self._open_shared()
        self._listener.start()

    async def stop(self) -> None:
        """Forget, and end the connection."""
        self._listening = False
        await self._listener.stop()

    def _open_shared(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._shared = shared_count(self._path)
        except OSError as error:
            log.warning("no_shared_count", path=str(self._path), error=str(error))

    async def _begin(self, connection: ListeningConnection) -> None:
        self._heard += 1
        # Without the file a change in a sister process would be heard a moment late.
        self._listening = self._shared is not None

    def _hear(self, payload: str) -> None:
        self._heard += 1

    def _lose(self, error: Exception | None, retry_s: float) -> None:
        self._listening = False
        if error is not None:
            log.warning("accounts_lost", error=type(error).__name__, retry_s=retry_s)


def _digest(token: str) -> bytes:
    return hashlib.blake2b(token.encode("utf-8", "surrogateescape"), digest_size=16).digest()
