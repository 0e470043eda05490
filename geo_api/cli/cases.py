"""``wangge cases``: the list, the proof of every case's chain, and the keys that sign it."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from geo_api.cli.installation import migrated_database
from geo_api.cli.results.cases import cases_list, cases_show
from geo_api.http.progress import console
from geo_api.http.settings import read_settings

cases_app = typer.Typer(no_args_is_help=True)
keys_app = typer.Typer(help="签名密钥 keys that sign the chain", no_args_is_help=True)
cases_app.add_typer(keys_app, name="keys")
cases_app.command("list")(cases_list)
cases_app.command("show")(cases_show)


@cases_app.command("verify")
def cases_verify(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document")] = False,
) -> None:
    """Prove the chain of every case's events, and the signed heads over all of them · 校验案件事件链."""
    from geo_api.cases.chain_keys import ChainKeys
    from grid.cases import verify_all
    from layers.postgres import SYSTEM, session

    settings = read_settings()
    keys = ChainKeys(settings.chain_keys_folder())
    url = migrated_database(settings)
    started = time.perf_counter()
    with session(SYSTEM, url) as db:
        report = verify_all(db, keys.public_keys(), keys.known_head(), dt.datetime.now(dt.UTC), url=url)
    rate = (report.n_events + report.waiting) / max(time.perf_counter() - started, 1e-3)
    if as_json:
        document = {
            "holds": not report.faults,
            "faults": [str(fault) for fault in report.faults],
            "events_under_heads": report.n_events,
            "events_waiting": report.waiting,
            "newest_head": None if report.newest is None else vars(report.newest),
        }
        console.print_json(data=document)
        raise typer.Exit(1 if report.faults else 0)
    for fault in report.faults:
        console.print(f"[red]✗[/] {fault}", highlight=False)
    newest = "–" if report.newest is None else f"{report.newest.sequence} {report.newest.hash}"
    console.print(
        f"  {report.n_events} 条在链首之下 events under heads, newest 最新 {newest}", highlight=False
    )
    if report.waiting:
        console.print(
            f"[yellow]![/] {report.waiting} 条尚未入链首 events are not yet under a head: the service, or"
            " `wangge cases seal`, makes one",
            highlight=False,
        )
    console.print(f"  {rate:,.0f} 条/秒 events/s", highlight=False)
    holds = "[green]✓[/] 链完整 every chain holds"
    console.print(holds if not report.faults else f"[red]{len(report.faults)} fault(s)[/]")
    raise typer.Exit(1 if report.faults else 0)


@cases_app.command("indicators")
def cases_indicators(
    since: Annotated[dt.datetime, typer.Argument(formats=["%Y-%m-%d"], help="First day")],
    until: Annotated[dt.datetime, typer.Argument(formats=["%Y-%m-%d"], help="Day after the last one")],
    by: Annotated[
        str | None, typer.Option(help="city, county, town, community, unit_grid, domain, … stage")
    ] = None,
    within: Annotated[str | None, typer.Option(help="Code of an area")] = None,
    out: Annotated[Path | None, typer.Option(help="File .csv or .xlsx; default: print JSON")] = None,
) -> None:
    """Rates of a period with the counts behind them and former periods · 行政问效指标."""
    from geo_api.cases.indicator_tables import indicator_document, written_table
    from grid.cases import check_days
    from layers.postgres import SYSTEM, session

    check_days(since.date(), until.date())
    with session(SYSTEM, migrated_database(read_settings())) as db:
        document = indicator_document(db, since.date(), until.date(), by, within)
    if out is None:
        console.print_json(data=document)
        return
    out.write_bytes(written_table(document, "xlsx" if out.suffix == ".xlsx" else "csv"))
    console.print(f"[green]✓[/] {out}", highlight=False)


@cases_app.command("seal")
def cases_seal() -> None:
    """Put what waits under a signed head, as the service does every two seconds · 签署链首."""
    from geo_api.cases.chain_keys import ChainKeys
    from geo_api.cases.head_making import make_heads

    settings = read_settings()
    keys = ChainKeys(settings.chain_keys_folder())
    keys.ensure()
    made = make_heads(migrated_database(settings), keys)
    console.print(
        "[green]✓[/] " + (f"head 链首 {made.sequence} {made.hash}" if made else "nothing waits 无待签")
    )


@cases_app.command("proof")
def cases_proof(path: Annotated[Path, typer.Argument(help="File to write, one JSON object a line")]) -> None:
    """Write heads, their lines and the public keys for a verification without this program · 导出证明."""
    from geo_api.cases.chain_keys import ChainKeys
    from grid.cases import read_proof
    from layers.postgres import SYSTEM, session

    settings = read_settings()
    listed = ChainKeys(settings.chain_keys_folder()).listed()
    with session(SYSTEM, migrated_database(settings)) as db, path.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"keys": {one.key_id: one.public_key for one in listed}}) + "\n")
        for head in read_proof(db):
            file.write(json.dumps(head, ensure_ascii=False) + "\n")
    console.print(f"[green]✓[/] {path}", highlight=False)


