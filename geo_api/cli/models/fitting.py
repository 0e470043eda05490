"""``wangge models fit|add``: a version of a model from outcomes of checks, or from a file."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from geo_api.cli.installation import migrated_database
from geo_api.cli.models.versions import Name, Note, deciding_account
from geo_api.http.progress import console, step
from geo_api.http.settings import read_settings
from layers.local_time import start_of_day

if TYPE_CHECKING:
    from geo_api.models.learning import LearntModel

Maker = Annotated[
    str | None, typer.Option("--by", help="Account that makes the version; another puts it into force")
]


def add_to(models_app: typer.Typer) -> None:
    """Add these commands to ``wangge models``."""
    models_app.command("fit")(fit)
    models_app.command("add")(add)


def fit(
    name: Name,
    since: Annotated[str | None, typer.Option("--from", help="Outcomes from this day on, YYYY-MM-DD")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Outcomes up to this day, YYYY-MM-DD")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Store the new version; it is not in force yet")
    ] = False,
    by: Maker = None,
    note: Note = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Fit a model to the outcomes of checks: old against new on sites held out · 用核查结果拟合模型."""
    from geo_api.models.learning import learn, write_learnt
    from layers.postgres import SYSTEM, session

    if write and by is None:
        raise typer.BadParameter("--write needs --by", param_hint="--by")
    begin, end = day_begin(since, "--from"), day_begin(until, "--to")
    with session(SYSTEM, migrated_database()) as db:
        if by is not None:
            deciding_account(db, by, "put_models_in_force")
        with step(f"拟合 fit {name}"):
            learnt = learn(
                db, name, since=begin, until=None if end is None else end + dt.timedelta(days=1),
                folder=read_settings().models_folder(),
            )  # fmt: skip
        if as_json:
            found = {
                "model": name,
                "version": learnt.version,
                "based_on": learnt.based_on,
                **learnt.figures(),
            }
            sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=1, default=str) + "\n")
        else:
            _tell(learnt)
        if write and by is not None:
            write_learnt(db, learnt, by=by, note=note, now=dt.datetime.now(dt.UTC))
            console.print(
                f"[green]✓[/] {name} {learnt.version}：已保存，未生效 stored, not in force", highlight=False
            )


def add(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="模型文件 model file (TOML)")],
    by: Annotated[
        str, typer.Option("--by", help="Account that makes the version; another puts it into force")
    ],
    note: Note = "",
) -> None:
    """Store a model's file as a version; it is not in force yet · 由文件新增版本."""
    from geo_api.models.learning import add_model_file
    from layers.postgres import SYSTEM, session

    text = file.read_text(encoding="utf-8-sig", errors="replace")
    with session(SYSTEM, migrated_database()) as db:
        deciding_account(db, by, "put_models_in_force")
        made = add_model_file(db, text, by=by, note=note, now=dt.datetime.now(dt.UTC))
    console.print(
        f"[green]✓[/] {made.model} {made.version}：已保存，未生效 stored, not in force", highlight=False
    )


def day_begin(day: str | None, option: str) -> dt.datetime | None:
    """Return the first moment of a day of the city that was written for a command.

    Raises
    ------
    typer.BadParameter
    """
    try:
        return None if day is None else start_of_day(dt.date.fromisoformat(day))
    except ValueError as error:
        raise typer.BadParameter(f"{day!r} is not a day (YYYY-MM-DD)", param_hint=option) from error


def _tell(learnt: LearntModel) -> None:
    fitted = learnt.fitted
    console.print(
        f"{fitted.labels} 条核查结果 outcomes（属实 confirmed {fitted.confirmed}），"
        f"{learnt.cannot_tell} 条无法判定 cannot tell，{learnt.without_evidence} 条无证据记录 without evidence，"
        f"{fitted.left_out} 条其他信号 of other signals",
        highlight=False,
    )
    factors = Table("信号 signal", "系数 factor")
    for signal, factor in fitted.factors.items():
        factors.add_row(signal, f"{factor:.2f}")
    factors.add_row("先验 prior (log-odds)", f"{fitted.prior_step:+.2f}")
    console.print(factors, highlight=False)
    table = Table("留出场所 held-out sites", "原 old", "新 new")
    table.add_row("n", str(fitted.old.n), str(fitted.new.n))
    for title, name in (("log loss", "log_loss"), ("Brier", "brier")):
        table.add_row(title, *(f"{getattr(one, name):.4f}" for one in (fitted.old, fitted.new)))
    for title, name in (("precision@", "precision_at"), ("recall@", "recall_at")):
        old, new = getattr(fitted.old, name), getattr(fitted.new, name)
        for k in old:
            table.add_row(f"{title}{k}", f"{old[k]:.2f}", f"{new[k]:.2f}")
    console.print(table, highlight=False)
    bins = Table("可靠性 reliability: 平均分 mean score", "n", "属实 confirmed", "95 %")
    for one in fitted.new.reliability:
        bins.add_row(f"{one.mean_score:.2f}", str(one.n), f"{one.share:.2f}", f"{one.low:.2f}-{one.high:.2f}")
    console.print(bins, highlight=False)
    for told in learnt.warnings:
        console.print(f"[yellow]![/] {told['zh']}\n  {told['en']}", highlight=False)
