"""Bodies and answers of logins, the own account and the access log."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import Field

from geo_api.http.schemas import Answer, AreaName, Body, Choice, Link, Role
from layers.tables import ROLES

CallerRole = Annotated[str, Choice("CallerRole", (*ROLES, "sender", "public"))]


Password = Annotated[str, Field(min_length=1, max_length=1000)]
Code = Annotated[
    str, Field(min_length=1, max_length=40, description="Six digits of the app, or a recovery code")
]


class LoginBody(Body):
    """Name and password, and the code of accounts with a second factor."""

    username: Annotated[str, Field(min_length=1, max_length=200)]
    password: Password
    code: Code | None = None


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
    idle_minutes: Annotated[
        int | None, Field(description="A login by cookie that is not used for so long ends; 0: it does not")
    ] = None
    enrolling: Annotated[
        bool, Field(description="The account must set up its second factor before it may do anything")
    ] = False


class OwnLogin(Answer):
    """A login of the own account."""

    id: int
    opened_at: dt.datetime
    last_used_at: Annotated[dt.datetime, Field(description="To a minute")]
    ends_at: Annotated[dt.datetime, Field(description="If it is not used any more")]
    address: Annotated[str | None, Field(description="Where it was opened")]
    browser: Annotated[str | None, Field(description="Name and version; null: not known")]
    system: str | None
    this_one: bool


class SecondFactorState(Answer):
    """Whether the own account has a second factor."""

    enrolled: bool
    required: Annotated[bool, Field(description="By `WANGGE_SECOND_FACTOR_ROLES`")]
    since: dt.datetime | None
    recovery_codes_left: int


class AccountDocument(Answer):
    """The own account."""

    username: str
    display_name: str
    role: Role
    second_factor: SecondFactorState
    logins: Annotated[list[OwnLogin], Field(description="The newest first")]
    idle_minutes: Annotated[
        int, Field(description="A login that is not used for so long ends; 0: it does not")
    ]
    session_hours: Annotated[int, Field(description="A login ends after them, however it is used")]


class NewPassword(Body):
    """The password of now, and the one to come."""

    password: Password
    new_password: Password


class PasswordProof(Body):
    """The password of now."""

    password: Password


class CodeProof(Body):
    """The password of now, and a code."""

    password: Password
    code: Code


class FirstCode(Body):
    """The first code of a new secret."""

    code: Code


class Enrolment(Answer):
    """A new secret: shown this once, in force when a first code confirms it."""

    secret: Annotated[str, Field(description="Base32, to be typed into the app")]
    uri: Annotated[str, Field(description="`otpauth://` address")]
    picture: Annotated[str, Field(description="The address as a QR code: `data:` URI of an SVG")]


class RecoveryCodes(Answer):
    """Codes for who has lost the phone, each for one login: shown this once."""

    recovery_codes: list[str]


class EndedLogins(Answer):
    """Logins that were ended."""

    ended: int


class OwnKey(Answer):
    """An API key of the own account."""

    id: int
    name: str
    read_only: bool
    created_at: dt.datetime
    last_used_at: Annotated[dt.datetime | None, Field(description="To a minute; null: never")]
    expires_at: Annotated[dt.datetime | None, Field(description="Null: when it is ended")]


class OwnKeys(Answer):
    """API keys of the own account that hold now."""

    keys: Annotated[list[OwnKey], Field(description="The newest first")]
    most_keys: int
    most_days: int


class NewKey(Body):
    """An API key to make; whoever has it acts as this account until it ends."""

    name: Annotated[str, Field(min_length=1, max_length=60, description="What it is for")]
    days: Annotated[int, Field(ge=1, le=366, description="It ends after so many days")] = 90
    read_only: Annotated[bool, Field(description="It only reads: unsafe methods are refused")] = False
    password: Password
    code: Annotated[Code | None, Field(description="Of accounts with a second factor")] = None


class MadeKey(OwnKey):
    """The key that was made: `key` is shown this once."""

    key: str


class EndedKeys(Answer):
    """Keys that were ended."""

    ended: int


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
    detail: Annotated[
        dict[str, Any] | None, Field(description="Counts of what was written; the name of the API key")
    ]


class AccessLogPage(Answer):
    """Calls, newest first."""

    calls: list[LoggedCall]
    links: Annotated[list[Link], Field(description="`next` leads to older calls")]
