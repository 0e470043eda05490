"""Errors of pictures.

::

    MapError
    ├── MissingAsset       a map element wants a file that is not shipped
    └── InvalidLayer       a layer that cannot be drawn
"""

from __future__ import annotations


class MapError(Exception):
    """Base of this package's errors."""


class MissingAsset(MapError):
    """A map element wants a file that is not shipped; the page would ask another host for it."""

    def __init__(self, name: str, url: str) -> None:
        super().__init__(f"no shipped file for {name!r} ({url})")
        self.name = name
        self.url = url


class InvalidLayer(MapError):
    """A layer that cannot be drawn; the message says why."""
