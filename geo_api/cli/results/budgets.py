"""``wangge alerts budget``: how many alerts the inspectors of a county can check in a week."""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import Annotated

import typer
from rich.table import Table

from geo_api.cli.installation import migrated_database
from geo_api.http.progress import console
from layers.local_time import local_zone

budget_app = typer.Typer(help="核查预算 how many alerts a county can check in a week", no_args_is_help=True)


@budget_app.command("list")
def budget_list(
    whole: Annotated[bool, typer.Option("--all", help="Also those that ended")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """List the budgets in force, with what is due and checked this week · 列出核查预算."""
    from layers.alerts import budgets
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        found = budgets(db, None if whole else dt.datetime.now(local_zone()).date())
    if as_json:
        rows = [dict(row) for row in found]
        sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=1, default=str) + "\n")
        return
    table = Table(
        "县 county", "类型 kind", "每周 a week", "起 from", "止 to", "设定 set by", "本周 due", "已查 checked"
    )
    for row in found:
        table.add_row(
            f"{row['area_code']} {row['area_name'] or ''}", row["kind"], str(row["checks_per_week"]),
            str(row["valid_from"]), str(row["valid_to"] or ""), row["set_by"], str(row["n_due"]),
            str(row["checked"] or 0),
        )  # fmt: skip
    console.print(table, highlight=False)


@budget_app.command("set")
def budget_set(
    county: Annotated[str, typer.Argument(metavar="COUNTY", help="县级区域代码 code of the county")],
    number: Annotated[str, typer.Argument(metavar="K", help="Checks a week, or none to end the budget")],
    account: Annotated[str, typer.Option("--by", help="Account that decides, with its role and areas")],
    kind: Annotated[str, typer.Option(help="Kind of the alerts")] = "illegal_resumption",
    since: Annotated[str | None, typer.Option("--from", help="Day, YYYY-MM-DD; default today")] = None,
    note: Annotated[str, typer.Option(help="Why")] = "",
) -> None:
    """Set how many alerts of a kind a county can check in a week · 设定核查预算."""
    from geo_api.auth.accounts import scope_of_account
    from geo_api.auth.callers import MAY
    from grid.alerts import change_budget
    from layers.alerts import NewBudget
    from layers.postgres import SYSTEM, session

    try:
        k = None if number == "none" else int(number)
        now = dt.datetime.now(dt.UTC)
        day = now.astimezone(local_zone()).date() if since is None else dt.date.fromisoformat(since)
    except ValueError as error:
        raise typer.BadParameter("K is a number or none, --from a day (YYYY-MM-DD)") from error
    with session(SYSTEM, migrated_database()) as db:
        scope = scope_of_account(db, account)
        if scope is None or scope.role not in MAY["set_budgets"]:
            raise typer.BadParameter(f"{account} may not set budgets", param_hint="--by")
        change_budget(db, NewBudget(county, kind, k, day, account, note), scope, now)
    console.print(f"[green]✓[/] {county} {kind}: {number}", highlight=False)
