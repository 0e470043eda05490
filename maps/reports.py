"""Offline reports: one case, or the hot spots of one run, each as a single HTML file.

Pure functions: data in, HTML out. The file opens from a disk without a network: scripts, sheets and pictures
are inside, there is no base map, and every value is escaped. It holds its texts in both languages, shows one
of them, and has a switch to the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from html import escape
from typing import Any

import folium
import geopandas as gpd
import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup
from shapely.geometry.base import BaseGeometry

from layers.local_time import local_zone
from maps import style
from maps.assets import Verbatim, localise
from maps.classify import class_colors, class_of, quantile_breaks
from maps.errors import InvalidLayer
from maps.formats import Formats
from maps.glossary import Language, names
from maps.report_policy import in_map_script, with_policy

MAP_HEIGHT_PX = 460
MAX_ZOOM = 19
CHART_WIDTH, CHART_HEIGHT = 720, 90
LAYER_COLORS = {
    "county": style.AREA_KINDS["county"],
    "town": style.AREA_KINDS["town"],
    "community": style.AREA_KINDS["community"],
    "unit_grid": style.AREA_KINDS["unit_grid"],
    "boundary": style.map_feature("boundary", "#7f2704"),
    **style.TRACK_PARTS,
}
SITE = style.map_feature("case_site", "#b2182b")

METER_UNITS = {"power": "kWh", "water": "m³", "gas": "m³"}
TOOLTIP = (("实际", "Observed"), ("应有", "Expected"), ("倍数", "Times"))
_FORMATS = Formats("zh")
"""Numbers and times are written alike in both languages."""

HOT_SPOT_COLUMNS = {
    "field", "h3", "value", "exposure", "observed", "expected", "ratio", "p_adjusted", "level", "rings",
    "from_day", "until_day",
}  # fmt: skip
STUDY_AREA = "#d9dee5"
"""Colour of the cells that are not significant."""


Texts = Mapping[Language, str]


def case_report(
    case: Mapping[str, Any],
    *,
    layers: Mapping[str, Mapping[str, Any]],
    language: Language = "zh",
    time_zone: str | None = None,
) -> str:
    """Report of one case: place, evidence, assignment with its reasons, and case events.

    Parameters
    ----------
    case : mapping
        As ``GET /v1/cases/{number}`` answers, with ``alert`` (its evidence card) or None.
    layers : mapping of name to GeoJSON
        Feature or FeatureCollection (EPSG:4326) named county, town, community, unit_grid, boundary, track,
        gap, site. ``site`` falls back to the case's own point.
    language : {"zh", "en"}
        The language that is shown first.
    time_zone : str or None
        Zone in which times are written; None: that of the city.

    Returns
    -------
    str
        HTML.
    """
    chart = _map()
    drawn = [name for name in LAYER_COLORS if name in layers]
    for name in drawn:
        _draw(chart, layers[name], LAYER_COLORS[name], dashed=name == "gap")
    point = layers.get("site") or {"type": "Feature", "geometry": case["geometry"], "properties": {}}
    _draw_point(chart, point, str(say(case["title"], case["title_en"])))
    focus = [layers[name] for name in ("boundary", "unit_grid") if name in layers] or [point]
    _fit(chart, focus)
    legend = [*(LAYER_COLORS[name] for name in drawn), SITE]
    alert = case.get("alert")
    charts = (
        [] if alert is None else [_meter_chart(kind, rows) for kind, rows in alert["meters"].items() if rows]
    )
    facts = {
        "case": case,
        "alert": alert,
        "charts": charts,
        "state": style.entry(style.CASE_STATES, case["state"]),
    }
    level = None if alert is None else style.entry(style.ALERT_LEVELS, alert["level"])
    title: Texts = {"zh": f"案件 {case['number']}", "en": f"Case {case['number']}"}
    return _page(chart, "case", legend, title, language, time_zone or local_zone().key, level=level, **facts)


def hotspot_report(
    cells: gpd.GeoDataFrame,
    run: Mapping[str, Any],
    *,
    over_time: gpd.GeoDataFrame | None = None,
    areas: Mapping[str, Any] | None = None,
    top: int = 20,
    language: Language = "zh",
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
    language : {"zh", "en"}
        The language that is shown first.
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
    chart = _map()
    if areas is not None:
        _draw(chart, areas, style.AREA_KINDS["county"])
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
        _fit(chart, [areas])
    title: Texts = {"zh": "热点分析", "en": "Hot spots"}
    legend = list(style.HOT_LEVELS.values())
    return _page(
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


def _map() -> folium.Map:
    return folium.Map(
        location=[0, 0],  # every report fits its own bounds
        tiles=None,
        width="100%",
        height=f"{MAP_HEIGHT_PX}px",
        zoom_start=10,
        control_scale=True,
        max_zoom=MAX_ZOOM,
        maxZoom=MAX_ZOOM,
        zoomSnap=0.25,
        attribution_control=False,
    )


def _draw(chart: folium.Map, layer: Mapping[str, Any], entry: style.Entry, *, dashed: bool = False) -> None:
    look = {"color": entry.color, "weight": 2, "fillOpacity": 0.06, "dashArray": "6 6" if dashed else None}
    names = [key for key in ("name", "code") if all(key in f["properties"] for f in _features(layer))]
    safe = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": f["geometry"],
                "properties": {n: in_map_script(escape(str(f["properties"][n]))) for n in names},
            }
            for f in _features(layer)
            if f["geometry"] is not None
        ],
    }
    tooltip = folium.GeoJsonTooltip(names, labels=False) if names and safe["features"] else None
    folium.GeoJson(safe, style_function=lambda _: look, tooltip=tooltip, control=False).add_to(chart)


def _draw_point(chart: folium.Map, feature: Mapping[str, Any], label_html: str) -> None:
    lon, lat = feature["geometry"]["coordinates"][:2]
    folium.CircleMarker(
        [lat, lon], radius=9, color="#ffffff", weight=2, fill=True, fill_color=SITE.color, fill_opacity=1.0,
        tooltip=folium.Tooltip(in_map_script(label_html)),
    ).add_to(chart)  # fmt: skip


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
    return _period(days.iloc[0].tolist()) if len(days) else None


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
                "observed": _FORMATS.number(observed),
                "expected": _FORMATS.number(expected, 1),
                "ratio": _FORMATS.number(ratio, 1),
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
    if areas is not None and _features(areas):
        _fit(chart, [areas])
        return
    west, south, east, north = cells.total_bounds
    chart.fit_bounds([[south, west], [north, east]])


def _features(layer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(layer["features"]) if layer["type"] == "FeatureCollection" else [layer]


def _fit(chart: folium.Map, layers: Iterable[Mapping[str, Any]]) -> None:
    points = [
        p for layer in layers for f in _features(layer) for p in _positions(f["geometry"]["coordinates"])
    ]
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    chart.fit_bounds([[south, west], [north, east]], max_zoom=16)


def _positions(coordinates: Any) -> Iterable[tuple[float, float]]:
    if isinstance(coordinates[0], (int, float)):
        yield float(coordinates[0]), float(coordinates[1])
        return
    for part in coordinates:
        yield from _positions(part)


def _meter_chart(kind: str, rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Daily readings as the path of a small SVG: a missing day is a gap, not a zero."""
    values = [row["value"] for row in rows]
    known = [v for v in values if v is not None]
    high = max(known, default=0.0) or 1.0
    step = CHART_WIDTH / max(len(values) - 1, 1)
    path, pen_up = [], True
    for i, value in enumerate(values):
        if value is None:
            pen_up = True
            continue
        path.append(
            f"{'M' if pen_up else 'L'}{i * step:.1f} {CHART_HEIGHT * (1 - max(value, 0.0) / high):.1f}"
        )
        pen_up = False
    return {
        "kind": kind, "unit": METER_UNITS.get(kind, ""), "path": " ".join(path), "high": high,
        "first": rows[0]["day"], "last": rows[-1]["day"], "missing": len(values) - len(known),
        "width": CHART_WIDTH, "height": CHART_HEIGHT,
    }  # fmt: skip


