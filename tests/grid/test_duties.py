from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session

from grid.errors import UnknownItem
from grid.responsibility import Duty, check_list, check_stored, day_of
from grid.responsibility.duties import all_lines
from tests.support.square_town import NOW, insert_duties, insert_town


def duty(
    body: str, role: str = "lead", start: str = "2022-01-01", end: str | None = None, **values: str
) -> Duty:
    row = {"item_code": "I", "domain": "urban", "level": "county", "area_code": "320601"} | values
    return Duty(
        1, row["item_code"], "item", row["domain"], "law", "处罚", body, row["level"], row["area_code"], role,
        dt.date.fromisoformat(start), None if end is None else dt.date.fromisoformat(end),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "rules"),
    [
        ([duty("a"), duty("b", "joint")], []),
        ([duty("a", end="2023-01-01"), duty("b", start="2023-01-01")], []),
        ([duty("b", "joint")], ["no_lead"]),
        ([duty("a"), duty("b", start="2023-01-01")], ["two_leads"]),
        ([duty("a", end="2023-01-02"), duty("a", start="2023-01-01")], ["overlapping_dates"]),
        ([duty("a", start="2023-01-01", end="2022-01-01")], ["dates_reversed"]),
        ([duty("a", area_code="999999")], ["unknown_area"]),
        ([duty("a"), duty("b", area_code="320600", domain="market")], ["two_domains"]),
        ([], []),
    ],
)
def test_check_of_a_list(lines: list[Duty], rules: list[str]) -> None:
    faults = check_list(lines, ["320600", "320601"])
    assert [fault.rule for fault in faults] == rules
    assert all(fault.zh and fault.en for fault in faults)


def test_items_in_force_lowest_level_first(db: Session) -> None:
    insert_town(db)
    insert_duties(db)
    lines = [line for line in all_lines(db, "URB-STALL-002") if line.holds(day_of(NOW))]
    assert [(line.level, line.body) for line in lines] == [
        ("town", "乙镇人民政府"), ("county", "测试区城市管理局"), ("city", "测试市城市管理局"),
    ]  # fmt: skip
    of_the_town = all_lines(db, "URB-STALL-002", ["320601001"])
    assert [line.holds(dt.date(2023, 1, 1)) for line in of_the_town].count(True) == 1
    with pytest.raises(UnknownItem):
        all_lines(db, "X")
    assert check_stored(db) == []
