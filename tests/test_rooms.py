"""The second level of every package is a subject; what a room offers stands in its ``__all__``."""

from __future__ import annotations

import ast
import importlib
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("geo_api", "maps", "spatial_models", "grid", "layers")
MOST_MODULES = 16
APART = {"migrations", "web", "__pycache__"}
FOLDERS = [
    folder
    for package in PACKAGES
    for folder in (ROOT / package, *sorted((ROOT / package).iterdir()))
    if folder.is_dir() and folder.name not in APART and any(folder.glob("*.py"))
]
FORBIDDEN_IN_MODELS = {"sqlalchemy", "psycopg", "fastapi", "starlette", "requests", "httpx"}


def _name(folder: Path) -> str:
    return folder.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_no_folder_is_a_hall(folder: Path) -> None:
    modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES, (
        f"{_name(folder)} holds {len(modules)} modules: make rooms by subject"
    )


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_every_room_says_what_it_is(folder: Path) -> None:
    for path in folder.glob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_what_a_room_offers_is_all_that_it_imports(folder: Path) -> None:
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    offered = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    package = importlib.import_module(_name(folder).replace("/", "."))
    assert set(getattr(package, "__all__", [])) == offered


def test_models_read_no_database_and_no_service() -> None:
    for path in (ROOT / "spatial_models").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & FORBIDDEN_IN_MODELS, path.name
            called = node.func if isinstance(node, ast.Call) else None
            assert not (isinstance(called, ast.Name) and called.id == "open"), path.name


def test_the_table_of_modules_is_what_the_tree_says() -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "write_module_table.py"))["page"]()
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert text == page, "run scripts/write_module_table.py"
