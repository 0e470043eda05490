"""Views of the console, for tests and pictures that look at every one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import APIRequestContext

SIZES = {
    "desk": (1366, 768),
    "large": (1920, 1080),
    "phone": (390, 844),
    "small": (360, 640),
    "wall": (3840, 2160),
}
"""Widths and heights of the screens that the console is made for, pixels."""
PLAIN = (
    "overview", "alerts", "models", "runs", "cases", "dispatches", "intake", "figures", "registers", "proposals",
    "imports", "sources", "assign", "account",
)  # fmt: skip


@dataclass(frozen=True)
class View:
    """A view: its name in files, its part of the address, and the role that looks at it (none: nobody logged in)."""

    name: str
    address: str
    role: str | None = "dispatcher"


def views_of(address: str, asked: APIRequestContext) -> Iterator[View]:
    """Return every view, with an alert, a case and a clue that the city has; a dispatcher asks for these."""
    alert, case = (
        _first(asked, f"{address}/collections/{name}/items?limit=1") for name in ("alerts", "cases")
    )
    clue = _first(asked, f"{address}/v1/clues?limit=1")
    yield View("public", "", None)
    yield from (View(name, f"view={name}") for name in PLAIN)
    if alert:
        yield View("alert", f"view=alert/{alert['id']}")
    if case:
        yield View("case", f"view=case/{case['properties']['number']}")
    if clue:
        yield View("clue", f"view=clue/{clue['id']}")
    yield View("edit", "view=edit", "grid_manager")
    yield View("officer", "view=cases", "officer")
    yield View("webhooks", "view=webhooks", "supervisor")


def _first(asked: APIRequestContext, url: str) -> dict[str, Any] | None:
    """The first feature or row of a list."""
    answer = asked.get(url)
    document = answer.json() if answer.ok else {}
    rows = (value for value in document.values() if isinstance(value, list) and value and "id" in value[0])
    return next(rows, [None])[0]
