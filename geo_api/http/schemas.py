"""Bodies that callers send."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from layers.collections import FIRST_YEAR, LAST_YEAR

MAX_POINTS = 10_000
Crs = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]


def aware(at: dt.datetime | None) -> dt.datetime | None:
    """A time without zone is UTC; one outside of the calendar's useful part is refused."""
    if at is None:
        return None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError(f"the year must be in {FIRST_YEAR}-{LAST_YEAR}")
    return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at


def _written(at: object) -> object:
    number = isinstance(at, str) and at.strip().lstrip("+-").replace(".", "", 1).isdigit()
    if number or (at is not None and not isinstance(at, str | dt.datetime)):
        raise ValueError("a time of RFC 3339 is needed, as text")
    return at


Moment = Annotated[dt.datetime, BeforeValidator(_written)]
"""A time as text: pydantic would read a number, also one in quotes, as seconds since 1970."""


class Body(BaseModel):
    """Unknown members are refused: a misspelt one must not be lost silently."""

    model_config = ConfigDict(extra="forbid")


class LoginBody(Body):
    """Name and password."""

    username: Annotated[str, Field(min_length=1, max_length=200)]
    password: Annotated[str, Field(min_length=1, max_length=1000)]


class AssignBody(Body):
    """Where, what and when."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"lon": 120.89, "lat": 31.98, "accuracy_m": 15, "item_code": "ECO-001"}]
        },
    )
    lon: Annotated[float, Field(strict=True, ge=-180, le=180, allow_inf_nan=False)]
    lat: Annotated[float, Field(strict=True, ge=-90, le=90, allow_inf_nan=False)]
    accuracy_m: Annotated[float, Field(strict=True, ge=0, le=10_000, allow_inf_nan=False)] = 0
    item_code: Annotated[str, Field(min_length=1, max_length=100)]
    at: Moment | None = None
    crs: Crs = "wgs84"
    enterprise_uscc: Annotated[str | None, Field(max_length=18)] = None

    _aware = field_validator("at")(aware)


class Point(Body):
    """Where and what, of many."""

    lon: Annotated[float, Field(strict=True, ge=-180, le=180, allow_inf_nan=False)]
    lat: Annotated[float, Field(strict=True, ge=-90, le=90, allow_inf_nan=False)]
    item_code: Annotated[str, Field(min_length=1, max_length=100)]
    enterprise_uscc: Annotated[str | None, Field(max_length=18)] = None


class AssignManyBody(Body):
    """Many points at one moment."""

    points: Annotated[list[Point], Field(min_length=1, max_length=MAX_POINTS)]
    at: Moment | None = None
    crs: Crs = "wgs84"

    _aware = field_validator("at")(aware)


class OutcomeBody(Body):
    """What the site check found: it is the label that models learn from."""

    outcome: Literal["confirmed", "legal_use", "cannot_tell"]
    note: Annotated[str, Field(max_length=4000)] = ""


class CaseEventBody(Body):
    """One step of a case."""

    action: Annotated[str, Field(min_length=1, max_length=40)]
    note: Annotated[str, Field(max_length=4000)] = ""
    payload: dict[str, Any] = Field(default_factory=dict)
