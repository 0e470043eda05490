"""Edits of the partition as change sets: drafted, checked, previewed, approved, applied at once or not at all, undoable.

What is decided here:

* A unit grid whose land changes ends (``valid_to``, ``void_reason``) and new ones begin with the next sequence numbers
  of their community, never used before. Only an undo gives former codes back, since they name the same land again.
  Larger areas keep their code when only their outline changes: they get a new version.
* A new node on an edge goes into the edges of the neighbours as well, in place: their land does not change (the node
  lies on the edge to a nanometre), so that they get no new version; the change set names them as ``noded``.
* ``draft`` and ``apply`` compute the same plan; ``apply`` computes it anew under the locks of the communities
  concerned. When a zone of the draft has ended in the meantime it is a conflict that names who changed what. Codes
  that somebody else took meanwhile are no conflict: the result says which codes were given.
* A change set with a date (``effective_at``) waits as ``approved``; ``apply_due`` puts it into force with that date as
  the beginning of the new versions. One that has become impossible by then is ``rejected`` with the reason.
* Cases keep the grid in which they were opened.

All functions need the rights of the system (``layers.postgres.sessions.SYSTEM``) and write in the caller's transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from grid.areas import moment
from grid.change_sets import writing as store
from grid.change_sets.operations import Operation, UndoOperation, as_json, drafted_operations
from grid.change_sets.planning import make_plan, resolve
from grid.change_sets.preview import preview
from grid.change_sets.result import ChangeResult
from grid.change_sets.undo import ended_ids, reverse_plan
from grid.errors import EditConflict, GridError
from layers.codes import NATIONAL_GRID_PROFILE, GridProfile
from layers.errors import NotFound
from layers.tables import ChangeSet


def draft(
    db: Session,
    operations: Sequence[Operation],
    author: str,
    *,
    effective_at: dt.datetime | None = None,
    profile: GridProfile = NATIONAL_GRID_PROFILE,
) -> ChangeSet:
    """Check operations, preview them and keep them as a draft.

    Parameters
    ----------
    operations : sequence of Operation
        Each area at most once.
    effective_at : datetime, optional
        The date from which the change is to hold, in the future; at once when left out.
    profile : GridProfile
        How this installation codes its unit grids.

    Returns
    -------
    ChangeSet
        With ``preview``: ``affected_sites``, ``open_cases``, ``new_codes``, ``voided_codes``, ``load`` (before, after),
        ``noded``, ``outlines``, ``result`` (FeatureCollection of the new zones).

    Raises
    ------
    TopologyFault
        The result would not be a partition.
    UnknownArea, EditConflict, GridError
        An id that is no such area, one that has ended, an operation that cannot be read, a date in the past.
    """
    now = dt.datetime.now(dt.UTC)
    if effective_at is not None and moment(effective_at) <= now:
        raise GridError("effective_at lies in the past", "生效时间 effective_at 不能早于现在")
    resolved = resolve(db, operations)
    plan = make_plan(db, resolved, profile)
    row = ChangeSet(
        area_id=plan.scope_area_id,
        status="draft",
        author=author,
        created_at=now,
        effective_at=effective_at,
        operations=as_json(resolved),
        preview=preview(db, plan),
    )
    db.add(row)
    db.flush()
    return row


def apply(
    db: Session, change_set_id: int, approver: str, *, profile: GridProfile = NATIONAL_GRID_PROFILE
) -> ChangeSet:
    """Approve a draft: put it into force, or let it wait for its date as ``approved``.

    Raises
    ------
    layers.errors.NotFound
        No such change set.
    EditConflict
        It is no draft any more, or a zone of it has ended in the meantime.
    TopologyFault
        The surroundings have changed so that the result would not be a partition.
    """
    row = _locked(db, change_set_id, "draft")
    row.approved_by = approver
    if row.effective_at is not None and row.effective_at > dt.datetime.now(dt.UTC):
        make_plan(db, drafted_operations(row.operations), profile)
        row.status = "approved"
        db.flush()
        return row
    return _put_into_force(db, row, profile)


def _put_into_force(db: Session, row: ChangeSet, profile: GridProfile) -> ChangeSet:
    operations = drafted_operations(row.operations)
    ids = [area_id for operation in operations for area_id in operation.changed_ids]
    targets = [area_id for operation in operations for area_id in operation.target_ids]
    store.lock_communities(db, [*ids, *targets], hierarchy=bool(targets))
    plan = make_plan(db, operations, profile)
    row.applied_at = store.later_than(db, plan, row.effective_at)
    row.result = store.write(db, plan, row.id, row.applied_at).model_dump()
    row.status = "applied"
    db.flush()
    return row


def reject(db: Session, change_set_id: int, actor: str, reason: str = "") -> ChangeSet:
    """Turn down a draft, or withdraw one that waits for its date.

    Raises
    ------
    layers.errors.NotFound
    EditConflict
        It is in force already, or turned down.
    """
    row = _locked(db, change_set_id, "draft", "approved")
    row.status, row.result = "rejected", {"rejected_by": actor, "reason": reason}
    db.flush()
    return row


def due_change_sets(db: Session, now: dt.datetime | None = None) -> list[int]:
    """Ids of approved change sets whose date has come, in the order of their dates."""
    statement = select(ChangeSet.id).where(
        ChangeSet.status == "approved", ChangeSet.effective_at <= moment(now)
    )
    return list(db.scalars(statement.order_by(ChangeSet.effective_at, ChangeSet.id)))


def apply_due(db: Session, change_set_id: int, profile: GridProfile = NATIONAL_GRID_PROFILE) -> ChangeSet:
    """Put an approved change set into force from its date on; one that has become impossible is rejected.

    Raises
    ------
    layers.errors.NotFound
    EditConflict
        It does not wait (any more).
    """
    row = _locked(db, change_set_id, "approved")
    try:
        with db.begin_nested():
            return _put_into_force(db, row, profile)
    except GridError as error:
        row = _locked(db, change_set_id, "approved")
        row.status, row.result = "rejected", {"reason": str(error), "reason_zh": error.message_zh}
        db.flush()
        return row


def undo(db: Session, change_set_id: int, actor: str) -> ChangeSet:
    """Take an applied change set back, as an applied change set of its own (which can be undone in turn).

    The areas that had ended begin again with their former codes, as new versions. Change sets can be undone one after
    the other, the latest first: what a later one had ended holds again after its undo.

    Raises
    ------
    layers.errors.NotFound
    EditConflict
        It is not in force, or one of the areas that it made has ended in the meantime and no undo brought it back.
    """
    row = _locked(db, change_set_id, "applied")
    result = ChangeResult.model_validate(row.result or {})
    store.lock_communities(db, result.begun_ids, hierarchy=bool(result.versions))
    plan = reverse_plan(db, result)
    now = store.later_than(db, plan)
    undone = UndoOperation(op="undo", change_set_id=row.id, area_ids=ended_ids(plan))
    back = ChangeSet(
        area_id=row.area_id,
        status="applied",
        author=actor,
        approved_by=actor,
        created_at=now,
        applied_at=now,
        operations=as_json([undone]),
        preview=preview(db, plan),
        undoes_id=row.id,
    )
    db.add(back)
    db.flush()
    back.result = store.write(db, plan, back.id, now).model_dump()
    row.status = "undone"
    db.flush()
    return back


def _locked(db: Session, change_set_id: int, *statuses: str) -> ChangeSet:
    row = db.scalars(
        select(ChangeSet).where(ChangeSet.id == change_set_id).with_for_update(),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if row is None:
        raise NotFound(f"no change set {change_set_id}")
    if row.status not in statuses:
        wanted = " or ".join(statuses)
        raise EditConflict(
            f"change set {change_set_id} is {row.status}, not {wanted}",
            f"变更 {change_set_id} 的状态为 {row.status}，不是 {wanted}",
        )
    return row
