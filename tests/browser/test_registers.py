"""Registers in the console: searched, confirmed, edited from a day on, withdrawn; both languages, on the phone too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from layers.postgres import SYSTEM, session
from tests.support.console import Console, photo
from tests.support.page_faults import LAYOUT_FAULTS, LOW_CONTRAST, NAMELESS
from tests.support.served_city import City

Open = Callable[..., Console]


def add_unconfirmed(city: City, code: str, name: str) -> None:
    with session(SYSTEM, city.url) as db:
        db.execute(
            text(
                "INSERT INTO bodies (body_id, code, name, level, confirmed, valid_from)"
                " VALUES (0, :code, :name, 'city', false, '2020-01-01') ON CONFLICT DO NOTHING"
            ),
            {"code": code, "name": name},
        )


def check_page(console: Console, size: tuple[int, int], name: str) -> None:
    console.settle()
    photo(console, name)
    faults = console.page.evaluate(LAYOUT_FAULTS)
    beside = ("layers over", "scale under")  # a phone has the panel at its foot, and the map above
    assert [fault for fault in faults if size[0] > 600 or not fault.startswith(beside)] == []
    assert console.page.evaluate(NAMELESS) == []
    assert console.page.evaluate(LOW_CONTRAST) == []


@pytest.mark.parametrize(
    ("locale", "size", "title", "officers"),
    [("en-GB", (1280, 800), "Registers", "Officers"), ("zh-CN", (390, 844), "名录", "执法人员")],
)
def test_a_register_is_read_and_edited(
    open_page: Open, city: City, locale: str, size: tuple[int, int], title: str, officers: str
) -> None:
    key = f"B-{locale}"
    add_unconfirmed(city, f"U-{locale}", "某某执法局")
    console = open_page(locale=locale, size=size)
    console.log_in("supervisor")
    console.tab("cases")
    page = console.page
    page.get_by_role("link", name=title).click()
    first = page.locator("registers-view a.row").first
    expect(first).to_be_visible()
    expect(first.locator(".register-unconfirmed")).to_be_visible()
    check_page(console, size, f"registers-list-{locale}")

    page.locator("[data-add]").click()
    form = page.locator("[data-form=add]")
    form.locator("[name=key]").fill(key)
    form.locator("[name=name]").fill(f"水务局 {locale}")
    form.locator("[name=level]").select_option("city")
    form.locator("[name=valid_from]").fill("2026-01-01")
    form.locator("[type=submit]").press("Enter")  # a list that arrives late moves the button under a mouse
    card = page.locator("register-card")
    expect(card.locator("h2")).to_have_text(f"水务局 {locale}")
    page.locator("[data-edit]").click()
    edit = page.locator("[data-form=edit]")
    edit.locator("[name=short_name]").fill("水务")
    edit.locator("[name=valid_from]").fill("2026-02-01")
    edit.locator("[name=reason]").fill("简称")
    check_page(console, size, f"registers-edit-{locale}")
    edit.locator("[type=submit]").click()
    expect(card.locator("[data-version]")).to_have_count(2)
    expect(card.locator("[data-version='2026-02-01']")).to_contain_text("supervisor")
    found = city.value(
        f"SELECT string_agg(valid_from::text, ' ' ORDER BY valid_from) FROM bodies WHERE code = '{key}'"
    )
    assert found == "2026-01-01 2026-02-01"
    page.locator("[data-withdraw]").click()
    withdraw = page.locator("[data-form=withdraw]")
    withdraw.locator("[name=on]").fill("2027-01-01")
    withdraw.locator("[name=reason]").fill("撤并")
    withdraw.locator("[type=submit]").click()
    expect(card.locator("[data-version='2026-02-01']")).to_contain_text("2027-01-01")
    check_page(console, size, f"registers-card-{locale}")

    card.locator("a.back").click()
    page.locator("[data-register=officers]").click()
    expect(page.locator("[data-register=officers]")).to_have_text(officers)
    expect(page.locator("[data-register=officers]")).to_have_attribute("aria-current", "page")
    page.locator("[data-register=matters]").click()
    expect(page.locator("registers-view a.row").first).to_be_visible()


def test_an_unconfirmed_body_is_confirmed_and_one_in_use_is_not_withdrawn(
    open_page: Open, city: City
) -> None:
    console = open_page()
    console.log_in("supervisor")
    add_unconfirmed(city, "U-CONFIRM", "待核执法队")
    console.goto("/map/#view=registers/bodies")
    page = console.page
    page.fill("[name=register-search]", "待核执法队")
    page.locator("[name=register-search]").press("Enter")
    page.locator("registers-view a.row[data-key=U-CONFIRM]").click()
    page.locator("[data-confirm-entry]").click()
    expect(page.locator("[data-confirm-entry]")).to_have_count(0)
    assert city.value("SELECT bool_and(confirmed) FROM bodies WHERE code = 'U-CONFIRM'")
    code = city.value(
        "SELECT b.code FROM bodies b JOIN duty_items d ON d.body = b.name AND d.valid_to IS NULL"
        " WHERE b.valid_to IS NULL ORDER BY b.code LIMIT 1"
    )
    console.goto(f"/map/#view=registers/bodies/{code}")
    expect(page.locator("[data-resting=duty_items]")).to_be_visible()
    console.expect_status(409)
    page.locator("[data-withdraw]").click()
    page.locator("[data-form=withdraw] [name=reason]").fill("撤并")
    page.locator("[data-form=withdraw] [type=submit]").click()
    expect(page.locator("[data-form=withdraw] .fault")).to_contain_text("duty list")


def test_an_officer_of_a_body_sees_no_officers(open_page: Open, city: City) -> None:
    console = open_page()
    console.log_in("officer")
    console.goto("/map/#view=registers/bodies")
    page = console.page
    expect(page.locator("registers-view a.row").first).to_be_visible()
    expect(page.locator("[data-register=officers]")).to_have_count(0)
    expect(page.locator("[data-add]")).to_have_count(0)


def changed_list(city: City, former: str, now: str) -> bytes:
    """The stored duty list as a file, with the lines of one body given to another one."""
    columns = "item_code, item, domain, legal_basis, kind, body, level, area_code, role, valid_from, valid_to"
    lines = [columns.replace(" ", "")]
    for row in city.rows(f"SELECT {columns} FROM duty_items ORDER BY id"):
        cells = ["" if value is None else str(value) for value in row]
        cells[5] = now if cells[5] == former else cells[5]
        lines.append(",".join(f'"{cell}"' for cell in cells))
    return "\n".join(lines).encode()


@pytest.mark.parametrize(("locale", "size"), [("en-GB", (1280, 800)), ("zh-CN", (390, 844))])
def test_a_duty_list_is_previewed_proposed_approved_by_another_and_undone(
    open_page: Open, city: City, locale: str, size: tuple[int, int]
) -> None:
    former = city.value(
        "SELECT c.lead_body FROM cases c JOIN duty_items d ON d.body = c.lead_body AND d.valid_to IS NULL"
        " WHERE c.state NOT IN ('closed', 'merged') GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    )
    name = f"综合执法局 {locale}"
    add_unconfirmed(city, f"P-{locale}", name)
    file = {"name": "清单.csv", "mimeType": "text/csv", "buffer": changed_list(city, former, name)}
    console = open_page(locale=locale, size=size)
    console.log_in("dispatcher")
    console.goto("/map/#view=registers/bodies")
    page = console.page
    page.locator("[data-proposals]").click()
    page.locator("[data-propose]").click()
    form = page.locator("[data-form=propose]")
    form.locator("[name=file]").set_input_files(file)
    form.locator("[data-act=preview]").click()
    expect(page.locator("[data-preview] [data-impact='proposals.cases'] li").first).to_contain_text(name)
    check_page(console, size, f"proposals-preview-{locale}")
    form.locator("[name=title]").fill(f"清单 {locale}")
    form.locator("[data-act=propose]").click()
    card = page.locator("proposal-card")
    expect(card.locator("[data-step=propose]")).to_be_visible()
    expect(card.locator("[data-act=approve]")).to_have_count(0)
    number = page.url.split("proposals/")[1].split("&")[0]
    assert city.value("SELECT status FROM duty_proposals WHERE id = :id", id=int(number)) == "proposed"

    other = open_page(locale=locale, size=size)
    other.log_in("supervisor")
    other.goto(f"/map/#view=proposals/{number}")
    card = other.page.locator("proposal-card")
    card.locator("[data-act=approve]").click()
    other.page.click("[data-confirm]")
    expect(card.locator("[data-step=approve]")).to_be_visible()
    assert (
        city.value("SELECT count(*) FROM duty_items WHERE body = :name AND valid_to IS NULL", name=name) > 0
    )
    check_page(other, size, f"proposals-card-{locale}")
    card.locator("[data-act=undo]").click()
    other.page.fill("dialog [name=reason]", "登记有误")
    other.page.click("[data-confirm]")
    expect(card.locator("[data-step=undo]")).to_contain_text("登记有误")
    assert city.value("SELECT count(*) FROM duty_items WHERE body = :name", name=name) == 0
