"""Tasks in the background of an event loop."""

from __future__ import annotations

import asyncio
import contextlib


async def end_task(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it has ended."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
