"""Driving the console: what a person does, in a test's words."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from tests.support.served_city import City
from tests.support.waiting import wait_until

ARGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",  # without a graphics card the processor puts a page together faster than SwiftShader
]
COARSE = "Object.defineProperty(window, 'devicePixelRatio', { get: () => 0.25 })"
"""A sixteenth of the map's pixels.

Most of a test's time goes into them, and what is drawn where stays the same.
"""
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Two frames: what followed at once from the last event has been drawn."""
APART = ("/tiles/", "/v1/events", "/shared_worker-")
"""Requests that :meth:`Console.settle` does not wait for.

The map waits for its tiles, and neither a stream nor the script of a shared worker is ever said to have
been answered.
"""


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


class Console:
    """One open page."""

    def __init__(self, page: Page, city: City, visit: Visit) -> None:
        self.page = page
        self.city = city
        self.visit = visit
        self._asked = 0
        self._unanswered: set[Request] = set()
        page.on("request", self._note_question)
        page.on("requestfinished", self._note_answer)
        page.on("requestfailed", self._note_answer)

    def _note_answer(self, request: Request) -> None:
        self._unanswered.discard(request)

    def _note_question(self, request: Request) -> None:
        if not any(part in request.url for part in APART):
            self._asked += 1
            self._unanswered.add(request)

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

    def frames(self) -> None:
        """Wait until what followed at once from the last event has been drawn."""
        self.page.evaluate(FRAMES)

    def settle(self) -> None:
        """Wait until every question of the page is answered and the map shows what followed from it."""

        def settled() -> bool:
            asked = self._asked
            self.frames()
            self.idle()
            return not self._unanswered and asked == self._asked

        wait_until(settled, lambda: f"the page settles: {[each.url for each in self._unanswered]}")

    def log_in(self, role: str, password: str | None = None, *, username: str | None = None) -> None:
        """Log in as the first account of a role, or as that one."""
        login = next((each for each in self.city.logins if each.username == username), self.city.login(role))
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

    def expect_drawn(self, layer: str) -> None:
        """Wait until a layer shows something; its features stay in the page, where a thousand cost nothing."""
        script = "(layer) => window.__wangge.map.queryRenderedFeatures({ layers: [layer] }).length > 0"
        wait_until(lambda: self.page.evaluate(script, layer), f"{layer} shows something")

    def drawn_soon(self, layer: str) -> list[dict[str, Any]]:
        """Properties of the features that a layer shows, after waiting for at least one."""
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
        self.frames()

    def step(self, action: str, note: str = "") -> None:
        """Take one step of the open case."""
        if note:
            self.page.fill(".view-case textarea", note)
        self.page.click(f"[data-action={action}]")
        self.page.click("[data-confirm]")
        expect(self.page.locator(f"[data-action={action}]")).to_have_count(0)


def new_context(
    browser: Browser, size: tuple[int, int], locale: str, *, as_people_see_it: bool
) -> BrowserContext:
    """A browser without memory.

    What people see is slow without a graphics card: the map is coarse and jumps where it would fly.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale=locale,
        reduced_motion="no-preference" if as_people_see_it else "reduce",
    )
    context.set_default_timeout(45_000)
    if not as_people_see_it:
        context.add_init_script(COARSE)
    return context


def without_shared_workers(context: BrowserContext) -> None:
    """A browser that has none.

    A tab asks for the stream of changes itself, where a test can see and refuse it.
    """
    context.add_init_script("delete window.SharedWorker")


def wants_photos() -> bool:
    """Whether somebody looks at pictures of this run."""
    return "WANGGE_PHOTOS" in os.environ


def photo(console: Console, name: str) -> None:
    """A picture for whoever looks at it: WANGGE_PHOTOS names the folder."""
    if wants_photos():
        folder = os.environ["WANGGE_PHOTOS"]
        Path(folder).mkdir(parents=True, exist_ok=True)
        console.idle()
        console.page.screenshot(path=str(Path(folder) / f"{name}.png"))
