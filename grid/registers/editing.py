"""Edits of registers: each writes a version from a day on, in a batch of its own; nothing is overwritten."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.errors import EntryInUse, EntryOutOfReach, GridError, UnknownEntry
from grid.registers.checking import check_versions
from grid.registers.entries import Entry, read_entry
from grid.registers.resting import Resting, resting_on
from grid.registers.versions import KEYS, set_alert_matters, write_versions
from grid.registers.written import columns_of, text_frame
from layers.batches import BatchOrigin, begin_batch, finish_batch
from layers.errors import RejectedRows
from layers.imports import FILE_KINDS, ROW
from layers.imports.checks import check_frame, check_texts
from layers.local_time import local_zone

LONGEST_REASON = 2_000


@dataclass(frozen=True)
class RegisterEditor:
    """An account that edits registers, or the operator of the machine.

    Attributes
    ----------
    username : str
    area_codes : collection of str, or None
        Codes of the areas in reach; None: the whole city.
    domains : tuple of str
        Empty: every domain.
    api_key : str or None
        Name of the key that was used.
    """

    username: str
    area_codes: Collection[str] | None = None
    domains: tuple[str, ...] = ()
    api_key: str | None = None

    @property
    def of_whole_city(self) -> bool:
        """Return whether nothing limits the account."""
        return self.area_codes is None and not self.domains

    def reaches(self, register: str, values: Mapping[str, Any]) -> bool:
        """Return whether a version lies in the account's area and domains; matters are of the whole city."""
        if self.of_whole_city:
            return True
        if register == "matters":
            return False
        own = {"bodies": "area_code", "grid_households": "grid_code"}.get(register)
        areas = [values.get(own)] if own else values.get("area_codes") or []
        named = [code for code in areas if code]
        in_area = self.area_codes is None or (bool(named) and set(named) <= set(self.area_codes))
        domains = values.get("domains") or []
        if register in ("grid_workers", "grid_households"):
            return in_area
        return in_area and (not self.domains or (bool(domains) and set(domains) <= set(self.domains)))


def edit_entry(
    db: Session,
    register: str,
    key: str,
    changes: Mapping[str, Any],
    *,
    since: dt.date,
    editor: RegisterEditor,
    now: dt.datetime,
    whole: bool = False,
    reason: str | None = None,
) -> int:
    """Write a version of an entry that begins on a day, and return the batch by which it can be undone.

    What is not changed is as in the version before that day. A version that begins later stays, and the new one
    ends there.

    Parameters
    ----------
    changes : mapping
        By columns of the import; lists as lists, limits as they are written.
    since : datetime.date
        First day of the new version.
    whole : bool
        Columns that are not given are empty; the entry may be a new one.

    Raises
    ------
    UnknownEntry
    EntryInUse
        A version begins on that day already, or the first one later.
    EntryOutOfReach
    layers.errors.RejectedRows
        Each wrong value with its column and reason; nothing was written.
    """
    own = KEYS[register]
    if wrong := sorted(
        set(changes) - set(columns_of(register)) | (set(changes) & {own, "valid_from", "valid_to"})
    ):
        raise GridError(
            f"{wrong[0]}: cannot be changed so; columns: {', '.join(_changeable(register))}",
            f"{wrong[0]}：不能这样修改，可修改的列：{'、'.join(_changeable(register))}",
        )
    base = _base(db, register, key, since, may_be_new=whole)
    if base and not editor.reaches(register, base):
        raise _out_of_reach(register, key)
    kept: Mapping[str, Any] = {} if whole else base
    values = {**kept, "confirmed": True, **changes, own: key, "valid_from": since, "valid_to": None}
    if base and (base["valid_to"] or dt.date.max) > since:
        values["valid_to"] = base["valid_to"]
    if not editor.reaches(register, values):
        raise _out_of_reach(register, key)
    return _write(db, register, values, editor, now, reason)


def _changeable(register: str) -> list[str]:
    return [name for name in columns_of(register) if name not in (KEYS[register], "valid_from", "valid_to")]


def _base(db: Session, register: str, key: str, since: dt.date, *, may_be_new: bool) -> dict[str, Any]:
    """Return the version before a day; empty for a new entry."""
    try:
        entry = read_entry(db, register, key, today=since)
    except UnknownEntry:
        if may_be_new:
            return {}
        raise
    if any(version["valid_from"] == since for version in entry.versions):
        raise EntryInUse(
            f"a version of {key} begins on {since} already: name a later day, or undo its batch",
            f"{key} 已有自 {since} 起的版本：请另选日期，或撤销该批次",
        )
    before = [version for version in entry.versions if version["valid_from"] < since]
    if not before:
        first = entry.versions[-1]["valid_from"]
        raise EntryInUse(
            f"{key} begins on {first}: no version before it can be edited",
            f"{key} 自 {first} 起设立，不能修改此前的内容",
        )
    return before[0]


def _write(
    db: Session,
    register: str,
    values: Mapping[str, Any],
    editor: RegisterEditor,
    now: dt.datetime,
    reason: str | None,
) -> int:
    """Check a version as an import does and write it, in a batch of its own."""
    kind = FILE_KINDS[register]
    frame = text_frame(register, [values]).with_columns(pl.Series(ROW, [1], dtype=pl.UInt32))
    checked = check_frame(frame, kind, now=now, zone=local_zone().key)
    check_texts(checked, kind)
    check_versions(db, register, checked, now=now)
    if checked.faults:
        raise RejectedRows(str(values[KEYS[register]]), checked.faults)
    batch_id = _begin(db, register, editor, now, reason)
    counts = write_versions(db, register, checked.good)
    if register == "matters":
        set_alert_matters(db, batch_id)
    finish_batch(db, batch_id, {"inserted": counts.inserted, "updated": counts.updated})
    return batch_id


