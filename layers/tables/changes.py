"""The log of changes: written by triggers, never by callers (``layers/schema/changes.sql``)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from layers.tables.base import Base, id_column


class LayerChange(Base):
    """Change of one layer by one transaction; it gets its number at the commit."""

    __tablename__ = "layer_changes"
    __table_args__ = (UniqueConstraint("transaction", "layer"),)
    id: Mapped[int] = id_column()
    transaction: Mapped[int | None]
    layer: Mapped[str]
    touched: Mapped[list[str] | None]
    at: Mapped[dt.datetime]
