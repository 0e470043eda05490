"""The version of a model that is in force at a time: put there by a person, and taken back."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.errors import VersionConflict
from layers.postgres import advisory_lock
from layers.tables import ModelVersion, ModelVersionStep


def version_in_force(db: Session, model: str, at: dt.datetime | None = None) -> ModelVersion | None:
    """Return the version that was in force at a time; None: the file.

    Parameters
    ----------
    at : datetime or None
        With zone; None is now.
    """
    asked = select(ModelVersionStep).where(ModelVersionStep.model == model)
    if at is not None:
        asked = asked.where(ModelVersionStep.at <= at)
    step = db.scalars(asked.order_by(ModelVersionStep.id.desc()).limit(1)).one_or_none()
    return None if step is None or step.version_id is None else db.get(ModelVersion, step.version_id)


def model_in_force(db: Session, model: str, at: dt.datetime | None = None) -> str | None:
    """Return the text of the file of the model that was in force at a time; None: the file."""
    version = version_in_force(db, model, at)
    return None if version is None else version.document


def put_version_in_force(
    db: Session, version: ModelVersion, *, by: str, note: str, now: dt.datetime
) -> ModelVersionStep:
    """Put a version into force from now on: the next run uses it.

    Raises
    ------
    VersionConflict
        It is in force already.
    """
    with advisory_lock(db, "model_versions"):
        current = version_in_force(db, version.model)
        if current is not None and current.id == version.id:
            raise VersionConflict(f"{version.model} {version.version} is in force already 该版本已生效")
        return _add_step(db, version.model, version.id, "put_in_force", by, note, now)


def put_version_back(db: Session, model: str, *, by: str, note: str, now: dt.datetime) -> ModelVersion | None:
    """Take the newest version out of force; returns the one before it, which holds again (None: the file).

    Raises
    ------
    VersionConflict
        The shipped file is in force: nothing can be taken back.
    """
    with advisory_lock(db, "model_versions"):
        before = _versions_below(db, model)
        if not before:
            raise VersionConflict(f"{model}: the file is in force 当前为模型文件，无可撤回")
        _add_step(db, model, before[-1], "put_back", by, note, now)
        return version_in_force(db, model)


def _versions_below(db: Session, model: str) -> list[int | None]:
    """Return the versions to which one can go back, in order; empty where the file is in force."""
    steps = db.scalars(
        select(ModelVersionStep).where(ModelVersionStep.model == model).order_by(ModelVersionStep.id)
    )
    below: list[int | None] = []
    current: int | None = None
    for step in steps:
        if step.action == "put_in_force":
            below.append(current)
        else:
            below.pop()
        current = step.version_id
    return below


def _add_step(
    db: Session, model: str, version_id: int | None, action: str, by: str, note: str, now: dt.datetime
) -> ModelVersionStep:
    step = ModelVersionStep(
        model=model, version_id=version_id, action=action, at=now, actor=by, note=note.strip()
    )
    db.add(step)
    db.flush()
    return step
