"""``wangge analyse``, ``wangge replay`` and ``wangge partition``: what runs the models, and decides again."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from geo_api.cli.documents import emit
from geo_api.cli.installation import migrated_database
from geo_api.http.progress import console
from geo_api.http.settings import read_settings
from layers.local_time import local_zone


def _moment(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not an ISO 8601 time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=local_zone())


def day(text: str | None) -> str | None:
    """Read a day as ``YYYY-MM-DD``; another text is refused."""
    try:
        return None if text is None else dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a day (YYYY-MM-DD)") from error


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
    from geo_api.cli.results.analysis_document import document
    from geo_api.cli.results.runs import tell_look_back
    from geo_api.jobs.analysis import Analysis
    from geo_api.jobs.snapshots import SnapshotStore

    if what not in ("all", "stays"):
        raise typer.BadParameter("all or stays", param_hint="WHAT")
    if from_ is not None or to is not None:
        from geo_api.jobs.stays_of_files import analyse_files

        if what != "stays":
            raise typer.BadParameter("--from goes with `analyse stays`", param_hint="WHAT")
        only = day(first_day), day(last_day)
        emit(analyse_files(from_, to, scheduler, days=only, states=states))
        return
    settings = read_settings()
    url = migrated_database(settings)
    snapshots = SnapshotStore(str(settings.snapshots_folder()))
    folder = settings.models_folder()
    analysis = Analysis(url, at=_moment(at), days=days, snapshots=snapshots, models_folder=folder)
    result = analysis.run(only_stays=what == "stays", write=write)
    if as_json:
        emit(document(url, result))
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


def replay_decision(
    which: Annotated[str, typer.Argument(help="案件编号或预警号 number of a case, or id of an alert")],
) -> None:
    """Decide a case or an alert again from its snapshot, and print the decision · 按快照重演."""
    from geo_api.jobs.snapshots import SnapshotStore, replay

    settings = read_settings()
    store = SnapshotStore(str(settings.snapshots_folder()))
    decision = replay(migrated_database(settings), store, which)
    typer.echo(decision.decode())


def partition(
    from_: Annotated[str, typer.Option("--from", help="Parquet file or folder of fixes; a path or URL")],
    to: Annotated[str, typer.Option(help="Folder for day=…/bucket=…/*.parquet; a path or URL")],
    buckets: Annotated[int, typer.Option(min=1, max=100_000, help="Parts a day; the same for ever")] = 64,
) -> None:
    """Fixes by UTC day and bucket of vehicles, for `analyse stays --scheduler` · 按日与车辆分区."""
    from geo_api.jobs.stays_of_files import partition_files

    emit(partition_files(from_, to, buckets))
