"""Random sequences of runs, outcomes and changed evidence against a plain model of the rule written here.

The model keeps one dictionary a site and says in words of its own what the rule in the documents says: faded below the
lowest level, suppressed by an outcome until the evidence differs by a whole unit of log-odds or by a family, on later days.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.alerts import RESUMPTION_KIND, Finding, raise_alerts, record_outcome
from grid.errors import IllegalTransition
from tests.support.enterprises import insert_enterprise, insert_site
from tests.support.long_runs import examples
from tests.support.square_town import NOW, insert_duties, insert_town, middle

SITES = ("S-1", "S-2")
PRIOR = -3.9
LEVELS = {"none": -9.9, "attention": -2.2, "warning": 0.0, "high": 1.4}
"""Log-odds from which a level begins: 0.1, 0.5, 0.8."""


@dataclass
class Seen:
    """Finding of a run at a site: weights of two families, the part a notice explains, whether data are later."""

    meters: float
    vehicles: float
    explained: float
    is_later: bool

    def finding(self, site: str, day: dt.date) -> Finding:
        families = {"meters": self.meters, "vehicles": self.vehicles}
        items: list[dict[str, Any]] = [
            {"signal": name, "family": name, "contribution": weight}
            for name, weight in families.items()
            if weight
        ]
        whole = sum(families.values())
        if self.explained and whole:
            items.append(
                {"signal": "notice_permit", "family": "meters", "contribution": -self.explained * whole}
            )
        odds = PRIOR + sum(item["contribution"] for item in items)
        counted = tuple(name for name, weight in families.items() if weight * (1 - self.explained) >= 0.7)
        level = [name for name, least in LEVELS.items() if odds >= least][-1]
        if len(counted) < 2 and level in ("warning", "high"):
            level = "attention"
        newest = day if self.is_later else NOW.date() - dt.timedelta(days=1)
        return Finding(
            site, level, 1 / (1 + math.exp(-odds)), items, [], counted, dict.fromkeys(families, newest)
        )


QUIET, METERS, BOTH = (0.0, 0.0), (2.2, 0.0), (2.2, 2.2)
scenes = st.sampled_from([QUIET, METERS, METERS, BOTH, BOTH, (2.2, 1.5), (3.6, 3.6), (0.6, 1.2)])
seen = st.tuples(scenes, st.sampled_from([0.0, 0.0, 0.5, 1.0]), st.sampled_from([True, True, False])).map(
    lambda drawn: Seen(*drawn[0], drawn[1], drawn[2])
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("run"), seen),
        st.tuples(st.just("run"), seen),
        st.tuples(st.just("again"), st.none()),
        st.tuples(st.just("outcome"), st.sampled_from(["legal_use", "confirmed", "cannot_tell"])),
    ),
    min_size=1,
    max_size=12,
)


def scene(weights: tuple[float, float], permit: float = 0.0) -> tuple[str, Seen]:
    return "run", Seen(*weights, permit, True)


CHECK = ("outcome", "legal_use")
GONE_AND_BACK = [scene(BOTH), CHECK, scene(QUIET), scene(BOTH)]
PERMIT_AND_BACK = [scene(BOTH), CHECK, scene(BOTH, 1.0), scene(BOTH)]


@dataclass
class Reference:
    """The alert of a site as the rule makes it, written without the product."""

    status: str | None = None
    last: Finding | None = None
    last_day: dt.date | None = None
    raised: int = 0
    judged: Finding | None = None
    judged_day: dt.date | None = None
    lows: list[float] = field(default_factory=list)
    recorded: tuple[str, Finding] | None = None

    @staticmethod
    def odds(finding: Finding, *, whole: bool = False) -> float:
        items = finding.evidence
        return PRIOR + sum(
            float(str(i["contribution"])) for i in items if not (whole and i["signal"] == "notice_permit")
        )

    def run(self, finding: Finding, day: dt.date) -> None:
        if self.status is None and finding.level == "none":
            return
        before = (self.status, self.seen())
        self.status = self.next_status(finding)
        self.last = finding
        if before != (self.status, self.seen()):
            self.last_day = day
        if finding.level == "none":
            self.lows.append(self.odds(finding, whole=True))

    def next_status(self, finding: Finding) -> str:
        """Where the alert goes; counts whether it came into the queue or rose in it."""
        nothing = finding.level == "none"
        if self.status == "checked" and (nothing or not self.is_different(finding)):
            return "checked"
        if nothing:
            return "faded"
        higher = self.last is None or LEVELS[finding.level] > LEVELS[self.last.level]
        self.raised += self.status != "open" or higher
        back = self.status == "faded" and self.odds(finding, whole=True) >= min(self.lows) + 1 - 1e-9
        if self.status == "checked" or back:
            self.lows = []
        return "open"

    def seen(self) -> object:
        return None if self.last is None else (self.last.level, self.last.evidence, set(self.last.families))

    def is_different(self, finding: Finding) -> bool:
        assert self.judged is not None and self.judged_day is not None
        later = {family for family in finding.families if finding.seen_until[family] > self.judged_day}
        if not later:
            return False
        if later - set(self.judged.families):
            return True
        if self.odds(finding) >= self.odds(self.judged) + 1 - 1e-9:
            return True
        low = min(self.lows, default=99.0)
        gone = low <= self.odds(self.judged, whole=True) - 1 + 1e-9
        return gone and self.odds(finding, whole=True) >= low + 1 - 1e-9

    def outcome(self) -> None:
        self.status, self.judged, self.judged_day, self.lows = "checked", self.last, self.last_day, []


@pytest.fixture
def run_id(db: Session) -> int:
    insert_duties(db)
    insert_town(db)
    db.execute(text("UPDATE alert_kinds SET item_code = NULL"))  # alerts alone: cases have tests of their own
    for number, site in enumerate(SITES):
        enterprise = insert_enterprise(
            db, uscc=f"91320601MA0000001{number}", status="closed", hazard="chemical"
        )
        insert_site(db, enterprise, site, *middle(number, 0))
    made = text(
        "INSERT INTO model_runs (model, version, key, at, parameters, counts, finished_at)"
        " VALUES ('m', '1', 'k', :at, '{}', '{}', :at) RETURNING id"
    )
    return int(db.execute(made, {"at": NOW}).scalar_one())


@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, steps)
@example(GONE_AND_BACK, PERMIT_AND_BACK)
def test_any_sequence_of_runs_and_outcomes_gives_the_alerts_of_the_rule(
    db: Session, run_id: int, first: list[tuple[str, Any]], second: list[tuple[str, Any]]
) -> None:
    with db.begin_nested() as before:
        references = {site: Reference() for site in SITES}
        found: dict[str, Finding] = {}
        for n, parts in enumerate(zip(first, second, strict=False)):
            at = NOW + dt.timedelta(days=n)
            for site, (what, given_) in zip(SITES, parts, strict=True):
                reference = references[site]
                if what == "run":
                    found[site] = given_.finding(site, at.date())
                if what == "outcome" and reference.status is not None:
                    _record(db, site, given_, reference)
            counts = raise_alerts(db, list(found.values()), kind=RESUMPTION_KIND, run_id=run_id, at=at)
            raised_before = sum(one.raised for one in references.values())
            for site, finding in found.items():
                references[site].run(finding, at.date())
            assert counts.alerts == sum(one.raised for one in references.values()) - raised_before
            assert _stored(db) == {
                site: (one.status, one.last.level, pytest.approx(one.last.score))
                for site, one in references.items()
                if one.status is not None and one.last is not None
            }
            repeated = raise_alerts(db, list(found.values()), kind=RESUMPTION_KIND, run_id=run_id, at=at)
            assert (repeated.alerts, repeated.lowered, repeated.faded) == (0, 0, 0), "unchanged evidence"
        before.rollback()


def _record(db: Session, site: str, outcome: str, reference: Reference) -> None:
    """Record an outcome; pressed twice over the same score it is refused, and nothing changes."""
    alert_id = db.scalar(
        text("SELECT a.id FROM alerts a JOIN sites s ON s.id = a.site_id WHERE s.site_id = :s"), {"s": site}
    )
    assert alert_id is not None
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)  # before every score: the clock of data is another one
    try:
        record_outcome(db, int(alert_id), outcome, note="", actor="ofei", role="officer", body=None, at=at)
    except IllegalTransition:
        pytest.fail("a score stands after the outcome")
    reference.outcome()


def _stored(db: Session) -> dict[str, tuple[str, str, float]]:
    rows = db.execute(
        text("SELECT s.site_id, a.status, a.level, a.score FROM alerts a JOIN sites s ON s.id = a.site_id")
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}
