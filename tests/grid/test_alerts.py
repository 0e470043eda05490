"""Alerts: one live alert a site, scored up and down, the case of the serious ones, outcomes appended and noted in
the case.
"""

from __future__ import annotations

import datetime as dt
import json
import math

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from grid.alerts import (
    RESUMPTION_KIND,
    Finding,
    alert_card,
    missing_matters,
    raise_alerts,
    record_outcome,
    set_matter,
    suggested_items,
)
from grid.cases import verify_chain
from grid.errors import IllegalTransition, UnknownItem
from layers.errors import NotFound
from layers.tables import Alert, Case, CaseEvent
from tests.support.case_steps import TO_FED_BACK, move
from tests.support.square_town import NOW, insert_duties, insert_town, middle, unit_code

LATER = NOW + dt.timedelta(days=1)


@pytest.fixture
def run(db: Session) -> int:
    """A run of a model, in a town with one site of one enterprise (in the square of column 0, row 0)."""
    insert_duties(db)
    insert_town(db)
    lon, lat = middle(0, 0)
    db.execute(
        text(
            "INSERT INTO enterprises (uscc, name, industry, hazard, status) VALUES"
            " ('91320601MA00000010', '测试化工厂', 'chemicals', 'high', 'closed')"
        )
    )
    db.execute(
        text(
            "INSERT INTO sites (site_id, enterprise_id, kind, geom, h3_9, h3_10, area_id)"
            " SELECT 'S-1', e.id, 'production', ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 0, 0, a.id"
            " FROM enterprises e, areas a WHERE a.code = '320601001001'"
        ),
        {"lon": lon, "lat": lat},
    )
    inserted = text(
        "INSERT INTO model_runs (model, version, key, at, parameters, counts, finished_at)"
        " VALUES ('m', '1', 'k', :at, '{}', '{}', :at) RETURNING id"
    )
    return int(db.execute(inserted, {"at": NOW}).scalar_one())


def evidence_of(score: float) -> list[dict[str, object]]:
    """One item that explains the whole score, a prior of one in fifty aside."""
    weight = round(math.log(score / (1 - score)) - math.log(0.02 / 0.98), 6)
    sentences = {"sentence_zh": f"用电 {score}。", "sentence_en": f"Power {score}."}
    return [{"signal": "power_rise", "family": "meters", "contribution": weight, **sentences}]


def found(level: str, score: float, until: dt.date = NOW.date()) -> Finding:
    """A finding of the meters with readings until a day."""
    lower = [{"en": "a permit", "zh": "许可"}]
    return Finding("S-1", level, score, evidence_of(score), lower, ("meters",), {"meters": until})


def history(db: Session) -> list[tuple[str, float, str]]:
    """Levels, scores and changes of the one alert, newest first."""
    (alert_id,) = db.scalars(select(Alert.id).where(Alert.joined_to.is_(None)))
    return [(one.level, one.score, one.change) for one in alert_card(db, alert_id).history]


def raise_one(db: Session, run: int, finding: Finding, at: dt.datetime = NOW) -> tuple[int, int]:
    raised = raise_alerts(db, [finding], kind=RESUMPTION_KIND, run_id=run, at=at)
    return raised.alerts, raised.cases


def stored(db: Session) -> list[tuple[str, float, str]]:
    return [
        (a.level, a.score, a.status) for a in db.scalars(select(Alert).order_by(Alert.id).execution_options(populate_existing=True))
    ]  # fmt: skip


def test_a_repeated_finding_scores_the_alert_up_and_down(db: Session, run: int) -> None:
    assert raise_one(db, run, found("warning", 0.6)) == (1, 1)
    assert raise_one(db, run, found("warning", 0.7), LATER) == (0, 0), (
        "the same level: it is not raised again"
    )
    assert stored(db) == [("warning", 0.7, "open")], "but its evidence is that of the newest run"
    assert raise_one(db, run, found("attention", 0.2), LATER) == (0, 0)
    assert stored(db) == [("attention", 0.2, "open")]
    assert raise_one(db, run, found("high", 0.9), LATER) == (1, 0), "higher, and it has its case"
    assert stored(db) == [("high", 0.9, "open")]
    (alert,) = db.scalars(select(Alert).execution_options(populate_existing=True))
    assert alert.raised_at == LATER and alert.evidence == evidence_of(0.9)
    assert raise_one(db, run, found("attention", 0.2), NOW) == (0, 0), "an earlier look changes nothing"
    assert raise_one(db, run, found("high", 0.9), LATER) == (0, 0)
    assert history(db) == [
        ("high", 0.9, "higher"), ("attention", 0.2, "lower"), ("warning", 0.7, "higher"), ("warning", 0.6, "raised"),
    ], "the repetition wrote no score"  # fmt: skip


