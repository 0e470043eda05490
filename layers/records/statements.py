"""Statements of the ``.sql`` files in ``layers/records/sql``."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from sqlalchemy import TextClause, text


@lru_cache
def stored_statement(name: str) -> TextClause:
    """Return the statement of one file, by its name without ``.sql``."""
    return text((resources.files("layers") / "records" / "sql" / f"{name}.sql").read_text(encoding="utf-8"))
