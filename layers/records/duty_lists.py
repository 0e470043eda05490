"""The duty list (权责清单), written and read, and the days of imported calendars, by which its limits run."""

from __future__ import annotations

import datetime as dt

import polars as pl
from sqlalchemy import Connection, func, or_, select, text
from sqlalchemy.orm import Session

from layers.postgres import WriteCounts, copy_frame, upsert
from layers.tables import Area, Base, CalendarDay, DutyItem

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


def write_calendar_days(db: Session, frame: pl.DataFrame) -> WriteCounts:
    """Write days of a calendar; a day that is there becomes what the file says."""
    copy_frame(db, frame, "given_days", {"day": "date", "kind": "text", "name": "text"})
    return upsert(
        db,
        Base.metadata.tables[CalendarDay.__tablename__],
        "SELECT day, kind = 'working' AS working, name FROM given_days",
        columns=("day", "working", "name"),
        key=("day",),
    )


def valid_duties(
    db: Session,
    day: dt.date,
    *,
    item_code: str | None = None,
    words: str | None = None,
    area_code: str | None = None,
    level: str | None = None,
    limit: int,
    offset: int = 0,
) -> tuple[list[DutyItem], int]:
    """Lines that are valid on a day, by code, and how many there are without ``limit`` and ``offset``.

    Parameters
    ----------
    words : str or None
        Part of the item's name or of a body.
    """
    statement = select(DutyItem).where(
        DutyItem.valid_from <= day, or_(DutyItem.valid_to.is_(None), DutyItem.valid_to > day)
    )
    if area_code:
        statement = statement.where(DutyItem.area_code == area_code)
    if level:
        statement = statement.where(DutyItem.level == level)
    if item_code:
        statement = statement.where(DutyItem.item_code == item_code)
    if words:
        statement = statement.where(
            or_(
                DutyItem.item.contains(words, autoescape=True), DutyItem.body.contains(words, autoescape=True)
            )
        )
    count = db.scalar(select(func.count()).select_from(statement.subquery())) or 0
    page = statement.order_by(DutyItem.item_code, DutyItem.id).limit(limit).offset(offset)
    return list(db.scalars(page)), count


def known_item_codes(db: Session) -> list[str]:
    """Codes of all items, whenever they are valid."""
    return list(db.scalars(select(DutyItem.item_code).distinct()))


def days_of_change(db: Session) -> set[dt.date]:
    """Days on which a line of the list begins or ends."""
    rows = db.execute(select(DutyItem.valid_from, DutyItem.valid_to).distinct())
    return {day for row in rows for day in row if day}


def known_area_codes(db: Session) -> list[str]:
    """Codes that a body may be responsible for, in every version."""
    return list(
        db.scalars(
            select(Area.code)
            .where(Area.kind.in_(("city", "county", "town", "functional_zone", "water")))
            .distinct()
        )
    )


def is_empty(db: Session | Connection) -> bool:
    """Whether no list was loaded yet."""
    return not db.scalar(text("SELECT EXISTS (SELECT FROM duty_items)"))
