"""Alerts: one open alert a site, higher levels only, the case of the serious ones, the outcome noted in
the case.
"""

from __future__ import annotations

import datetime as dt
import json

import pytest
from sqlalchemy import select, text
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


def found(level: str, score: float) -> Finding:
    evidence = [{"signal": "power", "value": score, "day": dt.date(2026, 3, 1)}]
    return Finding("S-1", level, score, evidence, [{"en": "a permit", "zh": "许可"}])


def raise_one(db: Session, run: int, finding: Finding, at: dt.datetime = NOW) -> tuple[int, int]:
    raised = raise_alerts(db, [finding], kind=RESUMPTION_KIND, run_id=run, at=at)
    return raised.alerts, raised.cases


def stored(db: Session) -> list[tuple[str, float, str]]:
    return [
        (a.level, a.score, a.status) for a in db.scalars(select(Alert).order_by(Alert.id).execution_options(populate_existing=True))
    ]  # fmt: skip


def test_a_repeated_finding_changes_the_open_alert_only_when_it_is_higher(db: Session, run: int) -> None:
    assert raise_one(db, run, found("warning", 0.6)) == (1, 1)
    assert raise_one(db, run, found("warning", 0.7), LATER) == (0, 0), "the same level: nothing new"
    assert raise_one(db, run, found("attention", 0.2), LATER) == (0, 0)
    assert stored(db) == [("warning", 0.6, "open")]
    assert raise_one(db, run, found("high", 0.9), LATER) == (1, 0), "higher, and it has its case"
    assert stored(db) == [("high", 0.9, "open")]
    (alert,) = db.scalars(select(Alert).execution_options(populate_existing=True))
    assert alert.raised_at == LATER and alert.evidence == [
        {"signal": "power", "value": 0.9, "day": "2026-03-01"}
    ]


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
    assert raise_one(db, run, found("attention", 0.3), LATER) == (1, 0), "the next finding makes a new alert"
    assert [status for _, _, status in stored(db)] == ["checked", "open"]
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
    with pytest.raises(IllegalTransition, match="confirmed"):
        record_outcome(db, alert_id, "legal_use", note="y", actor="dan", role="dispatcher", body=None)
    assert db.scalar(select(Alert.outcome)) == "confirmed"


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
    assert card.evidence[0]["signal"] == "power" and card.would_lower[0]["zh"] == "许可"
    with pytest.raises(NotFound):
        alert_card(db, 10**9)


def test_without_the_matter_in_the_duty_list_alerts_stay_without_a_case_until_it_is_there(
    db: Session, run: int
) -> None:
    db.execute(text("UPDATE alert_kinds SET item_code = 'ELSEWHERE-9'"))
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
