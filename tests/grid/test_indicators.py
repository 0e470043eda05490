"""Indicators: the table by hand, null over nothing, every figure and the cases behind it, facts from events."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.cases import open_case
from grid.cases.indicators import NAMES, IndicatorRow, cases_of_figure, ranks, read_indicators
from grid.errors import GridError
from grid.responsibility import assign
from layers.tables import CaseFacts
from tests.support.case_steps import move
from tests.support.square_town import insert_duties, insert_town, middle


def day(number: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(2026, 3, number, hour, tzinfo=dt.UTC)


SINCE, UNTIL = day(1), day(11)


def put(db: Session, *rows: dict[str, object]) -> None:
    for key, row in enumerate(rows, start=1):
        kept = {"domain": "ecology", "item_code": "X-1", "source": "other", "number": str(key)} | row
        db.add(CaseFacts(case_id=key, **kept))
    db.flush()


FOUR: list[dict[str, object]] = [
    {"opened_at": day(1), "accepted_at": day(1), "filed_at": day(1, 6), "dispatched_at": day(1, 8), "due_at": day(4), "disposed_at": day(3), "closed_at": day(4)},
    {"opened_at": day(1), "accepted_at": day(1), "filed_at": day(3), "dispatched_at": day(5), "due_at": day(4), "disposed_at": day(5), "closed_at": day(6)},
    {"opened_at": day(2), "accepted_at": day(2), "due_at": day(5), "n_suspended": 1},
    {"opened_at": day(2), "accepted_at": day(2), "filed_at": day(2, 4), "dispatched_at": day(2, 5), "due_at": day(6), "disposed_at": day(6), "n_rework": 1, "n_misdirected": 1},
    {"opened_at": day(9), "due_at": day(12)},
]  # fmt: skip


def only(rows: list[IndicatorRow]) -> IndicatorRow:
    (row,) = rows
    return row


def test_table_by_hand(db: Session) -> None:
    """Four cases are due: one in time, one late, one open, one sent back; a fifth is due after the period."""
    put(db, *FOUR)
    row = only(read_indicators(db, SINCE, UNTIL))
    assert row.counts == {"n_due": 4, "n_reported": 5, "n_filed": 3, "n_dispatched": 3}
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
    }
    assert {name: figure.value for name, figure in row.figures.items()} == pytest.approx(expected)
    # 30 * 0.75 + 20 * 0.5 + 20 * 0.75 + 20 * 0.75 + 10 * 0.75
    assert row.score == pytest.approx(22.5 + 10 + 15 + 15 + 7.5)
    assert set(expected) == set(NAMES) - {"score"}
    assert row.figures["overdue_rate"].small and not row.figures["valid_report_rate"].small
    assert cases_of_figure(db, SINCE, UNTIL, "overdue_rate") == ["3"]
    assert cases_of_figure(db, SINCE, UNTIL, "on_time_filing_rate") == ["4", "1"]
    for name, figure in row.figures.items():
        assert len(cases_of_figure(db, SINCE, UNTIL, name)) == figure.part, name
        assert len(cases_of_figure(db, SINCE, UNTIL, name, whole=True)) == figure.whole, name


def test_a_period_does_not_know_what_came_after_it(db: Session) -> None:
    put(db, *FOUR)
    row = only(read_indicators(db, day(1), day(5)))
    # Due up to 4 March: the first two; the second was disposed on the fifth.
    assert (row.counts["n_due"], row.figures["disposal_rate"].part) == (2, 1)


def test_empty_denominators_are_null(db: Session) -> None:
    row = only(read_indicators(db, SINCE, UNTIL))
    assert row.score is None and all(figure.value is None for figure in row.figures.values())
    assert not any(figure.small for figure in row.figures.values()) and row.counts["n_due"] == 0
    assert read_indicators(db, SINCE, UNTIL, "town") == []


def test_breakdowns_ranks_and_refusals(db: Session) -> None:
    put(db, *({**row, "lead_body": "甲" if i < 2 else "乙"} for i, row in enumerate(FOUR)))
    rows = read_indicators(db, SINCE, UNTIL, "lead_body")
    assert {row.key: row.counts["n_due"] for row in rows} == {"甲": 2, "乙": 2}
    # 甲: 30 + 10 + 20 + 20 + 10; 乙: 15 + 10 + 10 + 10 + 5
    assert {row.key: row.score for row in rows} == {"甲": 90, "乙": 50}
    assert ranks(rows) == [None, None], "two cases are too few for a place"
    assert cases_of_figure(db, SINCE, UNTIL, "rework_rate", by="lead_body", key="乙") == ["4"]
    assert cases_of_figure(db, SINCE, UNTIL, "rework_rate", by="lead_body", key="丙") == []
    for by, figure in (("colour", "rework_rate"), (None, "colour"), ("stage", "rework_rate")):
        with pytest.raises(GridError):
            cases_of_figure(db, SINCE, UNTIL, figure, by=by)
    with pytest.raises(GridError, match="ends after"):
        read_indicators(db, UNTIL, SINCE)


def test_places_go_to_rows_over_enough_cases_and_equal_scores_share_one(db: Session) -> None:
    in_time = {"opened_at": day(1), "due_at": day(4), "disposed_at": day(3), "closed_at": day(4)}
    late = {"opened_at": day(1), "due_at": day(4)}
    put(
        db,
        *({**in_time, "lead_body": "甲"} for _ in range(5)),
        *({**late, "lead_body": "乙"} for _ in range(5)),
        *({**in_time, "lead_body": "丙"} for _ in range(6)),
        *({**in_time, "lead_body": "丁"} for _ in range(4)),
    )
    rows = read_indicators(db, SINCE, UNTIL, "lead_body")
    found = {row.key: rank for row, rank in zip(rows, ranks(rows), strict=True)}
    assert found == {"甲": 1, "丙": 1, "乙": 3, "丁": None}


def test_a_matter_has_its_newest_name(db: Session) -> None:
    put(db, *FOUR)
    db.execute(
        text(
            "INSERT INTO matters (item_code, name, domain, valid_from, valid_to) VALUES"
            " ('X-1', '旧名', 'ecology', '2020-01-01', '2024-01-01'), ('X-1', '新名', 'ecology', '2024-01-01', NULL)"
        )
    )
    assert only(read_indicators(db, SINCE, UNTIL, "item_code")).name == "新名"


def test_facts_come_from_the_events(db: Session) -> None:
    insert_duties(db)
    insert_town(db)
    lon, lat = middle(1, 1)
    db.execute(
        text("INSERT INTO matters (item_code, name, domain, limits, valid_from)"
             " VALUES ('ECO-RESUME-001', 'm', 'ecology', CAST(:limits AS jsonb), '2020-01-01')"),
        {"limits": '{"verify": {"normal": {"kind": "natural_hours", "value": 2}}}'},
    )  # fmt: skip
    answer = assign(db, lon=lon, lat=lat, item_code="ECO-RESUME-001", at=day(1))
    case = open_case(
        db, title="t", item_code="ECO-RESUME-001", assignment=answer, lon=lon, lat=lat, opened_at=day(1), due_at=day(4)
    )  # fmt: skip
    steps = [
        ("verify", "dispatcher", 1, 3), ("file", "dispatcher", 1, 4), ("dispatch", "dispatcher", 1, 5), ("dispose", "officer", 2, 0),
        ("feed_back", "officer", 2, 1), ("rework", "dispatcher", 2, 2), ("dispose", "officer", 3, 0), ("feed_back", "officer", 3, 1),
        ("check", "dispatcher", 3, 2), ("close", "dispatcher", 3, 3),
    ]  # fmt: skip
    for action, _, number, hour in steps:
        move(db, case.number, action, at=day(number, hour))
        if action == "rework":
            assert db.scalar(text("SELECT disposed_at FROM case_facts")) is None
    row = only(read_indicators(db, SINCE, UNTIL, "town"))
    assert (row.key, row.figures["rework_rate"].part, row.figures["closing_rate"].part) == ("320601001", 1, 1)
    facts = db.query(CaseFacts).populate_existing().one()
    assert (facts.accepted_at, facts.disposed_at, facts.closed_at) == (day(1, 3), day(3), day(3, 3))
    stage = only(read_indicators(db, SINCE, UNTIL, "stage"))
    assert (stage.key, stage.counts["n_ended"], stage.figures["on_time_stage_rate"].part) == ("verify", 1, 0)
    assert cases_of_figure(db, SINCE, UNTIL, "on_time_stage_rate", by="stage", key="verify", whole=True) == [
        case.number
    ]
    assert only(read_indicators(db, SINCE, UNTIL, within="320601001")).counts["n_due"] == 1
    assert only(read_indicators(db, SINCE, UNTIL, within="320601002")).counts["n_due"] == 0
