"""Version of the SQL in force besides the tables."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base


class SchemaInForce(Base):
    """One row: the digest of the files of ``layers/schema`` that were applied last."""

    __tablename__ = "schema_in_force"
    digest: Mapped[str] = mapped_column(primary_key=True)
    applied_at: Mapped[dt.datetime]
