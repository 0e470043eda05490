"""Commands about areas and responsibility: ``wangge assign``, ``wangge duties …``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from geo_api.progress import console, step

duties_app = typer.Typer(help="权责清单 duty list", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("assign")(assign)
    app.add_typer(duties_app, name="duties")


def _ready() -> str:
    from layers.database import database_url, migrate

    url = database_url()
    migrate(url)
    return url


def assign(
    path: Annotated[Path, typer.Argument(help="CSV or Parquet: lon, lat, item_code[, at, accuracy_m, id]")],
    crs: Annotated[str | None, typer.Option(help="wgs84|cgcs2000|gcj02|bd09|EPSG:n, no default")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV or Parquet; default FILE.assigned.csv")] = None,
    at: Annotated[dt.datetime | None, typer.Option(help="Time of rows that name none; default now")] = None,
    explain: Annotated[bool, typer.Option(help="Add the explanation as a column of JSON")] = False,
) -> None:
    """Who is responsible for every row of a file · 批量判定责任主体."""
    from geo_api.assign_file import assign_file
    from layers.database import SYSTEM, session

    target = out or path.with_name(
        f"{path.stem}.assigned{path.suffix if path.suffix == '.parquet' else '.csv'}"
    )
    moment = at.replace(tzinfo=dt.UTC) if at is not None and at.tzinfo is None else at
    with step(f"判定 assign {path.name}"), session(SYSTEM, _ready()) as db:
        counts = assign_file(db, path, target, crs=crs, at=moment, explain=explain)
    for outcome, rows in sorted(counts.items()):
        console.print(f"  {outcome}: {rows:,}")
    console.print(f"[green]✓[/] {target}", highlight=False)
