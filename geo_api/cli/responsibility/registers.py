"""``wangge registers``: entries of registers listed, shown, edited from a day on, exported."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from geo_api.cli.installation import migrated_database, operator, tell_servers
from geo_api.http.progress import console
from layers.imports import FILE_KINDS
from layers.tables.registers import REGISTERS

if TYPE_CHECKING:
    from grid.registers import Entry, RegisterEditor

registers_app = typer.Typer(no_args_is_help=True)
Register = Annotated[str, typer.Argument(help=f"{', '.join(REGISTERS)}")]
Key = Annotated[str, typer.Argument(help="Code of the body, number of the certificate, or code of the item")]
From = Annotated[str, typer.Option("--from", help="First day of the new version, YYYY-MM-DD")]
Set = Annotated[
    list[str],
    typer.Option("--set", help="column=value, as in the import file; lists by semicolon; several times"),
]
Reason = Annotated[str | None, typer.Option(help="Why; kept with the version")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document")]
STATES = {"in_force": "有效 in force", "withdrawn": "已撤销 withdrawn", "coming": "未生效 coming"}


@registers_app.command("list")
def list_(
    register: Register,
    q: Annotated[str | None, typer.Option("--text", help="Part of a name, a code or a keyword")] = None,
    area: Annotated[str | None, typer.Option(help="Code of an area: entries of it and inside it")] = None,
    domain: Annotated[str | None, typer.Option(help="One of the six domains")] = None,
    at: Annotated[str | None, typer.Option(help="Only what is in force on this day, YYYY-MM-DD")] = None,
    mark: Annotated[
        str | None,
        typer.Option(help="unconfirmed|in_force|withdrawn|coming|certificate_expired"),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 1_000,
    as_json: AsJson = False,
) -> None:
    """List the entries of a register, the unconfirmed first · 列出名录."""
    from grid.registers import MARKS, EntryFilter, list_entries
    from layers.postgres import SYSTEM, session

    if mark is not None and mark not in MARKS:
        raise typer.BadParameter(f"mark: one of {', '.join(MARKS)}")
    of = EntryFilter(q, area, domain, None if at is None else _day(at), mark)
    with session(SYSTEM, migrated_database()) as db:
        found = list_entries(db, _known(register), of, today=_today(), limit=limit)
    if as_json:
        _emit([vars(entry) for entry in found.entries])
        return
    table = Table("编码 key", "名称 name", "状态 state", "标记 marks", "起 from", "止 to")
    for entry in found.entries:
        version = entry.versions[0]
        end = str(version["valid_to"] or "")
        cells = [
            entry.key,
            version["name"],
            STATES[entry.state],
            _marks(entry),
            str(version["valid_from"]),
            end,
        ]
        table.add_row(*map(escape, cells))
    console.print(table)
    console.print(f"{found.matched:,} 条 entries, {found.unconfirmed:,} 待确认 unconfirmed")


def _marks(entry: Entry) -> str:
    marks = [] if entry.confirmed else ["待确认 unconfirmed"]
    return ", ".join(marks + (["执法证过期 certificate expired"] if entry.certificate_expired else []))


@registers_app.command("show")
def show(register: Register, key: Key, as_json: AsJson = False) -> None:
    """Show an entry with all its versions, and what rests on it · 查看条目及历史."""
    from grid.registers import read_entry, resting_on
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        entry = read_entry(db, _known(register), key, today=_today())
        resting = resting_on(db, register, key, _today())
    if as_json:
        _emit(vars(entry) | {"resting": [vars(one) for one in resting]})
        return
    console.print(f"{key} · {STATES[entry.state]} {_marks(entry)}", markup=False, highlight=False)
    for version in entry.versions:
        table = Table(f"{version['valid_from']} → {version['valid_to'] or ''}", "")
        for name, value in version.items():
            if value not in (None, [], "") and name not in _OF_HISTORY:
                table.add_row(name, escape(_told(value)))
        console.print(table)
        for change in ({**version, "what": "made"}, *version["later"]):
            if change["changed_by"] is not None:
                told = f"{_CHANGES[change['what']]} {change['changed_by']}, {change['changed_at']:%Y-%m-%d %H:%M}Z"
                console.print(f"  {told}  {change['reason'] or ''}", markup=False, highlight=False)
    for one in resting:
        console.print(f"  {one.told('zh')} · {one.told('en')}", markup=False, highlight=False)


_OF_HISTORY = ("valid_from", "valid_to", "changed_by", "changed_at", "source", "reason", "batch_id", "later")
_CHANGES = {"made": "建立 made by", "ended": "终止 ended by", "changed": "更正 corrected by"}


def _told(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


@registers_app.command("add")
def add(register: Register, key: Key, since: From, values: Set, reason: Reason = None) -> None:
    """Add an entry, or write a whole version of one: columns that are not given are empty · 新增条目."""
    _edit(register, key, since, values, reason, whole=True)


@registers_app.command("edit")
def edit(register: Register, key: Key, since: From, values: Set, reason: Reason = None) -> None:
    """Write a version that begins on a day; nothing is overwritten · 自某日起修改."""
    _edit(register, key, since, values, reason, whole=False)


def _edit(register: str, key: str, since: str, values: list[str], reason: str | None, *, whole: bool) -> None:
    from grid.registers import edit_entry
    from layers.postgres import SYSTEM, advisory_lock, session

    day = _day(since)
    with session(SYSTEM, migrated_database()) as db, advisory_lock(db, "import"):
        changes = _changes(_known(register), values)
        batch_id = edit_entry(
            db, register, key, changes, since=day, editor=_editor(), now=_now(), whole=whole, reason=reason
        )
    tell_servers()
    console.print(f"[green]✓[/] {escape(key)}, {day} 起 from {day}, 批次 batch {batch_id}", highlight=False)


def _changes(register: str, values: list[str]) -> dict[str, str | None]:
    names = [column.name for column in FILE_KINDS[register].columns]
    changes: dict[str, str | None] = {}
    for value in values:
        name, is_there, written = value.partition("=")
        if not is_there or name not in names:
            raise typer.BadParameter(f"--set {value!r}: column=value, the columns are {', '.join(names)}")
        changes[name] = written or None
    return changes


@registers_app.command("withdraw")
def withdraw(
    register: Register,
    key: Key,
    on: Annotated[str, typer.Option("--from", help="First day on which it no longer holds, YYYY-MM-DD")],
    reason: Annotated[str, typer.Option(help="Why; kept with the version")],
) -> None:
    """End an entry on a day; refused with what rests on it · 撤销条目."""
    from grid.registers import withdraw_entry
    from layers.postgres import SYSTEM, advisory_lock, session

    with session(SYSTEM, migrated_database()) as db, advisory_lock(db, "import"):
        goes_on = withdraw_entry(
            db, _known(register), key, on=_day(on), reason=reason, editor=_editor(), now=_now()
        )
    tell_servers()
    console.print(f"[green]✓[/] {escape(key)}, {_day(on)}", highlight=False)
    for one in goes_on:
        console.print(f"  {one.told('zh')} · {one.told('en')}", markup=False, highlight=False)


@registers_app.command("confirm")
def confirm(register: Register, keys: Annotated[list[str], typer.Argument(help="Keys of entries")]) -> None:
    """Confirm entries that were made of names in lists, cases and accounts · 确认条目."""
    from grid.registers import confirm_entry
    from layers.postgres import SYSTEM, advisory_lock, session

    with session(SYSTEM, migrated_database()) as db, advisory_lock(db, "import"):
        for key in keys:
            confirm_entry(db, _known(register), key, editor=_editor(), now=_now())
    console.print(f"[green]✓[/] {len(keys)}")


@registers_app.command("export")
def export(
    register: Register,
    out: Annotated[Path | None, typer.Option(help="CSV or XLSX; default REGISTER.csv")] = None,
) -> None:
    """Write every version of a register to a file that the import reads · 导出名录."""
    from grid.registers import written_register
    from layers.exports import TABLE_MEDIA_TYPES, table_file
    from layers.postgres import SYSTEM, session

    target = out or Path(f"{_known(register)}.csv")
    form = target.suffix.lower().removeprefix(".")
    if form not in TABLE_MEDIA_TYPES:
        raise typer.BadParameter(f"--out {target}: .csv or .xlsx")
    with session(SYSTEM, migrated_database()) as db:
        frame = written_register(db, register)
    target.write_bytes(table_file(frame, "xlsx" if form == "xlsx" else "csv", sheet=register))
    console.print(f"[green]✓[/] {target}, {frame.height:,} 个版本 versions", highlight=False)


def _known(register: str) -> str:
    if register not in REGISTERS:
        raise typer.BadParameter(f"{register!r}: one of {', '.join(REGISTERS)}")
    return register


def _day(written: str) -> dt.date:
    try:
        return dt.date.fromisoformat(written)
    except ValueError as error:
        raise typer.BadParameter(f"{written!r} is not a day (YYYY-MM-DD)") from error


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _today() -> dt.date:
    from layers.local_time import local_zone

    return _now().astimezone(local_zone()).date()


def _editor() -> RegisterEditor:
    from grid.registers import RegisterEditor

    return RegisterEditor(operator())


def _emit(document: object) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1, default=str) + "\n")
