"""``python -m geo_api.demo_city OUT --seed 3 --grids 12000`` writes the files of a demo city."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from geo_api.demo_city.city import STEPS, DemoCity, make_city
from geo_api.demo_city.sizes import END_DAY
from layers.errors import LayerError

_STEP_WORDS = {
    "areas": "区域与网格 areas and grids",
    "lots": "园区与地块 parks and lots",
    "roads": "道路与河道 roads and waterways",
    "enterprises": "企业与场所 enterprises and sites",
    "meters": "用电用水 meters",
    "tracks": "车辆轨迹 tracks",
    "duties": "权责清单 duty list",
    "truth": "植入真值 planted truth",
}


def main(
    out: Annotated[Path, typer.Argument(help="输出目录 / folder for the files")],
    seed: Annotated[int, typer.Option(help="随机种子 / another seed is another city")] = 1,
    grids: Annotated[int, typer.Option(help="单元网格数 / number of unit grids")] = 12_000,
    size: Annotated[str, typer.Option(help="full | small | evaluation")] = "full",
    kinds: Annotated[
        str,
        typer.Option(help="另植入的类别 / kinds planted besides: extended, decoys, quiet, monthly, or names"),
    ] = "",
    end_day: Annotated[str, typer.Option(help="数据的最后一天 / last day of the data")] = END_DAY.isoformat(),
) -> None:
    """生成演示城市 / make the demo city."""
    console = Console(stderr=True)
    try:
        with Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
        ) as bar:
            task = bar.add_task(_STEP_WORDS[STEPS[0]], total=len(STEPS))

            def show(step: str, done: int, total: int) -> None:
                following = STEPS[done] if done < total else step
                bar.update(task, completed=done, description=_STEP_WORDS[following])

            day = dt.date.fromisoformat(end_day)
            city = make_city(out, seed=seed, grids=grids, size=size, end_day=day, kinds=kinds, progress=show)
    except (LayerError, ValueError) as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(2) from error
    console.print(_summary(city))


def _summary(city: DemoCity) -> Table:
    table = Table("kind", "rows")
    for kind, count in city.counts.items():
        table.add_row(kind, f"{count:,}")
    table.caption = f"{city.folder}, seed {city.seed}, {sum(city.seconds.values()):.1f} s"
    return table


if __name__ == "__main__":
    typer.run(main)
