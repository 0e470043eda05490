"""The package's door lists what is behind it, and what is behind it stays pure."""

from __future__ import annotations

import ast
from pathlib import Path

import spatial_models

FOLDER = Path(spatial_models.__file__).parent
FORBIDDEN = {
    "sqlalchemy",
    "psycopg",
    "fastapi",
    "starlette",
    "requests",
    "httpx",
    "geo_api",
    "maps",
    "layers",
}


def test_door_lists_every_module() -> None:
    modules = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
    assert sorted(spatial_models.__all__) == modules


def test_no_module_reads_files_or_a_database() -> None:
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & FORBIDDEN, path.name
            called = node.func if isinstance(node, ast.Call) else None
            assert not (isinstance(called, ast.Name) and called.id == "open"), path.name


def test_modules_are_short() -> None:
    for path in FOLDER.glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path.name
