"""A month of invented cases: every state of every domain, by people who may do it, in chains that hold."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sqlalchemy import text

from geo_api.demo_city import END_DAY
from geo_api.demo_city.duties import read_items
from geo_api.demo_month import MonthReport
from geo_api.demo_month.calls import call
from geo_api.demo_month.plan import DAYS, plan_reports
from geo_api.imports.import_file import import_file
from geo_api.second_city import make_second_city
from geo_api.second_city.land.gazetteer import LAST_DAY
from grid.cases import RULES, clock_status, late_cases, read_indicators, verify_chain
from grid.cases.deadlines import CaseClock
from grid.cases.transitions import WITH_OTHER_DATA
from grid.practice import KnownPlace, places_to_report, reportable_matters
from layers.city import City
from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from layers.tables import CASE_STATES, CLUE_SOURCES, CLUE_STATES
from layers.tables.cases import DOMAINS
from tests.support.cities import NANTONG, SECOND
from tests.support.demo_files import demo_city
from tests.support.worked_month import CityForMonth, city_for_month

REPORTS = 110
WITH_OTHER_WORK = WITH_OTHER_DATA - {"attach", "take_down"}
"""Steps that belong to something else than the case's course: outcomes of alerts, calls of officers, mistakes."""


@pytest.fixture(scope="module")
def demo(
    cluster: Cluster, _migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CityForMonth]:
    files = demo_city(tmp_path_factory).folder
    folder = tmp_path_factory.mktemp("month")
    with city_for_month(cluster, _migrated, NANTONG, files, folder, END_DAY) as made:
        yield made


@pytest.fixture(scope="module")
def worked(demo: CityForMonth) -> MonthReport:
    return demo.work(REPORTS)


@pytest.fixture
def _nantong_in_force() -> None:
    """The city of each fixture stays in force."""


def rows(city: CityForMonth, statement: str, **values: object) -> list[tuple[object, ...]]:
    with session(SYSTEM, city.url) as db:
        return [tuple(row) for row in db.execute(text(statement), values)]


def column(city: CityForMonth, statement: str, **values: object) -> set[object]:
    return {row[0] for row in rows(city, statement, **values)}


def test_cases_of_all_domains_and_sources_pass_through_every_state(
    demo: CityForMonth, worked: MonthReport
) -> None:
    assert worked.refused == [] and worked.untold == [] and not worked.waiting
    assert column(demo, "SELECT DISTINCT domain FROM cases") == set(DOMAINS)
    assert column(demo, "SELECT DISTINCT to_state FROM case_events") == set(CASE_STATES)
    assert column(demo, "SELECT DISTINCT source FROM clues") == set(CLUE_SOURCES)
    assert column(demo, "SELECT DISTINCT state FROM clues") == set(CLUE_STATES)
    taken = column(demo, "SELECT DISTINCT action FROM case_events")
    assert set(RULES) - WITH_OTHER_WORK <= taken and "escalate" in taken
    now = dict(rows(demo, "SELECT state, count(*) FROM cases GROUP BY state"))
    assert len(now) >= 8, now
    of_domains = rows(demo, "SELECT domain, count(DISTINCT state) FROM cases GROUP BY domain")
    assert min(int(str(n)) for _, n in of_domains) >= 3, of_domains


def test_the_chains_hold_and_every_event_lies_in_the_month_in_order(
    demo: CityForMonth, worked: MonthReport
) -> None:
    with session(SYSTEM, demo.url) as db:
        assert verify_chain(db) == []
    first = demo.until - dt.timedelta(days=DAYS)
    ((before, after),) = rows(
        demo,
        "SELECT count(*) FILTER (WHERE at < :first), count(*) FILTER (WHERE at >= :until) FROM case_events",
        first=first,
        until=demo.until,
    )
    assert (before, after) == (0, 0)
    backwards = rows(
        demo,
        "SELECT case_id, seq FROM (SELECT case_id, seq, at, lag(at) OVER (PARTITION BY case_id ORDER BY seq) AS last"
        " FROM case_events) t WHERE at < last",
    )
    assert backwards == []


def test_steps_of_officers_are_taken_by_officers_of_the_register_for_a_party(
    demo: CityForMonth, worked: MonthReport
) -> None:
    """Asked of the tables: each certificate belongs to the body for which the step was taken."""
    strangers = rows(
        demo,
        "SELECT e.actor, e.payload ->> 'body' FROM case_events e WHERE e.role = 'officer' AND NOT EXISTS ("
        " SELECT FROM officers o JOIN bodies b ON b.code = o.body_code"
        " WHERE o.certificate_no = e.actor AND b.name = e.payload ->> 'body')",
    )
    assert strangers == []
    not_parties = rows(
        demo,
        "SELECT e.case_id, e.seq FROM case_events e WHERE e.role = 'officer' AND NOT EXISTS (SELECT FROM case_parties p"
        " WHERE p.case_id = e.case_id AND p.body_id = (e.payload ->> 'body_id')::bigint AND p.since <= e.at)",
    )
    assert not_parties == []


def test_there_are_joint_cases_and_cases_of_two_towns(demo: CityForMonth, worked: MonthReport) -> None:
    ((joint, across),) = rows(
        demo,
        "SELECT count(*) FILTER (WHERE cardinality(co_handlers) > 0),"
        " count(*) FILTER (WHERE jsonb_array_length(assignment #> '{cross_region,towns}') > 1) FROM cases",
    )
    assert int(str(joint)) > 10 and int(str(across)) >= 1


