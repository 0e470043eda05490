"""Running the server: its workers, their connections, its end.

The private cluster lives as long as it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from geo_api.cases.chain_keys import ChainKeys
from geo_api.city_file import migrate_installation, open_city
from geo_api.http.logs import uvicorn_logging
from geo_api.http.progress import console
from geo_api.http.settings import Settings
from geo_api.http.unprivileged import leave_root
from geo_api.server.connection_limits import BoundedHttpProtocol
from geo_api.server.worker_processes import AppFactory, shared_places
from layers.postgres import (
    MIN_CONNECTIONS,
    ConnectionShare,
    available_connections,
    divide_connections,
)
from layers.private_server import Cluster, ServerWatch, owned_cluster

KEEP_ALIVE_S = 75
"""Longer than a balancer or a thinking viewer waits with its next request: else both ends close at once."""
WORKER_ANSWERS_S = 20
"""A worker that does not answer the process that started it for so long is replaced.

On a busy machine one that is starting needs longer than the 5 s that the server would give it.
"""
SHUTDOWN_S = 8
"""Requests that run get this long to finish after SIGTERM; event streams end at once."""
BACKLOG = 2048
DATABASE_LOST = 69
"""Exit code when the private database cannot be started again (``EX_UNAVAILABLE``).

A supervisor shall try anew.
"""


def serve_forever(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serve until interrupted. The private cluster belongs to this process while it serves.

    SIGTERM and SIGINT end it: no new connection is taken, requests finish, streams end, the cluster stops,
    and the exit code is 0. A worker that dies is started again; one that cannot start ends the service. A
    private cluster that is gone is started again too; when that fails the exit code is ``DATABASE_LOST``.

    Raises
    ------
    layers.errors.ClusterInUse
        Another ``wangge serve`` owns the data folder.
    """
    with _stopped_by_signals() as stopped:
        if settings.database_url is not None:
            _run(settings, host, port, workers)
            return
        watch: ServerWatch | None = None
        try:
            with owned_cluster(
                settings.data_dir, programs=settings.pg_bin, archive=settings.wal_archive
            ) as cluster:
                watch = _watch_over(cluster, settings)
                with watch:
                    _run(settings.model_copy(update={"database_url": cluster.url}), host, port, workers)
        except SystemExit as end:  # the signal came while nothing was served yet, or again at the end
            if end.code != 128 + signal.SIGTERM or not (stopped or (watch and watch.gave_up)):
                raise
        if watch is not None and watch.gave_up:
            sys.exit(DATABASE_LOST)


def _watch_over(cluster: Cluster, settings: Settings) -> ServerWatch:
    """Return a watch that ends the service as SIGTERM does, when the cluster cannot be started again."""
    return ServerWatch(
        cluster,
        lambda: os.kill(os.getpid(), signal.SIGTERM),
        disk=settings.disk_space(),
        most_failures=settings.database_starts,
        longest_pause_s=settings.database_pause_s,
    )


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[list[int]]:
    """Let the server's own handlers end it; when they raise the signal again afterwards it has done its work."""
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        yield seen
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(settings: Settings, host: str, port: int, workers: int) -> None:
    keys = ChainKeys(settings.chain_keys_folder())
    keys.ensure()
    keys.signer()  # one that others may read stops the start
    url = settings.url()
    migrate_installation(settings, url)
    _open_city(settings, url)
    trusted = settings.trusted_proxies.replace(" ", "")
    given = divide_connections(available_connections(url), workers, settings.limits().total)
    _tell_share(given, workers)
    _tell_self_approval(settings)
    settings = settings.model_copy(update={"connections": given.each})
    listening = uvicorn.Config("", host=host, port=port, backlog=BACKLOG, log_config=None).bind_socket()
    leave_root(settings)
    with shared_places(given.workers) as shared, _uncaught_term():
        config = uvicorn.Config(
            AppFactory(settings, shared),
            factory=True,
            host=host,
            port=port,
            workers=given.workers,
            backlog=BACKLOG,
            log_config=uvicorn_logging(),
            access_log=False,
            http=BoundedHttpProtocol,
            proxy_headers=bool(trusted),  # else uvicorn believes whoever calls from this machine
            forwarded_allow_ips=trusted or None,
            timeout_graceful_shutdown=SHUTDOWN_S,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_worker_healthcheck=WORKER_ANSWERS_S,
        )
        console.print(f"[green]✓[/] http://{host}:{port}/  (Ctrl+C 停止 stops)")
        with contextlib.suppress(KeyboardInterrupt), listening:
            failed = _serve_many(config, listening) if given.workers > 1 else _serve_one(config, listening)
            if failed:
                sys.exit(STARTUP_FAILURE)


def _tell_self_approval(settings: Settings) -> None:
    """Say that one person may draft and approve, which is for the demo only."""
    if settings.self_approval:
        console.print(
            "[yellow]![/] WANGGE_SELF_APPROVAL: 本人可审批本人起草的变更，仅供演示 · authors approve their own"
            " change sets, for the demo only",
            highlight=False,
        )


def _open_city(settings: Settings, url: str) -> None:
    """Put the city in force, and say when its file was written because there was none."""
    opened = open_city(settings, url)
    if opened.written_to is not None:
        console.print(f"[yellow]![/] {opened.told}", highlight=False)


def _serve_one(config: uvicorn.Config, listening: socket.socket) -> bool:
    server = uvicorn.Server(config)
    server.run(sockets=[listening])
    return not server.started


def _serve_many(config: uvicorn.Config, listening: socket.socket) -> bool:
    supervisor = Multiprocess(config, sockets=[listening])
    supervisor.run()
    return any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes)


def _tell_share(given: ConnectionShare, asked: int) -> None:
    if given.workers < asked:
        console.print(
            f"[yellow]![/] 数据库仅有 {given.room} 个可用连接，启动 {given.workers} 个进程（要求 {asked} 个）。"
            f" The database leaves {given.room} connections: {given.workers} workers instead of {asked}"
            f" (each needs {MIN_CONNECTIONS}). Raise max_connections for more."
        )
    if given.each * given.workers > given.room:
        console.print(
            f"[yellow]![/] 数据库连接不足。The database leaves {given.room} connections; one worker may take"
            f" {given.each}."
        )


@contextlib.contextmanager
def _uncaught_term() -> Iterator[None]:
    """While served, SIGTERM is the server's; what it raises again at its end does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def told_of_the_end(end: Callable[[], None]) -> Iterator[None]:
    """Call ``end`` on the event loop as soon as a signal ends the server: streams would else hold it up.

    The server's own handler is called after it. Does nothing outside of the main thread, where nobody hears
    signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def heard(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(end)
        if callable(before[number]):
            before[number](number, frame)

    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.getsignal(number)
        signal.signal(number, heard)
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)
