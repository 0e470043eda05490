"""Every rule that an edit can be refused by, and every operation, has its words in the console, in both
languages.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from grid.change_sets.operations import OPS
from maps.glossary import glossary

ROOT = Path(__file__).parents[2]
SOURCES = [*(ROOT / "grid" / "topology").glob("*.py"), *(ROOT / "grid" / "change_sets").glob("*.py")]
"""Where edits are refused (other modules call the rules of routing rules too)."""


def rules() -> set[str]:
    """Rules by the calls that raise them (``topology_fault`` and ``TopologyFault``), and by what is given
    to a name ``rule``.
    """
    return {
        rule for path in SOURCES for node in ast.walk(ast.parse(path.read_text())) for rule in _rules(node)
    }


def _rules(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called in ("topology_fault", "TopologyFault") and node.args:
            yield from _texts(node.args[0])
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id == "rule":
                yield from _texts(node.value)
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for name, value in zip(target.elts, node.value.elts, strict=True):
                    if isinstance(name, ast.Name) and name.id == "rule":
                        yield from _texts(value)


def _texts(node: ast.expr) -> Iterator[str]:
    for part in ast.walk(node):
        if (
            isinstance(part, ast.Constant)
            and isinstance(part.value, str)
            and re.fullmatch(r"[a-z_]+", part.value)
        ):
            yield part.value


def words(group: str) -> dict[str, tuple[str, str]]:
    return {code: (term["zh"], term["en"]) for code, term in glossary()[group]["terms"].items()}


def test_every_rule_has_its_words() -> None:
    known = rules()
    assert {"line_does_not_cross", "overlap", "outside_parent", "no_such_corner", "empty_parent"} <= known
    missing = known - words("rule").keys()
    assert not missing, f"maps/glossary.json has no words for {sorted(missing)}"


def test_the_words_are_chinese_and_english() -> None:
    for rule, (zh, en) in words("rule").items():
        assert re.search(r"[\u4e00-\u9fff]", zh), rule
        assert not re.search(r"[\u4e00-\u9fff]", en), rule


def test_every_rule_is_in_the_documentation() -> None:
    page = (ROOT / "docs" / "grid.md").read_text()
    assert {rule for rule in rules() if f"`{rule}`" not in page} == set()


def test_every_operation_has_its_name() -> None:
    assert set(OPS) <= words("op").keys()
