"""Report of a month, and the line of time on which it happens."""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Act = Callable[[dt.datetime], None]
Progress = Callable[[int, int], object]


@dataclass
class MonthReport:
    """Counts of a worked month, and what could not be worked.

    Attributes
    ----------
    steps : Counter
        Steps by action.
    waiting : Counter
        Number of cases by the body that has no officer in the register: they wait for it.
    refused : list of str
        Steps that the service refused, with its reason.
    untold : list of dict
        What of a whole month is missing, in both languages.
    """

    clues: int = 0
    cases: int = 0
    published: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    untold: list[dict[str, str]] = field(default_factory=list)

    def tell(self, zh: str, en: str) -> None:
        """Add something that is missing."""
        self.untold.append({"zh": zh, "en": en})

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {**vars(self), "steps": dict(self.steps), "waiting": dict(self.waiting)}


class Timeline:
    """A queue of what happens, by time; each thing may put others into it, up to an end.

    Examples
    --------
    >>> told, end = [], dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    >>> line = Timeline(end)
    >>> line.add(end - dt.timedelta(hours=1), lambda at: told.append("second"))
    >>> line.add(end - dt.timedelta(hours=2), lambda at: told.append("first"))
    >>> line.add(end, lambda at: told.append("never"))
    >>> line.run(lambda done, total: None)
    >>> told
    ['first', 'second']
    """

    def __init__(self, until: dt.datetime) -> None:
        self.until = until
        self._queue: list[tuple[dt.datetime, int, Act]] = []
        self._order = itertools.count()

    def add(self, at: dt.datetime, act: Act) -> None:
        """Put something into the queue, unless the end comes first."""
        if at < self.until:
            heapq.heappush(self._queue, (at, next(self._order), act))

    def run(self, progress: Progress) -> None:
        """Let everything happen in order of time."""
        done = 0
        while self._queue:
            at, _, act = heapq.heappop(self._queue)
            act(at)
            done += 1
            progress(done, done + len(self._queue))
