"""Refused values of bodies and parameters: reasons of the validation in both languages, texts that nobody may send."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

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


class UnfitText(NamedTuple):
    """A text that nobody may send: where it stands in a body, and why, in English and Chinese."""

    field: str
    en: str
    zh: str


_ZERO_BYTE = ("it has a zero byte (U+0000)", "含有空字符（U+0000）")
_TURNED = ("it has characters that turn the direction of writing", "含有改变文字方向的控制字符")
_INVISIBLE = ("it has no visible character", "没有可见字符")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_HINTS = (b"\\u", b"\xe2\x80", b"\xe2\x81", b"\xef\xbb\xbf", b"\xc2\xad")
"""Bytes of a body without which no text of it is unfit."""


def unfit_text_in(body: bytes, value: Any) -> UnfitText | None:
    r"""Return the first text of a JSON body that nobody may send; None: there is none.

    No database holds a zero byte; a reason of zero-width characters says nothing; what turns the direction of writing
    shows another text than the one that is stored.

    Examples
    --------
    >>> unfit_text_in(b"\\u0000", {"payload": {"names": ["a", "b\x00"]}}).field, unfit_text_in(b"", {"a": 1})
    ('payload.names.1', None)
    >>> unfit_text_in(b"\\u200b", {"note": "\u200b "}).en, unfit_text_in(b"\\u200b", {"note": "\u200ba"})
    ('it has no visible character', None)
    """
    if not any(hint in body for hint in _HINTS):
        return None
    return next(_unfit_texts(value, ()), None)


def _unfit_texts(value: Any, path: tuple[str, ...]) -> Iterator[UnfitText]:
    if isinstance(value, str):
        if (reason := _why_unfit(value)) is not None:
            yield UnfitText(".".join(path), *reason)
    elif isinstance(value, dict):
        for name, each in value.items():
            plain = name.replace("\0", "")
            if plain != name:
                yield UnfitText(".".join((*path, plain)), *_ZERO_BYTE)
            yield from _unfit_texts(each, (*path, plain))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _unfit_texts(each, (*path, str(place)))


def _why_unfit(text: str) -> tuple[str, str] | None:
    if "\0" in text:
        return _ZERO_BYTE
    if _TURNING.search(text):
        return _TURNED
    if text.strip() and all(unicodedata.category(character)[0] in "CZ" for character in text):
        return _INVISIBLE
    return None