@cases_app.command("pack")
def cases_pack(
    number: Annotated[str, typer.Argument(help="案件编号 number of the case")],
    out: Annotated[Path | None, typer.Option("--out", help="File to write; NUMBER.zip when left out")] = None,
) -> None:
    """Write one zip of a case with all that proves it, and its verifier · 导出案卷包."""
    from geo_api.cases.chain_keys import ChainKeys
    from geo_api.cases.packs import make_pack
    from layers.attachments import AttachmentStore

    settings = read_settings()
    keys = ChainKeys(settings.chain_keys_folder())
    path = out or Path(f"{number.replace('/', '-')}.zip")
    now, snapshots = dt.datetime.now(dt.UTC), settings.snapshots_folder()
    store = AttachmentStore(settings.attachments_place())
    pack = make_pack(migrated_database(settings), keys, store, number, now, snapshots)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pack)
    console.print(f"[green]✓[/] {path} ({len(pack):,} bytes)", highlight=False)


@cases_app.command("attach")
def cases_attach(
    number: Annotated[str, typer.Argument(help="案件编号 number of the case")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Photo or PDF")],
    account: Annotated[str, typer.Option("--by", help="Account whose step it is, with its role and areas")],
) -> None:
    """Attach a photo or a PDF to a case, as an account · 添加附件."""
    from geo_api.auth.accounts import scope_of_account
    from grid.cases import NewFile, attach
    from layers.attachments import MAX_BYTES, AttachmentStore, UnfitFile
    from layers.postgres import SYSTEM, session

    settings = read_settings()
    url = migrated_database(settings)
    if file.stat().st_size > MAX_BYTES:
        raise UnfitFile(f"file: more than {MAX_BYTES:,} bytes", f"文件超过 {MAX_BYTES:,} 字节")
    with session(SYSTEM, url) as db:
        scope = scope_of_account(db, account)
    if scope is None:
        raise typer.BadParameter(f"no account {account!r}", param_hint="--by")
    with session(scope, url) as db:
        made = attach(
            db, AttachmentStore(settings.attachments_place()), number, NewFile(file.name, file.read_bytes()),
            actor=account, role=scope.role, body=scope.body, at=dt.datetime.now(dt.UTC),
        )  # fmt: skip
        console.print(f"[green]✓[/] {made.id} {made.name} {made.sha256}", highlight=False)


@cases_app.command("attachments")
def cases_attachments(number: Annotated[str, typer.Argument(help="案件编号 number of the case")]) -> None:
    """List the attachments of a case, and how photos fit it · 列出附件."""
    from grid.cases import compared_with_case, read_attachments
    from layers.postgres import SYSTEM, session
    from layers.records import read_case_file

    table = Table(
        "id", "文件 file", "字节 bytes", "SHA-256", "添加 added", "比对 compared", "撤回 taken back"
    )
    with session(SYSTEM, migrated_database()) as db:
        opened_at = read_case_file(db, number).case.opened_at
        for row in read_attachments(db, number):
            fits = "\n".join(f"{each['zh']} {each['en']}" for each in compared_with_case(row, opened_at))
            added = f"{row.added_at:%Y-%m-%d %H:%M}Z {row.added_by}"
            table.add_row(str(row.id), row.name, f"{row.size_bytes:,}", row.sha256[:12], added, fits,
                          row.taken_back_reason or "")  # fmt: skip
    console.print(table, highlight=False)


@cases_app.command("publish")
def cases_publish() -> None:
    """Publish what was decided now, as the worker does each minute · 公示已决案件."""
    from grid.cases import publish_decided
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        published, withdrawn = publish_decided(db, dt.datetime.now(dt.UTC))
    console.print(f"[green]✓[/] +{published} -{withdrawn}", highlight=False)


@cases_app.command("accept-heads")
def cases_accept_heads() -> None:
    """Take the chain as it is for the newest known, after a restore of an older backup · 恢复备份后确认链首."""
    from geo_api.cases.chain_keys import ChainKeys
    from grid.cases import newest_head
    from layers.postgres import SYSTEM, session

    settings = read_settings()
    keys = ChainKeys(settings.chain_keys_folder())
    with session(SYSTEM, migrated_database(settings)) as db:
        newest = newest_head(db)
    known = keys.known_head()
    keys.remember(newest, accept=True)
    console.print(f"  known 原已知: {known}", markup=False, highlight=False)
    console.print(f"  accepted 现确认: {newest}", markup=False, highlight=False)


@keys_app.command("list")
def keys_list() -> None:
    """List the public keys and when they signed · 列出公钥."""
    from geo_api.cases.chain_keys import ChainKeys

    table = Table("key", "public key (Ed25519)", "from 自", "to 至")
    for one in ChainKeys(read_settings().chain_keys_folder()).listed():
        until = "" if one.valid_to is None else one.valid_to.isoformat(timespec="seconds")
        table.add_row(one.key_id, one.public_key, one.valid_from.isoformat(timespec="seconds"), until)
    console.print(table)


@keys_app.command("rotate")
def keys_rotate() -> None:
    """Sign with a new key from now on; the former public key stays for verification · 轮换密钥."""
    from geo_api.cases.chain_keys import ChainKeys

    keys = ChainKeys(read_settings().chain_keys_folder())
    keys.ensure()
    console.print(f"[green]✓[/] {keys.rotate()}", highlight=False)
