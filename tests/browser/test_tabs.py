"""Many tabs of one browser: they share one stream of changes, and one login."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect
from sqlalchemy import text

from layers.postgres import SYSTEM, session
from tests.support.console import Console, without_shared_workers
from tests.support.served_city import City
from tests.support.waiting import wait_until

Open = Callable[..., Console]
TABS = 8
"""More than the six connections that a browser opens to a host by HTTP/1.1."""
STARTED = "() => Boolean(window.__wangge)"
HEARD = "() => document.querySelector('.status .updated')?.dateTime ?? ''"
"""The instant of the last update: the text beside it says the second only."""


def more_tabs(console: Console, number: int) -> list[Page]:
    """Tabs beside the first one, each of which starts."""
    pages = []
    for _ in range(number):
        page = console.visit.context.new_page()
        page.set_viewport_size({"width": 700, "height": 500})
        page.goto(console.city.address + "/map/")
        wait_until(lambda page=page: page.evaluate(STARTED), f"tab {len(pages) + 2} starts")  # type: ignore[misc]
        pages.append(page)
    return pages


def change_something(city: City) -> None:
    """A change of an area that everybody hears of, and that changes nothing."""
    with session(SYSTEM, city.url) as db:
        db.execute(
            text("UPDATE areas SET name = name WHERE id = (SELECT min(id) FROM areas WHERE kind = 'town')")
        )


def heard_after(page: Page, before: str) -> None:
    wait_until(lambda: page.evaluate(HEARD) not in ("", before), "the tab heard of the change")


@pytest.fixture
def streams(city: City) -> Iterator[Callable[[BrowserContext], list[Request]]]:
    """Requests for the stream that the tabs of a context make themselves."""

    def watch(context: BrowserContext) -> list[Request]:
        asked: list[Request] = []
        context.on("request", lambda request: asked.append(request) if "/v1/events" in request.url else None)
        return asked

    yield watch


@pytest.mark.parametrize("worker", [True, False], ids=["shared worker", "leading tab"])
def test_eight_tabs_load_and_hear_of_a_change(
    open_page: Open, city: City, streams: Callable[[BrowserContext], list[Request]], worker: bool
) -> None:
    asked: list[list[Request]] = []

    def before(context: BrowserContext) -> None:
        if not worker:
            without_shared_workers(context)
        asked.append(streams(context))

    console = open_page(size=(700, 500), before=before)
    pages = [console.page, *more_tabs(console, TABS - 1)]
    assert len(asked[0]) == (0 if worker else 1)
    for page in pages:
        expect(page.locator(".status .live")).not_to_have_class(re.compile("off"))
    change_something(city)
    for page in pages:
        heard_after(page, "")
    for page in pages:
        assert page.evaluate("() => fetch('../v1/settings').then((r) => r.status)") == 200
    assert len(asked[0]) == (0 if worker else 1), "one stream for all tabs"


def test_when_the_leading_tab_closes_another_one_goes_on_where_it_was(
    open_page: Open, city: City, streams: Callable[[BrowserContext], list[Request]]
) -> None:
    asked: list[list[Request]] = []

    def before(context: BrowserContext) -> None:
        without_shared_workers(context)
        asked.append(streams(context))

    console = open_page(size=(700, 500), before=before)
    second, third = more_tabs(console, 2)
    change_something(city)
    for page in (second, third):
        heard_after(page, "")
    newest = city.value("SELECT max(id) FROM layer_changes")
    told = {page: page.evaluate(HEARD) for page in (second, third)}
    assert len(asked[0]) == 1
    console.page.close()
    change_something(city)  # perhaps before another tab leads: it is told all the same
    for page in (second, third):
        heard_after(page, told[page])
    assert len(asked[0]) == 2
    resumed = asked[0][1].all_headers()
    assert int(resumed["last-event-id"]) >= newest


def test_a_login_in_one_tab_is_one_in_all(open_page: Open) -> None:
    console = open_page(size=(1000, 700))
    (other,) = more_tabs(console, 1)
    expect(other.locator("[data-login]")).to_be_visible()
    console.log_in("dispatcher")
    expect(other.locator("[data-logout]")).to_be_visible()
    other.set_viewport_size({"width": 1000, "height": 700})
    other.click("[data-logout]")
    expect(console.page.locator("[data-login]")).to_be_visible()


def test_a_session_of_another_person_does_not_stay_open(open_page: Open, city: City) -> None:
    """Who logs out in one tab leaves no case on the screen of another."""
    number = city.value("SELECT number FROM cases ORDER BY number LIMIT 1")
    console = open_page(size=(1000, 700))
    console.log_in("dispatcher")
    (other,) = more_tabs(console, 1)
    other.evaluate(f"() => {{ location.hash = 'view=case/{number}' }}")
    expect(other.locator(f"[data-open-case='{number}']")).to_be_visible()
    console.page.click("[data-logout]")
    expect(other.locator("[data-closed=login]")).to_be_visible()
    expect(other.locator(f"[data-open-case='{number}']")).to_have_count(0)
