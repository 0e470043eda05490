"""``wangge models versions|diff|put-in-force|put-back``: versions of models and which one is in force."""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from geo_api.cli.installation import migrated_database
from geo_api.http.progress import console
from geo_api.http.settings import read_settings
from geo_api.models.in_force import FILE, document_of
from layers.local_time import local_zone

if TYPE_CHECKING:
    from layers.postgres import Scope

Name = Annotated[str, typer.Argument(metavar="NAME", help="模型名 name of the model")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
By = Annotated[str, typer.Option("--by", help="Account that decides: a supervisor of the whole city")]
Note = Annotated[str, typer.Option(help="Why; kept with the step")]


def add_to(models_app: typer.Typer) -> None:
    """Add these commands to ``wangge models``."""
    models_app.command("versions")(list_versions)
    models_app.command("diff")(diff)
    models_app.command("put-in-force")(put_in_force)
    models_app.command("put-back")(put_back)


def list_versions(name: Name, as_json: AsJson = False) -> None:
    """List the versions of a model, the newest first · 列出模型版本."""
    from layers.models import versions
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        found = versions(db, name)
    if as_json:
        rows = [
            {**_columns(facts.stored), **{k: v for k, v in vars(facts).items() if k != "stored"}}
            for facts in found
        ]
        sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=1, default=str) + "\n")
        return
    table = Table(
        "",
        "版本 version",
        "依据 based on",
        "制作 made",
        "制作人 by",
        "生效 in force",
        "撤回 put back",
        "说明 note",
    )
    for facts in found:
        row = facts.stored
        cells = (row.version, row.based_on or FILE, _time(row.made_at), row.made_by,
                 " ".join(filter(None, (_time(facts.in_force_at), facts.in_force_by))),
                 " ".join(filter(None, (_time(facts.put_back_at), facts.put_back_by))), row.note)  # fmt: skip
        table.add_row("[green]✓[/]" if facts.is_in_force else "", *map(escape, cells))
    console.print(table)
    if not any(facts.is_in_force for facts in found):
        console.print("当前使用模型文件 the file is in force")


def diff(
    name: Name,
    old: Annotated[str, typer.Argument(metavar="A", help=f"Version, or {FILE}")],
    new: Annotated[str, typer.Argument(metavar="B", help=f"Version, or {FILE}")],
    since: Annotated[str | None, typer.Option("--from", help="Also backtest both from this day on")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last day of the backtest, YYYY-MM-DD")] = None,
    every: Annotated[str, typer.Option(help="Between two looks of the backtest, as 7d")] = "7d",
) -> None:
    """Say what differs between two versions, signal by signal, and in what they found · 比较版本."""
    from geo_api.cli.models.backtesting import compare
    from layers.postgres import SYSTEM, session
    from spatial_models.learning import differences

    if (since is None) != (until is None):
        raise typer.BadParameter("--from and --to belong together", param_hint="--from")
    folder = read_settings().models_folder()
    with session(SYSTEM, migrated_database()) as db:
        found = differences(*(document_of(db, name, version, folder) for version in (old, new)))
    for one in found:
        console.print(f"  {one.zh}\n  {one.en}", markup=False, highlight=False)
    console.print(f"{len(found)} 处差异 differences")
    if since is not None and until is not None:
        compare(name, (old, new), since, until, every)


def put_in_force(
    name: Name, version: Annotated[str, typer.Argument(metavar="VERSION")], by: By, note: Note = ""
) -> None:
    """Put a version into force: the next run uses it; not by who made it · 使版本生效."""
    from grid import models
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        deciding_account(db, by, "put_models_in_force")
        done = models.put_in_force(db, name, version, by=by, now=dt.datetime.now(dt.UTC), note=note)
    console.print(f"[green]✓[/] {name} {escape(done.version)} 已生效 is in force", highlight=False)


def put_back(name: Name, by: By, note: Note = "") -> None:
    """Take the version in force back: the one before it holds again · 撤回版本."""
    from grid import models
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        deciding_account(db, by, "put_models_in_force")
        now = models.put_back(db, name, by=by, now=dt.datetime.now(dt.UTC), note=note)
    held = "模型文件 the file" if now is None else escape(now.version)
    console.print(f"[green]✓[/] {name} {held} 已生效 is in force", highlight=False)


def deciding_account(db: Any, username: str, permission: str) -> Scope:
    """Return the scope of an account that may decide for the whole city.

    Raises
    ------
    typer.BadParameter
        No such account, or its role or area does not allow it.
    """
    from geo_api.auth.accounts import scope_of_account
    from geo_api.auth.callers import MAY

    scope = scope_of_account(db, username)
    if scope is None:
        raise typer.BadParameter(f"no account {username!r}", param_hint="--by")
    if scope.role not in MAY[permission] or not scope.city_wide or scope.domains:
        raise typer.BadParameter(
            f"{username} ({scope.role}) may not: {' or '.join(sorted(MAY[permission]))} of the whole city",
            param_hint="--by",
        )
    return scope


def _columns(row: Any) -> dict[str, Any]:
    names = ("version", "based_on", "made_at", "made_by", "note", "sha256", "figures", "document")
    return {name: getattr(row, name) for name in names}


def _time(at: dt.datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(local_zone()):%Y-%m-%d %H:%M}"
