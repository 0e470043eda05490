"""Permission to edit areas and to approve change sets: a higher level than the author's approves.

A supervisor stands above the grid managers of the own area, a grid manager above those of smaller areas in it. Who
may approve a change set may also undo it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from grid.change_sets.operations import OperationBase
from grid.errors import ApprovalRefused
from layers.errors import OutOfScope
from layers.tables import Area, ChangeSet, User


@dataclass(frozen=True)
class Editor:
    """An account that drafts, approves or undoes change sets.

    Attributes
    ----------
    username, role : str
    area_code : str or None
        Area of the account; None: the whole city.
    area_ids : collection of int, or None
        Areas in reach, every version of them; None: the whole city.
    self_approval : bool
        Whether this installation lets everybody who may edit approve.
    """

    username: str
    role: str
    area_code: str | None
    area_ids: Collection[int] | None
    self_approval: bool = False


@dataclass(frozen=True)
class Author:
    """The account that drafted a change set.

    Attributes
    ----------
    username, role : str
    area_code : str or None
        Area of the account; None: the whole city.
    in_reach : bool
        Whether that area is one of the approver's.
    """

    username: str
    role: str
    area_code: str | None
    in_reach: bool


def outranks(approver: Editor, author: Author | None) -> bool:
    """Whether the approver has a higher level than the author; without an author's account, supervisors only.

    Examples
    --------
    >>> county = Editor("li", "grid_manager", "320623", [1, 2])
    >>> outranks(county, Author("wang", "grid_manager", "320623100", in_reach=True))
    True
    >>> outranks(county, Author("zhao", "grid_manager", "320623", in_reach=True))
    False
    """
    if approver.role == "supervisor":
        return True
    if author is None or author.username == approver.username or author.role == "supervisor":
        return False
    return author.in_reach and author.area_code is not None and author.area_code != approver.area_code


def may_approve(db: Session, approver: Editor, change_sets: Sequence[ChangeSet]) -> dict[int, bool]:
    """Whether an account may apply or undo each change set, by id.

    Parameters
    ----------
    db : Session
        With the rights of the system: accounts are read.
    """
    if approver.self_approval or approver.role == "supervisor":
        return {row.id: True for row in change_sets}
    authors = _authors(db, approver, {row.author for row in change_sets})
    return {row.id: outranks(approver, authors.get(row.author)) for row in change_sets}


def check_approval(db: Session, approver: Editor, change_set: ChangeSet) -> None:
    """Refuse an approver whose level is not higher than the author's.

    Raises
    ------
    ApprovalRefused
    """
    if may_approve(db, approver, [change_set])[change_set.id]:
        return
    raise ApprovalRefused(
        "A change set is approved, and taken back, by a higher level than its author's: ask a supervisor of the area or"
        " the grid manager of a larger one.",
        "变更须由上一级审批或撤销：请由本区域的监督员或上级区域的网格管理员办理。",
    )


def _authors(db: Session, approver: Editor, names: set[str]) -> dict[str, Author]:
    accounts = select(User.username, User.role, User.area_code).where(User.username.in_(names))
    within = names
    if approver.area_ids is not None:
        inside = select(User.username).join(Area, Area.code == User.area_code)
        within = set(db.scalars(inside.where(User.username.in_(names), Area.id.in_(approver.area_ids))))
    return {name: Author(name, role, area, name in within) for name, role, area in db.execute(accounts)}


def check_reach(db: Session, area_ids: Collection[int] | None, operations: Sequence[OperationBase]) -> None:
    """Refuse operations that change or extend areas outside of the account's own areas.

    Parameters
    ----------
    area_ids : collection of int, or None
        The own areas; None: the whole city.

    Raises
    ------
    OutOfScope
    """
    if area_ids is None:
        return
    wanted = {
        area_id for operation in operations for area_id in [*operation.changed_ids, *operation.target_ids]
    }
    inside = select(Area.id).where(
        Area.id.in_(wanted), or_(Area.parent_id.in_(area_ids), Area.id.in_(area_ids))
    )
    outside = wanted - set(db.scalars(inside))
    if outside:
        raise OutOfScope(f"area_ids: {', '.join(map(str, sorted(outside)))} lie outside of your area")
