"""Silences at closed sites and encounters of vehicles, as a run found them: written by COPY and idempotent."""

from __future__ import annotations

import datetime as dt

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.postgres import copy_frame

_SILENCES = {
    "silence_id": "text",
    "vehicle_id": "bigint",
    "site_id": "text",
    "began_at": "timestamptz",
    "ended_at": "timestamptz",
    "duration_s": "float8",
    "before_s": "float8",
    "reappeared_m": "float8",
    "distance_m": "float8",
    "share": "float8",
    "weight": "float8",
    "left_out": "text",
    "lon": "float8",
    "lat": "float8",
}
_ENCOUNTERS = {
    "encounter_id": "text",
    "vehicle_a": "bigint",
    "vehicle_b": "bigint",
    "kind": "text",
    "started_at": "timestamptz",
    "ended_at": "timestamptz",
    "begun_by": "text",
    "ended_by": "text",
    "open": "boolean",
    "duration_s": "float8",
    "rest_s": "float8",
    "convoy_s": "float8",
    "nearest_m": "float8",
    "nearest_at": "timestamptz",
    "lon": "float8",
    "lat": "float8",
}
_POINT = "ST_SetSRID(ST_MakePoint(g.lon, g.lat), 4326)"


def write_silences(
    db: Session, silences: pl.DataFrame, run_id: int, start: dt.datetime, end: dt.datetime
) -> int:
    """Bring the silences that began in ``[start, end)`` in line with those given; returns how many there are.

    A silence that is given as it is stored keeps its row and its run. Those that began before are left as they are.

    Parameters
    ----------
    silences : polars.DataFrame
        ``silence_id``, ``vehicle_id`` (the database's integer), ``site_id`` (text), ``began_at``, ``ended_at``,
        ``duration_s``, ``before_s``, ``reappeared_m``, ``distance_m``, ``share``, ``weight``, ``left_out``, ``lon``,
        ``lat``.
    """
    given = silences.filter((pl.col("began_at") >= start) & (pl.col("began_at") < end))
    copy_frame(db, given, "given_silences", _SILENCES)
    db.execute(text("ALTER TABLE given_silences ADD COLUMN site bigint, ADD COLUMN area_id bigint"))
    db.execute(
        text(
            "UPDATE given_silences g SET site = s.id, area_id = s.area_id FROM sites s WHERE s.site_id = g.site_id"
        )
    )
    plain = [name for name in _SILENCES if name not in ("site_id", "lon", "lat")]
    _bring_in_line(
        db, "silences", plain, "began_at", "s.site_id = g.site", run_id, (start, end),
        key="s.silence_id = g.silence_id AND s.site_id = g.site", more=("site_id", "g.site"),
    )  # fmt: skip
    return given.height


def write_encounters(
    db: Session, encounters: pl.DataFrame, run_id: int, start: dt.datetime, end: dt.datetime
) -> int:
    """Bring the encounters that began in ``[start, end)`` in line with those given; returns how many there are.

    Parameters
    ----------
    encounters : polars.DataFrame
        Of `spatial_models.encounters.find_encounters`, with the database's integers as vehicles.
    """
    given = encounters.filter((pl.col("started_at") >= start) & (pl.col("started_at") < end))
    copy_frame(db, given, "given_encounters", _ENCOUNTERS)
    db.execute(text("ALTER TABLE given_encounters ADD COLUMN area_id bigint"))
    db.execute(text(f"UPDATE given_encounters g SET area_id = owning_area({_POINT})"))
    plain = [name for name in _ENCOUNTERS if name not in ("lon", "lat")]
    _bring_in_line(
        db, "encounters", plain, "started_at", "true", run_id, (start, end), key="s.encounter_id = g.encounter_id"
    )  # fmt: skip
    return given.height


def _bring_in_line(
    db: Session,
    table: str,
    columns: list[str],
    begin: str,
    also_same: str,
    run_id: int,
    window: tuple[dt.datetime, dt.datetime],
    *,
    key: str,
    more: tuple[str, str] | None = None,
) -> None:
    """Delete the rows of the window that are not given as they are stored, and insert those that are missing."""
    db.execute(text(f"ANALYZE given_{table}"))
    same = " AND ".join(f"g.{name} IS NOT DISTINCT FROM s.{name}" for name in (*columns, "area_id"))
    db.execute(
        text(
            f"DELETE FROM {table} s WHERE s.{begin} >= :start AND s.{begin} < :end AND NOT EXISTS (SELECT FROM"
            f" given_{table} g WHERE {same} AND {also_same} AND g.lon = ST_X(s.geom) AND g.lat = ST_Y(s.geom))"
        ),
        {"start": window[0], "end": window[1]},
    )
    names = [*columns, *([more[0]] if more else [])]
    values = [*(f"g.{name}" for name in columns), *([more[1]] if more else [])]
    # Not in the insert: one that looks into its own table for each row reads what it has just written.
    db.execute(text(f"DELETE FROM given_{table} g USING {table} s WHERE {key}"))
    db.execute(
        text(
            f"INSERT INTO {table} (run_id, {', '.join(names)}, geom, area_id) SELECT :run_id, {', '.join(values)},"
            f" {_POINT}, g.area_id FROM given_{table} g"
        ),
        {"run_id": run_id},
    )
