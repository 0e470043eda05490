"""Charts of a report as small SVG: readings of a meter, and the balance of the evidence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from maps.reports.page import say, say_term

CHART_WIDTH, CHART_HEIGHT = 720, 90

BALANCE_WIDTH = 240

METER_UNITS = {"power": "kWh", "water": "m³", "gas": "m³"}

DAY_S = 86_400.0

ABOUT_A_DAY_S = (20 * 3600.0, 27 * 3600.0)


def balance_bars(balance: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the bars of a balance: what takes to the left of zero, what adds to the right.

    Examples
    --------
    >>> meters = {"family": "meters", "adds": 3.0, "takes": 0.5, "explained": 0.5, "total": 2.0, "settle": None}
    >>> made = balance_bars({"prior": -3.0, "families": [meters], "log_odds": -1.0})
    >>> made["zero"], [(row["takes_x"], row["takes_width"], row["adds_width"]) for row in made["rows"]]
    (120.0, [(0.0, 120.0, 0.0), (80.0, 40.0, 120.0), (80.0, 40.0, 0.0)])
    >>> balance_bars({"prior": -3.0, "families": [], "log_odds": -3.0}) is None
    True
    """
    if balance is None or not balance["families"]:
        return None
    ends = [("先验", "Prior", balance["prior"]), ("合计", "Sum", balance["log_odds"])]
    prior, total = (
        {
            "name": say(zh, en),
            "adds": max(each, 0.0),
            "takes": max(-each, 0.0),
            "explained": 0.0,
            "total": each,
        }
        for zh, en, each in ends
    )
    families = [{**each, "name": say_term("family", each["family"])} for each in balance["families"]]
    rows: list[dict[str, Any]] = [prior, *families, total]
    low = max(row["takes"] + row["explained"] for row in rows)
    unit = BALANCE_WIDTH / (low + max(row["adds"] for row in rows) or 1.0)
    for row in rows:
        taken = (row["takes"] + row["explained"]) * unit
        row |= {"takes_x": low * unit - taken, "takes_width": taken, "adds_width": row["adds"] * unit}
    return {"width": BALANCE_WIDTH, "zero": low * unit, "rows": rows}


def start_of_use(evidence: Iterable[Mapping[str, Any]], kind: str) -> list[str] | None:
    """Return the first and last day between which the use of a meter rose; None: the evidence names none."""
    named = (item.get("started") for item in evidence if item["signal"] == f"{kind}_use")
    return next((started for started in named if started), None)


def meter_chart(kind: str, rows: list[Mapping[str, Any]], started: list[str] | None = None) -> dict[str, Any]:
    """Draw readings as the path of a small SVG: a missing one is a gap, not a zero.

    Days are points of a line; of other intervals each is a step of its own width, and its height is the use a day.
    """
    spans = [
        tuple(dt.datetime.fromisoformat(row[name]).timestamp() for name in ("from_at", "to_at"))
        for row in rows
    ]
    days = all(ABOUT_A_DAY_S[0] <= end - begin <= ABOUT_A_DAY_S[1] for begin, end in spans)
    use = [
        None if row["value"] is None else row["value"] * (1 if days else DAY_S / (end - begin))
        for row, (begin, end) in zip(rows, spans, strict=True)
    ]
    known = [v for v in use if v is not None]
    high = max(known, default=0.0) or 1.0
    first, width = spans[0][0], max(spans[-1][1] - spans[0][0], 1.0)
    path, pen_up, drawn_to = [], True, 0.0
    for value, (begin, end) in zip(use, spans, strict=True):
        if value is None or begin > drawn_to:
            pen_up = True
        if value is None:
            continue
        y = CHART_HEIGHT * (1 - max(value, 0.0) / high)
        for at in (begin,) if days else (begin, end):
            path.append(f"{'M' if pen_up else 'L'}{CHART_WIDTH * (at - first) / width:.1f} {y:.1f}")
            pen_up = False
        drawn_to = end
    unit = METER_UNITS.get(kind, "")
    return {
        "started": started, "band": started and _band(started, rows[0]["day"], width),
        "flagged": sum(bool(row.get("flags")) for row in rows),
        "kind": kind, "unit": unit if days else f"{unit}/d", "path": " ".join(path), "high": high,
        "first": rows[0]["day"], "last": rows[-1]["day"], "missing": len(use) - len(known),
        "width": CHART_WIDTH, "height": CHART_HEIGHT,
    }  # fmt: skip


def _band(started: list[str], first_day: str, width_s: float) -> tuple[float, float] | None:
    """Return left edge and width of the days of a start in a chart that begins on a day; None: outside of it.

    Examples
    --------
    >>> _band(["2026-03-03", "2026-03-03"], "2026-03-01", 10 * DAY_S)
    (144.0, 72.0)
    >>> _band(["2026-02-03", "2026-02-04"], "2026-03-01", 10 * DAY_S) is None
    True
    """
    zero = dt.date.fromisoformat(first_day)
    begin, end = ((dt.date.fromisoformat(day) - zero).days for day in started)
    left, right = (
        min(max(CHART_WIDTH * DAY_S * days / width_s, 0.0), float(CHART_WIDTH)) for days in (begin, end + 1)
    )
    return (round(left, 1), round(right - left, 1)) if right > left else None
