"""Fences and their events: written by COPY, read for the model."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.errors import InputError
from layers.postgres import WriteCounts, copy_frame, upsert
from layers.tables import Base
from layers.tables.fences import Fence

_TABLES = Base.metadata.tables
_PARAMETERS = {
    "buffer_m": "float8",
    "enter_fixes": "bigint",
    "leave_fixes": "bigint",
    "delay_s": "float8",
    "limit_s": "float8",
    "below_speed_kmh": "float8",
}
_FENCE_COLUMNS = {
    "fence_id": "text",
    "name": "text",
    "rule": "text",
    "medium": "text",
    **_PARAMETERS,
    "vehicle_kinds": "text",
    "vehicle_ids": "text",
    "exempt_vehicle_ids": "text",
    "times": "text",
    "legal_basis": "text",
    "boundary": "text",
}


def write_fences(db: Session, frame: pl.DataFrame) -> WriteCounts:
    """Write fences by ``fence_id``; a fence that is not among them stays.

    Parameters
    ----------
    frame : polars.DataFrame
        ``fence_id``, ``name``, ``rule``, ``boundary`` (WKB, EPSG:4326, polygon or multipolygon); optional
        ``medium``, ``buffer_m``, ``enter_fixes``, ``leave_fixes``, ``delay_s``, ``limit_s``,
        ``below_speed_kmh``, ``vehicle_kinds``, ``vehicle_ids`` and ``exempt_vehicle_ids`` (lists of text),
        ``times`` (JSON text), ``legal_basis``.
    """
    if missing := [c for c in ("fence_id", "name", "rule", "boundary") if c not in frame.columns]:
        raise InputError(f"围栏缺少列 fences: column {', '.join(missing)} missing")
    given = frame.with_columns(
        pl.lit(None).alias(c) for c in _FENCE_COLUMNS if c not in frame.columns
    ).with_columns(
        boundary=pl.Series(
            [None if b is None else b.hex() for b in frame["boundary"].to_list()], dtype=pl.String
        ),
        **{
            name: pl.Series(
                _json(frame[name].to_list() if name in frame.columns else [None] * frame.height),
                dtype=pl.String,
            )
            for name in ("vehicle_kinds", "vehicle_ids", "exempt_vehicle_ids")
        },
    )
    copy_frame(db, given.select(list(_FENCE_COLUMNS)), "given_fences", _FENCE_COLUMNS)
    as_list = "(SELECT array_agg(x) FROM json_array_elements_text(CAST(g.{0} AS json)) x)"
    return upsert(
        db,
        _TABLES[Fence.__tablename__],
        f"SELECT g.fence_id, g.name, g.rule, g.medium, {', '.join(f'g.{c}' for c in _PARAMETERS)},"
        f" {as_list.format('vehicle_kinds')}, {as_list.format('vehicle_ids')},"
        f" {as_list.format('exempt_vehicle_ids')}, CAST(g.times AS jsonb),"
        " g.legal_basis, ST_Multi(ST_SetSRID(g.boundary::geometry, 4326)) FROM given_fences g",
        columns=(*(c for c in _FENCE_COLUMNS if c != "boundary"), "geom"),
        key=("fence_id",),
    )


def _json(values: list[Any]) -> list[str | None]:
    return [None if value is None else json.dumps(list(value), ensure_ascii=False) for value in values]


def read_fences(db: Session) -> pl.DataFrame:
    """Fences as `spatial_models.fences` takes them, with name, legal basis and the vehicles that they let through."""
    names = [c for c in _FENCE_COLUMNS if c not in ("boundary", "times")]
    rows = db.execute(
        text(
            f"SELECT {', '.join(names)}, CAST(times AS text) AS times, ST_AsBinary(geom) AS boundary FROM"
            " fences ORDER BY fence_id"
        )
    ).all()
    kinds: dict[str, Any] = {
        c: pl.Float64 if kind == "float8" else pl.Int64 for c, kind in _PARAMETERS.items()
    }
    lists = dict.fromkeys(("vehicle_kinds", "vehicle_ids", "exempt_vehicle_ids"), pl.List(pl.String))
    kinds |= lists | {"boundary": pl.Binary}
    schema = {c: kinds.get(c, pl.String) for c in (*names, "times", "boundary")}
    return pl.DataFrame([(*r[:-1], bytes(r[-1])) for r in rows], schema=schema, orient="row")


def write_fence_events(
    db: Session, events: pl.DataFrame, run_id: int, start: dt.datetime, end: dt.datetime
) -> int:
    """Replace the events that began in ``[start, end)``; returns how many there are. Safe to repeat.

    Parameters
    ----------
    events : polars.DataFrame
        Of `spatial_models.fences.detect_fence_events` with ``vehicle_id`` as the database's integer. Events
        that began before ``start`` replace the row with the same ``event_id``.
    """
    columns = {
        "event_id": "text",
        "fence_id": "text",
        "vehicle_id": "bigint",
        "started_at": "timestamptz",
        "started_after": "timestamptz",
        "begun_by": "text",
        "ended_at": "timestamptz",
        "left_by": "timestamptz",
        "ended_by": "text",
        "open": "boolean",
        "confirmed_at": "timestamptz",
        "duration_s": "float8",
        "over_s": "float8",
        "n_fixes": "bigint",
        "lon": "float8",
        "lat": "float8",
    }
    copy_frame(db, events, "given_fence_events", columns)
    db.execute(
        text(
            "DELETE FROM fence_events e WHERE (started_at >= :start AND started_at < :end)"
            " OR EXISTS (SELECT FROM given_fence_events g WHERE g.event_id = e.event_id)"
        ),
        {"start": start, "end": end},
    )
    plain = [c for c in columns if c not in ("fence_id", "lon", "lat")]
    point = "ST_SetSRID(ST_MakePoint(g.lon, g.lat), 4326)"
    result = db.execute(
        text(
            f"INSERT INTO fence_events (run_id, fence_id, {', '.join(plain)}, geom, area_id)"
            f" SELECT :run_id, f.id, {', '.join(f'g.{c}' for c in plain)}, {point}, owning_area({point})"
            " FROM given_fence_events g JOIN fences f USING (fence_id)"
        ),
        {"run_id": run_id},
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def fences_fingerprint(db: Session) -> str:
    """Return a value that changes when any fence changes."""
    found = db.execute(
        text("SELECT count(*) || '/' || coalesce(sum(hashtext(f::text)::bigint), 0) FROM fences f")
    ).scalar_one()
    return str(found)
