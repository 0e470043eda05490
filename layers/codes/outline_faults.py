"""Faults of outlines and lines in the words of people: the rule that is broken and its place, in both languages."""

from __future__ import annotations

from typing import Any

import shapely

_RULES = {
    "Ring Self-intersection": ("an outline touches itself", "边界自接触"),
    "Self-intersection": ("an outline crosses itself", "边界自相交"),
    "Hole lies outside shell": ("a hole lies outside of its outline", "孔洞在外环之外"),
    "Holes are nested": ("a hole lies in another one", "孔洞相互嵌套"),
    "Nested shells": ("a part lies in another one", "部分相互嵌套"),
    "Interior is disconnected": ("holes cut the area into pieces", "内部被孔洞分割"),
    "Duplicate Rings": ("an outline is there twice", "边界重复"),
    "Too few points in geometry component": ("an outline or line has too few points", "边界或线的点数不足"),
    "Invalid Coordinate": ("a coordinate is no number", "坐标不是有限数"),
}
_OTHER = ("the shape is not valid", "图形无效")


def outline_fault(shape: Any) -> tuple[str, str]:
    """Say in English and Chinese which rule an invalid shape breaks, and where, in its own coordinates.

    Parameters
    ----------
    shape : shapely geometry
        Not valid.

    Examples
    --------
    >>> outline_fault(shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)]))
    ('an outline crosses itself at 1, 1', '边界在 1, 1 处自相交')
    """
    rule, _, place = str(shapely.is_valid_reason(shape)).partition("[")
    english, chinese = _RULES.get(rule.strip(), _OTHER)
    at = ", ".join(
        f"{float(part):.10g}" if _is_number(part) else part for part in place.rstrip("]").split()[:2]
    )
    if not at:
        return english, chinese
    if chinese.startswith("边界自"):
        return f"{english} at {at}", f"边界在 {at} 处{chinese[2:]}"
    return f"{english} at {at}", f"{chinese}（{at}）"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
