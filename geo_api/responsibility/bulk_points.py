"""Points of a bulk assignment: those that can be asked, and the faults of the others by row."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from geo_api.responsibility.schemas import AssignPoint

LONGEST_ID = 200
LONGEST_CODE = 100
_SCHEMA = {
    "row": pl.Int64,
    "lon": pl.Float64,
    "lat": pl.Float64,
    "item_code": pl.Utf8,
    "enterprise_uscc": pl.Utf8,
}


@dataclass(frozen=True)
class BulkPoints:
    """Points that can be asked, and what is wrong with the others.

    Attributes
    ----------
    frame : polars.DataFrame
        ``row`` (from 1), ``lon`` and ``lat`` as they were sent, ``item_code``, ``enterprise_uscc``.
    ids : dict of int to (str or int or None)
        What the caller calls a point, by row.
    faults : list of dict
        ``row``, ``id``, ``field``, ``reason``, ``reason_zh``.
    """

    frame: pl.DataFrame
    ids: dict[int, str | int | None]
    faults: list[dict[str, Any]]


def checked_points(points: Sequence[AssignPoint], known_items: Collection[str]) -> BulkPoints:
    """Return the points of a bulk by whether they can be asked.

    Examples
    --------
    >>> found = checked_points([AssignPoint(id=7, lon=120.9, lat=32.0, item_code="SX-1"),
    ...                         AssignPoint(id="b", lon=200, lat=32.0, item_code="SX-1")], {"SX-1"})
    >>> found.frame.height, [(fault["row"], fault["id"], fault["field"]) for fault in found.faults]
    (1, [(2, 'b', 'lon')])
    """
    known = frozenset(known_items)
    rows: list[tuple[Any, ...]] = []
    ids: dict[int, str | int | None] = {}
    faults: list[dict[str, Any]] = []
    for row, point in enumerate(points, 1):
        ids[row] = point.id if _is_id(point.id) else None
        fault = _fault(point, known)
        if fault is None:
            rows.append((row, point.lon, point.lat, point.item_code, point.enterprise_uscc))
        else:
            field, reason, reason_zh = fault
            faults.append(
                {"row": row, "id": ids[row], "field": field, "reason": reason, "reason_zh": reason_zh}
            )
    return BulkPoints(pl.DataFrame(rows, schema=_SCHEMA, orient="row", strict=False), ids, faults)


def _fault(point: AssignPoint, known: frozenset[str]) -> tuple[str, str, str] | None:
    if not _is_id(point.id):
        return "id", f"a text of {LONGEST_ID} characters at most, or a whole number", "须为文本或整数"
    for name, value, limit in (("lon", point.lon, 180.0), ("lat", point.lat, 90.0)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return name, "a number is needed", "须为数值"
        if abs(value) > limit:
            return name, f"outside -{limit:g}..{limit:g}", f"超出 -{limit:g}..{limit:g}"
    if not isinstance(point.item_code, str) or point.item_code not in known:
        said = str(point.item_code)[:LONGEST_CODE]
        return "item_code", f"{said}: not in the duty list", f"{said}：清单中没有此事项"
    if point.enterprise_uscc is not None and not isinstance(point.enterprise_uscc, str):
        return "enterprise_uscc", "a text is needed", "须为文本"
    return None


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_ID
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63)
