"""Two people at two desks: what one puts into force, the other one sees without doing anything."""

from __future__ import annotations

import itertools
import re
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Route, expect

from tests.support.console import Console, without_shared_workers
from tests.support.grid_editor import UNITS, show
from tests.support.served_city import City
from tests.support.waiting import wait_until

Open = Callable[..., Console]
SEEN_S = 45.0
ROUNDS = 5
LOOK_S = 0.02
"""How often the other screen is looked at: the measured times are that coarse."""
LABELS = "() => window.__wangge.map.queryRenderedFeatures({ layers: ['unit_grid-label'] }).map((f) => f.properties.code)"


class Desk:
    """A grid manager who works with the service itself, from inside of an open page."""

    def __init__(self, console: Console) -> None:
        self.console = console
        me = console.page.request.get(console.city.address + "/v1/me").json()
        self.headers = {"X-CSRF-Token": str(me["csrf_token"])}

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer: APIResponse = self.console.page.request.post(
            self.console.city.address + path, data=body, headers=self.headers
        )
        assert answer.ok, answer.text()
        return answer.json()

    def split(self, unit: Any) -> dict[str, Any]:
        """Draft and apply a split from west to east; gives the change set."""
        out = (unit.east - unit.west) * 0.06
        line = [[unit.west - out, unit.lat], [unit.east + out, unit.lat]]
        operation = {"op": "split", "area_id": unit.id, "line": {"type": "LineString", "coordinates": line}}
        made = self._post("/v1/change-sets", {"operations": [operation]})
        applied: dict[str, Any] = self._post(f"/v1/change-sets/{made['id']}/apply", {})
        assert applied["status"] == "applied"
        return applied

    def undo(self, change_set: dict[str, Any]) -> None:
        self._post(f"/v1/change-sets/{change_set['id']}/undo", {})


def labels(console: Console) -> set[str]:
    return set(console.page.evaluate(LABELS))


def seconds_until(holds: Callable[[], bool], what: str) -> float:
    since = time.perf_counter()
    wait_until(holds, what, SEEN_S, pause_s=LOOK_S)
    return time.perf_counter() - since


def new_codes(change_set: dict[str, Any]) -> set[str]:
    """Codes of the two grids that a split made."""
    new = {each["code"] for each in change_set["result"]["created"]}
    assert len(new) == 2
    return new


def seconds_until_shown(console: Console, change_set: dict[str, Any]) -> float:
    new = new_codes(change_set)
    return seconds_until(lambda: new <= labels(console), f"{new} are shown")


def seconds_until_taken_back(desk: Desk, console: Console, change_set: dict[str, Any]) -> float:
    """Undo a split at the one desk: how long the other one still shows its grids."""
    new = new_codes(change_set)
    desk.undo(change_set)
    return seconds_until(lambda: not new & labels(console), f"{new} are gone")


def shows(console: Console, code: str) -> None:
    wait_until(lambda: code in labels(console), f"{code} is shown")


@pytest.fixture
def desks(open_page: Open) -> Iterator[tuple[Desk, Console]]:
    """The one who edits, and one without a login who only looks, in contexts of their own."""
    first, other = open_page(), open_page(locale="zh-CN", before=without_shared_workers)
    first.log_in("grid_manager")
    yield Desk(first), other


def smallest(city: City) -> Any:
    return city.rows(UNITS + " ORDER BY u.area_m2 LIMIT 1", town=city.town)[0]


def test_another_screen_shows_the_new_grids(desks: tuple[Desk, Console], city: City) -> None:
    desk, other = desks
    show(other, smallest(city))
    took: list[float] = []
    for _ in range(ROUNDS):
        unit = smallest(city)
        shows(other, unit.code)
        change_set = desk.split(unit)
        took.append(seconds_until_shown(other, change_set))
        assert unit.code not in labels(other)
        assert new_codes(change_set) <= {each["code"] for each in other.drawn("unit_grid-fill")}
        expect(other.page.locator(".status .updated")).to_have_text(re.compile(r"^已更新 \d\d:\d\d:\d\d$"))
        took.append(seconds_until_taken_back(desk, other, change_set))
    told = ", ".join(f"{each:.2f}" for each in took)
    print(f"\nseen after {told} s; median {statistics.median(took):.2f} s, most {max(took):.2f} s")


def test_what_nobody_looks_at_is_loaded_when_the_map_comes_there(
    desks: tuple[Desk, Console], city: City
) -> None:
    """Elsewhere no tile is asked for; on the way back the new grids are there."""
    desk, other = desks
    unit = smallest(city)
    show(other, unit)
    shows(other, unit.code)
    there = other.page.evaluate("() => window.__wangge.map.getCenter().toArray()")
    zoom = other.page.evaluate("() => window.__wangge.map.getZoom()")
    other.look_at(there[0] + 3, there[1], zoom)
    asked: list[str] = []
    other.page.on("request", lambda request: asked.append(request.url) if "/tiles/" in request.url else None)
    change_set = desk.split(unit)
    expect(other.page.locator(".status .updated")).to_contain_text("已更新")
    other.settle()  # what is in view is asked for before the page says that it is up to date
    assert [url for url in asked if "/areas/" in url] == []
    other.look_at(there[0], there[1], zoom)
    seconds_until_shown(other, change_set)
    assert any("/areas/" in url for url in asked)
    seconds_until_taken_back(desk, other, change_set)


def test_what_happened_while_the_connection_was_lost_is_seen_afterwards(
    desks: tuple[Desk, Console], city: City
) -> None:
    desk, other = desks
    unit = smallest(city)
    show(other, unit)
    shows(other, unit.code)
    other.visit.expected += ["ERR_INTERNET_DISCONNECTED", "ERR_NETWORK_CHANGED", "status of 429"]
    live = other.page.locator(".status .live")
    expect(live).not_to_have_class("live off")
    refusals = itertools.count()

    def refuse(route: Route) -> None:
        if next(refusals) < 3:
            route.fulfill(status=429, headers={"Retry-After": "2"}, body="")
        else:
            route.fallback()

    other.visit.context.route("**/v1/events*", refuse)
    # a new login is a new stream, which is refused
    other.log_in("officer")
    expect(live).to_have_class("live off")
    show(other, unit)
    change_set = desk.split(unit)
    seconds_until_shown(other, change_set)
    expect(live).not_to_have_class("live off")
    assert next(refusals) > 3
    seconds_until_taken_back(desk, other, change_set)
