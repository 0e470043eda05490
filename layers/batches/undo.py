"""Undo of a batch: its rows go, the rows that it replaced come back, or it is said what rests on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import errors, sql
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from layers.batches.dependants import Dependant, dependants_of
from layers.batches.registry import read_batch, write_as_batch
from layers.batches.rows import fixes_of_batch, inserted, replacing_tables, same_key, stored_columns
from layers.collections import settle_cells
from layers.errors import BatchInUse, BatchNotInForce
from layers.postgres import advisory_lock
from layers.records import flag_again, refresh_tracks, wait_for_fix_batches
from layers.tables import Base, Batch

Asked = Mapping[str, Any]


def undo_batch(
    db: Session, batch_id: int, *, by: str, now: dt.datetime, name_all: bool = True, reason: str = ""
) -> Batch:
    """Take back exactly what a batch wrote; the caller commits, or nothing has happened.

    Imports wait meanwhile, and posts of fixes if the batch is one of fixes.

    Parameters
    ----------
    by : str
        Account of who undoes it.
    name_all : bool
        Whether a refusal may name rows of the whole city; else it says how many there are.
    reason : str
        Note of the step, when the batch is that of an approved duty list: the proposal is undone with it.

    Raises
    ------
    NotFound
    BatchNotInForce
        It was undone before, or wrote nothing because its file was refused.
    BatchInUse
        Something later rests on it.
    """
    with advisory_lock(db, "import"):
        batch = read_batch(db, batch_id, lock=True)
        _check_in_force(batch)
        write_as_batch(db, None)
        if batch.kind == "tracks":
            wait_for_fix_batches(db)
        asked = {"batch": batch.id, "fixes_from": batch.fixes_from, "fixes_to": batch.fixes_to}
        if batch.kind == "tracks":
            db.execute(text("DROP TABLE IF EXISTS pg_temp.undone_days"))
            db.execute(text(_UNDONE_DAYS), asked)
        if found := dependants_of(db, batch):
            raise _in_use(batch_id, found if name_all else [one.without_ids() for one in found])
        if batch.kind == "tracks":
            _undo_fixes(db, asked)
        elif batch.kind == "areas":
            _undo_areas(db, asked)
        sites = _metered_sites(db, asked) if batch.kind == "meters" else []
        for table in replacing_tables(batch):
            if batch.kind != "tracks":
                _undo_table(db, table, asked)
        flag_again(db, sites)
        if batch.kind == "matters":
            _undo_alert_kinds(db, batch)
        _run(db, _UNDO_PROPOSAL, asked | {"by": by, "now": now, "reason": reason})
        settle_cells(db)
        values = {"state": "undone", "undone_at": now, "undone_by": by}
        db.execute(update(Batch).where(Batch.id == batch_id).values(values))
        return read_batch(db, batch_id)


_UNDO_PROPOSAL = """
WITH undone AS (
    UPDATE duty_proposals SET status = 'undone' WHERE batch_id = :batch AND status = 'approved' RETURNING id)
INSERT INTO duty_proposal_steps (proposal_id, at, actor, action, note) SELECT id, :now, :by, 'undo', :reason FROM undone
"""


def _metered_sites(db: Session, asked: Asked) -> list[str]:
    """Return the sites whose readings the batch wrote or replaced: their series are other ones without it."""
    return list(db.scalars(text(_METERED_SITES), {"batch": asked["batch"]}))


_METERED_SITES = """
SELECT site_id FROM sites WHERE id IN (
    SELECT site_id FROM meter_readings WHERE batch_id = :batch
    UNION SELECT site_id FROM meter_readings_history WHERE replaced_by = :batch)
