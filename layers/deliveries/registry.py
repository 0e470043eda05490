"""The register of runs and deliveries of sources."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.errors import DeliverySettled
from layers.postgres import read_seen
from layers.tables import Batch, Delivery, SourceRun, SourceState

LONGEST_REASON = 2_000
"""Characters that are kept of why a run failed."""


@dataclass(frozen=True)
class FoundContent:
    """Content that a run found.

    Attributes
    ----------
    origin : str
        A path, an address or a table, without credentials.
    mark : str
        By which the same thing at the same origin is known without reading it again.
    """

    origin: str
    mark: str
    file_name: str
    sha256: str
    bytes: int


def lock_of(source: str) -> str:
    """Return the name of the lock that a run of a source holds."""
    return f"source {source}"


_HELD = text("""
SELECT EXISTS (SELECT 1 FROM pg_locks l
               CROSS JOIN (SELECT hashtextextended(:name, 0) AS key) k
               WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
                 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                 AND (l.classid::bigint << 32) | l.objid::bigint = k.key)
""")


def is_being_read(db: Session, source: str) -> bool:
    """Return whether a process is at a run of a source just now."""
    return bool(db.scalar(_HELD, {"name": lock_of(source)}))


def begin_run(db: Session, source: str, actor: str, now: dt.datetime) -> int:
    """Register a run of a source; one that a killed process left is ended.

    The caller holds the lock of the source.
    """
    left = {"outcome": "failed", "ended_at": now, "reason": "进程中断，续做 the process ended; it is resumed"}
    db.execute(
        update(SourceRun).where(SourceRun.source == source, SourceRun.outcome == "running").values(left)
    )
    values = {"source": source, "actor": actor, "started_at": now, "outcome": "running", "deliveries": 0}
    return int(db.execute(insert(SourceRun).values(values).returning(SourceRun.id)).scalar_one())


def end_run(db: Session, run_id: int, now: dt.datetime, outcome: str, deliveries: int, reason: str) -> None:
    """Store what came of a run."""
    values = {
        "ended_at": now,
        "outcome": outcome,
        "deliveries": deliveries,
        "reason": reason[:LONGEST_REASON] or None,
    }
    db.execute(update(SourceRun).where(SourceRun.id == run_id).values(values))


def newest_run(db: Session, source: str) -> SourceRun | None:
    """Return the newest run of a source."""
    return db.scalar(
        select(SourceRun).where(SourceRun.source == source).order_by(SourceRun.id.desc()).limit(1)
    )


def state_of(db: Session, source: str) -> SourceState | None:
    """Return how far a source was read; None: never looked at."""
    return db.get(SourceState, source)


def store_state(
    db: Session, source: str, *, next_at: dt.datetime, failures: int, position: dict[str, Any] | None = None
) -> None:
    """Store when a source is looked at next, and how far it was read when that is new."""
    changed: dict[str, Any] = {"next_at": next_at, "failures": failures}
    if position is not None:
        changed["position"] = position
    statement = insert(SourceState).values({"source": source, "position": {}} | changed)
    db.execute(statement.on_conflict_do_update(index_elements=["source"], set_=changed))


def is_known(db: Session, source: str, origin: str, mark: str) -> bool:
    """Return whether the same thing at the same origin was delivered before."""
    same = Delivery.source == source, Delivery.origin == origin, Delivery.mark == mark
    return db.scalar(select(Delivery.id).where(*same).limit(1)) is not None


def add_delivery(
    db: Session,
    run_id: int,
    source: str,
    kind: str,
    department: str | None,
    content: FoundContent,
    now: dt.datetime,
) -> int:
    """Register content that was delivered; return its id."""
    values = asdict(content) | {
        "run_id": run_id,
        "source": source,
        "kind": kind,
        "department": department or None,
        "received_at": now,
        "state": "received",
        "report": {},
        "skip_bad": False,
    }
    return int(db.execute(insert(Delivery).values(values).returning(Delivery.id)).scalar_one())


def set_delivery(db: Session, delivery_id: int, **values: Any) -> None:
    """Change a delivery."""
    db.execute(update(Delivery).where(Delivery.id == delivery_id).values(values))


def read_delivery(db: Session, delivery_id: int, *, lock: bool = False) -> Delivery:
    """Return a delivery that the caller may see.

    Raises
    ------
    NotFound
    """
    return read_seen(db, Delivery, delivery_id, ("delivery", "交付"), lock=lock)


def deliveries_of(
    db: Session,
    limit: int,
    *,
    source: str | None = None,
    state: str | None = None,
    before_id: int | None = None,
) -> list[Delivery]:
    """Return deliveries that the caller may see, the newest first."""
    statement = select(Delivery).order_by(Delivery.id.desc()).limit(limit)
    if source is not None:
        statement = statement.where(Delivery.source == source)
    if state is not None:
        statement = statement.where(Delivery.state == state)
    if before_id is not None:
        statement = statement.where(Delivery.id < before_id)
    return list(db.scalars(statement))


def unsettled(db: Session, source: str) -> list[Delivery]:
    """Return the deliveries of a source that are to be checked or imported, oldest first."""
    due = Delivery.source == source, Delivery.state.in_(("received", "released"))
    return list(db.scalars(select(Delivery).where(*due).order_by(Delivery.id)))


def same_content(db: Session, delivery: Delivery) -> int | None:
    """Return the newest earlier delivery of the source with the same content that was imported or is held.

    A content whose import was undone since is delivered anew.
    """
    earlier = (
        select(Delivery.id)
        .outerjoin(Batch, Batch.id == Delivery.batch_id)
        .where(
            Delivery.source == delivery.source,
            Delivery.sha256 == delivery.sha256,
            Delivery.id < delivery.id,
            Delivery.state.in_(("imported", "quarantined", "released")),
            Batch.id.is_(None) | (Batch.state == "done"),
        )
    )
    return db.scalar(earlier.order_by(Delivery.id.desc()).limit(1))


def accepted_rows(db: Session, source: str, limit: int = 1_000) -> list[int]:
    """Return the rows of the newest imported deliveries of a source, newest first: a past for its volume."""
    taken = Delivery.source == source, Delivery.state == "imported", Delivery.rows.is_not(None)
    statement = select(Delivery.rows).where(*taken).order_by(Delivery.id.desc()).limit(limit)
    return [rows for rows in db.scalars(statement) if rows is not None]


def newest_accepted(db: Session, source: str) -> dt.datetime | None:
    """Return when the newest content of a source that was imported came in."""
    taken = Delivery.source == source, Delivery.state == "imported"
    return db.scalar(select(Delivery.received_at).where(*taken).order_by(Delivery.id.desc()).limit(1))


def count_held(db: Session, source: str) -> int:
    """Return how many deliveries of a source wait for a person."""
    held = Delivery.source == source, Delivery.state == "quarantined"
    return db.scalar(select(func.count()).select_from(Delivery).where(*held)) or 0


def first_seen(db: Session, source: str) -> dt.datetime | None:
    """Return when a source was looked at first."""
    return db.scalar(select(func.min(SourceRun.started_at)).where(SourceRun.source == source))


def decide(
    db: Session,
    delivery_id: int,
    state: str,
    by: str,
    reason: str,
    now: dt.datetime,
    *,
    skip_bad: bool = False,
) -> Delivery:
    """Release or refuse a delivery that is held, with the reason of the person.

    Parameters
    ----------
    state : {"released", "refused"}
    skip_bad : bool
        Import it without the rows that the import refuses.

    Raises
    ------
    NotFound
    layers.errors.DeliverySettled
        It is not held.
    """
    delivery = read_delivery(db, delivery_id, lock=True)
    if delivery.state != "quarantined":
        raise DeliverySettled(
            f"delivery {delivery_id} is {delivery.state}, not held", f"交付 {delivery_id} 不在待处置状态"
        )
    delivery.state, delivery.skip_bad = state, skip_bad
    delivery.decided_at, delivery.decided_by, delivery.decision_reason = now, by, reason
    db.flush()
    return delivery


def batch_of_delivery(db: Session, delivery_id: int) -> int | None:
    """Return the batch in force that imported a delivery, also where the process ended before it was noted."""
    return db.scalar(
        text(
            "SELECT max(id) FROM batches WHERE options ? 'delivery' AND options ->> 'delivery' = :id AND state = 'done'"
        ),
        {"id": str(delivery_id)},
    )
