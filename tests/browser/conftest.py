"""The real service with a small analysed city, and a headless Chromium that may talk to nobody else.

``city``      address, database and accounts of the service (one a test process)
``open_page`` opens the console in a context of its own; at the end of the test nothing may have been asked of
              another host, and the browser's console must be free of errors
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Route, expect, sync_playwright

from tests.support.console import ARGS, Console, Visit, new_context, wants_photos
from tests.support.prepared_demo import PreparedDemo
from tests.support.served_city import City, serve_city

expect.set_options(timeout=45_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def city(prepared_demo: PreparedDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("browser") / "data"
    with (
        prepared_demo.copy(folder, "browser_small") as settings,
        serve_city(settings.database_url, folder, prepared_demo.logins) as made,
    ):
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
    with _opening(browser, city) as open_:
        yield open_


@pytest.fixture(scope="module")
def open_page_of_module(browser: Browser, city: City) -> Iterator[Callable[..., Console]]:
    """The same for a page that several tests look at and leave as it was."""
    with _opening(browser, city) as open_:
        yield open_


@contextlib.contextmanager
def _opening(browser: Browser, city: City) -> Iterator[Callable[..., Console]]:
    visits: list[Visit] = []

    def open_(
        *,
        locale: str = "en-GB",
        size: tuple[int, int] = (1280, 800),
        at: City | None = None,
        before: Callable[[BrowserContext], None] | None = None,
        started: bool = True,
        as_people_see_it: bool = wants_photos(),
    ) -> Console:
        target = at or city
        context = new_context(browser, size, locale, as_people_see_it=as_people_see_it)
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
