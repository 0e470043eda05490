"""Work of others on the same areas: their drafts, and change sets that wait for approval or for their date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, BigInteger, cast, or_, select, text
from sqlalchemy.orm import Session

from layers.tables import Area, EditDraft

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
    if not codes:
        return []
    rows = db.execute(_WAITING, {"ids": list(codes), "most": MOST_SHOWN})
    return [
        ChangeAround(
            row.id,
            row.status,
            row.author,
            row.title,
            row.effective_at,
            list(row.new_codes or []) if row.status == "approved" else [],
            sorted(codes[key] for key in row.named),
        )
        for row in rows
    ]


_WAITING = text("""
SELECT c.id, c.status, c.author, c.title, c.effective_at, c.preview -> 'new_codes' AS new_codes, common.named
FROM change_sets c
CROSS JOIN LATERAL (
    SELECT array_agg(DISTINCT named.id) AS named FROM jsonb_array_elements(c.operations) o
    CROSS JOIN LATERAL (
        SELECT CAST(o ->> 'area_id' AS bigint) AS id
        UNION ALL SELECT CAST(k AS bigint) FROM jsonb_array_elements_text(o -> 'area_ids') k) named
    WHERE named.id = ANY(CAST(:ids AS bigint[]))
) common
WHERE c.status IN ('draft', 'approved') AND common.named IS NOT NULL
ORDER BY c.id DESC LIMIT :most
""")
