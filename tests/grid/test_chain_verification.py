"""Chains read as text by several processes: the verdict is that of the definition."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from grid.cases import open_case, transition
from grid.cases.proof.chain_verification import verify_chain, verify_chains
from grid.cases.proof.hash_chain import GENESIS, StoredEvent, event_hash, has_its_hash
from grid.responsibility import assign
from layers.postgres import SYSTEM, session
from tests.support.direct_writes import write_cases_directly
from tests.support.square_town import NOW, insert_duties, insert_town, middle

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
AT = dt.datetime(2026, 3, 1, 4, 5, 6, tzinfo=dt.UTC)


def stored(payload: dict[str, Any], digest: str) -> StoredEvent:
    at = AT.isoformat(timespec="microseconds")
    written = json.dumps(payload)
    return StoredEvent(1, 1, at, "dan", "dispatcher", "note", None, "filed", written, GENESIS, digest)


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
def test_every_payload_has_the_hash_of_the_definition(payload: dict[str, Any]) -> None:
    try:
        digest = event_hash(
            number="AJ1", seq=1, at=AT, actor="dan", role="dispatcher", action="note", from_state=None,
            to_state="filed", payload=payload, prev_hash=GENESIS,
        )  # fmt: skip
    except UnicodeEncodeError:  # a lone surrogate: the database takes none
        return
    assert has_its_hash("AJ1", stored(payload, digest))
    assert not has_its_hash("AJ2", stored(payload, digest))
    assert not has_its_hash("AJ1", stored({**payload, "more": 1}, digest))


def test_several_processes_find_what_one_finds(fresh_database: str) -> None:
    with session(SYSTEM, fresh_database) as db:
        insert_duties(db)
        insert_town(db)
        lon, lat = middle(0, 0)
        to = assign(db, lon=lon, lat=lat, item_code="ECO-RESUME-001", at=NOW)
        what = {"title": "t", "item_code": "ECO-RESUME-001", "assignment": to, "lon": lon, "lat": lat}
        numbers = [open_case(db, **what, opened_at=NOW).number for _ in range(6)]
        for number in numbers:
            transition(db, number, "verify", actor="dan", role="dispatcher")
    with session(SYSTEM, fresh_database) as db:
        assert verify_chains(db, fresh_database, processes=2) == []
        db.execute(text("ALTER TABLE case_events DISABLE TRIGGER case_events_append_only"))
        write_cases_directly(db)
        db.execute(
            text("UPDATE case_events SET actor = 'mallory' WHERE seq = 2 AND case_id IN"
                 " (SELECT id FROM cases WHERE number IN (:first, :last))"),
            {"first": numbers[0], "last": numbers[-1]},
        )  # fmt: skip
    with session(SYSTEM, fresh_database) as db:
        faults = verify_chains(db, fresh_database, processes=3)
        assert faults == verify_chain(db)
    assert [fault.number for fault in faults] == [numbers[0], numbers[-1]]
    assert all("hash" in fault.en for fault in faults)


@pytest.mark.parametrize("number", ["1.0", "1e2", "100000000000000000001", "0.00001", "1e-300"])
def test_a_number_in_another_form_is_judged_by_the_definition(number: str) -> None:
    payload = json.loads(f'{{"x": {number}}}')
    digest = event_hash(
        number="AJ1", seq=1, at=AT, actor="dan", role="dispatcher", action="note", from_state=None, to_state="filed",
        payload=payload, prev_hash=GENESIS,
    )  # fmt: skip
    event = stored({}, digest)._replace(payload_text=f'{{"x": {number}}}')
    assert has_its_hash("AJ1", event)
    assert not has_its_hash("AJ1", event._replace(payload_text='{"x": 2}'))
