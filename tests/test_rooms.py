"""The second level of every package is a subject; what a room offers stands in its ``__all__``."""

from __future__ import annotations

import ast
import importlib
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.parsed_modules import parsed

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
EVERY_FOLDER = [
    folder
    for package in PACKAGES
    for folder in (ROOT / package, *sorted((ROOT / package).rglob("*")))
    if folder.is_dir() and not APART & set(folder.relative_to(ROOT).parts) and any(folder.glob("*.py"))
]
"""Rooms inside of rooms too."""
RIDDLES = re.compile(r"(?:What|Those|That which|One who|They|Whoever|How|Who|Whom|Which|Where|When)\b")
FORBIDDEN_IN_MODELS = {"sqlalchemy", "psycopg", "fastapi", "starlette", "requests", "httpx"}


def _name(folder: Path) -> str:
    return folder.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("folder", EVERY_FOLDER, ids=_name)
def test_no_folder_is_a_hall(folder: Path) -> None:
    modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES, (
        f"{_name(folder)} holds {len(modules)} modules: make rooms by subject"
    )


@pytest.mark.parametrize("folder", EVERY_FOLDER, ids=_name)
def test_every_room_says_what_it_is(folder: Path) -> None:
    for path in folder.glob("*.py"):
        assert ast.get_docstring(parsed(path)), path


def _public_docstrings(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield name, ast.get_docstring(node) or ""
    for child in getattr(node, "body", []) if isinstance(node, ast.Module | ast.ClassDef) else []:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if not child.name.startswith("_"):
                yield from _public_docstrings(child, f"{name}.{child.name}")


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_public_docstrings_begin_with_a_plain_statement(folder: Path) -> None:
    for path in folder.glob("*.py"):
        tree = parsed(path)
        for name, docstring in _public_docstrings(tree, _name(path)):
            first = docstring.split("\n")[0]
            assert first.endswith(".") and len(first) <= 120, f"{name}: {first!r}"
            assert not RIDDLES.match(first), f"{name}: {first!r}"
            sections = re.findall(r"^([A-Z]\w+)\n-{3,}$", docstring, re.MULTILINE)
            assert len(sections) == len(set(sections)), f"{name}: {sections}"


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_what_a_room_offers_is_all_that_it_imports(folder: Path) -> None:
    tree = parsed(folder / "__init__.py")
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
        for node in ast.walk(parsed(path)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & FORBIDDEN_IN_MODELS, path.name
            called = node.func if isinstance(node, ast.Call) else None
            assert not (isinstance(called, ast.Name) and called.id == "open"), path.name


KNOWS_DATABASE_ERRORS = {
    "geo_api/http/errors.py": "maps them to statuses",
    "geo_api/auth/access_records.py": "rows wait while the database is away",
    "geo_api/features/change_feed.py": "a stream goes on while the database cannot say who listens",
    "geo_api/auth/caller_lookup.py": "who is logged in reads on while the database takes no writes",
    "geo_api/cli/check_database.py": "an error of the database is a finding",
}
"""Modules of geo_api that catch what the database raises, with the reason."""
TYPES_OF_THE_DATABASE = {"Session", "Connection"}
"""Types that geo_api hands down and whose methods it never calls itself."""
ASKS_THE_DATABASE = {"execute", "scalar", "scalars", "exec_driver_sql", "stream_scalars", "driver_connection"}


def test_geo_api_holds_no_sql() -> None:
    catching = set()
    for path in sorted((ROOT / "geo_api").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(parsed(path)):
            imported = (
                {alias.name for alias in node.names}
                if isinstance(node, ast.Import | ast.ImportFrom)
                else set()
            )
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            if module == "sqlalchemy.exc" or "psycopg" in imported:
                catching.add(name)
            elif module.split(".")[0] in ("sqlalchemy", "psycopg"):
                assert imported <= TYPES_OF_THE_DATABASE, f"{name} imports {imported} of {module}"
            assert not any(one.split(".")[0] == "sqlalchemy" for one in imported if not module), name
            if isinstance(node, ast.Attribute) and node.attr in ASKS_THE_DATABASE:
                raise AssertionError(f"{name}:{node.lineno} asks the database: a room of layers or grid does")
    assert catching == set(KNOWS_DATABASE_ERRORS)


def test_the_table_of_modules_is_what_the_tree_says() -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "write_module_table.py"))["page"]()
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert text == page, "run scripts/write_module_table.py"
