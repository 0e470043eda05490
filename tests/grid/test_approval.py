"""Who may approve a change set, by a table of cases; the accounts and areas are read from a real database."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from grid.areas import scope_area_ids
from grid.change_sets import Editor, approvals, read_operations
from grid.change_sets.approval import check_approval
from grid.change_sets.borders import check_reach
from grid.errors import ApprovalRefused, AreaOutOfReach
from layers.tables import ChangeSet, User
from tests.support.square_town import community_code, insert_town, unit_code

COUNTY, TOWN, OTHER_TOWN = "320601", "320601001", "320601002"
ACCOUNTS = {
    "town": ("grid_manager", TOWN),
    "town.colleague": ("grid_manager", TOWN),
    "town.head": ("supervisor", TOWN),
    "town.second": ("supervisor", TOWN),
    "other.town": ("grid_manager", OTHER_TOWN),
    "other.head": ("supervisor", OTHER_TOWN),
    "county.head": ("supervisor", COUNTY),
    "county.officer": ("officer", COUNTY),
    "county": ("grid_manager", COUNTY),
    "city": ("grid_manager", None),
    "city.head": ("supervisor", None),
    "city.second": ("supervisor", None),
    "city.area": ("supervisor", "320600"),
    "abroad": ("grid_manager", "110000"),
    "left": ("grid_manager", TOWN),
    "promoted": ("dispatcher", TOWN),
}
CASES = [
    # who asks, who drafted, whether it may be approved
    ("county", "town", True),
    ("city", "town", True),
    ("city", "county", True),
    ("town.head", "town", True),
    ("county.head", "town.head", True),
    ("city.head", "town.head", True),
    ("city.head", "city.second", True),  # at the top another one of that level
    ("city.area", "city.head", True),  # whose account may be of the city's own area
    ("city.head", "city.area", True),
    ("city.head", "nobody", True),
    ("town.head", "city", True),  # a supervisor stands above grid managers; the change set is in reach
    ("city.head", "city.head", False),  # nobody approves the own draft
    ("town.head", "town.head", False),
    ("town.second", "town.head", False),  # nor that of the same level
    ("other.head", "town.head", False),  # nor that of another branch
    ("town.head", "county.head", False),  # nor that of a higher one
    ("county.head", "city.head", False),
    ("town.head", "nobody", False),  # an author without an account: the whole city's
    ("county.head", "left", False),  # one that was closed
    ("city.head", "left", True),
    ("county.head", "promoted", False),  # one that edits no more
    ("city.head", "promoted", True),
    ("county.officer", "town", False),  # no editor
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
            User(
                username=name,
                password_hash="x",
                role=role,
                display_name=name,
                area_code=area,
                domains=[],
                active=name != "left",
            )
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
    assert approvals(db, approver(db, who), [row])[row.id].allowed is may
    if may:
        check_approval(db, approver(db, who), row)
    else:
        with pytest.raises(ApprovalRefused):
            check_approval(db, approver(db, who), row)
    demo = replace(approver(db, who), self_approval=True)
    assert approvals(db, demo, [row])[row.id].allowed is (demo.role in ("grid_manager", "supervisor"))


def test_several_change_sets_are_answered_together(db: Session, accounts: dict[str, int]) -> None:
    rows = [drafted_by(db, author) for author in ("town", "county", "other.town")]
    found = approvals(db, approver(db, "county"), rows)
    assert [found[row.id].allowed for row in rows] == [True, False, True]
    assert approvals(db, approver(db, "county"), []) == {}


@pytest.mark.parametrize(
    ("author", "en", "zh"),
    [
        ("town", "the grid manager of a larger area than 320601001", "320601001 上级区域的网格管理员"),
        ("city", "ask a supervisor of the area of the change.", "变更所在区域的监督员"),
        ("town.head", "ask a supervisor of a larger area than 320601001.", "320601001 上级区域的监督员"),
        (
            "city.head",
            "ask a supervisor of the whole city other than city.head.",
            "city.head 以外的全市监督员",
        ),
        ("nobody", "ask a supervisor of the whole city.", "请由全市监督员办理"),
    ],
)
def test_a_refusal_says_who_may(db: Session, accounts: dict[str, int], author: str, en: str, zh: str) -> None:
    with pytest.raises(ApprovalRefused) as refused:
        check_approval(db, approver(db, "town.colleague"), drafted_by(db, author))
    assert en in str(refused.value) and zh in refused.value.message_zh
    if author in ACCOUNTS:
        with pytest.raises(ApprovalRefused, match="Nobody approves, or takes back, an own change set") as own:
            check_approval(db, approver(db, author), drafted_by(db, author))
        assert en in str(own.value) and "任何人不得审批或撤销本人起草的变更" in own.value.message_zh


def test_operations_outside_of_the_own_areas_are_refused(db: Session, accounts: dict[str, int]) -> None:
    inside, outside = accounts[unit_code(0, 0)], accounts[unit_code(2, 0)]
    own = scope_area_ids(db, community_code(0, 0))
    line = {"type": "LineString", "coordinates": [[120.8, 32], [120.9, 32]]}
    cut = {"op": "split", "area_id": inside, "line": line}
    check_reach(db, own, read_operations([cut]))
    check_reach(db, None, read_operations([cut | {"area_id": outside}]))
    join = {"op": "merge", "area_ids": [inside, outside]}
    with pytest.raises(AreaOutOfReach, match=unit_code(2, 0)):
        check_reach(db, own, read_operations([cut, join]))
    give = {"op": "transfer", "area_ids": [inside], "community_id": accounts[community_code(2, 0)]}
    with pytest.raises(AreaOutOfReach, match="manages 测试区"):
        check_reach(db, own, read_operations([give]))
