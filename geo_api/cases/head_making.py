"""Making of heads: while the service runs, what waits comes under a head within seconds.

Every process looks; the database lets one at a time make a head. The newest head is kept beside the key, so
that a database that lost its last heads is noticed.
"""

from __future__ import annotations

import asyncio
import datetime as dt

import anyio
import anyio.to_thread
import structlog

from geo_api.cases.chain_keys import ChainKeys, WrongChainKey
from grid.cases import NewestHead, has_head, make_head
from layers.postgres import SYSTEM, session
from layers.tasks import end_task

log = structlog.get_logger("geo_api.chain")
EVERY_S = 2.0


def make_heads(url: str, keys: ChainKeys) -> NewestHead | None:
    """Make heads until nothing waits; returns the last one.

    A head that this machine knows and the database has no more stays known until somebody accepts the chain
    as it is.

    Raises
    ------
    WrongChainKey
    """
    newest = None
    while True:
        signer = keys.signer()
        with session(SYSTEM, url) as db:
            made = make_head(db, signer, dt.datetime.now(dt.UTC))
            if made is None:
                return newest
            known = keys.known_head()
            whole = known is None or has_head(db, known)
        newest = made
        log.info("chain_head", sequence=made.sequence, hash=made.hash, key_id=signer.key_id)
        if whole:
            keys.remember(made)
        elif known is not None:
            log.error("chain_head_gone", sequence=known.sequence, hash=known.hash)


class HeadMaker:
    """Makes heads in the background of one process, on the event loop that it was started on."""

    def __init__(self, url: str, keys: ChainKeys) -> None:
        self._url = url
        self._keys = keys
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look for what waits from now on."""
        self._thread = anyio.CapacityLimiter(1)
        self._task = asyncio.create_task(self._run(), name="chain heads")

    async def stop(self) -> None:
        """End, after one last look."""
        if self._task is None:
            return
        await end_task(self._task)
        self._task = None
        await self._look()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            await self._look()

    async def _look(self) -> None:
        try:
            await anyio.to_thread.run_sync(make_heads, self._url, self._keys, limiter=self._thread)
        except WrongChainKey as error:
            log.error("chain_key", reason=str(error))
        except Exception as error:  # the database is away: what waits is not lost
            log.warning("chain_heads_wait", error=type(error).__name__)
