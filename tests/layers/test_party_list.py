"""The list of a body that takes part in cases outside of its area: read by the index of parties, never row by row."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Select, text
from sqlalchemy.orm import Session

from layers.collections import COLLECTIONS, NarrowScope, Selection, Sort
from layers.collections.pages import page_statement
from layers.postgres import SYSTEM, Scope
from layers.postgres.sessions import apply_scope
from tests.support.direct_writes import write_cases_directly
from tests.support.square_town import insert_town

OFFICER = Scope("officer", False, (), "ofei", (), "某局", 7)


@pytest.fixture
def many_cases(db: Session) -> Session:
    """Twenty thousand cases, of which body 7 takes part in a hundred."""
    insert_town(db)
    write_cases_directly(db)
    db.execute(
        text(
            "INSERT INTO cases (number, title, item_code, domain, co_handlers, assignment, state, opened_at, geom,"
            " party_ids) SELECT 'n' || i, 't', 'x', 'ecology', '{}', '{}',"
            " CASE WHEN i % 400 = 0 THEN 'filed' ELSE 'closed' END, now() - make_interval(mins => i),"
            " ST_SetSRID(ST_MakePoint(120 + random(), 31 + random() / 2), 4326), ARRAY[7 + i % 200]"
            " FROM generate_series(1, 20000) i"
        )
    )
    db.execute(text("ANALYZE cases"))
    return db


def explained(db: Session, statement: Select[Any]) -> str:
    """The plan of a statement, as the caller of this transaction gets it."""
    compiled = statement.compile(dialect=db.connection().dialect)
    rows = db.connection().exec_driver_sql(f"EXPLAIN (ANALYZE) {compiled}", compiled.params)
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("state", [None, "filed"])
def test_the_list_of_a_party_is_read_by_the_index_of_parties(many_cases: Session, state: str | None) -> None:
    db = many_cases
    chosen = (
        Selection(narrow=NarrowScope(OFFICER.area_ids, OFFICER.body_id))
        if state is None
        else Selection(values={"state": (state,)}, narrow=NarrowScope(OFFICER.area_ids, OFFICER.body_id))
    )
    page = page_statement(COLLECTIONS["cases"], chosen, limit=100, sort=Sort("opened_at", True))
    apply_scope(db, OFFICER)
    plan = explained(db, page)
    found = db.execute(page).all()
    apply_scope(db, SYSTEM)
    assert "ix_cases_party_ids" in plan, plan
    assert "Seq Scan on cases" not in plan, plan
    assert len(found) == {None: 100, "filed": 50}[state], (
        "those that 200 divides, and of these those that 400 does"
    )
