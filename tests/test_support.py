"""How tests are put together: what several of them set up stands in ``tests/support``."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for path in (ROOT / "tests").rglob("*.py") if "benchmarks" not in path.parts)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_test_module_is_imported(path: Path) -> None:
    """A test can be read, moved and run without another one; ``tests.support`` is what they share."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            assert name.split(".")[0] != "tests" or name.startswith("tests.support."), (
                f"{_name(path)}: {name}"
            )
