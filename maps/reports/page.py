"""Page of a report: the map with its legend, the facts above and the tables below, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from html import escape
from typing import Any, Literal

import folium
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup
from markupsafe import escape as escape_text

from maps import style
from maps.assets import Verbatim, localise
from maps.formats import Formats
from maps.glossary import Language, names
from maps.report_policy import with_policy

Texts = Mapping[Language, str]
Shown = Language | Literal["both"]
"""Languages that a page shows: one, which its reader may change, or both."""


def say(zh: object, en: object) -> Markup:
    """Return a text in both languages, of which the page shows one; what reads alike stands once.

    Examples
    --------
    >>> say("线索", "a <clue>")
    Markup('<span lang="zh">线索</span><span lang="en">a &lt;clue&gt;</span>')
    >>> say("12", "12")
    Markup('12')
    """
    if str(zh) == str(en):
        return escape_text(zh)
    return Markup('<span lang="zh">{}</span><span lang="en">{}</span>').format(zh, en)


def say_each(write: Callable[[Formats], str]) -> Markup:
    """Text that is written differently in the two languages."""
    return say(write(Formats("zh")), write(Formats("en")))


def say_term(group: str, code: object) -> Markup:
    """Return the name of a code of the glossary in both languages."""
    texts = names(group, code)
    return say(texts["zh"], texts["en"])


def period_text(value: Any) -> str:
    """Return a period that is a text, a pair or ``{from, to}``.

    Examples
    --------
    >>> period_text({"from": "2026-02-01", "to": "2026-02-07"})
    '2026-02-01 – 2026-02-07'
    >>> period_text(["a", "b"]), period_text("2026-02"), period_text(None)
    ('a – b', '2026-02', '–')
    """
    if isinstance(value, Mapping):
        value = [value.get("from"), value.get("to")]
    if isinstance(value, (list, tuple)):
        return " – ".join(str(part) for part in value if part is not None) or "–"
    return "–" if value is None else str(value)


@lru_cache
def environment(time_zone: str) -> Environment:
    """Return the templates of reports, with filters that write times in a zone."""
    made = Environment(
        loader=PackageLoader("maps"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
    )
    formats = Formats("zh", time_zone)
    made.filters |= {
        "number": formats.number,
        "fixed": formats.fixed,
        "signed": formats.signed,
        "significant": formats.significant,
        "time": formats.time,
        "period": period_text,
    }
    made.globals |= {
        "say": say,
        "term": say_term,
        "percent": lambda share: say_each(lambda formats: formats.percent(share)),
        "listed": lambda items: say_each(lambda formats: formats.list(items)),
    }
    return made


MAP: Texts = {"zh": "地图", "en": "Map"}
_ZOOM_FORBIDDEN = re.compile(r",\s*maximum-scale=1\.0,\s*user-scalable=no")


def _for_everybody(html: str, name: str) -> str:
    """Let the page be zoomed, which folium forbids, and make a landmark of the map."""
    html = _ZOOM_FORBIDDEN.sub("", html)
    return html.replace(
        '<div class="folium-map"', f'<div role="region" aria-label="{name}" class="folium-map"'
    )


def page(
    chart: folium.Map,
    template: str,
    legend: list[style.Entry],
    title: Texts,
    language: Shown,
    time_zone: str,
    **values: Any,
) -> str:
    """Return the map with its legend, above it the facts, below it the tables."""
    figure = localise(chart)
    titles: dict[Shown, str] = {
        "zh": title["zh"],
        "en": title["en"],
        "both": f"{title['zh']} · {title['en']}",
    }
    figure.title = escape(titles[language])
    made = environment(time_zone)

    def part(name: str, **more: Any) -> str:
        return made.get_template(name).render(title=title, **more)

    zone = {each: Formats(each, time_zone).zone_note() for each in title}
    above, below = part(f"{template}_above.html", **values), part(f"{template}_below.html", **values)
    switch = part("switch.html", language=language, titles=titles)
    box = part("legend.html", legend=legend, zone=zone)
    figure.header.add_child(Verbatim(f"<style>{part('report.css')}</style>"), name="report_css")
    figure.html.add_child(Verbatim(f"<header>{switch}{above}</header>"), name="above")
    figure.html.add_child(Verbatim(f"<main>{box}{below}</main>"), name="below")
    html = _for_everybody(figure.render(), escape(MAP["en" if language == "en" else "zh"]))
    tag = "en" if language == "en" else "zh-CN"
    both = ' class="both"' if language == "both" else ""
    return with_policy(html.replace("<html>", f'<html lang="{tag}"{both}>', 1))
