"""Bodies and answers of logins and of the access log."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from geo_api.http.schemas import Answer, AreaName, Body, Choice, Link, Role
from layers.tables import ROLES

CallerRole = Annotated[str, Choice("CallerRole", (*ROLES, "sender", "public"))]


class LoginBody(Body):
    """Name and password."""

    username: Annotated[str, Field(min_length=1, max_length=200)]
    password: Annotated[str, Field(min_length=1, max_length=1000)]


class Account(Answer):
    """An account."""

    username: str
    display_name: str
    role: Role
    body: Annotated[str | None, Field(description="The body that the person acts for")]
    area: Annotated[AreaName | None, Field(description="What the person sees; null: the whole city")]


class OpenedLogin(Answer):
    """A login that was opened; its cookie is set."""

    user: Account
    csrf_token: Annotated[str, Field(description="What unsafe requests send as `X-CSRF-Token`")]


class EndedLogin(Answer):
    """A login that was ended."""

    role: Literal["public"]


class CallerDocument(Answer):
    """Caller of the request; without a login the role `public` and nothing else."""

    role: Annotated[CallerRole, Field(description="`sender`: a key that writes fixes and reads nothing")]
    username: str | None = None
    display_name: str | None = None
    area: AreaName | None = None
    body: str | None = None
    csrf_token: Annotated[str | None, Field(description="Of a login by cookie")] = None


class LoggedCall(Answer):
    """One call of the access log."""

    id: int
    at: dt.datetime
    username: str | None
    role: str
    area_code: str | None
    address: Annotated[str | None, Field(description="Where the call came from")]
    method: str
    path: Annotated[str, Field(description="Without the query string")]
    status: int
    request_id: str


class AccessLogPage(Answer):
    """Calls, newest first."""

    calls: list[LoggedCall]
    links: Annotated[list[Link], Field(description="`next` leads to older calls")]