def test_only_serious_levels_open_a_case(db: Session, run: int) -> None:
    told: list[tuple[int, int]] = []
    quiet = raise_alerts(
        db,
        [found("attention", 0.3)],
        kind=RESUMPTION_KIND,
        run_id=run,
        at=NOW,
        progress=lambda *n: told.append(n),
    )
    assert (quiet.alerts, quiet.cases, told) == (1, 0, [(1, 1)])
    assert raise_one(db, run, found("warning", 0.6)) == (1, 1)
    (case,) = db.scalars(select(Case))
    assert case.title == "疑似非法复工：测试化工厂"
    assert (case.item_code, case.state, case.lead_body is not None) == ("ECO-RESUME-001", "reported", True)
    # Monday 2026-03-02 10:00 in China and three working days: Thursday at the end of work.
    assert case.due_at == dt.datetime(2026, 3, 5, 10, 0, tzinfo=dt.UTC)
    assert unit_code(0, 0) in json.dumps(case.assignment)


def test_an_outcome_closes_the_alert_and_is_noted_in_the_open_case(db: Session, run: int) -> None:
    raise_one(db, run, found("high", 0.9))
    alert_id, number = db.execute(select(Alert.id, Case.number).join(Case, Case.alert_id == Alert.id)).one()
    done = record_outcome(db, alert_id, "legal_use", note="", actor="ofei", role="officer", body="b")
    assert (done.status, done.noted_in_case) == ("checked", number)
    last = db.scalars(select(CaseEvent).order_by(CaseEvent.seq.desc())).first()
    assert last is not None and last.payload.pop("clock") == {
        "late_since": "2026-03-05T10:00:00.000000+00:00"
    }
    assert last.payload == {
        "alert_id": alert_id, "outcome": "legal_use", "body": "b", "note": "核查结果：合法使用 · outcome: legal use",
    }  # fmt: skip
    assert verify_chain(db) == []
    again = raise_one(db, run, found("high", 0.9, LATER.date()), LATER)
    assert again == (0, 0), "the same use goes on: the outcome answers it"
    assert stored(db) == [("high", 0.9, "checked")]
    with pytest.raises(NotFound):
        record_outcome(db, 10**9, "confirmed", note="", actor="ofei", role="officer", body=None)


def test_an_outcome_after_the_end_of_the_case_is_recorded_with_who_found_it(db: Session, run: int) -> None:
    raise_one(db, run, found("high", 0.9))
    alert_id, number = db.execute(select(Alert.id, Case.number).join(Case, Case.alert_id == Alert.id)).one()
    move(db, number, *TO_FED_BACK, "check", "close")
    done = record_outcome(db, alert_id, "confirmed", note="x", actor="ofei", role="officer", body=None)
    assert done.noted_in_case == number
    last = db.scalars(select(CaseEvent).order_by(CaseEvent.seq.desc())).first()
    assert last is not None and (last.action, last.actor, last.to_state) == ("outcome", "ofei", "closed")
    with pytest.raises(IllegalTransition, match="confirmed"):  # pressed twice
        record_outcome(db, alert_id, "confirmed", note="", actor="ofei", role="officer", body=None)
    record_outcome(db, alert_id, "legal_use", note="y", actor="dan", role="dispatcher", body=None)
    assert db.scalar(select(Alert.outcome)) == "legal_use"
    assert [(o.outcome, o.actor, o.note, o.score, o.case_number) for o in alert_card(db, alert_id).outcomes] == [
        ("legal_use", "dan", "y", 0.9, number), ("confirmed", "ofei", "x", 0.9, number),
    ]  # fmt: skip


def test_the_card_holds_what_the_model_wrote(db: Session, run: int) -> None:
    raise_one(db, run, found("high", 0.9))
    alert_id, number = db.execute(select(Alert.id, Case.number).join(Case, Case.alert_id == Alert.id)).one()
    card = alert_card(db, alert_id)
    assert (card.alert.kind, card.site.site_id, card.enterprise.name) == (
        "illegal_resumption",
        "S-1",
        "测试化工厂",
    )
    assert (card.case_number, card.run.run_id, card.meters, card.visits) == (
        number, run, {"power": [], "water": []}, [],
    )  # fmt: skip
    assert card.evidence[0]["signal"] == "power_rise" and card.would_lower[0]["zh"] == "许可"
    with pytest.raises(NotFound):
        alert_card(db, 10**9)


