"""How tests are put together: what several of them set up stands in ``tests/support``."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for path in (ROOT / "tests").rglob("*.py") if "benchmarks" not in path.parts)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def nodes() -> list[tuple[Path, ast.AST]]:
    """Every node of every module of the tests."""
    return [
        (path, node) for path in MODULES for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]


def test_no_test_module_is_imported(nodes: list[tuple[Path, ast.AST]]) -> None:
    """A test can be read, moved and run without another one; ``tests.support`` is what they share."""
    for path, node in nodes:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            assert not name.startswith("tests") or name.split(".")[:2] == ["tests", "support"], (
                f"{_name(path)}: {name}"
            )


PAUSES = {
    "tests/support/waiting.py": "the one place that asks again and again, with a deadline",
    "tests/support/drills/crowd.py": "viewers think between two questions",
    "tests/layers/test_reading.py": "processor time is measured over an interval in which nothing happens",
}
"""Modules that may pause, and why."""


def test_no_test_waits_a_fixed_time(nodes: list[tuple[Path, ast.AST]]) -> None:
    """A fixed time is too short on a busy machine and too long on a quiet one.

    ``tests.support.waiting`` asks again.

    ``sleep(0)`` gives an event loop a turn and waits for nothing.
    """
    for path, node in nodes:
        if isinstance(node, ast.Call) and _called(node) in ("sleep", "wait_for_timeout"):
            (for_s,) = node.args
            nothing = isinstance(for_s, ast.Constant) and for_s.value == 0
            assert nothing or _name(path) in PAUSES, f"{_name(path)}:{node.lineno} waits a fixed time"


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
