"""Rate limits: a bucket of tokens for each caller and class of requests, in the memory of one process.

A caller that is known without the database has buckets of its own; everybody else shares those of the
address, so that invented keys and cookies buy nothing. Each of N workers counts for itself: together they
allow N times as much.
"""

from __future__ import annotations

import ipaddress
import math
import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geo_api.auth.caller_lookup import known_caller
from geo_api.http.errors import problem_response

CAPACITY = 50_000
"""Buckets that are kept; the one that was used longest ago goes first."""


@dataclass(frozen=True)
class Limit:
    """So many requests a second, and so many at once after a pause."""

    per_second: float
    burst: float


DEFAULTS: Mapping[str, Limit] = {
    "tiles": Limit(20_000, 40_000),
    "reads": Limit(5_000, 10_000),
    "fixes": Limit(5_000, 10_000),
    "writes": Limit(200, 1_000),
    "exports": Limit(20, 200),
    "login": Limit(5, 400),
    "reports": Limit(0.5, 30),
}
"""Generous: they stop floods, not a console, a fleet behind one key, two hundred people who log in at nine, or a
benchmark. Guessing of passwords is held up long before (``WANGGE_LOGIN_FAILURES``).
"""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def limits_of(text: str) -> dict[str, Limit]:
    """Return the limits with those of a setting in their place; ``off``: none at all.

    Examples
    --------
    >>> limits_of("reads=10/20, login=0.5")["reads"], limits_of("login=0.5")["login"]
    (Limit(per_second=10.0, burst=20.0), Limit(per_second=0.5, burst=1.0))
    >>> limits_of("off")
    {}
    """
    if text.strip() == "off":
        return {}
    found = dict(DEFAULTS)
    for part in filter(None, (p.strip() for p in text.split(","))):
        match = re.fullmatch(r"(\w+)=(\d+(?:\.\d+)?)(?:/(\d+))?", part)
        if match is None or match[1] not in DEFAULTS or float(match[2]) <= 0 or match[3] == "0":
            raise ValueError(f"WANGGE_RATE_LIMITS: {part!r} is not {'|'.join(DEFAULTS)}=per second/burst")
        rate = float(match[2])
        found[match[1]] = Limit(rate, float(match[3] or max(1, math.ceil(rate))))
    return found


def networks_of(text: str) -> tuple[Network, ...]:
    """Networks of a setting: ``127.0.0.1, 10.0.0.0/8``."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def client_address(scope: Scope, trusted: tuple[Network, ...]) -> str:
    """Return the address of the client: the trusted proxies' entries, read from the nearest one outwards.

    Examples
    --------
    >>> scope = {"client": ("10.0.0.1", 5), "headers": [(b"x-forwarded-for", b"6.6.6.6, 9.9.9.9")]}
    >>> client_address(scope, ()), client_address(scope, networks_of("10.0.0.0/8"))
    ('10.0.0.1', '9.9.9.9')
    """
    address = str(scope["client"][0]) if scope.get("client") else ""
    if not trusted or not _is_in(address, trusted):
        return address
    told = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    for hop in reversed(told.decode("latin-1").split(",")):
        hop = hop.strip()
        try:
            ipaddress.ip_address(hop)
        except ValueError:
            return address
        address = hop
        if not _is_in(hop, trusted):
            break
    return address


def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)


def class_of(method: str, path: str) -> str | None:
    """Return the class of limits of a request; None: never limited (health, metrics, the files of pages).

    Examples
    --------
    >>> class_of("GET", "/collections/areas/tiles/WebMercatorQuad/8/1/2"), class_of("POST", "/v1/login")
    ('tiles', 'login')
    >>> class_of("POST", "/v1/assign"), class_of("GET", "/v1/tracks/osmand"), class_of("GET", "/health/live")
    ('reads', 'fixes', None)
    """
    if path.startswith(("/health/", "/static/", "/map", "/metrics")):
        return None
    if path.startswith("/v1/tracks"):
        return "fixes"
    if path == "/v1/login":
        return "login"
    if path.startswith("/v1/reports"):
        return "reports"
    if path.startswith("/collections/"):
        if "/tiles/" in path:
            return "tiles"
        if path.endswith("/export"):
            return "exports"
    if method in ("GET", "HEAD", "OPTIONS") or path.startswith("/v1/assign"):
        return "reads"
    return "writes"


class Buckets:
    """Buckets by key, used on one event loop.

    Examples
    --------
    >>> buckets = Buckets()
    >>> limit = Limit(per_second=1, burst=2)
    >>> [buckets.take("a", limit, now=100.0) for _ in range(3)]
    [1.0, 0.0, -1.0]
    >>> buckets.take("a", limit, now=101.0), buckets.take("b", limit, now=101.0)
    (0.0, 1.0)
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._levels: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, key: object, limit: Limit, now: float) -> float:
        """Take one token: how many are left, below 0 when there was none (nothing is taken then)."""
        levels = self._levels
        level, at = levels.get(key, (limit.burst, now))
        level = min(limit.burst, level + (now - at) * limit.per_second)
        left = level - 1.0
        levels[key] = (left if left >= 0 else level, now)
        levels.move_to_end(key)
        if len(levels) > self._capacity:
            levels.popitem(last=False)
        return left


class RateLimits:
    """Refuses with 429 what goes beyond a limit, and tells every caller what is left.

    Parameters
    ----------
    limits : mapping of str to Limit
        By class; a class that is missing is not limited.
    trusted : tuple of networks
        Proxies whose ``X-Forwarded-For`` is believed.
    """

    def __init__(
        self, app: ASGIApp, *, limits: Mapping[str, Limit], trusted: tuple[Network, ...] = ()
    ) -> None:
        self._app = app
        self._limits = limits
        self._trusted = trusted
        self._policies = {
            name: (
                b"ratelimit-policy",
                f'"{name}";q={limit.burst:.0f};w={max(1, math.ceil(limit.burst / limit.per_second))}'.encode(),
            )
            for name, limit in limits.items()
        }
        self.buckets = Buckets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["address"] = address = client_address(scope, self._trusted)
        name = class_of(scope["method"], scope["path"])
        limit = self._limits.get(name) if name else None
        if name is None or limit is None:
            await self._app(scope, receive, send)
            return
        caller = known_caller(scope)
        who = caller.username if caller is not None and caller.logged_in else None
        left = self.buckets.take((name, who, None if who else address), limit, time.monotonic())
        told = (
            f'"{name}";r={max(0, int(left))};t={math.ceil(max(0.0, limit.burst - left) / limit.per_second)}'
        ).encode()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), self._policies[name], (b"ratelimit", told)]
            await send(message)

        if left >= 0:
            await self._app(scope, receive, counted)
            return
        wait_s = max(1, math.ceil(-left / limit.per_second))
        refused = problem_response(
            Request(scope),
            "too-many-requests",
            f"More than {limit.per_second:g} requests a second ({name}): try again in {wait_s} s.",
            f"请求过于频繁，请在 {wait_s} 秒后重试。",
            headers={"Retry-After": str(wait_s)},
        )
        await refused(scope, receive, counted)