def test_without_the_matter_in_the_duty_list_alerts_stay_without_a_case_until_it_is_there(
    db: Session, run: int
) -> None:
    db.execute(
        text("UPDATE alert_kinds SET item_code = 'ELSEWHERE-9' WHERE kind = :kind"), {"kind": RESUMPTION_KIND}
    )
    raised = raise_alerts(db, [found("high", 0.9)], kind=RESUMPTION_KIND, run_id=run, at=NOW)
    assert (raised.alerts, raised.cases) == (1, 0)
    assert raised.without_case is not None and raised.without_case.alerts == 1
    for message in (raised.without_case.message_en, raised.without_case.message_zh):
        assert "1 " in message and "ELSEWHERE-9" in message and "wangge import duties" in message
    assert stored(db) == [("high", 0.9, "open")]
    (missing,) = missing_matters(db)
    assert suggested_items(db, missing)[0] == ("ECO-RESUME-001", "疑似非法复工")
    assert set_matter(db, RESUMPTION_KIND, "ECO-RESUME-001").in_list and missing_matters(db) == []
    later = raise_alerts(db, [], kind=RESUMPTION_KIND, run_id=run, at=LATER)
    assert (later.alerts, later.cases, later.without_case) == (0, 1, None), "the site was not found again"
    assert raise_alerts(db, [], kind=RESUMPTION_KIND, run_id=run, at=LATER).cases == 0


def test_a_matter_is_refused_with_the_nearest_names(db: Session, run: int) -> None:
    with pytest.raises(UnknownItem, match="ECO-RESUME-001 疑似非法复工"):
        set_matter(db, RESUMPTION_KIND, "ECO-RESUM-01")
    with pytest.raises(UnknownItem, match="URB-STALL-002 占道经营"):
        set_matter(db, RESUMPTION_KIND, "占道经营")
    with pytest.raises(NotFound, match="illegal_resumption"):
        set_matter(db, "resumption", "ECO-RESUME-001")
    assert missing_matters(db) == []


def test_an_empty_duty_list_has_no_similar_item(db: Session) -> None:
    (missing,) = missing_matters(db)
    assert missing.item_code is None and "illegal_resumption" in missing.fault_en
    assert suggested_items(db, missing) == []


def later_day(days: int) -> dt.datetime:
    return NOW + dt.timedelta(days=days)


def check_site(db: Session, outcome: str = "legal_use") -> None:
    (alert_id,) = db.scalars(select(Alert.id))
    record_outcome(db, alert_id, outcome, note="", actor="ofei", role="officer", body=None)


def test_evidence_that_sinks_below_the_lowest_level_settles_the_alert(db: Session, run: int) -> None:
    raise_one(db, run, found("attention", 0.3))
    permit = {
        "signal": "notice_permit", "family": "meters", "contribution": -3.0,
        "sentence_zh": "已登记复工许可（2026-03-03 起）。", "sentence_en": "A registered permit (from 2026-03-03).",
    }  # fmt: skip
    explained = Finding("S-1", "none", 0.02, [*evidence_of(0.3), permit], [])
    counts = raise_alerts(db, [explained], kind=RESUMPTION_KIND, run_id=run, at=LATER)
    assert (counts.alerts, counts.cases, counts.lowered, counts.faded) == (0, 0, 1, 1)
    assert stored(db) == [("none", 0.02, "faded")]
    (alert_id,) = db.scalars(select(Alert.id))
    newest = alert_card(db, alert_id).history[0]
    assert (newest.change, newest.told) == ("faded", {
        "zh": "原 0.30，现 0.02：已登记复工许可（2026-03-03 起）。",
        "en": "was 0.30, now 0.02: A registered permit (from 2026-03-03).",
    })  # fmt: skip


def test_an_alert_of_a_site_that_is_not_looked_at_any_more_settles(db: Session, run: int) -> None:
    raise_one(db, run, found("warning", 0.6))
    assert raise_alerts(db, [], kind=RESUMPTION_KIND, run_id=run, at=LATER).faded == 0
    assert raise_alerts(db, [], kind=RESUMPTION_KIND, run_id=run, at=LATER, complete=True).faded == 1
    assert stored(db) == [("none", 0.0, "faded")]
    assert raise_alerts(db, [], kind=RESUMPTION_KIND, run_id=run, at=LATER, complete=True).faded == 0


