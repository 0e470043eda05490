"""Text of JSON from outside: read once, strictly."""

from __future__ import annotations

from typing import Any

import orjson

MAX_DEPTH = 32
"""Lists and objects inside each other. A MultiPolygon in an operation of a change set has nine."""
_BRACKETS = b"[]{}"
_OTHER = bytes(set(range(256)) - set(_BRACKETS))


class UnfitJson(ValueError):
    """A text that is no JSON, or JSON that nobody may send.

    Attributes
    ----------
    message_en, message_zh : str
        The reason for people.
    """

    def __init__(self, message_en: str, message_zh: str) -> None:
        super().__init__(message_en)
        self.message_en = message_en
        self.message_zh = message_zh


def read_json(text: bytes) -> Any:
    """Read strict JSON in UTF-8 of bounded depth.

    Lone surrogates, ``NaN`` and ``Infinity`` are refused: the database can hold none of them.

    Raises
    ------
    UnfitJson

    Examples
    --------
    >>> read_json(b'{"note": "[[[", "points": [[120.9, 32.0]]}')
    {'note': '[[[', 'points': [[120.9, 32.0]]}
    >>> read_json(b"[" * 40 + b"]" * 40)
    Traceback (most recent call last):
        ...
    geo_api.http.json_text.UnfitJson: more than 32 lists or objects inside each other
    """
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnfitJson(
            f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})",
            f"不是有效的 JSON（第 {error.lineno} 行第 {error.colno} 列）",
        ) from error
    if _is_deeper(text, MAX_DEPTH) and _is_deeper(_without_strings(text), MAX_DEPTH):
        raise UnfitJson(
            f"more than {MAX_DEPTH} lists or objects inside each other", f"JSON 嵌套超过 {MAX_DEPTH} 层"
        )
    return found


def _is_deeper(text: bytes, depth: int) -> bool:
    """Whether brackets stand deeper than ``depth``.

    Pairs without content are taken out once for each level.
    """
    left = text.translate(None, _OTHER)
    for _ in range(depth):
        if not left:
            return False
        left = left.replace(b"[]", b"").replace(b"{}", b"")
    return bool(left)


def _without_strings(text: bytes) -> bytes:
    """Return the text without what stands between quotation marks; escapes are taken out first."""
    plain = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(plain.split(b'"')[::2])
