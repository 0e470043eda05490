"""Versions of the file of a model: added and read, never changed."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.errors import InputError, NotFound
from layers.tables import ModelVersion, ModelVersionStep


@dataclass(frozen=True)
class NewVersion:
    """A version of a model, as somebody made it.

    Attributes
    ----------
    document : str
        Text of the model's file.
    based_on : str or None
        Version that it was made from; None: the file.
    figures : mapping
        What was measured when it was made.
    """

    model: str
    version: str
    document: str
    made_by: str
    based_on: str | None = None
    note: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class VersionFacts:
    """A version with its place in the history of its model.

    Attributes
    ----------
    is_in_force : bool
        Whether runs use it now.
    in_force_at, in_force_by : datetime, str or None
        When it was put into force last, and by whom; None: never.
    put_back_at, put_back_by : datetime, str or None
        When that was taken back; None: it was not.
    """

    stored: ModelVersion
    is_in_force: bool
    in_force_at: dt.datetime | None
    in_force_by: str | None
    put_back_at: dt.datetime | None
    put_back_by: str | None


def add_version(db: Session, new: NewVersion, now: dt.datetime) -> ModelVersion:
    """Store a version; nothing is in force by that.

    Raises
    ------
    InputError
        The model has a version of this name, or the name is empty.
    """
    name = new.version.strip()
    known = select(ModelVersion.id).where(ModelVersion.model == new.model, ModelVersion.version == name)
    if not name or db.scalar(known) is not None:
        raise InputError(
            f"version: {name or '—'} of {new.model} is there already, or has no name 版本已存在或为空"
        )
    version = ModelVersion(
        model=new.model,
        version=name,
        document=new.document,
        sha256=hashlib.sha256(new.document.encode()).hexdigest(),
        based_on=new.based_on,
        made_at=now,
        made_by=new.made_by,
        note=new.note.strip(),
        figures=dict(new.figures),
    )
    db.add(version)
    db.flush()
    return version


def read_version(db: Session, model: str, version: str) -> ModelVersion:
    """Return one version.

    Raises
    ------
    NotFound
    """
    asked = select(ModelVersion).where(ModelVersion.model == model, ModelVersion.version == version)
    found = db.scalars(asked).one_or_none()
    if found is None:
        raise NotFound(f"no version {version} of {model} 没有该版本")
    return found


def versions(db: Session, model: str) -> list[VersionFacts]:
    """Return the versions of a model, the newest first; none where nobody made one."""
    rows = db.scalars(
        select(ModelVersion).where(ModelVersion.model == model).order_by(ModelVersion.id.desc())
    )
    steps = list(
        db.scalars(
            select(ModelVersionStep).where(ModelVersionStep.model == model).order_by(ModelVersionStep.id)
        )
    )
    now_in_force = steps[-1].version_id if steps else None
    return [_facts(row, steps, now_in_force) for row in rows]


def _facts(row: ModelVersion, steps: list[ModelVersionStep], now_in_force: int | None) -> VersionFacts:
    put: ModelVersionStep | None = None
    back: ModelVersionStep | None = None
    before: int | None = None
    for step in steps:
        if step.action == "put_in_force" and step.version_id == row.id:
            put, back = step, None
        elif step.action == "put_back" and before == row.id:
            back = step
        before = step.version_id
    return VersionFacts(
        row,
        row.id == now_in_force,
        put.at if put else None,
        put.actor if put else None,
        back.at if back else None,
        back.actor if back else None,
    )
