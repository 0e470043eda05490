"""Map of a report without ground: areas, points and the view that holds them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import folium
from branca.element import MacroElement
from jinja2 import Template

from maps import style
from maps.report_policy import in_map_script

MAP_HEIGHT_PX = 460

MAX_ZOOM = 19

SITE = style.map_feature("case_site", "#b2182b")


def empty_map() -> folium.Map:
    """Return a map of an offline report, with a scale in metres."""
    chart = folium.Map(
        location=[0, 0],  # every report fits its own bounds
        tiles=None,
        width="100%",
        height=f"{MAP_HEIGHT_PX}px",
        zoom_start=10,
        max_zoom=MAX_ZOOM,
        maxZoom=MAX_ZOOM,
        zoomSnap=0.25,
        attribution_control=False,
    )
    MetricScale().add_to(chart)
    return chart


class MetricScale(MacroElement):
    """Scale of a map in metres and kilometres; folium's own has feet and miles, too."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "L.control.scale({imperial: false}).addTo({{ this._parent.get_name() }});"
        "{% endmacro %}"
    )


def draw_areas(
    chart: folium.Map, layer: Mapping[str, Any], entry: style.Entry, *, dashed: bool = False
) -> None:
    """Draw the areas of a GeoJSON layer in the colour of a legend entry, with names as tooltips."""
    look = {"color": entry.color, "weight": 2, "fillOpacity": 0.06, "dashArray": "6 6" if dashed else None}
    names = [key for key in ("name", "code") if all(key in f["properties"] for f in features_of(layer))]
    safe = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": f["geometry"],
                "properties": {n: in_map_script(escape(str(f["properties"][n]))) for n in names},
            }
            for f in features_of(layer)
            if f["geometry"] is not None
        ],
    }
    tooltip = folium.GeoJsonTooltip(names, labels=False) if names and safe["features"] else None
    folium.GeoJson(safe, style_function=lambda _: look, tooltip=tooltip, control=False).add_to(chart)


def draw_point(chart: folium.Map, feature: Mapping[str, Any], label_html: str) -> None:
    """Draw the point of a GeoJSON feature with a tooltip of safe HTML."""
    lon, lat = feature["geometry"]["coordinates"][:2]
    folium.CircleMarker(
        [lat, lon], radius=9, color="#ffffff", weight=2, fill=True, fill_color=SITE.color, fill_opacity=1.0,
        tooltip=folium.Tooltip(in_map_script(label_html)),
    ).add_to(chart)  # fmt: skip


def feature_of(geometry: str) -> dict[str, Any]:
    """Return a GeoJSON geometry that is written as text as a feature."""
    return {"type": "Feature", "geometry": json.loads(geometry), "properties": {}}


def features_of(layer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the features of a GeoJSON feature or collection."""
    return list(layer["features"]) if layer["type"] == "FeatureCollection" else [layer]


def fit_to(chart: folium.Map, layers: Iterable[Mapping[str, Any]]) -> None:
    """Show the part of the map that holds all features of the layers."""
    points = [
        p for layer in layers for f in features_of(layer) for p in _positions(f["geometry"]["coordinates"])
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
