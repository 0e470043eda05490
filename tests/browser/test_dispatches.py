"""Dispatch in the page: a person picks an officer, who accepts and arrives on the phone; both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, expect
from sqlalchemy import text

from layers.postgres import SYSTEM, session
from tests.support.case_steps import move
from tests.support.console import Console, photo
from tests.support.served_city import City

Open = Callable[..., Console]
PHONE = (390, 844)


@pytest.fixture
def number(city: City) -> Iterator[str]:
    """A dispatched case whose lead body is that of the officer's account, who is bound to an officer of it."""
    login = city.login("officer")
    with session(SYSTEM, city.url) as db:
        found = db.execute(
            text(
                "SELECT number, state FROM cases WHERE lead_body = :body AND state = 'reported' ORDER BY id LIMIT 1"
            ),
            {"body": login.body},
        ).one()
        move(db, found.number, "verify", "file", "dispatch")
        db.execute(text("UPDATE officers SET username = NULL WHERE username = :n"), {"n": login.username})
        db.execute(
            text(
                "UPDATE officers SET username = :name, phone = '13800000001' WHERE id = (SELECT min(o.id) FROM officers o"
                " JOIN bodies b ON b.code = o.body_code WHERE b.name = :body AND o.on_duty)"
            ),
            {"name": login.username, "body": login.body},
        )
    yield str(found.number)
    with session(SYSTEM, city.url) as db:
        db.execute(
            text("UPDATE officers SET username = NULL, phone = NULL WHERE username = :n"),
            {"n": login.username},
        )


def at_the_case(city: City, number: str) -> Callable[[BrowserContext], None]:
    lon, lat = city.rows("SELECT ST_X(geom), ST_Y(geom) FROM cases WHERE number = :n", n=number)[0]

    def before(context: BrowserContext) -> None:
        context.grant_permissions(["geolocation"])
        context.set_geolocation({"longitude": lon, "latitude": lat})

    return before


def test_an_officer_is_sent_and_answers_on_the_phone(open_page: Open, city: City, number: str) -> None:
    officer = city.value(
        "SELECT officer_id FROM officers WHERE username = :n", n=city.login("officer").username
    )
    console = open_page()
    console.log_in("dispatcher")
    console.goto(f"/map/#view=case/{number}")
    panel = console.page.locator("case-officers")
    expect(panel.locator("[data-officer]").first).to_contain_text("open calls")
    expect(panel.locator("[data-officer] .badge").first).to_have_text("first suggestion")
    photo(console, "dispatch_suggestions")
    if panel.locator("[data-all-officers]").count():
        panel.locator("[data-all-officers]").click()
    panel.locator(f"[data-officer='{officer}'] [data-send]").click()
    reason = console.page.locator("textarea[name=reason]")
    if reason.count():
        reason.fill("nearest by road")
    console.page.click("[data-confirm]")
    row = panel.locator("[data-dispatch]")
    expect(row).to_have_attribute("data-state", "sent")
    panel.locator("[data-phones]").click()
    expect(panel.locator("[data-phone-list]")).to_contain_text("13800000001")
    photo(console, "dispatch_sent")

    phone = open_page(size=PHONE, locale="zh-CN", before=at_the_case(city, number))
    phone.log_in("officer")
    phone.goto("/map/#view=dispatches")
    call = phone.page.locator("[data-dispatch]")
    expect(call).to_contain_text("待接受")
    expect(call).to_contain_text(number)
    photo(phone, "dispatch_phone_zh")
    call.locator("[data-call=accept]").click()
    expect(call).to_have_attribute("data-state", "accepted")
    call.locator("[data-call=arrive]").click()
    expect(call).to_have_attribute("data-state", "arrived")
    expect(call).to_contain_text("距案发地 0 m")
    photo(phone, "dispatch_phone_arrived")
    expect(row).to_have_attribute("data-state", "arrived")  # the dispatcher's page hears of it
    assert city.value("SELECT state FROM cases WHERE number = :n", n=number) == "arrived"
    width = phone.page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= PHONE[0], "nothing is wider than the phone"

    console.goto("/map/#view=dispatches")
    expect(
        console.page.locator("[data-short-towns]").or_(console.page.get_by_text("Every town has"))
    ).to_be_visible()
    photo(console, "dispatches_view")
    console.language("zh")
    expect(console.page.get_by_role("heading", name="派员", exact=True)).to_be_visible()
    console.page.locator("[data-call=recall]").first.click()
    console.page.fill("textarea[name=reason]", "不再需要")
    console.page.click("[data-confirm]")
    expect(console.page.locator("[data-call=recall]")).to_have_count(0)
