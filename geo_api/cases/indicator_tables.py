"""Indicators as documents and tables: with former periods, ranks and marks of small denominators."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
from sqlalchemy.orm import Session

from grid.cases import INDICATOR_NAMES, Figure, IndicatorRow, ranks, read_indicators
from layers.exports import TableForm, table_file
from layers.local_time import start_of_day


def indicator_document(
    db: Session, since: dt.date, until: dt.date, by: str | None, within: str | None
) -> dict[str, Any]:
    """Return the indicators of a period with those of former periods.

    ``before`` is the period of the same length just before, ``year_before`` the same days a year earlier.
    """
    rows = _read(db, since, until, by, within)
    before = {row.key: row for row in _read(db, since - (until - since), since, by, within)}
    year = {row.key: row for row in _read(db, _year_earlier(since), _year_earlier(until), by, within)}
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "by": by,
        "within": within,
        "rows": [
            _row(row, rank, before.get(row.key), year.get(row.key))
            for row, rank in zip(rows, ranks(rows), strict=True)
        ],
    }


def _read(
    db: Session, since: dt.date, until: dt.date, by: str | None, within: str | None
) -> list[IndicatorRow]:
    return read_indicators(db, start_of_day(since), start_of_day(until), by, within)


def _year_earlier(day: dt.date) -> dt.date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)


def _row(
    row: IndicatorRow, rank: int | None, before: IndicatorRow | None, year: IndicatorRow | None
) -> dict[str, Any]:
    return {
        "key": row.key,
        "name": row.name,
        "rank": rank,
        "counts": row.counts,
        "score": row.score,
        "score_before": before and before.score,
        "score_year_before": year and year.score,
        "figures": {
            name: {
                **vars(figure),
                "small": figure.small,
                "before": _value(before, name),
                "year_before": _value(year, name),
            }
            for name, figure in row.figures.items()
        },
    }


def _value(row: IndicatorRow | None, name: str) -> float | None:
    return None if row is None else row.figures.get(name, Figure(None, 0, 0)).value


def written_table(document: dict[str, Any], form: TableForm) -> bytes:
    """Return the rows as CSV or XLSX: each rate with its counts, texts as cells of a spreadsheet.

    Parameters
    ----------
    form : str
        ``csv`` or ``xlsx``.
    """
    rows = [_cells(row) for row in document["rows"]]
    table = pl.DataFrame(rows, schema=None if rows else _FIRST, infer_schema_length=None)
    return table_file(table, form, sheet="indicators")


_FIRST = ("编码 key", "名称 name", "名次 rank")


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {
        "编码 key": row["key"],
        "名称 name": row["name"],
        "名次 rank": row["rank"],
        **row["counts"],
    }
    for name, figure in row["figures"].items():
        title = f"{INDICATOR_NAMES.get(name, '')} {name}".strip()
        cells |= {title: figure["value"], f"{name} n": figure["part"], f"{name} of": figure["whole"]}
        cells[f"{name} before"] = figure["before"]
    return cells | {"综合评分 score": row["score"], "score before": row["score_before"]}
