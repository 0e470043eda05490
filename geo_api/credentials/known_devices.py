"""Known devices: browsers in which a person has logged in before, told by a signed cookie.

The cookie opens nothing. It only gives its browser guesses of its own, so that whoever guesses from many
addresses cannot keep the person out (``geo_api.credentials.login_throttle``).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

DEVICE_COOKIE = "wangge_device"
DEVICE_DAYS = 180
_MOST_PEOPLE = 5
"""People of one browser that its cookie remembers: the desks of a command centre are shared."""
_MOST_CHARACTERS = 2_000
_SEPARATOR = "~"


def add_device(key: bytes, username: str, cookie: str, now: float | None = None) -> str:
    """Return the cookie of a browser in which that person has logged in, with those who did before.

    Parameters
    ----------
    key : bytes
        Signing key of the installation.
    cookie : str
        Cookie that the browser sent; may be empty.
    now : float or None
        Seconds since 1970; None: the clock.
    """
    day = int((time.time() if now is None else now) // 86_400)
    nonce = secrets.token_urlsafe(12)
    others = [part for part in _parts(cookie) if not _belongs(key, username, part)]
    mine = f"{nonce}.{day}.{_signature(key, username, nonce, day)}"
    return _SEPARATOR.join([mine, *others][:_MOST_PEOPLE])


def find_device(key: bytes, username: str, cookie: str, now: float | None = None) -> str | None:
    """Return the name of the browser if that person has logged in with it; None: not, or too long ago.

    Examples
    --------
    >>> cookie = add_device(b"key", "zhang", "", now=0)
    >>> find_device(b"key", "zhang", cookie, now=0) == cookie.split(".")[0], find_device(b"key", "li", cookie, now=0)
    (True, None)
    >>> find_device(b"key", "zhang", cookie, now=181 * 86_400), find_device(b"other", "zhang", cookie, now=0)
    (None, None)
    """
    today = int((time.time() if now is None else now) // 86_400)
    for part in _parts(cookie):
        nonce, day, _ = part.split(".")
        if _belongs(key, username, part) and 0 <= today - int(day) <= DEVICE_DAYS:
            return nonce
    return None


def _parts(cookie: str) -> list[str]:
    parts = cookie[:_MOST_CHARACTERS].split(_SEPARATOR)[:_MOST_PEOPLE]
    return [
        part
        for part in parts
        if part.isascii()
        and part.count(".") == 2
        and 0 < len(part.split(".")[1]) < 8
        and part.split(".")[1].isdigit()
    ]


def _belongs(key: bytes, username: str, part: str) -> bool:
    nonce, day, signature = part.split(".")
    return hmac.compare_digest(signature, _signature(key, username, nonce, int(day)))


def _signature(key: bytes, username: str, nonce: str, day: int) -> str:
    own_key = hmac.digest(key, b"wangge known devices", "sha256")
    told = f"{nonce}.{day}.{username}".encode("utf-8", "surrogateescape")
    return hmac.new(own_key, told, hashlib.sha256).hexdigest()[:43]
