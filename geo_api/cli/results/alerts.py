"""``wangge alerts``: the queue, one alert with its history and outcomes, and the outcome of a site check."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from geo_api.cli.installation import migrated_database
from geo_api.cli.results.budgets import budget_app
from geo_api.http.progress import console
from layers.alert_levels import ALERT_LEVELS
from layers.local_time import local_zone
from layers.tables import ALERT_STATUSES, OUTCOMES
from maps.glossary import names

alerts_app = typer.Typer(no_args_is_help=True)
alerts_app.add_typer(budget_app, name="budget")
AlertId = Annotated[int, typer.Argument(min=1, max=2**63 - 1, metavar="ID", help="预警号 id of the alert")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


def _both(group: str, code: str | None) -> str:
    """Return the name of a code in Chinese and English."""
    found = names(group, code)
    return f"{found['zh']} {found['en']}" if code else ""


def _emit(document: object) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1, default=str) + "\n")


def _one_of(value: str | None, values: tuple[str, ...], option: str) -> tuple[str, ...]:
    """Return the value alone, or all of them where none is given."""
    if value is not None and value not in values:
        raise typer.BadParameter(f"one of {', '.join(values)}", param_hint=option)
    return values if value is None else (value,)


def _place(place: int | None, checks_per_week: int | None, due: bool) -> str:
    """Return the place in the queue of the county and how many it can check in a week; a tick when it is due."""
    return "" if place is None else f"{place} / {checks_per_week}{' ✓' if due else ''}"


@alerts_app.command("list")
def alerts_list(
    status: Annotated[str, typer.Option(help=f"{', '.join(ALERT_STATUSES)}, or all")] = "open",
    level: Annotated[str | None, typer.Option(help=", ".join(ALERT_LEVELS))] = None,
    due: Annotated[bool, typer.Option("--due", help="Only those to be checked this week")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many")] = 100,
    as_json: AsJson = False,
) -> None:
    """List alerts, those due this week and the worst first; the queue when no status is named · 列出预警."""
    from layers.alerts import list_alerts
    from layers.postgres import SYSTEM, session

    statuses = _one_of(None if status == "all" else status, ALERT_STATUSES, "--status")
    levels = _one_of(level, ALERT_LEVELS, "--level")
    with session(SYSTEM, migrated_database()) as db:
        found = list_alerts(db, statuses=statuses, levels=levels, limit=limit, only_due=due)
    if as_json:
        _emit([asdict(one) for one in found])
        return
    table = Table("id", "等级 level", "分值 score", "状态 status", "核查 outcome", "企业或围栏 enterprise or fence",
                  "编号 id", "预警于 raised", "案件 case", "本周核查 due")  # fmt: skip
    for one in found:
        raised = f"{one.raised_at.astimezone(local_zone()):%Y-%m-%d %H:%M}"
        table.add_row(
            str(one.id), _both("level", one.level), f"{one.score:.2f}", _both("alert_status", one.status),
            _both("outcome", one.outcome), one.enterprise, one.site_id or one.fence_id, raised,
            one.case_number or "", _place(one.place, one.checks_per_week, one.due),
        )  # fmt: skip
    console.print(table, highlight=False)


@alerts_app.command("show")
def alerts_show(alert_id: AlertId, as_json: AsJson = False) -> None:
    """Show an alert: evidence, scores of all runs with what changed, outcomes · 查看预警."""
    from grid.alerts import alert_card
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        card = alert_card(db, alert_id)
    if as_json:
        _emit(asdict(card))
        return
    case = card.case_number or "—"
    about = "" if card.fence is None else f"{card.fence.name}  {card.fence.fence_id}"
    if card.enterprise is not None and card.site is not None:
        about = f"{card.enterprise.name}  {card.site.site_id}"
    console.print(
        f"{card.alert.id}  {about}  {_both('level', card.level)}"
        f"  {card.score:.2f}  {_both('alert_status', card.alert.status)}  案件 case {case}",
        markup=False, highlight=False,
    )  # fmt: skip
    if card.alert.joined_to is not None:
        console.print(f"已并入预警 joined to alert {card.alert.joined_to}", highlight=False)
    for item in card.evidence:
        weight = item.get("contribution", 0.0)
        console.print(
            f"  {weight:+.2f} {item['sentence_zh']} {item['sentence_en']}", markup=False, highlight=False
        )
    scores = Table("时点 at", "等级 level", "分值 score", "状态 status", "变化 change")
    for score in card.history:
        told = "" if score.told is None else f"{score.told['zh']}\n{score.told['en']}"
        scores.add_row(score.at, _both("level", score.level), f"{score.score:.2f}", _both("alert_status", score.status),
                       f"{_both('score_change', score.change)}\n{told}".strip())  # fmt: skip
    console.print(scores, highlight=False)
    if card.outcomes:
        outcomes = Table("时间 at", "核查 outcome", "人员 person", "分值 judged", "备注 note")
        for found in card.outcomes:
            judged = "" if found.score is None else f"{found.score:.2f}"
            outcomes.add_row(found.at, _both("outcome", found.outcome), found.actor or "", judged, found.note)
        console.print(outcomes, highlight=False)


@alerts_app.command("outcome")
def alerts_outcome(
    alert_id: AlertId,
    outcome: Annotated[str, typer.Argument(help=", ".join(OUTCOMES))],
    account: Annotated[str, typer.Option("--by", help="Account that checked, with its role and areas")],
    note: Annotated[str, typer.Option(help="What was seen")] = "",
) -> None:
    """Append the outcome of a site check, as an account · 登记核查结果."""
    from geo_api.auth.accounts import scope_of_account
    from geo_api.auth.callers import MAY
    from grid.alerts import record_outcome
    from layers.postgres import SYSTEM, session

    _one_of(outcome, OUTCOMES, "OUTCOME")
    url = migrated_database()
    with session(SYSTEM, url) as db:
        scope = scope_of_account(db, account)
    if scope is None:
        raise typer.BadParameter(f"no account {account!r}", param_hint="--by")
    if scope.role not in MAY["record_outcome"]:
        raise typer.BadParameter(f"the role {scope.role} records no outcomes", param_hint="--by")
    with session(scope, url) as db:
        done = record_outcome(
            db, alert_id, outcome, note=note, actor=account, role=scope.role, body=scope.body
        )
    noted = "" if done.noted_in_case is None else f"  案件 case {done.noted_in_case}"
    console.print(f"[green]✓[/] {done.id} {_both('outcome', done.outcome)}{noted}", highlight=False)
