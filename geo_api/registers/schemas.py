"""Bodies and answers of registers."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from geo_api.http.schemas import Answer, Body, Choice, Domain, Level, Link
from grid.registers import KEYS, MARKS
from layers.imports import EVIDENCE_KINDS
from layers.tables import BATCH_SOURCES
from layers.tables.registers import WORKER_POSTS

Register = Annotated[str, Choice("RegisterKind", KEYS)]
RegisterMark = Annotated[str, Choice("RegisterMark", MARKS)]
ImportSource = Annotated[str, Choice("ImportSource", BATCH_SOURCES)]
EntryState = Annotated[str, Choice("RegisterEntryState", ("in_force", "withdrawn", "coming"))]
Limit = Annotated[str | None, Field(description="As `15 working_days; urgent 24 natural_hours`")]


def _plain_day(day: object) -> object:
    if not isinstance(day, str) or len(day) != 10:
        raise ValueError("a day is written YYYY-MM-DD")
    return day


Day = Annotated[dt.date, BeforeValidator(_plain_day)]
"""A day as text: pydantic would read a number as seconds since 1970."""
Value = str | bool | float | list[str] | None


class EntryEdit(Body):
    """A version of an entry from a day on, by the columns of the import file; lists as arrays."""

    valid_from: Annotated[Day, Field(description="First day of the new version")]
    values: Annotated[
        dict[str, Value],
        Field(
            min_length=1,
            max_length=40,
            description="By the columns of the import file; lists as arrays, limits as they are written there",
        ),
    ]
    reason: Annotated[str | None, Field(max_length=2000, description="Why; kept with the version")] = None


class EntryWithdrawal(Body):
    """The day on which an entry no longer holds, and why."""

    on: Annotated[Day, Field(description="First day on which it no longer holds")]
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class VersionChange(Answer):
    """A later change of a version: it was ended, or corrected."""

    what: Literal["ended", "changed"]
    changed_by: str
    changed_at: dt.datetime
    source: ImportSource
    reason: Annotated[str | None, Field(description="Why, where somebody said so")]


class _Version(Answer):
    """Members that the versions of every register have."""

    valid_from: dt.date
    valid_to: Annotated[dt.date | None, Field(description="First day on which it no longer holds")]
    changed_by: Annotated[
        str | None, Field(description="By whom it was made, for those who may read the import")
    ]
    changed_at: dt.datetime | None
    source: ImportSource | None
    reason: Annotated[str | None, Field(description="Why it was made, where somebody said so")]
    later: Annotated[list[VersionChange], Field(description="Later changes of this version, in order")]
    batch_id: Annotated[int | None, Field(description="Import by which this version can be undone")]


class BodyVersion(_Version):
    """A version of a body (主体)."""

    code: str
    name: str
    short_name: str | None
    former_names: list[str]
    level: Level
    area_code: str | None
    domains: list[Domain]
    parent_code: Annotated[str | None, Field(description="The superior")]
    phone: Annotated[str | None, Field(description="Of the office")]
    confirmed: Annotated[
        bool, Field(description="False: made of a name in a duty list, a case or an account")
    ]


class OfficerVersion(_Version):
    """A version of an officer (执法人员): personal data, for those who lead and check."""

    certificate_no: str
    name: str
    certificate_from: dt.date | None
    certificate_to: Annotated[dt.date | None, Field(description="Last day of the certificate")]
    body_code: str
    area_codes: list[str]
    domains: Annotated[list[Domain], Field(description="Empty: every domain")]
    on_duty: bool
    phone: str | None
    username: Annotated[str | None, Field(description="The account that is bound to the officer")]


class MatterVersion(_Version):
    """A version of a matter (事项): an item of the duty list and how its cases are handled."""

    item_code: str
    name: str
    name_en: str | None
    domain: Domain
    limit_overall: Limit
    limit_verify: Limit
    limit_file: Limit
    limit_dispatch: Limit
    limit_arrive: Limit
    limit_dispose: Limit
    limit_feed_back: Limit
    limit_review: Limit
    limit_check: Limit
    limit_close: Limit
    suspension_stops_clock: bool
    extension_days_at_most: float
    evidence: list[Annotated[str, Choice("EvidenceKind", EVIDENCE_KINDS)]]
    legal_review: bool
    duplicate_radius_m: float | None
    duplicate_days: float | None
    public: bool
    alert_kind: Annotated[str | None, Field(description="Alerts of this kind open cases of the matter")]
    keywords: list[str]
    confirmed: Annotated[bool, Field(description="False: made of an item of the duty list")]


class GridWorkerVersion(_Version):
    """A version of a grid worker (网格员): personal data, for those who look after the grids."""

    worker_no: str
    name: str
    area_codes: Annotated[list[str], Field(description="Unit grids or communities")]
    post: Annotated[str, Choice("WorkerPost", WORKER_POSTS)]
    on_duty: bool
    phone: str | None


class GridHouseholdsVersion(_Version):
    """A count of the households of a unit grid."""

    grid_code: str
    households: int
    residents: int | None


RegisterVersion = BodyVersion | OfficerVersion | MatterVersion | GridWorkerVersion | GridHouseholdsVersion


class RegisterEntry(Answer):
    """An entry of a register, with its version of the day."""

    kind: Register
    key: Annotated[
        str, Field(description="Code of the body, item or grid, or number of the certificate or worker")
    ]
    state: EntryState
    confirmed: bool
    certificate_expired: Annotated[bool | None, Field(description="Of an officer")]
    may_edit: Annotated[bool, Field(description="The caller may change it")]
    names: Annotated[
        dict[str, str], Field(description="Names of the bodies and areas that it names, by code")
    ]
    version: RegisterVersion


class RegisterPage(Answer):
    """Entries of a register, the unconfirmed first."""

    entries: list[RegisterEntry]
    numberMatched: Annotated[int, Field(ge=0, description="Entries of all pages")]
    unconfirmed: Annotated[int, Field(ge=0, description="Of these, to be confirmed")]
    links: list[Link]


class EntryDependants(Answer):
    """Rows of one kind that rest on an entry."""

    kind: str
    count: int
    ids: Annotated[list[str], Field(description="The first ten, for those who see the whole city")]
    forbids: Annotated[bool, Field(description="The entry cannot be withdrawn while there are any")]
    name_en: str
    name_zh: str


class RegisterEntryDocument(RegisterEntry):
    """An entry with all its versions, and what rests on it for those who may change it."""

    tag: Annotated[str, Field(description="The ETag, for `If-Match`")]
    versions: Annotated[list[RegisterVersion], Field(description="The newest first")]
    resting: list[EntryDependants]


class Withdrawn(Answer):
    """A withdrawn entry, and what goes on although it rests on it."""

    entry: RegisterEntryDocument
    goes_on: list[EntryDependants]


FileForm = Literal["json", "csv", "xlsx"]
