"""Approval of a version of a model: nothing changes until a person other than its author puts it into force."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from grid.errors import ApprovalRefused, EditConflict
from layers.errors import VersionConflict
from layers.models import put_version_back, put_version_in_force, read_version
from layers.tables import ModelVersion


def put_in_force(
    db: Session, model: str, version: str, *, by: str, now: dt.datetime, note: str = ""
) -> ModelVersion:
    """Put a version into force: the next run uses it.

    Raises
    ------
    layers.errors.NotFound
        The model has no such version.
    ApprovalRefused
        By its author.
    EditConflict
        It is in force already.
    """
    found = read_version(db, model, version)
    if found.made_by == by:
        raise ApprovalRefused(
            "who made a version of a model does not put it into force: another person does",
            "模型版本的制作人不能使其生效，须由另一人办理",
        )
    try:
        put_version_in_force(db, found, by=by, note=note, now=now)
    except VersionConflict as error:
        raise EditConflict(f"version {version} is in force already", f"版本 {version} 已生效") from error
    return found


def put_back(db: Session, model: str, *, by: str, now: dt.datetime, note: str = "") -> ModelVersion | None:
    """Take the version in force back; returns the one that is in force again, None for the file.

    Raises
    ------
    EditConflict
        The shipped file is in force.
    """
    try:
        return put_version_back(db, model, by=by, note=note, now=now)
    except VersionConflict as error:
        raise EditConflict(
            f"{model}: the file is in force, nothing can be put back", "当前为模型文件，无可撤回"
        ) from error
