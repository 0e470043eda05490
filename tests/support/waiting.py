"""Waiting for what must come.

Asked again and again until it holds, with a deadline that a busy machine meets too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

PATIENCE_S = 120.0
"""How long a test waits for what must come: a busy machine is slow, and no test is about that."""
PAUSE_S = 0.05
Faults = tuple[type[Exception], ...]


def wait_until(
    holds: Callable[[], Any],
    what: str | Callable[[], str],
    deadline_s: float = PATIENCE_S,
    *,
    pause_s: float = PAUSE_S,
    despite: Faults = (),
) -> Any:
    """Ask until the answer is true, and give it; ``despite`` names the errors that mean "not yet"."""
    asked = _Asked(holds, what, deadline_s, despite)
    while not asked.answered():
        time.sleep(pause_s)
    return asked.answer


async def wait_until_async(
    holds: Callable[[], Awaitable[Any]],
    what: str,
    deadline_s: float = PATIENCE_S,
    *,
    pause_s: float = PAUSE_S,
) -> Any:
    """The same on an event loop, whose other tasks go on in between."""
    end = time.monotonic() + deadline_s
    while not (answer := await holds()):
        assert time.monotonic() < end, f"did not happen in {deadline_s:.0f} s: {what}"
        await asyncio.sleep(pause_s)
    return answer


class _Asked:
    """One question with its deadline."""

    def __init__(
        self, holds: Callable[[], Any], what: str | Callable[[], str], deadline_s: float, despite: Faults
    ) -> None:
        self.answer: Any = None
        self._holds, self._what, self._despite = holds, what, despite
        self._deadline_s, self._end = deadline_s, time.monotonic() + deadline_s

    def answered(self) -> bool:
        late = time.monotonic() > self._end
        try:
            self.answer = self._holds()
        except self._despite:
            if late:
                raise
            return False
        if late and not self.answer:
            told = self._what() if callable(self._what) else self._what
            raise AssertionError(f"did not happen in {self._deadline_s:.0f} s: {told}")
        return bool(self.answer)
