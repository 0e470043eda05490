"""``wangge imports``: what came from outside, and the undo of it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from geo_api.cli.documents import emit
from geo_api.cli.installation import migrated_database, operator
from geo_api.http.progress import console, step

if TYPE_CHECKING:
    from layers.tables import Batch

imports_app = typer.Typer(no_args_is_help=True)
BatchId = Annotated[int, typer.Argument(min=1, max=2**31 - 1, metavar="ID", help="Id of the batch")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


@imports_app.command("list")
def imports_list(
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, help="The newest ones")] = 100,
) -> None:
    """List what came from outside, newest first · 列出导入批次."""
    from geo_api.imports.documents import batch_document
    from layers.batches import newest_batches
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        found = newest_batches(db, limit)
    if as_json:
        emit([batch_document(batch) for batch in found])
        return
    table = Table("批次 id", "类别 kind", "来源 source", "由 by", "收到 received", "行 rows", "状态 state")
    for batch in found:
        from_where = batch.file_name or batch.source
        rows = batch.counts.get("rows", sum(batch.counts.values()))
        received = f"{batch.received_at:%Y-%m-%d %H:%M} UTC"
        table.add_row(str(batch.id), batch.kind, from_where, batch.actor, received, f"{rows:,}", batch.state)
    console.print(table)


@imports_app.command("show")
def imports_show(batch_id: BatchId) -> None:
    """Show one batch with what stands of it, as JSON · 查看一个批次."""
    from geo_api.imports.documents import batch_document
    from layers.batches import read_batch, rows_of_batch
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        batch = read_batch(db, batch_id)
        emit(batch_document(batch, rows_of_batch(db, batch)))


@imports_app.command("undo")
def imports_undo(
    batch_id: BatchId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")] = False,
) -> None:
    """Take back exactly what a batch wrote, or say what rests on it · 撤销一个批次."""
    from layers.batches import read_batch, undo_batch
    from layers.postgres import SYSTEM, session
    from layers.records import add_calls, command_row

    url = migrated_database()
    with session(SYSTEM, url) as db:
        batch = read_batch(db, batch_id)
    if not yes and batch.state in ("done", "open"):
        typer.confirm(f"撤销 undo {_title(batch)}?", abort=True, err=True)
    with step(f"撤销 undo {_title(batch)}"), session(SYSTEM, url) as db:
        undo_batch(db, batch_id, by=operator(), now=dt.datetime.now(dt.UTC))
        add_calls(db, [command_row(operator(), f"/imports/{batch_id}/undo")])


def _title(batch: Batch) -> str:
    return f"{batch.id} · {batch.kind} · {batch.file_name or batch.source}"
