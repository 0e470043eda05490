"""Fetch over HTTP: what changed (ETag, Last-Modified), from the host that ``city.toml`` names and no other."""

from __future__ import annotations

import hashlib
import http.client
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from geo_api.imports.folders import not_taken
from geo_api.sharing.addresses import IpNetwork, target_of
from geo_api.sharing.pinned_connection import PinnedConnection
from geo_api.sources.found import Fetched, Found, SourceFailed, too_large
from layers.deliveries import FoundContent

WHOLE_S = 600.0
"""A source has so long for everything; one that sends a byte at a time is cut off."""
READ_S = 30.0
"""Longest silence between two parts of an answer."""
BLOCK_BYTES = 1 << 20
NOT_MODIFIED = 304


def fetch(
    url: str,
    kind: str,
    position: Mapping[str, Any],
    incoming: Path,
    limit_bytes: int,
    allowed: Sequence[IpNetwork],
    *,
    headers: Mapping[str, str] | None = None,
    file_name: str | None = None,
) -> Fetched:
    """Fetch a file when it changed since the last time.

    Parameters
    ----------
    position : mapping
        ``etag``, ``last_modified`` and ``sha256`` of the last time.
    headers : mapping, optional
        Credentials.
    file_name : str, optional
        What the content is called, when the path of the URL does not end in it.

    Raises
    ------
    SourceFailed
        Another status than 200 and 304, too large, or cut off before its end.
    geo_api.sharing.addresses.AddressRefused
    OSError, http.client.HTTPException
    """
    name = file_name or unquote(PurePosixPath(urlsplit(url).path).name)
    if reason := not_taken(Path(name), kind):
        raise SourceFailed(
            f"{name or url}: {reason}; name it with file_name", f"{name}：请用 file_name 指明文件名"
        )
    target = target_of(url, allowed, setting="WANGGE_SOURCE_NETWORKS")
    connection = PinnedConnection(target)
    end = threading.Timer(WHOLE_S, connection.cut)
    end.daemon = True
    end.start()
    try:
        connection.request("GET", target.path, headers=_asked(position) | dict(headers or {}))
        connection.sock.settimeout(READ_S)
        answer = connection.getresponse()
        if answer.status == NOT_MODIFIED:
            return Fetched()
        _check(answer, url, limit_bytes)
        path = incoming / "0" / Path(name).name
        path.parent.mkdir()
        digest, size = _saved(answer, path, name, limit_bytes)
    finally:
        end.cancel()
        connection.close()
    return _fetched(url, answer, path, digest, size, position)


def _asked(position: Mapping[str, Any]) -> dict[str, str]:
    """Return headers that ask for what changed."""
    asked = {"User-Agent": "wangge-sources/1", "Accept-Encoding": "identity"}
    if position.get("etag"):
        asked["If-None-Match"] = str(position["etag"])
    elif position.get("last_modified"):
        asked["If-Modified-Since"] = str(position["last_modified"])
    return asked


def _check(answer: http.client.HTTPResponse, url: str, limit_bytes: int) -> None:
    if answer.status != 200:
        moved = " (redirects are not followed)" if 300 <= answer.status < 400 else ""
        raise SourceFailed(f"{url}: status {answer.status}{moved}", f"返回状态 {answer.status}")
    if answer.getheader("Content-Encoding", "identity") != "identity":
        raise SourceFailed(f"{url}: an encoding that was not asked for", "返回了未请求的压缩编码")
    if answer.length is not None and answer.length > limit_bytes:
        raise too_large(url, limit_bytes)


def _saved(answer: http.client.HTTPResponse, path: Path, name: str, limit_bytes: int) -> tuple[str, int]:
    """Write the body of an answer; return its SHA-256 and its bytes."""
    said = answer.length
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        while block := answer.read(BLOCK_BYTES):
            size += len(block)
            if size > limit_bytes:
                raise too_large(name, limit_bytes)
            digest.update(block)
            file.write(block)
    if said is not None and size != said:
        raise SourceFailed(f"{name}: cut off after {size:,} of {said:,} bytes", f"{name}：传输中断")
    return digest.hexdigest(), size


def _fetched(
    url: str,
    answer: http.client.HTTPResponse,
    path: Path,
    digest: str,
    size: int,
    position: Mapping[str, Any],
) -> Fetched:
    etag, modified = answer.getheader("ETag"), answer.getheader("Last-Modified")
    now = {"etag": etag, "last_modified": modified, "sha256": digest}
    if position.get("sha256") == digest:  # a server without validators, or with new ones for the same content
        return Fetched(position=now)
    content = FoundContent(url, etag or modified or digest, path.name, digest, size)
    return Fetched([Found(content, path, now)])
