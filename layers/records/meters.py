"""Daily readings of power, water and gas: bulk writing and reading."""

from __future__ import annotations

import datetime as dt

import polars as pl
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from layers.postgres import WriteCounts, copy_frame, upsert
from layers.tables import Base, MeterReading, Site

_TABLES = Base.metadata.tables


def write_readings(db: Session, frame: pl.DataFrame) -> WriteCounts:
    """Write readings by site, kind and day; a corrected value replaces the old one."""
    columns = {"site_id": "text", "kind": "text", "day": "date", "value": "float8", "quality": "text"}
    copy_frame(db, frame, "given_readings", columns)
    return upsert(
        db,
        _TABLES[MeterReading.__tablename__],
        "SELECT DISTINCT ON (s.id, g.kind, g.day) s.id, g.kind, g.day, g.value, g.quality"
        " FROM given_readings g JOIN sites s USING (site_id)",
        columns=("site_id", "kind", "day", "value", "quality"),
        key=("site_id", "kind", "day"),
    )


def read_readings(db: Session, *, until: dt.date) -> pl.DataFrame:
    """Return readings up to and with ``until``: ``site_id``, ``kind``, ``day``, ``value``, ``quality``."""
    rows = db.execute(
        select(Site.site_id, MeterReading.kind, MeterReading.day, MeterReading.value, MeterReading.quality)
        .join(Site, Site.id == MeterReading.site_id)
        .where(MeterReading.day <= until)
        .order_by(Site.site_id, MeterReading.kind, MeterReading.day)
    ).all()
    schema = {"site_id": pl.Utf8, "kind": pl.Utf8, "day": pl.Date, "value": pl.Float64, "quality": pl.Utf8}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def last_day(db: Session) -> dt.date | None:
    """Return the newest day with a reading."""
    day: dt.date | None = db.scalar(text("SELECT max(day) FROM meter_readings"))
    return day
