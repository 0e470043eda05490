"""A connection to the address that was resolved and checked, and no other."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from functools import lru_cache

from geo_api.sharing.addresses import Target

CONNECT_S = 5.0


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class PinnedConnection(http.client.HTTPConnection):
    """A connection to the address that was resolved, under the name of the host."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=CONNECT_S)
        self.default_port = 443 if target.scheme == "https" else 80
        self._target = target

    def connect(self) -> None:
        """Connect to the address that was checked."""
        plain = socket.create_connection((self._target.address, self._target.port), CONNECT_S)
        if self._target.scheme == "https":
            self.sock = _tls().wrap_socket(plain, server_hostname=self._target.host)
        else:
            self.sock = plain

    def cut(self) -> None:
        """End whatever is going on."""
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)
