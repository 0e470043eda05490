"""Indicators of the case loop (行政问效).

Rates over cases that were due in a period, with the counts behind them.

"Should be" counts every case whose deadline lies in the period, open and overdue ones too. A rate over
nothing is null, never 0 or 100 %.

============================  ==================  =================================================
column                        中文                 formula
============================  ==================  =================================================
disposal_rate                 处置率               disposed / due
on_time_disposal_rate         按期处置率           disposed by the deadline / due
closing_rate                  结案率               closed / due
on_time_closing_rate          按期结案率           closed by the deadline / due
rework_rate                   返工率               sent back for rework at least once / due
overdue_rate                  超期待处置率         past the deadline and not disposed / due
suspension_rate               延期率               suspended (挂账) at least once / due
valid_report_rate             有效上报率           accepted / reported in the period
on_time_filing_rate           按时立案率           filed within the stage limit / filed in the period
accurate_dispatch_rate        准确派遣率           never returned nor given to others / dispatched in the period
on_time_dispatch_rate         按期派遣率           dispatched within the stage limit of filing / dispatched
score                         综合评分             30·处置率 + 20·按期处置率 + 20·(1−返工率) + 20·(1−超期待处置率) + 10·(1−延期率)
============================  ==================  =================================================

The formulas follow published scoring sheets of Chinese cities (the score: a district of Chengdu).

Facts stand in ``case_facts``, which the events keep in step. What happened after the period does not count.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.errors import GridError

NAMES: dict[str, str] = {
    "disposal_rate": "处置率",
    "on_time_disposal_rate": "按期处置率",
    "closing_rate": "结案率",
    "on_time_closing_rate": "按期结案率",
    "rework_rate": "返工率",
    "overdue_rate": "超期待处置率",
    "suspension_rate": "延期率",
    "valid_report_rate": "有效上报率",
    "on_time_filing_rate": "按时立案率",
    "accurate_dispatch_rate": "准确派遣率",
    "on_time_dispatch_rate": "按期派遣率",
    "score": "综合评分",
}
AREA_BREAKDOWNS = ("city", "county", "town", "community", "unit_grid")
BREAKDOWNS = (*AREA_BREAKDOWNS, "domain", "item_code", "lead_body", "source", "stage")
SMALL = 5
"""Figures over fewer cases than this are marked: one case more or less turns them."""
MOST_NUMBERS = 1_000
FIRST_YEAR, LAST_YEAR = 2000, 2100

_DUE, _REPORTED = "due_at >= :since AND due_at < :until", "opened_at >= :since AND opened_at < :until"
_FILED = "filed_at >= :since AND filed_at < :until"
_DISPATCHED = "dispatched_at >= :since AND dispatched_at < :until"
_DISPOSED = "COALESCE(disposed_at < :until, false)"
_CLOSED = "COALESCE(closed_at < :until, false)"
_STAGE_LIMIT = "interval '24 hours'"
"""From report to filing, and from filing to dispatch, where the matter says nothing."""
_FIGURES = {
    "disposal_rate": (_DUE, _DISPOSED),
    "on_time_disposal_rate": (_DUE, f"{_DISPOSED} AND disposed_at <= due_at"),
    "closing_rate": (_DUE, _CLOSED),
    "on_time_closing_rate": (_DUE, f"{_CLOSED} AND closed_at <= due_at"),
    "rework_rate": (_DUE, "n_rework > 0"),
    "overdue_rate": (_DUE, f"NOT {_DISPOSED}"),
    "suspension_rate": (_DUE, "n_suspended > 0"),
    "valid_report_rate": (_REPORTED, "COALESCE(accepted_at < :until, false)"),
    "on_time_filing_rate": (
        _FILED,
        f"CASE WHEN 'file' = ANY (limited_stages) THEN 'file' <> ALL (late_stages)"
        f" ELSE filed_at - opened_at <= {_STAGE_LIMIT} END",
    ),
    "accurate_dispatch_rate": (_DISPATCHED, "n_misdirected = 0"),
    "on_time_dispatch_rate": (
        _DISPATCHED,
        f"CASE WHEN 'dispatch' = ANY (limited_stages) THEN 'dispatch' <> ALL (late_stages)"
        f" ELSE dispatched_at - filed_at <= {_STAGE_LIMIT} END",
    ),
}
"""Conditions on a row of ``case_facts``: of the denominator, and further of the numerator."""
_WHOLES = {"n_due": _DUE, "n_reported": _REPORTED, "n_filed": _FILED, "n_dispatched": _DISPATCHED}
_MATTER_NAME = "(SELECT m.name FROM matters m WHERE m.item_code = g.key ORDER BY m.valid_from DESC LIMIT 1)"
_KEYS = {
    **{name: f"{name.replace('unit_', '')}_area_id" for name in AREA_BREAKDOWNS},
    **{name: name for name in ("domain", "item_code", "lead_body", "source")},
}


@dataclass(frozen=True)
class Figure:
    """A rate with the counts behind it: ``value`` is None over nothing, ``small`` over few cases."""

    value: float | None
    part: int
    whole: int

    @property
    def small(self) -> bool:
        """Whether so few cases are behind it that one more or less turns it."""
        return 0 < self.whole < SMALL


@dataclass(frozen=True)
class IndicatorRow:
    """Indicators of one key of a breakdown.

    Attributes
    ----------
    key, name : str or None
        Code and name (of an area or a matter); None: cases without one.
    counts : dict of str to int
        Cases due, reported, filed and dispatched in the period.
    figures : dict of str to Figure
        By the names of ``NAMES`` without the score.
    """

    key: str | None
    name: str | None
    counts: dict[str, int]
    figures: dict[str, Figure]

    @property
    def score(self) -> float | None:
        """Composite score, 0 to 100; None if nothing was due."""
        of = {name: figure.value for name, figure in self.figures.items()}
        names = ("disposal_rate", "on_time_disposal_rate", "rework_rate", "overdue_rate", "suspension_rate")
        disposal, on_time, rework, overdue, suspended = (of.get(name) for name in names)
        if None in (disposal, on_time, rework, overdue, suspended):
            return None
        assert disposal is not None and on_time is not None
        assert rework is not None and overdue is not None and suspended is not None
        return 30 * disposal + 20 * on_time + 20 * (1 - rework) + 20 * (1 - overdue) + 10 * (1 - suspended)


def read_indicators(
    db: Session, since: dt.datetime, until: dt.datetime, by: str | None = None, within: str | None = None
) -> list[IndicatorRow]:
    """Return the indicators of a period, in all or by breakdown; only of cases in the caller's areas and domains.

    Parameters
    ----------
    since, until : datetime
        The period, from ``since`` up to but not including ``until``, with zone.
    by : str or None
        Of ``BREAKDOWNS``; None: one row.
    within : str or None
        Code of a city, county, town, community or unit grid.

    Raises
    ------
    GridError
        An unknown breakdown, or a time without zone.
    """
    _check(since, until, by)
    if by == "stage":
        return _stages(db, since, until, within)
    columns = [f"count(*) FILTER (WHERE {condition}) AS {name}" for name, condition in _WHOLES.items()]
    columns += [
        f"count(*) FILTER (WHERE {whole} AND {part}) AS {name}" for name, (whole, part) in _FIGURES.items()
    ]
    key = "NULL::text" if by is None else f"f.{_KEYS[by]}"
    sums = [f"sum(g.{name})::bigint AS {name}" for name in (*_WHOLES, *_FIGURES)]
    named = by in AREA_BREAKDOWNS
    name = {"item_code": _MATTER_NAME}.get(by or "", "max(a.name)" if named else "NULL")
    statement = f"""
    WITH g AS (
        SELECT {key} AS key, {", ".join(columns)} FROM case_facts f
        WHERE opened_at < :until AND (({_DUE}) OR ({_REPORTED}) OR ({_FILED}) OR ({_DISPATCHED})) AND {_within(within)}
        GROUP BY 1
    )
    SELECT {"a.code" if named else "g.key"} AS key, {name} AS name, {", ".join(sums)}
    FROM g {"LEFT JOIN areas a ON a.id = g.key" if named else ""} GROUP BY 1 ORDER BY 1
    """
    rows = db.execute(text(statement), _values(since, until, within)).mappings().all()
    if by is None and not rows:
        return [_row(dict.fromkeys((*_WHOLES, *_FIGURES), 0) | {"key": None, "name": None})]
    return [_row(dict(row)) for row in rows]


def _row(row: dict[str, Any]) -> IndicatorRow:
    whole_of = {condition: name for name, condition in _WHOLES.items()}
    figures = {name: _figure(row[name], row[whole_of[whole]]) for name, (whole, _) in _FIGURES.items()}
    return IndicatorRow(row["key"], row["name"], {name: row[name] for name in _WHOLES}, figures)


def _figure(part: int, whole: int) -> Figure:
    return Figure(part / whole if whole else None, part, whole)


def _stages(db: Session, since: dt.datetime, until: dt.datetime, within: str | None) -> list[IndicatorRow]:
    """Return how many stages with a limit ended in time, of cases reported in the period."""
    statement = f"""
    SELECT s.stage AS key, count(*) AS n, count(*) FILTER (WHERE s.stage <> ALL (f.late_stages)) AS kept
    FROM case_facts f CROSS JOIN unnest(f.limited_stages) AS s (stage)
    WHERE {_REPORTED} AND {_within(within)} GROUP BY 1 ORDER BY 1
    """
    rows = db.execute(text(statement), _values(since, until, within))
    return [
        IndicatorRow(row.key, None, {"n_ended": row.n}, {"on_time_stage_rate": _figure(row.kept, row.n)})
        for row in rows
    ]


def cases_of_figure(
    db: Session,
    since: dt.datetime,
    until: dt.datetime,
    figure: str,
    *,
    whole: bool = False,
    by: str | None = None,
    key: str | None = None,
    within: str | None = None,
) -> list[str]:
    """Return the numbers of the cases behind a figure, newest first, at most ``MOST_NUMBERS``.

    Parameters
    ----------
    figure : str
        Of ``NAMES`` without the score, or ``on_time_stage_rate`` with ``by="stage"``.
    whole : bool
        Those of the denominator, not of the numerator.
    by, key : str or None
        One key of a breakdown; key None: cases without one.

    Raises
    ------
    GridError
    """
    _check(since, until, by)
    if by == "stage" and figure == "on_time_stage_rate":
        conditions = [_REPORTED, ":key = ANY (f.limited_stages)"] + (
            [] if whole else [":key <> ALL (f.late_stages)"]
        )
    elif figure in _FIGURES and by != "stage":
        denominator, numerator = _FIGURES[figure]
        conditions = [denominator] if whole else [denominator, numerator]
        if by in AREA_BREAKDOWNS:
            chosen = f"f.{_KEYS[by]} IN (SELECT id FROM areas WHERE code = :key)"
            conditions.append(f"f.{_KEYS[by]} IS NULL" if key is None else chosen)
        elif by is not None:
            conditions.append(f"f.{_KEYS[by]} IS NOT DISTINCT FROM :key")
    else:
        raise GridError(f"figure {figure!r}: one of {', '.join(_FIGURES)}", f"未知的指标 {figure}")
    statement = (
        f"SELECT f.number FROM case_facts f WHERE opened_at < :until AND {_within(within)} AND "
        + " AND ".join(f"({one})" for one in conditions)
        + f" ORDER BY f.opened_at DESC, f.case_id DESC LIMIT {MOST_NUMBERS}"
    )
    return list(db.scalars(text(statement), {**_values(since, until, within), "key": key}))


def ranks(rows: list[IndicatorRow]) -> list[int | None]:
    """Return the place of each row by its score, the best first; equal scores share one.

    A row without a score has none, and neither has one over fewer than ``SMALL`` cases: a single case would lead.
    """
    of = [row.score if row.counts.get("n_due", 0) >= SMALL else None for row in rows]
    scores = sorted((score for score in of if score is not None), reverse=True)
    return [None if score is None else scores.index(score) + 1 for score in of]


def facts_version(db: Session) -> int:
    """Return a number that is another one when facts of any case changed; needs the rights of the system."""
    found: int = db.scalar(text(_VERSION))
    return found


_VERSION = """
SELECT COALESCE((SELECT max(id) FROM layer_changes WHERE layer = 'cases'), 0)
     + COALESCE((SELECT max(id) FROM case_events), 0)
