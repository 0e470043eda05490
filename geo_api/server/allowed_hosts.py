"""Names under which the service answers.

Links are made of the request's host, so a foreign one is refused.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import socket

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from geo_api.http.errors import problem_response

_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
LONGEST_NAME = 253
"""Characters of a name in the domain name system."""
_PORT = re.compile(r":\d{1,5}")


def host_name(header: str) -> str | None:
    """Return the name or address of a ``Host`` header in lower case, without port; None when it is none.

    Examples
    --------
    >>> host_name("Map.City.example:8000"), host_name("[::1]:80"), host_name("a b"), host_name("10.0.0.1:x")
    ('map.city.example', '::1', None, None)
    """
    text = header.strip().lower()
    name, bracket, port = text[1:].partition("]") if text.startswith("[") else text.partition(":")
    port = port if bracket == "]" or not bracket else f":{port}"
    if port and _PORT.fullmatch(port) is None:
        return None
    if bracket == "]":
        return name if _address(name) else None
    name = name.removesuffix(".")
    return name if len(name) <= LONGEST_NAME and _NAME.fullmatch(name) else None


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_allowed(name: str, allowed: frozenset[str]) -> bool:
    """Whether the service answers under a name.

    Addresses, names without a dot, and the name of this machine need no setting: no page of somebody else has
    them.

    Examples
    --------
    >>> known = frozenset({"map.city.example", ".gov.example"})
    >>> [is_allowed(n, known) for n in ("127.0.0.1", "localhost", "map.city.example", "a.gov.example", "evil.example")]
    [True, True, True, True, False]
    """
    if _address(name) or "." not in name or name.endswith(".localhost") or name in allowed or "*" in allowed:
        return True
    if any(name.endswith(suffix) for suffix in allowed if suffix.startswith(".")):
        return True
    return name == _own_name()


@functools.cache
def _own_name() -> str:
    """Return the full name of this machine, asked once: the question may go to a name server."""
    return socket.getfqdn().lower()


class AllowedHosts:
    """Refuses requests for a host that is not this service's.

    Parameters
    ----------
    names : frozenset of str
        Further names; ``.city.example`` stands for every name under it, ``*`` for all.
    """

    def __init__(self, app: ASGIApp, *, names: frozenset[str]) -> None:
        self._app = app
        self._allowed = functools.lru_cache(maxsize=1024)(lambda header: self._judge(header, names))

    @staticmethod
    def _judge(header: str, names: frozenset[str]) -> bool:
        name = host_name(header)
        return name is not None and is_allowed(name, names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith("/health/"):
            await self._app(scope, receive, send)
            return
        told = [str(value, "latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(told) == 1 and self._allowed(told[0][:1000]):
            await self._app(scope, receive, send)
            return
        refused = problem_response(
            Request(scope),
            "unknown-host",
            "The service does not answer under this name; the operator sets WANGGE_ALLOWED_HOSTS.",
            "本服务不使用此域名；请管理员设置 WANGGE_ALLOWED_HOSTS。",
        )
        await refused(scope, receive, send)
