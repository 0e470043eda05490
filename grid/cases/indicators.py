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
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl
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
BREAKDOWNS = ("city", "county", "town", "community", "unit_grid", "domain", "item_code", "lead_body")

_MOMENTS = ("opened_at", "due_at", "accepted_at", "filed_at", "dispatched_at", "disposed_at", "closed_at")
FACTS_SCHEMA: dict[str, pl.DataType] = {
    "number": pl.String(),
    **{name: pl.String() for name in BREAKDOWNS},
    **{name: pl.Datetime("us", "UTC") for name in _MOMENTS},
    **{name: pl.Int64() for name in ("n_rework", "n_suspended", "n_misdirected")},
}
"""Columns of the facts: areas by code, moments in UTC (null: has not happened), counts of steps."""

# The last disposal and closing count: a case that was sent back is disposed again.
_FACTS = """
SELECT c.number, city.code, county.code, town.code, community.code, grid.code, c.domain, c.item_code, c.lead_body,
       c.opened_at, c.due_at,
       min(e.at) FILTER (WHERE e.action = 'verify'), min(e.at) FILTER (WHERE e.action = 'file'),
       min(e.at) FILTER (WHERE e.action = 'dispatch'),
       CASE WHEN max(e.at) FILTER (WHERE e.action = 'dispose')
                 >= COALESCE(max(e.at) FILTER (WHERE e.action = 'rework'), '-infinity')
            THEN max(e.at) FILTER (WHERE e.action = 'dispose') END,
       max(e.at) FILTER (WHERE e.action = 'close'),
       count(*) FILTER (WHERE e.action = 'rework'), count(*) FILTER (WHERE e.action = 'suspend'),
       count(*) FILTER (WHERE e.action IN ('return', 'reassign'))
FROM cases c
JOIN case_events e ON e.case_id = c.id AND e.at < :until
LEFT JOIN areas city ON city.id = c.city_area_id
LEFT JOIN areas county ON county.id = c.county_area_id
LEFT JOIN areas town ON town.id = c.town_area_id
LEFT JOIN areas community ON community.id = c.community_area_id
LEFT JOIN areas grid ON grid.id = c.grid_area_id
WHERE c.opened_at < :until
GROUP BY c.id, city.code, county.code, town.code, community.code, grid.code ORDER BY c.id
"""


def case_facts(db: Session, until: dt.datetime) -> pl.DataFrame:
    """State and step times of each case at a moment, read from its events; only cases the caller may see.

    Returns
    -------
    polars.DataFrame
        ``FACTS_SCHEMA``, one row a case.
    """
    rows = db.execute(text(_FACTS), {"until": until}).all()
    frame = pl.DataFrame(
        [tuple(row) for row in rows], schema=list(FACTS_SCHEMA), orient="row", infer_schema_length=None
    )
    return frame.cast(dict(FACTS_SCHEMA))  # type: ignore[arg-type]


def indicator_table(
    facts: pl.DataFrame,
    *,
    since: dt.datetime,
    until: dt.datetime,
    by: Sequence[str] = (),
    filing_limit: dt.timedelta = dt.timedelta(hours=24),
    dispatch_limit: dt.timedelta = dt.timedelta(hours=24),
) -> pl.DataFrame:
    """Return the indicators of a period, in all or by breakdown.

    Parameters
    ----------
    facts : polars.DataFrame
        ``FACTS_SCHEMA``, as known at ``until``.
    since, until : datetime
        The period, from ``since`` up to but not including ``until``, with zone.
    by : sequence of str
        Of ``BREAKDOWNS``; none: one row.
    filing_limit, dispatch_limit : timedelta
        Stage limits, natural time: from report to filing, from filing to dispatch.

    Returns
    -------
    polars.DataFrame
        The breakdown, ``n_due``, ``n_reported``, ``n_filed``, ``n_dispatched`` and the columns of ``NAMES``
        (fractions 0 to 1; the score 0 to 100), null where the denominator is empty.

    Raises
    ------
    GridError
        An unknown breakdown or a time without zone.
    """
    if unknown := [name for name in by if name not in BREAKDOWNS]:
        raise GridError(f"breakdown {unknown[0]!r}: one of {', '.join(BREAKDOWNS)}")
    if since.tzinfo is None or until.tzinfo is None:
        raise GridError("a period needs times with a zone", "统计时段缺少时区")
    due = _within("due_at", since, until)
    reported, filed = _within("opened_at", since, until), _within("filed_at", since, until)
    dispatched = _within("dispatched_at", since, until)
    disposed, closed = pl.col("disposed_at").is_not_null(), pl.col("closed_at").is_not_null()
    rates = {
        "disposal_rate": (disposed, due),
        "on_time_disposal_rate": (pl.col("disposed_at") <= pl.col("due_at"), due),
        "closing_rate": (closed, due),
        "on_time_closing_rate": (pl.col("closed_at") <= pl.col("due_at"), due),
        "rework_rate": (pl.col("n_rework") > 0, due),
        "overdue_rate": (~disposed, due),
        "suspension_rate": (pl.col("n_suspended") > 0, due),
        "valid_report_rate": (pl.col("accepted_at").is_not_null(), reported),
        "on_time_filing_rate": (pl.col("filed_at") - pl.col("opened_at") <= filing_limit, filed),
        "accurate_dispatch_rate": (pl.col("n_misdirected") == 0, dispatched),
        "on_time_dispatch_rate": (pl.col("dispatched_at") - pl.col("filed_at") <= dispatch_limit, dispatched),
    }
    counts = {"n_due": due, "n_reported": reported, "n_filed": filed, "n_dispatched": dispatched}
    columns = [condition.sum().cast(pl.Int64).alias(name) for name, condition in counts.items()]
    columns += [_rate(part, whole).alias(name) for name, (part, whole) in rates.items()]
    table = (
        facts.group_by(list(by), maintain_order=True).agg(columns).sort(list(by))
        if by
        else facts.select(columns)
    )
    return table.with_columns(score=_score())


def _within(column: str, since: dt.datetime, until: dt.datetime) -> pl.Expr:
    return ((pl.col(column) >= since) & (pl.col(column) < until)).fill_null(False)


def _rate(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    total = whole.sum()
    return pl.when(total > 0).then((part.fill_null(False) & whole).sum() / total)


def _score() -> pl.Expr:
    return (
        30 * pl.col("disposal_rate")
        + 20 * pl.col("on_time_disposal_rate")
        + 20 * (1 - pl.col("rework_rate"))
        + 20 * (1 - pl.col("overdue_rate"))
        + 10 * (1 - pl.col("suspension_rate"))
    )
