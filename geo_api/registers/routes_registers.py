"""Registers over HTTP: lists, entries with their versions, edits from a day on."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from sqlalchemy.orm import Session

from geo_api.auth.access import Caller, CallerDep, Db, SystemDb, needs
from geo_api.http.caching import PRIVATE, entity_tags
from geo_api.http.errors import Problem
from geo_api.http.parameters import limit_parameter
from geo_api.http.representations import BINARY, JSON, json_response, link
from geo_api.http.request_bodies import JsonRoute
from geo_api.registers.schemas import (
    Day,
    EntryEdit,
    EntryWithdrawal,
    FileForm,
    Register,
    RegisterEntryDocument,
    RegisterMark,
    RegisterPage,
    Withdrawn,
)
from grid.errors import UnknownEntry
from grid.registers import (
    Entry,
    EntryFilter,
    RegisterEditor,
    Resting,
    area_codes_of,
    confirm_entry,
    edit_entry,
    list_entries,
    names_of_codes,
    read_entry,
    resting_on,
    withdraw_entry,
    written_register,
)
from layers.errors import VersionConflict
from layers.exports import TABLE_MEDIA_TYPES, table_file
from layers.local_time import local_zone
from layers.postgres import advisory_lock, apply_scope

router = APIRouter(prefix="/v1/registers", tags=["registers"], route_class=JsonRoute)
Key = Annotated[str, Path(min_length=1, max_length=100)]
OF_PEOPLE = {"officers": "see_officers", "grid_workers": "see_grid_workers"}
"""Permissions that registers of people need."""
EDITING = needs("edit_registers")
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {"schema": BINARY} for media in TABLE_MEDIA_TYPES.values()}}
}


def seen_register(register: Annotated[Register, Path()], caller: CallerDep) -> str:
    """Return the register of the path; officers and grid workers are people, and shown to those who lead them."""
    if register in OF_PEOPLE:
        caller.check(OF_PEOPLE[register])
    return str(register)


Seen = Annotated[str, Depends(seen_register)]


def today() -> dt.date:
    """Return the day in the city."""
    return dt.datetime.now(local_zone()).date()


def editor_of(caller: CallerDep, db: Db) -> RegisterEditor:
    """Return the caller as an editor of registers, with the codes of its areas."""
    reach = caller.areas_in_reach
    codes = None if reach is None else area_codes_of(db, reach)
    return RegisterEditor(caller.username, codes, caller.scope.domains, caller.key_name)


Editor = Annotated[RegisterEditor, Depends(editor_of)]


@router.get("/{register}", response_model=RegisterPage, responses=FILES)
def list_register(
    request: Request,
    register: Seen,
    caller: CallerDep,
    editor: Editor,
    db: Db,
    limit: Annotated[int, Depends(limit_parameter)],
    q: Annotated[str | None, Query(max_length=100, description="Part of a name, a code or a keyword")] = None,
    area: Annotated[
        str | None, Query(max_length=100, description="Code of an area: entries of it and inside it")
    ] = None,
    domain: Annotated[str | None, Query(max_length=40)] = None,
    at: Annotated[Day | None, Query(description="Only what is in force on this day")] = None,
    mark: Annotated[RegisterMark | None, Query(description="Only these")] = None,
    offset: Annotated[int, Query(ge=0, le=10_000_000, description="Entries to pass over")] = 0,
    f: Annotated[
        FileForm, Query(description="csv, xlsx: the whole register with all versions, as the import reads it")
    ] = "json",
) -> Response:
    """Return the entries of a register, the unconfirmed first; people for those who lead and check them."""
    of = EntryFilter(q, area, domain, at, mark)
    if f != "json":
        if of != EntryFilter():
            raise Problem(
                "invalid-parameter",
                "f: a file has the whole register; leave the filters out.",
                "导出文件包含整个登记簿，不能同时筛选。",
            )
        headers = {"Content-Disposition": f'attachment; filename="{register}.{f}"', "Cache-Control": PRIVATE}
        return Response(
            table_file(written_register(db, register), f, sheet=register),
            media_type=TABLE_MEDIA_TYPES[f],
            headers=headers,
        )
    found = list_entries(db, register, of, today=today(), limit=limit, offset=offset)
    entries = [_facts(db, entry, caller, editor, at or today()) for entry in found.entries]
    links = [link("self", str(request.url), JSON)]
    if offset + len(entries) < found.matched:
        further = request.url.include_query_params(offset=offset + len(entries), limit=limit)
        links.append(link("next", str(further), JSON, "Next page 下一页"))
    body = {
        "entries": entries,
        "numberMatched": found.matched,
        "unconfirmed": found.unconfirmed,
        "links": links,
    }
    return json_response(body, headers={"Cache-Control": PRIVATE})


@router.get("/{register}/{key}", response_model=RegisterEntryDocument)
def get_entry(
    register: Seen, key: Key, caller: CallerDep, editor: Editor, db: Db, system: SystemDb
) -> Response:
    """Return one entry with all its versions; its ETag is what `If-Match` needs."""
    resting = _resting(system, register, key, caller, editor)
    return _answer(db, read_entry(db, register, key, today=today()), caller, editor, resting)


def known_tags(
    if_match: Annotated[
        str | None, Header(description="ETag of the entry as you know it", max_length=2000)
    ] = None,
    if_none_match: Annotated[
        str | None, Header(description="`*`: the entry must be a new one", max_length=2000)
    ] = None,
) -> frozenset[str] | None:
    """Return the tags in ``If-Match``; None: the entry must be a new one. 428 without either header."""
    if if_match is not None and if_match.strip() not in ("", "*"):
        return frozenset(entity_tags(if_match))
    if if_none_match is not None and if_none_match.strip() == "*":
        return None
    raise Problem(
        "version-needed",
        "Send the ETag of GET as If-Match, or If-None-Match: * for a new entry.",
        "请以 If-Match 发送读取时的 ETag；新建条目请发送 If-None-Match: *。",
    )


Tags = Annotated[frozenset[str] | None, Depends(known_tags)]


@router.put("/{register}/{key}", response_model=RegisterEntryDocument, dependencies=[EDITING])
def put_entry(
    register: Seen,
    key: Key,
    body: EntryEdit,
    tags: Tags,
    caller: CallerDep,
    editor: Editor,
    db: Db,
    system: SystemDb,
) -> Response:
    """Write a whole version of an entry from a day on, or a new entry; what is not given is empty."""
    return _edited(register, key, body, tags, caller, editor, db, system, whole=True)


@router.patch("/{register}/{key}", response_model=RegisterEntryDocument, dependencies=[EDITING])
def patch_entry(
    register: Seen,
    key: Key,
    body: EntryEdit,
    tags: Tags,
    caller: CallerDep,
    editor: Editor,
    db: Db,
    system: SystemDb,
) -> Response:
    """Write a version of an entry from a day on; what is not given stays as it is before that day."""
    return _edited(register, key, body, tags, caller, editor, db, system, whole=False)


@router.post("/{register}/{key}/withdraw", response_model=Withdrawn, dependencies=[EDITING])
def withdraw_one(
    register: Seen,
    key: Key,
    body: EntryWithdrawal,
    tags: Tags,
    caller: CallerDep,
    editor: Editor,
    db: Db,
    system: SystemDb,
) -> Response:
    """End an entry on a day; refused (409) with what rests on it while cases, officers or duties need it."""
    with advisory_lock(system, "import"):
        _check_tag(db, register, key, tags)
        now = dt.datetime.now(dt.UTC)
        goes_on = withdraw_entry(
            system, register, key, on=body.on, reason=body.reason, editor=editor, now=now
        )
        entry = _read_again(system, register, key, caller)
    told = {"entry": _document(system, entry, caller, editor, []), "goes_on": [vars(one) for one in goes_on]}
    return json_response(told, headers={"ETag": f'"{entry.tag}"', "Cache-Control": PRIVATE})


@router.post("/{register}/{key}/confirm", response_model=RegisterEntryDocument, dependencies=[EDITING])
def confirm_one(
    register: Seen, key: Key, tags: Tags, caller: CallerDep, editor: Editor, db: Db, system: SystemDb
) -> Response:
    """Confirm an entry that was made of a name in a duty list, a case or an account, as it stands."""
    with advisory_lock(system, "import"):
        _check_tag(db, register, key, tags)
        confirm_entry(system, register, key, editor=editor, now=dt.datetime.now(dt.UTC))
        resting = _resting(system, register, key, caller, editor)
        return _answer(system, _read_again(system, register, key, caller), caller, editor, resting)


def _edited(
    register: str,
    key: str,
    body: EntryEdit,
    tags: frozenset[str] | None,
    caller: Caller,
    editor: RegisterEditor,
    db: Session,
    system: Session,
    *,
    whole: bool,
) -> Response:
    with advisory_lock(system, "import"):
        _check_tag(db, register, key, tags)
        edit_entry(
            system,
            register,
            key,
            body.values,
            since=body.valid_from,
            editor=editor,
            now=dt.datetime.now(dt.UTC),
            whole=whole,
            reason=body.reason,
        )
        resting = _resting(system, register, key, caller, editor)
        return _answer(system, _read_again(system, register, key, caller), caller, editor, resting)


def _check_tag(db: Session, register: str, key: str, tags: frozenset[str] | None) -> None:
    """Refuse when the entry is not as the caller knows it: 412, or 404 for one that the caller does not see."""
    try:
        tag = read_entry(db, register, key, today=today()).tag
    except UnknownEntry:
        if tags is None:
            return
        raise
    if tags is None or tag not in tags:
        raise VersionConflict(f"{key} was changed since, or is there already", f"条目 {key} 已被修改或已存在")


def _read_again(system: Session, register: str, key: str, caller: Caller) -> Entry:
    """Return the entry as the caller sees it, in the transaction that changed it."""
    apply_scope(system, caller.scope)
    return read_entry(system, register, key, today=today())


def _resting(
    system: Session, register: str, key: str, caller: Caller, editor: RegisterEditor
) -> list[Resting]:
    """Return what rests on an entry from today on, for those who edit; names only for the whole city."""
    if not caller.logged_in or not caller.may("edit_registers"):
        return []
    found = resting_on(system, register, key, today())
    return found if editor.of_whole_city else [replace(one, ids=[]) for one in found]


def _facts(db: Session, entry: Entry, caller: Caller, editor: RegisterEditor, day: dt.date) -> dict[str, Any]:
    version = entry.on(day) or entry.versions[0]
    may_edit = caller.logged_in and caller.may("edit_registers") and editor.reaches(entry.register, version)
    return {
        "kind": entry.register,
        "key": entry.key,
        "state": entry.state,
        "confirmed": entry.confirmed,
        "certificate_expired": entry.certificate_expired,
        "may_edit": may_edit,
        "names": names_of_codes(db, entry.versions),
        "version": version,
    }


def _document(
    db: Session, entry: Entry, caller: Caller, editor: RegisterEditor, resting: list[Resting]
) -> dict[str, Any]:
    return _facts(db, entry, caller, editor, today()) | {
        "tag": f'"{entry.tag}"',
        "versions": entry.versions,
        "resting": [vars(one) for one in resting],
    }


def _answer(
    db: Session, entry: Entry, caller: Caller, editor: RegisterEditor, resting: list[Resting]
) -> Response:
    document = _document(db, entry, caller, editor, resting)
    return json_response(document, headers={"ETag": f'"{entry.tag}"', "Cache-Control": PRIVATE})
