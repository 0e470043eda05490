"""``wangge users``: accounts and keys."""

from __future__ import annotations

import datetime as dt
import getpass
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from geo_api.cli.installation import migrated_database, operator, tell_servers
from geo_api.http.progress import console

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

users_app = typer.Typer(no_args_is_help=True)
totp_app = typer.Typer(help="二次验证 second factor", no_args_is_help=True)
users_app.add_typer(totp_app, name="totp")


@users_app.command("add")
def users_add(
    username: str,
    role: Annotated[str, typer.Option(help="viewer|grid_manager|officer|dispatcher|supervisor|service")],
    area: Annotated[str | None, typer.Option(help="Code of the area; none: the whole city")] = None,
    name: Annotated[str, typer.Option(help="Name to show")] = "",
    body: Annotated[str | None, typer.Option(help="Body the person acts for")] = None,
    officer: Annotated[
        str | None, typer.Option(help="Certificate of the officer whose account it is: acts for that body")
    ] = None,
    domain: Annotated[
        list[str] | None,
        typer.Option(help="Only cases and alerts of this domain; several times; none: every"),
    ] = None,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Add an account or set its password and rights; its logins end · 新建账户."""
    from geo_api.auth.accounts import create_user
    from grid.cases import body_to_act_for
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        if body is not None:
            body_to_act_for(db, body)
        create_user(
            db,
            username=username,
            password=password,
            role=role,
            area_code=area,
            display_name=name or username,
            body=body,
            domains=domain,
        )
        if officer is not None:
            _bind(db, username, officer)
    tell_servers()
    console.print(f"[green]✓[/] {username}")


@users_app.command("bind")
def users_bind(
    username: str,
    officer: Annotated[
        str | None,
        typer.Option(help="Certificate of an officer of the register; the account acts for its body"),
    ] = None,
    body: Annotated[
        str | None, typer.Option(help="Body that the account acts for, without an officer")
    ] = None,
) -> None:
    """Bind an account to an officer or to a body, from now on · 账户绑定执法人员或主体."""
    from grid.cases import body_to_act_for
    from layers.postgres import SYSTEM, session
    from layers.records import set_body

    if (officer is None) == (body is None):
        raise typer.BadParameter("give --officer or --body")
    with session(SYSTEM, migrated_database()) as db:
        if officer is not None:
            _bind(db, username, officer)
        else:
            body_to_act_for(db, body or "")
            set_body(db, username, body)
    tell_servers()
    console.print(f"[green]✓[/] {username}")


def _bind(db: Session, username: str, certificate_no: str) -> None:
    from grid.registers import RegisterEditor, bind_account

    editor = RegisterEditor(operator())
    for released in bind_account(db, username, certificate_no, editor=editor, now=dt.datetime.now(dt.UTC)):
        console.print(f"  {released}: 不再绑定 not bound any more", markup=False, highlight=False)


@users_app.command("off")
def users_off(username: str) -> None:
    """Switch an account off: its logins and keys end at once · 停用账户."""
    from geo_api.auth.accounts import switch_off
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        switch_off(db, username)
    tell_servers()
    console.print(f"[green]✓[/] {username}")


@users_app.command("list")
def users_list() -> None:
    """Show accounts and how many keys and logins they have; no secret is readable · 账户列表."""
    from rich.table import Table

    from geo_api.auth.accounts import list_users
    from layers.postgres import SYSTEM, session

    table = Table(
        "用户 user",
        "角色 role",
        "区域 area",
        "领域 domains",
        "主体 body",
        "执法证 officer",
        "启用 on",
        "登录 logins",
        "密钥 keys",
        "二次验证 2nd factor",
    )
    with session(SYSTEM, migrated_database()) as db:
        for row in list_users(db):
            table.add_row(*(str(value) for value in row))
    console.print(table)


@users_app.command("key")
def users_key(
    username: str,
    revoke: Annotated[
        bool, typer.Option(help="End every key of the account, or those of --name, instead")
    ] = False,
    name: Annotated[str | None, typer.Option(help="What the key is for")] = None,
    role: Annotated[
        str, typer.Option(help="service|viewer (reads)|sender (writes fixes, reads nothing)")
    ] = "service",
    area: Annotated[str | None, typer.Option(help="Less than the account's area")] = None,
    days: Annotated[int | None, typer.Option(help="After so many days the key ends")] = None,
) -> None:
    """Make an API key of a service account and print it once · 服务账户密钥."""
    from geo_api.auth.api_keys import create_key, revoke_keys
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        if revoke:
            ended = revoke_keys(db, username, name)
        else:
            key = create_key(db, username, name=name or "", role=role, area_code=area, days=days)
    if revoke:
        tell_servers()
        console.print(f"[green]✓[/] {ended} 个密钥已吊销 key(s) revoked")
        return
    console.print(key, highlight=False, soft_wrap=True)


@totp_app.command("reset")
def totp_reset(username: str) -> None:
    """Remove the second factor of somebody who has lost it.

    Logins end, the access log tells · 重置二次验证.
    """
    from geo_api.auth.accounts import reset_second_factor
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        reset_second_factor(db, username, f"{getpass.getuser()}@{socket.gethostname()}")
    tell_servers()
    console.print(f"[green]✓[/] {username}")
