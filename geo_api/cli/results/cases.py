"""``wangge cases list`` and ``show``: which cases there are, where each lies and who must act."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from geo_api.cli.installation import migrated_database
from geo_api.http.progress import console
from layers.local_time import local_zone
from layers.records import newest_cases, read_case_file
from layers.tables import CASE_STATES
from maps.glossary import names

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
ANY = "all"


def cases_list(
    state: Annotated[str, typer.Option(help=f"{', '.join(CASE_STATES)}, or {ANY}")] = ANY,
    limit: Annotated[int, typer.Option(min=1, help="At most so many")] = 100,
    as_json: AsJson = False,
) -> None:
    """List cases, the newest first: state, place and who must act · 列出案件."""
    from layers.postgres import SYSTEM, session

    if state not in (*CASE_STATES, ANY):
        raise typer.BadParameter(f"one of {', '.join(CASE_STATES)}, {ANY}", param_hint="--state")
    with session(SYSTEM, migrated_database()) as db:
        found = newest_cases(db, states=CASE_STATES if state == ANY else (state,), limit=limit)
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
        return
    table = Table("编号 number", "状态 state", "事项 matter", "镇 town", "主办 lead", "期限 due")
    for case in found:
        table.add_row(case["number"], _both("state", case["state"]), case["item_code"], case["town"] or "",
                      case["lead_body"] or "", _local(case["due_at"]))  # fmt: skip
    console.print(table, highlight=False)


def cases_show(
    number: Annotated[str, typer.Argument(help="案件编号 number of the case")], as_json: AsJson = False
) -> None:
    """Show a case: where it lies, who leads and joins with the rule that says so, its steps · 查看案件."""
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        found = read_case_file(db, number)
        document = {
            **found.feature["properties"],
            "explanation": found.case.assignment.get("explanation", []),
            "events": found.event_dicts(),
        }
    if as_json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        return
    table = Table(show_header=False, box=None)
    for name, value in _rows(document):
        table.add_row(name, value)
    console.print(table, markup=False, highlight=False)


def _rows(case: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows of a case as people read it."""
    rows = [
        ("案件 case", f"{case['number']}  {case['title']}"),
        ("状态 state", _both("state", case["state"])),
        ("事项 matter", case["item_code"]),
        ("网格 grid", case["grid_code"] or ""),
        ("位置 place", " / ".join(case[level] or "" for level in ("county", "town", "community"))),
        ("主办 lead body", case["lead_body"] or ""),
        ("协办 co-handlers", "、".join(case["co_handlers"] or [])),
        ("期限 due", _local(case["due_at"])),
    ]
    rows += [("依据 why", f"{each['zh']}\n{each['en']}") for each in case["explanation"]]
    steps = (f"{_local(e['at'])} {_both('action', e['action'])}  {e['actor']}" for e in case["events"])
    return [*rows, *(("步骤 step", step) for step in steps)]


def _both(group: str, code: str) -> str:
    found = names(group, code)
    return f"{found['zh']} {found['en']}"


def _local(moment: str | None) -> str:
    """Return a time of the API by the clock of the city."""
    return (
        "" if moment is None else f"{datetime.fromisoformat(moment).astimezone(local_zone()):%Y-%m-%d %H:%M}"
    )
