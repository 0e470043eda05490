"""Photos and documents of a case: attached and taken back by steps of its chain, which holds their SHA-256."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from pyproj import Geod
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grid.cases.step_facts import MAX_REASON
from grid.cases.steps import transition
from grid.cases.transitions import CHECKERS
from grid.errors import GridError, IllegalTransition
from layers.attachments import (
    MEDIA_TYPES,
    AttachmentStore,
    Photo,
    media_type_of,
    preview_of,
    read_photo,
    served_photo,
)
from layers.errors import NotFound, no_case
from layers.local_time import local_zone
from layers.tables import Attachment, Case

MAX_NAME = 200
FAR_M = 500
LATE_S = 24 * 3600
VIEW, PREVIEW = "view.jpg", "preview.jpg"
"""Names of the copies in the store."""


@dataclass(frozen=True)
class NewFile:
    """A file to attach.

    Attributes
    ----------
    name : str
        As the sender calls it; a folder before it is dropped.
    """

    name: str
    content: bytes


def attach(
    db: Session,
    store: AttachmentStore,
    number: str,
    file: NewFile,
    *,
    actor: str,
    role: str,
    at: dt.datetime,
    body: str | None = None,
) -> Attachment:
    """Attach a photo or a PDF to a case by the step ``attach``.

    The file is stored before the step: a step never names a file that is not there.

    Parameters
    ----------
    db : Session
        In the caller's scope.

    Raises
    ------
    layers.errors.NotFound
    layers.attachments.UnfitFile
        The file is not taken.
    IllegalTransition
        Not possible now, or not for this person, or the file is attached already.
    """
    name = _plain_name(file.name)
    media_type = media_type_of(file.content)
    case = _case(db, number)
    facts = {
        "name": name,
        "media_type": media_type,
        "kind": MEDIA_TYPES[media_type],
        "size_bytes": len(file.content),
    }
    if MEDIA_TYPES[media_type] == "photo":
        facts |= _photo_facts(db, case, read_photo(file.content))
    facts["sha256"] = digest = store.put(file.content)
    if _in_force(db, case, digest) is not None:
        raise IllegalTransition("this file is attached to the case already", "该文件已附在本案中")
    if facts["kind"] == "photo":
        store.put_copy(digest, VIEW, served_photo(file.content))
        store.put_copy(digest, PREVIEW, preview_of(file.content))
    transition(db, number, "attach", actor=actor, role=role, payload=facts, at=at, body=body)
    db.flush()
    made = _in_force(db, case, digest)
    assert made is not None, "the trigger of case_events adds it"
    return made


def take_back(
    db: Session,
    number: str,
    attachment_id: int,
    *,
    reason: str,
    actor: str,
    role: str,
    at: dt.datetime,
    body: str | None = None,
) -> Attachment:
    """Hide an attachment, with a reason that the chain keeps; the file stays in the store and in the case pack.

    Raises
    ------
    layers.errors.NotFound
        No such case or attachment, or one that was taken back before.
    IllegalTransition
        Somebody else attached it, or there is no reason.
    """
    found = read_attachment(db, number, attachment_id)
    if found.taken_back_at is not None:
        raise NotFound(f"attachment {attachment_id} was taken back", f"附件 {attachment_id} 已撤回")
    if actor != found.added_by and role not in CHECKERS:
        raise IllegalTransition(
            f"{found.added_by} attached this file: the same person or a dispatcher or supervisor takes it back",
            "附件只能由添加人、指挥员或监督员撤回",
        )
    if len(reason.strip()) > MAX_REASON:
        raise GridError(f"reason: more than {MAX_REASON} characters", f"原因不得超过 {MAX_REASON} 个字符")
    facts = {"sha256": found.sha256, "name": found.name}
    transition(db, number, "take_back", actor=actor, role=role, note=reason, payload=facts, at=at, body=body)
    db.flush()
    db.refresh(found)
    return found


def read_attachments(db: Session, number: str) -> Sequence[Attachment]:
    """Return the attachments of a case in order, those that were taken back too.

    Raises
    ------
    layers.errors.NotFound
    """
    case = _case(db, number)
    return db.scalars(select(Attachment).where(Attachment.case_id == case.id).order_by(Attachment.id)).all()


def read_attachment(db: Session, number: str, attachment_id: int) -> Attachment:
    """Return one attachment of a case.

    Raises
    ------
    layers.errors.NotFound
    """
    case = _case(db, number)
    found = db.scalars(
        select(Attachment).where(Attachment.case_id == case.id, Attachment.id == attachment_id)
    ).one_or_none()
    if found is None:
        raise NotFound(
            f"no attachment {attachment_id} of case {number!r}", f"案件 {number} 没有附件 {attachment_id}"
        )
    return found


def attached_digests(db: Session) -> list[str]:
    """Return the SHA-256 of every attached file, those that were taken back too."""
    return list(db.scalars(select(Attachment.sha256).distinct().order_by(Attachment.sha256)))


def served_copy(store: AttachmentStore, found: Attachment, name: str) -> bytes:
    """Return a copy of a photo without metadata; it is made anew when the store lost it.

    Parameters
    ----------
    name : str
        ``VIEW`` or ``PREVIEW``.
    """
    kept = store.get_copy(found.sha256, name)
    if kept is not None:
        return kept
    content = store.get(found.sha256)
    made = served_photo(content) if name == VIEW else preview_of(content)
    store.put_copy(found.sha256, name, made)
    return made


def compared_with_case(found: Attachment, opened_at: dt.datetime) -> list[dict[str, str]]:
    """Return in words how the place and time of a photo fit the case; nothing for other files."""
    if found.kind != "photo":
        return []
    return [_told_place(found), _told_time(found, opened_at)]


def _told_place(found: Attachment) -> dict[str, str]:
    if "place" in found.exif_faults or "exif" in found.exif_faults:
        return _told("照片的位置信息有误", "the place in the photo cannot be right", "wrong")
    if found.distance_m is None:
        return _told("照片没有位置信息", "the photo tells no place", "missing")
    zh, en = _length(found.distance_m)
    fit = "far" if found.distance_m > FAR_M else "near"
    return _told(f"照片拍摄地距案件 {zh}", f"the photo was taken {en} from the case", fit)


def _told_time(found: Attachment, opened_at: dt.datetime) -> dict[str, str]:
    if "time" in found.exif_faults or "exif" in found.exif_faults:
        return _told("照片的拍摄时间有误", "the time in the photo cannot be right", "wrong")
    if found.taken_at is None:
        return _told("照片没有拍摄时间", "the photo tells no time", "missing")
    shown = f"{found.taken_at.astimezone(local_zone()):%Y-%m-%d %H:%M}"
    if found.taken_at > found.added_at + dt.timedelta(minutes=5):
        return _told(f"拍摄时间 {shown} 晚于上传时间", f"taken at {shown}, after it was attached", "wrong")
    if found.taken_at < opened_at - dt.timedelta(seconds=LATE_S):
        days = (opened_at - found.taken_at).days
        return _told(
            f"拍摄于 {shown}，早于立案 {days} 天", f"taken at {shown}, {days} days before the case", "far"
        )
    return _told(f"拍摄于 {shown}", f"taken at {shown}", "near")


def _told(zh: str, en: str, fit: str) -> dict[str, str]:
    return {"zh": zh, "en": en, "fit": fit}


def _length(metres: int) -> tuple[str, str]:
    if metres < 1_000:
        return f"{metres} 米", f"{metres} m"
    return f"{metres / 1_000:.1f} km", f"{metres / 1_000:.1f} km"


def _photo_facts(db: Session, case: Case, photo: Photo) -> dict[str, object]:
    """Return what a step tells of a photo: its distance from the case, not its place."""
    facts: dict[str, object] = {"width": photo.width, "height": photo.height}
    if photo.place is not None:
        lon, lat = db.execute(
            select(func.ST_X(Case.geom), func.ST_Y(Case.geom)).where(Case.id == case.id)
        ).one()
        facts["distance_m"] = round(Geod(ellps="WGS84").inv(lon, lat, *photo.place)[2])
    if photo.taken_at is not None:
        taken = photo.taken_at if photo.taken_at.tzinfo else photo.taken_at.replace(tzinfo=local_zone())
        facts["taken_at"] = taken.astimezone(dt.UTC).isoformat()
    return facts | ({"exif_faults": list(photo.faults)} if photo.faults else {})


def _plain_name(name: str) -> str:
    """Return a name without folders and letters that cannot be seen."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    if not 1 <= len(plain) <= MAX_NAME:
        raise GridError(f"name: 1 to {MAX_NAME} characters", f"文件名应为 1 至 {MAX_NAME} 个字符")
    return plain


def _case(db: Session, number: str) -> Case:
    case = db.scalars(select(Case).where(Case.number == number)).one_or_none()
    if case is None:
        raise no_case(number)
    return case


def _in_force(db: Session, case: Case, digest: str) -> Attachment | None:
    return db.scalars(
        select(Attachment).where(
            Attachment.case_id == case.id, Attachment.sha256 == digest, Attachment.taken_back_at.is_(None)
        )
    ).one_or_none()
