"""Commands about the history of the partition."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Column, Table

from geo_api.cli.installation import migrated_database
from geo_api.http.progress import console

if TYPE_CHECKING:
    from grid.change_sets.history import Story

grid_app = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document")]
_CODE = Column("编码 code", no_wrap=True, min_width=15)
Day = Annotated[dt.datetime, typer.Argument(formats=["%Y-%m-%d"], help="YYYY-MM-DD")]


@grid_app.command("story")
def grid_story(
    code: Annotated[str, typer.Argument(help="Code of a grid, of any time")],
    kind: Annotated[str, typer.Option(help="unit_grid, community, town or county")] = "unit_grid",
    as_json: AsJson = False,
) -> None:
    """Tell what became of a grid: its versions, those before and after it, who changed it and why · 网格沿革."""
    from grid.change_sets.history import story_of_area
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        story = story_of_area(db, code, kind)
    if as_json:
        console.print_json(data=asdict(story), default=str)
        return
    console.print(_story_table(story))


def _story_table(story: Story) -> Table:
    """Return the versions as a table, the oldest first; days are those of the city."""
    from layers.local_time import local_day

    table = Table(_CODE, "名称 name", "起 from", "止 until", "来自 from", "去向 to", "变更 change set")
    for version in story.versions:
        change = version.change
        told = "" if change is None else f"#{change.id} {change.title} {change.reason}".strip()
        who = "" if change is None else f" · {change.author} → {change.approved_by or ''}"
        table.add_row(
            version.code,
            version.name,
            f"{local_day(version.valid_from)}",
            "" if version.valid_to is None else f"{local_day(version.valid_to)}",
            ", ".join(version.predecessors),
            ", ".join(version.successors),
            told + who,
        )
    return table


@grid_app.command("difference")
def grid_difference(
    since: Day,
    until: Day,
    area: Annotated[str | None, typer.Option(help="Code of an area; none: the whole city")] = None,
    as_json: AsJson = False,
) -> None:
    """List the grids that ended, began or have another border between the ends of two days · 两日差异."""
    from grid.change_sets.history import difference_of_days
    from layers.local_time import start_of_day
    from layers.postgres import SYSTEM, session

    ends = [start_of_day(day.date() + dt.timedelta(days=1)) for day in (since, until)]
    with session(SYSTEM, migrated_database()) as db:
        found = difference_of_days(db, ends[0], ends[1], area)
    if as_json:
        console.print_json(data=asdict(found), default=str)
        return
    table = Table(_CODE, "名称 name", "变化 change", "来自 from", "去向 to", "变更 change set")
    for one in found.changes:
        number = "" if one.change_set_id is None else f"#{one.change_set_id}"
        table.add_row(
            one.code, one.name, one.change, ", ".join(one.follows), ", ".join(one.followed_by), number
        )
    console.print(table)
    console.print(
        f"{found.n_before:,} → {found.n_after:,} 网格 unit grids, {len(found.changes):,} 变化 changes"
    )


@grid_app.command("sheet")
def grid_sheet_command(
    code: Annotated[str, typer.Argument(help="Code of a grid that holds now")],
    out: Annotated[Path, typer.Option(help="File: .html")] = Path("sheet.html"),
    kind: Annotated[str, typer.Option(help="unit_grid, community or town")] = "unit_grid",
    lang: Annotated[Literal["zh", "en"], typer.Option(help="Language that is shown first")] = "zh",
) -> None:
    """Write the sheet of a grid on A4: map, border in words, staff, enterprises · 网格信息表."""
    from grid.responsibility import grid_sheet
    from layers.local_time import local_zone
    from layers.postgres import SYSTEM, session
    from maps.reports import grid_report

    with session(SYSTEM, migrated_database()) as db:
        sheet = grid_sheet(db, code, kind)
    page = grid_report(asdict(sheet), language=lang, time_zone=local_zone().key)
    out.write_text(page, encoding="utf-8")
    console.print(f"[green]✓[/] {out}", highlight=False)


@grid_app.command("codes")
def grid_codes(
    change_set: Annotated[int, typer.Argument(help="Number of the change set")],
    out: Annotated[Path | None, typer.Option(help="File: .csv or .xlsx; none: print")] = None,
) -> None:
    """Show the codes old and new of a change set · 变更对照表."""
    from geo_api.areas.written_codes import written_codes
    from grid.change_sets.history import codes_of_change_set
    from layers.postgres import SYSTEM, session
    from layers.records import read_change_set

    with session(SYSTEM, migrated_database()) as db:
        rows = codes_of_change_set(db, read_change_set(db, change_set))
    if out is None:
        table = Table("原编码 old", "新编码 new", "占原面积 share")
        for row in rows:
            table.add_row(row.old_code, row.new_code, f"{row.share:.1%}")
        console.print(table)
        return
    form: Literal["csv", "xlsx"] = "xlsx" if out.suffix == ".xlsx" else "csv"
    out.write_bytes(written_codes(rows, form))
    console.print(f"[green]✓[/] {out}", highlight=False)
