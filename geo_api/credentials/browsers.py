"""Browsers in plain words: name, version and system from a ``User-Agent``."""

from __future__ import annotations

import re
from typing import NamedTuple

_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("QQBrowser", "QQ Browser"),
    ("360SE|QihooBrowser", "360"),
    ("EdgA?|EdgiOS", "Edge"),
    ("OPR", "Opera"),
    ("Firefox|FxiOS", "Firefox"),
    ("Chrome|CriOS|Chromium", "Chrome"),
    (r"Version(?=/[\d.]+ (?:Mobile/\w+ )?Safari)", "Safari"),
    ("curl", "curl"),
)
"""Marks in the order in which they count: almost every browser calls itself Chrome and Safari, too."""
_SYSTEMS = (
    ("HarmonyOS|OpenHarmony", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS X|Macintosh", "macOS"),
    ("Linux|X11", "Linux"),
)


class Browser(NamedTuple):
    """Name with the version, and system; None: not known."""

    name: str | None
    system: str | None


def read_browser(user_agent: str | None) -> Browser:
    """Return browser and system of a ``User-Agent``.

    Examples
    --------
    >>> read_browser("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36 Edg/141.0.1")
    Browser(name='Edge 141', system='Windows')
    >>> read_browser("python-httpx2/2.16"), read_browser(None)
    (Browser(name=None, system=None), Browser(name=None, system=None))
    """
    text = user_agent or ""
    for mark, name in _BROWSERS:
        if found := re.search(rf"(?:{mark})/(\d+)", text):
            return Browser(f"{name} {found[1]}", _system(text))
    return Browser(None, _system(text))


def _system(text: str) -> str | None:
    return next((name for mark, name in _SYSTEMS if re.search(mark, text)), None)
