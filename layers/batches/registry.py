"""The register of batches: one row for everything that came from outside in one go."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.errors import NotFound
from layers.postgres import SYSTEM, session
from layers.tables import Batch

LONGEST_REASON = 2_000
"""Characters that are kept of why a file was refused."""
MOST_NOTES = 100
"""Notes that are kept of one import."""


@dataclass(frozen=True)
class BatchOrigin:
    """Origin of a batch.

    Attributes
    ----------
    kind : str
        A kind of import file; of an edit its collection.
    source : str
        One of ``layers.tables.BATCH_SOURCES``.
    actor : str
        Account of the service, or of the machine for the command line.
    api_key : str or None
        Name of the key that was used.
    file_name, sha256 : str or None
        Of a file.
    options : dict
        With which it was imported: CRS, indicative kinds, whether bad rows are skipped.
    """

    kind: str
    source: str
    actor: str
    api_key: str | None = None
    file_name: str | None = None
    sha256: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def as_row(self) -> dict[str, Any]:
        """Return the columns of the table that it fills."""
        return {
            "kind": self.kind,
            "source": self.source,
            "actor": self.actor,
            "api_key": self.api_key,
            "file_name": self.file_name,
            "sha256": self.sha256,
            "options": self.options,
        }


def write_as_batch(db: Session, batch_id: int | None) -> None:
    """Let the rows that the rest of the transaction writes carry the batch; None: no batch."""
    value = "" if batch_id is None else str(batch_id)
    db.execute(text("SELECT set_config('wangge.batch', :value, true)"), {"value": value})


def begin_batch(db: Session, origin: BatchOrigin, now: dt.datetime) -> int:
    """Register a batch that this transaction writes, and let its rows carry it; return its id."""
    values = origin.as_row() | {"received_at": now, "counts": {}, "state": "done"}
    batch_id = int(db.execute(insert(Batch).values(values).returning(Batch.id)).scalar_one())
    write_as_batch(db, batch_id)
    return batch_id


def finish_batch(
    db: Session,
    batch_id: int,
    counts: dict[str, int],
    fixes: tuple[dt.datetime, dt.datetime] | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Store what a batch wrote.

    Parameters
    ----------
    fixes : tuple of datetime, optional
        First and last time of its fixes: an undo reads no other partitions.
    notes : sequence of str
        What the import told a person: guesses, what was left out.
    """
    first, last = fixes or (None, None)
    values = {"counts": counts, "fixes_from": first, "fixes_to": last, "notes": [*notes][:MOST_NOTES]}
    db.execute(update(Batch).where(Batch.id == batch_id).values(values))
    write_as_batch(db, None)


def record_failure(url: str, origin: BatchOrigin, now: dt.datetime, reason: str) -> None:
    """Register, in a transaction of its own, a file that was refused and wrote nothing."""
    values = {"received_at": now, "counts": {}, "state": "failed", "reason": reason[:LONGEST_REASON]}
    with session(SYSTEM, url) as db:
        db.execute(insert(Batch).values(origin.as_row() | values))


def find_same_file(db: Session, origin: BatchOrigin) -> Batch | None:
    """Return the newest batch in force of a file with the same content and kind."""
    same = Batch.kind == origin.kind, Batch.sha256 == origin.sha256, Batch.state == "done"
    return db.scalar(select(Batch).where(*same).order_by(Batch.id.desc()).limit(1))


def next_batch_id(db: Session) -> int:
    """Return the id of a batch that is registered when it is known what it wrote (:func:`record_post`)."""
    return int(db.execute(text("SELECT nextval(pg_get_serial_sequence('batches', 'id'))")).scalar_one())


def record_post(
    db: Session,
    batch_id: int,
    origin: BatchOrigin,
    now: dt.datetime,
    counts: dict[str, int],
    fixes: tuple[dt.datetime, dt.datetime],
) -> None:
    """Register a bulk POST of fixes under the id that its rows carry already."""
    values = {"id": batch_id, "received_at": now, "counts": counts, "state": "done"}
    times = {"fixes_from": fixes[0], "fixes_to": fixes[1]}
    db.execute(insert(Batch).values(origin.as_row() | values | times))


def batch_of_day(db: Session, url: str, origin: BatchOrigin, now: dt.datetime, oldest: dt.timedelta) -> int:
    """Return the batch to which the single fixes of a sender and day belong.

    The first one of a day registers it.

    The caller holds the shared lock of fix batches, so that no undo comes between.

    Parameters
    ----------
    oldest : timedelta
        How old a fix may be: bounds the partitions that an undo reads, without a write for each fix.
    """
    day = now.astimezone(dt.UTC).date()
    found = _open_batch(db, origin, day)
    if found is None:
        begin = dt.datetime.combine(day, dt.time(), dt.UTC)
        values = origin.as_row() | {
            "received_at": now,
            "day": day,
            "fixes_from": begin - oldest,
            "fixes_to": begin + dt.timedelta(days=2),
            "counts": {},
            "state": "open",
        }
        with session(SYSTEM, url) as own:
            own.execute(insert(Batch).values(values).on_conflict_do_nothing())
        found = _open_batch(db, origin, day)
        assert found is not None, "an undo waits for the lock that the caller holds"
    return found


def _open_batch(db: Session, origin: BatchOrigin, day: dt.date) -> int | None:
    same = Batch.actor == origin.actor, Batch.api_key.is_not_distinct_from(origin.api_key), Batch.day == day
    return db.scalar(select(Batch.id).where(*same, Batch.state == "open"))


_STATE = case(((Batch.state == "open") & (Batch.day < func.current_date()), "done"), else_=Batch.state)
"""No fix is added to the batch of a day that is over."""


def newest_batches(
    db: Session,
    limit: int,
    *,
    before_id: int | None = None,
    kind: str | None = None,
    state: str | None = None,
) -> list[Batch]:
    """Return batches that the caller may see, the newest first.

    Parameters
    ----------
    before_id : int, optional
        Older ones only.
    """
    statement = select(Batch, _STATE.label("shown")).order_by(Batch.id.desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(Batch.id < before_id)
    if kind is not None:
        statement = statement.where(Batch.kind == kind)
    if state is not None:
        statement = statement.where(_STATE == state)
    return [_shown(db, *row) for row in db.execute(statement)]


def read_batch(db: Session, batch_id: int, *, lock: bool = False) -> Batch:
    """Return a batch that the caller may see.

    Parameters
    ----------
    lock : bool
        Keep others from changing it until the transaction ends.

    Raises
    ------
    NotFound
    """
    statement = select(Batch, _STATE.label("shown")).where(Batch.id == batch_id)
    row = db.execute(statement.with_for_update(of=Batch) if lock else statement).one_or_none()
    if row is None:
        raise NotFound(f"no batch {batch_id}", f"没有批次 {batch_id}，或无权查看")
    return _shown(db, *row)


def _shown(db: Session, batch: Batch, state: str) -> Batch:
    """Return the row apart from its session, with the state that it has today."""
    db.expunge(batch)
    batch.state = state
    return batch
