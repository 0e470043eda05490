"""Reports with hostile texts in every field, opened in a browser as saved files.

Nothing runs, the text is shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import box

from maps.report_policy import in_map_script, with_policy
from maps.reports import case_report, hotspot_report
from tests.support.reports import ARGS, RUN, case, cells, feature, layers

HOSTILE = (
    "${window.injected=1}",
    "`+(window.injected=1)+`",
    "\\`${window.injected=1}//",
    "\\u{41} \\x41 C:\\new\\table",
    "</script><script>window.injected=1</script>",
    "<!--<script>",
    "<img src=x onerror=window.injected=1>",
    "<svg/onload=window.injected=1>",
    "'\"><b onmouseover=window.injected=1>x</b>",
    "javascript:window.injected=1",
    "{{7*7}}{%raw%}",
    "{{ cycler.__init__.__globals__.os.environ.setdefault('WANGGE_INJECTED', '1') }}",
    "{# comment #}{{ 1/0 }}",
    "]]>*/</style>",
    "&lt;i&gt; &#60;",
    "\u2028\u2029\u202e end",
)


def filled(value: Any, text: str) -> Any:
    """The same data with the text in place of every text that people write."""
    if isinstance(value, dict):
        kept = (
            "type",
            "state",
            "to_state",
            "level",
            "action",
            "first",
            "last",
            "day",
            "signal",
            "coordinates",
        )
        return {
            key: item if key in kept or key.endswith(("_at", "from", "to")) else filled(item, text)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [filled(item, text) for item in value]
    return text if isinstance(value, str) else value


def reports(text: str) -> dict[str, str]:
    base = case()
    dirty = filled(base, text) | {"opened_at": base["opened_at"], "events": [
        filled(event, text) | {"at": event["at"]} for event in base["events"]]}  # fmt: skip
    dirty["geometry"] = base["geometry"]
    drawn = {name: feature(box(120, 31, 121, 31.5), text) for name in layers()}
    frame = cells()
    frame["field"] = ["visits"] * 6 + [text] * 6
    area = feature(box(120, 31, 121, 31.5), text)
    return {
        "case": case_report(dirty, layers=drawn),
        "hot_spots": hotspot_report(frame, {**RUN, "model": text, "version": text}, areas=area),
    }


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
        yield browser.new_page()
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_runs_and_the_text_is_shown(page: Any, tmp_path: Path, text: str) -> None:
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.on("dialog", lambda d: errors.append(d.message))
    for name, html in reports(text).items():
        path = tmp_path / f"{name}.html"
        path.write_text(html, encoding="utf-8")
        page.goto(path.as_uri())
        page.wait_for_selector(".leaflet-overlay-pane path")
        shown = page.evaluate("document.body.textContent")
        assert text in shown, name
        page.locator(".leaflet-overlay-pane path").last.hover(force=True)
        tips = page.locator(".leaflet-tooltip").all_text_contents()
        assert page.evaluate("window.injected") is None, name
        if name == "case":
            assert any(text in tip for tip in tips), tips
        assert "49" not in page.title()
    assert errors == [] and "WANGGE_INJECTED" not in os.environ


def test_a_script_that_is_not_the_report_s_own_does_not_run(tmp_path: Path) -> None:
    html = case_report(case(), layers=layers())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    assert (
        policy is not None and "'unsafe-inline'" not in policy[1].partition("script-src")[2].partition(";")[0]
    )
    assert html.index("Content-Security-Policy") < html.index("<script")
    for part in ("default-src 'none'", "base-uri 'none'", "form-action 'none'"):
        assert part in policy[1]


def test_hashes_are_those_of_another_implementation() -> None:
    # printf 'alert(1)' | openssl dgst -sha256 -binary | openssl base64
    html = with_policy("<html><head><title>x</title></head><body><script>alert(1)</script></body></html>")
    assert "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='" in html
    assert "script-src 'none'" in with_policy("<html><head></head></html>")


def test_every_character_of_a_template_literal_is_a_reference() -> None:
    assert in_map_script("a`b${c}\\d") == "a&#96;b&#36;&#123;c&#125;&#92;d"
