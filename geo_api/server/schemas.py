"""Answers of the landing page, conformance and health."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from geo_api.http.schemas import Answer, Link


class LandingPage(Answer):
    """Links to all parts of the service (OGC API Common, part 1)."""

    title: str
    description: str
    links: list[Link]


class ConformanceClasses(Answer):
    """Conformance classes of OGC's standards."""

    conformsTo: list[str]


class Health(Answer):
    """The process answers."""

    status: Literal["ok"]
    database: Annotated[
        Literal["running", "starting", "external"],
        Field(description="The private database, which this service starts again; external: it is another's"),
    ]


class DatabaseHealth(Answer):
    """The database answers too."""

    status: Literal["ok"]
    events: Annotated[bool, Field(description="Changes are heard")]
