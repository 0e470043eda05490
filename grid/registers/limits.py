"""Time limits of matters as people write them: ``15工作日；紧急 24小时``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from grid.calendar import TimeLimit
from grid.errors import GridError
from layers.codes import to_half_width
from layers.tables.registers import STAGES, URGENCIES

_KINDS = {
    "working_days": ("工作日", "个工作日", "working_day", "working_days", "working days", "working day"),
    "working_hours": (
        "工作小时",
        "个工作小时",
        "working_hour",
        "working_hours",
        "working hours",
        "working hour",
    ),
    "natural_days": (
        "日",
        "天",
        "自然日",
        "个自然日",
        "natural_day",
        "natural_days",
        "natural days",
        "days",
        "day",
    ),
    "natural_hours": (
        "小时",
        "个小时",
        "自然小时",
        "natural_hour",
        "natural_hours",
        "natural hours",
        "hours",
        "hour",
    ),
}
_KIND_OF = {word: kind for kind, words in _KINDS.items() for word in words}
_URGENCY_OF = {
    "": "normal", "normal": "normal", "一般": "normal", "普通": "normal",
    "urgent": "urgent", "紧急": "urgent",
    "very_urgent": "very_urgent", "very urgent": "very_urgent", "特急": "very_urgent",
}  # fmt: skip
_PART = re.compile(
    r"(?P<urgency>[a-z_一-鿿 ]*?)[: ]*(?P<value>\d+(?:\.\d+)?) *(?P<kind>[a-z_一-鿿][a-z_一-鿿 ]*)"
)


def read_limits(written: str) -> dict[str, dict[str, Any]]:
    """Return the limits of one cell by urgency.

    Raises
    ------
    GridError

    Examples
    --------
    >>> read_limits("15工作日；紧急 24小时")["urgent"]
    {'kind': 'natural_hours', 'value': 24}
    >>> read_limits("3 working_days"), read_limits("")
    ({'normal': {'kind': 'working_days', 'value': 3}}, {})
    """
    limits: dict[str, dict[str, Any]] = {}
    for part in filter(None, (part.strip().lower() for part in re.split("[;]", to_half_width(written)))):
        found = _PART.fullmatch(part)
        urgency = _URGENCY_OF.get(found["urgency"].strip()) if found else None
        kind = _KIND_OF.get(found["kind"].strip()) if found else None
        if found is None or urgency is None or kind is None:
            raise GridError(
                f"no time limit: {part!r}, write 15 working_days or urgent 24 hours",
                f"时限写法有误：{part}，应如 15工作日 或 紧急 24小时",
            )
        if urgency in limits:
            raise GridError(f"two limits of {urgency}", f"同一紧急程度有两个时限：{part}")
        value = float(found["value"])
        TimeLimit(kind, value)  # type: ignore[arg-type]  # one of the words above
        limits[urgency] = {"kind": kind, "value": int(value) if value.is_integer() else value}
    return limits


def limits_of_row(row: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the limits of a matter by stage and urgency from its columns ``limit_…``."""
    stages = ("overall", *STAGES)
    return {stage: limits for stage in stages if (limits := read_limits(row.get(f"limit_{stage}") or ""))}


def write_limits(limits: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return limits by urgency as they are written in a cell; None when there are none.

    Examples
    --------
    >>> write_limits(read_limits("15工作日；紧急 24小时")), write_limits({})
    ('15 working_days; urgent 24 natural_hours', None)
    """
    order = [name for name in URGENCIES if name in limits]
    parts = [f"{limits[name]['value']} {limits[name]['kind']}" for name in order]
    named = [part if name == "normal" else f"{name} {part}" for name, part in zip(order, parts, strict=True)]
    return "; ".join(named) or None
