"""``wangge models``: model files that come with the program or stand in the folder of the installation."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from geo_api.cli.installation import migrated_database
from geo_api.http.progress import console
from geo_api.http.settings import read_settings

models_app = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


@models_app.command("list")
def models_list(as_json: AsJson = False) -> None:
    """List the model files, refused ones with the reason · 列出模型."""
    from geo_api.models.model_files import model_files

    files = model_files(read_settings().models_folder())
    if as_json:
        told = [
            {
                "name": file.model.name if file.model else file.name,
                "version": file.model.version if file.model else None,
                "origin": file.origin,
                "source": file.source,
                "fault": None if file.fault is None else str(file.fault),
            }
            for file in files
        ]
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
        return
    table = Table("模型 model", "版本 version", "名称 title", "预警 kind", "信号 signals", "来源 from")
    for file in files:
        if file.model is None:
            table.add_row(f"[red]✗ {file.name}[/]", "", str(file.fault), "", "", file.source)
            continue
        model = file.model
        table.add_row(
            model.name, model.version, f"{model.title.zh} {model.title.en}", model.alert_kind,
            str(len(model.signals)), file.source,
        )  # fmt: skip
    console.print(table, highlight=False)


@models_app.command("check")
def models_check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="模型文件 model file (TOML)")],
) -> None:
    """Check a model file: each fault with line, field and reason · 检查模型文件."""
    from geo_api.models.model_files import read_model_file
    from spatial_models.errors import WrongModelFile

    try:
        model = read_model_file(file)
    except WrongModelFile as error:
        for fault in error.faults:
            console.print(f"[red]✗[/] {file}:{fault.line}", end=" ", highlight=False)
            console.print(str(fault), markup=False, highlight=False)
        raise typer.Exit(1) from error
    console.print(
        f"[green]✓[/] {model.name} {model.version}：{len(model.signals)} 个信号 signals,"
        f" {len(model.families)} 类证据 families",
        highlight=False,
    )


@models_app.command("run")
def models_run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="模型名 name of the model")],
    dry: Annotated[bool, typer.Option("--dry", help="Write nothing: say what would be raised")] = False,
    as_json: AsJson = False,
) -> None:
    """Run one model in force over the newest data · 运行一个模型."""
    from geo_api.cli.results.analysis_document import document
    from geo_api.cli.results.runs import tell_look_back
    from geo_api.jobs.analysis import Analysis
    from geo_api.jobs.snapshots import SnapshotStore

    settings = read_settings()
    url = migrated_database(settings)
    store = SnapshotStore(str(settings.snapshots_folder()))
    analysis = Analysis(url, snapshots=store, models_folder=settings.models_folder(), only_models=[name])
    result = analysis.run(write=False if dry else None)
    if as_json:
        sys.stdout.write(json.dumps(document(url, result), ensure_ascii=False, indent=1, default=str) + "\n")
        return
    console.print_json(data={"counts": result.counts})
    if result.would_raise is not None:
        tell_look_back(result)
