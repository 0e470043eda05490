"""``wangge db``: the private PostGIS from the command line."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from geo_api.city_file import migrate_installation
from geo_api.http.progress import console, step
from geo_api.http.settings import Settings, read_settings
from layers.attachments import AttachmentStore
from layers.errors import ClusterError
from layers.postgres import schema_is_current, shown_url
from layers.private_server import (
    Cluster,
    dump_folder,
    find_binaries,
    remove_old_backups,
    restore_folder,
    restore_to,
)
from layers.private_server import backup as cluster_backup

db_app = typer.Typer(no_args_is_help=True)


def _own_cluster(action: str) -> Cluster:
    """The private cluster; refused where the settings name another server."""
    settings = read_settings()
    if settings.database_url is not None:
        console.print(
            f"[yellow]![/] WANGGE_DATABASE_URL 指向外部数据库，请在那里{action}。"
            " It names a server that wangge does not run: do this there."
        )
        raise typer.Exit(1)
    return settings.cluster()


@db_app.command()
def start() -> None:
    """Start the private PostGIS and keep it up · 启动数据库."""
    cluster = _own_cluster("启动")
    with step("启动数据库 start the database"):
        cluster.start()
        cluster.pin()
    if cluster.socket_reason:
        console.print(f"[yellow]![/] {cluster.socket_reason}", highlight=False)
    console.print(f"[green]✓[/] pid {cluster.pid} · {cluster.data_dir}", highlight=False)
    console.print(f"  psql 'host={cluster.socket_dir} user=wangge dbname=wangge'", highlight=False)


@db_app.command()
def stop(
    force: Annotated[
        bool, typer.Option(help="Also while other processes use it (not a running server)")
    ] = False,
) -> None:
    """Stop the private PostGIS · 停止数据库."""
    cluster = _own_cluster("停止")
    with step("停止数据库 stop the database"):
        was_up = cluster.stop(force=force)
    console.print("[green]✓[/] 已停止 stopped" if was_up else "未在运行 it was not running")


@db_app.command()
def status() -> None:
    """Say where the data is and whether its server runs · 数据库状态."""
    table = Table(show_header=False, box=None)
    settings = read_settings()
    if settings.database_url is not None:
        table.add_row("数据库 database", shown_url(settings.database_url))
        table.add_row("", "外部 external (WANGGE_DATABASE_URL)")
        console.print(table)
        return
    for name, value in _status_rows(settings.cluster()):
        table.add_row(name, value)
    console.print(table, highlight=False)


def _status_rows(cluster: Cluster) -> list[tuple[str, str]]:
    known = cluster.status()
    if not known["exists"]:
        state = "尚未建立 not made yet: `wangge db start` makes it"
    elif known["running"]:
        state = f"运行中 running, pid {known['pid']}" + (
            " (until `wangge db stop`)" if known["pinned"] else ""
        )
    else:
        state = "已停止 stopped; started when needed"
    rows = [("数据目录 data folder", known["data_dir"]), ("状态 state", state)]
    if known["exists"]:
        rows.append(("版本 version", f"PostgreSQL {known['major']}"))
        rows.append(("套接字 socket", known["socket_dir"]))
    if known["socket_reason"]:
        rows.append(("", known["socket_reason"]))
    if owner := known["owner"]:
        since = dt.datetime.fromtimestamp(owner.get("since", 0)).isoformat(" ", "minutes")
        rows.append(
            ("服务进程 served by", f"pid {owner.get('pid', '?')} since {since}: {owner.get('command', '')}")
        )
    if known["running"]:
        current = schema_is_current(known["url"])
        rows.append(("表结构 schema", "最新 newest" if current else "待升级 older: `wangge db migrate`"))
    return rows


@db_app.command("migrate")
def migrate_schema() -> None:
    """Bring the schema to the newest version · 升级表结构."""
    with step("升级表结构 migrate the schema"):
        settings = read_settings()
        migrate_installation(settings, settings.url())


@db_app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to write (pg_dump's custom format)")],
    recipient: Annotated[
        list[str] | None,
        typer.Option(help="Encrypt to this public key: age1… or ssh-ed25519 …; several times for several"),
    ] = None,
) -> None:
    """Write the whole database into one file, attached files and snapshots beside it · 备份."""
    started = time.perf_counter()
    with step(f"备份 back up → {file}"):
        settings = read_settings()
        keys = tuple(recipient or settings.recipients())
        if settings.database_url is not None:
            programs = find_binaries(named=settings.pg_bin)
            cluster_backup.dump(settings.url(), file, programs, recipients=keys)
        else:
            settings.cluster().backup(file, recipients=keys)
    size_mib = file.stat().st_size / 2**20
    kind = "已加密 encrypted" if keys else "未加密 not encrypted"
    console.print(
        f"[green]✓[/] {file} {size_mib:.1f} MiB, {kind}, {time.perf_counter() - started:.1f} s",
        highlight=False,
    )
    _back_up_folders(settings, file, keys)


FOLDERS = {"attachments": "附件 attached files", "snapshots": "快照 snapshots behind alerts and cases"}
"""Folders of files that the rows name, by the ending of their tar beside the backup."""
LEFT_OUT = (
    "不在备份中 not in it: secret, chain_keys/, city.toml, models/ …"
    " 请与备份分开保存 keep copies of these apart from the backup (docs/operations.md#backup)"
)


def _folders(settings: Settings) -> dict[str, Path | None]:
    """Folders of files on this machine; None: they lie in a store elsewhere."""
    local = AttachmentStore(settings.attachments_place()).local_folder
    return {"attachments": None if local is None else Path(local), "snapshots": settings.snapshots_folder()}


def _beside(file: Path, name: str) -> Path:
    return file.with_name(f"{file.name}.{name}")


def _back_up_folders(settings: Settings, file: Path, keys: tuple[str, ...]) -> None:
    """Write the files beside the backup of the database, after it: each file that its rows name is there."""
    for name, folder in _folders(settings).items():
        if folder is None:
            console.print(
                f"[yellow]![/] {FOLDERS[name]}: {settings.attachments_place()}"
                " 不在此备份中，请在该处备份 lie elsewhere and are not in this backup: back them up there",
                highlight=False,
            )
        elif folder.is_dir():
            beside = _beside(file, name)
            count = dump_folder(folder, beside, recipients=keys)
            console.print(f"[green]✓[/] {beside}: {count} 个文件 files", highlight=False)
    console.print(f"[yellow]![/] {LEFT_OUT}", highlight=False)


def _restore_folders(settings: Settings, file: Path, identity: Path | None) -> None:
    """Add the files beside a backup; those that are there stay. What is missing is told."""
    for name, folder in _folders(settings).items():
        beside = _beside(file, name)
        if folder is not None and beside.is_file():
            count = restore_folder(folder, beside, identity_file=identity)
            console.print(f"[green]✓[/] {beside}: +{count} 个文件 files", highlight=False)
        else:
            console.print(
                f"[yellow]![/] {FOLDERS[name]}: 未恢复，没有 not restored, there is no {beside}",
                highlight=False,
            )


@db_app.command("base-backup")
def base_backup(
    keep: Annotated[
        int | None, typer.Option(min=1, help="Remove all but so many, and the log that only they need")
    ] = None,
) -> None:
    """Copy the database's files into the archive, as the start of restorations to a moment · 基础备份."""
    cluster = _own_cluster("备份")
    with step("基础备份 base backup"):
        made = cluster.base_backup()
    console.print(
        f"[green]✓[/] {made.folder}, 可恢复至此后任一时刻 restorable from {made.finished_at}", highlight=False
    )
    console.print(
        "[yellow]![/] 归档只含数据库，附件与快照（只增不改）请另行复制"
        f" the archive holds the database alone: copy attachments/ and snapshots/ of {cluster.data_dir} too",
        highlight=False,
    )
    if keep is not None and cluster.archive is not None:
        backups, segments = remove_old_backups(cluster.archive, keep)
        console.print(f"  删除 removed: {backups} base backups, {segments} segments", highlight=False)


