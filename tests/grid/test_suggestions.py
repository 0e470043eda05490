"""Matters for what callers say: how often the suggestion is right, on made tickets in other words than the law's."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_api.demo_city.duties import read_items
from grid.cases import open_case
from grid.intake import ClueFacts, receive_clue, suggest_matters
from grid.intake import suggestions as module
from grid.intake.suggestions import MatterSuggester
from grid.responsibility import assign
from tests.support.square_town import NOW, RESUME, insert_duties, insert_town, middle

PAGE = Path(__file__).parents[2] / "docs" / "intake.md"
Tickets = Sequence[tuple[str, str]]


def calls() -> Tickets:
    """Calls of the demo month; places are taken out."""
    written = (resources.files("geo_api.demo_month") / "calls.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(written.splitlines())
    return [(row["item_code"], re.sub(r"\{\w+\}", "", row["text"])) for row in rows if row["item_code"]]


def tickets(part: str) -> Tickets:
    rows = csv.DictReader((Path(__file__).parent / "tickets.csv").read_text(encoding="utf-8").splitlines())
    return [(row["item_code"], row["text"]) for row in rows if row["part"] == part]


def suggester(said: Mapping[str, Sequence[str]] | None = None) -> MatterSuggester:
    past = said or {}
    return MatterSuggester(
        [
            (
                item["item_code"],
                item["item"],
                item["domain"],
                [item["item"], item["item"], *past.get(item["item_code"], ())],
            )
            for item in read_items()
        ]
    )


def hit_rates(of: MatterSuggester, asked: Tickets) -> tuple[float, float]:
    """Share of the tickets whose matter is suggested first, and among the first three."""
    found = [([each.item_code for each in of.suggest(written, 3)], code) for code, written in asked]
    return (
        round(sum(codes[:1] == [code] for codes, code in found) / len(found), 2),
        round(sum(code in codes for codes, code in found) / len(found), 2),
    )


def told(rates: tuple[float, float], separator: str) -> str:
    return separator.join(f"{rate:.2f}" for rate in rates)


def test_calls_of_another_author_find_their_matter_as_often_as_the_page_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, three = rates = hit_rates(suggester(), calls())
    assert first >= 0.6 and three >= 0.85, rates
    hard = hit_rates(suggester(), tickets("kept"))
    past = defaultdict(list)
    for code, written in tickets("tuned"):
        past[code].append(written)
    with_past = hit_rates(suggester(past), calls())
    assert with_past >= rates
    monkeypatch.setattr(module, "everyday_words", lambda names: [])
    page = PAGE.read_text(encoding="utf-8")
    for measured, of in ((rates, calls()), (hard, tickets("kept"))):
        without = hit_rates(suggester(), of)
        assert without < measured
        row = f"| {told(measured, ' | ')} | {told(without, ', ')} |"
        assert row in page, row


def test_no_ticket_is_written_in_the_words_of_its_matter() -> None:
    names = {item["item_code"]: item["item"] for item in read_items()}
    for code, written in [*tickets("tuned"), *tickets("kept")]:
        assert names[code] not in written
    assert {code for code, _ in tickets("kept")} >= set(names) - {
        "ECO-SEAL-007",
        "URB-DEMO-008",
        "MKT-SEAL-008",
    }, "acts of the body itself are nobody's report"


def test_what_was_said_of_past_cases_is_learned(db: Session) -> None:
    insert_duties(db)
    insert_town(db)
    db.execute(
        text(
            "INSERT INTO matters (item_code, name, domain, valid_from) VALUES (:code, '非法复工', 'ecology', '2020-01-01')"
        ),
        {"code": RESUME},
    )
    oblique = "半夜有人往老窑里搬东西，第二天铁门又锁上"
    assert suggest_matters(db, oblique, at=NOW) == []
    lon, lat = middle(0, 0)
    for number in range(100):  # the index is made anew every hundred cases
        case = open_case(
            db, title="t", item_code=RESUME, assignment=assign(db, lon=lon, lat=lat, item_code=RESUME, at=NOW),
            lon=lon, lat=lat, opened_at=NOW + dt.timedelta(minutes=number),
        )  # fmt: skip
    clue = receive_clue(
        db,
        ClueFacts("hotline", "老窑半夜亮灯搬东西，铁门白天锁上", lon=lon, lat=lat),
        at=NOW,
        created_by=None,
    )
    clue.case_id, clue.state = case.id, "opened"
    db.flush()
    best = suggest_matters(db, oblique, at=NOW + dt.timedelta(days=1))[0]
    assert best.item_code == RESUME and "老窑" in best.matched
