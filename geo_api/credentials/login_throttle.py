"""Throttle of logins: failures are counted for a name, an address, and both together, apart from known devices."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

FAILURES_OF_AN_ADDRESS = 20
"""As many times the failures of one name from one address are those of an address, whatever the names."""
FAILURES_OF_A_NAME = 4
"""As many times those are the failures of one name, whatever the addresses."""
WINDOWS_OF_A_NAME = 12
"""For so many windows failures of a name count, whatever the addresses."""
Bucket = tuple[str, str, str]


class LoginThrottle:
    """Counts failed logins in memory, at most ``capacity`` of them.

    A name is held up from one address, and from all addresses together: many addresses give no more guesses.
    A browser in which the person has logged in before (``device``) has a count of its own that the others do
    not touch: they cannot keep the person out. An attempt counts from its beginning, so that many at once are
    not more than one after the other.

    Parameters
    ----------
    failures : int
        Failures of a name from one address, or of a known device, until others must wait.
    window_s : int
        How long a failure counts.

    Examples
    --------
    >>> throttle = LoginThrottle(failures=2, window_s=60)
    >>> [throttle.begin("zhang", f"192.0.2.{host}") > 0 for host in range(9)]
    [False, False, False, False, False, False, False, False, True]
    >>> throttle.begin("zhang", "192.0.2.200", device="desk"), throttle.begin("li", "192.0.2.1")
    (0, 0)
    """

    def __init__(self, failures: int, window_s: int, capacity: int = 10_000) -> None:
        self._failures = failures
        self._window_s = window_s
        self._capacity = capacity
        self._times: OrderedDict[Bucket, list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, username: str, address: str, device: str | None = None) -> int:
        """Seconds until an attempt is allowed; when it is 0 the attempt counts as a failure from now on."""
        with self._lock:
            wait_s = self._wait_s(username, address, device)
            if not wait_s:
                self._add(username, address, device)
            return wait_s

    def take_back(self, username: str, address: str, device: str | None = None) -> None:
        """Forget the newest attempt: it was neither a success nor a failure."""
        with self._lock:
            for bucket in self._limits(username, address, device):
                if times := self._times.get(bucket):
                    times.pop()

    def succeeded(self, username: str, address: str, device: str | None = None) -> None:
        """Forget the failures of that name from there, and the attempt's own of the address and of the name."""
        self.take_back(username, address, device)
        with self._lock:
            self._times.pop(self._own(username, address, device), None)

    def _wait_s(self, username: str, address: str, device: str | None) -> int:
        waits = [0]
        for bucket, (most, window_s) in self._limits(username, address, device).items():
            recent = self._recent(bucket, window_s)
            if len(recent) >= most:
                waits.append(max(1, int(recent[-most] + window_s - time.monotonic()) + 1))
        return max(waits)

    def _limits(self, username: str, address: str, device: str | None) -> dict[Bucket, tuple[int, int]]:
        """Buckets of an attempt, with the failures that each holds and how long they count."""
        own = {self._own(username, address, device): (self._failures, self._window_s)}
        if device is not None:
            return own
        return {
            **own,
            ("address", "", address): (self._failures * FAILURES_OF_AN_ADDRESS, self._window_s),
            ("name", username, ""): (self._failures * FAILURES_OF_A_NAME, self._window_s * WINDOWS_OF_A_NAME),
        }

    @staticmethod
    def _own(username: str, address: str, device: str | None) -> Bucket:
        return ("both", username, address) if device is None else ("device", username, device)

    def _add(self, username: str, address: str, device: str | None) -> None:
        for bucket, (most, window_s) in self._limits(username, address, device).items():
            self._times[bucket] = [*self._recent(bucket, window_s), time.monotonic()][-most:]
            self._times.move_to_end(bucket)
        while len(self._times) > self._capacity:
            self._times.popitem(last=False)

    def _recent(self, bucket: Bucket, window_s: int) -> list[float]:
        since = time.monotonic() - window_s
        return [t for t in self._times.get(bucket, []) if t > since]