def test_every_board_has_something_to_show(demo: CityForMonth, worked: MonthReport) -> None:
    ((shown, down),) = rows(
        demo,
        "SELECT count(*) FILTER (WHERE taken_down_at IS NULL), count(*) FILTER (WHERE taken_down_at IS NOT NULL)"
        " FROM published_cases",
    )
    assert int(str(shown)) >= 10 and int(str(down)) >= 1
    with session(SYSTEM, demo.url) as db:
        by_domain = read_indicators(db, demo.until - dt.timedelta(days=DAYS), demo.until, "domain")
        assert {row.key for row in by_domain} == set(DOMAINS)
        for row in by_domain:
            for name, figure in row.figures.items():
                assert figure.value is None or 0 <= figure.value <= 1, (row.key, name)
        whole = read_indicators(db, demo.until - dt.timedelta(days=DAYS), demo.until)[0]
        assert all(figure.value is not None for figure in whole.figures.values())
        assert 0 < (whole.figures["rework_rate"].value or 0) < 0.5
        assert late_cases(db, demo.until, dt.timedelta(days=2)).due_soon > 0
    clocks = rows(demo, "SELECT due_at, stage_due_at, late_since, paused_since, closed_at FROM cases")
    statuses = {clock_status(CaseClock(*row[:4]), demo.until, closed=row[4] is not None) for row in clocks}  # type: ignore[arg-type]
    assert {"in_time", "overdue", "suspended", "closed"} <= statuses
    assert any(late_since is not None for _, _, late_since, _, _ in clocks), "late stays late"


def test_the_choices_come_from_the_seed(demo: CityForMonth) -> None:
    with session(SYSTEM, demo.url) as db:
        places = places_to_report(db, 200, 1)
        matters = reportable_matters(db, END_DAY - dt.timedelta(days=DAYS), END_DAY)
        planned = [
            [(one.at, one.source, one.matter.item_code, one.place, one.fate, one.course) for one in plan]
            for plan in (plan_reports(60, seed, demo.until, matters, places) for seed in (1, 1, 2))
        ]
    assert planned[0] == planned[1] != planned[2]
    assert "ECO-RESUME-001" not in {matter.item_code for matter in matters}, "alerts open those"


def test_calls_are_varied_and_every_item_of_the_demo_has_words_of_its_own() -> None:
    written = (resources.files("geo_api.demo_month") / "calls.csv").read_text(encoding="utf-8")
    known = {row["item_code"] for row in csv.DictReader(written.splitlines())}
    items = [item for item in read_items() if item["item_code"] != "ECO-RESUME-001"]
    assert {item["item_code"] for item in items} <= known
    place = KnownPlace(0.0, 0.0, "1", "甲镇", "乙村", "丙厂")
    rng = np.random.default_rng(5)
    calls = [call(i["item_code"], i["domain"], i["item"], place, rng) for i in items for _ in range(6)]
    assert len(set(calls)) > 0.95 * len(calls)
    assert not any("{" in one or "}" in one for one in calls)
    assert "乱挖河沙" in call("ZZ-1", "agriculture", "乱挖河沙", place, rng), "an item that nobody knew"


@pytest.fixture(scope="module")
def second(
    cluster: Cluster, _migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CityForMonth]:
    files = make_second_city(tmp_path_factory.mktemp("second")).plain
    folder = tmp_path_factory.mktemp("month-second")
    with city_for_month(cluster, _migrated, SECOND, files, folder, LAST_DAY) as made:
        yield made


def test_another_city_is_worked_as_far_as_it_can_be_and_what_it_lacks_is_told(
    second: CityForMonth, tmp_path: Path
) -> None:
    """It has a duty list and neither a register of officers nor limits of matters: its cases wait for officers."""
    first = second.work(40)
    assert first.refused == [] and first.cases > 20
    states = column(second, "SELECT DISTINCT state FROM cases")
    assert "dispatched" in states and not states & {"disposed", "closed"}
    assert [told["en"] for told in first.untold if "wait for an officer" in told["en"]]
    assert sum(first.waiting.values()) > 0 and any("执法人员" in told["zh"] for told in first.untold)
    import_officers(second, tmp_path)
    again = second.work(40, seed=2)
    assert again.refused == [] and not again.waiting
    assert again.steps["close"] > 0
    with session(SYSTEM, second.url) as db:
        assert verify_chain(db) == []


def import_officers(city: CityForMonth, folder: Path) -> None:
    """Two invented officers for each body of a city."""
    bodies = rows(city, "SELECT code, domains FROM bodies ORDER BY code")
    officers = [
        {
            "certificate_no": f"ZF{number:05d}", "name": f"人员{number}", "certificate_from": "2023-01-01",
            "certificate_to": "2029-12-31", "body_code": code, "domains": "", "on_duty": "yes",
            "valid_from": "2023-01-01",
        }
        for number, (code, _) in enumerate([body for body in bodies for _ in range(2)], 1)
    ]  # fmt: skip
    pl.DataFrame(officers).write_csv(folder / "officers.csv")
    import_file("officers", folder / "officers.csv", crs=None, url=city.url)


def test_a_city_without_a_duty_list_is_told_so(
    cluster: Cluster, _migrated: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    areas = demo_city(tmp_path_factory).path("areas")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / areas.name).symlink_to(areas)
    city: City = NANTONG
    with city_for_month(cluster, _migrated, city, tmp_path / "files", tmp_path, END_DAY) as bare:
        report = bare.work(10)
    assert report.cases == 0 and "no cases were made" in report.untold[0]["en"]
