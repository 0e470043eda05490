"""Permission to approve change sets.

A higher level than the author's approves, never the author.

=========================================  ======================================================================
author                                     who may approve
=========================================  ======================================================================
grid manager                               a supervisor in whose area the change set is, or the grid manager of a
                                           larger area that contains the author's
supervisor of an area                      a supervisor of a larger area that contains the author's
supervisor of the whole city               another supervisor of the whole city
no account (any more), or no editor        a supervisor of the whole city
=========================================  ======================================================================

Who may approve a change set may also undo it. An account of the city's own area has the whole city.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from grid.errors import ApprovalRefused
from layers.tables import Area, ChangeSet, User

EDITORS = frozenset({"grid_manager", "supervisor"})
"""Roles that draft, approve and undo."""


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
        Whether this installation is a demo, in which everybody who may edit approves.
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
        Whether that area is one of the approver's; everything is in reach of the whole city.
    """

    username: str
    role: str
    area_code: str | None
    in_reach: bool


@dataclass(frozen=True)
class Approval:
    """Answer for one change set.

    Attributes
    ----------
    allowed : bool
        Whether the account that asks may apply or undo it.
    approvers_en, approvers_zh : str
        Who may, for people.
    """

    allowed: bool
    approvers_en: str
    approvers_zh: str


def outranks(approver: Editor, author: Author | None) -> bool:
    """Whether the approver has a higher level than the author.

    The reach of the change set itself is not looked at.

    Parameters
    ----------
    author : Author or None
        None: the author has no account that may edit.

    Examples
    --------
    >>> county = Editor("li", "grid_manager", "320623", [1, 2])
    >>> outranks(county, Author("wang", "grid_manager", "320623100", in_reach=True))
    True
    >>> outranks(county, Author("zhao", "grid_manager", "320623", in_reach=True))
    False
    >>> city = Editor("sun", "supervisor", None, None)
    >>> outranks(city, Author("qian", "supervisor", None, in_reach=True)), outranks(city, None)
    (True, True)
    >>> outranks(city, Author("sun", "supervisor", None, in_reach=True))
    False
    """
    if approver.role not in EDITORS or (author is not None and author.username == approver.username):
        return False
    supervises = approver.role == "supervisor"
    if author is None:
        return supervises and approver.area_code is None
    if author.role == "supervisor" and author.area_code is None:
        return supervises and approver.area_code is None
    larger = author.in_reach and author.area_code is not None and author.area_code != approver.area_code
    if author.role == "supervisor":
        return supervises and larger
    return supervises or larger


def approvals(db: Session, approver: Editor, change_sets: Sequence[ChangeSet]) -> dict[int, Approval]:
    """Whether an account may apply or undo each change set, and who may, by id.

    Parameters
    ----------
    db : Session
        With the rights of the system: accounts are read.
    change_sets : sequence of ChangeSet
        In the approver's reach.
    """
    whole_city = _city_codes(db)
    if approver.area_code in whole_city:
        approver = Editor(approver.username, approver.role, None, approver.area_ids, approver.self_approval)
    authors = _authors(db, approver, {row.author for row in change_sets}, whole_city)
    return {row.id: _approval(approver, row.author, authors.get(row.author)) for row in change_sets}


def _approval(approver: Editor, username: str, author: Author | None) -> Approval:
    allowed = username != approver.username and outranks(approver, author)
    if approver.self_approval:
        allowed = approver.role in EDITORS
    return Approval(allowed, *_approvers(author))


def _approvers(author: Author | None) -> tuple[str, str]:
    """Who may approve what this author drafted, in English and Chinese."""
    if author is None:
        return "a supervisor of the whole city", "全市监督员"
    if author.role == "supervisor" and author.area_code is None:
        return (
            f"a supervisor of the whole city other than {author.username}",
            f"{author.username} 以外的全市监督员",
        )
    if author.role == "supervisor":
        return (
            f"a supervisor of a larger area than {author.area_code}",
            f"{author.area_code} 上级区域的监督员",
        )
    if author.area_code is None:
        return "a supervisor of the area of the change", "变更所在区域的监督员"
    return (
        "a supervisor of the area of the change, or the grid manager of a larger area than"
        f" {author.area_code}",
        f"变更所在区域的监督员，或 {author.area_code} 上级区域的网格管理员",
    )


def check_approval(db: Session, approver: Editor, change_set: ChangeSet) -> None:
    """Refuse an approver who is the author, or whose level is not higher than the author's.

    Raises
    ------
    ApprovalRefused
        It says who may.
    """
    found = approvals(db, approver, [change_set])[change_set.id]
    if found.allowed:
        return
    if change_set.author == approver.username:
        why_en, why_zh = (
            "Nobody approves, or takes back, an own change set",
            "任何人不得审批或撤销本人起草的变更",
        )
    else:
        why_en = "A change set is approved, and taken back, by a higher level than its author's"
        why_zh = "变更须由高于起草人的一级审批或撤销"
    raise ApprovalRefused(f"{why_en}: ask {found.approvers_en}.", f"{why_zh}：请由{found.approvers_zh}办理。")


def _city_codes(db: Session) -> frozenset[str]:
    return frozenset(db.scalars(select(Area.code).where(Area.kind == "city").distinct()))


def _authors(
    db: Session, approver: Editor, names: set[str], whole_city: Collection[str]
) -> Mapping[str, Author]:
    """Accounts of these names that may edit now; an account of the city's own area has the whole city."""
    accounts = select(User.username, User.role, User.area_code).where(
        User.username.in_(names), User.role.in_(EDITORS), User.active
    )
    within = names
    if approver.area_ids is not None:
        inside = select(User.username).join(Area, Area.code == User.area_code)
        within = set(db.scalars(inside.where(User.username.in_(names), Area.id.in_(approver.area_ids))))
    return {
        name: Author(name, role, None if area in whole_city else area, name in within)
        for name, role, area in db.execute(accounts)
    }
