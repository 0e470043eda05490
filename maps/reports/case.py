"""Report of one case: place, evidence, assignment with its reasons, and events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from layers.local_time import local_zone
from maps import style
from maps.reports.charts import balance_bars, meter_chart, start_of_use
from maps.reports.map_drawing import SITE, draw_areas, draw_point, empty_map, fit_to
from maps.reports.page import Shown, Texts, page, say

LAYER_COLORS = {
    "county": style.AREA_KINDS["county"],
    "town": style.AREA_KINDS["town"],
    "community": style.AREA_KINDS["community"],
    "unit_grid": style.AREA_KINDS["unit_grid"],
    "boundary": style.map_feature("boundary", "#7f2704"),
    **style.TRACK_PARTS,
}


def case_report(
    case: Mapping[str, Any],
    *,
    layers: Mapping[str, Mapping[str, Any]],
    language: Shown = "zh",
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
    language : {"zh", "en", "both"}
        The languages that are shown first.
    time_zone : str or None
        Zone in which times are written; None: that of the city.

    Returns
    -------
    str
        HTML.
    """
    chart = empty_map()
    drawn = [name for name in LAYER_COLORS if name in layers]
    for name in drawn:
        draw_areas(chart, layers[name], LAYER_COLORS[name], dashed=name == "gap")
    point = layers.get("site") or {"type": "Feature", "geometry": case["geometry"], "properties": {}}
    draw_point(chart, point, str(say(case["title"], case["title_en"])))
    focus = [layers[name] for name in ("boundary", "unit_grid") if name in layers] or [point]
    fit_to(chart, focus)
    legend = [*(LAYER_COLORS[name] for name in drawn), SITE]
    alert = case.get("alert")
    charts = (
        []
        if alert is None
        else [
            meter_chart(kind, rows, start_of_use(alert["evidence"], kind))
            for kind, rows in alert["meters"].items()
            if rows
        ]
    )
    facts = {
        "case": case,
        "alert": alert,
        "charts": charts,
        "balance": None if alert is None else balance_bars(alert.get("balance")),
        "state": style.entry(style.CASE_STATES, case["state"]),
    }
    level = None if alert is None else style.entry(style.ALERT_LEVELS, alert["level"])
    title: Texts = {"zh": f"案件 {case['number']}", "en": f"Case {case['number']}"}
    return page(chart, "case", legend, title, language, time_zone or local_zone().key, level=level, **facts)
