"""Modules of the project as syntax trees: each is read and parsed once for all tests about how code is written."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def parsed(path: Path) -> ast.Module:
    """Syntax tree of a module; nobody changes it."""
    return ast.parse(path.read_text(encoding="utf-8"))