@pytest.mark.parametrize("outcome", ["legal_use", "confirmed", "cannot_tell"])
def test_an_outcome_suppresses_until_the_evidence_differs(db: Session, run: int, outcome: str) -> None:
    """0.60 was judged, log-odds 0.405; 0.80 has 1.386, which is 0.98 more; 0.81 has 1.450, 1.04 more."""
    raise_one(db, run, found("warning", 0.6))
    move(db, db.scalars(select(Case.number)).one(), *TO_FED_BACK, "check", "close")
    check_site(db, outcome)
    old = NOW.date()
    for finding in (
        found("high", 0.97, old),
        found("high", 0.8, later_day(2).date()),
        found("attention", 0.3),
    ):
        assert raise_one(db, run, finding, later_day(2)) == (0, 0)
        assert stored(db) == [(finding.level, finding.score, "checked")], "scored on, and out of the queue"
    assert raise_one(db, run, found("high", 0.81, later_day(3).date()), later_day(3)) == (1, 1), (
        "a second case"
    )
    assert stored(db) == [("high", 0.81, "open")]
    assert history(db)[0] == ("high", 0.81, "reopened")


def test_a_new_family_differs(db: Session, run: int) -> None:
    raise_one(db, run, found("attention", 0.3))
    check_site(db)
    day = later_day(2).date()
    trucks = {"signal": "hazmat_dwell", "family": "vehicles", "contribution": 1.0}
    for family, reopened in (("meters", 0), ("vehicles", 1)):
        seen = {"meters": day, "vehicles": day if reopened else NOW.date()}
        both = Finding("S-1", "warning", 0.5, [*evidence_of(0.3), trucks], [], ("meters", "vehicles"), seen)
        assert raise_one(db, run, both, later_day(2))[0] == reopened, family


def test_evidence_that_had_gone_and_came_back_is_another_matter(db: Session, run: int) -> None:
    raise_one(db, run, found("warning", 0.6))
    move(db, db.scalars(select(Case.number)).one(), *TO_FED_BACK, "check", "close")
    check_site(db, "confirmed")
    quiet = Finding("S-1", "none", 0.02, [], [])
    assert raise_one(db, run, quiet, later_day(5)) == (0, 0)
    assert stored(db) == [("none", 0.02, "checked")]
    assert raise_one(db, run, found("warning", 0.6, later_day(30).date()), later_day(30)) == (1, 1)


def test_a_permit_that_is_taken_back_repeats_nothing(db: Session, run: int) -> None:
    raise_one(db, run, found("warning", 0.6))
    check_site(db)
    permit = {"signal": "notice_permit", "family": "meters", "contribution": -4.3}
    raise_one(db, run, Finding("S-1", "none", 0.02, [*evidence_of(0.6), permit], []), later_day(2))
    assert raise_one(db, run, found("warning", 0.6, later_day(3).date()), later_day(3)) == (0, 0)
    assert stored(db) == [("warning", 0.6, "checked")]


def test_a_score_that_trembles_about_the_lowest_level_goes_on_with_its_case(db: Session, run: int) -> None:
    raise_one(db, run, found("warning", 0.6))
    move(db, db.scalars(select(Case.number)).one(), *TO_FED_BACK, "check", "close")
    faint = Finding("S-1", "none", 0.4, evidence_of(0.4), [])
    assert raise_one(db, run, faint, later_day(2)) == (0, 0)
    assert raise_one(db, run, found("warning", 0.6), later_day(3)) == (1, 0), (
        "in the queue, and no second case"
    )
    assert [change for _, _, change in history(db)] == ["returned", "faded", "raised"]


def test_a_site_has_one_live_alert_of_a_kind(db: Session, run: int) -> None:
    raise_one(db, run, found("warning", 0.6))
    with pytest.raises(IntegrityError, match="uq_alerts_live"):
        db.execute(
            text(
                "INSERT INTO alerts (run_id, site_id, kind, level, score, raised_at, evidence, would_lower, geom)"
                " SELECT run_id, site_id, kind, level, score, raised_at, evidence, would_lower, geom FROM alerts"
            )
        )
