"""The states of a case and the steps between them, by role; the disposer never checks or closes the case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from grid.cases.deadlines import extension_days_left
from grid.cases.parties import HANDLERS, Party, state_of_parts
from grid.errors import IllegalTransition
from layers.tables import CASE_STATES

DISPATCHER = frozenset({"dispatcher"})
CHECKERS = frozenset({"dispatcher", "supervisor"})
SUPERVISOR = frozenset({"supervisor"})
OFFICER = frozenset({"officer"})
ANYONE = frozenset({"grid_manager", "officer", "dispatcher", "supervisor", "service"})
DESIGNATORS = frozenset({"officer", "supervisor"})
CALLED = frozenset({"officer", "dispatcher"})

SAME = "="
"""Target of a step that leaves the state as it is."""
BACK = "<"
"""Target of a step that goes back to the state before the newest step that it takes back (``TAKES_BACK``)."""
TAKES_BACK = {"resume": "suspend", "unmerge": "merge"}
PARTS = "parts"
"""Target of a step of one body: the state follows from the parts of all bodies that handle the case."""

STATE_NAMES: Mapping[str, tuple[str, str]] = {
    "reported": ("已上报", "reported"),
    "accepted": ("已受理", "accepted"),
    "filed": ("已立案", "filed"),
    "dispatched": ("已派遣", "dispatched"),
    "arrived": ("已到场", "arrived"),
    "disposed": ("已处置", "disposed of"),
    "fed_back": ("已反馈", "fed back"),
    "reviewed": ("已法核", "reviewed"),
    "checked": ("已核查", "checked"),
    "returned": ("已退回", "returned"),
    "suspended": ("挂账", "suspended"),
    "rework": ("返工", "in rework"),
    "closed": ("已结案", "closed"),
    "merged": ("已并案", "merged"),
}
"""Names of the states for people, in Chinese and English."""
PART_STATE_NAMES: Mapping[str, tuple[str, str]] = {
    "awaiting": ("待到场", "awaited"),
    "arrived": ("已到场", "arrived"),
    "disposed": ("已处置", "disposed of"),
    "fed_back": ("已反馈", "fed back"),
    "refused": ("已拒绝", "refused"),
    "asked": ("待指定管辖", "asked to designate"),
    "designated": ("已指定管辖", "designated"),
    "copied": ("已抄送", "copied"),
}
"""Names of how far the part of a body is, for people, in Chinese and English."""
ROLE_NAMES: Mapping[str, str] = {
    "viewer": "查看人员",
    "grid_manager": "网格管理员",
    "officer": "执法人员",
    "dispatcher": "调度员",
    "supervisor": "监督员",
    "service": "系统账号",
}


@dataclass(frozen=True)
class Rule:
    """The rule of one step of a case.

    Attributes
    ----------
    sources : frozenset of str
        States from which it starts.
    target : str
        State it leads to, ``SAME``, ``BACK`` or ``PARTS``.
    roles : frozenset of str
        Who may take it.
    zh, en : str
        Names for people.
    separated : bool
        Not for those who disposed, nor for their body.
    needs_note : bool
        A reason must be given.
    parts : frozenset of str
        Parts of a case: only for officers whose body takes part as one of these. Empty: no party is needed.
    """

    sources: frozenset[str]
    target: str
    roles: frozenset[str]
    zh: str
    en: str
    separated: bool = False
    needs_note: bool = False
    parts: frozenset[str] = frozenset()


def _from(*states: str) -> frozenset[str]:
    return frozenset(states)


OPEN_STATES = frozenset(CASE_STATES) - {"closed", "merged"}
HANDLED = _from("dispatched", "arrived", "rework")
HANDLING = frozenset(HANDLERS)
GIVING = _from("reassign", "designate", "relocate")
"""Steps that give a case to other bodies: while it is handled its state follows from their parts."""

RULES: Mapping[str, Rule] = {
    "verify": Rule(_from("reported"), "accepted", DISPATCHER, "核实受理", "verify and accept"),
    "file": Rule(_from("accepted"), "filed", DISPATCHER, "立案", "file"),
    "dispatch": Rule(_from("filed", "returned"), "dispatched", DISPATCHER, "派遣", "dispatch"),
    "arrive": Rule(HANDLED, PARTS, OFFICER, "到场", "arrive", parts=HANDLING),
    "dispose": Rule(HANDLED, PARTS, OFFICER, "处置", "dispose", parts=HANDLING),
    "feed_back": Rule(HANDLED | {"disposed"}, PARTS, OFFICER, "反馈", "feed back", parts=HANDLING),
    "review": Rule(_from("fed_back"), "reviewed", SUPERVISOR, "法制审核", "review", separated=True),
    "check": Rule(_from("fed_back", "reviewed"), "checked", CHECKERS, "核查", "check", separated=True),
    "close": Rule(_from("checked"), "closed", CHECKERS, "结案", "close", separated=True),
    "return": Rule(
        _from("dispatched", "arrived"),
        "returned",
        OFFICER,
        "退回",
        "return",
        needs_note=True,
        parts=frozenset({"lead"}),
    ),
    "refuse": Rule(
        _from("dispatched", "arrived", "rework"),
        PARTS,
        OFFICER,
        "拒绝协办",
        "refuse the part",
        needs_note=True,
        parts=frozenset({"co_handler"}),
    ),
    "designate": Rule(
        _from("filed", "dispatched", "arrived", "returned", "rework"),
        SAME,
        DESIGNATORS,
        "指定管辖",
        "designate",
        needs_note=True,
        parts=frozenset({"superior"}),
    ),
    "rework": Rule(
        _from("fed_back", "reviewed", "checked"),
        "rework",
        CHECKERS,
        "返工",
        "rework",
        separated=True,
        needs_note=True,
    ),
    "suspend": Rule(
        _from("filed", "dispatched", "arrived", "rework", "disposed", "fed_back"),
        "suspended",
        CHECKERS,
        "挂账",
        "suspend",
        needs_note=True,
    ),
    "resume": Rule(_from("suspended"), BACK, CHECKERS, "恢复办理", "resume"),
    "extend": Rule(
        _from("dispatched", "arrived", "rework", "disposed"),
        SAME,
        OFFICER,
        "申请延期",
        "ask for an extension",
        needs_note=True,
        parts=HANDLING,
    ),
    "approve_extension": Rule(
        _from("dispatched", "arrived", "rework", "disposed"),
        SAME,
        CHECKERS,
        "批准延期",
        "approve the extension",
        separated=True,
    ),
    "reassign": Rule(
        _from("accepted", "filed", "dispatched", "arrived", "returned", "rework"),
        SAME,
        DISPATCHER,
        "改派",
        "reassign",
        needs_note=True,
    ),
    "relocate": Rule(
        _from("reported", "accepted", "filed", "dispatched", "arrived", "returned", "rework"),
        SAME,
        DISPATCHER,
        "变更地点",
        "change the place",
        needs_note=True,
    ),
    "attach": Rule(OPEN_STATES, SAME, ANYONE, "添加附件", "attach"),
    "take_back": Rule(OPEN_STATES, SAME, ANYONE, "撤回附件", "take back", needs_note=True),
    "send_officer": Rule(HANDLED, SAME, DISPATCHER, "派员", "send an officer"),
    "accept_call": Rule(HANDLED, SAME, CALLED, "接受派员", "accept the call"),
    "decline_call": Rule(HANDLED, SAME, CALLED, "谢绝派员", "decline the call", needs_note=True),
    "report_in": Rule(HANDLED, SAME, CALLED, "报到", "report in"),
    "recall": Rule(OPEN_STATES, SAME, DISPATCHER, "召回", "recall the officer", needs_note=True),
    "merge": Rule(
        _from("reported", "accepted", "filed"), "merged", DISPATCHER, "并案", "merge", needs_note=True
    ),
    "unmerge": Rule(_from("merged"), BACK, SUPERVISOR, "撤销并案", "undo the merge", needs_note=True),
    "reopen": Rule(_from("closed"), "dispatched", SUPERVISOR, "重新办理", "reopen", needs_note=True),
    "note": Rule(OPEN_STATES, SAME, ANYONE, "备注", "note", needs_note=True),
    "take_down": Rule(
        frozenset(CASE_STATES), SAME, SUPERVISOR, "撤下公示", "take down the publication", needs_note=True
    ),
    "outcome": Rule(
        frozenset(CASE_STATES) - {"merged"},
        SAME,
        frozenset({"officer", "dispatcher", "supervisor"}),
        "登记核查结果",
        "record an outcome",
    ),
}
"""Steps by action. ``report`` opens a case and is no step of this table."""
WITH_OTHER_DATA = frozenset(
    {
        "attach", "take_back", "take_down", "outcome", "relocate",
        "send_officer", "accept_call", "decline_call", "report_in", "recall",
    }
)  # fmt: skip
"""Steps that come with a record of their own (a file, an officer, a place, a publication, the outcome of an alert)."""


class StepEvent(Protocol):
    """The columns of a case event that the rules read."""

    actor: Any
    action: Any
    from_state: Any
    to_state: Any
    payload: Any


@dataclass(frozen=True)
class Standing:
    """Standing of a case for a person who wants to take a step.

    Attributes
    ----------
    state : str
        Of the case.
    events : sequence of StepEvent
        In order.
    parties : sequence of Party
        In force.
    actor, role : str
        Account and role.
    body_id : int or None
        Body that the person acts for, by its key in the register.
    body : str or None
        Its name: events of before the register have no key.
    """

    state: str
    events: Sequence[StepEvent]
    parties: Sequence[Party]
    actor: str
    role: str
    body_id: int | None = None
    body: str | None = None

    @property
    def own_party(self) -> Party | None:
        """Return the party of the person's body."""
        if self.body_id is None:
            return None
        return next((party for party in self.parties if party.body_id == self.body_id), None)

    @property
    def needs_review(self) -> bool:
        """Whether the matter asked for a legal review when the case was opened."""
        return bool(self.events) and bool(self.events[0].payload.get("legal_review"))

    @property
    def asked_extension(self) -> StepEvent | None:
        """Return the request of an extension that nobody has decided yet."""
        steps = [event for event in self.events if event.action in ("extend", "approve_extension")]
        return steps[-1] if steps and steps[-1].action == "extend" else None


