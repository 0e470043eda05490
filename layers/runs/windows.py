"""Stays that lie over an edge of the window of a run: they are found again whole, and not a second time."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

SCHEMA = {"vehicle_id": pl.Int64, "t": pl.Int64, "lon": pl.Float64, "lat": pl.Float64}


@dataclass(frozen=True)
class Span:
    """Time of a vehicle that a run reads besides its window: from the begin of a stay to the end of another."""

    vehicle_id: int
    begins_at: dt.datetime
    ends_at: dt.datetime


def read_spans(
    db: Session, start: dt.datetime, end: dt.datetime, *, max_gap_s: float, link_gap_s: float
) -> tuple[list[Span], pl.DataFrame]:
    """Return the vehicles with stays or visits over an edge of ``[start, end)``, and their fixes outside of it.

    Parameters
    ----------
    max_gap_s : float
        An open stay that ended no longer before ``start`` may go on in the window, seconds.
    link_gap_s : float
        A visit that ended no longer before ``start`` may go on in the window, seconds.

    Returns
    -------
    spans : list of Span
    fixes : polars.DataFrame
        ``vehicle_id``, ``t`` (UTC, microseconds), ``lon``, ``lat``.
    """
    asked: dict[str, object] = {"start": start, "end": end, "gap": dt.timedelta(seconds=max_gap_s)}
    asked["link_gap"] = dt.timedelta(seconds=link_gap_s)
    spans = [Span(*row) for row in db.execute(_SPANS, asked)]
    return spans, _fixes_of(db, spans, start, end)


def _fixes_of(db: Session, spans: Sequence[Span], start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
    driver = db.connection().connection.driver_connection
    assert driver is not None
    statement = sql.SQL(_FIXES).format(
        vehicles=sql.Literal([span.vehicle_id for span in spans]),
        begins=sql.Literal([span.begins_at for span in spans]),
        ends=sql.Literal([span.ends_at for span in spans]),
        start=sql.Literal(start),
        end=sql.Literal(end),
    )
    buffer = io.BytesIO()
    if spans:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for block in copy:
                buffer.write(block)
    if buffer.tell() == 0:
        frame = pl.DataFrame(schema=SCHEMA)
    else:
        buffer.seek(0)
        frame = pl.read_csv(buffer, has_header=False, new_columns=list(SCHEMA), schema=SCHEMA)
    return frame.with_columns(pl.from_epoch("t", time_unit="us").dt.replace_time_zone("UTC"))


# A stay is over an edge when it holds it, or when it was open and may go on behind the edge; so is a visit.
_SPANS = text("""
SELECT vehicle_id, LEAST(min(begins_at), :start), GREATEST(max(ends_at), :end)
FROM (
    SELECT vehicle_id, started_at AS begins_at, COALESCE(left_by, ended_at) AS ends_at,
           CASE WHEN open THEN ended_at + :gap ELSE COALESCE(left_by, ended_at) END AS may_end_at
    FROM stays WHERE started_at < :end
    UNION ALL
    SELECT vehicle_id, entered_at, left_at, left_at + :link_gap FROM visits WHERE entered_at < :end
) s
WHERE (begins_at < :start AND may_end_at >= :start) OR ends_at >= :end
GROUP BY vehicle_id ORDER BY vehicle_id
""")
_FIXES = """
COPY (SELECT f.vehicle_id, (extract(epoch FROM f.t) * 1000000)::bigint, f.lon, f.lat
      FROM unnest({vehicles}::bigint[], {begins}::timestamptz[], {ends}::timestamptz[])
          AS s (vehicle_id, begins_at, ends_at)
      JOIN fixes f ON f.vehicle_id = s.vehicle_id AND f.t >= s.begins_at AND f.t <= s.ends_at
      WHERE f.t < {start} OR f.t >= {end}) TO STDOUT (FORMAT csv)
"""
