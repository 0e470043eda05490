"""Attachments of a case."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from geo_api.cases.schemas.common import BothLanguages
from geo_api.http.schemas import Answer, Body


class TakeBackBody(Body):
    """Reason for which an attachment is taken back."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class Comparison(BothLanguages):
    """Comparison of the place or time of a photo with the case."""

    fit: Annotated[str, Field(description="near, far, missing or wrong")]


class AttachmentDocument(Answer):
    """A photo or document of a case."""

    id: int
    event_seq: Annotated[int, Field(description="Step of the chain that holds its hash")]
    name: str
    kind: Annotated[str, Field(description="photo or document")]
    media_type: str
    size_bytes: int
    sha256: str
    width: int | None
    height: int | None
    taken_at: Annotated[dt.datetime | None, Field(description="From the EXIF of a photo")]
    distance_m: Annotated[int | None, Field(description="From the case to where a photo was taken")]
    comparison: Annotated[list[Comparison], Field(description="Place, then time of a photo")]
    added_at: dt.datetime
    added_by: str
    taken_back_at: dt.datetime | None
    taken_back_by: str | None
    taken_back_reason: str | None
    file: Annotated[str | None, Field(description="None: it was taken back")]
    preview: Annotated[str | None, Field(description="Photos only")]
    original: Annotated[str | None, Field(description="For supervisors: as it was sent, with its metadata")]


class AttachmentList(Answer):
    """Attachments of a case."""

    attachments: list[AttachmentDocument]