Reason = tuple[str, str]
"""Why a step is not possible, in English and Chinese."""


def target_state(action: str, standing: Standing, parties_after: Sequence[Party]) -> str:
    """Return the state to which a step leads."""
    target = RULES[action].target
    given_anew = action in GIVING and standing.state in HANDLED
    if target == SAME and not given_anew:
        return standing.state
    if target == PARTS or given_anew:
        return state_of_parts(parties_after, "rework" if standing.state == "rework" else "dispatched")
    if target == BACK:
        before = [event.from_state for event in standing.events if event.action == TAKES_BACK[action]]
        return str(before[-1]) if before else "dispatched"
    return target


def refusal_reason(action: str, standing: Standing) -> Reason | None:
    """Return the reason that a step is not possible; None when it is possible."""
    rule = RULES.get(action)
    if rule is None:
        return f"unknown step {action!r}: one of {', '.join(RULES)}", f"未知的操作 {action}"
    for check in (_role_reason, _state_reason, _party_reason, _separation_reason, _special_reason):
        reason = check(action, rule, standing)
        if reason is not None:
            return reason
    return None


def legal_steps(standing: Standing) -> list[str]:
    """Return the steps that the person may take now, in the order of ``RULES``."""
    of_state = [action for action, rule in RULES.items() if standing.state in rule.sources]
    return [action for action in of_state if refusal_reason(action, standing) is None]


