"""Rows that only a function of the database writes, written by a test itself.

As the function would be allowed to.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session


def write_cases_directly(db: Session) -> None:
    """Let this transaction write cases and their events without ``record_case_event``."""
    db.execute(text("SET LOCAL wangge.records_case = 'on'"))
