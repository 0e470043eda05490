"""``wangge runs``: runs of the models with window, parameters, fingerprint, blind spots and seconds."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from geo_api.cli.installation import migrated_database
from geo_api.http.progress import console
from layers.local_time import local_zone
from maps.glossary import names

if TYPE_CHECKING:
    from geo_api.jobs.analysis import AnalysisResult
    from layers.tables import ModelRun

runs_app = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
FIELDS = (
    "id", "model", "version", "at", "window_from", "window_to", "finished_at", "counts", "blind_spots", "seconds",
)  # fmt: skip


def _emit(document: object) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1, default=str) + "\n")


def _document(run: ModelRun, *more: str) -> dict[str, Any]:
    return {name: getattr(run, name) for name in (*FIELDS, *more)}


@runs_app.command("list")
def runs_list(
    limit: Annotated[int, typer.Option(min=1, help="The newest ones")] = 20, as_json: AsJson = False
) -> None:
    """List runs, the newest first · 列出运行."""
    from layers.postgres import SYSTEM, session
    from layers.records import newest_runs

    with session(SYSTEM, migrated_database()) as db:
        found = newest_runs(db, limit)
        if as_json:
            _emit([_document(run) for run in found])
            return
        table = Table(
            "id",
            "模型 model",
            "时点 at",
            "新增预警 raised",
            "降低 lowered",
            "立案 cases",
            "盲区 blind",
            "秒 s",
        )
        for run in found:
            numbers = [run.counts.get(name) for name in ("alerts_raised", "alerts_lowered", "cases_opened")]
            table.add_row(
                str(run.id), f"{run.model} {run.version}", f"{run.at.astimezone(local_zone()):%Y-%m-%d %H:%M}",
                *("" if number is None else str(number) for number in numbers), str(len(run.blind_spots)),
                f"{sum(run.seconds.values()):.1f}" if run.seconds else "",
            )  # fmt: skip
    console.print(table, highlight=False)


@runs_app.command("show")
def runs_show(
    run_id: Annotated[int, typer.Argument(min=1, max=2**63 - 1, metavar="ID", help="运行号 id of the run")],
    as_json: AsJson = False,
) -> None:
    """Show a run: window, counts, blind spots, parameters, fingerprint, figures from later checks · 查看运行."""
    from geo_api.models.run_figures import run_figures
    from layers.postgres import SYSTEM, session
    from layers.records import read_run

    with session(SYSTEM, migrated_database()) as db:
        document = _document(read_run(db, run_id), "parameters", "fingerprint")
        document["figures"] = run_figures(db, run_id)
    if as_json:
        _emit(document)
        return
    for spot in document.pop("blind_spots"):
        console.print(f"[yellow]![/] {spot['zh']}\n  {spot['en']}", highlight=False)
    console.print_json(data=document, default=str)


def tell_look_back(result: AnalysisResult) -> None:
    """Say what a run that wrote nothing would raise."""
    console.print("[yellow]![/] 未写入：早于最新数据的回看只作说明，写入请加 --write", highlight=False)
    console.print(
        "  nothing was written: a look back says what it would raise, --write writes it", highlight=False
    )
    table = Table("类型 kind", "场所或围栏 site or fence", "等级 level", "分值 score", "变化 change")
    for one in result.would_raise or ():
        finding = one.finding
        level, change = names("level", finding.level), names("score_change", one.decision.change)
        table.add_row(
            one.kind,
            finding.subject_id,
            f"{level['zh']} {level['en']}",
            f"{finding.score:.2f}",
            f"{change['zh']} {change['en']}",
        )
    console.print(table, highlight=False)
