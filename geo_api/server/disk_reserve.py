"""Writes are refused while the disk of the private database has only its reserve left; reads go on."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from geo_api.auth.access import SAFE_METHODS, current_caller
from geo_api.http.errors import no_room
from geo_api.server.request_limits import refuse
from layers.private_server import DiskSpace

FIXES = "/v1/tracks"
"""Fixes are written under this path, by GET too."""
SMALL_OR_NONE = ("/v1/assign", "/v1/login", "/v1/logout")
"""These write nothing, or what reading needs."""


def is_write(method: str, path: str) -> bool:
    """Return whether a request writes rows that could wait.

    Examples
    --------
    >>> is_write("GET", "/collections/sites/items"), is_write("GET", "/v1/tracks/osmand")
    (False, True)
    >>> is_write("POST", "/v1/change-sets"), is_write("POST", "/v1/change-sets/preview")
    (True, False)
    >>> is_write("POST", "/v1/assign"), is_write("PATCH", "/collections/sites/items/1")
    (False, True)
    """
    if path.startswith(FIXES):
        return True
    return method not in SAFE_METHODS and not (path.startswith(SMALL_OR_NONE) or path.endswith("/preview"))


class DiskReserve:
    """Answers 507 to writes of those who may call, while only the reserve is left.

    Parameters
    ----------
    disk : DiskSpace
        Disk of the private database.
    """

    def __init__(self, app: ASGIApp, *, disk: DiskSpace) -> None:
        self._app = app
        self._disk = disk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not is_write(scope["method"], scope["path"]) or not self._disk.is_spent:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            (await current_caller(request)).check_login()
        except Exception as error:
            await refuse(request, error, send)
            return
        await refuse(request, no_room(), send)


class DiskMetric(Collector):
    """Free space of the data folder's disk at the moment of asking."""

    def __init__(self, disk: DiskSpace) -> None:
        self._disk = disk

    def collect(self) -> Iterator[Metric]:
        """Return one gauge."""
        yield GaugeMetricFamily(
            "wangge_data_folder_free_bytes",
            "Free space of the disk of the data folder",
            value=self._disk.free_bytes(),
        )
