"""The lifecycle of change sets: draft, check, preview, approval, application as a whole, and undo.

Rules:

* A unit grid whose land changes ends (``valid_to``, ``void_reason``) and new ones begin with the next
  sequence numbers
  of their community, never used before. Only an undo gives former codes back, since they name the same land
  again. Larger areas keep their code when only their outline changes: they get a new version.
* A new node on an edge goes into the edges of the neighbours as well, in place: their land does not change
  (the node
  lies on the edge to a nanometre), so that they get no new version; the change set names them as ``noded``.
* ``draft`` and ``apply`` compute the same plan; ``apply`` computes it anew under the locks of the communities
  concerned. When a zone of the draft has ended in the meantime it is a conflict that names who changed what.
  Codes that somebody else took meanwhile are no conflict: the result says which codes were given.
* A draft that is approved after its date holds from the approval on.
* A change set with a date (``effective_at``) waits as ``approved``; ``apply_due`` puts it into force with
  that date as
  the beginning of the new versions. One that has become impossible by then is ``rejected`` with the reason.
* Cases keep the grid in which they were opened.

All functions need the rights of the system (``layers.postgres.sessions.SYSTEM``) and write in the caller's
transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from grid.areas import time_or_now
from grid.change_sets import writing as store
from grid.change_sets.approval import Editor, check_approval
from grid.change_sets.borders import GridCorners, check_reach, corners_of
from grid.change_sets.chain import Chain, make_plan
from grid.change_sets.codes import Codes
from grid.change_sets.current_areas import WorkingAreas
from grid.change_sets.operations import (
    Operation,
    ResolvedOperation,
    UndoOperation,
    as_json,
    drafted_operations,
    stored_operations,
)
from grid.change_sets.plan import Plan
from grid.change_sets.preview import preview_of
from grid.change_sets.result import ChangeResult
from grid.change_sets.undo import ended_ids, reverse_plan
from grid.errors import EditConflict, GridError
from layers.codes import KEPT_CODE_LAND_SHARE, NATIONAL_GRID_PROFILE, GridProfile
from layers.records import locked_change_set
from layers.tables import ChangeSet


def draft(
    db: Session,
    operations: Sequence[Operation],
    by: Editor,
    *,
    title: str = "",
    reason: str = "",
    effective_at: dt.datetime | None = None,
    keep_codes: bool = False,
    least_kept: float = KEPT_CODE_LAND_SHARE,
    profile: GridProfile = NATIONAL_GRID_PROFILE,
) -> ChangeSet:
    """Check operations, preview them and store them as a draft.

    Parameters
    ----------
    operations : sequence of Operation
        Each is a step on the result of those before it, whose new unit grids it names by negative ids.
    title, reason : str
        For whoever approves.
    effective_at : datetime, optional
        The date from which the change is to hold, in the future; at once when left out.
    keep_codes : bool
        Unit grids whose borders are only corrected go on under their codes.
    least_kept : float
        The share of its land that such a grid keeps at least; below it the draft is refused.
    profile : GridProfile
        How this installation codes its unit grids.

    Returns
    -------
    ChangeSet
        With ``preview``: ``affected_sites``, ``open_cases``, ``new_codes``, ``voided_codes``, ``load``
        (before, after), ``noded``, ``outlines``, ``steps``, ``result`` (FeatureCollection of the new zones).

    Raises
    ------
    TopologyFault
        The result would not be a partition.
    UnknownArea, EditConflict, GridError
        An id that is no such area, one that has ended, a date in the past.
    CodeNotKept
        A corrected grid keeps too little of its land.
    AreaOutOfReach
        An area, or one that touches a moved corner, is out of the editor's reach; it says who may.
    """
    row = preview(
        db,
        operations,
        by,
        title=title,
        reason=reason,
        effective_at=effective_at,
        keep_codes=keep_codes,
        least_kept=least_kept,
        profile=profile,
    )
    if not any(row.preview[name] for name in ("new_codes", "voided_codes", "kept_codes", "outlines")):
        raise GridError(
            "the steps take each other back: nothing would change", "各步骤相互抵消，没有任何变化"
        )
    db.add(row)
    db.flush()
    return row


def preview(
    db: Session,
    operations: Sequence[Operation],
    by: Editor,
    *,
    title: str = "",
    reason: str = "",
    effective_at: dt.datetime | None = None,
    keep_codes: bool = False,
    least_kept: float = KEPT_CODE_LAND_SHARE,
    profile: GridProfile = NATIONAL_GRID_PROFILE,
) -> ChangeSet:
    """Compute the preview of a draft, or raise as :func:`draft` would; nothing is stored."""
    now = dt.datetime.now(dt.UTC)
    if effective_at is not None and time_or_now(effective_at) <= now:
        raise GridError("effective_at lies in the past", "生效时间 effective_at 不能早于现在")
    check_reach(db, by.area_ids, operations)
    chain = Chain(db, operations, by.area_ids)
    if chain.operations != list(operations):
        check_reach(db, by.area_ids, chain.operations)  # a moved corner may touch grids of others
    plan = chain.plan(Codes(db, profile, least_kept=least_kept if keep_codes else None))
    return ChangeSet(
        area_id=plan.scope_area_id,
        status="draft",
        author=by.username,
        created_at=now,
        effective_at=effective_at,
        operations=as_json(chain.operations),
        preview=preview_of(db, plan),
        title=title.strip(),
        reason=reason.strip(),
        keep_codes=keep_codes,
    )


def corners(db: Session, area_id: int, operations: Sequence[Operation], by: Editor) -> GridCorners:
    """Return the corners and edges of a unit grid after the steps of a draft, with what the editor may do with each.

    Raises
    ------
    TopologyFault, UnknownArea, EditConflict, AreaOutOfReach, GridError
    """
    check_reach(db, by.area_ids, operations)
    areas = Chain(db, operations, by.area_ids).areas if operations else WorkingAreas(db)
    return corners_of(areas, area_id, by.area_ids)


def apply(
    db: Session,
    change_set_id: int,
    by: Editor,
    *,
    profile: GridProfile = NATIONAL_GRID_PROFILE,
    least_kept: float = KEPT_CODE_LAND_SHARE,
) -> ChangeSet:
    """Approve a draft: apply it, or store it as ``approved`` until its date, with its new codes promised.

    One whose date has passed begins with its approval, never in the past; ``applied_at`` says when.

    Raises
    ------
    layers.errors.NotFound
        No such change set in reach.
    EditConflict
        It is no draft any more, or a zone of it has ended in the meantime.
    AreaOutOfReach, ApprovalRefused
        Its areas are out of reach, or its author is not of a lower level.
    TopologyFault
        The surroundings have changed so that the result would not be a partition.
    """
    row = locked_change_set(db, change_set_id, by.area_ids)
    _check_status(row, "draft")
    operations = drafted_operations(row.operations)
    check_reach(db, by.area_ids, operations)
    check_approval(db, by, row)
    row.approved_by = by.username
    if row.effective_at is None or row.effective_at <= dt.datetime.now(dt.UTC):
        return _put_into_force(db, row, _plan_of(db, row, operations, profile, least_kept))
    row.preview = preview_of(db, _plan_of(db, row, operations, profile, least_kept))
    row.status = "approved"
    db.flush()
    return row


def _plan_of(
    db: Session,
    row: ChangeSet,
    operations: Sequence[ResolvedOperation],
    profile: GridProfile,
    least_kept: float,
) -> Plan:
    """Plan a stored change set under the locks of its communities: codes are given or promised to one at a time."""
    ids = [area_id for operation in operations for area_id in operation.changed_ids]
    targets = [area_id for operation in operations for area_id in operation.target_ids]
    store.lock_communities(db, [*ids, *targets], hierarchy=bool(targets))
    kept = least_kept if row.keep_codes else None
    return make_plan(db, operations, profile, change_set_id=row.id, least_kept=kept)


def _put_into_force(db: Session, row: ChangeSet, plan: Plan, begins: dt.datetime | None = None) -> ChangeSet:
    """Apply a change set from its date on, or (None) from now on: what is approved late does not begin in the past."""
    row.applied_at = store.effective_moment(db, plan, begins)
    row.result = store.write(db, plan, row.id, row.applied_at).model_dump()
    row.status = "applied"
    db.flush()
    return row


def reject(db: Session, change_set_id: int, by: Editor, reason: str = "") -> ChangeSet:
    """Reject a draft or an approved change set that waits for its date; what its author rejects is ``withdrawn``.

    Raises
    ------
    layers.errors.NotFound
    AreaOutOfReach, ApprovalRefused
    EditConflict
        It is in force already, or turned down.
    """
    row = locked_change_set(db, change_set_id, by.area_ids)
    check_reach(db, by.area_ids, stored_operations(row.operations))
    if row.author != by.username:
        check_approval(db, by, row)
    _check_status(row, "draft", "approved")
    row.status = "withdrawn" if row.author == by.username else "rejected"
    row.result = {"rejected_by": by.username, "reason": reason}
    db.flush()
    return row


def due_change_sets(db: Session, now: dt.datetime | None = None) -> list[int]:
    """Ids of approved change sets whose date has come, in the order of their dates."""
    statement = select(ChangeSet.id).where(
        ChangeSet.status == "approved", ChangeSet.effective_at <= time_or_now(now)
    )
    return list(db.scalars(statement.order_by(ChangeSet.effective_at, ChangeSet.id)))


def apply_due(
    db: Session,
    change_set_id: int,
    profile: GridProfile = NATIONAL_GRID_PROFILE,
    least_kept: float = KEPT_CODE_LAND_SHARE,
) -> ChangeSet:
    """Apply an approved change set from its date on; one that has become impossible is rejected.

    Raises
    ------
    layers.errors.NotFound
    EditConflict
        It does not wait (any more).
    """
    row = locked_change_set(db, change_set_id, None)
    _check_status(row, "approved")
    try:
        with db.begin_nested():
            plan = _plan_of(db, row, drafted_operations(row.operations), profile, least_kept)
            return _put_into_force(db, row, plan, row.effective_at)
    except GridError as error:
        row = locked_change_set(db, change_set_id, None)
        row.status, row.result = "rejected", {"reason": str(error), "reason_zh": error.message_zh}
        db.flush()
        return row


def undo(db: Session, change_set_id: int, by: Editor) -> ChangeSet:
    """Undo an applied change set by a new applied change set, which can be undone as well.

    The areas that had ended begin again with their former codes, as new versions. Change sets can be undone
    one after the other, the latest first: what a later one had ended holds again after its undo.

    Raises
    ------
    layers.errors.NotFound
    AreaOutOfReach, ApprovalRefused
    EditConflict
        It is not in force, or one of the areas that it made has ended in the meantime and no undo brought it
        back.
    """
    row = locked_change_set(db, change_set_id, by.area_ids)
    check_reach(db, by.area_ids, stored_operations(row.operations))
    check_approval(db, by, row)
    _check_status(row, "applied")
    result = ChangeResult.model_validate(row.result or {})
    store.lock_communities(db, result.begun_ids, hierarchy=bool(result.versions))
    plan = reverse_plan(db, result)
    now = store.effective_moment(db, plan)
    undone = UndoOperation(op="undo", change_set_id=row.id, area_ids=ended_ids(plan))
    back = ChangeSet(
        area_id=row.area_id,
        status="applied",
        author=by.username,
        approved_by=by.username,
        created_at=now,
        applied_at=now,
        operations=as_json([undone]),
        preview=preview_of(db, plan),
        undoes_id=row.id,
    )
    db.add(back)
    db.flush()
    back.result = store.write(db, plan, back.id, now).model_dump()
    row.status = "undone"
    db.flush()
    return back


def _check_status(row: ChangeSet, *statuses: str) -> None:
    if row.status not in statuses:
        wanted = " or ".join(statuses)
        raise EditConflict(
            f"change set {row.id} is {row.status}, not {wanted}",
            f"变更 {row.id} 的状态为 {row.status}，不是 {wanted}",
        )
