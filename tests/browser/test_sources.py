"""Sources in the console: what is held is seen, read and decided with a reason."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from geo_api.cli.demo import Login
from geo_api.http.settings import Settings
from geo_api.sources.configured import sources_setup
from geo_api.sources.runs import run_due
from tests.support.application import PASSWORD, Seeded, api_over, serving
from tests.support.console import Console, photo
from tests.support.page_faults import LAYOUT_FAULTS, LOW_CONTRAST, NAMELESS
from tests.support.served_city import City

Open = Callable[..., Console]
SOURCE = """
name_zh = "测试市"
name_en = "Test"
code = "320600"
case_prefix = "CS"
time_zone = "Asia/Shanghai"

[[sources]]
name = "停车场所 {n}"
kind = "places"
department = "交通局"
files = "{folder}/*.csv"
crs = "wgs84"
every = "10m"
contract = "{folder}/places.json"
"""
CONTRACT = """{"fields": [{"name": "kind", "constraints": {"enum": ["petrol"]}}, {"name": "radius_m", "type": "number",
 "constraints": {"maximum": 100}}], "wangge": {"delivery": {"every": "1d", "by": "09:00"}}}"""


@pytest.fixture
def city(seeded: Seeded, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[City]:
    """The two towns of the API's tests: the sources need no more."""
    for api in api_over(seeded, f"browser_sources_{abs(hash(request.node.name))}", tmp_path):
        api.settings.city_file = tmp_path / "city.toml"
        with serving(api.settings) as address:
            yield City(address, api.url, (Login("supervisor", PASSWORD, "supervisor", None),), tmp_path)


@pytest.mark.parametrize(
    ("locale", "size", "dark", "held", "release"),
    [("en-GB", (1280, 800), True, "Held", "Release"), ("zh-CN", (390, 844), False, "待处置", "放行")],
)
def test_a_held_delivery_is_decided(
    open_page: Open,
    city: City,
    tmp_path: Path,
    locale: str,
    size: tuple[int, int],
    dark: bool,
    held: str,
    release: str,
) -> None:
    (tmp_path / "places.json").write_text(CONTRACT)
    settings = Settings(database_url=city.url, data_dir=city.folder, city_file=city.folder / "city.toml")
    (city.folder / "city.toml").write_text(SOURCE.format(n=locale, folder=tmp_path), encoding="utf-8")
    now = dt.datetime.now(dt.UTC)
    setup = sources_setup(settings, city.url)
    for day, radius in ((4, 60), (3, 70), (2, 5000)):
        file = tmp_path / f"{locale} {day}.csv"
        file.write_text(
            "kind,lon,lat,radius_m\n"
            + "".join(f"petrol,121.{day}{n},32.1,{radius}\n" for n in range(5 + day))
        )
        then = now - dt.timedelta(days=day)
        os.utime(file, (then.timestamp() - 60, then.timestamp() - 60))
        run_due(replace(setup, clock=lambda then=then: then))
    run_due(setup)
    console = open_page(locale=locale, size=size)
    console.page.emulate_media(color_scheme="dark" if dark else "light")
    console.log_in("supervisor")
    console.tab("imports")
    console.page.click("[data-sources]")
    row = console.page.locator(".delivery", has_text=f"{locale} 2.csv")
    expect(row.locator(".badge")).to_have_text(held)
    expect(console.page.locator("[data-problem=late]").first).to_be_visible()
    console.settle()
    photo(console, f"sources-{locale}")
    faults = console.page.evaluate(LAYOUT_FAULTS)
    beside = ("layers over", "scale under")
    assert [fault for fault in faults if size[0] > 600 or not fault.startswith(beside)] == []
    assert console.page.evaluate(NAMELESS) == []
    assert console.page.evaluate(LOW_CONTRAST) == []
    row.locator("[data-act=release]").click()
    expect(console.page.locator("[data-confirm]")).to_have_text(release)
    console.page.fill("[name=reason]", "已核实")
    console.page.click("[data-confirm]")
    expect(row.locator(".badge")).not_to_have_text(held)
    assert (
        city.value("SELECT count(*) FROM deliveries WHERE state = 'released' AND decision_reason = '已核实'")
        == 1
    )
    run_due(setup)
    assert city.value("SELECT count(*) FROM deliveries WHERE state = 'released'") == 0
