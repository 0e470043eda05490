"""Findings of the models: runs, stays and visits, written by COPY and idempotent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
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


def newest_runs(db: Session, limit: int, before: int | None = None) -> list[ModelRun]:
    """Return runs of the models, the newest first; with ``before`` only ids below it."""
    statement = select(ModelRun).order_by(ModelRun.id.desc()).limit(limit)
    return list(db.scalars(statement if before is None else statement.where(ModelRun.id < before)))


def read_run(db: Session, run_id: int) -> ModelRun:
    """Return one run.

    Raises
    ------
    NotFound
        There is none.
    """
    run = db.get(ModelRun, run_id)
    if run is None:
        raise NotFound(f"no run {run_id} 没有该次运行")
    return run


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
    window: tuple[dt.datetime, dt.datetime] | None = None,
    fingerprint: Mapping[str, str] | None = None,
    blind_spots: Sequence[Mapping[str, Any]] = (),
    seconds: Mapping[str, float] | None = None,
) -> int:
    """Store a finished run; a run with the same key is replaced (its id stays)."""
    values: dict[str, Any] = {
        "model": model,
        "version": version,
        "key": key,
        "at": at,
        "parameters": parameters,
        "counts": counts,
        "finished_at": dt.datetime.now(dt.UTC),
        "window_from": window and window[0],
        "window_to": window and window[1],
        "fingerprint": dict(fingerprint or {}),
        "blind_spots": [dict(spot) for spot in blind_spots],
        "seconds": dict(seconds or {}),
    }
    statement = insert(ModelRun).values(**values)
    statement = statement.on_conflict_do_update(index_elements=["key"], set_=values)
    run_id: int = db.execute(statement.returning(ModelRun.id)).scalar_one()
    return run_id


def write_stays(
    db: Session,
    stays: pl.DataFrame,
    run_id: int,
    start: dt.datetime,
    end: dt.datetime,
    begins: Mapping[int, dt.datetime] | None = None,
) -> int:
    """Bring the stays that began in ``[start, end)`` in line with those given; returns how many there are.

    A stay that is given as it is stored keeps its row and its run: late fixes change only what they touch.

    Parameters
    ----------
    stays : polars.DataFrame
        ``vehicle_id`` (the database's integer), ``started_at``, ``ended_at``, ``left_by``, ``ended_by``,
        ``open``, ``lon``, ``lat``, ``radius_m``, ``n_fixes``, ``max_gap_s``, ``h3_9``.
    begins : mapping of int to datetime, optional
        Vehicles whose stays were found from an earlier moment on than ``start``.
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
        "max_gap_s": "float8",
        "lon": "float8",
        "lat": "float8",
        "h3_9": "bigint",
    }
    copy_frame(db, stays, "given_stays", columns)
    for statement in _PLACED:
        db.execute(text(statement))
    same = " AND ".join(
        f"g.{name} IS NOT DISTINCT FROM s.{name}"
        for name in (*columns, "area_id")
        if name not in ("lon", "lat")
    )
    db.execute(
        text(
            f"DELETE FROM stays s WHERE {_in_window('started_at')} AND NOT EXISTS (SELECT FROM given_stays g"
            f" WHERE {same} AND g.lon = ST_X(s.geom) AND g.lat = ST_Y(s.geom))"
        ),
        _asked(start, end, begins),
    )
    plain = [name for name in columns if name not in ("lon", "lat")]
    db.execute(
        text(
            f"INSERT INTO stays (run_id, {', '.join(plain)}, geom, area_id)"
            f" SELECT :run_id, {', '.join(f'g.{name}' for name in plain)}, {_POINT}, g.area_id"
            " FROM given_stays g ON CONFLICT (vehicle_id, started_at) DO NOTHING"
        ),
        {"run_id": run_id},
    )
    return stays.height


_POINT = "ST_SetSRID(ST_MakePoint(g.lon, g.lat), 4326)"
_PLACED = (
    "ALTER TABLE given_stays ADD COLUMN area_id bigint",
    f"UPDATE given_stays g SET area_id = owning_area({_POINT})",
    "ANALYZE given_stays",
)


def _in_window(begin: str) -> str:
    """Return the condition of rows ``s`` that a run writes anew: of its window, or of a longer span of a vehicle."""
    return (
        f"(s.{begin} >= :start AND s.{begin} < :end OR EXISTS (SELECT FROM unnest(CAST(:vehicles AS bigint[]),"
        f" CAST(:begins AS timestamptz[])) w (vehicle_id, begins_at) WHERE w.vehicle_id = s.vehicle_id"
        f" AND s.{begin} >= w.begins_at AND s.{begin} < :start))"
    )


def _asked(
    start: dt.datetime, end: dt.datetime, begins: Mapping[int, dt.datetime] | None
) -> dict[str, object]:
    given = begins or {}
    return {"start": start, "end": end, "vehicles": list(given), "begins": list(given.values())}


def write_visits(
    db: Session,
    visits: pl.DataFrame,
    run_id: int,
    start: dt.datetime,
    end: dt.datetime,
    begins: Mapping[int, dt.datetime] | None = None,
) -> int:
    """Bring the visits that began in ``[start, end)`` in line with those given; returns how many there are.

    A visit that is given as it is stored keeps its row and its run.

    Parameters
    ----------
    visits : polars.DataFrame
        ``visit_id``, ``vehicle_id`` (integer), ``site_id`` (text or null), ``entered_at``, ``left_at``,
        ``seen_s``, ``unseen_s``, ``distance_m``, ``share``, ``night``, ``excluded_by``, ``lon``, ``lat``.
    begins : mapping of int to datetime, optional
        Vehicles whose visits were found from an earlier moment on than ``start``.
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
    for statement in _AT_SITES:
        db.execute(text(statement))
    plain = [name for name in columns if name not in ("site_id", "lon", "lat")]
    same = " AND ".join(f"g.{name} IS NOT DISTINCT FROM s.{name}" for name in (*plain, "area_id"))
    alike = (
        f"g.site IS NOT DISTINCT FROM s.site_id AND {same} AND g.lon = ST_X(s.geom) AND g.lat = ST_Y(s.geom)"
    )
    db.execute(
        text(
            f"DELETE FROM visits s WHERE {_in_window('entered_at')}"
            f" AND NOT EXISTS (SELECT FROM given_visits g WHERE {alike})"
        ),
        _asked(start, end, begins),
    )
    db.execute(text(_FORGET_KEPT_VISITS))
    db.execute(
        text(
            f"INSERT INTO visits (run_id, site_id, {', '.join(plain)}, geom, area_id)"
            f" SELECT :run_id, g.site, {', '.join(f'g.{name}' for name in plain)}, {_POINT}, g.area_id"
            " FROM given_visits g"
        ),
        {"run_id": run_id},
    )
    return visits.height


_AT_SITES = (
    "ALTER TABLE given_visits ADD COLUMN site bigint, ADD COLUMN area_id bigint",
    "UPDATE given_visits g SET site = s.id, area_id = s.area_id FROM sites s WHERE s.site_id = g.site_id",
    "ANALYZE given_visits",
)
_FORGET_KEPT_VISITS = (
    "DELETE FROM given_visits g USING visits s"
    " WHERE s.visit_id = g.visit_id AND s.site_id IS NOT DISTINCT FROM g.site"
)
"""Not in the insert: one that looks into its own table for each row reads what it has just written."""


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
        raise NotFound(f"no snapshot of {which!r}", f"没有 {which} 的快照")
    return str(found)
