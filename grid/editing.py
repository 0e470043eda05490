"""Edits of the partition as change sets: drafted, checked, previewed, applied at once or not at all, undoable.

What is decided here:

* A unit grid that changes ends (``valid_to``, ``void_reason``) and new ones begin with the next sequence numbers of
  their community, never used before. Only an undo gives former codes back, since they name the same land again.
* A new node on an edge goes into the edges of the neighbours as well, in place: their land does not change (the node
  lies on the edge to a nanometre), so that they get no new version; the change set names them as ``noded``.
* ``draft`` and ``apply`` compute the same plan; ``apply`` computes it anew under the locks of the communities
  concerned. When a zone of the draft has ended in the meantime it is a conflict that names who changed what. Codes
  that somebody else took meanwhile are no conflict: the result says which codes were given.
* Cases keep the grid in which they were opened.

All functions need the rights of the system (``layers.database.SYSTEM``) and write in the caller's transaction.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grid import edit_store as store
from grid.edit_plan import Plan, make_plan, operand_ids
from grid.errors import EditConflict
from layers.errors import NotFound
from layers.tables import ChangeSet

Operation = dict[str, Any]


def draft(db: Session, operations: list[Operation], author: str) -> ChangeSet:
    """Check operations, preview them and keep them as a draft.

    Parameters
    ----------
    operations : list of dict
        ``{"op": "split", "area_id": int, "line": GeoJSON LineString}`` or ``{"op": "merge", "area_ids": [int, …]}``;
        each unit grid at most once.

    Returns
    -------
    ChangeSet
        With ``preview``: ``affected_sites``, ``open_cases``, ``new_codes``, ``voided_codes``, ``load`` (before, after),
        ``noded``, ``result`` (FeatureCollection of the new zones).

    Raises
    ------
    TopologyFault
        The result would not be a partition.
    UnknownArea, EditConflict, GridError
        An id that is no unit grid, one that has ended, an operation that cannot be read.
    """
    plan = make_plan(db, operations)
    row = ChangeSet(
        area_id=plan.scope_area_id,
        status="draft",
        author=author,
        created_at=dt.datetime.now(dt.UTC),
        operations=operations,
        preview=store.preview(db, plan),
    )
    db.add(row)
    db.flush()
    return row


def apply(db: Session, change_set_id: int, approver: str) -> ChangeSet:
    """Put a draft into force.

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
    store.lock_communities(db, operand_ids(row.operations))
    plan = make_plan(db, row.operations)
    now = store.later_than(db, plan)
    row.result = store.write(db, plan, row.id, now)
    row.status, row.approved_by, row.applied_at = "applied", approver, now
    db.flush()
    return row


def undo(db: Session, change_set_id: int, actor: str) -> ChangeSet:
    """Take an applied change set back, as an applied change set of its own (which can be undone in turn).

    The zones that had ended begin again with their former codes, as new versions.

    Raises
    ------
    layers.errors.NotFound
    EditConflict
        It is not in force, or one of the zones that it made has ended in the meantime.
    """
    row = _locked(db, change_set_id, "applied")
    result = row.result or {}
    created = [int(unit["id"]) for unit in result.get("created", [])]
    voided = [int(unit["id"]) for unit in result.get("voided", [])]
    store.lock_communities(db, created)
    plan: Plan = store.reverse_plan(db, created, voided)
    now = store.later_than(db, plan)
    back = ChangeSet(
        area_id=row.area_id,
        status="applied",
        author=actor,
        approved_by=actor,
        created_at=now,
        applied_at=now,
        operations=[{"op": "undo", "change_set_id": row.id, "area_ids": created}],
        preview=store.preview(db, plan),
        undoes_id=row.id,
    )
    db.add(back)
    db.flush()
    back.result = store.write(db, plan, back.id, now)
    row.status = "undone"
    db.flush()
    return back


def _locked(db: Session, change_set_id: int, status: str) -> ChangeSet:
    row = db.scalars(
        select(ChangeSet).where(ChangeSet.id == change_set_id).with_for_update(),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if row is None:
        raise NotFound(f"no change set {change_set_id}")
    if row.status != status:
        raise EditConflict(
            f"change set {change_set_id} is {row.status}, not {status}",
            f"变更 {change_set_id} 的状态为 {row.status}，不是 {status}",
        )
    return row
