"""Facts of a step of a case: what a person may send, by step."""

from __future__ import annotations

from typing import Any

import pytest

from grid.cases import check_facts
from grid.errors import GridError


@pytest.mark.parametrize(
    ("action", "facts"),
    [
        ("note", {}),
        ("dispose", {"measures": ["查封", "断电"], "amount_yuan": 5000, "sealed": True, "remark": None}),
        ("reassign", {"lead_body": "测试区交通运输局", "co_handlers": ["测试区生态环境局"]}),
        ("dispose", {"a": [[[[1]]]]}),
        ("note", {"text": "案" * 2_700}),
    ],
)
def test_facts_that_a_step_takes(action: str, facts: dict[str, Any]) -> None:
    check_facts(action, facts)


@pytest.mark.parametrize(
    ("action", "facts", "named"),
    [
        ("dispose", {"body": "测试区应急管理局"}, "payload.body"),
        ("note", {"note": "another note"}, "payload.note"),
        ("dispose", {"lead_body": "x"}, "payload.lead_body"),
        ("reassign", {"lead_body": "x", "reason": "y"}, "payload.reason"),
        ("reassign", {"lead_body": " "}, "payload.lead_body"),
        ("reassign", {"lead_body": ["x"]}, "payload.lead_body"),
        ("reassign", {"lead_body": "x", "co_handlers": "y"}, "payload.co_handlers"),
        ("reassign", {"lead_body": "x", "co_handlers": [1]}, "payload.co_handlers"),
        ("reassign", {"lead_body": "x", "co_handlers": ["y"] * 51}, "payload.co_handlers"),
        ("dispose", {"a": [[[[[1]]]]]}, "payload.a"),
        ("dispose", {"": 1}, "payload."),
        ("dispose", {"n" * 41: 1}, "payload.nnn"),
        ("note", {"text": "案" * 2_800}, "8,192"),
        ("note", {f"f{i}": "x" * 100 for i in range(100)}, "8,192"),
    ],
)
def test_facts_that_a_step_does_not_take(action: str, facts: dict[str, Any], named: str) -> None:
    with pytest.raises(GridError) as told:
        check_facts(action, facts)
    assert named in told.value.message_en and told.value.message_zh


def test_a_value_of_any_depth_is_refused_and_not_followed() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(GridError, match="levels"):
        check_facts("dispose", {"a": value})
