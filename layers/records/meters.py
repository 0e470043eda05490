"""Readings of power, water and gas as intervals: written, and read by COPY."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence

import polars as pl
from psycopg import sql
from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from layers.local_time import local_zone, start_of_day
from layers.postgres import WriteCounts, copy_frame, upsert
from layers.readings import INTERVALS, METER, STORED, UNIT_OF, Plan, flag_series
from layers.records.statements import stored_statement
from layers.tables import Base, MeterReading

_TABLES = Base.metadata.tables
_DAY = dt.timedelta(days=1)


def write_plan(db: Session, plan: Plan) -> WriteCounts:
    """Write what an import makes of the readings of some meters."""
    if plan.removed.height:
        copy_frame(db, plan.removed, "removed_readings", _KEY_TYPES)
        db.execute(text(_REMOVE))
    if plan.flagged.height:
        copy_frame(db, _flat(plan.flagged), "flagged_readings", {**_KEY_TYPES, "flags": "text"})
        db.execute(text(_FLAG))
    if plan.written.is_empty():
        return WriteCounts(unchanged=plan.unchanged)
    columns = {**_KEY_TYPES, "value": "float8", "quality": "text", "register": "float8", "flags": "text"}
    copy_frame(db, _flat(plan.written), "given_readings", columns)
    counts = upsert(
        db,
        _TABLES[MeterReading.__tablename__],
        _GIVEN.format(units=_UNITS),
        columns=(*_STORED_KEY, "value", "unit", "register", "quality", "flags"),
        key=_STORED_KEY,
    )
    return counts + WriteCounts(unchanged=plan.unchanged)


_KEY_TYPES = {
    **dict.fromkeys(METER, "text"), "from_at": "timestamptz", "to_at": "timestamptz",
}  # fmt: skip
_STORED_KEY = ("site_id", "kind", "meter_id", "began_at", "ended_at")
_UNITS = " ".join(f"WHEN '{kind}' THEN '{unit}'" for kind, unit in UNIT_OF.items())
_SAME = (
    "s.id = m.site_id AND m.kind = g.kind AND m.meter_id = COALESCE(g.meter_id, '') AND m.began_at = g.from_at"
    " AND m.ended_at = g.to_at"
)
_REMOVE = f"DELETE FROM meter_readings m USING removed_readings g JOIN sites s USING (site_id) WHERE {_SAME}"
_FLAG = (
    "UPDATE meter_readings m SET flags = string_to_array(COALESCE(g.flags, ''), ' ')"
    f" FROM flagged_readings g JOIN sites s USING (site_id) WHERE {_SAME}"
)
_GIVEN = (
    "SELECT s.id, g.kind, COALESCE(g.meter_id, ''), g.from_at, g.to_at, g.value, CASE g.kind {units} END, g.register,"
    " g.quality, string_to_array(COALESCE(g.flags, ''), ' ') FROM given_readings g JOIN sites s USING (site_id)"
)


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("flags").list.join(" "))


def read_readings(db: Session, *, until: dt.date) -> pl.DataFrame:
    """Return the intervals that end with the local day ``until`` or before it.

    Returns
    -------
    polars.DataFrame
        ``layers.readings.INTERVALS``, sorted by site, kind, meter and time.
    """
    ends = sql.SQL("m.ended_at <= {} AND m.ended_at > m.began_at").format(
        sql.Literal(start_of_day(until + _DAY))
    )
    return _read(db, ends).select(list(INTERVALS))


def stored_readings(db: Session, site_ids: Sequence[str]) -> pl.DataFrame:
    """Return everything that is stored of some sites, first registers too: ``layers.readings.STORED``, sorted."""
    return _read(db, sql.SQL("s.site_id = ANY({})").format(sql.Literal(list(site_ids))))


def _read(db: Session, condition: sql.Composable) -> pl.DataFrame:
    driver = db.connection().connection.driver_connection
    assert driver is not None
    buffer = io.BytesIO()
    with driver.cursor() as cursor, cursor.copy(sql.SQL(_READINGS).format(condition)) as copy:
        for block in copy:
            buffer.write(block)
    schema: dict[str, pl.DataType] = {
        name: pl.String() if name == "flags" else pl.Int64() if kind.is_temporal() else kind
        for name, kind in STORED.items()
    }
    if buffer.tell() == 0:
        frame = pl.DataFrame(schema=schema)
    else:
        buffer.seek(0)
        frame = pl.read_csv(buffer, has_header=False, new_columns=list(schema), schema=schema)
    flags = pl.col("flags").fill_null("")
    return frame.with_columns(
        pl.col("meter_id").fill_null(""),
        pl.from_epoch(pl.col("from_at", "to_at"), time_unit="us").dt.replace_time_zone("UTC"),
        flags=pl.when(flags == "").then(pl.lit([], dtype=pl.List(pl.String))).otherwise(flags.str.split(" ")),
    ).sort(*METER, "from_at", "to_at")


_READINGS = """
COPY (
    SELECT s.site_id, m.kind, m.meter_id, (extract(epoch FROM m.began_at) * 1000000)::bigint,
           (extract(epoch FROM m.ended_at) * 1000000)::bigint, m.value, m.quality, array_to_string(m.flags, ' '),
           m.register
    FROM meter_readings m JOIN sites s ON s.id = m.site_id
    WHERE {}
) TO STDOUT (FORMAT csv)
"""


def meter_quality(db: Session, site_key: int | None = None) -> Sequence[RowMapping]:
    """Return the quality of the stored readings of each meter, of one site or of all; see ``meter_quality.sql``."""
    return db.execute(stored_statement("meter_quality"), {"site_key": site_key}).mappings().all()


def flag_again(db: Session, site_ids: Sequence[str]) -> int:
    """Flag the stored series of some sites anew, after an undo; returns how many readings have other flags now."""
    if not site_ids:
        return 0
    stored = stored_readings(db, site_ids)
    before = pl.col("flags").list.join(" ")
    flagged = flag_series(stored.with_columns(was=before), local_zone().key).filter(pl.col("was") != before)
    if flagged.height:
        copy_frame(db, _flat(flagged), "flagged_readings", {**_KEY_TYPES, "flags": "text"})
        db.execute(text(_FLAG))
    return flagged.height


def last_moment(db: Session) -> dt.datetime | None:
    """Return the end of the newest interval."""
    at: dt.datetime | None = db.scalar(text("SELECT max(ended_at) FROM meter_readings"))
    return at
