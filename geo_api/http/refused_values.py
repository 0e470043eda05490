"""Refused values of bodies and parameters: the reasons of the validation in both languages, and zero bytes in JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_HAN = re.compile(r"[㐀-鿿]")
_PREFIX = "Value error, "
_REASONS: Mapping[str, str] = {
    "missing": "缺少此项",
    "extra_forbidden": "没有此项，请检查名称",
    "string_type": "应为文本",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不符：{pattern}",
    "literal_error": "应为 {expected}",
    "greater_than_equal": "不得小于 {ge}",
    "less_than_equal": "不得大于 {le}",
    "greater_than": "应大于 {gt}",
    "less_than": "应小于 {lt}",
    "finite_number": "应为有限数",
    "too_short": "至少 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "json_invalid": "不是有效的 JSON",
}
_BY_BEGINNING = (
    ("int", "应为整数"),
    ("float", "应为数字"),
    ("decimal", "应为数字"),
    ("bool", "应为 true 或 false"),
    ("datetime", "应为带时区的时间，如 2026-01-31T08:00:00+08:00"),
    ("timezone", "时间应带时区"),
    ("date", "应为日期，如 2026-01-31"),
    ("time", "应为时间，如 08:00"),
    ("list", "应为列表"),
    ("dict", "应为 JSON 对象"),
    ("model", "应为 JSON 对象"),
    ("union_tag", "没有此类型"),
)


def reasons_of(fault: Mapping[str, Any]) -> tuple[str, str]:
    """Return the reason of one fault of the validation in English and Chinese.

    A check of ours that says it in both languages (``lon, lat: both or none 经度、纬度须同时给出``) is left as it is.

    Examples
    --------
    >>> reasons_of({"type": "less_than_equal", "msg": "Input should be at most 180", "ctx": {"le": 180.0}})
    ('Input should be at most 180', '不得大于 180')
    >>> reasons_of({"type": "value_error", "msg": "Value error, both or none 须同时给出"})
    ('both or none 须同时给出', 'both or none 须同时给出')
    """
    said, kind = str(fault["msg"]).removeprefix(_PREFIX), str(fault["type"])
    if _HAN.search(said):
        return said, said
    if kind in _REASONS:
        context = fault.get("ctx") or {}
        values = {name: f"{v:g}" if isinstance(v, float) else str(v) for name, v in context.items()}
        if "expected" in values:
            values["expected"] = values["expected"].replace(", ", "、").replace(" or ", " 或 ")
        return said, _REASONS[kind].format_map(values)
    begins = next((zh for begin, zh in _BY_BEGINNING if kind.startswith(begin)), None)
    return said, begins or f"无效：{said}"


def zero_byte_in(value: Any) -> str | None:
    r"""Return where a value read from JSON has a zero byte, which no database can hold; None: nowhere.

    Examples
    --------
    >>> zero_byte_in({"payload": {"names": ["a", "b\x00"]}}), zero_byte_in({"a": 1})
    ('payload.names.1', None)
    """
    return next(_zero_bytes(value, ()), None)


def _zero_bytes(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, str):
        if "\0" in value:
            yield ".".join(path)
    elif isinstance(value, dict):
        for name, each in value.items():
            plain = name.replace("\0", "")
            if plain != name:
                yield ".".join((*path, plain))
            yield from _zero_bytes(each, (*path, plain))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _zero_bytes(each, (*path, str(place)))
