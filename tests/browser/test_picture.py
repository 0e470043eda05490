"""The picture of the README: written only when asked for, from a city of full size."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from layers.private_server import Cluster
from tests.support.console import Console
from tests.support.served_city import analysed_city

PICTURES = Path(__file__).parents[2] / "docs" / "images"


@pytest.mark.skipif(
    os.environ.get("WANGGE_WRITE_PICTURES") != "1",
    reason="WANGGE_WRITE_PICTURES=1 writes docs/images/map.png",
)
def test_write_the_picture(
    open_page: Callable[..., Console], cluster: Cluster, _migrated: str, tmp_path: Path
) -> None:
    with analysed_city(cluster, _migrated, tmp_path, "full") as city:
        console = open_page(size=(1440, 900), locale="zh-CN", at=city, as_people_see_it=True)
        console.log_in("dispatcher")
        console.tab("alerts")
        expect(console.page.locator(".row").first).to_be_visible()
        console.page.locator(".row").first.click()
        expect(console.page.locator(".chart canvas").first).to_be_visible()
        console.page.locator("[data-track]").first.click()
        expect(console.page.locator(".track-box")).to_be_visible()
        console.settle()
        console.page.evaluate("() => { document.querySelector('.side-body').scrollTop = 0 }")
        console.idle()
        path = PICTURES / "map.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        console.page.screenshot(path=path)
        assert path.stat().st_size > 50_000
        console.visit.context.close()
