"""Pictures of every view of the console: ``python -m tests.support.screenshots FOLDER``, or ``make screenshots``.

It makes the demo city in the data folder (``WANGGE_DATA_DIR``) unless it is there, serves it on a free port, and draws each
view in both themes, both languages, on a desk and on a phone, as ``VIEW-SIZE-THEME-LANGUAGE.webp``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from geo_api.cli.demo import Login, current_end_day, prepare_demo
from geo_api.http.settings import Settings, read_settings
from tests.support.console import ARGS, Console, Visit
from tests.support.console_views import View, views_of
from tests.support.served_city import City
from tests.support.service_process import serve

SIZES = {"desk": (1600, 900), "phone": (390, 844)}
THEMES = ("light", "dark")
LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
QUALITY = 80
GRIDS = 12_000
"""Unit grids of the demo city, as `wangge demo` makes it."""


def views(city: City, browser: Browser) -> list[View]:
    """Every view, with what the city has."""
    with _context(browser, city, "desk", "light", "zh", "dispatcher") as context:
        return list(views_of(city.address, context.request))


@contextlib.contextmanager
def _context(
    browser: Browser, city: City, size: str, theme: str, language: str, role: str | None
) -> Iterator[Any]:
    """A browser in which somebody of a role is logged in."""
    width, height = SIZES[size]
    context: Any = browser.new_context(
        viewport={"width": width, "height": height}, locale=LANGUAGES[language], color_scheme=theme,
        reduced_motion="reduce", is_mobile=size == "phone", has_touch=size == "phone",
    )  # type: ignore[arg-type]  # fmt: skip
    context.set_default_timeout(60_000)
    context.address = city.address
    if role is not None:
        login = city.login(role)
        data = {"username": login.username, "password": login.password}
        assert context.request.post(f"{city.address}/v1/login", data=data).ok, (
            f"{login.username} cannot log in"
        )
    yield context
    context.close()


def draw(browser: Browser, city: City, folder: Path, only: list[str]) -> int:
    """Draw the views into a folder; returns how many pictures there are."""
    drawing = [view for view in views(city, browser) if not only or view.name in only]
    drawn = 0
    for size, theme, language in itertools.product(SIZES, THEMES, LANGUAGES):
        for role, of_role in itertools.groupby(drawing, key=lambda view: view.role):
            with _context(browser, city, size, theme, language, role) as context:
                for view in of_role:
                    path = folder / f"{view.name}-{size}-{theme}-{language}.webp"
                    _draw_one(Console(context.new_page(), city, Visit(context)), view, language, path)
                    drawn += 1
                    print(f"{drawn:4d}  {path}", flush=True)
    return drawn


def _draw_one(console: Console, view: View, language: str, path: Path) -> None:
    parts = "&".join(part for part in (view.address, f"lang={language}") if part)
    console.goto(f"/map/#{parts}")
    console.settle()
    picture = Image.open(io.BytesIO(console.page.screenshot()))
    picture.convert("RGB").save(path, "WEBP", quality=QUALITY, method=6)
    console.page.close()


def _demo(settings: Settings) -> tuple[Login, ...]:
    """Who may log in to the demo city of the data folder, which is made unless it is there."""
    until = current_end_day(settings, seed=1, grids=GRIDS)
    return tuple(prepare_demo(settings, grids=GRIDS, end_day=until, month=True).logins)


def main() -> int:
    """Make the city, serve it, draw every view."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--only", nargs="*", default=[], help="names of views")
    given = options.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    settings = read_settings()
    logins = _demo(settings)
    chromium = os.environ.get("WANGGE_CHROMIUM") or shutil.which("chromium")
    with serve(None, settings.data_dir) as service, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        city = City(service.address, "", logins, settings.data_dir)
        print(f"{draw(browser, city, given.folder, given.only)} pictures in {given.folder}")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
