"""Statement timeouts of a transaction, of one query in it, and of a connection."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Executable, Row, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

QUERY_CANCELED = "57014"
"""SQLSTATE of a statement that was cancelled by its timeout."""
_SET = text("SELECT set_config('statement_timeout', :timeout, true)")


def limit_statements(db: Session, timeout_s: float) -> None:
    """Set the statement timeout of this transaction, seconds."""
    db.execute(_SET, {"timeout": f"{round(timeout_s * 1000)}"})


def first_row_within(db: Session, statement: Executable, timeout_s: float) -> Row[Any] | None:
    """Return the only row of a query, or None after a timeout; the transaction continues in both cases."""
    before = db.scalar(text("SELECT current_setting('statement_timeout')"))
    try:
        with db.begin_nested():
            limit_statements(db, timeout_s)
            row = db.execute(statement).one()
            db.execute(_SET, {"timeout": before})
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != QUERY_CANCELED:
            raise
        return None
    return row


def timeout_option(timeout_s: float) -> str:
    """Return the libpq option that sets the statement timeout of a connection, seconds."""
    return f"-c statement_timeout={round(timeout_s * 1000)}"