def _role_reason(action: str, rule: Rule, standing: Standing) -> Reason | None:
    if standing.role in rule.roles:
        return None
    names = "、".join(ROLE_NAMES[role] for role in sorted(rule.roles))
    return (
        f"the role {standing.role} may not {rule.en}: this is for {', '.join(sorted(rule.roles))}",
        f"角色“{ROLE_NAMES.get(standing.role, standing.role)}”不能执行“{rule.zh}”，该操作由{names}执行",
    )


def _state_reason(action: str, rule: Rule, standing: Standing) -> Reason | None:
    if standing.state in rule.sources:
        return None
    zh, en = STATE_NAMES.get(standing.state, (standing.state, standing.state))
    possible = [RULES[name] for name in legal_steps(standing)]
    now_zh = "、".join(f"“{one.zh}”" for one in possible) or "无"
    now_en = ", ".join(one.en for one in possible) or "nothing"
    return (
        f"a case that is {en} cannot go through {rule.en}; possible now for you: {now_en}",
        f"案件当前环节为“{zh}”，不能执行“{rule.zh}”；您当前可执行：{now_zh}",
    )


def _party_reason(action: str, rule: Rule, standing: Standing) -> Reason | None:
    if not rule.parts or (action == "designate" and standing.role == "supervisor"):
        return None
    if standing.body_id is None:
        return (
            f"{standing.actor} acts for no body of the register: only officers of the bodies of the case may {rule.en}",
            f"账号 {standing.actor} 未绑定主体名录中的单位，不能执行“{rule.zh}”",
        )
    own = standing.own_party
    if own is not None and own.part in rule.parts and own.state != "refused":
        return None
    able = [party.body for party in standing.parties if party.part in rule.parts]
    if not able:
        return f"no body of this case may {rule.en} now", f"本案目前没有单位可以执行“{rule.zh}”"
    return (
        f"{standing.body or 'your body'} has no such part in this case: only {', '.join(able)} may {rule.en}",
        f"“{standing.body or '所属单位'}”不能执行“{rule.zh}”，该操作由{'、'.join(able)}执行",
    )


