"""axe-core in an open page: violations of the rules of access, each with the element that breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

SCRIPT = Path(__file__).parents[2] / "maps" / "web" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.map(({ target, html, failureSummary }) => [id, impact, target.join(" "), html.slice(0, 160), failureSummary].join(" | ")));
}"""


def violations(page: Page) -> list[str]:
    """Return what axe-core finds against the page as it stands, one line an element; all of its default rules."""
    if not SCRIPT.is_file():
        pytest.fail("axe-core is missing: run `npm ci` in maps/web")
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(RUN)
    return found
