"""Who may approve a change set, by a table of cases; the accounts and areas are read from a real database."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from grid.areas import scope_area_ids
from grid.change_sets import Editor, may_approve, read_operations
from grid.change_sets.approval import check_approval, check_reach
from grid.errors import ApprovalRefused
from layers.errors import OutOfScope
from layers.tables import ChangeSet, User
from tests.support.square_town import community_code, insert_town, unit_code

COUNTY, TOWN, OTHER_TOWN = "320601", "320601001", "320601002"
ACCOUNTS = {
    "town": ("grid_manager", TOWN),
    "town.colleague": ("grid_manager", TOWN),
    "town.head": ("supervisor", TOWN),
    "other.town": ("grid_manager", OTHER_TOWN),
    "county": ("grid_manager", COUNTY),
    "city": ("grid_manager", None),
    "city.head": ("supervisor", None),
    "abroad": ("grid_manager", "110000"),
}
CASES = [
    # who asks, who drafted, whether it may be approved
    ("county", "town", True),
    ("city", "town", True),
    ("city", "county", True),
    ("town.head", "town", True),
    ("city.head", "city.head", True),  # a supervisor approves the own draft too
    ("city.head", "nobody", True),
    ("town", "town", False),  # nor the own one
    ("town.colleague", "town", False),  # nor that of the same level
    ("town", "county", False),
    ("county", "city", False),  # who has the whole city stands below nobody but supervisors
    ("other.town", "town", False),  # another branch
    ("county", "town.head", False),  # a supervisor's draft is for supervisors
    ("city", "city", False),
    ("county", "nobody", False),  # an author without an account
    ("county", "abroad", False),  # an area that is not below
    ("city", "abroad", True),  # everything is below the city
]


@pytest.fixture
def accounts(db: Session) -> dict[str, int]:
    ids = insert_town(db)
    for name, (role, area) in ACCOUNTS.items():
        db.add(
            User(username=name, password_hash="x", role=role, display_name=name, area_code=area, domains=[])
        )
    db.flush()
    return ids


def approver(db: Session, name: str) -> Editor:
    role, area = ACCOUNTS[name]
    return Editor(name, role, area, None if area is None else scope_area_ids(db, area))


def drafted_by(db: Session, author: str) -> ChangeSet:
    now = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    row = ChangeSet(status="draft", author=author, created_at=now, operations=[], preview={})
    db.add(row)
    db.flush()
    return row


@pytest.mark.parametrize(("who", "author", "may"), CASES)
def test_a_higher_level_approves(
    db: Session, accounts: dict[str, int], who: str, author: str, may: bool
) -> None:
    row = drafted_by(db, author)
    assert may_approve(db, approver(db, who), [row]) == {row.id: may}
    if may:
        check_approval(db, approver(db, who), row)
    else:
        with pytest.raises(ApprovalRefused):
            check_approval(db, approver(db, who), row)
    assert may_approve(db, replace(approver(db, who), self_approval=True), [row]) == {row.id: True}


def test_several_change_sets_are_answered_together(db: Session, accounts: dict[str, int]) -> None:
    rows = [drafted_by(db, author) for author in ("town", "county", "other.town")]
    found = may_approve(db, approver(db, "county"), rows)
    assert [found[row.id] for row in rows] == [True, False, True]
    assert may_approve(db, approver(db, "county"), []) == {}


def test_operations_outside_of_the_own_areas_are_refused(db: Session, accounts: dict[str, int]) -> None:
    inside, outside = accounts[unit_code(0, 0)], accounts[unit_code(2, 0)]
    own = scope_area_ids(db, community_code(0, 0))
    line = {"type": "LineString", "coordinates": [[120.8, 32], [120.9, 32]]}
    cut = {"op": "split", "area_id": inside, "line": line}
    check_reach(db, own, read_operations([cut]))
    check_reach(db, None, read_operations([cut | {"area_id": outside}]))
    join = {"op": "merge", "area_ids": [inside, outside]}
    with pytest.raises(OutOfScope, match=str(outside)):
        check_reach(db, own, read_operations([cut, join]))
    give = {"op": "transfer", "area_ids": [inside], "community_id": accounts[community_code(2, 0)]}
    with pytest.raises(OutOfScope, match=str(accounts[community_code(2, 0)])):
        check_reach(db, own, read_operations([give]))
