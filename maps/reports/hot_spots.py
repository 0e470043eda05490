"""Report of the hot spots of one run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

import folium
import geopandas as gpd
import pandas as pd
from shapely.geometry.base import BaseGeometry

from layers.local_time import local_zone
from maps import style
from maps.classify import class_colors, class_of, quantile_breaks
from maps.errors import InvalidLayer
from maps.formats import Formats
from maps.glossary import names
from maps.report_policy import in_map_script
from maps.reports.map_drawing import draw_areas, empty_map, features_of, fit_to
from maps.reports.page import Shown, Texts, page, period_text, say

TOOLTIP = (("实际", "Observed"), ("应有", "Expected"), ("倍数", "Times"))

FORMATS = Formats("zh")
"""Numbers and times are written alike in both languages."""

HOT_SPOT_COLUMNS = {
    "field", "h3", "value", "exposure", "observed", "expected", "ratio", "p_adjusted", "level", "rings",
    "from_day", "until_day",
}  # fmt: skip

STUDY_AREA = "#d9dee5"
"""Colour of the cells that are not significant."""


def hotspot_report(
    cells: gpd.GeoDataFrame,
    run: Mapping[str, Any],
    *,
    over_time: gpd.GeoDataFrame | None = None,
    areas: Mapping[str, Any] | None = None,
    top: int = 20,
    language: Shown = "zh",
    time_zone: str | None = None,
) -> str:
    """Report of the hot spots of one run: cells by significance, counts and the strongest cells.

    Parameters
    ----------
    cells : GeoDataFrame
        Columns ``field``, ``h3``, ``value``, ``exposure``, ``observed``, ``expected``, ``ratio``,
        ``p_adjusted``, ``level``, ``rings``, ``from_day``, ``until_day`` and polygons, EPSG:4326. Cells of
        runs of earlier versions have no level and are drawn as not judged.
    run : mapping
        ``model``, ``version``, ``at``, ``parameters`` of the run.
    over_time : GeoDataFrame or None
        Cells with ``field``, ``h3``, ``pattern``, ``since``, ``newest``, ``before``, ``hot_steps``, ``steps``,
        ``step_days``; those of no pattern are left out.
    areas : mapping or None
        GeoJSON of areas drawn as outlines.
    top : int
        How many cells the table of a field shows.
    language : {"zh", "en", "both"}
        The languages that are shown first.
    time_zone : str or None
        Zone in which times are written; None: that of the city.

    Raises
    ------
    InvalidLayer
        When the CRS is not EPSG:4326 or a column is missing.
    """
    if missing := HOT_SPOT_COLUMNS - set(cells.columns):
        raise InvalidLayer(f"cells: no column {', '.join(sorted(missing))}")
    if cells.crs is not None and cells.crs.to_epsg() not in (4326, None):
        raise InvalidLayer(f"cells: EPSG:4326 is needed, the CRS is {cells.crs}")
    chart = empty_map()
    if areas is not None:
        draw_areas(chart, areas, style.AREA_KINDS["county"])
    order = list(style.FIELDS)
    groups = sorted(
        ((str(name), frame) for name, frame in cells.groupby("field")),
        key=lambda group: (order.index(group[0]) if group[0] in order else len(order), group[0]),
    )
    fields = [_draw_field(chart, name, frame, top, show=i == 0) for i, (name, frame) in enumerate(groups)]
    if fields:
        _fit_cells(chart, cells, areas)
        folium.LayerControl(collapsed=False).add_to(chart)
    elif areas is not None:
        fit_to(chart, [areas])
    title: Texts = {"zh": "热点分析", "en": "Hot spots"}
    legend = list(style.HOT_LEVELS.values())
    return page(
        chart, "hotspots", legend, title, language, time_zone or local_zone().key, run=run, fields=fields,
        patterns=_patterns(over_time, top),
    )  # fmt: skip


def _patterns(cells: gpd.GeoDataFrame | None, top: int) -> list[dict[str, Any]]:
    """Cells with a pattern, those that need a look first: in the order of the legend, the newest first."""
    if cells is None or cells.empty:
        return []
    order = list(style.PATTERNS)
    found = cells[cells["pattern"] != "no_pattern"]
    ranked = found.assign(
        rank=[order.index(each) if each in order else len(order) for each in found["pattern"]]
    )
    ranked = ranked.sort_values(["rank", "since", "newest"], ascending=[True, False, False])
    rows: list[dict[str, Any]] = ranked.head(top).drop(columns="geometry").to_dict("records")
    return rows


def _draw_field(
    chart: folium.Map, name: str, frame: gpd.GeoDataFrame, top: int, *, show: bool
) -> dict[str, Any]:
    """Two layers of one field, significance and value, and what its tables show."""
    some = frame["value"][frame["value"] != 0]
    breaks = quantile_breaks(some if len(some) else frame["value"], 5)
    colors = class_colors(len(breaks))
    classes = class_of(frame["value"], breaks)
    judged = frame["level"].notna()
    level = frame["level"].astype(float).fillna(0).astype(int)
    entries = [style.entry(style.HOT_LEVELS, each) for each in level]
    by_value = [colors[index] if index >= 0 else style.UNKNOWN_COLOR for index in classes]
    significance = folium.FeatureGroup(_field_layer(name, "显著性", "significance"), overlay=False, show=show)
    _add_cells(significance, frame, [entry.color for entry in entries], level != 0)
    value = folium.FeatureGroup(_field_layer(name, "数值", "value"), overlay=False, show=False)
    _add_cells(value, frame, by_value, frame["value"] != 0)
    significance.add_to(chart)
    value.add_to(chart)
    counts = level[judged].value_counts()
    found = frame[judged & (level != 0)].sort_values(["p_adjusted", "ratio"], ascending=[True, False])
    return {
        "name": name,
        "cells": len(frame),
        "judged": bool(judged.any()),
        "days": _days(frame),
        "counts": [(entry, int(counts.get(int(each), 0))) for each, entry in style.HOT_LEVELS.items()],
        "breaks": list(zip(colors, (float(b) for b in breaks), strict=True)),
        "rows": found.head(top).drop(columns="geometry").to_dict("records"),
    }


def _days(frame: pd.DataFrame) -> str | None:
    """First and last day of what a field counted; None: it is not of days."""
    days = frame[["from_day", "until_day"]].dropna()
    return period_text(days.iloc[0].tolist()) if len(days) else None


def _field_layer(name: str, zh: str, en: str) -> str:
    """Return the name of a layer in both languages, as the control of the map shows it."""
    field = names("hot_field", name)
    return in_map_script(str(say(f"{field['zh']}：{zh}", f"{field['en']}: {en}")))


def _add_cells(
    group: folium.FeatureGroup, frame: gpd.GeoDataFrame, colors: list[str], stands_out: pd.Series
) -> None:
    """Draw the cells that stand out in their colours.

    The others as one faint shape, which shows the study area.
    """
    rest = frame.geometry[~stands_out]
    if len(rest):
        _add_shape(group, rest.union_all())
    features = _cell_features(frame[stands_out], pd.Series(colors, index=frame.index)[stands_out])
    if not features:
        return
    folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        style_function=lambda f: {
            "fillColor": f["properties"]["color"],
            "color": f["properties"]["color"],
            "weight": 2,
            "fillOpacity": 0.85,
        },
        tooltip=folium.GeoJsonTooltip(
            ["h3", "observed", "expected", "ratio"],
            aliases=["H3", *(str(say(*texts)) for texts in TOOLTIP)],
        ),
    ).add_to(group)


def _cell_features(cells: gpd.GeoDataFrame, colors: pd.Series) -> list[dict[str, Any]]:
    """Cells as GeoJSON with their colour and what their tooltip says."""
    return [
        {
            "type": "Feature",
            "geometry": json.loads(json.dumps(geometry.__geo_interface__)),
            "properties": {
                "color": color,
                "h3": in_map_script(escape(str(h3))),
                "observed": FORMATS.number(observed),
                "expected": FORMATS.number(expected, 1),
                "ratio": FORMATS.number(ratio, 1),
            },
        }
        for geometry, color, h3, observed, expected, ratio in zip(
            cells.geometry,
            colors,
            cells["h3"],
            cells["observed"].astype(float),
            cells["expected"].astype(float),
            cells["ratio"].astype(float),
            strict=True,
        )
    ]


def _add_shape(group: folium.FeatureGroup, shape: BaseGeometry) -> None:
    folium.GeoJson(
        json.loads(json.dumps(shape.__geo_interface__)),
        style_function=lambda _: {"fillColor": STUDY_AREA, "weight": 0, "fillOpacity": 0.5},
        interactive=False,
    ).add_to(group)


def _fit_cells(chart: folium.Map, cells: gpd.GeoDataFrame, areas: Mapping[str, Any] | None) -> None:
    """Show the areas when there are any: single cells may lie far out."""
    if areas is not None and features_of(areas):
        fit_to(chart, [areas])
        return
    west, south, east, north = cells.total_bounds
    chart.fit_bounds([[south, west], [north, east]])
