"""Indicators over HTTP: figures, the cases behind them, files, ETag, and nothing of other areas."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import TYPE_CHECKING

import openpyxl
import pytest
from sqlalchemy import text

from grid.cases import open_case, record_system_step, transition
from grid.responsibility import assign
from layers.postgres import SYSTEM, session

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.testclient import TestClient

    from tests.support.application import Api

OPENED = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)
PERIOD = "since=2020-01-01&until=2040-01-01"


@pytest.fixture(autouse=True)
def _cases(api: Api) -> None:
    place = {"lon": 120.1, "lat": 31.2}
    with session(SYSTEM, api.url) as db:
        to = assign(db, item_code="ECO-001", at=OPENED, **place)
        for days in range(1, 7):
            case = open_case(
                db, title="t", item_code="ECO-001", assignment=to, opened_at=OPENED,
                due_at=OPENED + dt.timedelta(days=days), **place,
            )  # fmt: skip
            for action in ("verify", "file", "dispatch")[: days % 4]:
                transition(db, case.number, action, actor="dispatcher", role="dispatcher", at=OPENED)


def test_every_figure_opens_its_cases(api: Api, login: Callable[[str], TestClient]) -> None:
    client = login("dispatcher")
    table = client.get(f"/v1/indicators?{PERIOD}&by=town").json()
    assert table["rows"], "the small town has cases"
    for row in table["rows"]:
        for name, figure in row["figures"].items():
            for whole in (False, True):
                query = f"{PERIOD}&by=town&figure={name}&whole={whole}" + (
                    f"&key={row['key']}" if row["key"] else ""
                )
                found = client.get(f"/v1/indicators/cases?{query}").json()["cases"]
                assert len(found) == figure["whole" if whole else "part"], (row["key"], name, whole)
    total = client.get(f"/v1/indicators?{PERIOD}").json()["rows"][0]
    with session(SYSTEM, api.url) as db:
        n_cases = db.scalar(text("SELECT count(*) FROM cases"))
    assert (
        total["counts"]["n_reported"] == n_cases == sum(row["counts"]["n_reported"] for row in table["rows"])
    )


def test_files_say_the_same_and_an_unchanged_answer_is_not_sent_again(
    api: Api, login: Callable[[str], TestClient]
) -> None:
    client = login("dispatcher")
    first = client.get(f"/v1/indicators?{PERIOD}&by=domain")
    rows = list(
        csv.reader(io.StringIO(client.get(f"/v1/indicators?{PERIOD}&by=domain&f=csv").text.lstrip("\ufeff")))
    )
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"/v1/indicators?{PERIOD}&by=domain&f=xlsx").content))
    sheet = [
        [str(cell) if cell is not None else "" for cell in row]
        for row in book.active.iter_rows(values_only=True)
    ]
    assert [row[0] for row in rows] == [row[0] for row in sheet]
    assert [row[0] for row in rows[1:]] == [row["key"] for row in first.json()["rows"]]
    again = client.get(f"/v1/indicators?{PERIOD}&by=domain", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    with session(SYSTEM, api.url) as db:
        number = db.scalar(text("SELECT number FROM cases WHERE closed_at IS NULL ORDER BY id LIMIT 1"))
        record_system_step(
            db, number, "escalate", {"reason": "overdue"}, dt.datetime(2039, 1, 1, tzinfo=dt.UTC)
        )
        db.execute(text("UPDATE case_facts SET n_rework = 5"))
    later = client.get(f"/v1/indicators?{PERIOD}&by=domain", headers={"If-None-Match": first.headers["etag"]})
    assert later.status_code == 200 and later.json() != first.json(), (
        "a step of any case makes the table anew"
    )


@pytest.mark.parametrize(
    "query",
    [
        "since=2026-02-01&until=2026-01-01",
        "since=0001-01-01&until=2026-01-01",
        f"{PERIOD}&by=colour",
        "since=yesterday&until=2026-01-01",
        "until=2026-01-01",
        f"{PERIOD}&f=pdf",
    ],
)
def test_a_faulty_question_is_refused(login: Callable[[str], TestClient], query: str) -> None:
    assert login("dispatcher").get(f"/v1/indicators?{query}").status_code in (400, 422)
