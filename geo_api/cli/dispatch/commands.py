"""Commands of dispatch: list, send, recall; suggestions of officers, and towns that are short of them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from geo_api.cli.installation import migrated_database
from geo_api.http.progress import console

if TYPE_CHECKING:
    from grid.dispatch import Who
    from layers.postgres import Scope

dispatches_app = typer.Typer(no_args_is_help=True)
officers_app = typer.Typer(no_args_is_help=True)
CaseNumber = Annotated[str, typer.Argument(help="案件编号 number of the case")]
Account = Annotated[str, typer.Option("--by", help="Account whose step it is, with its role and areas")]


@dispatches_app.command("list")
def dispatches_list(
    case: Annotated[str | None, typer.Option(help="Number of a case")] = None,
    body: Annotated[str | None, typer.Option(help="Name of a body")] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="sent, accepted, declined, arrived, ended, recalled")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document")] = False,
) -> None:
    """List the officers who were sent to cases, the newest first · 列出派员记录."""
    from grid.dispatch import STATE_NAMES, read_dispatches
    from layers.postgres import SYSTEM, session

    if unknown := set(state or ()) - set(STATE_NAMES):
        raise typer.BadParameter(
            f"{', '.join(sorted(unknown))}: {', '.join(STATE_NAMES)}", param_hint="--state"
        )
    with session(SYSTEM, migrated_database()) as db:
        found = read_dispatches(db, number=case, body=body, states=state or None, most=limit)
    if as_json:
        console.print_json(
            data=[
                {"id": one.id, "case": one.number, "officer_id": one.officer_id, "officer": one.officer,
                 "body": one.body, "state": one.state, "sent_at": one.sent_at.isoformat(),
                 "arrived_at": one.arrived_at and one.arrived_at.isoformat(), "distance_m": one.distance_m}
                for one in found
            ]
        )  # fmt: skip
        return
    table = Table(
        "id",
        "案件 case",
        "执法人员 officer",
        "主体 body",
        "状态 state",
        "派出 sent",
        "到场 arrived",
        "距离 m",
    )
    for one in found:
        zh, en = STATE_NAMES[one.state]
        arrived = "" if one.arrived_at is None else f"{one.arrived_at:%Y-%m-%d %H:%M}Z"
        sent = f"{one.sent_at:%Y-%m-%d %H:%M}Z"
        distance = "" if one.distance_m is None else str(one.distance_m)
        officer = one.officer or str(one.officer_id)
        table.add_row(str(one.id), one.number or "", officer, one.body, f"{zh} {en}", sent, arrived, distance)
    console.print(table, highlight=False)


@dispatches_app.command("send")
def dispatches_send(
    number: CaseNumber,
    officer_id: Annotated[int, typer.Argument(help="Of `wangge officers suggest`")],
    account: Account,
    reason: Annotated[str, typer.Option(help="Why not the first suggestion")] = "",
) -> None:
    """Send an officer to a case, as an account · 派员."""
    from grid.dispatch import send_officer
    from layers.postgres import session

    url, scope, who = _account(account)
    with session(scope, url) as db:
        made = send_officer(db, number, officer_id, who, at=dt.datetime.now(dt.UTC), reason=reason)
    console.print(f"[green]✓[/] {made.id} {made.officer} {made.state}", highlight=False)


@dispatches_app.command("recall")
def dispatches_recall(
    dispatch_id: Annotated[int, typer.Argument(help="Of `wangge dispatches list`")],
    account: Account,
    reason: Annotated[str, typer.Option(help="Why")],
) -> None:
    """Recall an officer, as an account · 召回."""
    from grid.dispatch import recall_officer
    from layers.postgres import session

    url, scope, who = _account(account)
    with session(scope, url) as db:
        made = recall_officer(db, dispatch_id, who, at=dt.datetime.now(dt.UTC), reason=reason)
    console.print(f"[green]✓[/] {made.id} {made.officer} {made.state}", highlight=False)


@officers_app.command("suggest")
def officers_suggest(number: CaseNumber) -> None:
    """Suggest officers for a case, with the reasons; a person decides · 推荐可派人员."""
    from grid.dispatch import suggest_officers
    from layers.postgres import SYSTEM, session

    table = Table("id", "执法人员 officer", "主体 body", "适合 suits", "理由 reasons")
    with session(SYSTEM, migrated_database()) as db:
        for one in suggest_officers(db, number, dt.datetime.now(dt.UTC)):
            told = "\n".join(f"{each['zh']} {each['en']}" for each in one.reasons)
            table.add_row(str(one.officer_id), one.name, one.body, "✓" if one.suited else "✗", told)
    console.print(table, highlight=False)


@officers_app.command("short")
def officers_short() -> None:
    """List the towns with fewer than six officers whose certificate is valid · 执法力量不足的镇街."""
    from grid.dispatch import short_towns
    from layers.postgres import SYSTEM, session

    table = Table("代码 code", "镇街 town", "持证人员 officers")
    with session(SYSTEM, migrated_database()) as db:
        for town in short_towns(db, dt.datetime.now(dt.UTC)):
            table.add_row(town["code"], town["name"], str(town["officers"]))
    console.print(table, highlight=False)


def _account(username: str) -> tuple[str, Scope, Who]:
    """Return the database, the scope of an account, and who takes the step."""
    from geo_api.auth.accounts import scope_of_account
    from grid.dispatch import Who
    from layers.postgres import SYSTEM, session

    url = migrated_database()
    with session(SYSTEM, url) as db:
        scope = scope_of_account(db, username)
    if scope is None:
        raise typer.BadParameter(f"no account {username!r}", param_hint="--by")
    return url, scope, Who(username, scope.role, scope.body)
