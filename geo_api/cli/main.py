"""The command line: ``wangge``."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from geo_api.cli import cases as cli_cases
from geo_api.cli import city as cli_city
from geo_api.cli import db as cli_db
from geo_api.cli import dispatch as cli_dispatch
from geo_api.cli import grid as cli_grid
from geo_api.cli import imports as cli_imports
from geo_api.cli import models as cli_models
from geo_api.cli import sharing as cli_sharing
from geo_api.cli import users as cli_users
from geo_api.cli.importing import import_city, map_of_options
from geo_api.cli.installation import migrated_database
from geo_api.cli.maintenance import upgrade
from geo_api.cli.partition.commands import grid_app
from geo_api.cli.responsibility import registers as cli_registers
from geo_api.cli.results import alerts_app, evaluate, meters_app, models_app, runs_app
from geo_api.cli.search.commands import find_text
from geo_api.cli.site_places.commands import sites_app
from geo_api.cli.sources import sources_app
from geo_api.cli.unprivileged import work_on_file
from geo_api.http.progress import console, step
from geo_api.http.settings import WrongSetting, read_settings
from geo_api.http.unprivileged import unprivileged_account
from layers.errors import LayerError
from layers.ground import GROUND_LAYERS
from layers.imports import FILE_KINDS
from layers.local_time import local_zone
from layers.private_server import ServerUser
from layers.tables import AREA_KINDS

if TYPE_CHECKING:
    from geo_api.imports.import_file import ImportReport

app = typer.Typer(
    help="网格: where is something wrong, who is responsible, what became of it · 哪里有问题、谁负责、结果如何",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_db.db_app, name="db", help="数据库 the private PostGIS")
app.add_typer(cli_cases.cases_app, name="cases")
app.add_typer(cli_users.users_app, name="users")
app.add_typer(alerts_app, name="alerts")
app.add_typer(runs_app, name="runs")
app.add_typer(meters_app, name="meters")
cli_models.add_to(models_app)
app.add_typer(models_app, name="models")
app.add_typer(cli_imports.imports_app, name="imports")
app.add_typer(sources_app, name="sources")
app.add_typer(sites_app, name="sites")
app.add_typer(grid_app, name="grid")
app.add_typer(cli_registers.registers_app, name="registers")
app.add_typer(cli_dispatch.dispatches_app, name="dispatches")
app.add_typer(cli_dispatch.officers_app, name="officers")
app.add_typer(cli_sharing.webhooks_app, name="webhooks")
app.command("changes")(cli_sharing.changes)
cli_grid.add_to(app)
app.command("find")(find_text)
app.command("init")(cli_city.init)
app.command("evaluate")(evaluate)
app.command("upgrade")(upgrade)


def main() -> None:
    """Run the command line; an error of ours is one clear message, not a traceback."""
    sys.exit(_exit_code(app))


def _exit_code(work: Callable[[], object], shown: Callable[[str], str] = str) -> int:
    """Do work; an error of ours is told, as it is to be shown, and is exit code 2."""
    from grid.errors import GridError
    from spatial_models.errors import ModelError

    try:
        work()
    except (WrongSetting, LayerError, GridError, ModelError) as error:
        console.print(f"[bold red]错误 error[/] {type(error).__name__}: ", end="")
        console.print(shown(str(error)), markup=False, highlight=False)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _emit(document: object) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1, default=str) + "\n")


def _moment(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not an ISO 8601 time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=local_zone())


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise typer.BadParameter(f"{name!r} is not an IANA time zone") from error


def _day(text: str | None) -> str | None:
    try:
        return None if text is None else dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a day (YYYY-MM-DD)") from error


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes")] = 1,
) -> None:
    """Serve the API and the map · 启动服务."""
    from geo_api.server.serving import serve_forever

    serve_forever(read_settings(), host, port, workers)


@app.command()
def worker(
    once: Annotated[bool, typer.Option(help="Do one analysis and what waits, then stop")] = False,
) -> None:
    """Run the scheduled jobs · 运行定时任务."""
    from geo_api.jobs.worker import run_worker

    run_worker(read_settings(), once=once)


@app.command()
def check() -> None:
    """Say what is wrong with this installation and how to mend it · 检查安装."""
    from geo_api.cli.check import check_installation

    table = Table("", "项 item", "结果 finding", "如何修复 how to mend")
    findings = check_installation(read_settings())
    for finding in findings:
        table.add_row(
            "[green]✓[/]" if finding.ok else "[red]✗[/]",
            finding.name,
            f"{finding.detail_zh}\n{finding.detail_en}",
            "" if finding.ok else finding.mend,
        )
    console.print(table)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@app.command("import")
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
        "actor": cli_imports.operator(),
    }
    account = unprivileged_account()
    for name, file in _found(kind, path, skip_unknown):
        if account is None or not file.is_file():
            _import_one(name, file, file.parent, options)
        elif code := _import_as(account, name, file, options):
            raise typer.Exit(code)


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


def _import_as(account: ServerUser, kind: str, file: Path, options: dict[str, Any]) -> int:
    """Import a file in a process without root's rights."""

    def work(staged: Path, beside: Path) -> int:
        def shown(text: str) -> str:
            return text.replace(str(staged.parent), str(beside))

        return _exit_code(lambda: _import_one(kind, staged, beside, options), shown)

    return work_on_file(file, account, options["url"], ["geo_api.imports.import_file"], work)


