"""Work of others on the same areas: their drafts, and change sets that wait for approval or for their date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, BigInteger, cast, or_, select
from sqlalchemy.orm import Session

from grid.change_sets.operations import stored_operations
from layers.tables import Area, ChangeSet, EditDraft

MOST_SHOWN = 50


@dataclass(frozen=True)
class DraftAround:
    """A draft of somebody else; ``id`` is None where it is not shared with the caller."""

    id: int | None
    name: str
    owner: str
    changed_at: dt.datetime
    codes: list[str]


@dataclass(frozen=True)
class ChangeAround:
    """A change set that waits: for approval, or for its date; ``new_codes`` are promised to it once approved."""

    id: int
    status: str
    author: str
    title: str
    effective_at: dt.datetime | None
    new_codes: list[str]
    codes: list[str]


@dataclass(frozen=True)
class Around:
    """Drafts and waiting change sets on the same areas, the latest first; ``codes`` name the areas in common."""

    drafts: list[DraftAround]
    change_sets: list[ChangeAround]


def work_around(
    db: Session, area_ids: Sequence[int], *, username: str, reach: Collection[int] | None
) -> Around:
    """Return the work of others that names some of these areas.

    Parameters
    ----------
    db : Session
        With the rights of the system: of drafts that are not shared, owner, name and day are told, never the steps.
    area_ids : sequence of int
        Those out of the caller's reach are left out.
    username : str
        The own drafts are left out; the own change sets that wait are told.
    reach : collection of int, or None
        Areas of the caller, every version of them; None: the whole city.
    """
    statement = select(Area.id, Area.code).where(Area.id.in_(area_ids))
    if reach is not None:
        statement = statement.where(or_(Area.id.in_(reach), Area.parent_id.in_(reach)))
    codes: dict[int, str] = {row.id: row.code for row in db.execute(statement)}
    return Around(_drafts(db, codes, username, reach), _change_sets(db, codes))


def _drafts(
    db: Session, codes: dict[int, str], username: str, reach: Collection[int] | None
) -> list[DraftAround]:
    rows = db.scalars(
        select(EditDraft)
        .where(
            EditDraft.owner != username,
            EditDraft.named_ids.op("&&")(cast(list(codes), ARRAY(BigInteger))),
        )
        .order_by(EditDraft.changed_at.desc())
        .limit(MOST_SHOWN)
    )
    return [
        DraftAround(
            row.id if row.shared and (reach is None or set(row.area_ids) <= set(reach)) else None,
            row.name,
            row.owner,
            row.changed_at,
            sorted(codes[key] for key in row.named_ids if key in codes),
        )
        for row in rows
    ]


def _change_sets(db: Session, codes: dict[int, str]) -> list[ChangeAround]:
    rows = db.scalars(
        select(ChangeSet).where(ChangeSet.status.in_(("draft", "approved"))).order_by(ChangeSet.id.desc())
    )
    found = []
    for row in rows:
        named = {key for operation in stored_operations(row.operations) for key in operation.changed_ids}
        if common := sorted(codes[key] for key in named if key in codes):
            new = list(row.preview.get("new_codes", [])) if row.status == "approved" else []
            found.append(
                ChangeAround(row.id, row.status, row.author, row.title, row.effective_at, new, common)
            )
    return found[:MOST_SHOWN]
