"""Size of the files that come over the wire before the page is there."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

DIST = Path(__file__).parents[2] / "maps" / "web" / "dist"
MOST_KB = 600
FRAME_KB = 60
"""Script of the frame, without the map: what the first paint waits for."""


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    path = DIST / ".vite" / "manifest.json"
    assert path.is_file(), "the console is not built: python hatch_build.py run build"
    parts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return parts


def with_imports(manifest: dict[str, Any], *names: str) -> set[str]:
    """Parts and everything that they import at once."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += manifest[name].get("imports", [])
    return found


def size_kb(manifest: dict[str, Any], parts: set[str]) -> float:
    files = {manifest[name]["file"] for name in parts}
    return sum(len(gzip.compress((DIST / file).read_bytes(), 6)) for file in files) / 1000


def test_the_start_is_small(manifest: dict[str, Any]) -> None:
    entry = with_imports(manifest, "index.html")
    assert size_kb(manifest, entry) <= FRAME_KB
    first = with_imports(manifest, "index.html", "src/map/start.ts", "src/views/overview.ts")
    assert size_kb(manifest, first) <= MOST_KB


def test_views_and_what_only_they_need_are_loaded_when_they_are_opened(manifest: dict[str, Any]) -> None:
    first = with_imports(manifest, "index.html", "src/map/start.ts", "src/views/overview.ts")
    for view in ("alerts", "card", "cases", "case", "assign", "editing/edit"):
        name = f"src/views/{view}.ts"
        assert manifest[name]["isDynamicEntry"] and name not in first
    text = "".join((DIST / manifest[name]["file"]).read_text(encoding="utf-8") for name in first)
    assert "uplot" not in text and "terra-draw" not in text.lower()


def test_the_map_is_asked_for_from_the_start(manifest: dict[str, Any]) -> None:
    html = (DIST / "index.html").read_text(encoding="utf-8")
    for name in with_imports(manifest, "index.html", "src/map/start.ts"):
        assert manifest[name]["file"] in html