def _import_one(kind: str, file: Path, beside: Path, options: dict[str, Any]) -> None:
    """Import a file and say what came of it; what is written goes into the folder ``beside`` in the end."""
    from geo_api.imports.import_file import import_file

    with step(f"导入 import {kind} · {file.name}") as tell:
        report = import_file(kind, file, progress=tell, **options)
    report.rejected = report.rejected and beside / report.rejected.name
    report.notes = [note.replace(str(file.parent), str(beside)) for note in report.notes]
    _tell(report)


def _tell(report: ImportReport) -> None:
    """What an import did, for a person."""
    written, skipped = report.written, report.skipped
    console.print(
        f"  {report.rows:,} 行 rows: 新增 {written.inserted:,} new, 更改 {written.updated:,} changed, "
        f"未变 {written.unchanged:,} as they were, 跳过 {skipped:,} skipped"
    )
    for note in report.notes:
        console.print(f"  [yellow]![/] {note}", highlight=False)
    if report.rejected:
        console.print(f"  [yellow]![/] 被拒行及原因 rejected rows and reasons: {report.rejected}")
    console.print(f"  批次 batch {report.batch_id}", highlight=False)


@app.command()
def analyse(
    what: Annotated[str, typer.Argument(help="all, or stays only")] = "all",
    at: Annotated[
        str | None, typer.Option(help="The moment to look back from; default the newest fix or reading")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="How far back tracks are read")] = 30,
    write: Annotated[
        bool | None,
        typer.Option(
            "--write/--dry",
            help="Write what is found, or only say it; default: write, unless --at is older than the newest data",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document")] = False,
    from_: Annotated[
        str | None, typer.Option("--from", help="stays: Parquet file or folder instead of the database")
    ] = None,
    to: Annotated[str | None, typer.Option(help="stays: Parquet file for the stays, with --from")] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="tcp://host:port of a Dask scheduler, or local; --to is a folder then")
    ] = None,
    first_day: Annotated[str | None, typer.Option(help="With --scheduler: from this UTC day on")] = None,
    last_day: Annotated[str | None, typer.Option(help="With --scheduler: up to this UTC day")] = None,
    states: Annotated[
        str | None, typer.Option(help="With --scheduler: folder of states, each night continues the last")
    ] = None,
) -> None:
    """Fixes → stays → visits → signals → alerts → cases · 分析."""
    from geo_api.cli.analysis_document import document
    from geo_api.cli.results.runs import tell_look_back
    from geo_api.jobs.analysis import Analysis
    from geo_api.jobs.snapshots import SnapshotStore

    if what not in ("all", "stays"):
        raise typer.BadParameter("all or stays", param_hint="WHAT")
    if from_ is not None or to is not None:
        from geo_api.jobs.stays_of_files import analyse_files

        if what != "stays":
            raise typer.BadParameter("--from goes with `analyse stays`", param_hint="WHAT")
        only = _day(first_day), _day(last_day)
        _emit(analyse_files(from_, to, scheduler, days=only, states=states))
        return
    settings = read_settings()
    url = migrated_database(settings)
    snapshots = SnapshotStore(str(settings.snapshots_folder()))
    folder = settings.models_folder()
    analysis = Analysis(url, at=_moment(at), days=days, snapshots=snapshots, models_folder=folder)
    result = analysis.run(only_stays=what == "stays", write=write)
    if as_json:
        _emit(document(url, result))
        return
    console.print_json(data={"counts": result.counts, "seconds": result.seconds})
    if result.would_raise is not None:
        tell_look_back(result)
    for message in (result.visits_unjudged or {}).values():
        console.print(f"[yellow]![/] {message}", highlight=False)
    for spot in result.blind_spots:
        console.print(f"[yellow]![/] {spot['zh']}\n  {spot['en']}", highlight=False)
    for left in result.without_cases:
        console.print(f"[yellow]![/] {left.message_zh}", highlight=False)
        console.print(f"[yellow]![/] {left.message_en}", highlight=False)


