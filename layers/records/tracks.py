"""Vehicles and their fixes: bulk writing by COPY into day partitions, reading for the models."""

from __future__ import annotations

import datetime as dt
import io

import polars as pl
from psycopg import sql
from sqlalchemy import Text, any_, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from layers.postgres import WriteCounts, copy_frame, upsert
from layers.records.fix_writing import add_fixes
from layers.tables import Base, Vehicle

_TABLES = Base.metadata.tables


def write_vehicles(db: Session, frame: pl.DataFrame) -> WriteCounts:
    """Write vehicles by ``vehicle_id``."""
    columns = {c: "text" for c in ("vehicle_id", "plate", "plate_color", "kind")}
    copy_frame(db, frame, "given_vehicles", columns)
    return upsert(
        db,
        _TABLES[Vehicle.__tablename__],
        "SELECT * FROM given_vehicles",
        columns=tuple(columns),
        key=("vehicle_id",),
    )


def register_unknown_vehicles(db: Session, vehicle_ids: list[str]) -> int:
    """Vehicles that report but were never registered become ones of kind ``other``; returns how many."""
    added = db.execute(
        text(
            "INSERT INTO vehicles (vehicle_id, kind) SELECT unnest(CAST(:ids AS text[])), 'other'"
            " ON CONFLICT DO NOTHING RETURNING id"
        ),
        {"ids": vehicle_ids},
    )
    return len(added.all())


def register_missing_vehicles(db: Session, vehicle_ids: list[str]) -> list[str]:
    """As :func:`register_unknown_vehicles`, but known ones are only read; returns the ids that were added."""
    known = set(
        db.scalars(
            select(Vehicle.vehicle_id).where(Vehicle.vehicle_id == any_(literal(vehicle_ids, ARRAY(Text))))
        )
    )
    missing = sorted(set(vehicle_ids) - known)
    if not missing:
        return []
    added = db.scalars(
        text(
            "INSERT INTO vehicles (vehicle_id, kind) SELECT unnest(CAST(:ids AS text[])), 'other'"
            " ON CONFLICT DO NOTHING RETURNING vehicle_id"
        ),
        {"ids": missing},
    )
    return sorted(added)


def write_fixes(db: Session, frame: pl.DataFrame, batch_id: int | None = None) -> WriteCounts:
    """Write fixes; of two with the same vehicle and time the first arrival stays.

    Parameters
    ----------
    frame : polars.DataFrame
        ``vehicle_id`` (text, registered), ``t`` (UTC), ``lon``, ``lat`` (EPSG:4326), ``speed_kmh``,
        ``heading_deg``, ``h3_9`` and ``area_id`` (null outside every area).
    batch_id : int, optional
        The batch that the new ones belong to.
    """
    if frame.is_empty():
        return WriteCounts()
    ensure_partitions(db, frame["t"].dt.date().unique().to_list())
    numbered = with_vehicle_numbers(db, frame)
    inserted = add_fixes(db, numbered, batch_id)
    return WriteCounts(inserted=inserted, unchanged=frame.height - inserted)