"""
"""A step may leave the columns of its case as they are (a second escalation), and yet count."""


def check_days(since: dt.date, until: dt.date) -> None:
    """Refuse a period that ends before it begins, or has days far from any case.

    Raises
    ------
    GridError
    """
    if since >= until or since.year < FIRST_YEAR or until.year > LAST_YEAR:
        raise GridError(
            f"since {since} and until {until}: days of {FIRST_YEAR} to {LAST_YEAR}, until after since",
            f"时段 {since} 至 {until}：应在 {FIRST_YEAR} 至 {LAST_YEAR} 年之间，且结束晚于开始",
        )


def _within(code: str | None) -> str:
    if code is None:
        return "true"
    return " OR ".join(
        f"f.{_KEYS[kind]} IN (SELECT id FROM areas WHERE code = :within AND kind = '{kind}')"
        for kind in AREA_BREAKDOWNS
    ).join("()")


def _values(since: dt.datetime, until: dt.datetime, within: str | None) -> dict[str, Any]:
    return {"since": since, "until": until} | ({} if within is None else {"within": within})


def _check(since: dt.datetime, until: dt.datetime, by: str | None) -> None:
    if by is not None and by not in BREAKDOWNS:
        raise GridError(
            f"by: {by!r} is none of {', '.join(BREAKDOWNS)}",
            f"by：没有统计口径 {by}，可选：{'、'.join(BREAKDOWNS)}",
        )
    if since.tzinfo is None or until.tzinfo is None:
        raise GridError("a period needs times with a zone", "统计时段缺少时区")
    if since >= until:
        raise GridError("a period ends after it begins", "统计时段的结束应晚于开始")
