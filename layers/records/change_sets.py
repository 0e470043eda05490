"""Change sets as they are stored: the newest of an area, and one by its id."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from layers.errors import NotFound
from layers.postgres import read_seen
from layers.tables import ChangeSet

# A change set belongs to a community or to a larger area, in the version of its day.
_INSIDE = """
WITH RECURSIVE inside AS (
    SELECT v.id FROM areas v JOIN areas asked ON v.code = asked.code AND v.kind = asked.kind
    WHERE asked.code = :area OR asked.id = CASE WHEN :area ~ '^[0-9]{1,18}$' THEN CAST(:area AS bigint) END
    UNION
    SELECT a.id FROM areas a JOIN inside i ON a.parent_id = i.id WHERE a.kind IN ('county', 'town', 'community')
) SELECT id FROM inside
"""


def newest_change_sets(
    db: Session,
    area_ids: Collection[int] | None,
    *,
    area: str | None = None,
    limit: int,
    before: int | None = None,
) -> list[ChangeSet]:
    """Change sets, the newest first.

    Parameters
    ----------
    area_ids : collection of int, or None
        Only those that lie within one of these areas; None: all.
    area : str or None
        Only those of the area of that code or id, and of what lies inside it, in whatever version.
    before : int or None
        Only ids below.
    """
    statement = select(ChangeSet).order_by(ChangeSet.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(ChangeSet.id < before)
    if area_ids is not None:
        statement = statement.where(ChangeSet.area_id.in_(area_ids))
    if area is not None:
        statement = statement.where(ChangeSet.area_id.in_(text(_INSIDE).bindparams(area=area)))
    return list(db.scalars(statement))


def read_change_set(db: Session, change_set_id: int) -> ChangeSet:
    """Return one change set that the caller may see.

    Raises
    ------
    NotFound
    """
    return read_seen(db, ChangeSet, change_set_id, ("change set", "变更"))


def locked_change_set(db: Session, change_set_id: int, area_ids: Collection[int] | None) -> ChangeSet:
    """One change set as it is stored now, locked until the transaction ends.

    One outside of the areas is not found.

    Raises
    ------
    NotFound
    """
    found = db.get(ChangeSet, change_set_id, populate_existing=True, with_for_update=True)
    if found is None or not (area_ids is None or found.area_id in area_ids):
        raise NotFound(f"no change set {change_set_id}", f"没有变更 {change_set_id}，或无权查看")
    return found
