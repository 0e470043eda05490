"""Storing of drafts: rows of their owners, each change against the version that was read.

Every function works in the transaction of the caller's scope: the policies of ``edit_drafts`` say who reads a row (its
owner; who looks after all areas that a shared one names) and who changes it (its owner).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from grid.errors import DraftChanged, TooManyDrafts
from layers.errors import NotFound
from layers.postgres import read_seen
from layers.tables import EditDraft

MOST_DRAFTS = 50
"""Drafts that one account may have at a time."""
KEPT_DAYS = 180
"""Days after its last change for which a draft is kept; then the job of old rows removes it."""


@dataclass(frozen=True)
class DraftContent:
    """The part of a draft that its owner writes.

    Attributes
    ----------
    name : str
        Empty: the title, else the time of its making.
    steps, undone : list of dict
        Steps as JSON data: ``operation``, ``zones``, ``target``; those taken back, the last one first.
    title, reason : str
    effective_on : date or None
        Day from which the change is to hold; None: at once.
    keep_codes : bool
        Corrected grids keep their codes.
    shared : bool
        Whoever looks after all the areas may read and copy it.
    """

    name: str = ""
    steps: Sequence[dict[str, Any]] = ()
    undone: Sequence[dict[str, Any]] = ()
    title: str = ""
    reason: str = ""
    effective_on: dt.date | None = None
    keep_codes: bool = False
    shared: bool = False


def drafts_in_reach(db: Session, owner: str, *, shared: bool, limit: int) -> list[EditDraft]:
    """Return the drafts of an account, with ``shared`` also those that others share with it, the latest first."""
    statement = select(EditDraft).order_by(EditDraft.changed_at.desc(), EditDraft.id.desc()).limit(limit)
    others = EditDraft.shared if shared else text("false")
    return list(db.scalars(statement.where(or_(EditDraft.owner == owner, others))))


def read_draft(db: Session, draft_id: int) -> EditDraft:
    """Return one draft that the caller may read.

    Raises
    ------
    layers.errors.NotFound
    """
    return read_seen(db, EditDraft, draft_id, ("draft", "草稿"))


def create_draft(db: Session, owner: str, content: DraftContent) -> EditDraft:
    """Store a draft for an account.

    Raises
    ------
    TooManyDrafts
        The account has ``MOST_DRAFTS`` already.
    """
    db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"drafts:{owner}"})
    kept = db.scalar(select(func.count()).select_from(EditDraft).where(EditDraft.owner == owner)) or 0
    if kept >= MOST_DRAFTS:
        raise TooManyDrafts(
            f"you have {kept} drafts: hand some in or delete them (at most {MOST_DRAFTS})",
            f"您已有 {kept} 份草稿，最多保存 {MOST_DRAFTS} 份：请先提交或删除",
        )
    now = dt.datetime.now(dt.UTC)
    row = EditDraft(owner=owner, version=1, created_at=now, changed_at=now, **_columns(db, content, now))
    db.add(row)
    db.flush()
    return row


def change_draft(
    db: Session, draft_id: int, owner: str, version: int | None, content: DraftContent
) -> EditDraft:
    """Write a new version of an own draft, if the stored one is still the version that was read.

    Parameters
    ----------
    version : int or None
        None: the tag that was sent names no version of this draft.

    Raises
    ------
    layers.errors.NotFound
        No such draft of this account.
    DraftChanged
        Another tab or device wrote it meanwhile.
    """
    now = dt.datetime.now(dt.UTC)
    values = _columns(db, content, now)
    changed = (
        update(EditDraft)
        .where(EditDraft.id == draft_id, EditDraft.owner == owner, EditDraft.version == version)
        .values(**values, version=EditDraft.version + 1, changed_at=now)
        .returning(EditDraft.id)
        .execution_options(synchronize_session=False)
    )
    if db.scalar(changed) is None:
        _refuse_other_version(_own(db, draft_id, owner))
    db.expire_all()
    return read_draft(db, draft_id)


def delete_draft(db: Session, draft_id: int, owner: str, version: int | None) -> None:
    """Delete an own draft that is still the version that was read.

    Raises
    ------
    layers.errors.NotFound
    DraftChanged
    """
    gone = delete(EditDraft).where(
        EditDraft.id == draft_id, EditDraft.owner == owner, EditDraft.version == version
    )
    if db.scalar(gone.returning(EditDraft.id)) is None:
        _refuse_other_version(_own(db, draft_id, owner))


def copy_draft(db: Session, draft_id: int, owner: str) -> EditDraft:
    """Copy a draft that the account may read to one of its own, which is not shared.

    Raises
    ------
    layers.errors.NotFound
    TooManyDrafts
    """
    row = read_draft(db, draft_id)
    names = (field.name for field in dataclasses.fields(DraftContent))
    content = DraftContent(**{name: getattr(row, name) for name in names})
    return create_draft(db, owner, dataclasses.replace(content, shared=False))


def remove_old_drafts(db: Session, now: dt.datetime, days: int = KEPT_DAYS) -> int:
    """Remove drafts that nobody changed for so many days; give how many."""
    old = delete(EditDraft).where(EditDraft.changed_at < now - dt.timedelta(days=days))
    return len(db.scalars(old.returning(EditDraft.id)).all())


def _own(db: Session, draft_id: int, owner: str) -> EditDraft:
    row = db.scalar(select(EditDraft).where(EditDraft.id == draft_id, EditDraft.owner == owner))
    if row is None:
        raise NotFound(
            f"no draft {draft_id} of your own: copy a shared one first",
            f"您没有草稿 {draft_id}：请先复制他人共享的草稿",
        )
    return row


def _refuse_other_version(row: EditDraft) -> None:
    raise DraftChanged(
        f"draft {row.id} is at version {row.version}, saved {row.changed_at.isoformat()} in another tab or on another"
        " device: read it again, or save yours as a draft of its own",
        f"草稿 {row.id} 已在其他窗口或设备上保存为第 {row.version} 版（{row.changed_at.isoformat()}）：请重新读取，"
        "或将您的修改另存为新草稿",
        stored_version=row.version,
    )


def _columns(db: Session, content: DraftContent, now: dt.datetime) -> dict[str, Any]:
    """Return the columns of a content, with the areas that it names."""
    named = sorted({key for step in content.steps for key in _named(step) if key > 0})
    name = content.name.strip() or content.title.strip() or f"草稿 draft {now:%Y-%m-%d %H:%M}"
    return {
        "name": name,
        "steps": list(content.steps),
        "undone": list(content.undone),
        "title": content.title.strip(),
        "reason": content.reason.strip(),
        "effective_on": content.effective_on,
        "keep_codes": content.keep_codes,
        "shared": content.shared,
        "named_ids": named,
        "area_ids": list(db.scalars(_SCOPE_AREAS, {"ids": named})),
    }


def _named(step: dict[str, Any]) -> list[int]:
    """Return the ids that a step names: of its operation, of the areas shown with it, of its target."""
    operation = step["operation"]
    ids = [*operation.get("area_ids", ()), *(zone["id"] for zone in step.get("zones", ()))]
    ids += [operation[name] for name in ("area_id", "community_id", "parent_id") if operation.get(name)]
    return ids


_SCOPE_AREAS = text("""
SELECT DISTINCT CASE WHEN kind IN ('unit_grid', 'responsibility_grid', 'evaluation_grid') THEN parent_id ELSE id END
FROM areas WHERE id = ANY(:ids) ORDER BY 1
""")
