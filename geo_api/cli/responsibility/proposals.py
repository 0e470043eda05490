"""``wangge duties proposals|propose|approve|reject|undo``: duty lists as changing law."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from geo_api.cli.installation import migrated_database, operator
from geo_api.http.progress import console, step

if TYPE_CHECKING:
    from layers.tables import DutyProposal

MOST_TOLD = 200
By = Annotated[str | None, typer.Option("--by", help="Who decides; default: the account of this machine")]
Reason = Annotated[str, typer.Option(help="Why; kept with the step")]


def add_to(duties_app: typer.Typer) -> None:
    """Add these commands to ``wangge duties``."""
    duties_app.command("proposals")(proposals)
    duties_app.command("propose")(propose)
    duties_app.command("approve")(approve)
    duties_app.command("reject")(reject)
    duties_app.command("undo")(undo)


def proposals(limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50) -> None:
    """List proposed duty lists, the newest first · 清单提案."""
    from grid.duty_proposals import newest_proposals
    from layers.postgres import SYSTEM, session

    table = Table("id", "状态 state", "生效 from", "提出 by", "审批 decided by", "文件 file", "案件 cases")
    with session(SYSTEM, migrated_database()) as db:
        for row in newest_proposals(db, limit):
            cells = (str(row.id), row.status, str(row.effective_on), row.author, row.decided_by or "", row.file_name,
                     str(len(row.preview["cases"])))  # fmt: skip
            table.add_row(*map(escape, cells))
    console.print(table)


def propose(
    path: Annotated[Path, typer.Argument(help="CSV, XLSX or Parquet")],
    on: Annotated[str, typer.Option("--from", help="Day on which the list comes into force, YYYY-MM-DD")],
    items_only: Annotated[
        bool, typer.Option("--items-only", help="Replace the items that the list names; the others stay")
    ] = False,
    title: Annotated[str, typer.Option(help="For whoever approves")] = "",
    reason: Reason = "",
    by: By = None,
) -> None:
    """Propose a duty list and show its impact; another person approves it · 提出权责清单."""
    from geo_api.imports.duty_files import read_duties
    from geo_api.imports.file_digest import file_digest
    from geo_api.responsibility.duty_uploads import checked_list
    from grid import duty_proposals
    from layers.postgres import SYSTEM, session
    from layers.records import known_area_codes

    day = read_day(on)
    with step(f"影响分析 impact {path.name}"), session(SYSTEM, migrated_database()) as db:
        report = read_duties(path, known_area_codes(db) or None)
        given = checked_list(report, path.name, file_digest(path) or "")
        made = duty_proposals.propose(
            db,
            given.lines,
            by=by or operator(),
            on=day,
            covers="items" if items_only else "whole",
            file=given.file,
            now=dt.datetime.now(dt.UTC),
            title=title,
            reason=reason,
        )
        tell_impact(made.preview)
        _done(made)


def approve(proposal: int, by: By = None) -> None:
    """Approve a proposed list: it holds from its day on; not by who proposed it · 批准清单."""
    from grid import duty_proposals
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        _done(duty_proposals.approve(db, proposal, by=by or operator(), now=dt.datetime.now(dt.UTC)))


def reject(proposal: int, reason: Reason, by: By = None) -> None:
    """Turn a proposed list down · 否决清单."""
    from grid import duty_proposals
    from layers.postgres import SYSTEM, session

    now = dt.datetime.now(dt.UTC)
    with session(SYSTEM, migrated_database()) as db:
        _done(
            duty_proposals.reject(db, proposal, by=by or operator(), reason=reason, supervises=True, now=now)
        )


def undo(proposal: int, reason: Reason, by: By = None) -> None:
    """Take an approved list back; refused with what rests on it · 撤销清单."""
    from grid import duty_proposals
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        now = dt.datetime.now(dt.UTC)
        _done(duty_proposals.undo(db, proposal, by=by or operator(), reason=reason, now=now))


def _done(row: DutyProposal) -> None:
    console.print(f"[green]✓[/] {row.id} {row.status}, {row.effective_on}", highlight=False)


def read_day(written: str) -> dt.date:
    """Return a day that was written for a command."""
    try:
        return dt.date.fromisoformat(written)
    except ValueError as error:
        raise typer.BadParameter(f"{written!r} is not a day (YYYY-MM-DD)") from error


def tell_impact(impact: dict[str, Any]) -> None:
    """Print which open cases, towns and officers a list touches."""

    def line(told: str) -> None:
        console.print(told, markup=False, highlight=False)

    for case in impact["cases"][:MOST_TOLD]:
        others = ""
        if sorted(case["co_handlers_now"]) != sorted(case["co_handlers_new"]):
            others = f" ({', '.join(case['co_handlers_now'])} → {', '.join(case['co_handlers_new'])})"
        line(f"  案件 case {case['number']}: {case['lead_now']} → {case['lead_new']}{others}")
    for town in impact["towns"][:MOST_TOLD]:
        words = {"gains": "获得 gains", "loses": "失去 loses"}[town["change"]]
        line(f"  镇 town {town['town_code']} {words} {town['item_code']} {town['item']} ({town['body']})")
    for officers in impact["officers"][:MOST_TOLD]:
        n = len(officers["certificates"])
        line(f"  人员 officers {officers['body']} {officers['item_code']} {officers['area_code']}: {n}")
    for fault in impact["faults"][:MOST_TOLD]:
        line(f"  ✗ {fault['rule']}: {fault['en']} {fault['zh']}")
    counts = {name: len(rows) for name, rows in impact.items()}
    line(
        f"{counts['ended']} 条终止 end, {counts['begun']} 条开始 begin; {counts['cases']} 件案件 cases,"
        f" {counts['towns']} 镇次 towns, {counts['officers']} 处人员 officers"
    )
