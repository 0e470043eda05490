"""Sheet of a grid on A4: map, code, border in words, staff and enterprises; it opens without a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maps import style
from maps.glossary import Language
from maps.reports.map_drawing import draw_areas, empty_map, fit_to
from maps.reports.page import Texts, page

GROUND = {
    "waterways": style.Entry("#4b91c2", "Waterways", "河道"),
    "roads": style.Entry("#8a7f6c", "Roads", "道路"),
}
OWN_COLOR = "#0a5fb4"
SIDES: Mapping[str, Texts] = {
    "north": {"zh": "北至", "en": "North"},
    "east": {"zh": "东至", "en": "East"},
    "south": {"zh": "南至", "en": "South"},
    "west": {"zh": "西至", "en": "West"},
}


def grid_report(sheet: Mapping[str, Any], *, language: Language = "zh", time_zone: str) -> str:
    """Return the sheet of a grid as one HTML file, in both languages.

    Parameters
    ----------
    sheet : mapping
        ``code``, ``name``, ``kind``, ``above``, ``area_m2``, ``households``, ``valid_from``, ``geometry``, ``border``
        (by side), ``ground`` (GeoJSON of roads and waterways), ``staff``, ``enterprises``, ``enterprises_found``.
    language : {"zh", "en"}
        The language that is shown first.
    time_zone : str
        Zone in which times are written.

    Returns
    -------
    str
        HTML.
    """
    chart = empty_map()
    drawn = [name for name in GROUND if sheet["ground"].get(name, {}).get("features")]
    for name in drawn:
        draw_areas(chart, sheet["ground"][name], GROUND[name])
    kind = style.AREA_KINDS[sheet["kind"]]
    own = style.Entry(
        OWN_COLOR, kind.en, kind.zh
    )  # the colours of kinds are for borders that are not the subject
    names = {"code": sheet["code"], "name": sheet["name"]}
    shape = {"type": "Feature", "properties": names, "geometry": sheet["geometry"]}
    draw_areas(chart, shape, own)
    fit_to(chart, [shape])
    title: Texts = {
        "zh": f"网格信息表 {sheet['name']} {sheet['code']}",
        "en": f"Sheet of grid {sheet['code']}",
    }
    legend = [own, *(GROUND[name] for name in drawn)]
    return page(chart, "grid", legend, title, language, time_zone, sheet=sheet, sides=SIDES)
