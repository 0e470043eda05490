"""``wangge serve`` as a process of its own: its address, its workers, its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil  # type: ignore[import-untyped]

from layers.postgres import libpq_url
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[2]
START_S = 2 * PATIENCE_S


@dataclass
class Service:
    """A running ``wangge serve``."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    def workers(self) -> list[psutil.Process]:
        return [p for p in psutil.Process(self.process.pid).children() if is_worker(p)]

    def end(self, number: int = signal.SIGTERM, timeout_s: float = PATIENCE_S) -> tuple[int, float]:
        """Exit code, and the seconds that the end took."""
        started = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(timeout=timeout_s), time.monotonic() - started


def is_worker(process: psutil.Process) -> bool:
    """Whether it is a living worker of the service."""
    try:
        return process.status() != "zombie" and "spawn_main" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


@contextlib.contextmanager
def serve(
    url: str | None, folder: Path, *, workers: int = 1, log: Path | None = None, **settings: str
) -> Iterator[Service]:
    """``wangge serve`` over a database, or over a private cluster of the folder.

    Settings by their variables.
    """
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WANGGE_")}
    environment |= {"WANGGE_DATA_DIR": str(folder), "WANGGE_SECRET": "test", "WANGGE_LOG_LEVEL": "info"}
    environment |= {"WANGGE_DATABASE_URL": libpq_url(url)} if url else {}  # as people write it
    folder.mkdir(parents=True, exist_ok=True)
    log = log or folder / "serve.log"
    command = [sys.executable, "-m", "geo_api.cli", "serve", "--port", str(port), "--workers", str(workers)]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=ROOT, env=environment | settings, stdout=out, stderr=out) as process,
    ):
        service = Service(process, f"http://127.0.0.1:{port}", log)

        def started() -> bool:
            if process.poll() is not None:
                return True
            ready = httpx2.get(f"{service.address}/health/ready", timeout=PATIENCE_S).status_code == 200
            return ready and len(service.workers()) in (workers, 0)

        try:
            wait_until(
                started, lambda: log.read_text()[-3000:], START_S, pause_s=0.1, despite=(httpx2.HTTPError,)
            )
            assert process.poll() is None, log.read_text()[-3000:]
            yield service
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the service; workers are killed, since the test that wants to see them end has ended it before."""
    if process.poll() is not None:
        return
    for child in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill() if is_worker(child) else None
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=PATIENCE_S)
    process.kill()
