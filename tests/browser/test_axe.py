"""axe-core finds nothing against any view: at five sizes, in both schemes, in both languages.

In every run each view is looked at once, the next one at the next size, scheme and language; in a long run each in all.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from tests.support.axe import violations
from tests.support.console import Console
from tests.support.console_views import SIZES, View, views_of
from tests.support.long_runs import some
from tests.support.served_city import City

Open = Callable[..., Console]
LOOKS = list(itertools.product(SIZES, ("light", "dark"), ("zh", "en")))
STRIDE = 7
"""Looks between that of one view and of the next: sizes, schemes and languages all change."""


def logged_in(open_page: Open, role: str | None) -> Console:
    console = open_page(size=SIZES["desk"])
    if role is not None:
        console.log_in(role)
    return console


def look(console: Console, view: View, size: str, scheme: str, language: str) -> list[str]:
    """Return what axe-core finds against a view in one look."""
    width, height = SIZES[size]
    console.page.set_viewport_size({"width": width, "height": height})
    console.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    console.page.evaluate("(to) => { location.hash = to; }", f"{view.address}&lang={language}")
    console.settle()
    return [f"{view.name} {size} {scheme} {language}: {each}" for each in violations(console.page)]


@pytest.mark.long
def test_axe_finds_nothing_in_any_view(open_page: Open, city: City) -> None:
    dispatcher = logged_in(open_page, "dispatcher")
    views = enumerate(views_of(city.address, dispatcher.visit.context.request))
    found = []
    for role, of_role in itertools.groupby(views, key=lambda each: each[1].role):
        console = dispatcher if role == "dispatcher" else logged_in(open_page, role)
        for turn, view in of_role:
            for size, scheme, language in some(LOOKS, turn * STRIDE, 1):
                found += look(console, view, size, scheme, language)
    assert found == []