def with_vehicle_numbers(db: Session, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with the database's integers as ``vehicle_id``.

    Rows of vehicles that it does not know are left out.
    """
    given = frame["vehicle_id"].unique().to_list()
    rows = db.execute(
        select(Vehicle.vehicle_id, Vehicle.id).where(Vehicle.vehicle_id == any_(literal(given, ARRAY(Text))))
    ).all()
    numbers = pl.DataFrame(
        [tuple(r) for r in rows], schema={"vehicle_id": pl.Utf8, "number": pl.Int64}, orient="row"
    )
    joined = frame.join(numbers, on="vehicle_id", how="inner", maintain_order="left")
    return joined.with_columns(vehicle_id=pl.col("number")).drop("number")


def ensure_partitions(db: Session, days: list[dt.date]) -> list[dt.date]:
    """Make the day partitions that are missing (UTC days); returns those that were made.

    A partition is made apart and attached: readers and writers of the other days go on meanwhile.
    """
    if not missing_partitions(db, days):
        return []
    db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('fixes_partitions', 0))"))
    missing = missing_partitions(db, days)
    driver = db.connection().connection.driver_connection
    assert driver is not None
    for day in missing:
        name = sql.Identifier(f"fixes_{day:%Y%m%d}")
        driver.execute(sql.SQL("CREATE TABLE {} (LIKE fixes INCLUDING ALL)").format(name))
        driver.execute(
            sql.SQL("ALTER TABLE fixes ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                name,
                sql.Literal(f"{day} 00:00:00+00"),
                sql.Literal(f"{day + dt.timedelta(1)} 00:00:00+00"),
            )
        )
    return missing


def missing_partitions(db: Session, days: list[dt.date]) -> list[dt.date]:
    """Days of the list that have no partition yet, in order."""
    there = set(
        db.scalars(
            text(
                "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
                " WHERE i.inhparent = 'fixes'::regclass"
            )
        )
    )
    return [day for day in sorted(set(days)) if f"fixes_{day:%Y%m%d}" not in there]


def vehicles_by_cell(db: Session, start: dt.datetime, end: dt.datetime, *, kind: str) -> pl.DataFrame:
    """``h3_9`` (bigint) and ``vehicle_id``: where vehicles of a kind were in ``[start, end)``, each pair once.

    Only fixes inside the areas, once there are areas.
    """
    rows = db.execute(
        text(
            "SELECT DISTINCT h3_9, vehicle_id FROM fixes"
            " WHERE t >= :start AND t < :end AND vehicle_id IN (SELECT id FROM vehicles WHERE kind = :kind)"
            " AND (area_id IS NOT NULL OR NOT EXISTS (SELECT FROM areas))"
        ),
        {"start": start, "end": end, "kind": kind},
    )
    schema = {"h3_9": pl.Int64, "vehicle_id": pl.Int64}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


_FIXES_SQL = """
COPY (SELECT f.vehicle_id, (extract(epoch FROM f.t) * 1000000)::bigint AS t, f.lon, f.lat
      FROM fixes f WHERE f.t >= {} AND f.t < {} {}) TO STDOUT (FORMAT csv)
"""


def read_fixes(
    db: Session, start: dt.datetime, end: dt.datetime, *, kinds: tuple[str, ...] | None = None
) -> pl.DataFrame:
    """Return fixes of ``[start, end)``, of vehicles of these kinds (None: all).

    Returns
    -------
    polars.DataFrame
        ``vehicle_id`` (the database's integer), ``t`` (UTC, microseconds), ``lon``, ``lat``.
    """
    only: sql.Composable = sql.SQL("")
    if kinds is not None:
        only = sql.SQL("AND f.vehicle_id IN (SELECT id FROM vehicles WHERE kind = ANY({}))").format(
            sql.Literal(list(kinds))
        )
    statement = sql.SQL(_FIXES_SQL).format(sql.Literal(start), sql.Literal(end), only)
    driver = db.connection().connection.driver_connection
    assert driver is not None
    buffer = io.BytesIO()
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for block in copy:
            buffer.write(block)
    schema = {"vehicle_id": pl.Int64, "t": pl.Int64, "lon": pl.Float64, "lat": pl.Float64}
    if buffer.tell() == 0:
        frame = pl.DataFrame(schema=schema)
    else:
        buffer.seek(0)
        frame = pl.read_csv(buffer, has_header=False, new_columns=list(schema), schema=schema)
    return frame.with_columns(pl.from_epoch("t", time_unit="us").dt.replace_time_zone("UTC"))


def time_span(db: Session) -> tuple[dt.datetime, dt.datetime] | None:
    """First and last fix, or None when there is none."""
    first, last = db.execute(text("SELECT min(t), max(t) FROM fixes")).one()
    return None if first is None else (first, last)


def read_vehicles(db: Session) -> pl.DataFrame:
    """``id``, ``vehicle_id``, ``kind`` of every vehicle."""
    rows = db.execute(select(Vehicle.id, Vehicle.vehicle_id, Vehicle.kind)).all()
    return pl.DataFrame(
        [tuple(r) for r in rows],
        schema={"id": pl.Int64, "vehicle_id": pl.Utf8, "kind": pl.Utf8},
        orient="row",
    )