@app.command("replay")
def replay_decision(
    which: Annotated[str, typer.Argument(help="案件编号或预警号 number of a case, or id of an alert")],
) -> None:
    """Decide a case or an alert again from its snapshot, and print the decision · 按快照重演."""
    from geo_api.jobs.snapshots import SnapshotStore, replay

    settings = read_settings()
    store = SnapshotStore(str(settings.snapshots_folder()))
    decision = replay(migrated_database(settings), store, which)
    typer.echo(decision.decode())


@app.command()
def partition(
    from_: Annotated[str, typer.Option("--from", help="Parquet file or folder of fixes; a path or URL")],
    to: Annotated[str, typer.Option(help="Folder for day=…/bucket=…/*.parquet; a path or URL")],
    buckets: Annotated[int, typer.Option(min=1, max=100_000, help="Parts a day; the same for ever")] = 64,
) -> None:
    """Fixes by UTC day and bucket of vehicles, for `analyse stays --scheduler` · 按日与车辆分区."""
    from geo_api.jobs.stays_of_files import partition_files

    _emit(partition_files(from_, to, buckets))


@app.command()
def demo(
    once: Annotated[bool, typer.Option(help="Make, analyse, stop (no server)")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document")] = False,
    seed: Annotated[int, typer.Option(help="Another seed makes another city")] = 1,
    grids: Annotated[int, typer.Option(min=2_000, help="Unit grids")] = 12_000,
    end_day: Annotated[
        str | None,
        typer.Option(
            help="Last day of its month; default: the last whole day, or that of a demo of this week"
        ),
    ] = None,
    month: Annotated[
        bool, typer.Option("--month/--without-month", help="Also a month of cases in all states")
    ] = True,
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    port: Annotated[int, typer.Option()] = 8000,
) -> None:
    """Make the demo city, analyse it and serve it · 演示."""
    from geo_api.cli.demo import current_end_day, prepare_demo

    settings = read_settings()
    if "self_approval" not in settings.model_fields_set:
        settings.self_approval = True  # one person tries all roles
    day = _day(end_day)
    until = dt.date.fromisoformat(day) if day else current_end_day(settings, seed=seed, grids=grids)
    prepared = prepare_demo(settings, seed=seed, grids=grids, end_day=until, month=month)
    if as_json:
        _emit(prepared.document)
    if once:
        return
    from geo_api.server.serving import serve_forever

    table = Table("用户 user", "密码 password", "角色 role", title="演示账户 demo logins")
    for login in prepared.logins:
        table.add_row(login.username, login.password, login.role)
    console.print(table)
    console.print(f"[bold]http://{host}:{port}/[/]  ·  http://{host}:{port}/map/")
    serve_forever(settings, host, port, 1)


if __name__ == "__main__":
    main()
