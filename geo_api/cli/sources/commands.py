"""``wangge sources``: what departments deliver, its health, what is held, and the lineage of figures."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from geo_api.cli.documents import emit
from geo_api.cli.importing.batches import AsJson
from geo_api.cli.installation import migrated_database, operator
from geo_api.http.progress import console, step
from geo_api.http.settings import read_settings

if TYPE_CHECKING:
    from geo_api.sources.configured import SourcesSetup

sources_app = typer.Typer(no_args_is_help=True)
quarantine_app = typer.Typer(help="待处置的交付 deliveries that are held", no_args_is_help=True)
sources_app.add_typer(quarantine_app, name="quarantine")
SourceName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the source in city.toml")]
DeliveryId = Annotated[int, typer.Argument(min=1, max=2**31 - 1, metavar="ID", help="Id of the delivery")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the delivery")]


def _setup() -> SourcesSetup:
    from geo_api.sources.configured import sources_setup

    settings = read_settings()
    return sources_setup(settings, migrated_database(settings))


def _local(at: dt.datetime | None) -> str:
    from layers.local_time import local_zone

    return "–" if at is None else f"{at.astimezone(local_zone()):%Y-%m-%d %H:%M}"


@sources_app.command("list")
def sources_list() -> None:
    """List the sources of city.toml: where from, how often, by which contract · 列出数据来源."""
    table = Table("名称 name", "类别 kind", "部门 department", "来自 from", "间隔 every", "约定 contract")
    for source in _setup().sources():
        origin = source.from_
        from_where = ", ".join(source.files) if origin is None else getattr(origin, "url", "") or origin.table  # type: ignore[union-attr]
        table.add_row(
            source.name,
            source.kind,
            source.department,
            from_where,
            source.every or "–",
            source.contract or "–",
        )
    console.print(table)


@sources_app.command("run")
def sources_run(name: Annotated[str | None, typer.Argument(help="Name; all when left out")] = None) -> None:
    """Look at a source now: fetch, check, import or hold · 立即读取."""
    from geo_api.sources.runs import run_source

    setup = _setup()
    failed = False
    for source in setup.sources() if name is None else [setup.source(name)]:
        with step(f"读取 look at {source.name}"):
            report = run_source(setup, source, operator())
        for delivery, state in report.states.items():
            console.print(f"  交付 delivery {delivery}: {_state(state)}", highlight=False)
        for note in report.notes:
            console.print(f"  [yellow]![/] {note}", highlight=False)
        if not report.states and not report.notes:
            console.print("  没有新内容 nothing new", highlight=False)
        failed |= report.outcome == "failed" or "quarantined" in report.states.values()
    raise typer.Exit(1 if failed else 0)


def _state(state: str) -> str:
    from maps.glossary import term

    return f"{term('delivery_state', state, 'zh')} {term('delivery_state', state, 'en')}"


@sources_app.command("check")
def sources_check(
    name: SourceName, file: Annotated[Path, typer.Argument(help="File that would be delivered")]
) -> None:
    """Check a file by the contract of a source; nothing is stored · 按约定校验文件."""
    from geo_api.imports.city_sources import check_file
    from layers.deliveries import accepted_rows
    from layers.postgres import SYSTEM, session

    setup = _setup()
    source = setup.source(name)
    with session(SYSTEM, setup.url) as db:
        before = accepted_rows(db, name)
    contract = setup.contract(source)
    found = check_file(file, source, contract, setup.city_folder, before, setup.clock())
    document = found.document()
    console.print(f"  {found.rows:,} 行 rows", highlight=False)
    _tell_rules(document)
    raise typer.Exit(1 if found.holds else 0)


def _tell_rules(document: dict[str, Any]) -> None:
    from geo_api.sources.delivery_reports import LEVELS

    for rule in document["rules"]:
        console.print(
            f"  {LEVELS[rule['level']]} · {rule['rule']}: {rule['rows']:,} 行 rows", highlight=False
        )
    for one in document["findings"][:10]:
        console.print(f"    行 row {one['row']}, {one['field']}: {one['zh']} {one['en']}", highlight=False)
    for note in document["notes"]:
        console.print(f"  [yellow]![/] {note}", highlight=False)


@sources_app.command("health")
def sources_health(as_json: AsJson = False) -> None:
    """Show the health of every source; exit code 1 when something is wrong · 各来源的状况."""
    from geo_api.sources.documents import health_document
    from geo_api.sources.health import health_of
    from layers.postgres import SYSTEM, session

    setup = _setup()
    with session(SYSTEM, setup.url) as db:
        found = health_of(db, setup)
    if as_json:
        emit([health_document(one) for one in found])
    else:
        table = Table(
            "来源 source", "最近合格 last good", "应到 due", "待处置 held", "下次查看 next", "问题 problems"
        )
        for one in found:
            told = "\n".join(f"{problem.zh} {problem.en}" for problem in one.problems) or "✓"
            next_at = one.state.next_at if one.state is not None and one.source.every else None
            table.add_row(
                one.source.name,
                _local(one.accepted_at),
                _local(one.due_at),
                str(one.held),
                _local(next_at),
                told,
            )
        console.print(table)
    raise typer.Exit(1 if any(one.problems for one in found) else 0)


@sources_app.command("lineage")
def sources_lineage(
    table: Annotated[str, typer.Argument(help="Table of the row, as sites; or alert, or import")],
    key: Annotated[list[str], typer.Argument(help="column:value, once for each column; an id")],
) -> None:
    """Show where a row, an alert or an import came from: run, source, file and row, as JSON · 数据溯源."""
    from geo_api.sources.documents import lineage_document
    from geo_api.sources.lineage import lineage_of_batch, lineage_of_row, read_key
    from layers.batches import read_batch
    from layers.deliveries import origins_of_alert
    from layers.postgres import SYSTEM, session
    from layers.records.alerts import read_alert

    setup = _setup()
    if table in ("alert", "import") and not key[0].isdigit():
        raise typer.BadParameter("an id", param_hint="KEY")
    with session(SYSTEM, setup.url) as db:
        if table == "alert":
            read_alert(db, int(key[0]))
            emit(lineage_document(db, origins_of_alert(db, int(key[0]))))
        elif table == "import":
            emit(lineage_of_batch(db, read_batch(db, int(key[0]))))
        else:
            emit(lineage_of_row(db, setup, table, read_key(key)))


@quarantine_app.command("list")
def quarantine_list() -> None:
    """List the deliveries that wait for a decision · 列出待处置的交付."""
    from layers.deliveries import deliveries_of
    from layers.postgres import SYSTEM, session

    setup = _setup()
    with session(SYSTEM, setup.url) as db:
        found = deliveries_of(db, 1_000, state="quarantined")
    table = Table("id", "来源 source", "文件 file", "收到 received", "行 rows", "规则 rules")
    for one in found:
        rules = "\n".join(f"{rule['rule']}: {rule['rows']:,}" for rule in one.report.get("rules", []))
        rows = "–" if one.rows is None else f"{one.rows:,}"
        table.add_row(str(one.id), one.source, one.file_name, _local(one.received_at), rows, rules)
    console.print(table)


@quarantine_app.command("show")
def quarantine_show(delivery: DeliveryId) -> None:
    """Show a delivery with each finding, as JSON · 查看一次交付."""
    from geo_api.sources.documents import delivery_document
    from layers.deliveries import read_delivery
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, _setup().url) as db:
        emit(delivery_document(read_delivery(db, delivery), whole=True))


@quarantine_app.command("report")
def quarantine_report(
    delivery: DeliveryId, to: Annotated[Path, typer.Argument(help="File ending in .html or .csv")]
) -> None:
    """Write the report for the department: row, field and reason · 写出给部门的报告."""
    from geo_api.sources.delivery_reports import report_csv, report_html
    from layers.deliveries import read_delivery
    from layers.postgres import SYSTEM, session

    writers = {".html": report_html, ".csv": report_csv}
    if to.suffix not in writers:
        raise typer.BadParameter(".html or .csv", param_hint="TO")
    with session(SYSTEM, _setup().url) as db:
        to.write_text(writers[to.suffix](read_delivery(db, delivery)), encoding="utf-8", newline="")
    console.print(f"[green]✓[/] {to}", highlight=False)


@quarantine_app.command("release")
def quarantine_release(
    delivery: DeliveryId,
    reason: Reason,
    skip_bad: Annotated[bool, typer.Option(help="Without the rows that the import refuses")] = False,
) -> None:
    """Release a delivery and import it now · 放行并导入."""
    from geo_api.sources.runs import run_source

    setup = _setup()
    source = setup.source(_decide(setup, delivery, "released", reason, skip_bad=skip_bad))
    with step(f"导入 import {delivery}"):
        report = run_source(setup, source, operator(), look_for_more=False)
    for each, state in report.states.items():
        console.print(f"  交付 delivery {each}: {_state(state)}", highlight=False)
    for note in report.notes:
        console.print(f"  [yellow]![/] {note}", highlight=False)
    raise typer.Exit(0 if report.states.get(delivery) == "imported" else 1)


@quarantine_app.command("refuse")
def quarantine_refuse(delivery: DeliveryId, reason: Reason) -> None:
    """Refuse a delivery; nothing of it is imported · 退回."""
    _decide(_setup(), delivery, "refused", reason)
    console.print(f"[green]✓[/] {delivery}", highlight=False)


def _decide(setup: SourcesSetup, delivery: int, state: str, reason: str, *, skip_bad: bool = False) -> str:
    """Store a decision; return the source of the delivery, which the city file must name to import it."""
    from layers.deliveries import decide, read_delivery
    from layers.postgres import SYSTEM, session
    from layers.records import add_calls, command_row

    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    with session(SYSTEM, setup.url) as db:
        name = read_delivery(db, delivery).source
        if state == "released":
            setup.source(name)
        decide(db, delivery, state, operator(), reason, setup.clock(), skip_bad=skip_bad)
        add_calls(db, [command_row(operator(), f"/deliveries/{delivery}/{state}")])
    return name
