"""Page, report, CSV and API say the same of a case and of its alert, in the words of the language and the city's time."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from maps.glossary import Language, names
from tests.support.console import Console
from tests.support.served_city import City

Open = Callable[..., Console]
CASE = """SELECT c.number, c.alert_id FROM cases c WHERE c.alert_id IS NOT NULL AND c.due_at IS NOT NULL
          AND c.grid_area_id IS NOT NULL ORDER BY c.number LIMIT 1"""
RAW = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d|\+00:00|\d:\d\d:\d\d\.\d|\b(?:feet|ft|mi)\b|→ (?:reported|filed|dispatched|closed)"
)
"""Marks that no person should read: times of machines, feet, codes of states."""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_page_report_csv_and_api_agree(open_page: Open, city: City, language: Language) -> None:
    number, alert_id = city.rows(CASE)[0]
    console = open_page(locale={"zh": "zh-CN", "en": "en-GB"}[language])
    console.log_in("supervisor")
    asked = console.visit.context.request
    case = asked.get(f"{city.address}/v1/cases/{number}").json()
    card = asked.get(f"{city.address}/v1/alerts/{alert_id}").json()
    zone = ZoneInfo(asked.get(f"{city.address}/v1/settings").json()["time_zone"])
    facts = facts_of(case, zone, language)
    page = text_of(console, f"/map/#view=case/{number}&lang={language}", "[data-open-case]")
    report = text_of(console, f"/v1/cases/{number}/report.html?lang={language}", "main")
    for fact in facts:
        assert fact in page, "the page"
        assert fact in report, "the report"
    for seen in (page, report):
        assert RAW.findall(seen) == []
    assert_evidence_agrees(console, card, report, language)
    assert_row_agrees(
        asked.get(f"{city.address}/collections/cases/export?f=csv&times=local&number={number}").text(),
        case,
        zone,
    )


def local(moment: str, zone: ZoneInfo) -> str:
    return f"{dt.datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M}"


def facts_of(case: dict[str, Any], zone: ZoneInfo, language: Language) -> list[str]:
    """Return what must be read of a case: its names, its words, its times."""
    named = [case[name] for name in ("number", "county", "town", "grid_code", "item_code", "lead_body")]
    words = [names(group, case[name])[language] for group, name in (("state", "state"), ("domain", "domain"))]
    steps = [names("action", event["action"])[language] for event in case["events"]]
    times = [case["opened_at"], case["due_at"], *(event["at"] for event in case["events"])]
    return [*filter(None, named), *words, *steps, *(local(each, zone) for each in times)]


def text_of(console: Console, path: str, part: str) -> str:
    """Return what a person reads of a page."""
    page = console.visit.context.new_page()
    page.goto(console.city.address + path)
    expect(page.locator(part)).to_be_visible()
    read: str = page.inner_text("body")
    page.close()
    return read


def assert_evidence_agrees(console: Console, card: dict[str, Any], report: str, language: Language) -> None:
    """The score, the level and every sentence of the evidence stand on the card and in the report."""
    seen = text_of(console, f"/map/#view=alert/{card['alert']['id']}&lang={language}", "[data-card]")
    said = [f"{card['score']:.2f}", names("level", card["level"])[language]]
    for each in [*said, *(item[f"sentence_{language}"] for item in card["evidence"])]:
        assert each in seen and each in report


def assert_row_agrees(text: str, case: dict[str, Any], zone: ZoneInfo) -> None:
    """The row of the CSV names the same areas, body and times."""
    (row,) = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    assert (row["number"], row["town"], row["lead_body"]) == (case["number"], case["town"], case["lead_body"])
    for name in ("opened_at", "due_at"):
        assert row[name].replace("T", " ").startswith(local(case[name], zone))
