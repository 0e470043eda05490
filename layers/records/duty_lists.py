"""Writing the duty list (权责清单)."""

from __future__ import annotations

import polars as pl
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from layers.postgres import WriteCounts, copy_frame, upsert
from layers.tables import Area, Base, DutyItem

_COLUMNS = {
    c: "text"
    for c in ("item_code", "item", "domain", "legal_basis", "kind", "body", "level", "area_code", "role")
} | {"valid_from": "date", "valid_to": "date"}


def write_duties(db: Session, frame: pl.DataFrame) -> WriteCounts:
    """Write items by code, body, area, role and first day."""
    copy_frame(db, frame, "given_duties", _COLUMNS)
    return upsert(
        db,
        Base.metadata.tables[DutyItem.__tablename__],
        "SELECT * FROM given_duties",
        columns=tuple(_COLUMNS),
        key=("item_code", "body", "area_code", "role", "valid_from"),
    )


def known_area_codes(db: Session) -> list[str]:
    """Codes that a body may be responsible for, in every version."""
    return list(
        db.scalars(
            select(Area.code)
            .where(Area.kind.in_(("city", "county", "town", "functional_zone", "water")))
            .distinct()
        )
    )


def is_empty(db: Session) -> bool:
    """Whether no list was loaded yet."""
    return not db.scalar(text("SELECT EXISTS (SELECT FROM duty_items)"))
