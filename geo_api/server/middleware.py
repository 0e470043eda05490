"""Around every request: its id, HEAD, security headers, one log line, metrics, the access log."""

from __future__ import annotations

import asyncio
import random
import re
import secrets
import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geo_api.auth.access import Caller, is_logged, row_of_call
from geo_api.auth.access_records import AccessRecords
from geo_api.http.caching import PRIVATE
from geo_api.http.errors import unforeseen
from geo_api.http.logs import request_line
from geo_api.server.worker_processes import metrics_folder

RawHeader = tuple[bytes, bytes]
_NOBODY = Caller()
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class Metrics:
    """Counts of one application.

    Parameters
    ----------
    measured : Collector
        What is measured when somebody asks, and not counted by each process.
    """

    def __init__(self, *measured: Collector) -> None:
        self.measured = measured
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "wangge_requests_total", "Answers", ["method", "route", "status"], registry=self.registry
        )
        self.duration_s = Histogram(
            "wangge_request_seconds", "Time to answer", ["route"], registry=self.registry
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.access_log_lost = Counter(
            "wangge_access_log_lost_total",
            "Rows of the access log that were not written",
            registry=self.registry,
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answer."""
        key = (method, route, status)
        found = self._children.get(key)
        if found is None:
            found = (self.requests.labels(method, route, str(status)), self.duration_s.labels(route))
            self._children[key] = found
        found[0].inc()
        found[1].observe(seconds)


def content_security_policy(path: str, tile_origin: str) -> str:
    """Return the policy of a path: this host only, and the base map's host where one is configured.

    Reports are single files, with their scripts inside, and may ask nobody. Which scripts may run is said in
    the file itself (``maps.report_policy``); here they are shut off from the pages of this service.
    """
    if path.endswith("/report.html"):
        return (
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:;"
            " font-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts allow-modals"
        )
    return (
        (
            "default-src 'self'; script-src 'self'; worker-src 'self' blob:; style-src 'self'"
            f" 'unsafe-inline'; img-src 'self' data: blob: {tile_origin}; connect-src 'self' {tile_origin};"
            " font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors"
            " 'none'"
        )
        .replace("  ", " ")
        .replace(" ;", ";")
    )


_FIXED_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(), microphone=()"),
)
_KEPT_BY_SOME = (b"cache-control", b"no-cache")
"""A cache may keep the answer and asks each time.

It would hand it to others where the origin is not asked.
"""
_POLICY = b"content-security-policy"
_ENDS = (asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit)
"""Of a request or of the service; everything else that is raised is answered."""
_identify = random.Random(secrets.randbits(256)).getrandbits
"""Ids tell requests apart; they are no secret."""


class RequestFrame:
    """The outermost layer of the application.

    Parameters
    ----------
    records : AccessRecords
        Where rows of the access log go.
    metrics : Metrics
        Where answers are counted.
    tile_origin : str
        Scheme and host of the base map, or empty.
    """

    def __init__(
        self, app: ASGIApp, *, records: AccessRecords, metrics: Metrics, tile_origin: str = ""
    ) -> None:
        self._app = app
        self._records = records
        self._metrics = metrics
        self._tile_origin = tile_origin
        self._policies: dict[bool, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        scope["request_id"] = request_id = self._request_id(scope)
        head = scope["method"] == "HEAD"
        inner = {**scope, "method": "GET"} if head else scope
        inner["state"] = state = {**scope.get("state", {}), "head": head}
        status: int | None = None

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                await self._log_call(inner, scope["method"], status)
                message["headers"] = self._headers(
                    message.get("headers", ()), scope["path"], request_id, private=_is_known(state)
                )
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(inner, receive, framed)
        except BaseException as error:  # a panic of a library in Rust is no Exception
            if status is not None or isinstance(error, _ENDS):
                raise
            await unforeseen(Request(inner), error)(inner, receive, framed)
        finally:
            if status is None:
                await self._log_call(inner, scope["method"], 500)
            self._measure(inner, scope["method"], status or 500, time.perf_counter() - started)

    @staticmethod
    def _request_id(scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                given = str(value, "latin-1")
                if _REQUEST_ID.fullmatch(given):
                    return given
        return f"{_identify(64):016x}"

    def _headers(
        self, given: Iterable[RawHeader], path: str, request_id: str, *, private: bool
    ) -> list[RawHeader]:
        """Return the headers of an answer with the id, and with what the answer does not say itself.

        What somebody who is logged in gets is kept by no cache, unless the answer says that it is public.
        """
        headers = [header for header in given if not (private and header == _KEPT_BY_SOME)]
        said = {name for name, _ in headers}
        headers.append((b"x-request-id", request_id.encode("latin-1")))
        if private and b"cache-control" not in said:
            headers.append((b"cache-control", PRIVATE.encode()))
        if _POLICY not in said:
            headers.append((_POLICY, self._policy(path)))
        headers += [header for header in _FIXED_HEADERS if header[0] not in said]
        return headers

    def _policy(self, path: str) -> bytes:
        report = path.endswith("/report.html")
        found = self._policies.get(report)
        if found is None:
            found = self._policies[report] = content_security_policy(path, self._tile_origin).encode(
                "latin-1"
            )
        return found

    def _measure(self, scope: Scope, method: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "(none)"
        self._metrics.count(method, route, status, seconds)
        request_line(
            method=method,
            path=scope["path"],
            status=status,
            ms=round(seconds * 1000, 1),
            request_id=scope["request_id"],
            user=_caller_of(scope).scope.username,
        )

    async def _log_call(self, scope: Scope, method: str, status: int) -> None:
        """Put a call into the access log before its answer is sent."""
        if scope["state"].get("logged_status") == status:
            return  # written in the transaction of what the call did
        if is_logged(scope["path"], method, status):
            await self._records.add(row_of_call(scope, status, method=method, caller=_caller_of(scope)))


def _caller_of(scope: Scope) -> Caller:
    caller = scope["state"].get("caller")
    return caller if isinstance(caller, Caller) else _NOBODY


def _is_known(state: dict[str, object]) -> bool:
    caller = state.get("caller")
    return isinstance(caller, Caller) and caller.logged_in


YEAR_S = 31_536_000


class TransportSecurity:
    """Adds the header to every answer over https, which a trusted proxy may have ended (``X-Forwarded-Proto``)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope.get("scheme") != "https":
            await self._app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_S}")
            await send(message)

        await self._app(scope, receive, secured)


def exposition(metrics: Metrics) -> bytes:
    """Return the text of ``/metrics``: of this process, or of all workers when they count together."""
    folder = metrics_folder()
    asked = CollectorRegistry()
    for collector in metrics.measured:
        asked.register(collector)
    if folder is None:
        return generate_latest(metrics.registry) + generate_latest(asked)
    MultiProcessCollector(asked, path=folder)  # type: ignore[no-untyped-call]
    return generate_latest(asked)
