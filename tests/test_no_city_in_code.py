"""Nothing of one city stands in code outside of the demo.

Names, codes, prefixes, systems and places are of its file.

Python is read as a tree: texts and numbers count, docstrings do not, where examples name real places. Of the
console's TypeScript and of SQL every line counts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("geo_api", "grid", "layers", "maps", "spatial_models")
DEMO = ROOT / "geo_api" / "demo_city"
OF_A_COUNTRY = ROOT / "layers" / "codes" / "gcj_region.py"
"""The outline inside which GCJ-02 is shifted: it passes Nantong's longitudes."""
OF_A_CITY = re.compile(
    r"南通|Nantong|nantong|\bNT\b|\bNT\d{8}|ECO-RESUME|(?<!\d)3206\d\d|苏F"
    r"|(?<!\d)4549(?!\d)|(?<![\d.])(?:119\.9|12[01]\.)\d*(?![\d.])"
)
"""Names, codes, the prefix, the matter, the system in metres, and longitudes of Nantong."""
WEST, EAST = 119.9, 122.0


def _files(*endings: str) -> list[Path]:
    return [
        path
        for package in PACKAGES
        for ending in endings
        for path in sorted((ROOT / package).rglob(f"*{ending}"))
        if DEMO not in path.parents
        and not {"node_modules", "__pycache__", "dist", "static"} & set(path.parts)
        and ".spec." not in path.name
    ]


def _docstrings(tree: ast.AST) -> set[int]:
    """Ids of constants that are statements of their own: docstrings, also those of variables."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def findings_of(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    documentation = _docstrings(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in documentation:
            continue
        value = node.value
        if isinstance(value, str) and (found := OF_A_CITY.search(value)):
            yield f"{node.lineno}: {found[0]}"
        elif (isinstance(value, float) and WEST <= value <= EAST) or value == 4549:
            yield f"{node.lineno}: {value}"


def test_no_python_names_a_city() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{finding}"
        for path in _files(".py")
        if path != OF_A_COUNTRY
        for finding in findings_of(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_page_and_no_sql_names_a_city() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in _files(".ts", ".sql", ".html", ".css")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (match := OF_A_CITY.search(line))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    ['PREFIX = "NT"', 'x = f"NT{day}"', 'ITEM = "ECO-RESUME-001"', "EPSG = 4549", "VIEW = [120.95, 32.15]",
     'CODE = "320623"', 'NAME = "南通市"', 'BOX = "120.5,31.8,121.2,32.3"'],
)  # fmt: skip
def test_the_scan_finds_what_stood_there(source: str) -> None:
    assert list(findings_of(source))