def _separation_reason(action: str, rule: Rule, standing: Standing) -> Reason | None:
    if not rule.separated:
        return None
    for event in standing.events:
        if event.action in ("dispose", "feed_back") and _acted(event, standing):
            return (
                f"{standing.actor} disposed of this case (or belongs to the body that did): somebody else has to"
                f" {rule.en}",
                f"处置人（或处置单位）不能执行“{rule.zh}”：处置与监督相分离",
            )
    return None


def _acted(event: StepEvent, standing: Standing) -> bool:
    """Whether the person, or the body that the person acts for, took a step."""
    if event.actor == standing.actor:
        return True
    if standing.body_id is not None and event.payload.get("body_id") == standing.body_id:
        return True
    return bool(standing.body) and event.payload.get("body") == standing.body


def _special_reason(action: str, rule: Rule, standing: Standing) -> Reason | None:
    own = standing.own_party
    if action in _BEFORE_STEP and own is not None and own.state not in _BEFORE_STEP[action]:
        zh, en = PART_STATE_NAMES.get(own.state, (own.state, own.state))
        return (
            f"the part of {own.body} is {en}: {rule.en} is not its next step",
            f"“{own.body}”目前{zh}，不能执行“{rule.zh}”",
        )
    if action == "check" and standing.state == "fed_back" and standing.needs_review:
        return "the matter needs a legal review before the check", "该事项须先经法制审核再核查"
    if action == "review" and not standing.needs_review:
        return "the matter needs no legal review", "该事项不需要法制审核"
    if action == "extend" and extension_days_left(standing.events) < 1:
        return "the matter allows no more days of extension", "该事项不能再延期"
    if action == "approve_extension":
        asked = standing.asked_extension
        if asked is None:
            return "nobody has asked for an extension", "没有待批准的延期申请"
        if _acted(asked, standing):
            return "who asked for the extension does not approve it", "申请延期的人员（单位）不能自行批准"
    return None


_BEFORE_STEP: Mapping[str, tuple[str, ...]] = {
    "arrive": ("awaiting",),
    "dispose": ("awaiting", "arrived"),
    "feed_back": ("disposed",),
    "refuse": ("awaiting", "arrived"),
}
"""How far the part of a body must be for a step of it."""


def check_step(action: str, standing: Standing, note: str | None) -> None:
    """Refuse a step that is not possible.

    Raises
    ------
    IllegalTransition
    """
    reason = refusal_reason(action, standing)
    if reason is None and RULES[action].needs_note and not (note or "").strip():
        reason = (f"{RULES[action].en} needs a note with the reason", f"“{RULES[action].zh}”必须填写原因")
    if reason is not None:
        raise IllegalTransition(*reason)
