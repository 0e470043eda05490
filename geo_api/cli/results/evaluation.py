"""``wangge evaluate``: planted cities analysed and compared with their truth."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from geo_api.http.progress import console
from geo_api.http.settings import Settings, read_settings

OF_CITY = {"demo": ("demo",), "second": ("second",), "both": ("demo", "second")}


def evaluate(
    seeds: Annotated[str, typer.Option(help="种子 seeds: 1-5, or 1,3")] = "1-3",
    city: Annotated[str, typer.Option(help="城市 demo | second | both")] = "both",
    kinds: Annotated[
        str, typer.Option(help="植入类别 extended, decoys, quiet, monthly, or names divided by commas")
    ] = "extended",
    weeks: Annotated[
        int, typer.Option(min=0, max=8, help="回看周数 look backs before the last day, one a week")
    ] = 4,
    out: Annotated[
        Path | None, typer.Option(help="输出目录 folder for evaluation.json, evaluation.md and pictures")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document")] = False,
) -> None:
    """Measure the analysis on planted cities; exit code 1 when it is below the bar · 评估."""
    from geo_api.demo_city.kinds import chosen_kinds
    from geo_api.evaluation import Plan, document, faults_of
    from geo_api.evaluation import evaluate as run
    from geo_api.evaluation.work_database import work_database

    if city not in OF_CITY:
        raise typer.BadParameter("demo, second or both", param_hint="--city")
    try:
        chosen_kinds(kinds)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--kinds") from error
    plan = Plan(OF_CITY[city], _seeds(seeds), kinds, weeks)
    settings = read_settings()
    folder = out or settings.data_dir / "evaluation" / "results"

    about = _about(plan, settings)

    def keep(outcomes: Sequence[Any]) -> None:
        paper = document(outcomes, about) | {"below_the_bar": faults_of(outcomes, kinds)}
        _write(folder, outcomes, about, paper)

    with work_database(settings) as url:
        outcomes = run(plan, url=url, folder=settings.data_dir / "evaluation" / "cities", keep=keep)
    faults = faults_of(outcomes, kinds)
    if as_json:
        sys.stdout.write((folder / "evaluation.json").read_text(encoding="utf-8"))
    _tell(outcomes, faults, folder)
    raise typer.Exit(1 if faults else 0)


def _seeds(text: str) -> list[int]:
    """Seeds as people write them: ``1-5`` or ``1,3``."""
    try:
        if "-" in text:
            first, last = map(int, text.split("-"))
            found = list(range(first, last + 1))
        else:
            found = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: 1-5, or 1,3", param_hint="--seeds") from error
    if not found:
        raise typer.BadParameter(f"{text!r} holds no seed", param_hint="--seeds")
    return found


def _about(plan: Any, settings: Settings) -> dict[str, object]:
    """Options of an evaluation, for the page and the document."""
    from geo_api.models.model_files import model_files

    files = model_files(settings.models_folder())
    return {
        "cities": ", ".join(plan.cities),
        "seeds": ", ".join(map(str, plan.seeds)),
        "kinds": plan.selection,
        "look backs, weekly": plan.weeks,
        "wangge": importlib.metadata.version("wangge"),
        "models": ", ".join(f"{one.model.name} {one.model.version}" for one in files if one.model),
    }


def _write(folder: Path, outcomes: Sequence[Any], about: dict[str, object], paper: dict[str, Any]) -> None:
    from geo_api.evaluation import draw_pictures, page
    from geo_api.evaluation.pictures import pictures_can_be_drawn

    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    if pictures_can_be_drawn():
        pictures = [path.name for path in draw_pictures(outcomes, folder)]
    else:
        console.print("[yellow]![/] 未安装 matplotlib，不绘图 no pictures: pip install 'wangge\\[evaluate]'")
    text = json.dumps(paper, ensure_ascii=False, indent=1) + "\n"
    (folder / "evaluation.json").write_text(text, encoding="utf-8")
    (folder / "evaluation.md").write_text(page(outcomes, about, pictures), encoding="utf-8")


def _tell(outcomes: Sequence[Any], faults: list[str], folder: Path) -> None:
    """The table by kind and the figures, for a person."""
    from geo_api.evaluation.metrics import by_kind, summary
    from geo_api.evaluation.pages import shown

    table = Table(
        "类别 kind", "植入 guilty", "数 sites", "立案 cases", "关注 attention", "无 none", "滞后 days"
    )
    for row in by_kind(outcomes):
        lead = "" if row.lead_days is None else f"{row.lead_days:g}"
        cells = (row.sites, row.cases, row.attention, row.missed)
        table.add_row(row.kind, "●" if row.guilty else "", *map(str, cells), lead)
    console.print(table)
    for name, share in vars(summary(outcomes)).items():
        console.print(f"  {name.replace('_', ' ')}: {shown(share)}", highlight=False)
    for fault in faults:
        console.print(f"[red]✗[/] {fault}", highlight=False)
    console.print(f"{'[red]✗ below the bar[/]' if faults else '[green]✓ the bar holds[/]'}  {folder}")