def _begin(db: Session, register: str, editor: RegisterEditor, now: dt.datetime, reason: str | None) -> int:
    options = {"reason": reason[:LONGEST_REASON]} if reason else {}
    return begin_batch(
        db, BatchOrigin(register, "edit", editor.username, editor.api_key, options=options), now
    )


def withdraw_entry(
    db: Session,
    register: str,
    key: str,
    *,
    on: dt.date,
    reason: str,
    editor: RegisterEditor,
    now: dt.datetime,
) -> list[Resting]:
    """End an entry on a day, the first on which it no longer holds; return what goes on although it rests on it.

    Raises
    ------
    UnknownEntry
    EntryInUse
        It does not hold on the day before, a later version begins, or open cases, officers or lines of the duty
        list rest on it.
    EntryOutOfReach
    GridError
        The reason is empty.
    """
    if not reason.strip():
        raise GridError("reason: is empty", "请填写撤销原因")
    entry = read_entry(db, register, key, today=on)
    held = entry.on(on - dt.timedelta(days=1))
    if held is None or (held["valid_to"] is not None and held["valid_to"] <= on):
        raise EntryInUse(f"{key} does not hold on {on}", f"{key} 在 {on} 并不有效")
    if not editor.reaches(register, held):
        raise _out_of_reach(register, key)
    if later := [version for version in entry.versions if version["valid_from"] >= on]:
        first = later[-1]["valid_from"]
        raise EntryInUse(
            f"a version of {key} begins on {first}: undo it first", f"{key} 有自 {first} 起的版本，请先撤销"
        )
    resting = resting_on(db, register, key, on)
    if forbidding := [one for one in resting if one.forbids]:
        raise EntryInUse(
            f"{key} cannot be withdrawn, nothing was changed; on it rest {_told(forbidding, 'en')}",
            f"{key} 不能撤销，未作任何更改；以下内容依赖于它：{_told(forbidding, 'zh')}",
            [one.document() for one in resting],
        )
    batch_id = _begin(db, register, editor, now, reason)
    given = {"key": key, "day": on, "first": held["valid_from"]}
    statement = (
        f"UPDATE {register} SET valid_to = :day, batch_id = current_batch()"
        f" WHERE {KEYS[register]} = :key AND valid_from = :first"
    )
    db.execute(text(statement), given)
    finish_batch(db, batch_id, {"updated": 1})
    return [one for one in resting if not one.forbids]


def _told(resting: Sequence[Resting], language: str) -> str:
    return ("; " if language == "en" else "；").join(one.told(language) for one in resting)


def confirm_entry(db: Session, register: str, key: str, *, editor: RegisterEditor, now: dt.datetime) -> Entry:
    """Confirm an entry that was made of a name in a list, a case or an account, as it stands.

    Raises
    ------
    UnknownEntry
    EntryInUse
        It is confirmed, or of a register that people enter only.
    EntryOutOfReach
    """
    today = now.astimezone(local_zone()).date()
    entry = read_entry(db, register, key, today=today)
    if "confirmed" not in columns_of(register) or entry.confirmed:
        raise EntryInUse(f"{key} is confirmed", f"{key} 已经确认")
    if not editor.reaches(register, entry.versions[0]):
        raise _out_of_reach(register, key)
    batch_id = _begin(db, register, editor, now, None)
    statement = (
        f"UPDATE {register} SET confirmed = true, batch_id = current_batch()"
        f" WHERE {KEYS[register]} = :key AND NOT confirmed"
    )
    changed = len(db.execute(text(statement + " RETURNING id"), {"key": key}).all())
    finish_batch(db, batch_id, {"updated": changed})
    return read_entry(db, register, key, today=today)


def bind_account(
    db: Session, username: str, certificate_no: str, *, editor: RegisterEditor, now: dt.datetime
) -> list[str]:
    """Bind an account to an officer, in every version that holds today or later.

    Return the certificates of officers that the account was bound to before: these lose it.

    Raises
    ------
    UnknownEntry
    GridError
        There is no such account.
    """
    today = now.astimezone(local_zone()).date()
    read_entry(db, "officers", certificate_no, today=today)
    given = {"username": username, "key": certificate_no, "day": today}
    if not db.scalar(
        text("SELECT EXISTS (SELECT FROM users WHERE username = :username)"), {"username": username}
    ):
        raise GridError(f"username: there is no account {username!r}", f"没有账户 {username}")
    batch_id = _begin(db, "officers", editor, now, None)
    released = db.scalars(text(_RELEASE), given).all()
    bound = db.execute(text(_BIND), given).all()
    finish_batch(db, batch_id, {"updated": len(released) + len(bound)})
    return sorted(set(released))


_RELEASE = """
UPDATE officers SET username = NULL, batch_id = current_batch()
WHERE username = :username AND certificate_no <> :key AND (valid_to IS NULL OR valid_to > :day) RETURNING certificate_no
"""
_BIND = """
UPDATE officers SET username = :username, batch_id = current_batch()
WHERE certificate_no = :key AND (valid_to IS NULL OR valid_to > :day) AND username IS DISTINCT FROM :username
RETURNING id
"""


def _out_of_reach(register: str, key: str) -> EntryOutOfReach:
    en = (
        "matters hold for the whole city"
        if register == "matters"
        else "its area and domains are not all yours"
    )
    zh = "事项适用于全市" if register == "matters" else "其区域或领域不全在您的辖区内"
    return EntryOutOfReach(f"{key} cannot be edited by this account: {en}", f"本账户不能修改 {key}：{zh}")