def _period(value: Any) -> str:
    """Return a period that is a text, a pair or ``{from, to}``.

    Examples
    --------
    >>> _period({"from": "2026-02-01", "to": "2026-02-07"}), _period(["a", "b"]), _period("2026-02"), _period(None)
    ('2026-02-01 – 2026-02-07', 'a – b', '2026-02', '–')
    """
    if isinstance(value, Mapping):
        value = [value.get("from"), value.get("to")]
    if isinstance(value, (list, tuple)):
        return " – ".join(str(part) for part in value if part is not None) or "–"
    return "–" if value is None else str(value)


def say(zh: object, en: object) -> Markup:
    """Return a text in both languages, of which the page shows one.

    Examples
    --------
    >>> say("线索", "a <clue>")
    Markup('<span lang="zh">线索</span><span lang="en">a &lt;clue&gt;</span>')
    """
    return Markup('<span lang="zh">{}</span><span lang="en">{}</span>').format(zh, en)


def _say_each(write: Callable[[Formats], str]) -> Markup:
    """Text that is written differently in the two languages."""
    return say(write(Formats("zh")), write(Formats("en")))


def _say_term(group: str, code: object) -> Markup:
    texts = names(group, code)
    return say(texts["zh"], texts["en"])


@lru_cache
def _environment(time_zone: str) -> Environment:
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
        "period": _period,
    }
    made.globals |= {
        "say": say,
        "term": _say_term,
        "percent": lambda share: _say_each(lambda formats: formats.percent(share)),
        "listed": lambda items: _say_each(lambda formats: formats.list(items)),
    }
    return made


def _page(
    chart: folium.Map,
    template: str,
    legend: list[style.Entry],
    title: Texts,
    language: Language,
    time_zone: str,
    **values: Any,
) -> str:
    """Return the map with its legend, above it the facts, below it the tables."""
    figure = localise(chart)
    figure.title = escape(title[language])
    environment = _environment(time_zone)

    def part(name: str, **more: Any) -> str:
        return environment.get_template(name).render(title=title, **more)

    zone = {each: Formats(each, time_zone).zone_note() for each in title}
    above, below = part(f"{template}_above.html", **values), part(f"{template}_below.html", **values)
    switch = part("switch.html", language=language)
    box = part("legend.html", legend=legend, zone=zone)
    figure.header.add_child(Verbatim(f"<style>{part('report.css')}</style>"), name="report_css")
    figure.html.add_child(Verbatim(f"<header>{switch}{above}</header>"), name="above")
    figure.html.add_child(Verbatim(f"<footer>{box}{below}</footer>"), name="below")
    html: str = figure.render()
    tag = "zh-CN" if language == "zh" else "en"
    return with_policy(html.replace("<html>", f'<html lang="{tag}">', 1))
