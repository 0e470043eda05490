"""``wangge report``: the report of a case or of the hot spots as a file, HTML or PDF, in one language or both."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from geo_api.cli.installation import migrated_database
from geo_api.http.progress import console
from geo_api.http.settings import Settings, read_settings
from maps.reports import Shown

report_app = typer.Typer(
    help="报告 reports as files: HTML or PDF, in one language or both", no_args_is_help=True
)


class Languages(StrEnum):
    """Languages of a report."""

    zh = "zh"
    en = "en"
    both = "both"


AsPdf = Annotated[bool, typer.Option("--pdf", help="PDF on A4; needs Chromium on this machine")]
InLanguages = Annotated[Languages, typer.Option("--lang", help="Language, or both")]
Out = Annotated[
    Path | None, typer.Option("--out", help="File to write; named by what it reports when left out")
]


@report_app.command("case")
def report_case(
    number: Annotated[str, typer.Argument(help="案件编号 number of the case")],
    lang: InLanguages = Languages.zh,
    pdf: AsPdf = False,
    out: Out = None,
) -> None:
    """Write the report of a case, as a supervisor of the city sees it · 案件报告."""
    from geo_api.auth.callers import Caller
    from geo_api.cases.reports import case_page
    from layers.postgres import SYSTEM, session
    from layers.records import read_case_file

    settings = read_settings()
    with session(SYSTEM, migrated_database(settings)) as db:
        html = case_page(db, read_case_file(db, number), Caller(scope=SYSTEM), shown(lang))
    _write(html, settings, out or Path(number.replace("/", "-")), pdf)


@report_app.command("hot-spots")
def report_hot_spots(
    run_id: Annotated[int | None, typer.Option("--run", min=1, help="Default: the newest run")] = None,
    lang: InLanguages = Languages.zh,
    pdf: AsPdf = False,
    out: Out = None,
) -> None:
    """Write the report of the hot spots of a run · 热点报告."""
    from geo_api.cases.reports import hot_spot_page, newest_hot_spot_run
    from layers.postgres import SYSTEM, session

    settings = read_settings()
    with session(SYSTEM, migrated_database(settings)) as db:
        html = hot_spot_page(db, newest_hot_spot_run(db, run_id), shown(lang))
    _write(html, settings, out or Path("hot-spots"), pdf)


def shown(lang: Languages) -> Shown:
    """Return the languages as a report takes them."""
    named: dict[Languages, Shown] = {Languages.zh: "zh", Languages.en: "en", Languages.both: "both"}
    return named[lang]


def _write(html: str, settings: Settings, path: Path, pdf: bool) -> None:
    """Write a report for nobody but its owner: it names enterprises and people."""
    from maps.printing import find_chromium, print_pdf

    if pdf:
        content = print_pdf(html, find_chromium(settings.chromium))
    else:
        content = html.encode()
    if not path.suffix:
        path = path.with_name(f"{path.name}.{'pdf' if pdf else 'html'}")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    console.print(f"[green]✓[/] {path} ({len(content):,} bytes)", highlight=False)
