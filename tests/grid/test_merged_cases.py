"""A merged case is over: no clock runs on, nothing is merged into it, and it counts as due no more."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.cases import late_cases, open_case, read_indicators, transition, verify_chain
from grid.intake import find_duplicates
from grid.responsibility import assign
from layers.collections import COLLECTIONS, read_feature
from layers.tables import Case
from tests.support.square_town import insert_duties, insert_town, middle

OPENED = dt.datetime(2026, 3, 2, 2, tzinfo=dt.UTC)
LATER = OPENED + dt.timedelta(days=30)


def two_cases(db: Session) -> tuple[Case, Case]:
    """Two cases of one matter at one place, due two days after their opening."""
    insert_duties(db)
    insert_town(db)
    lon, lat = middle(1, 1)
    first, second = (
        open_case(
            db,
            title="案件",
            item_code="ECO-RESUME-001",
            assignment=assign(db, lon=lon, lat=lat, item_code="ECO-RESUME-001", at=OPENED),
            lon=lon,
            lat=lat,
            opened_at=OPENED + dt.timedelta(hours=n),
            due_at=OPENED + dt.timedelta(days=2),
        )
        for n in range(2)
    )
    return first, second


def test_a_merged_case_is_neither_late_nor_due_nor_a_duplicate(db: Session) -> None:
    first, second = two_cases(db)
    before = read_indicators(db, OPENED, LATER)[0].counts["n_due"]
    assert before == 2
    transition(
        db, second.number, "merge", actor="dan", role="dispatcher", note="同一事项",
        payload={"into": first.number}, at=OPENED + dt.timedelta(hours=3),
    )  # fmt: skip
    late = late_cases(db, LATER, dt.timedelta(days=1))
    assert late.overdue == (first.number,) and second.number not in late.stage_overdue
    assert read_indicators(db, OPENED, LATER)[0].counts["n_due"] == 1
    lon, lat = middle(1, 1)
    found, _, _ = find_duplicates(
        db, lon=lon, lat=lat, item_code="ECO-RESUME-001", at=OPENED + dt.timedelta(days=1)
    )
    assert [one.key for one in found] == [first.number]
    shown = {case.number: read_feature(db, COLLECTIONS["cases"], case.id) for case in (first, second)}
    assert '"overdue":true' in shown[first.number].replace(" ", "")
    assert '"overdue":false' in shown[second.number].replace(" ", "")
    assert verify_chain(db) == []
    assert db.scalar(text("SELECT count(*) FROM cases WHERE late_since IS NOT NULL")) == 0
