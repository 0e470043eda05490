"""The job that watches deadlines, and a calendar file: once each, undone, and told in the case."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from sqlalchemy import text

from geo_api.cases.deadline_watch import watch_deadlines
from geo_api.imports.import_file import import_file
from grid.cases import open_case, verify_chain
from grid.cases.deadlines import read_calendar
from grid.responsibility import assign
from layers.batches import undo_batch
from layers.postgres import SYSTEM, session
from tests.support.square_town import insert_duties, insert_town, middle

LIMITS = {
    "overall": {"normal": {"kind": "working_days", "value": 1}},
    "verify": {"normal": {"kind": "natural_hours", "value": 2}},
}


def opened(url: str, at: dt.datetime) -> str:
    with session(SYSTEM, url) as db:
        if not db.scalar(text("SELECT count(*) FROM duty_items")):
            insert_duties(db)
            insert_town(db)
            db.execute(
                text("INSERT INTO matters (item_code, name, domain, limits, valid_from)"
                     " VALUES ('ECO-RESUME-001', 'm', 'ecology', CAST(:limits AS jsonb), '2020-01-01')"),
                {"limits": json.dumps(LIMITS)},
            )  # fmt: skip
            db.execute(
                text("INSERT INTO bodies (code, name, level, parent_code, valid_from) VALUES"
                     " ('B1', '测试区生态环境局', 'county', 'B0', '2020-01-01'), ('B0', '测试市生态环境局', 'city', NULL,"
                     " '2020-01-01')")
            )  # fmt: skip
        lon, lat = middle(1, 1)
        to = assign(db, lon=lon, lat=lat, item_code="ECO-RESUME-001", at=at)
        case = open_case(
            db, title="t", item_code="ECO-RESUME-001", assignment=to, lon=lon, lat=lat, opened_at=at
        )
        return case.number


def escalations(url: str) -> list[tuple[str, str | None]]:
    with session(SYSTEM, url) as db:
        assert verify_chain(db) == []
        rows = db.execute(
            text(
                "SELECT payload ->> 'reason', payload ->> 'superior' FROM case_events WHERE action = 'escalate' ORDER BY seq"
            )
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]


def test_a_late_case_is_escalated_once_for_its_stage_and_once_for_itself(fresh_database: str) -> None:
    at = dt.datetime(2026, 3, 2, 2, tzinfo=dt.UTC)  # Monday ten o'clock; due on Tuesday at six
    number = opened(fresh_database, at)
    assert watch_deadlines(fresh_database, at + dt.timedelta(hours=1)) == {}
    assert watch_deadlines(fresh_database, at + dt.timedelta(hours=3)) == {number: "stage_overdue"}
    assert watch_deadlines(fresh_database, at + dt.timedelta(hours=4)) == {}
    assert watch_deadlines(fresh_database, at + dt.timedelta(days=2)) == {number: "overdue"}
    assert watch_deadlines(fresh_database, at + dt.timedelta(days=3)) == {}
    superior = "测试市生态环境局"
    assert escalations(fresh_database) == [("stage_overdue", superior), ("overdue", superior)]


def test_a_calendar_file_gives_the_deadline_and_is_undone(fresh_database: str, tmp_path: Path) -> None:
    at = dt.datetime(2098, 3, 3, 2, tzinfo=dt.UTC)
    number = opened(fresh_database, at)
    assert watch_deadlines(fresh_database, at) == {}, "no calendar, no deadline"
    file = tmp_path / "calendar.csv"
    file.write_text(
        "日期,上班或休息,节日名称\n2098-03-04,off,测试节\n2098-03-08,working,\n", encoding="utf-8"
    )
    report = import_file("calendar", file, url=fresh_database, now=at)
    assert report.counts()["inserted"] == 2
    assert watch_deadlines(fresh_database, at) == {number: "set_deadline"}
    with session(SYSTEM, fresh_database) as db:
        due = db.scalar(text("SELECT due_at FROM cases"))
        assert due == dt.datetime(2098, 3, 5, 10, tzinfo=dt.UTC)  # Wednesday, six in China
        assert verify_chain(db) == []
    with session(SYSTEM, fresh_database) as db:
        undo_batch(db, report.batch_id, by="root", now=at)
        assert read_calendar(db).days == {}
