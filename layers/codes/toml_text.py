"""Faults of TOML files as people read them: the line of a field, and the reason in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit
from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]
"""Steps from the document to a field: names, and positions in an array."""
_MARK = "\N{PILCROW SIGN}"
_REASONS_ZH: Mapping[str, str] = {
    "missing": "缺少该字段",
    "extra_forbidden": "未知字段",
    "string_type": "应为文本",
    "string_too_short": "不能为空",
    "string_pattern_mismatch": "格式不符：{pattern}",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "finite_number": "应为有限数字",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "bool_type": "应为 true 或 false",
    "literal_error": "应为 {expected} 之一",
    "dict_type": "应为表（table）",
    "model_type": "应为表（table）",
    "tuple_type": "应为数组",
    "too_short": "至少 {min_length} 项",
    "too_long": "至多 {max_length} 项",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "not_listed": "{zh}",
}


def line_of(text: str, path: Path) -> int:
    r"""Return the line of a field in a TOML text, from 1; of the nearest table when the field is not there.

    Examples
    --------
    >>> line_of('a = 1\n[b]\nc = [1,\n  2]\n[[d]]\ne = 1\n[[d]]\ne = 2\n', ("d", 1, "e"))
    8
    >>> [line_of("a = 1\n[b]\nc = 2\n", path) for path in (("b", "missing"), ("b",), ())]
    [2, 2, 1]
    """
    document = tomlkit.parse(text)
    node: Any = document
    for depth, step in enumerate(path):
        try:
            child = node[step]
        except (KeyError, IndexError, TypeError):
            break
        rest = path[depth + 1 :]
        if isinstance(child, dict | list) and rest and _has(child, rest[0]):
            node = child
            continue
        if isinstance(child, tomlkit.items.AoT):
            child = child[0]
        if isinstance(child, tomlkit.items.Table):
            child.comment(_MARK)
        else:
            node[step] = _MARK
        break
    changed = tomlkit.dumps(document).splitlines()
    lines = text.splitlines()
    differing = (n for n, (old, new) in enumerate(zip(lines, changed, strict=False), 1) if old != new)
    return next(differing, 1)


def _has(node: Any, step: str | int) -> bool:
    try:
        node[step]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def written_path(path: Path) -> str:
    """Return a path as people read it.

    Examples
    --------
    >>> written_path(("signals", 2, "points")), written_path(())
    ('signals[2].points', '')
    """
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def told_fault(error: ErrorDetails) -> tuple[Path, str, str]:
    """Return the field of an error of pydantic with the reason in Chinese and English."""
    path = tuple(step for step in error["loc"] if step != "[key]")
    english = error["msg"]
    if error["type"] == "extra_forbidden":
        english = "unknown key"
    zh = _REASONS_ZH.get(error["type"])
    if zh is None:
        return path, f"值不符：{english}", english
    return path, zh.format_map(error.get("ctx", {})), english
