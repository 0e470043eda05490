"""The own account in the console: second factor, password, logins, and a desk that nobody touches."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import expect

from geo_api.auth.accounts import create_user
from layers.postgres import SYSTEM, session
from tests.support.console import Console, photo
from tests.support.page_faults import LAYOUT_FAULTS, LOW_CONTRAST, NAMELESS
from tests.support.served_city import City, serve_city

Open = Callable[..., Console]
PASSWORD = "three grey herons wade"
HOUR_MS = 3_600_000
_numbers = itertools.count()


@pytest.fixture
def account(city: City) -> Callable[[str], str]:
    def make(role: str) -> str:
        name = f"desk.{role}.{next(_numbers)}"
        with session(SYSTEM, city.url) as db:
            create_user(db, username=name, password=PASSWORD, role=role, display_name=f"Desk {role}")
        return name

    return make


def fill_login(console: Console, username: str, password: str = PASSWORD) -> None:
    console.page.fill("dialog [name=username]", username)
    console.page.fill("dialog [name=password]", password)
    console.page.click("dialog button[type=submit]")


def log_in(console: Console, username: str, password: str = PASSWORD) -> None:
    console.page.click("[data-login]")
    fill_login(console, username, password)


def looks_well(console: Console, name: str, phone: bool) -> None:
    console.settle()
    photo(console, name)
    faults = console.page.evaluate(LAYOUT_FAULTS)
    beside = ("layers over", "scale under")  # a phone has the panel at its foot, and the map above
    assert [fault for fault in faults if not phone or not fault.startswith(beside)] == []
    assert console.page.evaluate(NAMELESS) == []
    assert console.page.evaluate(LOW_CONTRAST) == []


@pytest.mark.parametrize(
    ("locale", "size", "theme", "title"),
    [("en-GB", (1280, 800), "light", "Account"), ("zh-CN", (390, 844), "dark", "我的账号")],
)
def test_a_second_factor_is_set_up_and_asked_for(
    open_page: Open,
    account: Callable[[str], str],
    locale: str,
    size: tuple[int, int],
    theme: str,
    title: str,
) -> None:
    name, phone = account("viewer"), size[0] < 600
    console = open_page(locale=locale, size=size)
    page = console.page
    console.expect_status(401)
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    log_in(console, name)
    page.click("[data-account]")
    expect(page.locator("account-view h2")).to_have_text(title)
    expect(page.locator("[data-login-id]")).to_have_count(1)
    looks_well(console, f"account-{locale}", phone)
    form = page.locator("[data-form=factor]")
    form.locator("[name=password]").fill("wrong")
    form.locator("button").click()
    expect(form.locator(".fault")).not_to_be_empty()
    form.locator("[name=password]").fill(PASSWORD)
    form.locator("button").click()
    key = "".join(page.locator("[data-key]").inner_text().split())
    drawn = page.locator(".qr").evaluate("(image) => image.decode().then(() => image.naturalWidth)")
    assert drawn > 100
    looks_well(console, f"account-key-{locale}", phone)
    codes = pyotp.TOTP(key)
    confirm = page.locator("[data-form=confirm]")
    confirm.locator("[name=code]").fill("000000")
    confirm.locator("button").click()
    expect(confirm.locator(".fault")).not_to_be_empty()
    confirm.locator("[name=code]").fill(codes.now())
    confirm.locator("button").click()
    expect(page.locator("[data-recovery] li")).to_have_count(10)
    expect(page.locator("[data-factor=on]")).to_be_visible()
    recovery = page.locator("[data-recovery] li").first.inner_text()
    looks_well(console, f"account-codes-{locale}", phone)
    page.click("[data-kept]")
    expect(page.locator("[data-recovery]")).to_have_count(0)
    page.click("[data-logout]")
    log_in(console, name)
    field = page.locator("dialog [name=code]")
    expect(field).to_be_visible()
    expect(field).to_be_focused()
    field.fill("000000")
    page.click("dialog button[type=submit]")
    expect(page.locator("dialog .fault")).not_to_be_empty()
    photo(console, f"login-code-{locale}")
    field.fill(codes.at(time.time() + 30))
    page.click("dialog button[type=submit]")
    expect(page.locator("[data-logout]")).to_be_visible()
    page.click("[data-account]")
    page.click("[data-change] summary")
    change = page.locator("[data-form=change]")
    change.locator("[name=password]").fill(PASSWORD)
    change.locator("[name=code]").fill(recovery)
    change.locator("select").select_option("remove")
    change.locator("button").click()
    expect(page.locator("[data-factor=off]")).to_be_visible()


def test_logins_elsewhere_are_seen_and_ended(open_page: Open, account: Callable[[str], str]) -> None:
    name = account("viewer")
    here, there = open_page(), open_page(locale="zh-CN")
    there.expect_status(401)
    log_in(there, name)
    expect(there.page.locator("[data-logout]")).to_be_visible()
    log_in(here, name)
    here.page.click("[data-account]")
    rows = here.page.locator("[data-login-id]")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("This login")
    expect(rows.last).to_contain_text("Linux")
    looks_well(here, "account-logins", phone=False)
    rows.last.locator("[data-end]").click()
    expect(rows).to_have_count(1)
    there.tab("alerts")
    dialog = there.page.locator("dialog.login")
    expect(dialog).to_contain_text("登录已失效")  # reading asks for the login, too
    photo(there, "login-ended-zh-CN")
    dialog.locator("[name=username]").fill(name)
    dialog.locator("[name=password]").fill(PASSWORD)
    dialog.locator("[type=submit]").click()
    expect(there.page.locator(".view-alerts [data-level]").first).to_be_visible()  # and goes on where it was


def test_the_password_is_changed(open_page: Open, account: Callable[[str], str]) -> None:
    name = account("viewer")
    console = open_page()
    console.expect_status(401, 422)
    log_in(console, name)
    console.page.click("[data-account]")
    form = console.page.locator("[data-form=password]")

    def change(now: str, new: str, again: str) -> None:
        form.locator("[name=password]").fill(now)
        form.locator("[name=new_password]").fill(new)
        form.locator("[name=again]").fill(again)
        form.locator("button").click()

    new = "lorry kettle Tuesday"
    change(PASSWORD, new, "another one")
    expect(form.locator(".fault")).to_contain_text("differ")
    change(PASSWORD, "password123", "password123")
    expect(form.locator(".fault")).to_contain_text("Too common")
    console.language("zh")
    change("wrong", new, new)
    expect(form.locator(".fault")).to_contain_text("当前密码错误")
    change(PASSWORD, new, new)
    expect(console.page.locator(".notice")).to_contain_text("密码已修改")
    console.page.click("[data-logout]")
    log_in(console, name, new)
    expect(console.page.locator("[data-logout]")).to_be_visible()


def test_who_must_have_a_second_factor_is_led_to_it(
    open_page: Open, city: City, account: Callable[[str], str], tmp_path: Path
) -> None:
    name = account("supervisor")
    more = {"WANGGE_SECOND_FACTOR_ROLES": "supervisor,dispatcher"}
    more |= {"WANGGE_CHAIN_KEYS": str(city.folder / "chain_keys")}
    with serve_city(city.url, tmp_path / "data", city.logins, **more) as strict:
        console = open_page(at=strict)
        page = console.page
        log_in(console, name)
        expect(page.locator("[data-enrol]")).to_be_visible()
        expect(page.locator("[data-tab=alerts]")).to_have_count(0)
        expect(page.locator("[data-form=password]")).to_have_count(0)
        looks_well(console, "account-enrol", phone=False)
        page.fill("[data-form=factor] [name=password]", PASSWORD)
        page.click("[data-form=factor] button")
        key = "".join(page.locator("[data-key]").inner_text().split())
        page.fill("[data-form=confirm] [name=code]", pyotp.TOTP(key).now())
        page.click("[data-form=confirm] button")
        expect(page.locator("[data-recovery] li")).to_have_count(10)
        expect(page.locator("[data-tab=alerts]")).to_be_visible()
        page.click("[data-kept]")
        console.tab("alerts")
        expect(page.locator(".view-alerts .row").first).to_be_visible()


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_a_desk_that_nobody_touches_is_locked_and_what_was_written_stays(
    open_page: Open, city: City, locale: str
) -> None:
    number = city.value("SELECT number FROM cases WHERE closed_at IS NULL ORDER BY number LIMIT 1")
    console = open_page(locale=locale, before=lambda context: context.clock.install())
    console.expect_status(401)
    console.log_in("dispatcher")
    console.tab("cases")
    console.page.click(f"[data-number='{number}']")
    note = console.page.locator(".view-case textarea").first
    note.fill("the gate was open")
    console.page.clock.fast_forward(HOUR_MS - 60_000)
    console.page.mouse.move(300, 300)  # somebody is there
    console.page.clock.fast_forward(HOUR_MS - 60_000)
    expect(console.page.locator("dialog")).to_have_count(0)
    console.page.clock.fast_forward(120_000)
    dialog = console.page.locator("dialog.locked")
    expect(dialog).to_contain_text("60")
    photo(console, f"idle-{locale}")
    me = console.page.request.get(f"{city.address}/v1/me").json()
    assert me == {"role": "public"}, "the login has ended on the server"
    login = city.login("dispatcher")
    fill_login(console, login.username, login.password)
    expect(dialog).to_have_count(0)
    expect(note).to_have_value("the gate was open")
    expect(console.page.locator("[data-logout]")).to_be_visible()
