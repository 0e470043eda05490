"""Heads over the chains of all cases: each thing that somebody with the whole database could do is found."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from geo_api.cases.chain_keys import ChainKeys
from grid.areas import scope_area_ids
from grid.cases import (
    NewestHead,
    make_head,
    open_case,
    read_proof,
    transition,
    verify_all,
    verify_case,
    verify_chain,
)
from grid.cases.proof.hash_chain import expected_hash
from grid.responsibility import assign
from layers.errors import NotFound
from layers.postgres import Scope, apply_scope
from layers.tables import Case, CaseEvent
from tests.support.square_town import NOW, insert_duties, insert_town, middle

RESUME = "ECO-RESUME-001"
LATER = dt.datetime.now(dt.UTC)


@pytest.fixture
def keys(tmp_path: Path) -> ChainKeys:
    made = ChainKeys(tmp_path / "chain_keys")
    made.ensure()
    return made


def seal(db: Session, keys: ChainKeys) -> NewestHead | None:
    made = make_head(db, keys.signer(), dt.datetime.now(dt.UTC))
    if made is not None:
        keys.remember(made)
    return made


def told(db: Session, keys: ChainKeys, number: str | None = None) -> list[str]:
    db.expire_all()
    now = dt.datetime.now(dt.UTC)
    known = keys.known_head()
    public = keys.public_keys()
    report = (
        verify_all(db, public, known, now) if number is None else verify_case(db, number, public, known, now)
    )
    return [str(fault) for fault in report.faults]


def log_call(db: Session, path: str, days: int = 0) -> None:
    db.execute(
        text(
            "INSERT INTO access_log (at, role, method, path, status, request_id)"
            " VALUES (now() - make_interval(days => :days), 'officer', 'GET', :path, 200, 'r')"
        ),
        {"path": path, "days": days},
    )


@pytest.fixture
def town(db: Session, keys: ChainKeys) -> list[Case]:
    """Three cases under two heads, and rows of the access log under each."""
    insert_duties(db)
    insert_town(db)
    cases = []
    for column in range(3):
        lon, lat = middle(column, 0)
        cases.append(
            open_case(
                db,
                title="疑似非法复工",
                item_code=RESUME,
                assignment=assign(db, lon=lon, lat=lat, item_code=RESUME, at=NOW),
                lon=lon,
                lat=lat,
                opened_at=NOW,
                due_at=NOW + dt.timedelta(days=3),
            )
        )
    log_call(db, "/v1/cases/one")
    log_call(db, "/v1/cases/two")
    assert seal(db, keys) is not None
    for case in cases:
        for action in ("verify", "file"):
            transition(db, case.number, action, actor="dan", role="dispatcher")
    log_call(db, "/v1/cases/three")
    assert seal(db, keys) is not None
    return cases


def as_owner(db: Session) -> None:
    """Write as an owner of the tables may: no trigger stands in the way."""
    for table in (
        "cases",
        "case_events",
        "case_parties",
        "case_facts",
        "chain_entries",
        "chain_heads",
        "access_log",
    ):
        db.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


def rewrite_with_hashes(db: Session, number: str) -> None:
    """Another actor in every event of a case, with every hash computed anew."""
    case = db.query(Case).filter_by(number=number).one()
    before = "0" * 64
    for event in db.query(CaseEvent).filter_by(case_id=case.id).order_by(CaseEvent.seq).all():
        event.actor, event.prev_hash = "mallory", before
        before = event.hash = expected_hash(number, event)
    db.flush()


def test_what_is_whole_verifies(db: Session, town: list[Case], keys: ChainKeys) -> None:
    assert told(db, keys) == []
    report = verify_all(db, keys.public_keys(), keys.known_head(), LATER)
    assert (report.n_events, report.waiting, report.newest) == (9, 0, keys.known_head())
    assert seal(db, keys) is None, "nothing waits"
    transition(db, town[0].number, "dispatch", actor="dan", role="dispatcher")
    report = verify_case(db, town[0].number, keys.public_keys(), keys.known_head(), LATER)
    assert (report.faults, report.n_events, report.waiting) == ([], 3, 1), "said, and no fault"
    assert seal(db, keys) is not None and told(db, keys) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        # the last event of a case, with the column put back
        ("DELETE FROM case_events WHERE case_id = :id AND seq = 3; UPDATE cases SET state = 'accepted' WHERE"
         " id = :id",
         "event 3: was removed"),
        # the same, and its entry too
        ("DELETE FROM chain_entries WHERE number = :number AND seq = 3;"
         " DELETE FROM case_events WHERE case_id = :id AND seq = 3; UPDATE cases SET state = 'accepted'"
         " WHERE id = :id",
         "chain head 2: binds 6 events; the 5 that are there"),
        # a whole case
        ("DELETE FROM case_parties WHERE case_id = :id; DELETE FROM case_events WHERE case_id = :id;"
         " DELETE FROM cases WHERE id = :id", "was removed"),
        ("DELETE FROM chain_entries WHERE number = :number; DELETE FROM case_parties WHERE case_id = :id;"
         " DELETE FROM case_events WHERE case_id = :id; DELETE FROM cases WHERE id = :id", "chain head 1: binds 3 events; the 2 that are there"),
        # the last head, as if it had never been made
        ("DELETE FROM chain_heads WHERE sequence = 2; UPDATE chain_entries SET head = NULL WHERE head = 2;"
         " UPDATE access_log SET head = NULL WHERE head = 2", "chain head 2: is known outside of the"
                                                              " database"),
        ("DELETE FROM chain_heads WHERE sequence = 1", "chain head 2: is not preceded by head 1"),
        ("UPDATE chain_heads SET n_calls = 7 WHERE sequence = 1", "its signature does not hold"),
        ("UPDATE chain_heads SET made_at = made_at + interval '1 day' WHERE sequence = 2", "does not have its hash"),
        ("UPDATE chain_heads SET key_id = 'another'", "unknown key another"),
        ("UPDATE cases SET due_at = due_at + interval '9 days' WHERE id = :id", "due_at is"),
        ("UPDATE cases SET lead_body = '别的局' WHERE id = :id", "lead_body is 别的局"),
        ("UPDATE cases SET co_handlers = '{甲}' WHERE id = :id", "co_handlers is"),
        ("UPDATE cases SET party_ids = party_ids[2:] WHERE id = :id", "party_ids is"),
        ("UPDATE case_parties SET state = 'fed_back' WHERE case_id = :id", "case_parties are not"),
        ("DELETE FROM case_parties WHERE case_id = :id AND part = 'lead'", "case_parties are not"),
        ("INSERT INTO case_parties (case_id, body_id, body, part, state, since)"
         " VALUES (:id, 99, '别的局', 'co_handler', 'awaiting', now())", "case_parties are not"),
        ("UPDATE cases SET title = 't', closed_at = now() WHERE id = :id", "closed_at is"),
        ("UPDATE cases SET geom = ST_Translate(geom, 0.1, 0) WHERE id = :id", "place is"),
        ("UPDATE cases SET assignment = '{}' WHERE id = :id", "assignment_sha256 is"),
        ("DELETE FROM access_log WHERE path = '/v1/cases/two'", "binds 2 rows of the access log; the 1 that"
                                                                " are there"),
        ("DELETE FROM access_log WHERE path = '/v1/cases/three'", "binds 1 rows of the access log; the 0"
                                                                  " that are there"),
        ("UPDATE access_log SET username = 'other' WHERE path = '/v1/cases/one'", "rows of the access log"),
    ],
)  # fmt: skip
def test_every_change_behind_the_triggers_is_found(
    db: Session, town: list[Case], keys: ChainKeys, change: str, words: str
) -> None:
    as_owner(db)
    values = {"id": town[1].id, "number": town[1].number}
    for statement in change.split(";"):
        db.execute(text(statement), {k: v for k, v in values.items() if f":{k}" in statement})
    found = told(db, keys)
    assert any(words in fault for fault in found), found


def test_a_rewritten_event_with_new_hashes_is_found(db: Session, town: list[Case], keys: ChainKeys) -> None:
    as_owner(db)
    rewrite_with_hashes(db, town[0].number)
    assert verify_chain(db) == [], "the chain of the case alone does not tell"
    for found in (told(db, keys), told(db, keys, town[0].number)):
        assert any("event 1: is not the event that was entered" in fault for fault in found)
    db.execute(text("UPDATE chain_entries e SET hash = v.hash FROM case_events v WHERE v.id = e.event_id"))
    for found in (told(db, keys), told(db, keys, town[0].number)):
        assert any("chain head 1: binds 3 events" in fault for fault in found), found


def test_heads_of_another_key_are_found(
    db: Session, town: list[Case], keys: ChainKeys, tmp_path: Path
) -> None:
    """Whoever has the database but not the key cannot make the chain anew."""
    as_owner(db)
    rewrite_with_hashes(db, town[0].number)
    db.execute(
        text(
            "UPDATE chain_entries e SET hash = v.hash, head = NULL FROM case_events v WHERE v.id = e.event_id"
        )
    )
    db.execute(text("UPDATE access_log SET head = NULL"))
    db.execute(text("DELETE FROM chain_heads"))
    other = ChainKeys(tmp_path / "other")
    other.ensure()
    assert make_head(db, other.signer(), dt.datetime.now(dt.UTC)) is not None
    found = told(db, keys)
    assert any("unknown key" in fault for fault in found)
    assert any("is known outside of the database" in fault for fault in found)


def test_old_rows_of_the_access_log_may_go(db: Session, town: list[Case], keys: ChainKeys) -> None:
    as_owner(db)
    db.execute(text("DELETE FROM access_log"))
    far = dt.datetime.now(dt.UTC) + dt.timedelta(days=200)
    assert verify_all(db, keys.public_keys(), keys.known_head(), far).faults == []
    assert verify_all(db, keys.public_keys(), keys.known_head(), LATER).faults != []


def test_cases_have_one_writer(db: Session, town: list[Case]) -> None:
    for statement in (
        "UPDATE cases SET lead_body = 'x'",
        "DELETE FROM cases",
        "INSERT INTO cases (number) VALUES ('x')",
        "INSERT INTO case_events (case_id) VALUES (1)",
        "UPDATE chain_entries SET hash = 'x'",
        "DELETE FROM chain_entries",
        "UPDATE chain_heads SET hash = 'x'",
        "DELETE FROM chain_heads",
        "UPDATE access_log SET head = 5",
    ):
        with pytest.raises(DBAPIError, match=r"append-only|record_case_event"), db.begin_nested():
            db.execute(text(statement))


def test_a_caller_writes_only_own_events_into_cases_in_scope(db: Session, town: list[Case]) -> None:
    """The function itself decides: what the service asks before is not what counts."""
    case = town[0]
    last = db.query(CaseEvent).filter_by(case_id=case.id, seq=3).one()
    event = {
        "case_id": case.id, "seq": 4, "at": NOW.isoformat(), "actor": "ofei", "role": "officer", "action": "note",
        "from_state": "filed", "to_state": "filed", "payload": {}, "prev_hash": last.hash, "hash": "h",
    }  # fmt: skip
    own, other = scope_area_ids(db, "320601001"), scope_area_ids(db, "320601002")

    def write(areas: tuple[int, ...], **change: Any) -> None:
        with db.begin_nested() as inner:
            apply_scope(db, Scope("officer", False, areas, "ofei"))
            call = text("SELECT record_case_event(CAST(:event AS jsonb), CAST(:opening AS jsonb))")
            opening = change.pop("opening", None)
            db.execute(call, {"event": json.dumps(event | change), "opening": opening})
            inner.rollback()

    write(own)
    for areas, change in (
        (other, {}),
        (own, {"actor": "dan"}),
        (own, {"role": "supervisor"}),
        (own, {"opening": "{}"}),
        (own, {"seq": 5}),
        (own, {"prev_hash": "0" * 64}),
        (own, {"from_state": "accepted"}),
    ):
        with pytest.raises(DBAPIError, match=r"callers add|no case|does not follow"):
            write(areas, **change)
    with db.begin_nested() as inner:
        apply_scope(db, Scope("officer", False, other, "ofei"))
        assert db.scalar(text("SELECT lock_case(:n)"), {"n": case.number}) is None
        with pytest.raises(NotFound):
            transition(db, case.number, "note", actor="ofei", role="officer", note="x")
        for statement in (
            "UPDATE cases SET due_at = now()",
            "SELECT * FROM cases FOR UPDATE",
            "DELETE FROM cases",
        ):
            with pytest.raises(DBAPIError, match="permission denied"), db.begin_nested():
                db.execute(text(statement))
        inner.rollback()


def test_keys_rotate_and_old_heads_still_verify(db: Session, town: list[Case], keys: ChainKeys) -> None:
    before = keys.signer().key_id
    keys.rotate()
    assert keys.signer().key_id != before
    assert [one.key_id for one in keys.listed()] == [before, keys.signer().key_id]
    transition(db, town[0].number, "dispatch", actor="dan", role="dispatcher")
    assert seal(db, keys) is not None and told(db, keys) == []
    as_owner(db)
    db.execute(text("UPDATE chain_heads SET made_at = made_at - interval '2 days' WHERE sequence = 1"))
    assert told(db, keys), "outside of the time of its key"


def test_the_proof_is_verified_without_this_program(
    db: Session, town: list[Case], keys: ChainKeys, tmp_path: Path
) -> None:
    """The script of the documentation, run as it stands there: it needs Python and cryptography alone."""
    page = (Path(__file__).parents[2] / "docs" / "chain.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "verify.py").write_text(script, encoding="utf-8")
    lines = [{"keys": {one.key_id: one.public_key for one in keys.listed()}}, *read_proof(db)]
    events = [
        {"at": event.at.isoformat(), **{name: getattr(event, name) for name in
         ("seq", "actor", "role", "action", "from_state", "to_state", "payload", "prev_hash", "hash")}}
        for event in db.query(CaseEvent).filter_by(case_id=town[0].id).order_by(CaseEvent.seq)
    ]  # fmt: skip

    def run(proof: list[dict[str, Any]], case: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        (tmp_path / "proof").write_text("\n".join(json.dumps(line) for line in proof), encoding="utf-8")
        (tmp_path / "case").write_text(json.dumps(case), encoding="utf-8")
        command = [sys.executable, "-I", "verify.py", "proof", "case"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    case = {"number": town[0].number, "events": events}
    assert run(lines, case).stdout == "2 heads, 9 events, 3 of the case: whole\n", run(lines, case).stderr
    assert run([*lines[:1], *lines[2:]], case).returncode != 0, "a head left out"
    assert run(lines, case | {"events": events[:2]}).returncode != 0, "the last event left out"
    forged = [events[0] | {"actor": "mallory"}, *events[1:]]
    assert run(lines, case | {"events": forged}).returncode != 0


def test_the_private_key_is_for_its_owner_only(keys: ChainKeys) -> None:
    path = keys.folder / "private.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(Exception, match="may be read by others"):
        keys.signer()
    path.write_bytes(b"no key")
    path.chmod(0o600)
    with pytest.raises(Exception, match="no private key"):
        keys.signer()
    path.unlink()
    with pytest.raises(Exception, match="wangge init"):
        keys.signer()


def test_two_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    one, two = ChainKeys(tmp_path / "k"), ChainKeys(tmp_path / "k")
    one.ensure()
    two.ensure()
    assert one.signer().key_id == two.signer().key_id and len(two.listed()) == 1
    (tmp_path / "k" / "keys.json").unlink()  # the process that made the key ended before it listed it
    two.ensure()
    assert [key.key_id for key in two.listed()] == [one.signer().key_id]
