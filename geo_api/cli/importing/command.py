"""``wangge import``: files of one kind, a folder of them, or the sources of a city file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from geo_api.cli.exit_codes import exit_code
from geo_api.cli.importing.city_sources import import_city
from geo_api.cli.importing.map_options import map_of_options
from geo_api.cli.importing.repeated_notes import RepeatedNotes
from geo_api.cli.installation import migrated_database, operator
from geo_api.cli.unprivileged import work_on_file
from geo_api.http.progress import console, step
from geo_api.http.settings import read_settings
from geo_api.http.unprivileged import unprivileged_account
from layers.ground import GROUND_LAYERS
from layers.imports import FILE_KINDS
from layers.private_server import ServerUser
from layers.tables import AREA_KINDS

if TYPE_CHECKING:
    from geo_api.imports.import_file import ImportReport


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise typer.BadParameter(f"{name!r} is not an IANA time zone") from error


def import_(
    kind: Annotated[str | None, typer.Argument(help=f"{', '.join(FILE_KINDS)} or all")] = None,
    path: Annotated[
        Path | None,
        typer.Argument(help="File, folder or quoted glob; with `all` a folder of files named by kind"),
    ] = None,
    crs: Annotated[
        str | None,
        typer.Option(help="wgs84|cgcs2000|gcj02|bd09|EPSG:n, no default; file: as each file states"),
    ] = None,
    ignore_file_crs: Annotated[
        bool, typer.Option(help="Read files as --crs says although they state another CRS")
    ] = False,
    layer: Annotated[
        list[str] | None, typer.Option(help="Layer, or member of a zip; all when left out")
    ] = None,
    sheet: Annotated[list[str] | None, typer.Option(help="Sheet of a workbook; all when left out")] = None,
    tz: Annotated[
        str | None, typer.Option(help="Zone of times written without one; default the city's")
    ] = None,
    skip_unknown: Annotated[
        bool, typer.Option(help="Import what is known although other files lie there")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option(help="Write the good rows, put bad ones into FILE.rejected.csv")
    ] = False,
    indicative: Annotated[bool, typer.Option(help="Areas: show as indicative (示意)")] = False,
    template: Annotated[bool, typer.Option(help="Print an example file and stop")] = False,
    city: Annotated[
        Path | None, typer.Option(help="Import the sources that this city.toml names, docs/imports.md")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="With --city: sources of these names only")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --city: show what would change, write nothing")
    ] = False,
    despite_contracts: Annotated[
        bool, typer.Option("--despite-contracts", help="With --city: import what breaks its contract, too")
    ] = False,
    mapped: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="Ours=theirs, as lon=X坐标; kind:=county a constant; value*=0.001 a factor"
        ),
    ] = None,
    add_bodies: Annotated[
        bool, typer.Option(help="Duties: add bodies that the register does not know, as unconfirmed")
    ] = False,
) -> None:
    """Load files; all or nothing, safe to repeat · 导入数据."""
    from geo_api.imports.source_parts import Choice
    from layers.imports import add_names
    from layers.imports import template as example

    if template:
        if kind not in FILE_KINDS:
            raise typer.BadParameter(f"one of {', '.join(FILE_KINDS)}", param_hint="KIND")
        sys.stdout.write(example(kind))
        return
    settings = read_settings()
    if city is not None:
        url = migrated_database(settings)
        add_names(settings.data_dir / "import_names.toml")
        raise typer.Exit(
            import_city(settings, url, city, only or (), dry=dry_run, despite_contracts=despite_contracts)
        )
    if kind is None or path is None:
        raise typer.BadParameter("name the kind and the file (or the folder with `all`)", param_hint="PATH")
    url, profile = migrated_database(settings), settings.unit_grid_profile()
    add_names(settings.data_dir / "import_names.toml")
    options = {
        "column_map": map_of_options(mapped or (), kind),
        "crs": crs,
        "crs_use": "override" if ignore_file_crs else "fallback" if kind == "all" else "check",
        "choice": Choice(tuple(layer or ()), tuple(sheet or ())),
        "zone": _zone(tz),
        "skip_bad": skip_bad,
        "add_bodies": add_bodies,
        "indicative": (*AREA_KINDS, *GROUND_LAYERS) if indicative else (),
        "url": url,
        "grid_profile": profile,
        "actor": operator(),
    }
    account = unprivileged_account()
    repeated = RepeatedNotes()
    for name, file in _found(kind, path, skip_unknown):
        if account is None or not file.is_file():
            _import_one(name, file, file.parent, options, repeated)
        elif code := _import_as(account, name, file, options, repeated):
            raise typer.Exit(code)
    for note in repeated.summary():
        console.print(f"[yellow]![/] {note}", highlight=False)


def _found(kind: str, path: Path, skip_unknown: bool) -> list[tuple[str, Path]]:
    """Return the files to import; those that are not taken are named and end the command, or are skipped."""
    from geo_api.imports.folders import find_files

    found = find_files(kind, path)
    for file in found.papers:
        console.print(f"  {file}: 不是数据，未导入 no data, not imported", highlight=False, soft_wrap=True)
    for file, reason in found.unknown:
        console.print(f"  [yellow]![/] {file}: {reason}", highlight=False, soft_wrap=True)
    if found.unknown and not skip_unknown:
        n = len(found.unknown)
        console.print(
            f"{n} 个文件未被识别，未导入任何文件；--skip-unknown 跳过 file(s) not taken, nothing was imported",
            highlight=False,
        )
        raise typer.Exit(2)
    if not found.files:
        raise typer.BadParameter(f"{path} holds none of {', '.join(FILE_KINDS)}", param_hint="PATH")
    return found.files


MOST_PIPED = 60_000
"""Bytes that a pipe holds while nobody reads; of longer notes nothing is kept for the summary."""


def _import_as(
    account: ServerUser, kind: str, file: Path, options: dict[str, Any], repeated: RepeatedNotes
) -> int:
    """Import a file in a process without root's rights; its notes come back through a pipe."""
    back, out = os.pipe()

    def work(staged: Path, beside: Path) -> int:
        def shown(text: str) -> str:
            return text.replace(str(staged.parent), str(beside))

        def work_and_tell() -> None:
            notes = _import_one(kind, staged, beside, options, repeated)
            os.write(out, json.dumps(notes).encode()[:MOST_PIPED])

        return exit_code(work_and_tell, shown)

    code = work_on_file(file, account, options["url"], ["geo_api.imports.import_file"], work)
    os.close(out)
    with open(back, "rb") as pipe:
        told = pipe.read()
    repeated.new_ones(json.loads(told) if told.endswith(b"]") else [], file.name)
    return code


