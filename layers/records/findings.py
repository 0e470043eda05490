"""Findings of the models: runs, stays and visits, written by COPY and idempotent."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.errors import NotFound
from layers.postgres import copy_frame
from layers.tables import Case, CaseEvent, ModelRun, Snapshot


def find_run(db: Session, key: str) -> ModelRun | None:
    """Return the run with this key, if it was finished."""
    return db.scalar(select(ModelRun).where(ModelRun.key == key))


def newest_runs(db: Session, limit: int) -> list[ModelRun]:
    """Return runs of the models, the newest first."""
    return list(db.scalars(select(ModelRun).order_by(ModelRun.id.desc()).limit(limit)))


def has_run_of(db: Session, model: str) -> bool:
    """Whether any run of that model is stored."""
    return db.scalar(select(ModelRun.id).where(ModelRun.model == model).limit(1)) is not None


def record_run(
    db: Session,
    *,
    model: str,
    version: str,
    key: str,
    at: dt.datetime,
    parameters: dict[str, Any],
    counts: dict[str, Any],
) -> int:
    """Store a finished run; a run with the same key is replaced (its id stays)."""
    values = {
        "model": model,
        "version": version,
        "key": key,
        "at": at,
        "parameters": parameters,
        "counts": counts,
        "finished_at": dt.datetime.now(dt.UTC),
    }
    statement = insert(ModelRun).values(**values)
    statement = statement.on_conflict_do_update(index_elements=["key"], set_=values)
    run_id: int = db.execute(statement.returning(ModelRun.id)).scalar_one()
    return run_id


def data_fingerprint(db: Session, start: dt.datetime, end: dt.datetime) -> str:
    """Return a value that changes when any input of an analysis of ``[start, end)`` changes.

    Whole numbers only: a sum of floats depends on the order in which a table happens to be read.
    """
    row = db.execute(
        text(
            "SELECT (SELECT count(*) || '/' || coalesce(max(t)::text, '') FROM fixes WHERE t >= :start AND t"
            " < :end), (SELECT count(*) || '/' || coalesce(sum((value * 1000)::bigint), 0) FROM"
            " meter_readings WHERE day <= :end), (SELECT count(*) || '/' ||"
            " coalesce(sum(hashtext(e::text)::bigint), 0) FROM enterprises e),"
            " (SELECT count(*) || '/' || coalesce(sum(hashtext(s.site_id || s.kind || s.geom::text)::bigint),"
            " 0) FROM sites s), (SELECT count(*) || '/' || coalesce(sum(hashtext(n::text)::bigint), 0) FROM"
            " notices n), (SELECT count(*) || '/' || coalesce(sum(hashtext(p::text)::bigint), 0) FROM places"
            " p), (SELECT count(*) || '/' || coalesce(sum(hashtext(v.vehicle_id || v.kind)::bigint), 0) FROM"
            " vehicles v)"
        ),
        {"start": start, "end": end},
    ).one()
    return "|".join(map(str, row))


def write_stays(db: Session, stays: pl.DataFrame, run_id: int, start: dt.datetime, end: dt.datetime) -> int:
    """Replace the stays that began in ``[start, end)`` of the vehicles analysed; returns how many there are.

    Parameters
    ----------
    stays : polars.DataFrame
        ``vehicle_id`` (the database's integer), ``started_at``, ``ended_at``, ``left_by``, ``ended_by``,
        ``open``, ``lon``, ``lat``, ``radius_m``, ``n_fixes``, ``h3_9``.
    """
    columns = {
        "vehicle_id": "bigint",
        "started_at": "timestamptz",
        "ended_at": "timestamptz",
        "left_by": "timestamptz",
        "ended_by": "text",
        "open": "boolean",
        "radius_m": "float8",
        "n_fixes": "bigint",
        "lon": "float8",
        "lat": "float8",
        "h3_9": "bigint",
    }
    copy_frame(db, stays, "given_stays", columns)
    db.execute(
        text("DELETE FROM stays WHERE started_at >= :start AND started_at < :end"),
        {"start": start, "end": end},
    )
    point = "ST_SetSRID(ST_MakePoint(g.lon, g.lat), 4326)"
    db.execute(
        text(
            "INSERT INTO stays (run_id, vehicle_id, started_at, ended_at, left_by, ended_by, open, radius_m,"
            " n_fixes, geom, h3_9, area_id) SELECT :run_id, g.vehicle_id, g.started_at, g.ended_at,"
            f" g.left_by, g.ended_by, g.open, g.radius_m, g.n_fixes, {point}, g.h3_9, owning_area({point})"
            " FROM given_stays g ON CONFLICT (vehicle_id, started_at) DO NOTHING"
        ),
        {"run_id": run_id},
    )
    return stays.height


def write_visits(db: Session, visits: pl.DataFrame, run_id: int, start: dt.datetime, end: dt.datetime) -> int:
    """Replace the visits that began in ``[start, end)``; returns how many rows.

    Parameters
    ----------
    visits : polars.DataFrame
        ``visit_id``, ``vehicle_id`` (integer), ``site_id`` (text or null), ``entered_at``, ``left_at``,
        ``seen_s``, ``unseen_s``, ``distance_m``, ``share``, ``night``, ``excluded_by``, ``lon``, ``lat``.
    """
    columns = {
        "visit_id": "text",
        "vehicle_id": "bigint",
        "site_id": "text",
        "entered_at": "timestamptz",
        "left_at": "timestamptz",
        "seen_s": "float8",
        "unseen_s": "float8",
        "distance_m": "float8",
        "share": "float8",
        "night": "float8",
        "excluded_by": "text",
        "lon": "float8",
        "lat": "float8",
    }
    copy_frame(db, visits, "given_visits", columns)
    db.execute(
        text("DELETE FROM visits WHERE entered_at >= :start AND entered_at < :end"),
        {"start": start, "end": end},
    )
    result = db.execute(
        text(
            "INSERT INTO visits (run_id, visit_id, vehicle_id, site_id, entered_at, left_at, seen_s,"
            " unseen_s, distance_m, share, night, excluded_by, geom, area_id)"
            " SELECT :run_id, g.visit_id, g.vehicle_id, s.id, g.entered_at, g.left_at, g.seen_s, g.unseen_s,"
            " g.distance_m, g.share, g.night, g.excluded_by, ST_SetSRID(ST_MakePoint(g.lon, g.lat), 4326),"
            " s.area_id FROM given_visits g LEFT JOIN sites s USING (site_id) ON CONFLICT (visit_id, site_id)"
            " DO NOTHING"
        ),
        {"run_id": run_id},
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class StoredSnapshot:
    """Snapshot of the rows that an alert was decided from, by its hash, with model and version."""

    sha256: str
    alert_id: int
    model: str
    version: str


def add_snapshot(db: Session, snapshot: StoredSnapshot, at: dt.datetime) -> None:
    """Note the snapshot of an alert."""
    db.add(Snapshot(**vars(snapshot), made_at=at))
    db.flush()


def newest_snapshot(db: Session, alert_id: int) -> str | None:
    """Return the hash of the newest snapshot of an alert; None: there is none."""
    statement = select(Snapshot.sha256).where(Snapshot.alert_id == alert_id)
    return db.scalar(statement.order_by(Snapshot.id.desc()).limit(1))


def find_snapshot(db: Session, which: str) -> str:
    """Return the hash of the snapshot of a case (by its number, as its first event says) or an alert (by its id).

    Raises
    ------
    NotFound
        There is none.
    """
    found = db.scalar(
        select(CaseEvent.payload["snapshot_sha256"].astext)
        .join(Case, Case.id == CaseEvent.case_id)
        .where(Case.number == which, CaseEvent.seq == 1)
    )
    if found is None and which.isdecimal() and len(which) < 19:
        found = newest_snapshot(db, int(which))
    if found is None:
        raise NotFound(f"no snapshot of {which!r}")
    return str(found)
