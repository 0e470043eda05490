"""``wangge import --city FILE``: all sources of a city file, or a look at what they would change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape
from rich.table import Table

from geo_api.cli.importing.repeated_notes import RepeatedNotes
from geo_api.cli.installation import operator
from geo_api.cli.unprivileged import work_on_files
from geo_api.http.progress import console, step
from geo_api.http.settings import Settings
from geo_api.http.unprivileged import unprivileged_account
from geo_api.imports.folders import DRY_RUN_MAP
from layers.local_time import local_zone

if TYPE_CHECKING:
    from geo_api.city_file import Source
    from geo_api.imports.city_sources import FileOutcome, Unused

MOST_TOLD = 20
SKIPPED = 2
"""Exit code when a file or a row was not imported."""


def import_city(
    settings: Settings,
    url: str,
    path: Path,
    only: Sequence[str],
    *,
    dry: bool,
    despite_contracts: bool = False,
) -> int:
    """Import the sources of a city file, all or those of the names; returns the exit code.

    As root the files are read by an account without its rights.
    """
    from geo_api.city_file import read_sources

    sources = _chosen(read_sources(path), only, path)
    whole = not only
    account = unprivileged_account()

    def work(file: Path) -> int:
        return _run(settings, url, file, sources, dry=dry, whole=whole, despite=despite_contracts)

    if account is None:
        return work(path)
    from geo_api.imports.city_sources import find_source_files

    found = find_source_files(sources, path.parent, leave_out=settings.data_dir, others=whole)
    tables = [t for s in sources for one in s.column_map(path.parent).lookups.values() for t in one.tables]
    contracts = {path.parent / source.contract for source in sources if source.contract is not None}
    present = [file for file in contracts if file.is_file()]
    paths = [path, *(file for files in found.by_source.values() for file in files), *tables, *present]
    unused = [one.path for one in found.unused if one.path.is_file()]

    return work_on_files(
        [*paths, *unused],
        account,
        url,
        ("geo_api.imports.city_sources", "maps.reports"),
        lambda staged: work(staged[0]),
    )


def _chosen(sources: list[Source], only: Sequence[str], path: Path) -> list[Source]:
    names = [source.name for source in sources]
    if not sources:
        raise typer.BadParameter(f"{path} names no [[sources]] 没有来源", param_hint="--city")
    if unknown := [name for name in only if name not in names]:
        told = f"{', '.join(unknown)}: one of 应为 {', '.join(names)}"
        raise typer.BadParameter(told, param_hint="--only")
    return [source for source in sources if not only or source.name in only]


def _run(
    settings: Settings,
    url: str,
    path: Path,
    sources: list[Source],
    *,
    dry: bool,
    whole: bool,
    despite: bool,
) -> int:
    """Import, tell every file, and say what was not taken."""
    from geo_api.imports.city_sources import SourceRun, find_source_files, import_sources

    found = find_source_files(sources, path.parent, leave_out=settings.data_dir, others=whole)
    run = SourceRun(url, path.parent, settings.unit_grid_profile(), operator(), step, dry, despite)
    outcomes = []
    repeated = RepeatedNotes()
    for outcome in import_sources(run, sources, found):
        _tell(outcome, repeated, dry=dry)
        outcomes.append(outcome)
    for note in repeated.summary():
        console.print(f"[yellow]![/] {escape(note)}", highlight=False)
    for one in found.unused:
        _tell_unused(one, path.parent)
    lost = [one for one in found.unused if one.lost]
    console.print(_summary(outcomes, dry=dry))
    if dry:
        target = path.with_name(path.name + DRY_RUN_MAP)
        target.write_text(_map_of(outcomes), encoding="utf-8")
        console.print(f"未写入任何数据 nothing was written; 地图 map: {target.name}", highlight=False)
    refused = [one for one in outcomes if one.outcome in ("refused", "waits")]
    rows = sum(one.report.skipped for one in outcomes if one.report is not None)
    if refused or lost or rows:
        console.print(
            f"[yellow]![/] {len(lost)} 个文件未导入 files left out, {len(refused)} 个被拒绝 refused,"
            f" {rows:,} 行被拒绝 rows refused ({len(sources)} 个来源 sources)",
            highlight=False,
        )
        return SKIPPED
    return 0


def _tell(outcome: FileOutcome, repeated: RepeatedNotes, *, dry: bool) -> None:
    """Tell what came of one file."""
    about = escape(f"{outcome.source.name} · {outcome.path.name}")
    if outcome.outcome == "same":
        told = f"{about} · 内容未变，已作为批次 {outcome.reason} 导入 unchanged, batch {outcome.reason}"
        console.print(f"[dim]=[/] {told}", highlight=False)
    elif outcome.outcome == "waits":
        console.print(
            f"[red]✗[/] {about}: 须等 {outcome.reason}，未导入 waits for {outcome.reason}, which was refused",
            highlight=False,
        )
    elif outcome.outcome == "refused":
        console.print(f"[red]✗[/] {about}: 被拒绝 refused", highlight=False)
        console.print(f"    {outcome.reason}", markup=False, highlight=False)
    elif (report := outcome.report) is not None:
        written = report.written
        console.print(
            f"  {report.rows:,} 行 rows: 新增 {written.inserted:,} new, 更改 {written.updated:,} changed, "
            f"未变 {written.unchanged:,} as they were, 被拒 {report.skipped:,} refused"
            + ("" if dry else f"; 批次 batch {report.batch_id}"),
            highlight=False,
        )
        for note in repeated.new_ones(report.notes, outcome.path.name):
            console.print(f"  [yellow]![/] {escape(note)}", highlight=False)
        for fault in report.faults[:MOST_TOLD]:
            console.print(f"    {fault}", markup=False, highlight=False)
        if report.rejected and not dry:
            console.print(f"  [yellow]![/] 被拒行及原因 rejected rows and reasons: {report.rejected.name}")


def _tell_unused(one: Unused, folder: Path) -> None:
    sign = "[yellow]![/]" if one.lost else " "
    shown = one.path.relative_to(folder) if one.path.is_relative_to(folder) else one.path
    console.print(f"{sign} {escape(f'{shown}: {one.reason}')}", highlight=False, soft_wrap=True)


def _summary(outcomes: list[FileOutcome], *, dry: bool) -> Table:
    """Return the table by source."""
    columns = [
        "来源\nsource",
        "文件\nfiles",
        "新\nnew",
        "改\nchanged",
        "止\nended",
        "未变\nsame",
        "拒\nrefused",
    ]
    table = Table(*columns, *(["移动 m\nmoved", "时间\ntimes"] if dry else []))
    for row in source_rows(outcomes):
        moved = (
            f"{row['moved']:,} (~{row['moved_median_m']:.1f}, ≤{row['moved_max_m']:.1f})"
            if row["moved"]
            else ""
        )
        counts = [f"{row[name]:,}" for name in ("files", "new", "changed", "ended", "unchanged", "refused")]
        table.add_row(escape(row["source"]), *counts, *([moved, row["times"]] if dry else []))
    return table


def source_rows(outcomes: list[FileOutcome]) -> list[dict[str, Any]]:
    """Return what changed by source: counts, metres of the file that moved most, and the span of times."""
    rows: dict[str, dict[str, Any]] = {}
    spans: dict[str, list[dt.datetime]] = {}
    for one in outcomes:
        zero = dict.fromkeys(("files", "new", "changed", "ended", "unchanged", "refused", "moved"), 0)
        row = rows.setdefault(
            one.source.name,
            {"source": one.source.name, **zero, "moved_median_m": 0.0, "moved_max_m": 0.0, "times": ""},
        )
        row["files"] += 1
        if one.report is None:
            row["refused"] += one.outcome != "same"
            continue
        found, report = one.differences, one.report
        row["new"] += report.written.inserted if found is None else found.new
        row["changed"] += report.written.updated if found is None else found.changed
        row["ended"] += 0 if found is None else found.ended
        row["unchanged"] += report.written.unchanged
        row["refused"] += report.skipped
        if found is not None and found.moved:
            row["moved"] += found.moved
            row["moved_median_m"] = max(row["moved_median_m"], found.moved_median_m)
            row["moved_max_m"] = max(row["moved_max_m"], found.moved_max_m)
        if report.times is not None:
            spans.setdefault(one.source.name, []).extend(report.times)
            ends = min(spans[one.source.name]), max(spans[one.source.name])
            row["times"] = " – ".join(f"{end.astimezone(local_zone()):%Y-%m-%d %H:%M}" for end in ends)
    return list(rows.values())


def _map_of(outcomes: list[FileOutcome]) -> str:
    from maps.reports import changes_report

    shapes = [
        {"source": one.source.name, **vars(shape)}
        for one in outcomes
        if one.differences is not None
        for shape in one.differences.shapes
    ]
    return changes_report(source_rows(outcomes), shapes, at=dt.datetime.now(dt.UTC))
