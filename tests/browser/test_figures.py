"""Figures of the console: each opens its cases, an area opens what lies inside it; both languages, on the phone too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.console import Console, photo
from tests.support.page_faults import LAYOUT_FAULTS, LOW_CONTRAST, NAMELESS
from tests.support.served_city import City

Open = Callable[..., Console]


@pytest.mark.parametrize(
    ("locale", "size", "title", "reports"),
    [
        ("en-GB", (1280, 800), "Indicators", "reports accepted"),
        ("zh-CN", (390, 844), "行政问效", "有效上报率"),
    ],
)
def test_a_figure_opens_its_cases(
    open_page: Open, city: City, locale: str, size: tuple[int, int], title: str, reports: str
) -> None:
    console = open_page(locale=locale, size=size)
    console.log_in("supervisor")
    console.tab("cases")
    page = console.page
    page.get_by_role("link", name=title).click()
    page.select_option("[name=figures-days]", "365")
    figure = page.locator("[data-figure=valid_report_rate]").first
    expect(figure).to_be_visible()
    expect(page.locator("figures-view")).to_contain_text(reports)
    n_cases = city.value("SELECT count(*) FROM cases WHERE opened_at > now() - interval '364 days'")
    if n_cases:
        figure.locator("[data-whole=true]").click()
        expect(page.locator(".opened a")).to_have_count(n_cases)
    page.select_option("[name=figures-by]", "county")
    console.settle()
    photo(console, f"figures-{locale}")
    faults = page.evaluate(LAYOUT_FAULTS)
    beside = ("layers over", "scale under")  # a phone has the panel at its foot, and the map above
    assert [fault for fault in faults if size[0] > 600 or not fault.startswith(beside)] == []
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(LOW_CONTRAST) == []