def _import_one(
    kind: str, file: Path, beside: Path, options: dict[str, Any], repeated: RepeatedNotes
) -> list[str]:
    """Import a file, say what came of it, return its notes; what is written goes into ``beside`` in the end."""
    from geo_api.imports.import_file import import_file

    with step(f"导入 import {kind} · {file.name}") as tell:
        report = import_file(kind, file, progress=tell, **options)
    report.rejected = report.rejected and beside / report.rejected.name
    report.notes = [note.replace(str(file.parent), str(beside)) for note in report.notes]
    _tell(report, repeated.new_ones(report.notes, file.name))
    return report.notes


def _tell(report: ImportReport, notes: list[str]) -> None:
    """Print the result of an import for a person, with the notes that no file before it had."""
    written, skipped = report.written, report.skipped
    console.print(
        f"  {report.rows:,} 行 rows: 新增 {written.inserted:,} new, 更改 {written.updated:,} changed, "
        f"未变 {written.unchanged:,} as they were, 跳过 {skipped:,} skipped"
    )
    for note in notes:
        console.print(f"  [yellow]![/] {note}", highlight=False)
    if report.rejected:
        console.print(f"  [yellow]![/] 被拒行及原因 rejected rows and reasons: {report.rejected}")
    console.print(f"  批次 batch {report.batch_id}", highlight=False)