@db_app.command()
def restore(
    file: Annotated[Path | None, typer.Argument(help="File that `wangge db backup` wrote")] = None,
    identity: Annotated[
        Path | None, typer.Option(help="File with the private key of an encrypted backup")
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Moment (ISO 8601) to restore to, from the archive instead of a FILE")
    ] = None,
    into: Annotated[
        Path | None, typer.Option(help="With --to: a new data folder; else in place, the former data is kept")
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(help="With --to: the archive; else that of the data folder")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Put a backup in the place of the present data, all or nothing · 恢复."""
    if (file is None) == (to is None):
        raise typer.BadParameter("name a FILE, or a moment with --to", param_hint="FILE")
    cluster = _own_cluster("恢复（pg_restore）")
    if to is not None:
        _restore_to(cluster, _moment(to), archive, into, yes=yes)
        return
    assert file is not None
    if not file.is_file():
        raise ClusterError(f"文件不存在。There is no file {file}")
    if cluster.exists and not yes:
        _confirm(cluster)
    with step(f"恢复 restore ← {file}"), cluster:
        cluster.restore(file, identity_file=identity)
        migrate_installation(read_settings(), cluster.url)
    _restore_folders(read_settings(), file, identity)
    console.print("[green]✓[/] 已恢复 restored", highlight=False)


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not an ISO 8601 time", param_hint="--to") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no zone: write +08:00 or Z", param_hint="--to")
    return moment


def _confirm(cluster: Cluster) -> None:
    typer.confirm(f"替换现有数据？Replace the present data in {cluster.data_dir}?", abort=True)


def _restore_to(
    cluster: Cluster, moment: dt.datetime, archive: Path | None, into: Path | None, *, yes: bool
) -> None:
    source = archive or cluster.archive
    if source is None:
        raise ClusterError("未设置归档目录。Nothing is archived: set WANGGE_WAL_ARCHIVE, or name --archive")
    if into is None and cluster.exists and not yes:
        _confirm(cluster)

    def tell(sentence: str) -> None:
        console.print(f"  {sentence}", highlight=False)

    former = restore_to(cluster, moment, source, into=into, tell=tell)
    place = into or cluster.data_dir
    console.print(f"[green]✓[/] 已恢复至 restored to {moment.isoformat()}: {place}", highlight=False)
    if into is not None:
        console.print(
            f"  附件与快照请自 {cluster.data_dir} 复制 copy attachments/ and snapshots/ from there",
            highlight=False,
        )
        console.print(f"  WANGGE_DATA_DIR={into} wangge serve", highlight=False)
    if former is not None:
        console.print("  接着做新的基础备份 next: wangge db base-backup", highlight=False)
