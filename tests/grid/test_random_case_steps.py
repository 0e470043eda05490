"""Random steps of one case by people of several bodies, against a plain model of the rules.

The model knows bodies by name and the states of their parts. After each step state, parties and the proof of
the chain are compared; a step that the model forbids must be refused and change nothing. ``--long`` runs many
more.
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
from grid.errors import IllegalTransition
from grid.responsibility import assign
from tests.support.long_runs import count, is_long
from tests.support.square_town import NOW, RESUME, insert_duties, insert_town, middle

LEAD, SAFETY, ROADS, MARKET = (
    f"测试区{name}" for name in ("生态环境局", "应急管理局", "交通运输局", "市场监督管理局")
)
ABOVE, OUTSIDE = "测试市生态环境局", "某某镇文化旅游站"
HANDLERS = (LEAD, SAFETY, ROADS, MARKET)

PEOPLE: tuple[tuple[str, str, str | None], ...] = (
    ("dan", "dispatcher", None),
    ("sue", "supervisor", None),
    *((f"officer of {body}", "officer", body) for body in (*HANDLERS, ABOVE, OUTSIDE)),
    ("officer without a body", "officer", None),
    (f"officer of {LEAD}", "supervisor", None),  # who disposed comes back in another role
    ("somebody else there", "supervisor", SAFETY),  # another person of a body that disposed
    ("vera", "viewer", LEAD),
)

CHECKERS, OFFICER, DISPATCHER = {"dispatcher", "supervisor"}, {"officer"}, {"dispatcher"}
HANDLED = {"dispatched", "arrived", "rework"}
WHO_AND_FROM: dict[str, tuple[set[str], set[str]]] = {
    "verify": (DISPATCHER, {"reported"}),
    "file": (DISPATCHER, {"accepted"}),
    "dispatch": (DISPATCHER, {"filed", "returned"}),
    "arrive": (OFFICER, HANDLED),
    "dispose": (OFFICER, HANDLED),
    "feed_back": (OFFICER, HANDLED | {"disposed"}),
    "review": ({"supervisor"}, {"fed_back"}),
    "check": (CHECKERS, {"fed_back", "reviewed"}),
    "close": (CHECKERS, {"checked"}),
    "return": (OFFICER, {"dispatched", "arrived"}),
    "refuse": (OFFICER, HANDLED),
    "designate": ({"officer", "supervisor"}, {"filed", "dispatched", "arrived", "returned", "rework"}),
    "rework": (CHECKERS, {"fed_back", "reviewed", "checked"}),
    "suspend": (CHECKERS, {"filed", "dispatched", "arrived", "rework", "disposed", "fed_back"}),
    "resume": (CHECKERS, {"suspended"}),
    "extend": (OFFICER, HANDLED | {"disposed"}),
    "approve_extension": (CHECKERS, HANDLED | {"disposed"}),
    "reassign": (DISPATCHER, {"accepted", "filed", "dispatched", "arrived", "returned", "rework"}),
    "reopen": ({"supervisor"}, {"closed"}),
}
PART_OF = {
    "arrive": ("lead", "co_handler"),
    "dispose": ("lead", "co_handler"),
    "feed_back": ("lead", "co_handler"),
    "extend": ("lead", "co_handler"),
    "return": ("lead",),
    "refuse": ("co_handler",),
    "designate": ("superior",),
}
BEFORE = {
    "arrive": ("awaiting",),
    "dispose": ("awaiting", "arrived"),
    "feed_back": ("disposed",),
    "refuse": ("awaiting", "arrived"),
}
AFTER = {
    "arrive": "arrived",
    "dispose": "disposed",
    "feed_back": "fed_back",
    "refuse": "refused",
    "return": "awaiting",
}
LEADS_TO = {
    "verify": "accepted",
    "file": "filed",
    "dispatch": "dispatched",
    "review": "reviewed",
    "check": "checked",
    "close": "closed",
    "return": "returned",
    "rework": "rework",
    "suspend": "suspended",
    "reopen": "dispatched",
}
SEPARATED = {"review", "check", "close", "rework", "approve_extension"}
FORWARD = ("verify", "file", "dispatch", "arrive", "dispose", "feed_back", "review", "check", "close")
ENGINES: list[Engine] = []
COUNTS: Counter[str] = Counter()


class JointCase(RuleBasedStateMachine):
    """One case of four bodies, their superior, and people who may or may not act."""

    @initialize(review=st.booleans())
    def begin(self, review: bool) -> None:
        self.connection = ENGINES[0].connect()
        self.transaction = self.connection.begin()
        self.db = Session(self.connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
        insert_duties(self.db)
        insert_town(self.db)
        for n, body in enumerate((ABOVE, OUTSIDE, *HANDLERS)):
            self.db.execute(
                text(
                    "INSERT INTO bodies (body_id, code, name, level, parent_code, valid_from)"
                    " VALUES (0, :code, :name, 'county', :parent, DATE '2020-01-01')"
                ),
                {"code": f"T{n}", "name": body, "parent": "T0" if body in HANDLERS else None},
            )
        self.db.execute(
            text(
                "INSERT INTO matters (item_code, name, domain, legal_review, extension_days_at_most, valid_from)"
                " VALUES (:code, 'n', 'ecology', :review, 1000000, DATE '2020-01-01')"
            ),
            {"code": RESUME, "review": review},
        )
        lon, lat = middle(0, 0)
        answer = assign(self.db, lon=lon, lat=lat, item_code=RESUME, at=NOW)
        place: dict[str, Any] = {"lon": lon, "lat": lat}
        case = open_case(self.db, title="t", item_code=RESUME, assignment=answer, opened_at=NOW, **place)
        self.case, self.at, self.review = case, NOW, review
        self.state, self.before_suspension = "reported", ""
        self.parts = {body: ["lead" if body == LEAD else "co_handler", "awaiting"] for body in HANDLERS}
        self.parts[ABOVE] = ["copied", "copied"]  # the duty list has the same matter for the city
        self.acted: set[str] = set()  # people and bodies that disposed or fed back
        self.refusals, self.asked = 0, ""

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()
            self.transaction.rollback()
            self.connection.close()

    @rule(action=st.sampled_from(sorted(WHO_AND_FROM)), who=st.sampled_from(PEOPLE), pick=st.integers(0, 7))
    def somebody_tries_something(self, action: str, who: tuple[str, str, str | None], pick: int) -> None:
        self.try_step(action, who, pick)

    @rule(pick=st.integers(0, 50))
    def it_goes_on(self, pick: int) -> None:
        """A step that is possible, so that a run reaches the end."""
        possible = [(a, who) for a in FORWARD for who in PEOPLE if self.is_legal(a, who)]
        possible = possible or [(a, who) for a in ("resume",) for who in PEOPLE if self.is_legal(a, who)]
        if possible:
            self.try_step(*possible[pick % len(possible)], pick)

    @rule(pick=st.integers(0, 50))
    def somebody_sends_it_back(self, pick: int) -> None:
        possible = [
            (a, who)
            for a in ("return", "refuse", "rework", "extend")
            for who in PEOPLE
            if self.is_legal(a, who)
        ]
        if possible:
            self.try_step(*possible[pick % len(possible)], pick)

    @rule(action=st.sampled_from(["reassign", "designate"]), pick=st.integers(0, 50))
    def bodies_are_given(self, action: str, pick: int) -> None:
        possible = [who for who in PEOPLE if self.is_legal(action, who)]
        if possible:
            self.try_step(action, possible[pick % len(possible)], pick)

    def try_step(self, action: str, who: tuple[str, str, str | None], pick: int) -> None:
        actor, role, body = who
        self.at += dt.timedelta(minutes=1)
        payload: dict[str, Any] = {}
        if action in ("reassign", "designate"):
            payload = {
                "lead_body": HANDLERS[pick % 4],
                "co_handlers": [
                    other for n, other in enumerate(HANDLERS[:3]) if pick & 1 << n and n != pick % 4
                ],
            }
        if action == "extend":
            payload = {"days": 1}
        legal = self.is_legal(action, who)
        step: dict[str, Any] = {
            "actor": actor,
            "role": role,
            "body": body,
            "note": "原因",
            "payload": payload,
        }
        try:
            with self.db.begin_nested():
                transition(self.db, self.case.number, action, at=self.at, **step)
        except IllegalTransition as refused:
            assert not legal, (action, who, str(refused))
            assert not any("a" <= c <= "z" for c in refused.message_zh.replace(actor, "")), refused.message_zh
            COUNTS["refused"] += 1
            return
        assert legal, f"{action} by {who} should be refused while {self.state}: {self.parts}"
        COUNTS[action] += 1
        self.follow(action, who, payload)

    def is_legal(self, action: str, who: tuple[str, str, str | None]) -> bool:
        actor, role, body = who
        roles, sources = WHO_AND_FROM[action]
        if role not in roles or self.state not in sources:
            return False
        part, progress = self.parts.get(body or "", ("", ""))
        if action in PART_OF and not (action == "designate" and role == "supervisor"):
            if part not in PART_OF[action] or progress == "refused":
                return False
        if action in BEFORE and progress not in BEFORE[action]:
            return False
        if action in SEPARATED and (actor in self.acted or body in self.acted):
            return False
        if action == "review":
            return self.review
        if action == "check":
            return not self.review or self.state == "reviewed"
        return action != "approve_extension" or self.asked not in ("", actor)

    def follow(self, action: str, who: tuple[str, str, str | None], payload: dict[str, Any]) -> None:
        """What the step changes in the model."""
        actor, _, body = who
        if action in AFTER and body:
            self.parts[body][1] = AFTER[action]
        if action in ("dispose", "feed_back"):
            self.acted |= {actor, body or actor}
        if action in ("return", "refuse", "rework", "reopen", "reassign", "designate"):
            self.follow_parties(action, body, payload)
        if action == "suspend":
            self.before_suspension = self.state
        self.asked = actor if action == "extend" else "" if action == "approve_extension" else self.asked
        self.state = self.next_state(action)

    def follow_parties(self, action: str, body: str | None, payload: dict[str, Any]) -> None:
        if action in ("return", "refuse"):
            self.refusals += 1
            if self.refusals >= 2:
                self.parts[ABOVE] = ["superior", "asked"]
        if action in ("rework", "reopen"):
            for part in self.parts.values():
                if part[0] in ("lead", "co_handler") and part[1] != "refused":
                    part[1] = "awaiting"
        if action in ("reassign", "designate"):
            self.give(payload["lead_body"], payload["co_handlers"])
        if action == "designate":
            self.refusals = 0
            if body == ABOVE:
                self.parts[ABOVE][1] = "designated"

    def give(self, lead: str, co_handlers: list[str]) -> None:
        others = {body: part for body, part in self.parts.items() if part[0] not in ("lead", "co_handler")}
        given = {lead: "lead", **dict.fromkeys(co_handlers, "co_handler")}
        stays = {(body, part): state for body, (part, state) in self.parts.items() if state != "refused"}
        self.parts = {b: [part, stays.get((b, part), "awaiting")] for b, part in given.items()} | others

    def next_state(self, action: str) -> str:
        if action in LEADS_TO:
            return LEADS_TO[action]
        if action == "resume":
            return self.before_suspension
        moves = action in AFTER or (action in ("reassign", "designate") and self.state in HANDLED)
        if not moves:
            return self.state
        order = ("awaiting", "arrived", "disposed", "fed_back")
        far = [order.index(progress) for _, progress in self.parts.values() if progress in order]
        if min(far) > 0:
            return ("arrived", "disposed", "fed_back")[min(far) - 1]
        return "arrived" if max(far) > 0 else "rework" if self.state == "rework" else "dispatched"

    @invariant()
    def somebody_can_go_on(self) -> None:
        """A case in the hands of its bodies never waits for nobody."""
        if hasattr(self, "db") and self.state in (*HANDLED, "disposed"):
            steps = ("arrive", "dispose", "feed_back")
            assert any(self.is_legal(a, who) for a in steps for who in PEOPLE), self.parts

    @invariant()
    def stored_is_as_the_model_says(self) -> None:
        if not hasattr(self, "db"):
            return
        row = self.db.execute(
            text("SELECT state, closed_at, party_ids, lead_body FROM cases WHERE id = :id"),
            {"id": self.case.id},
        ).one()
        parties = self.db.execute(
            text("SELECT body, part, state, body_id FROM case_parties WHERE case_id = :id AND until IS NULL"),
            {"id": self.case.id},
        ).all()
        assert row.state == self.state and (row.closed_at is not None) == (self.state == "closed")
        assert {p.body: [p.part, p.state] for p in parties} == self.parts
        assert sorted(row.party_ids) == sorted(p.body_id for p in parties)
        assert [p.body for p in parties if p.part == "lead"] == [row.lead_body]
        self.db.expire_all()
        assert verify_chain(self.db) == []


@pytest.mark.long
def test_random_steps_of_several_bodies_follow_the_rules(engine: Engine) -> None:
    ENGINES[:] = [engine]
    COUNTS.clear()
    run_state_machine_as_test(
        JointCase,
        settings=settings(
            max_examples=count(12),
            stateful_step_count=40,
            deadline=None,
            derandomize=not is_long(),
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate] if not is_long() else list(Phase),
        ),
    )
    assert {"refused", "verify", "arrive", "dispose", "feed_back", "reassign"} <= set(COUNTS), COUNTS
    assert COUNTS["return"] + COUNTS["refuse"] > 0
