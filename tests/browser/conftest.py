"""The real service with a small analysed city, and a headless Chromium that may talk to nobody else.

``city``      address, database and accounts of the service (one a test process)
``open_page`` opens the console in a context of its own; at the end of the test nothing may have been asked of
              another host, and the browser's console must be free of errors
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Route, expect, sync_playwright

from geo_api.cli.demo import Login, prepare_demo
from layers.postgres import sessions as database
from layers.private_server import Cluster
from layers.private_server.first_database import conninfo
from tests.browser.console import ARGS, City, Console, Visit
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
START_S = 120
expect.set_options(timeout=45_000)
_numbers = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            with urllib.request.urlopen(f"{address}/health/ready", timeout=20):
                return
        time.sleep(0.2)
    pytest.fail(f"the service did not start:\n{log.read_text()[-3000:]}")


@contextlib.contextmanager
def serve(url: str, data: Path, logins: list[Login], *, self_approval: bool = True) -> Iterator[City]:
    """The service as a process of its own on a free port of this machine."""
    if not (ROOT / "maps" / "web" / "dist" / "index.html").is_file():
        pytest.fail("maps/web/dist is missing: run `npm ci && npm run build` in maps/web")
    data.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), data / "server.log"
    env = os.environ | {
        "WANGGE_DATABASE_URL": url,
        "WANGGE_DATA_DIR": str(data),
        "WANGGE_LOG_LEVEL": "warning",
        "WANGGE_TILE_URL": "",
        "WANGGE_SELF_APPROVAL": "true" if self_approval else "",
    }
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "geo_api.server.app:create_app",
        "--factory",
        "--host",
        "127.0.0.1",
    ]
    command += ["--port", str(port), "--log-level", "warning", "--timeout-graceful-shutdown", "2"]
    with log.open("wb") as out:
        server = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address, server, log)
            yield City(address, url, tuple(logins))
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


@contextlib.contextmanager
def new_database(cluster: Cluster, template: str, what: str) -> Iterator[str]:
    """URL of a migrated database of its own."""
    name = f"browser_{what}_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(conninfo(cluster.url, "postgres"), autocommit=True) as postgres:
        postgres.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    url = cluster.url.replace("/wangge?", f"/{name}?")
    yield url
    database.engine(url).dispose()


@contextlib.contextmanager
def analysed_city(cluster: Cluster, template: str, folder: Path, size: str) -> Iterator[City]:
    """A database of its own with the demo city of that size, as ``wangge demo`` makes it, and the service on it."""
    with new_database(cluster, template, size) as url:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WANGGE_DATA_DIR", str(folder / "data"))
            demo = prepare_demo(seed=1, size=size, url=url)
        with serve(url, folder / "data", demo.logins) as city:
            yield city


@pytest.fixture(scope="session")
def city(cluster: Cluster, _migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with analysed_city(cluster, _migrated, tmp_path_factory.mktemp("browser"), "small") as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium of this machine. One a module: its event loop must not outlive it."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("WANGGE_CHROMIUM") or next((p for n in names if (p := shutil.which(n))), None)
    if path is None:
        pytest.fail("no Chromium: apt-get install chromium fonts-noto-cjk, or name one in WANGGE_CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGS)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, city: City) -> Iterator[Callable[..., Console]]:
    visits: list[Visit] = []

    def open_(
        *,
        locale: str = "en-GB",
        size: tuple[int, int] = (1280, 800),
        at: City | None = None,
        before: Callable[[BrowserContext], None] | None = None,
        started: bool = True,
    ) -> Console:
        target = at or city
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale=locale)
        context.set_default_timeout(45_000)
        visit = Visit(context)
        visits.append(visit)

        def watch(route: Route) -> None:
            if route.request.url.startswith((target.address + "/", "data:", "blob:")):
                route.continue_()
            else:
                visit.foreign.append(route.request.url)
                route.abort()

        def note(message: ConsoleMessage) -> None:
            if message.type == "error":
                visit.errors.append(message.text)

        context.route("**/*", watch)
        if before is not None:
            before(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: visit.errors.append(str(error)))
        console = Console(page, target, visit)
        if started:
            console.goto("/map/")
        else:
            page.goto(target.address + "/map/")
        return console

    yield open_
    for visit in visits:
        visit.context.close()
    for visit in visits:
        assert visit.foreign == [], "asked another host"
        assert visit.unforeseen() == [], "errors in the browser's console"
