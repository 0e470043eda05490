"""Report of what an import would change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import folium

from layers.local_time import local_zone
from maps import style
from maps.formats import Formats
from maps.report_policy import in_map_script
from maps.reports.map_drawing import empty_map, feature_of, fit_to
from maps.reports.page import Shown, Texts, page

CHANGES = {
    "new": style.Entry("#1b7837", "New", "新增"),
    "moved": style.Entry("#e08214", "Moved (dashed: before)", "移动（虚线：原位置）"),
    "ended": style.Entry("#762a83", "Ended", "终止"),
}

TOP_MOVED = 50
"""Moved places in the table, the farthest first."""

FORMATS = Formats("zh")
"""Numbers and times are written alike in both languages."""


def changes_report(
    sources: Sequence[Mapping[str, Any]],
    shapes: Sequence[Mapping[str, Any]],
    *,
    at: dt.datetime,
    language: Shown = "zh",
    time_zone: str | None = None,
) -> str:
    """Report of what an import would change: counts by source, and a map of what is new, moved and ended.

    Parameters
    ----------
    sources : sequence of mapping
        ``source``, ``files``, ``new``, ``changed``, ``ended``, ``unchanged``, ``refused``, ``moved``,
        ``moved_median_m``, ``moved_max_m``, ``times``.
    shapes : sequence of mapping
        ``source``, ``change`` (new, moved, ended), ``label``, ``before`` and ``after`` (GeoJSON geometry as text, or
        None), ``moved_m`` (m, or None).
    at : datetime
        When the look was taken.
    language : {"zh", "en", "both"}
        The languages that are shown first.
    time_zone : str or None
        Zone in which times are written; None: that of the city.
    """
    chart = empty_map()
    drawn = [name for name in CHANGES if any(shape["change"] == name for shape in shapes)]
    for name in drawn:
        for shape in shapes:
            if shape["change"] == name:
                _draw_change(chart, shape)
    texts = [text for shape in shapes for text in (shape["before"], shape["after"]) if text]
    if texts:
        fit_to(chart, [feature_of(text) for text in texts])
    moved = sorted((s for s in shapes if s["moved_m"]), key=lambda shape: -shape["moved_m"])[:TOP_MOVED]
    title: Texts = {"zh": "导入预览", "en": "What the import would change"}
    legend = [CHANGES[name] for name in drawn]
    zone = time_zone or local_zone().key
    return page(
        chart,
        "changes",
        legend,
        title,
        language,
        zone,
        sources=sources,
        moved=moved,
        at=at,
        shapes=len(shapes),
    )


def _draw_change(chart: folium.Map, shape: Mapping[str, Any]) -> None:
    """Draw one shape in the colour of its change: of a moved one both places, the former dashed."""
    color = CHANGES[shape["change"]].color
    moved = "" if shape["moved_m"] is None else f" {FORMATS.number(shape['moved_m'], 1)} m"
    label = in_map_script(escape(f"{shape['source']}: {shape['label']}{moved}"))
    for name, dash in (("before", "4 4"), ("after", None)):
        if not shape[name]:
            continue
        feature = feature_of(shape[name])
        if feature["geometry"]["type"] == "Point":
            lon, lat = feature["geometry"]["coordinates"]
            folium.CircleMarker(
                [lat, lon], radius=5, color=color, weight=2, dash_array=dash, fill=dash is None, fill_color=color,
                fill_opacity=0.7, tooltip=folium.Tooltip(label),
            ).add_to(chart)  # fmt: skip
        else:
            look = {"color": color, "weight": 2, "fillOpacity": 0.06, "dashArray": dash}
            folium.GeoJson(
                feature,
                style_function=lambda _, look=look: look,
                tooltip=folium.Tooltip(label),
                control=False,
            ).add_to(chart)
