"""The command line: ``wangge``.

A command's code is imported when it is called, also by those that stand here.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import Annotated

import typer

from geo_api.cli.exit_codes import exit_code
from geo_api.cli.on_demand import Entry, GroupOnDemand
from geo_api.http.start_up import without_collection


class Commands(GroupOnDemand):
    """Commands of ``wangge`` that have modules of their own."""

    entries = (
        Entry(
            "init",
            "geo_api.cli.maintenance.city:init",
            "Write city.toml, what is not given as what is stored suggests, and the chain's key"
            " · 生成城市文件与签名密钥.",
        ),
        Entry(
            "upgrade",
            "geo_api.cli.maintenance.upgrade:upgrade",
            "Back up, bring the schema to this program's version, and go back when that fails · 升级.",
        ),
        Entry(
            "import",
            "geo_api.cli.importing.command:import_",
            "Load files; all or nothing, safe to repeat · 导入数据.",
        ),
        Entry(
            "analyse",
            "geo_api.cli.results.analysis:analyse",
            "Fixes → stays → visits → signals → alerts → cases · 分析.",
        ),
        Entry(
            "replay",
            "geo_api.cli.results.analysis:replay_decision",
            "Decide a case or an alert again from its snapshot, and print the decision · 按快照重演.",
        ),
        Entry(
            "evaluate",
            "geo_api.cli.results.evaluation:evaluate",
            "Measure the analysis on planted cities; exit code 1 when it is below the bar · 评估.",
        ),
        Entry(
            "partition",
            "geo_api.cli.results.analysis:partition",
            "Fixes by UTC day and bucket of vehicles, for `analyse stays --scheduler` · 按日与车辆分区.",
        ),
        Entry(
            "assign",
            "geo_api.cli.grid:assign",
            "Find who is responsible for every row of a file · 批量判定责任主体.",
        ),
        Entry(
            "find",
            "geo_api.cli.search.commands:find_text",
            "Find areas, companies, cases, alerts, vehicles, places and coordinates · 查找.",
        ),
        Entry(
            "changes",
            "geo_api.cli.sharing:changes",
            "Print as JSON the features of a collection that changed after a position · 列出变更的要素.",
        ),
        Entry("db", "geo_api.cli.db:db_app", "数据库 the private PostGIS"),
        Entry("users", "geo_api.cli.users:users_app", "账户 accounts"),
        Entry("imports", "geo_api.cli.importing.batches:imports_app", "导入批次 imports, and their undo"),
        Entry("sources", "geo_api.cli.sources:sources_app", "数据来源 sources of the city"),
        Entry("sites", "geo_api.cli.site_places.commands:sites_app", "企业场所 sites of enterprises"),
        Entry("meters", "geo_api.cli.results.meters:meters_app", "水电气表 meters"),
        Entry("places", "geo_api.cli.grid:places_app", "地名库 names of places"),
        Entry(
            "registers",
            "geo_api.cli.responsibility.registers:registers_app",
            "名录 registers: bodies, officers, matters, grid workers, households",
        ),
        Entry("duties", "geo_api.cli.grid:duties_app", "权责清单 duty list"),
        Entry("grid", "geo_api.cli.partition.commands:grid_app", "网格沿革 history of grids"),
        Entry(
            "models",
            "geo_api.cli.models:models_app",
            "模型 models: what is looked at and what evidence means",
        ),
        Entry("runs", "geo_api.cli.results.runs:runs_app", "模型运行 runs of the models"),
        Entry(
            "alerts",
            "geo_api.cli.results.alerts:alerts_app",
            "预警 alerts: queue, budget of checks, scores, outcomes",
        ),
        Entry("cases", "geo_api.cli.cases:cases_app", "案件 cases: list, proof, packs"),
        Entry(
            "report",
            "geo_api.cli.results.reports:report_app",
            "报告 reports as files: HTML or PDF, in one language or both",
        ),
        Entry("dispatches", "geo_api.cli.dispatch:dispatches_app", "派员 officers sent to cases"),
        Entry("officers", "geo_api.cli.dispatch:officers_app", "执法人员 officers"),
        Entry("webhooks", "geo_api.cli.sharing:webhooks_app", "推送 webhooks"),
    )


app = typer.Typer(
    cls=Commands,
    help="网格: where is something wrong, who is responsible, what became of it · 哪里有问题、谁负责、结果如何",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; an error of ours is one clear message, not a traceback."""
    sys.exit(exit_code(app))


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes")] = 1,
) -> None:
    """Serve the API and the map · 启动服务."""
    with without_collection():
        from geo_api.http.settings import read_settings
        from geo_api.server.serving import serve_forever

    serve_forever(read_settings(), host, port, workers)


@app.command()
def worker(
    once: Annotated[bool, typer.Option(help="Do one analysis and what waits, then stop")] = False,
) -> None:
    """Run the scheduled jobs · 运行定时任务."""
    with without_collection():
        from geo_api.http.settings import read_settings
        from geo_api.jobs.worker import run_worker

    run_worker(read_settings(), once=once)


@app.command()
def check() -> None:
    """Say what is wrong with this installation and how to mend it · 检查安装."""
    with without_collection():
        from rich.table import Table

        from geo_api.cli.check import check_installation
        from geo_api.http.progress import console
        from geo_api.http.settings import read_settings

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
    with without_collection():
        from geo_api.cli.demo import current_end_day, prepare_demo, show_logins
        from geo_api.cli.documents import emit
        from geo_api.cli.results.analysis import day
        from geo_api.http.settings import read_settings

    settings = read_settings()
    if "self_approval" not in settings.model_fields_set:
        settings.self_approval = True  # one person tries all roles
    last = day(end_day)
    until = dt.date.fromisoformat(last) if last else current_end_day(settings, seed=seed, grids=grids)
    prepared = prepare_demo(settings, seed=seed, grids=grids, end_day=until, month=month)
    if as_json:
        emit(prepared.document)
    if once:
        return
    from geo_api.server.serving import serve_forever

    show_logins(prepared.logins, host, port)
    serve_forever(settings, host, port, 1)


if __name__ == "__main__":
    main()
