"""Reports: one file, no request, nothing that a value could inject."""

from __future__ import annotations

import re
from pathlib import Path

import folium
import geopandas as gpd
import pytest
from folium.plugins import MeasureControl
from shapely.geometry import box

from maps import style
from maps.assets import FILES, inlined, localise
from maps.errors import InvalidLayer, MissingAsset
from maps.reports import case_report, hotspot_report
from maps.reports.charts import CHART_HEIGHT, CHART_WIDTH, meter_chart
from tests.support.reports import ARGS, EVIL, RUN, case, cells, feature, layers

REPORTS = {
    "case": lambda: case_report(case(), layers=layers()),
    "hot_spots": lambda: hotspot_report(cells(), RUN, areas=feature(box(120, 31, 121, 31.5), EVIL)),
}


@pytest.mark.browser
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_opens_without_a_network(name: str, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    path = tmp_path / f"{name}.html"
    path.write_text(REPORTS[name](), encoding="utf-8")
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
        page = browser.new_page()
        requests: list[str] = []
        errors: list[str] = []
        page.on("request", lambda r: requests.append(r.url))
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.goto(path.as_uri())
        page.wait_for_selector(".leaflet-overlay-pane path")
        shapes = page.locator(".leaflet-overlay-pane path").count()
        injected = page.evaluate("window.injected")
        size = page.locator(".folium-map").bounding_box()
        text = page.inner_text("body")
        scale = page.locator(".leaflet-control-scale-line").all_inner_texts()
        browser.close()
    assert [url for url in requests if not url.startswith(("data:", path.as_uri()))] == []
    assert errors == [] and injected is None
    assert len(scale) == 1 and re.fullmatch(r"\d+ k?m", scale[0]), "no feet"
    assert shapes >= (4 if name == "case" else 6)
    assert size is not None and size["height"] > 400 and size["width"] > 600
    assert "图例" not in text and ("证据" in text if name == "case" else "显著性" in text)


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_names_no_foreign_file_and_escapes_values(name: str) -> None:
    html = REPORTS[name]()
    assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?(?!data:)[^\"'> ]+", html) == []
    assert "<script>window.injected" not in html and "{{7*7}}" in html
    assert len(html) < 1_000_000


def test_the_case_report_says_it_in_both_languages() -> None:
    html = case_report(case(), layers=layers())
    for words in (
        "证据",
        "Evidence",
        "责任认定",
        "How responsibility was found",
        "办理记录",
        "Event log",
        "NT20260301-0001",
    ):
        assert words in html
    assert "2026-02-01 – 2026-02-07" in html and "ab" * 8 in html and "苏F·A**34" in html


def test_missing_days_are_gaps_and_not_zeros() -> None:
    html = case_report(case(), layers=layers())
    path = re.search(r'<path d="(M[^"]+)" fill="none"', html)
    assert path is not None
    assert path[1].count("M") == 2 and len(re.findall("[ML]", path[1])) == 27  # 29 days, 2 of them missing


def test_a_case_without_alert_or_layers_is_drawn_at_its_point() -> None:
    html = case_report(case(alert=None, explanation=[], events=[]), layers={})
    assert "证据" not in html and "31.2, 120.1" in html.replace("[", "").replace("]", "")


def test_wrong_cells_are_refused() -> None:
    with pytest.raises(InvalidLayer, match="level"):
        hotspot_report(cells().drop(columns="level"), RUN)
    with pytest.raises(InvalidLayer, match="4326"):
        hotspot_report(cells().to_crs(3857), RUN)
    assert "没有数据" in hotspot_report(cells().iloc[:0], RUN)


def test_patterns_over_time_are_told_the_young_ones_first() -> None:
    rows = [("persistent_hot", "2026-01-05", 9.0), ("no_pattern", None, 1.0), ("new_hot", "2026-02-22", 7.0)]
    over_time = gpd.GeoDataFrame(
        {
            "field": "visits", "h3": [f"882a{i}" for i in range(3)], "pattern": [r[0] for r in rows],
            "since": [r[1] for r in rows], "newest": [r[2] for r in rows], "before": 2.0, "hot_steps": 3,
            "steps": 8, "step_days": 7,
        },
        geometry=[box(120, 31, 120.1, 31.1)] * 3, crs=4326,
    )  # fmt: skip
    html = hotspot_report(cells(), RUN, over_time=over_time)
    assert html.index("882a2") < html.index("882a0") and "882a1" not in html
    assert "More for the first time, in the last step" in html and "2026-02-22" in html
    assert "Hot spots over time" not in hotspot_report(cells(), RUN)


def test_a_plugin_without_a_shipped_file_is_refused() -> None:
    chart = folium.Map(tiles=None)
    MeasureControl().add_to(chart)
    with pytest.raises(MissingAsset, match="leaflet_measure"):
        localise(chart).render()
    chart = folium.Map(tiles="OpenStreetMap")
    with pytest.raises(MissingAsset, match="openstreetmap"):  # its address stands in a script, not in a link
        localise(chart)


def test_shipped_files_carry_their_pictures() -> None:
    for path in FILES.values():
        text = inlined(path)
        assert "sourceMappingURL" not in text
        assert re.findall(r"url\((?!data:|#)", text) == []


def test_legends_have_names_and_colours_for_every_entry() -> None:
    for name, legend in style.LEGENDS.items():
        for value, entry in legend.items():
            assert re.fullmatch(r"#[0-9a-f]{6}", entry.color) and entry.en and entry.zh, (name, value)
    document = style.style_document()
    assert document["hot_levels"]["-99"]["en"].startswith("Far fewer")


def test_a_bill_is_a_step_of_its_own_width_and_a_gap_is_a_gap() -> None:
    """Two months, a month without a reading, and a month, with 10, 20 kWh a day: by hand on a width of 120 days."""
    bills = [
        {
            "day": "2026-01-01",
            "from_at": "2026-01-01T00:00:00Z",
            "to_at": "2026-03-02T00:00:00Z",
            "value": 600.0,
        },
        {
            "day": "2026-04-01",
            "from_at": "2026-04-01T00:00:00Z",
            "to_at": "2026-05-01T00:00:00Z",
            "value": 600.0,
        },
    ]
    chart = meter_chart("power", bills)
    assert (chart["unit"], chart["high"], chart["missing"]) == ("kWh/d", 20.0, 0)
    width, half = CHART_WIDTH, CHART_HEIGHT / 2
    assert chart["path"] == (
        f"M0.0 {half:.1f} L{width * 60 / 120:.1f} {half:.1f} M{width * 90 / 120:.1f} 0.0 L{width:.1f} 0.0"
    )
