"""Commands about areas and responsibility: ``wangge assign``, ``wangge duties …``, ``wangge places …``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geo_api.cli.installation import migrated_database
from geo_api.cli.responsibility import proposals
from geo_api.http.progress import console, step

if TYPE_CHECKING:
    from grid.responsibility import Duty

places_app = typer.Typer(no_args_is_help=True)
duties_app = typer.Typer(no_args_is_help=True)
proposals.add_to(duties_app)
MOST_TOLD = 1_000
"""Faults of rows, and of the whole, that are printed: more of them are one trouble and not many."""


def _tell_fault(told: str) -> None:
    """One line, whatever a file put into its values."""
    console.print("[red]✗[/]", end=" ")
    console.print("".join(c if c.isprintable() else " " for c in told), markup=False, highlight=False)


def assign(
    path: Annotated[Path, typer.Argument(help="CSV or Parquet: lon, lat, item_code[, at, accuracy_m, id]")],
    crs: Annotated[str | None, typer.Option(help="wgs84|cgcs2000|gcj02|bd09|EPSG:n, no default")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV or Parquet; default FILE.assigned.csv")] = None,
    at: Annotated[dt.datetime | None, typer.Option(help="Time of rows that name none; default now")] = None,
    explain: Annotated[bool, typer.Option(help="Add the explanation as a column of JSON")] = False,
) -> None:
    """Find who is responsible for every row of a file · 批量判定责任主体."""
    from geo_api.imports.assign_file import assign_file
    from layers.postgres import SYSTEM, session

    target = out or path.with_name(
        f"{path.stem}.assigned{path.suffix if path.suffix == '.parquet' else '.csv'}"
    )
    moment = at.replace(tzinfo=dt.UTC) if at is not None and at.tzinfo is None else at
    with step(f"判定 assign {path.name}"), session(SYSTEM, migrated_database()) as db:
        counts = assign_file(db, path, target, crs=crs, at=moment, explain=explain)
    for outcome, rows in sorted(counts.items()):
        console.print(f"  {outcome}: {rows:,}")
    console.print(f"[green]✓[/] {target}", highlight=False)


@duties_app.command("check")
def duties_check(
    path: Annotated[Path | None, typer.Argument(help="CSV, XLSX or Parquet; none: the stored list")] = None,
) -> None:
    """Say what is wrong with a duty list; 1 when something is · 检查权责清单."""
    from geo_api.imports.duty_files import DutyReport, read_duties
    from grid.responsibility import check_stored, stored_list
    from layers.postgres import SYSTEM, session
    from layers.records import known_area_codes

    with session(SYSTEM, migrated_database()) as db:
        known = known_area_codes(db)
        if path is None:
            report = DutyReport(stored_list(db), [], check_stored(db))
        else:
            report = read_duties(path, known or None)
    for fault in report.rows[:MOST_TOLD]:
        _tell_fault(str(fault))
    for whole in report.whole[:MOST_TOLD]:
        rows = "" if path is None else f"row {', '.join(map(str, whole.lines))} 行, "
        _tell_fault(f"{rows}{whole.rule}: {whole} {whole.zh}")
    more = sum(max(len(faults) - MOST_TOLD, 0) for faults in (report.rows, report.whole))
    if more:
        console.print(f"… 另有 and {more:,} 更多 more")
    items = len({duty.item_code for duty in report.duties})
    console.print(
        f"{len(report.duties):,} 行 lines, {items:,} 事项 items, {len(report.rows) + len(report.whole)} 问题 faults"
    )
    raise typer.Exit(0 if report.ok else 1)


@duties_app.command("diff")
def duties_diff(
    old: Annotated[str, typer.Argument(help="File, or a date (YYYY-MM-DD) of the stored list")],
    new: Annotated[str, typer.Argument(help="File, or a date")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document")] = False,
    impact: Annotated[
        bool,
        typer.Option(
            "--impact",
            help="Also which open cases, towns and officers NEW would touch if it held from OLD, a date, on",
        ),
    ] = False,
) -> None:
    """Compare two versions of the duty list · 比较权责清单."""
    from dataclasses import asdict

    from grid.responsibility import compare_lists

    day = proposals.read_day(old) if impact else None
    lines = _duties_of(new)
    changes = compare_lists(_duties_of(old), lines)
    touched = None if day is None else _impact(lines, day)
    if as_json:
        told = [asdict(change) for change in changes]
        document = told if touched is None else {"changes": told, "impact": touched}
        console.print_json(data=document, default=str)
        return
    marks = {
        "added": "[green]+[/]",
        "removed": "[red]-[/]",
        "withdrawn": "[red]↓[/]",
        "handed_on": "[yellow]→[/]",
    }
    for change in changes:
        console.print(marks.get(change.change, "[yellow]~[/]"), end=" ")
        console.print(f"{change.change} {change}", markup=False, highlight=False)
    console.print(f"{len(changes)} 处变化 changes")
    if touched is not None:
        proposals.tell_impact(touched)


def _impact(lines: list[Duty], day: dt.date) -> dict[str, Any]:
    """Return what a list would touch if it replaced the stored one from a day on; nothing is written."""
    from grid.duty_proposals import impact_of
    from layers.postgres import SYSTEM, advisory_lock, session

    with session(SYSTEM, migrated_database()) as db, advisory_lock(db, "import"):
        return impact_of(db, lines, day, "whole").as_json()


def _duties_of(version: str) -> list[Duty]:
    """Lines of a file, or of the stored list as it holds on a day."""
    from geo_api.imports.duty_files import read_duties
    from grid.responsibility import in_force, stored_list
    from layers.errors import RejectedRows
    from layers.postgres import SYSTEM, session

    try:
        day = dt.date.fromisoformat(version)
    except ValueError:
        report = read_duties(Path(version))
        if report.rows:
            raise RejectedRows(version, report.rows) from None
        return report.duties
    with session(SYSTEM, migrated_database()) as db:
        return in_force(stored_list(db), day)


@duties_app.command("matter")
def duties_matter(
    kind: Annotated[str, typer.Argument(help="Kind of alert, as illegal_resumption")],
    item_code: Annotated[str, typer.Argument(help="Code of an item of the stored list")],
) -> None:
    """Set the item that cases of a kind of alert are opened for, in city.toml too · 设定预警立案事项."""
    from geo_api.city_file import set_matter_in_file
    from geo_api.http.settings import read_settings
    from grid.alerts import set_matter
    from layers.postgres import SYSTEM, session

    settings = read_settings()
    with session(SYSTEM, migrated_database(settings)) as db:
        matter = set_matter(db, kind, item_code)
        if settings.city_path().exists():
            set_matter_in_file(settings.city_path(), kind, item_code)
    console.print(f"[green]✓[/] {matter.kind} {matter.kind_zh}: {matter.item_code}", highlight=False)


@duties_app.command("empowered")
def duties_empowered(
    town: Annotated[str | None, typer.Option(help="Code of the town; none: all")] = None,
) -> None:
    """List which town may act on which item, since when, and what was withdrawn · 乡镇赋权清单."""
    from rich.table import Table

    from grid.responsibility import empowerments, stored_list
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        found = [one for one in empowerments(stored_list(db)) if town in (None, one.town_code)]
    table = Table("镇 town", "事项 item", "主体 body", "起 from", "收回 withdrawn")
    for one in found:
        table.add_row(
            one.town_code,
            f"{one.item_code} {one.item}",
            one.body,
            str(one.valid_from),
            str(one.withdrawn_on or ""),
        )
    console.print(table)


@places_app.command("refresh")
def places_refresh() -> None:
    """Make the names of places anew from areas, roads, waterways and enterprises · 更新地名库."""
    from grid.gazetteer import refresh_place_names
    from layers.postgres import SYSTEM, session

    with step("更新地名库 refresh names"), session(SYSTEM, migrated_database()) as db:
        names = refresh_place_names(db)
    console.print(f"[green]✓[/] {names:,} 个地名 names")


@places_app.command("find")
def places_find(address: Annotated[str, typer.Argument(help="Text of an address")]) -> None:
    """Show the places that an address may mean, the best first · 地址解析."""
    from grid.gazetteer import find_places, source_states
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        (found,) = find_places(db, [address])
        stale = [state.source for state in source_states(db) if state.stale]
    for each in found.candidates:
        line = f"{each.score:.2f}  {each.name}  {each.kind}  {each.lon:.5f}, {each.lat:.5f}  {each.matched}"
        console.print(line, markup=False, highlight=False)
    if found.another_city:
        console.print(f"不在本市 in another city: {found.another_city}", markup=False)
    elif not found.candidates:
        console.print("没有找到 nothing found")
    if stale:
        console.print(
            f"[yellow]![/] 已变化，请运行 changed since, run wangge places refresh: {', '.join(stale)}"
        )
