"""Random calls of officers of two bodies against a plain model: send, accept, decline, arrive, recall, and steps between.

After each step the rows are compared with the model and the proof of the chain, which has the table of dispatches
too, is taken. ``--long`` runs many more.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from grid.cases import open_case, transition, verify_chain
from grid.dispatch import Who, accept_call, decline_call, recall_officer, record_arrival, send_officer
from grid.errors import IllegalTransition
from grid.responsibility import assign
from layers.errors import NotFound
from tests.support.case_steps import move
from tests.support.long_runs import count, is_long
from tests.support.officers import OfficerFacts, add_officer
from tests.support.square_town import NOW, RESUME, insert_duties, insert_town, middle

LEAD, JOINT = "测试区生态环境局", "测试区应急管理局"
OFFICERS = {"a": LEAD, "b": LEAD, "c": JOINT}
DAN = Who("dan", "dispatcher")
OPEN = ("sent", "accepted", "arrived")
FROM = {"accept": ("sent",), "decline": ("sent", "accepted"), "arrive": ("sent", "accepted"), "recall": OPEN}
TO = {"accept": "accepted", "decline": "declined", "arrive": "arrived", "recall": "recalled"}
ENGINES: list[Engine] = []
COUNTS: Counter[str] = Counter()


class Calls(RuleBasedStateMachine):
    """A case of two bodies that was dispatched, three officers, and a dispatcher."""

    @initialize()
    def begin(self) -> None:
        self.connection = ENGINES[0].connect()
        self.transaction = self.connection.begin()
        self.db = Session(self.connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
        insert_duties(self.db)
        insert_town(self.db)
        lon, lat = middle(0, 0)
        answer = assign(self.db, lon=lon, lat=lat, item_code=RESUME, at=NOW)
        place: dict[str, Any] = {"lon": lon, "lat": lat}
        self.number = open_case(
            self.db, title="t", item_code=RESUME, assignment=answer, opened_at=NOW, **place
        ).number
        move(self.db, self.number, "verify", "file", "dispatch", at=NOW)
        give = {"lead_body": LEAD, "co_handlers": [JOINT]}
        for body in (LEAD, JOINT):
            self.db.execute(
                text(
                    "INSERT INTO bodies (code, name, level, domains, valid_from) SELECT :name, :name, 'county',"
                    " ARRAY['ecology'], '2020-01-01' WHERE body_named(:name) IS NULL"
                ),
                {"name": body},
            )
            self.db.execute(
                text("UPDATE bodies SET valid_from = '2020-01-01' WHERE name = :name"), {"name": body}
            )
        transition(
            self.db, self.number, "reassign", actor="dan", role="dispatcher", note="n", payload=give, at=NOW
        )
        self.ids = {
            name: add_officer(self.db, OfficerFacts(name, body, username=name))
            for name, body in OFFICERS.items()
        }
        self.at = NOW
        self.calls: dict[int, list[str]] = {}  # id of a call: officer, state
        self.parts = dict.fromkeys((LEAD, JOINT), "awaiting")

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()
            self.transaction.rollback()
            self.connection.close()

    def works(self, body: str) -> bool:
        return self.parts[body] != "fed_back" and not self.is_over()

    def is_over(self) -> bool:
        return all(part == "fed_back" for part in self.parts.values())

    def is_handled(self) -> bool:
        """The case is dispatched or arrived: not yet disposed of by both bodies."""
        return not all(part in ("disposed", "fed_back") for part in self.parts.values())

    @rule(officer=st.sampled_from(sorted(OFFICERS)))
    def an_officer_is_sent(self, officer: str) -> None:
        at_work = any(who == officer and state in OPEN for who, state in self.calls.values())
        legal = self.is_handled() and self.works(OFFICERS[officer]) and not at_work
        made = self.attempt("send", legal, lambda: send_officer(
            self.db, self.number, self.ids[officer], DAN, at=self.at, reason="理由"))  # fmt: skip
        if made is not None:
            self.calls[made.id] = [officer, "sent"]

    @rule(
        step=st.sampled_from(sorted(FROM)),
        who=st.sampled_from([*sorted(OFFICERS), "dan"]),
        pick=st.integers(0, 20),
    )
    def somebody_answers(self, step: str, who: str, pick: int) -> None:
        if not self.calls:
            return
        call = sorted(self.calls)[pick % len(self.calls)]
        officer, state = self.calls[call]
        by = DAN if who == "dan" else Who(who, "officer", OFFICERS[who])
        right = who == "dan" if step == "recall" else who in (officer, "dan")
        legal = (
            right and state in FROM[step] and (self.is_handled() or (step == "recall" and not self.is_over()))
        )
        act = {
            "accept": lambda: accept_call(self.db, call, by, at=self.at, note="电话"),
            "decline": lambda: decline_call(self.db, call, by, at=self.at, reason="有事"),
            "arrive": lambda: record_arrival(
                self.db, call, by, at=self.at, position=middle(0, 0), note="电话"
            ),
            "recall": lambda: recall_officer(self.db, call, by, at=self.at, reason="不用了"),
        }[step]
        self.set_name(by.actor)
        if self.attempt(step, legal, act) is None:
            return
        self.calls[call][1] = TO[step]
        if step == "arrive" and who == officer and self.parts[OFFICERS[officer]] == "awaiting":
            self.parts[OFFICERS[officer]] = "arrived"

    @rule(officer=st.sampled_from(sorted(OFFICERS)), step=st.sampled_from(["dispose", "feed_back"]))
    def a_body_goes_on(self, officer: str, step: str) -> None:
        body = OFFICERS[officer]
        before = {"dispose": ("awaiting", "arrived"), "feed_back": ("disposed",)}[step]
        legal = self.parts[body] in before and not self.is_over()
        made = self.attempt(step, legal, lambda: transition(
            self.db, self.number, step, actor=officer, role="officer", body=body, at=self.at))  # fmt: skip
        if made is None:
            return
        self.parts[body] = {"dispose": "disposed", "feed_back": "fed_back"}[step]
        for call in self.calls.values():
            if call[1] in OPEN and not self.works(OFFICERS[call[0]]):
                call[1] = "ended"

    def set_name(self, name: str) -> None:
        """The account in whose name the rows are read: the scope of a caller sets it."""
        self.db.execute(text("SELECT set_config('wangge.username', :name, true)"), {"name": name})

    def attempt(self, name: str, legal: bool, act: Any) -> Any:
        self.at += dt.timedelta(minutes=1)
        try:
            with self.db.begin_nested():
                made = act()
        except (IllegalTransition, NotFound) as refused:
            assert not legal, (name, str(refused), self.calls, self.parts)
            COUNTS["refused"] += 1
            return None
        assert legal, (name, self.calls, self.parts)
        COUNTS[name] += 1
        return made

    @invariant()
    def stored_is_as_the_model_says(self) -> None:
        if not hasattr(self, "db"):
            return
        rows = self.db.execute(text("SELECT id, officer_id, state, distance_m FROM dispatches")).all()
        names = {key: name for name, key in self.ids.items()}
        assert {row.id: [names[row.officer_id], row.state] for row in rows} == self.calls
        assert all(row.distance_m == 0 for row in rows if row.state == "arrived")
        self.db.expire_all()
        assert verify_chain(self.db) == []


@pytest.mark.long
def test_random_calls_follow_the_rules(engine: Engine) -> None:
    ENGINES[:] = [engine]
    COUNTS.clear()
    run_state_machine_as_test(
        Calls,
        settings=settings(
            max_examples=count(12),
            stateful_step_count=30,
            deadline=None,
            derandomize=not is_long(),
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate] if not is_long() else list(Phase),
        ),
    )
    assert {"refused", "send", "accept", "decline", "arrive", "recall", "feed_back"} <= set(COUNTS), COUNTS
