"""Driving the console: what a person does, in a test's words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text

from geo_api.cli.demo import Login
from layers.postgres import SYSTEM, session

ARGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
DEADLINE_S = 60.0
CLICK_PAUSE_MS = 400
"""Two clicks that are closer are a double click, which zooms."""


@dataclass(frozen=True)
class City:
    """A running service with the demo's accounts."""

    address: str
    url: str
    logins: tuple[Login, ...]

    def login(self, role: str) -> Login:
        """The first account of a role; officer and grid manager are of the town with the most cases."""
        return next(login for login in self.logins if login.role == role)

    @property
    def town(self) -> str:
        """Code of the officer's and the grid manager's town."""
        return str(self.login("grid_manager").area_code)

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """Rows of the city's database, as the service itself sees them."""
        with session(SYSTEM, self.url) as db:
            return list(db.execute(text(statement), values).all())

    def value(self, statement: str, **values: Any) -> Any:
        """The first value of the first row."""
        return self.rows(statement, **values)[0][0]


@dataclass
class Visit:
    """What one browser context asked for and complained of."""

    context: BrowserContext
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def unforeseen(self) -> list[str]:
        """Errors without those that a test announced: a refusal is logged by the browser too."""
        return [error for error in self.errors if not any(part in error for part in self.expected)]


def wait_until(holds: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """Ask until the answer is true; the page's policy forbids Playwright's own polling of expressions."""
    end = time.monotonic() + deadline_s
    while True:
        answer = holds()
        if answer or time.monotonic() > end:
            assert answer, f"did not happen in {deadline_s} s: {what}"
            return answer
        time.sleep(0.1)


class Console:
    """One open page."""

    def __init__(self, page: Page, city: City, visit: Visit) -> None:
        self.page = page
        self.city = city
        self.visit = visit

    def goto(self, path: str) -> None:
        self.page.goto(self.city.address + path)
        wait_until(lambda: self.page.evaluate("() => Boolean(window.__wangge)"), "the console starts")
        self.idle()

    def expect_status(self, *statuses: int) -> None:
        """The browser logs a refused request as an error: these are part of the test."""
        self.visit.expected += [f"status of {status}" for status in statuses]

    def idle(self) -> None:
        """Wait until the map has drawn everything."""
        self.page.evaluate("() => window.__wangge.idle()")

    def log_in(self, role: str, password: str | None = None) -> None:
        login = self.city.login(role)
        self.page.click("[data-login]")
        self.page.fill("dialog [name=username]", login.username)
        self.page.fill("dialog [name=password]", password or login.password)
        self.page.click("dialog button[type=submit]")
        if password is None:
            expect(self.page.locator("[data-logout]")).to_be_visible()
            self.idle()

    def tab(self, name: str) -> None:
        self.page.click(f"[data-tab={name}]")

    def language(self, to: str) -> None:
        if self.page.evaluate("() => document.documentElement.lang").startswith(to):
            return
        self.page.click("[data-language]")

    def look_at(self, lon: float, lat: float, zoom: float) -> None:
        self.page.evaluate(
            "([lon, lat, zoom]) => { window.__wangge.map.jumpTo({ center: [lon, lat], zoom }) }",
            [lon, lat, zoom],
        )
        self.idle()

    def drawn(self, layer: str) -> list[dict[str, Any]]:
        """Properties of the features that a layer shows on the screen."""
        script = "(layer) => window.__wangge.map.queryRenderedFeatures({ layers: [layer] }).map((f) => ({ id: f.id, ...f.properties }))"
        found: list[dict[str, Any]] = self.page.evaluate(script, layer)
        return found

    def drawn_soon(self, layer: str) -> list[dict[str, Any]]:
        """The same, after waiting for at least one."""
        found: list[dict[str, Any]] = wait_until(lambda: self.drawn(layer), f"{layer} shows something")
        return found

    def pixel(self, lon: float, lat: float) -> tuple[float, float]:
        """Where a place is on the page."""
        script = """([lon, lat]) => {
            const map = window.__wangge.map, box = map.getCanvas().getBoundingClientRect(), p = map.project([lon, lat]);
            return [box.left + p.x, box.top + p.y];
        }"""
        x, y = self.page.evaluate(script, [lon, lat])
        return float(x), float(y)

    def click_map(self, lon: float, lat: float, button: str = "left") -> None:
        x, y = self.pixel(lon, lat)
        self.page.mouse.move(x, y, steps=3)
        self.page.mouse.click(x, y, button=button)  # type: ignore[arg-type]
        self.page.wait_for_timeout(CLICK_PAUSE_MS)

    def step(self, action: str, note: str = "") -> None:
        """Take one step of the open case."""
        if note:
            self.page.fill(".view-case textarea", note)
        self.page.click(f"[data-action={action}]")
        self.page.click("[data-confirm]")
        expect(self.page.locator(f"[data-action={action}]")).to_have_count(0)
