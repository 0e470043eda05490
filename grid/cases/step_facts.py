"""Facts that a person sends with a step of a case: their names, types and size."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from grid.cases.transitions import WITH_OTHER_DATA
from grid.errors import GridError

MAX_BYTES = 8_192
"""Size of all facts of one step as JSON in UTF-8. Events are stored for ever."""
MAX_DEPTH = 4
MAX_REASON = 500
"""Characters of the reason why a file is taken back or a publication down."""
MAX_NAME = 40
MAX_BODY_NAME = 200
MAX_BODIES = 50
RESERVED = frozenset(
    {
        "note", "body", "body_id", "before", "alert_id", "outcome", "due_at", "parties", "superior", "explanation",
        "legal_review", "case", "added_to_register", "clock", "clock_rules", "no_deadline", "left",
        "sha256", "snapshot_sha256", "dispatch", "moved", "assignment", "merged_case",
    }
)  # fmt: skip
"""Facts that the service itself writes; who disposed is read from ``body``."""


def check_facts(action: str, facts: Mapping[str, Any]) -> None:
    """Refuse facts that a step does not take.

    Parameters
    ----------
    action : str
        The step. ``reassign`` and ``designate`` take ``lead_body`` (text) and ``co_handlers`` (list of text),
        ``merge`` takes ``into`` (number of a case), ``extend`` and ``approve_extension`` take ``days``, and nothing
        else; other steps take any names but these, with text, numbers, lists and objects.

    Raises
    ------
    GridError
        The message names the fact and the reason.

    Examples
    --------
    >>> check_facts("dispose", {"measures": ["sealed"], "amount_yuan": 5000})
    >>> check_facts("dispose", {"body": "another body"})
    Traceback (most recent call last):
        ...
    grid.errors.GridError: payload.body: this fact is written by the service itself
    """
    if action in WITH_OTHER_DATA:
        raise GridError(
            f"action: {action} is recorded with what it belongs to: a file under attachments, an officer under"
            " dispatches, the outcome of an alert",
            "附件请通过附件接口添加或撤回，派员请通过派员接口办理，核查结果请通过预警登记",
        )
    for name, value in facts.items():
        if name in RESERVED:
            raise _fault(name, "this fact is written by the service itself", "该项由系统写入")
        if not 1 <= len(name) <= MAX_NAME:
            raise _fault(
                name[:MAX_NAME], f"a name has 1 to {MAX_NAME} characters", f"名称应为 1 至 {MAX_NAME} 个字符"
            )
        own = _OF_STEP.get(action)
        check = (own or {}).get(name)
        if (check is None and own is not None) or (own is None and name in _OF_SOME_STEP):
            raise _fault(name, f"the step {action} has no such fact", f"操作 {action} 没有此项")
        if check is not None:
            check(name, value)
        if _depth(value) > MAX_DEPTH:
            raise _fault(name, f"more than {MAX_DEPTH} levels", f"嵌套超过 {MAX_DEPTH} 层")
    size = len(json.dumps(facts, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise GridError(
            f"payload: {size:,} bytes; a step takes {MAX_BYTES:,} at most",
            f"附加数据 {size:,} 字节，每步不得超过 {MAX_BYTES:,} 字节",
        )


def _fault(name: str, reason_en: str, reason_zh: str) -> GridError:
    return GridError(f"payload.{name}: {reason_en}", f"附加数据 {name}：{reason_zh}")


def _depth(value: Any) -> int:
    """Levels of lists and objects, counted level by level: a value from outside must not use up the stack."""
    depth, level = 0, [value]
    while level and depth <= MAX_DEPTH:
        inside = [child for v in level if isinstance(v, dict | list) for child in _children(v)]
        depth += any(isinstance(v, dict | list) for v in level)
        level = inside
    return depth


def _children(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _check_body(name: str, value: Any) -> None:
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= MAX_BODY_NAME:
        raise _fault(name, f"a body, as text of 1 to {MAX_BODY_NAME} characters", "应为单位名称")


def _check_bodies(name: str, value: Any) -> None:
    if not isinstance(value, list) or len(value) > MAX_BODIES:
        raise _fault(name, f"a list of at most {MAX_BODIES} bodies", f"应为单位列表（最多 {MAX_BODIES} 个）")
    for body in value:
        _check_body(name, body)


def _check_days(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 365:
        raise _fault(name, "a whole number of days, 1 to 365", "应为 1 至 365 的整数（天）")


_GIVEN: Mapping[str, Callable[[str, Any], None]] = {"lead_body": _check_body, "co_handlers": _check_bodies}
_OF_STEP: Mapping[str, Mapping[str, Callable[[str, Any], None]]] = {
    "reassign": _GIVEN,
    "designate": _GIVEN,
    "merge": {"into": _check_body},
    "unmerge": {},
    "extend": {"days": _check_days},
    "approve_extension": {"days": _check_days},
}
_OF_SOME_STEP = frozenset(name for facts in _OF_STEP.values() for name in facts)
