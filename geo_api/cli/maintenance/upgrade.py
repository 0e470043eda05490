"""``wangge upgrade``: the schema of a newer program, with a backup before it and the way back when it fails."""

from __future__ import annotations

import contextlib
import datetime as dt
import traceback
from pathlib import Path
from typing import Annotated

import typer

from geo_api.http.progress import console, step
from geo_api.http.settings import Settings, read_settings
from layers.errors import ClusterError
from layers.postgres import SchemaState, schema_state
from layers.private_server import Cluster, dump_database, find_binaries, restore_database

OpenDatabase = contextlib.AbstractContextManager[object]


def upgrade(
    backup: Annotated[
        Path | None, typer.Option(help="File of the backup; default: in backups/ of the data folder")
    ] = None,
    identity: Annotated[
        Path | None,
        typer.Option(help="Private key, where WANGGE_BACKUP_RECIPIENTS encrypts: for the way back"),
    ] = None,
) -> None:
    """Back up, bring the schema to this program's version, and go back when that fails · 升级."""
    from geo_api.city_file import migrate_installation

    settings = read_settings()
    cluster = settings.cluster() if settings.database_url is None else None
    with _kept_up(cluster):
        url = settings.url() if cluster is None else cluster.url
        before = schema_state(url)
        if before.newest:
            console.print(f"[green]✓[/] 已是最新 newest already: {before.revision}", highlight=False)
            return
        file = _backed_up(settings, url, backup, before)
        try:
            with step(f"升级 upgrade {before.revision or '–'} → {before.program}"):
                migrate_installation(settings, url)
        except Exception as error:
            log = file.with_name(f"{file.name}.failure.txt")
            log.write_text(traceback.format_exc(), encoding="utf-8")
            console.print(
                f"[red]✗[/] {type(error).__name__}: {str(error)[:500]}", markup=True, highlight=False
            )
            console.print(f"  详情 in full: {log}", highlight=False)
            _go_back(settings, url, file, identity, before)
            raise typer.Exit(1) from error
    console.print(f"[green]✓[/] 已升级 upgraded: {before.program}", highlight=False)
    console.print(f"  备份 backup: {file}; 确认无误后可删除 remove it when all is well", highlight=False)


def _kept_up(cluster: Cluster | None) -> OpenDatabase:
    """Keep the private database up; refused while a service or another command uses it."""
    if cluster is None:
        return contextlib.nullcontext()
    cluster.refuse_others("then upgrade")
    return cluster


def _backed_up(settings: Settings, url: str, named: Path | None, before: SchemaState) -> Path:
    """Write the backup and return its file."""
    moment = dt.datetime.now(dt.UTC)
    file = named or settings.data_dir / "backups" / f"before-{before.program}-{moment:%Y%m%dT%H%M%SZ}.backup"
    if named is None:
        file.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        with step(f"备份 back up → {file}"):
            programs = find_binaries(named=settings.pg_bin)
            dump_database(url, file, programs, recipients=settings.recipients())
    except ClusterError as error:
        raise ClusterError(
            f"{error}\n  未升级；请用 --backup 指定其他文件。Not upgraded; name another file with --backup"
        ) from error
    return file


def _go_back(settings: Settings, url: str, file: Path, identity: Path | None, before: SchemaState) -> None:
    """Say that the database is as before, or restore the backup."""
    if schema_state(url) == before:
        console.print("[green]✓[/] 数据库未变 the database is as it was", highlight=False)
    else:
        try:
            with step(f"恢复 restore ← {file}"):
                restore_database(url, file, find_binaries(named=settings.pg_bin), identity_file=identity)
        except ClusterError as error:
            raise ClusterError(
                f"{error}\n  未能自动恢复 not restored: wangge db restore {file} [--identity KEYFILE]"
            ) from error
        console.print("[green]✓[/] 已恢复至升级前 restored as it was before", highlight=False)
    console.print(
        "  请装回原版本再启动服务 install the former version again and start its service (docs/upgrade.md)",
        highlight=False,
    )
