"""ETag and Cache-Control: what may be kept, by whom, and when 304 is the answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from isal import isal_zlib
from starlette.requests import Request
from starlette.responses import Response

REVALIDATE = "public, no-cache"
"""Public layers: a cache may keep them but asks each time, so that no reader sees an old zone."""
PRIVATE = "private, no-store"
NEVER_KEPT = {"Cache-Control": "no-store"}
"""Header of answers with secrets."""
"""Rows of an area belong to the caller alone."""
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Not modified: `If-None-Match` names it"}
}
"""What a route declares whose answers have an ETag."""
GZIP_FROM_BYTES = 500
GZIP_LEVEL = 2
"""Of ISA-L: a tenth larger than zlib's fifth, in a sixth of its time."""
GZIP_FRAME = 31
"""Window bits of a gzip frame."""


def etag_of(body: bytes) -> str:
    """Return a weak tag of the content (weak: the same for the plain and the compressed form)."""
    return f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def strong_etag(version: int, body: bytes = b"", *, packed: bool = False) -> str:
    """Return a strong tag: the version of the row, and which bytes show it."""
    shown = hashlib.blake2b(body, digest_size=6).hexdigest()
    return f'"{version}-{shown}{"-gzip" if packed else ""}"'


def entity_tags(if_match: str) -> list[str]:
    """Return the tags of an ``If-Match`` without their quotes.

    Examples
    --------
    >>> entity_tags('"a", W/"b"')
    ['a', 'b']
    """
    return [tag.strip().removeprefix("W/").strip('"') for tag in if_match.split(",")]


def is_unchanged(request: Request, etag: str) -> bool:
    """Return whether the caller's ``If-None-Match`` names this content."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    return given.strip() == "*" or etag in (part.strip() for part in given.split(","))


def cached_response(
    request: Request,
    body: bytes,
    media_type: str,
    *,
    private: bool,
    headers: Mapping[str, str] | None = None,
    version: int | None = None,
) -> Response:
    """Return the body with its ETag, or 304 when the caller has it.

    Parameters
    ----------
    version : int or None
        Of a row that can be edited: the tag is strong then, and ``If-Match`` may name it.
    """
    packed = len(body) >= GZIP_FROM_BYTES and "gzip" in request.headers.get("accept-encoding", "")
    etag = etag_of(body) if version is None else strong_etag(version, body, packed=packed)
    shared = shared_headers(etag, private=private) | dict(headers or {})
    if media_type == "text/html":
        shared["Vary"] += ", Accept-Language"
    if is_unchanged(request, etag):
        return Response(status_code=304, headers=shared)
    if packed:
        body = gzip(body)
        shared["Content-Encoding"] = "gzip"
    return Response(body, media_type=media_type, headers=shared)


def shared_headers(etag: str, *, private: bool) -> dict[str, str]:
    """Return the headers that an answer and its 304 share."""
    return {
        "ETag": etag,
        "Cache-Control": PRIVATE if private else REVALIDATE,
        "Vary": "Accept, Accept-Encoding, Cookie" if private else "Accept, Accept-Encoding",
    }


def gzip(body: bytes) -> bytes:
    """Return the body compressed, without a time stamp, so that equal content gives equal bytes."""
    return isal_zlib.compress(body, GZIP_LEVEL, GZIP_FRAME)
