"""The lifecycle of a proposed duty list: proposed with its impact, approved by another person, undone.

Rules:

* A proposal holds the lines of a list and the day on which it comes into force. Its impact is computed when it is
  proposed and anew when it is approved.
* The approver is a supervisor of the whole city and not the author. Lines carry days: an approved list is written
  at once, ends and begins lines on its day, and every question about an earlier day is answered as before.
* An undo takes the batch back, by a supervisor. It is refused with what rests on it: cases that were opened since
  with its lines, later lists and imports.
* Every step is a row with who, when and why; rows are added, never changed.

All functions need the rights of the system and write in the caller's transaction.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grid.duty_proposals.impact import Impact, impact_of
from grid.duty_proposals.list_writing import Covers, write_list
from grid.errors import ApprovalRefused, EditConflict, GridError
from grid.registers import body_codes_by_name, nearest_names
from grid.responsibility import Duty
from layers.batches import BatchOrigin, begin_batch, finish_batch, undo_batch
from layers.errors import NotFound
from layers.local_time import local_zone
from layers.postgres import advisory_lock
from layers.tables import DutyProposal, DutyProposalStep

MOST_NAMED = 10
_DAYS = ("valid_from", "valid_to")


@dataclass(frozen=True)
class ProposedFile:
    """The file of a proposed list."""

    name: str
    sha256: str


def propose(
    db: Session,
    lines: Sequence[Duty],
    *,
    by: str,
    on: dt.date,
    covers: Covers,
    file: ProposedFile,
    now: dt.datetime,
    title: str = "",
    reason: str = "",
) -> DutyProposal:
    """Store a list as a proposal, with its impact; nothing of the stored list changes.

    Parameters
    ----------
    lines : sequence of Duty
        Checked, as ``geo_api.imports`` reads them from a file.
    on : datetime.date
        Day on which it comes into force: today or later.

    Raises
    ------
    GridError
        The day is over, a body is not in the register (with the nearest names), or nothing would change.
    """
    if on < now.astimezone(local_zone()).date():
        raise GridError(f"effective_on: {on} is over", f"生效日期 {on} 已过")
    _check_bodies(db, lines)
    with advisory_lock(db, "import"):
        impact = impact_of(db, lines, on, covers)
    if impact.change.empty:
        raise GridError("the list says what the stored one says", "该清单与现行清单一致，无变化")
    proposal = DutyProposal(
        title=title.strip(),
        reason=reason.strip(),
        author=by,
        created_at=now,
        effective_on=on,
        covers=covers,
        file_name=file.name,
        sha256=file.sha256,
        lines=[_as_row(line) for line in lines],
        preview=impact.as_json(),
        status="proposed",
    )
    db.add(proposal)
    db.flush()
    _note(db, proposal, by, "propose", now, reason)
    return proposal


def preview(db: Session, lines: Sequence[Duty], on: dt.date, covers: Covers) -> Impact:
    """Return the impact that a list would have, without storing it.

    Raises
    ------
    GridError
        A body is not in the register.
    """
    _check_bodies(db, lines)
    with advisory_lock(db, "import"):
        return impact_of(db, lines, on, covers)


def _check_bodies(db: Session, lines: Sequence[Duty]) -> None:
    known = body_codes_by_name(db)
    unknown = list(dict.fromkeys(line.body for line in lines if line.body not in known))
    if unknown:
        told = [f"{name} → {', '.join(nearest_names(name, known)) or '—'}" for name in unknown[:MOST_NAMED]]
        more = f" (+{len(unknown) - MOST_NAMED})" if len(unknown) > MOST_NAMED else ""
        raise GridError(
            f"body: not in the register of bodies; nearest: {'; '.join(told)}{more}",
            f"主体不在登记簿中，相近：{'；'.join(told)}{more}",
        )


def approve(db: Session, proposal_id: int, *, by: str, now: dt.datetime) -> DutyProposal:
    """Approve a proposal: its lines are written, and hold from its day on (from today when that is over).

    Raises
    ------
    layers.errors.NotFound
    EditConflict
        It was approved, rejected or undone before, or nothing would change any more.
    ApprovalRefused
        By its author.
    """
    with advisory_lock(db, "import"):
        proposal = _locked(db, proposal_id)
        _check_status(proposal, "proposed")
        if proposal.author == by:
            raise ApprovalRefused(
                "who proposed a duty list does not approve it: another supervisor does",
                "提出人不能审批自己的清单，须由另一名督查员审批",
            )
        day = max(proposal.effective_on, now.astimezone(local_zone()).date())
        lines = [_as_line(row, number) for number, row in enumerate(proposal.lines, start=1)]
        impact = impact_of(db, lines, day, proposal.covers)  # type: ignore[arg-type]  # one of the two words
        if impact.change.empty:
            raise EditConflict("the stored list says the same by now", "现行清单已与该清单一致")
        origin = BatchOrigin("duties", "edit", by, file_name=proposal.file_name, sha256=proposal.sha256)
        batch_id = begin_batch(db, dataclasses.replace(origin, options={"proposal": proposal.id}), now)
        change = write_list(db, lines, day, proposal.covers)  # type: ignore[arg-type]
        counts = {"inserted": len(change.begun), "updated": len(change.ended), "deleted": len(change.dropped)}
        finish_batch(db, batch_id, counts)
    proposal.status, proposal.batch_id, proposal.effective_on = "approved", batch_id, day
    proposal.preview = impact.as_json()
    proposal.decided_by, proposal.decided_at = by, now
    _note(db, proposal, by, "approve", now, "")
    return proposal


def reject(
    db: Session, proposal_id: int, *, by: str, reason: str, supervises: bool, now: dt.datetime
) -> DutyProposal:
    """Turn a proposal down; its author may withdraw it.

    Raises
    ------
    layers.errors.NotFound
    EditConflict
    ApprovalRefused
        Neither the author nor a supervisor.
    """
    proposal = _locked(db, proposal_id)
    _check_status(proposal, "proposed")
    if proposal.author != by and not supervises:
        raise ApprovalRefused("only its author or a supervisor turns it down", "只有提出人或督查员可以否决")
    proposal.status, proposal.decided_by, proposal.decided_at = "rejected", by, now
    _note(db, proposal, by, "reject", now, reason)
    return proposal


def undo(db: Session, proposal_id: int, *, by: str, reason: str, now: dt.datetime) -> DutyProposal:
    """Take an approved list back: what it ended goes on, what it began goes.

    Raises
    ------
    layers.errors.NotFound
    EditConflict
        It is not approved.
    layers.errors.BatchInUse
        Cases, later lists or imports rest on it.
    """
    proposal = _locked(db, proposal_id)
    _check_status(proposal, "approved")
    assert proposal.batch_id is not None, "an approved list was written as a batch"
    undo_batch(db, proposal.batch_id, by=by, now=now, reason=reason.strip())
    db.refresh(proposal)
    return proposal


def read_proposal(db: Session, proposal_id: int) -> DutyProposal:
    """Return a proposal that the caller may see.

    Raises
    ------
    layers.errors.NotFound
    """
    found = db.get(DutyProposal, proposal_id)
    if found is None:
        raise NotFound(f"no proposal {proposal_id}", f"没有清单提案 {proposal_id}")
    return found


def newest_proposals(db: Session, limit: int, before_id: int | None = None) -> list[DutyProposal]:
    """Return the proposals that the caller may see, the newest first."""
    statement = select(DutyProposal).order_by(DutyProposal.id.desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(DutyProposal.id < before_id)
    return list(db.scalars(statement))


def steps_of(db: Session, proposal_id: int) -> list[dict[str, Any]]:
    """Return the steps of a proposal in their order: who did what, when and why."""
    statement = select(DutyProposalStep).where(DutyProposalStep.proposal_id == proposal_id)
    rows = db.scalars(statement.order_by(DutyProposalStep.id))
    return [{"at": row.at, "actor": row.actor, "action": row.action, "note": row.note} for row in rows]


def _locked(db: Session, proposal_id: int) -> DutyProposal:
    statement = select(DutyProposal).where(DutyProposal.id == proposal_id).with_for_update()
    found = db.scalars(statement, execution_options={"populate_existing": True}).one_or_none()
    if found is None:
        raise NotFound(f"no proposal {proposal_id}", f"没有清单提案 {proposal_id}")
    return found


def _check_status(proposal: DutyProposal, wanted: str) -> None:
    if proposal.status != wanted:
        raise EditConflict(
            f"proposal {proposal.id} is {proposal.status}, not {wanted}",
            f"提案 {proposal.id} 的状态为 {STATUS_ZH[proposal.status]}，不能执行此操作",
        )


STATUS_ZH = {"proposed": "待审批", "approved": "已批准", "rejected": "已否决", "undone": "已撤销"}


def _note(db: Session, proposal: DutyProposal, by: str, action: str, now: dt.datetime, note: str) -> None:
    db.add(DutyProposalStep(proposal_id=proposal.id, at=now, actor=by, action=action, note=note.strip()))
    db.flush()


def _as_row(line: Duty) -> dict[str, Any]:
    row = dataclasses.asdict(line)
    del row["id"]
    return row | {name: row[name] and row[name].isoformat() for name in _DAYS}


def _as_line(row: dict[str, Any], number: int) -> Duty:
    days = {name: row[name] and dt.date.fromisoformat(row[name]) for name in _DAYS}
    return Duty(**{**row, **days, "id": number})
