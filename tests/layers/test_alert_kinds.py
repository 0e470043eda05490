"""The domain of a kind of alert stands in a table; rows, cells and notices of changes follow it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from layers.postgres import SYSTEM, Scope, apply_scope, migrate, session

AREA = 7
SHIPPED = {
    "illegal_resumption": "ecology",
    "hazardous_storage": "ecology",
    "split_jurisdictions": "market",
    "fishing_ban": "agriculture",
}
"""Kinds that migrations write, with the departments that watch over them."""
KINDS = {"illegal_resumption": "ecology", "noise": "urban", "unsorted": None}


def add_kinds(db: Any) -> None:
    """Two kinds besides those that migrations write."""
    db.execute(
        text(
            "INSERT INTO alert_kinds (kind, domain, name_zh, name_en)"
            " VALUES ('noise', 'urban', '噪声扰民', 'noise'), ('unsorted', NULL, '未分类', 'unsorted')"
        )
    )


def add_alerts(db: Any, kinds: Iterable[str] = KINDS) -> None:
    """One alert of each kind, all at one site."""
    db.execute(
        text(
            "WITH e AS (INSERT INTO enterprises (uscc, name, industry, hazard, status)"
            "  VALUES ('u', 'e', 'i', 'none', 'open') RETURNING id),"
            " s AS (INSERT INTO sites (site_id, enterprise_id, kind, geom, h3_9, h3_10)"
            "  SELECT 'S', id, 'sales', ST_Point(120.9, 32.1, 4326), 1, 1 FROM e RETURNING id, geom),"
            " r AS (INSERT INTO model_runs (model, version, key, at, parameters, counts, finished_at)"
            "  VALUES ('m', '1', 'k', now(), '{}', '{}', now()) RETURNING id)"
            " INSERT INTO alerts (run_id, site_id, kind, level, score, raised_at, evidence, would_lower,"
            "  geom, area_id)"
            " SELECT r.id, s.id, kind, 'high', 1, now(), '[]', '[]', s.geom, :area"
            " FROM r, s, unnest(CAST(:kinds AS text[])) kind"
        ),
        {"area": AREA, "kinds": list(kinds)},
    )


def seen(db: Session, *domains: str, area: int = AREA) -> tuple[set[str], int]:
    """Kinds of the alerts that an officer sees, and how many points all cells count for the same officer."""
    apply_scope(db, Scope(role="officer", area_ids=(area,), domains=domains))
    kinds = set(db.scalars(text("SELECT kind FROM alerts")))
    counted = db.scalar(text("SELECT COALESCE(sum(points), 0) FROM alerts_cells WHERE NOT settled"))
    apply_scope(db, SYSTEM)
    return kinds, int(counted or 0)


def test_alerts_and_their_cells_are_seen_by_the_domain_of_their_kind(db: Session) -> None:
    add_kinds(db)
    add_alerts(db)
    assert seen(db) == (set(KINDS), 3)
    assert seen(db, "ecology") == ({"illegal_resumption"}, 1)
    assert seen(db, "urban", "market") == ({"noise"}, 1)
    assert seen(db, "urban", "ecology") == ({"noise", "illegal_resumption"}, 2)
    assert seen(db, "market") == (set(), 0)
    assert seen(db, area=AREA + 1) == (set(), 0)


def test_another_domain_of_a_kind_holds_at_once(db: Session) -> None:
    add_kinds(db)
    add_alerts(db)
    db.execute(text("UPDATE alert_kinds SET domain = 'market' WHERE kind = 'noise'"))
    assert seen(db, "urban") == (set(), 0)
    assert seen(db, "market") == ({"noise"}, 1)
    db.execute(text("UPDATE alert_kinds SET domain = NULL WHERE kind = 'noise'"))
    assert seen(db, "market") == (set(), 0)
    assert seen(db) == (set(KINDS), 3)


def test_changes_are_noted_with_the_domain_and_a_new_domain_for_the_whole_layer(fresh_database: str) -> None:
    with session(SYSTEM, fresh_database) as db:
        add_kinds(db)
        add_alerts(db)
    with session(SYSTEM, fresh_database) as db:
        (keys,) = db.scalars(text("SELECT touched FROM layer_changes WHERE layer = 'alerts'"))
        assert {key.split("|")[0] for key in keys} == {"7;ecology", "7;urban", "7;"}
        db.execute(text("UPDATE enterprises SET name = 'renamed'"))
        db.execute(text("UPDATE alert_kinds SET name_en = 'loud'"))
    with session(SYSTEM, fresh_database) as db:
        rows = db.scalars(text("SELECT touched FROM layer_changes WHERE layer = 'alerts' ORDER BY id")).all()
        assert [{key.split("|")[0] for key in keys} for keys in rows[1:]] == [{"7;ecology", "7;urban", "7;"}]
        db.execute(text("UPDATE alert_kinds SET domain = 'market' WHERE kind = 'noise'"))
    with session(SYSTEM, fresh_database) as db:
        rows = db.scalars(text("SELECT touched FROM layer_changes WHERE layer = 'alerts' ORDER BY id")).all()
        assert len(rows) == 3 and rows[-1] is None


def test_an_alert_has_a_known_kind_and_callers_only_read_kinds(db: Session) -> None:
    add_kinds(db)
    add_alerts(db)
    with pytest.raises(IntegrityError, match="fk_alerts_kind"), db.begin_nested():
        db.execute(text("UPDATE alerts SET kind = 'unheard of' WHERE kind = 'noise'"))
    with pytest.raises(IntegrityError, match="fk_alerts_kind"), db.begin_nested():
        db.execute(text("DELETE FROM alert_kinds WHERE kind = 'noise'"))
    apply_scope(db, Scope(role="supervisor", city_wide=True))
    assert db.scalar(text("SELECT count(*) FROM alert_kinds")) == len(SHIPPED) + 2
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.execute(text("UPDATE alert_kinds SET domain = 'urban'"))


def test_kinds_of_an_older_database_are_kept_for_those_who_see_every_domain(empty_database: str) -> None:
    migrate(empty_database, "0014")
    with session(SYSTEM, empty_database) as db:
        add_alerts(db, ("illegal_resumption", "own_kind", "own_kind"))
    migrate(empty_database)
    with session(SYSTEM, empty_database) as db:
        rows = db.execute(text("SELECT kind, domain FROM alert_kinds")).all()
        assert {row.kind: row.domain for row in rows} == SHIPPED | {"own_kind": None}
        assert seen(db)[0] == {"illegal_resumption", "own_kind"}
        assert seen(db, "ecology")[0] == {"illegal_resumption"}


def test_scores_and_outcomes_are_seen_with_their_alert_and_outcomes_are_only_appended(db: Session) -> None:
    add_kinds(db)
    add_alerts(db)
    db.execute(
        text(
            "INSERT INTO alert_scores (alert_id, run_id, at, level, score, log_odds, unexplained_log_odds, families,"
            " status, change, reasons) SELECT id, run_id, now(), level, 0.9, 2, 2, '{}', 'open', 'raised', '[]' FROM alerts"
        )
    )
    add = text(
        "INSERT INTO alert_outcomes (alert_id, outcome, at, actor, role, note)"
        " SELECT id, 'legal_use', now(), :actor, :role, '' FROM alerts"
    )
    for area, scores in ((AREA, 3), (AREA + 1, 0)):
        apply_scope(db, Scope(role="officer", area_ids=(area,), username="wei"))
        assert db.scalar(text("SELECT count(*) FROM alert_scores")) == scores
        assert db.execute(add, {"actor": "wei", "role": "officer"}).rowcount == scores  # type: ignore[attr-defined]
        assert db.scalar(text("SELECT count(*) FROM alert_outcomes")) == scores
    apply_scope(db, Scope(role="officer", area_ids=(AREA,), username="wei"))
    for actor, role in (("somebody", "officer"), ("wei", "supervisor")):
        with pytest.raises(ProgrammingError, match="row-level security"), db.begin_nested():
            db.execute(add, {"actor": actor, "role": role})
    for statement in (
        "UPDATE alert_outcomes SET note = 'x'",
        "DELETE FROM alert_outcomes",
        "DELETE FROM alert_scores",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), db.begin_nested():
            db.execute(text(statement))
