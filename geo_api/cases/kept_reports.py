"""Public reports that were made once and are kept: whoever asks again gets the same bytes."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

KEPT = 8
KEPT_S = 3_600.0
"""Outlines of areas in a report may have changed since; an hour later it is made again."""


class KeptReports:
    """Reports by their key; one thread makes a report while the others wait for it.

    Examples
    --------
    >>> kept, made = KeptReports(), []
    >>> [kept.get("a", lambda: made.append(1) or b"report") for _ in range(3)], len(made)
    ([b'report', b'report', b'report'], 1)
    """

    def __init__(self, kept: int = KEPT, kept_s: float = KEPT_S) -> None:
        self._kept, self._kept_s = kept, kept_s
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}
        self._reports: OrderedDict[Hashable, tuple[float, bytes]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Return the report of a key, made by ``make`` when there is none that is young enough."""
        if (found := self._find(key)) is not None:
            return found
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        try:
            with making:
                if (found := self._find(key)) is not None:
                    return found
                report = make()
                with self._lock:
                    self._reports[key] = (time.monotonic(), report)
                    while len(self._reports) > self._kept:
                        self._reports.popitem(last=False)
                return report
        finally:
            with self._lock:
                self._making.pop(key, None)

    def _find(self, key: Hashable) -> bytes | None:
        with self._lock:
            made_at, report = self._reports.get(key, (0.0, b""))
            return report if report and time.monotonic() - made_at < self._kept_s else None