"""


def _check_in_force(batch: Batch) -> None:
    if batch.state == "undone":
        assert batch.undone_at is not None
        at = batch.undone_at.isoformat(timespec="seconds")
        raise BatchNotInForce(
            f"batch {batch.id} was undone on {at} by {batch.undone_by}",
            f"批次 {batch.id} 已于 {at} 由 {batch.undone_by} 撤销",
        )
    if batch.state == "failed":
        raise BatchNotInForce(
            f"batch {batch.id} was refused and wrote nothing", f"批次 {batch.id} 导入失败，未写入任何数据"
        )


def _in_use(batch_id: int, found: Sequence[Dependant]) -> BatchInUse:
    rests_on = [{"kind": one.kind, "count": one.count, "ids": list(one.ids)} for one in found]
    english, chinese = (
        "; ".join(one.told("en") for one in found),
        "；".join(one.told("zh") for one in found),
    )
    return BatchInUse(batch_id, rests_on, english, chinese)


def _run(db: Session, statement: str, asked: Asked) -> None:
    """One statement with those of the parameters that it names."""
    db.execute(text(statement), {name: value for name, value in asked.items() if f":{name}" in statement})


def _undo_table(db: Session, table: str, asked: Asked) -> None:
    """Remove what the batch added, write back what it changed, and add again what it removed."""
    columns = stored_columns(table)
    key = {column.name for column in Base.metadata.tables[table].primary_key}
    sets = ", ".join(f"{name} = h.{name}" for name in columns if name not in key)
    named = ", ".join(columns)
    same = same_key(table, "r", "h")
    _run(db, f"DELETE FROM {table} r WHERE {inserted(table, 'r')}", asked)
    _run(
        db,
        f"UPDATE {table} r SET {sets} FROM {table}_history h WHERE h.replaced_by = :batch AND {same}",
        asked,
    )
    _run(
        db,
        f"INSERT INTO {table} ({named}) SELECT {named} FROM {table}_history h"
        f" WHERE h.replaced_by = :batch AND NOT EXISTS (SELECT FROM {table} r WHERE {same})",
        asked,
    )
    _run(db, f"DELETE FROM {table}_history WHERE replaced_by = :batch", asked)


def _undo_alert_kinds(db: Session, batch: Batch) -> None:
    """Give kinds of alerts the matter back that they had before the batch."""
    for kind, code in batch.options.get("alert_kinds", {}).items():
        db.execute(
            text("UPDATE alert_kinds SET item_code = :code WHERE kind = :kind"), {"kind": kind, "code": code}
        )


def _undo_areas(db: Session, asked: Asked) -> None:
    """Remove the versions of the batch; those that it ended hold again."""
    _run(db, "DELETE FROM area_successions WHERE batch_id = :batch", asked)
    _run(db, _HANG_BACK, asked)
    _run(db, "DELETE FROM areas WHERE batch_id = :batch", asked)
    _run(
        db,
        "UPDATE areas SET valid_to = NULL, void_reason = NULL, closed_by_batch = NULL WHERE closed_by_batch"
        " = :batch",
        asked,
    )
    db.execute(text("ANALYZE areas"))


_HANG_BACK = """
UPDATE areas c SET parent_id = o.id
FROM areas n JOIN areas o ON o.code = n.code AND o.kind = n.kind AND o.valid_to = n.valid_from
WHERE n.batch_id = :batch AND o.closed_by_batch = :batch AND c.parent_id = n.id AND c.batch_id IS DISTINCT FROM :batch
  AND c.valid_from < n.valid_from
"""


_UNDONE_DAYS = f"""
CREATE TEMPORARY TABLE undone_days ON COMMIT DROP AS
SELECT f.vehicle_id, (f.t AT TIME ZONE 'UTC')::date AS day, min(f.t) AS first_t, max(f.t) AS last_t
FROM fixes f WHERE {fixes_of_batch("f")} GROUP BY 1, 2
"""
_STALE_TRACKS = """
CREATE TEMPORARY TABLE stale_tracks ON COMMIT DROP AS
SELECT k.day, k.vehicle_id FROM undone_days u JOIN track_days k USING (day, vehicle_id)
WHERE k.n_fixes <> (SELECT count(*) FROM fixes f WHERE f.vehicle_id = k.vehicle_id
                    AND f.t >= k.day::timestamp AT TIME ZONE 'UTC' AND f.t < (k.day + 1)::timestamp AT TIME ZONE 'UTC')
"""
# A vehicle that reported again later stays: the next batch would have registered it.
_REGISTERED_LATER = """
UPDATE vehicles v SET batch_id = (SELECT min(f.batch_id) FROM fixes f WHERE f.vehicle_id = v.id)
WHERE v.batch_id = :batch AND EXISTS (SELECT FROM fixes f WHERE f.vehicle_id = v.id)
"""


def _undo_fixes(db: Session, asked: Asked) -> None:
    """Remove the fixes of the batch, vehicles that only it knew, and lines of tracks that were made with them."""
    _run(db, f"DELETE FROM fixes f WHERE {fixes_of_batch('f')}", asked)
    db.execute(text("DROP TABLE IF EXISTS pg_temp.stale_tracks"))
    db.execute(text(_STALE_TRACKS))
    for table in ("tracks", "track_days"):
        db.execute(
            text(
                f"DELETE FROM {table} r USING stale_tracks s WHERE s.day = r.day AND s.vehicle_id ="
                " r.vehicle_id"
            )
        )
    for day in db.scalars(text("SELECT DISTINCT day FROM stale_tracks ORDER BY day")).all():
        moment = dt.datetime.combine(day, dt.time(), dt.UTC)
        refresh_tracks(db, moment, moment)
    _run(db, _REGISTERED_LATER, asked)
    _run(db, "DELETE FROM vehicles_history WHERE batch_id = :batch", asked)
    _run(db, "DELETE FROM vehicles WHERE batch_id = :batch", asked)
    _drop_empty_partitions(db)


def _drop_empty_partitions(db: Session) -> None:
    """Drop day partitions in which nothing is left, unless somebody reads the table for long."""
    driver = db.connection().connection.driver_connection
    assert driver is not None
    for day in db.scalars(text("SELECT DISTINCT day FROM undone_days ORDER BY day")).all():
        for parent in ("fixes", "tracks"):
            name = f"{parent}_{day:%Y%m%d}"
            table = sql.Identifier(name)
            if not db.scalar(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": name}):
                continue
            if driver.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(table)).fetchone() == (True,):
                continue
            try:
                with driver.transaction():
                    driver.execute("SET LOCAL lock_timeout = '2s'")
                    driver.execute(sql.SQL("DROP TABLE {}").format(table))
            except errors.LockNotAvailable:
                return
