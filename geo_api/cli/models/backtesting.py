"""``wangge models backtest``: a model on past days, with what had arrived by then."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from geo_api.cli.installation import migrated_database
from geo_api.cli.models.fitting import day_begin
from geo_api.cli.models.versions import Name
from geo_api.http.progress import console, step
from geo_api.http.settings import read_settings
from geo_api.models.in_force import FILE
from layers.local_time import local_zone

if TYPE_CHECKING:
    from geo_api.jobs.backtest import Backtest

DAY = dt.timedelta(days=1)
MOST_LOOKS = 1_000


def add_to(models_app: typer.Typer) -> None:
    """Add this command to ``wangge models``."""
    models_app.command("backtest")(backtest)


def backtest(
    name: Name,
    since: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD")],
    until: Annotated[str, typer.Option("--to", help="Last day, YYYY-MM-DD")],
    every: Annotated[str, typer.Option(help="Between two looks, as 7d")] = "7d",
    version: Annotated[
        str | None, typer.Option(help=f"A stored version, or {FILE}; default: the one in force")
    ] = None,
    as_known: Annotated[
        bool,
        typer.Option(
            "--as-known/--with-later",
            help="Only what had arrived by the day; --with-later: also what arrived or was corrected later",
        ),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Run a model as of past days and measure it by later checks; writes nothing · 回测."""
    done = _looked_back(name, version, moments_between(since, until, every), as_known=as_known)
    if as_json:
        sys.stdout.write(json.dumps(done.as_json(), ensure_ascii=False, indent=1, default=str) + "\n")
    else:
        _tell(done)


def compare(name: str, versions: Sequence[str], since: str, until: str, every: str) -> None:
    """Backtest versions of a model on the same days and tell their figures side by side.

    Raises
    ------
    typer.BadParameter
        A day or the time between two looks is none.
    """
    moments = moments_between(since, until, every)
    results = [_looked_back(name, version, moments).results for version in versions]
    table = Table("回测 backtest", *versions)
    rows: dict[str, list[float | None]] = {
        "预警场所 sites flagged": [one.figures.n + one.not_judged for one in results],
        "已核查 judged": [one.figures.n for one in results],
        "属实 confirmed": [one.figures.confirmed for one in results],
        "漏报 missed": [len(one.missed) for one in results],
        "log loss": [one.figures.log_loss for one in results],
        "Brier": [one.figures.brier for one in results],
        "提前中位数 median lead, days": [one.median_lead_days for one in results],
        **{
            f"precision@{k}": [one.figures.precision_at.get(str(k)) for one in results]
            for k in sorted({int(k) for one in results for k in one.figures.precision_at})
        },
    }
    for title, values in rows.items():
        table.add_row(title, *("—" if value is None else f"{value:.4g}" for value in values))
    console.print(table, highlight=False)


def moments_between(since: str, until: str, every: str) -> list[dt.datetime]:
    """Return the ends of days, in the city, from a day to another, so many days apart.

    Raises
    ------
    typer.BadParameter
        A day or the time between two looks is none, or there are too many looks.
    """
    begin, end = day_begin(since, "--from"), day_begin(until, "--to")
    length = re.fullmatch(r"([1-9]\d{0,3})d", every)
    if begin is None or end is None or end < begin:
        raise typer.BadParameter("--from is a day, and --to not before it", param_hint="--from")
    if length is None:
        raise typer.BadParameter("a number of days, as 7d", param_hint="--every")
    days = (end.date() - begin.date()).days
    moments = [_end_of(begin.date() + n * DAY) for n in range(0, days + 1, int(length[1]))]
    if len(moments) > MOST_LOOKS:
        raise typer.BadParameter(f"{len(moments)} looks, at most {MOST_LOOKS}", param_hint="--every")
    return moments


def _looked_back(
    name: str, version: str | None, moments: Sequence[dt.datetime], *, as_known: bool = True
) -> Backtest:
    from geo_api.jobs import backtest as job

    with step(f"回测 backtest {name} {version or ''}") as tell:
        return job.backtest(
            migrated_database(), name, moments, version=version, folder=read_settings().models_folder(),
            as_known=as_known, progress=tell,
        )  # fmt: skip


def _end_of(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(23, 59, 59), local_zone())


def _tell(done: Backtest) -> None:
    results = done.results
    days = Table("日 day", "预警 flagged", "已核查 judged", "属实 confirmed", "precision@k")
    for day in results.days:
        at_k = ", ".join(f"{k}: {share:.2f}" for k, share in day.precision_at.items())
        days.add_row(f"{day.at:%Y-%m-%d}", str(day.flagged), str(day.judged), str(day.confirmed), at_k)
    console.print(days, highlight=False)
    found = results.figures
    lead = "—" if results.median_lead_days is None else f"{results.median_lead_days:.1f}"
    console.print(
        f"{done.model} {done.version}：{found.n} 处已核查 sites judged，{found.confirmed} 属实 confirmed，"
        f"{results.not_judged} 未核查 not judged，{len(results.missed)} 漏报 missed，"
        f"提前中位数 median lead {lead} 天 days",
        highlight=False,
    )
    if found.n:
        console.print(f"log loss {found.log_loss:.4f}，Brier {found.brier:.4f}", highlight=False)
    bins = Table("可靠性 reliability: 平均分 mean score", "n", "属实 confirmed", "95 %")
    for one in found.reliability:
        bins.add_row(f"{one.mean_score:.2f}", str(one.n), f"{one.share:.2f}", f"{one.low:.2f}-{one.high:.2f}")
    areas = Table("县 county", "预警 flagged", "属实 confirmed", "误报 false alarms")
    for name, row in results.by_area.items():
        areas.add_row(name or "—", *(str(row[key]) for key in ("flagged", "confirmed", "false_alarms")))
    console.print(bins, areas, highlight=False)
    if done.without_data:
        told = ", ".join(f"{at:%Y-%m-%d}" for at in done.without_data)
        console.print(f"[yellow]![/] 当时尚无数据 nothing had arrived: {told}", highlight=False)
    for note in done.notes:
        console.print(f"[yellow]![/] {note['zh']}\n  {note['en']}", highlight=False)
