from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from sqlalchemy.orm import Session

from grid.cases import open_case, transition
from grid.cases.indicators import BREAKDOWNS, FACTS_SCHEMA, NAMES, case_facts, indicator_table
from grid.errors import GridError
from grid.responsibility import assign
from tests.support.square_town import insert_duties, insert_town, middle

UTC = dt.UTC


def day(number: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(2026, 3, number, hour, tzinfo=UTC)


SINCE, UNTIL = day(1), day(11)


def facts(*rows: dict[str, object]) -> pl.DataFrame:
    empty = dict.fromkeys(FACTS_SCHEMA) | {"n_rework": 0, "n_suspended": 0, "n_misdirected": 0}
    return pl.DataFrame([empty | row for row in rows], schema=FACTS_SCHEMA)


def test_table_by_hand() -> None:
    """Four cases are due: one in time, one late, one open, one sent back; a fifth is due after the period."""
    frame = facts(
        {"number": "1", "opened_at": day(1), "accepted_at": day(1), "filed_at": day(1, 6), "dispatched_at": day(1, 8), "due_at": day(4), "disposed_at": day(3), "closed_at": day(4)},
        {"number": "2", "opened_at": day(1), "accepted_at": day(1), "filed_at": day(3), "dispatched_at": day(5), "due_at": day(4), "disposed_at": day(5), "closed_at": day(6)},
        {"number": "3", "opened_at": day(2), "accepted_at": day(2), "due_at": day(5), "n_suspended": 1},
        {"number": "4", "opened_at": day(2), "accepted_at": day(2), "filed_at": day(2, 4), "dispatched_at": day(2, 5), "due_at": day(6), "disposed_at": day(6), "n_rework": 1, "n_misdirected": 1},
        {"number": "5", "opened_at": day(9), "due_at": day(12)},
    )  # fmt: skip
    row = indicator_table(frame, since=SINCE, until=UNTIL).row(0, named=True)
    assert (row["n_due"], row["n_reported"], row["n_filed"], row["n_dispatched"]) == (4, 5, 3, 3)
    expected = {
        "disposal_rate": 3 / 4,
        "on_time_disposal_rate": 2 / 4,
        "closing_rate": 2 / 4,
        "on_time_closing_rate": 1 / 4,
        "rework_rate": 1 / 4,
        "overdue_rate": 1 / 4,
        "suspension_rate": 1 / 4,
        "valid_report_rate": 4 / 5,
        "on_time_filing_rate": 2 / 3,
        "accurate_dispatch_rate": 2 / 3,
        "on_time_dispatch_rate": 2 / 3,
        # 30 * 0.75 + 20 * 0.5 + 20 * 0.75 + 20 * 0.75 + 10 * 0.75
        "score": 22.5 + 10 + 15 + 15 + 7.5,
    }
    assert {name: row[name] for name in NAMES} == pytest.approx(expected)


def test_empty_denominators_are_null() -> None:
    table = indicator_table(facts(), since=SINCE, until=UNTIL)
    assert table.height == 1
    assert all(table[name][0] is None for name in NAMES)
    assert table["n_due"][0] == 0


def test_breakdown_has_its_own_denominators() -> None:
    frame = facts(
        {"number": "1", "town": "A", "opened_at": day(1), "due_at": day(4), "disposed_at": day(3)},
        {"number": "2", "town": "B", "opened_at": day(1), "due_at": day(20)},
    )
    table = indicator_table(frame, since=SINCE, until=UNTIL, by=["town"])
    assert table.select("town", "n_due", "disposal_rate").rows() == [("A", 1, 1.0), ("B", 0, None)]
    with pytest.raises(GridError, match="colour"):
        indicator_table(frame, since=SINCE, until=UNTIL, by=["colour"])
    assert set(BREAKDOWNS) <= set(FACTS_SCHEMA)


def test_facts_come_from_the_events(db: Session) -> None:
    insert_duties(db)
    insert_town(db)
    lon, lat = middle(1, 1)
    answer = assign(db, lon=lon, lat=lat, item_code="ECO-RESUME-001", at=day(1))
    case = open_case(
        db,
        title="t",
        item_code="ECO-RESUME-001",
        assignment=answer,
        lon=lon,
        lat=lat,
        opened_at=day(1),
        due_at=day(4),
    )
    steps = [
        ("verify", "dispatcher", 1, 1), ("file", "dispatcher", 1, 2), ("dispatch", "dispatcher", 1, 3), ("dispose", "officer", 2, 0),
        ("feed_back", "officer", 2, 1), ("rework", "dispatcher", 2, 2), ("dispose", "officer", 3, 0), ("feed_back", "officer", 3, 1),
        ("check", "dispatcher", 3, 2), ("close", "dispatcher", 3, 3),
    ]  # fmt: skip
    for action, role, number, hour in steps:
        transition(db, case.number, action, actor=role, role=role, note="n", at=day(number, hour))
    row = case_facts(db, day(11)).row(0, named=True)
    assert (row["town"], row["unit_grid"], row["n_rework"]) == ("320601001", "320601001001004", 1)
    assert (row["accepted_at"], row["disposed_at"], row["closed_at"]) == (day(1, 1), day(3), day(3, 3))
    # As known before the second disposal the case was sent back and is not disposed.
    early = case_facts(db, day(2, 12)).row(0, named=True)
    assert early["disposed_at"] is None and early["closed_at"] is None
    table = indicator_table(case_facts(db, UNTIL), since=SINCE, until=UNTIL, by=["county"])
    assert table.select("county", "disposal_rate", "rework_rate").rows() == [("320601", 1.0, 1.0)]
