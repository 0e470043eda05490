"""The few plain pages that the server writes itself (Jinja, escaped)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape


@lru_cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("geo_api"), autoescape=select_autoescape(), trim_blocks=True)


def page(name: str, **values: Any) -> str:
    """One page as HTML."""
    return _environment().get_template(f"{name}.html").render(**values)
