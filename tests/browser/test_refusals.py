"""Refusals in every view that writes: the typed text stays, and the page says in its language what to do.

Each view that writes is refused in every way, with the bare status that a proxy sends; in every run some of the ways.
While the network is away the map asks for nothing, and it comes back by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from tests.support.console import Console, without_shared_workers
from tests.support.long_runs import some
from tests.support.served_city import City

Open = Callable[..., Console]
SAID = {
    0: ("无法连接服务", "does not answer"),
    403: ("无权操作", "does not allow"),
    404: ("未找到", "Not found"),
    409: ("他人刚刚改过", "changed this meanwhile"),
    412: ("他人刚刚改过", "changed this meanwhile"),
    413: ("过大", "too large"),
    428: ("重新打开", "Open it anew"),
    429: ("请在 7 秒后重试", "Try again in 7 s"),
    500: ("请稍后重试", "Try again later"),
    503: ("请在 7 秒后重试", "Try again in 7 s"),
}
"""Words of the page for a status in Chinese and English; 0: the network is away."""
IN_EVERY_RUN = 3


@dataclass(frozen=True)
class Writing:
    """A view that writes: its address, what opens its form, the fields that are filled, the button that sends them."""

    role: str
    address: str
    fields: dict[str, str]
    send: str
    opens: str = ""


def writings(city: City) -> dict[str, Writing]:
    alert = city.value(
        "SELECT id FROM alerts WHERE status = 'open' AND joined_to IS NULL ORDER BY id LIMIT 1"
    )
    number = city.value("SELECT number FROM cases WHERE state = 'reported' ORDER BY number LIMIT 1")
    note = {"textarea": "巡查记录 written down"}
    return {
        "alert": Writing("dispatcher", f"alert/{alert}", note, "[data-card] textarea + .actions button"),
        "case": Writing("dispatcher", f"case/{number}", note, "[data-action]"),
        "key": Writing(
            "dispatcher", "account", {"[data-form=key] [name=name]": "纸本 desk", "[data-form=key] [type=password]": "x"},
            "[data-form=key] [type=submit]", "[data-new-key] summary",
        ),
        "webhooks": Writing("supervisor", "webhooks", {"[name=url]": "https://a.example/hook"}, "[data-add]"),
    }  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("turn", range(2), ids=["zh", "en"])
def test_what_was_typed_outlives_a_refusal(open_page: Open, city: City, turn: int) -> None:
    consoles: dict[str, Console] = {}
    refusal = {"status": 500}
    for i, (name, writing) in enumerate(writings(city).items()):
        if writing.role not in consoles:
            consoles[writing.role] = refusing(open_page, ("zh-CN", "en-GB")[turn], writing.role, refusal)
        console = consoles[writing.role]
        console.page.evaluate("(to) => { location.hash = to; }", f"view={writing.address}")
        if writing.opens:
            console.page.click(writing.opens)
        for field, text in writing.fields.items():
            console.page.locator(field).first.fill(text)
        for status in some(SAID, i * 2 + turn, IN_EVERY_RUN):
            refusal["status"] = status
            console.page.locator(writing.send).first.click()
            if name == "case":
                console.page.click("[data-confirm]")
            expect(console.page.locator("#app")).to_contain_text(SAID[status][turn])
            for field, text in writing.fields.items():
                expect(console.page.locator(field).first).to_have_value(text)


def refusing(open_page: Open, locale: str, role: str, refusal: dict[str, int]) -> Console:
    """Return a console of somebody of a role, in which every write is refused with the status of that moment."""
    console = open_page(locale=locale)
    console.log_in(role)
    console.visit.expected.append("Failed to load resource")

    def answer(route: Route) -> None:
        status = refusal["status"]
        if route.request.method == "GET":
            route.fallback()
        elif status == 0:
            route.abort()
        else:
            seconds = {"Retry-After": "7"} if status in (429, 503) else {}
            route.fulfill(status=status, headers=seconds, body="")

    console.visit.context.route("**/v1/**", answer)
    return console


def test_while_the_network_is_away_the_map_asks_for_nothing(open_page: Open) -> None:
    """The first tile that finds no service ends the asking; with the network the map comes back by itself."""
    away = False
    asked: list[str] = []

    def network(route: Route) -> None:
        if away:
            asked.append(route.request.url)
            route.abort("internetdisconnected")
        else:
            route.fallback()

    def before(context: BrowserContext) -> None:
        without_shared_workers(context)
        context.route("**/collections/*/tiles/**", network)
        context.route("**/v1/**", network)

    console = open_page(before=before, locale="zh-CN")
    console.visit.expected.append("Failed to load resource")
    page = console.page
    away = True
    move = "() => { const map = window.__wangge.map; map.jumpTo({ center: map.getCenter(), zoom: map.getZoom() + 1 }); }"
    page.evaluate(move)
    expect(page.locator(".lost")).to_contain_text("连接中断")
    tiles = [url for url in asked if "/tiles/" in url]
    page.evaluate(move)
    console.idle()
    page.evaluate(move)
    console.idle()
    assert [url for url in asked if "/tiles/" in url] == tiles, (
        "no tile is asked for while the service is away"
    )
    away = False
    page.evaluate("() => window.dispatchEvent(new Event('online'))")
    expect(page.locator(".lost")).to_be_hidden()
    with page.expect_response("**/tiles/**") as answer:
        page.evaluate("() => window.__wangge.map.jumpTo({ zoom: 12 })")
    assert answer.value.ok
