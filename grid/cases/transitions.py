"""The states of a case and the steps between them, by role; the disposer never checks or closes the case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from grid.errors import IllegalTransition
from layers.tables import CASE_STATES

DISPATCHER = frozenset({"dispatcher"})
CHECKERS = frozenset({"dispatcher", "supervisor"})
OFFICER = frozenset({"officer"})
ANYONE = frozenset({"grid_manager", "officer", "dispatcher", "supervisor", "service"})

SAME = "="
"""Target of a step that leaves the state as it is."""
BACK = "<"
"""Target of a step that goes back to the state before the suspension."""


@dataclass(frozen=True)
class Rule:
    """The rule of one step of a case.

    Attributes
    ----------
    sources : frozenset of str
        States from which it starts.
    target : str
        State it leads to, ``SAME`` or ``BACK``.
    roles : frozenset of str
        Who may take it.
    separated : bool
        Not for those who disposed, nor for their body.
    needs_note : bool
        A reason must be given.
    zh, en : str
        Names for people.
    """

    sources: frozenset[str]
    target: str
    roles: frozenset[str]
    zh: str
    en: str
    separated: bool = False
    needs_note: bool = False


def _from(*states: str) -> frozenset[str]:
    return frozenset(states)


OPEN_STATES = frozenset(CASE_STATES) - {"closed"}

RULES: Mapping[str, Rule] = {
    "verify": Rule(_from("reported"), "accepted", DISPATCHER, "核实受理", "verify and accept"),
    "file": Rule(_from("accepted"), "filed", DISPATCHER, "立案", "file"),
    "dispatch": Rule(_from("filed", "returned"), "dispatched", DISPATCHER, "派遣", "dispatch"),
    "dispose": Rule(_from("dispatched", "rework"), "disposed", OFFICER, "处置", "dispose"),
    "feed_back": Rule(_from("disposed"), "fed_back", OFFICER, "反馈", "feed back"),
    "check": Rule(_from("fed_back"), "checked", CHECKERS, "核查", "check", separated=True),
    "close": Rule(_from("checked"), "closed", CHECKERS, "结案", "close", separated=True),
    "return": Rule(_from("dispatched"), "returned", OFFICER, "退回", "return", needs_note=True),
    "rework": Rule(
        _from("fed_back", "checked"), "rework", CHECKERS, "返工", "rework", separated=True, needs_note=True
    ),
    "suspend": Rule(
        _from("filed", "dispatched", "rework", "disposed", "fed_back"),
        "suspended",
        CHECKERS,
        "挂账",
        "suspend",
        needs_note=True,
    ),
    "resume": Rule(_from("suspended"), BACK, CHECKERS, "恢复办理", "resume"),
    "reassign": Rule(
        _from("accepted", "filed", "dispatched", "returned", "rework"),
        SAME,
        DISPATCHER,
        "改派",
        "reassign",
        needs_note=True,
    ),
    "attach": Rule(OPEN_STATES, SAME, ANYONE, "添加附件", "attach"),
    "take_back": Rule(OPEN_STATES, SAME, ANYONE, "撤回附件", "take back", needs_note=True),
    "note": Rule(OPEN_STATES, SAME, ANYONE, "备注", "note", needs_note=True),
}
"""Steps by action. ``report`` opens a case and is no step of this table."""
FILE_STEPS = frozenset({"attach", "take_back"})
"""Steps that come with a file: they have doors of their own (``grid.cases.attachments``)."""


class StepEvent(Protocol):
    """The columns of a case event that the rules read."""

    actor: Any
    action: Any
    from_state: Any
    to_state: Any
    payload: Any


def target_state(action: str, state: str, events: Iterable[StepEvent]) -> str:
    """Return the state to which a step leads."""
    target = RULES[action].target
    if target == SAME:
        return state
    if target == BACK:
        before = [event.from_state for event in events if event.action == "suspend"]
        return str(before[-1]) if before else "dispatched"
    return target


def refusal_reason(
    action: str, state: str, events: Iterable[StepEvent], actor: str, role: str, body: str | None = None
) -> tuple[str, str] | None:
    """Return the reason that a step is not possible, in English and Chinese; None when it is possible."""
    rule = RULES.get(action)
    if rule is None:
        return f"unknown step {action!r}: one of {', '.join(RULES)}", f"未知的操作 {action}"
    if role not in rule.roles:
        return (
            f"the role {role} may not {rule.en}: this is for {', '.join(sorted(rule.roles))}",
            f"角色 {role} 不能执行“{rule.zh}”",
        )
    if state not in rule.sources:
        return (
            f"a case that is {state} cannot go through {rule.en}: it must be"
            f" {' or '.join(sorted(rule.sources))}",
            f"案件当前环节为 {state}，不能执行“{rule.zh}”",
        )
    if rule.separated:
        for event in events:
            if event.action not in ("dispose", "feed_back"):
                continue
            if event.actor == actor or (body and event.payload.get("body") == body):
                return (
                    f"{actor} disposed of this case (or belongs to the body that did): somebody else has to"
                    f" {rule.en}",
                    f"处置人（或处置单位）不能执行“{rule.zh}”：处置与监督相分离",
                )
    return None


def check_step(
    action: str,
    state: str,
    events: Iterable[StepEvent],
    actor: str,
    role: str,
    body: str | None,
    note: str | None,
) -> None:
    """Refuse a step that is not possible.

    Raises
    ------
    IllegalTransition
    """
    events = list(events)
    reason = refusal_reason(action, state, events, actor, role, body)
    if reason is None and RULES[action].needs_note and not (note or "").strip():
        reason = (f"{RULES[action].en} needs a note with the reason", f"“{RULES[action].zh}”必须填写原因")
    if reason is not None:
        raise IllegalTransition(*reason)
