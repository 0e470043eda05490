"""Indicators and the cases behind a figure."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from geo_api.http.schemas import Answer


class IndicatorFigure(Answer):
    """A rate with the counts behind it, and its value in former periods."""

    value: Annotated[float | None, Field(description="null: over nothing")]
    part: int
    whole: int
    small: Annotated[bool, Field(description="Fewer than five cases are behind it")]
    before: Annotated[float | None, Field(description="In the period of the same length just before")]
    year_before: Annotated[float | None, Field(description="On the same days a year earlier")]


class IndicatorTableRow(Answer):
    """Indicators of one key of the breakdown."""

    key: str | None
    name: str | None
    rank: Annotated[int | None, Field(description="Place by score, the best first")]
    counts: dict[str, int]
    score: Annotated[float | None, Field(description="0 to 100; null if nothing was due")]
    score_before: float | None
    score_year_before: float | None
    figures: dict[str, IndicatorFigure]


class IndicatorTable(Answer):
    """Indicators of a period."""

    since: dt.date
    until: Annotated[dt.date, Field(description="Day after the last one")]
    by: str | None
    within: str | None
    rows: list[IndicatorTableRow]


class FigureCases(Answer):
    """Numbers of the cases behind a figure."""

    cases: list[str]
