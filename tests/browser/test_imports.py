"""Imports in the console: a wrong one is undone, and one on which cases rest says what they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from geo_api.imports.import_file import import_file
from layers.batches import undo_batch
from layers.postgres import SYSTEM, session
from tests.support.console import Console, photo
from tests.support.page_faults import LAYOUT_FAULTS, LOW_CONTRAST, NAMELESS
from tests.support.served_city import City

Open = Callable[..., Console]
PLACES = "kind,lon,lat,radius_m\npetrol,121.1,32.1,60\npetrol,121.2,32.1,60\n"


@pytest.mark.parametrize(
    ("locale", "size", "inserted", "undo", "undone"),
    [
        ("en-GB", (1280, 800), "2 new", "Undo", "Undone"),
        ("zh-CN", (390, 844), "新增 2", "撤销", "已撤销"),
    ],
)
def test_a_wrong_import_is_undone(
    open_page: Open,
    city: City,
    tmp_path: Path,
    locale: str,
    size: tuple[int, int],
    inserted: str,
    undo: str,
    undone: str,
) -> None:
    (tmp_path / "places.csv").write_text(PLACES, encoding="utf-8")
    before = city.value("SELECT count(*) FROM places")
    batch = import_file("places", tmp_path / "places.csv", crs="wgs84", url=city.url).batch_id
    console = open_page(locale=locale, size=size)
    console.log_in("supervisor")
    console.tab("imports")
    row = console.page.locator(f"[data-import='{batch}']")
    expect(row).to_contain_text("places.csv")
    expect(row).to_contain_text(inserted)
    console.settle()
    photo(console, f"imports-{locale}")
    faults = console.page.evaluate(LAYOUT_FAULTS)
    beside = ("layers over", "scale under")  # a phone has the panel at its foot, and the map above
    assert [fault for fault in faults if size[0] > 600 or not fault.startswith(beside)] == []
    assert console.page.evaluate(NAMELESS) == []
    assert console.page.evaluate(LOW_CONTRAST) == []
    row.locator("[data-undo]").click()
    expect(console.page.locator("[data-confirm]")).to_have_text(undo)
    console.page.click("dialog button:not([data-confirm])")
    assert city.value("SELECT count(*) FROM places") == before + 2
    row.locator("[data-undo]").click()
    console.page.click("[data-confirm]")
    expect(row.locator(".badge")).to_have_text(undone)
    expect(row.locator("[data-undo]")).to_have_count(0)
    assert city.value("SELECT count(*) FROM places") == before


def test_an_import_on_which_cases_rest_says_which(open_page: Open, city: City) -> None:
    console = open_page()
    console.expect_status(409)
    console.log_in("dispatcher")
    console.tab("imports")
    batch = city.value("SELECT max(id) FROM batches WHERE kind = 'meters'")
    meters = console.page.locator(f"[data-import='{batch}']")
    meters.locator("[data-undo]").click()
    console.page.click("[data-confirm]")
    number = city.value(
        "SELECT number FROM cases WHERE alert_id IS NOT NULL ORDER BY length(number), number LIMIT 1"
    )
    expect(meters.locator("[role=alert]")).to_contain_text(number)
    console.settle()
    photo(console, "imports-refused")
    console.language("zh")
    expect(meters.locator("[role=alert]")).to_contain_text("案件")


def test_the_filter_is_in_the_address(open_page: Open) -> None:
    console = open_page()
    console.log_in("supervisor")
    console.tab("imports")
    console.page.select_option("[name=import-state]", "failed")
    expect(console.page.locator(".empty")).to_be_visible()
    assert "view=imports&state=failed" in console.page.url
    console.page.go_back()
    expect(console.page.locator(".row.import").first).to_be_visible()


def test_officers_have_no_such_tab(open_page: Open) -> None:
    console = open_page()
    console.log_in("officer")
    expect(console.page.locator("[data-tab=cases]")).to_be_visible()
    expect(console.page.locator("[data-tab=imports]")).to_have_count(0)


@pytest.mark.parametrize(
    ("locale", "size", "told", "saved"),
    [
        ("en-GB", (1280, 800), "2 sites without place", "1 site without place"),
        ("zh-CN", (390, 844), "2 个场所未定位", "1 个场所未定位"),
    ],
)
def test_a_site_without_place_gets_one_by_a_click(
    open_page: Open, city: City, tmp_path: Path, locale: str, size: tuple[int, int], told: str, saved: str
) -> None:
    uscc = city.value("SELECT min(uscc) FROM enterprises")
    town = city.value("SELECT min(name) FROM areas WHERE kind = 'town'")
    rows = "".join(f"{locale}-{n},{uscc},storage,,,{town}东边{n}号\n" for n in (1, 2))
    (tmp_path / "sites.csv").write_text("site_id,uscc,kind,lon,lat,address\n" + rows, encoding="utf-8")
    batch = import_file("sites", tmp_path / "sites.csv", crs="wgs84", url=city.url).batch_id
    console = open_page(locale=locale, size=size)
    console.log_in("supervisor")
    console.tab("imports")
    console.page.click("[data-unplaced-sites]")
    expect(console.page.locator("[data-unplaced-count]")).to_have_text(told)
    row = console.page.locator(f"[data-unplaced='{locale}-1']")
    row.locator("[data-click]").click()
    canvas = console.page.locator(".maplibregl-canvas").bounding_box()
    assert canvas is not None
    console.page.mouse.click(canvas["x"] + canvas["width"] / 2, canvas["y"] + min(canvas["height"], 300) / 2)
    expect(console.page.locator(".pin-place")).to_be_visible()
    console.settle()
    photo(console, f"unplaced-{locale}")
    faults = console.page.evaluate(LAYOUT_FAULTS)
    beside = ("layers over", "scale under")
    assert [fault for fault in faults if size[0] > 600 or not fault.startswith(beside)] == []
    assert console.page.evaluate(NAMELESS) == []
    assert console.page.evaluate(LOW_CONTRAST) == []
    row.locator("[data-save]").click()
    expect(console.page.locator("[data-unplaced-count]")).to_have_text(saved)
    assert city.value(f"SELECT place_source FROM sites WHERE site_id = '{locale}-1'") == "map"
    placed = city.value("SELECT max(id) FROM batches WHERE kind = 'site_places'")
    with session(SYSTEM, city.url) as db:
        for each in (placed, batch):
            undo_batch(db, each, by="test", now=dt.datetime.now(dt.UTC))
