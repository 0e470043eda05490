"""Budgets of checks: the queue of random counties, scores and outcomes against a brute force written here."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.alerts import (
    RESUMPTION_KIND,
    Finding,
    change_budget,
    raise_alerts,
    record_outcome,
    refresh_queue,
    week_begin,
)
from layers.alerts import NewBudget, budgets
from layers.errors import InputError, OutOfScope
from layers.local_time import local_zone
from layers.postgres import SYSTEM, Scope
from tests.support.enterprises import insert_enterprise, insert_site
from tests.support.two_counties import COUNTIES, seed_two_counties

ORDER = ("high", "warning", "attention")
NOW = dt.datetime.now(dt.UTC)
TODAY = NOW.astimezone(local_zone()).date()


@pytest.fixture
def towns(db: Session) -> list[tuple[str, int]]:
    """Counties with the ids of areas inside them: two towns each and the county itself."""
    seed_two_counties(db)
    rows = db.execute(
        text("SELECT id, code, kind FROM areas WHERE kind IN ('county', 'town') ORDER BY id")
    ).all()
    return [(row.code[:6], row.id) for row in rows]


def run_of(db: Session) -> int:
    statement = (
        "INSERT INTO model_runs (model, version, key, at, parameters, counts, finished_at)"
        " VALUES ('m', '1', gen_random_uuid()::text, now(), '{}', '{}', now()) RETURNING id"
    )
    return int(db.execute(text(statement)).scalar_one())


def raise_all(db: Session, drawn: dict[str, tuple[str, float]]) -> None:
    findings = [Finding(site, level, score, [], []) for site, (level, score) in drawn.items()]
    raise_alerts(db, findings, kind=RESUMPTION_KIND, run_id=run_of(db), at=NOW)


def stored(db: Session) -> dict[str, tuple[int, int, bool]]:
    statement = (
        "SELECT s.site_id, r.place, r.checks_per_week, r.is_due FROM alert_ranks r"
        " JOIN alerts a ON a.id = r.alert_id JOIN sites s ON s.id = a.site_id"
    )
    return {row[0]: (row[1], row[2], row[3]) for row in db.execute(text(statement))}


def by_hand(
    sites: dict[str, str], drawn: dict[str, tuple[str, float]], checked: set[str], given: dict[str, int]
) -> dict[str, tuple[int, int, bool]]:
    """Every open alert against every other one of its county."""
    expected = {}
    ids = {site: number for number, site in enumerate(drawn)}
    for site, (level, score) in drawn.items():
        county = sites[site]
        if site in checked or county not in given:
            continue
        own = (ORDER.index(level), -score, ids[site])
        before = sum(
            (ORDER.index(drawn[other][0]), -drawn[other][1], ids[other]) < own
            for other in drawn
            if sites[other] == county and other not in checked
        )
        used = sum(sites[other] == county for other in checked)
        expected[site] = (before + 1, given[county], before + 1 <= given[county] - used)
    return expected


@pytest.mark.parametrize("seed", range(6))
def test_the_queue_is_that_of_a_brute_force(db: Session, towns: list[tuple[str, int]], seed: int) -> None:
    random = np.random.default_rng(seed)
    enterprise = insert_enterprise(db)
    sites: dict[str, str] = {}
    drawn: dict[str, tuple[str, float]] = {}
    for number in range(int(random.integers(0, 25))):
        county, area = towns[int(random.integers(len(towns)))]
        site = f"S-{number:02}"
        insert_site(db, enterprise, site, 120.61, 32.01, area_id=area)
        sites[site] = county
        drawn[site] = (ORDER[int(random.integers(3))], round(float(random.random()), 1))
    raise_all(db, drawn)
    given = {code: int(random.integers(0, 8)) for code in COUNTIES if random.random() < 0.8}
    for code, k in given.items():
        change_budget(db, NewBudget(code, RESUMPTION_KIND, k, TODAY, "x"), SYSTEM, NOW)
    assert stored(db) == by_hand(sites, drawn, set(), given)
    checked: set[str] = set()
    for site in [site for site in drawn if random.random() < 0.3]:
        alert = db.scalar(
            text("SELECT a.id FROM alerts a JOIN sites s ON s.id = a.site_id WHERE s.site_id = :site"),
            {"site": site},
        )
        record_outcome(db, int(alert), "legal_use", note="", actor="x", role="officer", body=None)
        checked.add(site)
        assert stored(db) == by_hand(sites, drawn, checked, given)
    # A week later the checks of this week count no more.
    refresh_queue(db, NOW + dt.timedelta(days=7))
    later = by_hand(sites, drawn, checked, given)
    for site, (place, k, _) in later.items():
        later[site] = (place, k, place <= k)
    assert stored(db) == later


def test_a_budget_ends_the_one_before_and_nothing_is_overwritten(
    db: Session, towns: list[tuple[str, int]]
) -> None:
    code = COUNTIES[0]
    for k, days in ((3, -10), (5, 0), (None, 5)):
        day = TODAY + dt.timedelta(days=days)
        change_budget(db, NewBudget(code, RESUMPTION_KIND, k, day, "x"), SYSTEM, NOW)
    kept = [(row["checks_per_week"], row["valid_from"], row["valid_to"]) for row in budgets(db, None)]
    assert kept == [
        (5, TODAY, TODAY + dt.timedelta(days=5)),
        (3, TODAY - dt.timedelta(days=10), TODAY),
    ]
    assert [row["checks_per_week"] for row in budgets(db, TODAY)] == [5]
    assert not budgets(db, TODAY + dt.timedelta(days=5))


def test_what_is_no_county_no_kind_or_not_the_own_is_refused(
    db: Session, towns: list[tuple[str, int]]
) -> None:
    def change(area: str, kind: str = RESUMPTION_KIND, k: int = 3, scope: Scope = SYSTEM) -> None:
        change_budget(db, NewBudget(area, kind, k, TODAY, "x"), scope, NOW)

    with pytest.raises(InputError, match="no county"):
        change("320601001")
    with pytest.raises(InputError, match="no kind"):
        change(COUNTIES[0], kind="none")
    with pytest.raises(InputError, match="0 to 10000"):
        change(COUNTIES[0], k=-1)
    own = Scope(role="dispatcher", area_ids=tuple(area for code, area in towns if code == COUNTIES[1]))
    with pytest.raises(OutOfScope):
        change(COUNTIES[0], scope=own)
    change(COUNTIES[1], scope=own)


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        # 2026-03-01 is a Sunday; in Nantong Monday begins at 16:00 UTC of it.
        ("2026-03-01T15:59:59+00:00", "2026-02-23T00:00:00+08:00"),
        ("2026-03-01T16:00:00+00:00", "2026-03-02T00:00:00+08:00"),
    ],
)
def test_the_week_is_the_citys(now: str, monday: str) -> None:
    assert week_begin(dt.datetime.fromisoformat(now)) == dt.datetime.fromisoformat(monday)


def test_a_run_without_a_change_writes_no_place(db: Session, towns: list[tuple[str, int]]) -> None:
    enterprise = insert_enterprise(db)
    insert_site(db, enterprise, "S", 120.61, 32.01, area_id=towns[0][1])
    raise_all(db, {"S": ("high", 0.9)})
    change_budget(db, NewBudget(COUNTIES[0], RESUMPTION_KIND, 1, TODAY, "x"), SYSTEM, NOW)
    before: Any = db.execute(text("SELECT xmin::text, ctid::text, * FROM alert_ranks")).all()
    refresh_queue(db, NOW)
    assert before and db.execute(text("SELECT xmin::text, ctid::text, * FROM alert_ranks")).all() == before
