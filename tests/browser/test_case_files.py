"""Photos of a case in the page: attached, shown with their comparison, taken back with a reason; refused in words."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from PIL import Image
from playwright.sync_api import expect

from tests.support.console import Console
from tests.support.served_city import City

Open = Callable[..., Console]


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (800, 600), "olive").save(made, "JPEG")
    return made.getvalue()


def test_a_photo_is_attached_and_taken_back(open_page: Open, city: City) -> None:
    number = city.value("SELECT number FROM cases WHERE state <> 'closed' ORDER BY id LIMIT 1")
    console = open_page()
    console.log_in("dispatcher")
    console.tab("cases")
    console.page.click(f"[data-number='{number}']")
    expect(console.page.locator("case-officers")).to_contain_text(re.compile("no officers|km from|no area"))
    field = console.page.locator("[data-attach]")
    file = {"name": "gate.jpg", "mimeType": "image/jpeg", "buffer": picture()}
    field.set_input_files([file])
    row = console.page.locator("[data-file]")
    expect(row).to_contain_text("gate.jpg")
    expect(row).to_contain_text("the photo tells no place")
    shown = row.locator("img")
    shown.scroll_into_view_if_needed()
    console.page.wait_for_function("() => document.querySelector('[data-file] img').naturalWidth === 320")
    console.expect_status(415)
    field.set_input_files([{**file, "name": "page.jpg", "buffer": b"<html><script>1</script></html>"}])
    expect(console.page.locator("case-files .fault")).to_contain_text("neither a photo")
    row.locator("[data-take-back]").click()
    console.page.fill("textarea[name=reason]", "wrong gate")
    console.page.click("[data-confirm]")
    expect(row).to_contain_text("wrong gate")
    expect(row.locator("img")).to_have_count(0)
