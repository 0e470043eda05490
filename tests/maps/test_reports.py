"""Reports: one file, no request, nothing that a value could inject."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import pytest
from folium.plugins import MeasureControl
from shapely.geometry import box, mapping

from maps import style
from maps.assets import FILES, inlined, localise
from maps.errors import InvalidLayer, MissingAsset
from maps.reports import case_report, hotspot_report

EVIL = "</script><script>window.injected=1</script>{{7*7}}<img src=x onerror='window.injected=1'>"
ARGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]


def feature(shape: Any, name: str) -> dict[str, Any]:
    return {"type": "Feature", "geometry": mapping(shape), "properties": {"name": name, "code": "320601"}}


def layers() -> dict[str, dict[str, Any]]:
    return {
        "county": feature(box(120, 31, 121, 31.5), EVIL),
        "unit_grid": feature(box(120.05, 31.15, 120.15, 31.25), "网格"),
        "boundary": feature(box(120.098, 31.198, 120.102, 31.202), "厂界"),
    }


def case(**changes: Any) -> dict[str, Any]:
    days = [{"day": f"2026-01-{d:02d}", "value": None if d in (10, 11) else d * 3.0} for d in range(1, 30)]
    alert = {
        "level": "high",
        "score": 0.91,
        "enterprise": {"name": EVIL, "uscc": "91320600000000001X"},
        "evidence": [
            {
                "signal": "power_level",
                "value": 4.2,
                "baseline": None,
                "period": {"from": "2026-02-01", "to": "2026-02-07"},
                "contribution": 2.1,
                "sentence_zh": "用电为停产基线的 4.2 倍",
                "sentence_en": "Power is 4.2 times the idle baseline",
            }
        ],
        "would_lower": [{"zh": "登记的拆除通知", "en": "a registered notice"}],
        "meters": {"power": days, "water": []},
        "visits": [
            {"plate_masked": "苏F·A**34", "vehicle_id": "V", "entered_at": "a", "left_at": "b", "share": 0.9}
        ],
    }
    event = {
        "seq": 1,
        "at": "2026-03-01",
        "actor": EVIL,
        "role": "service",
        "action": "report",
        "from_state": None,
    }
    base = {
        "number": "NT20260301-0001",
        "title": EVIL,
        "title_en": EVIL,
        "state": "filed",
        "domain": "ecology",
        "item_code": "ECO-001",
        "lead_body": "生态环境局",
        "co_handlers": ["应急管理局"],
        "grid_code": "320601001001001",
        "community": "A社区",
        "town": "A镇",
        "county": "测试区",
        "opened_at": "2026-03-01T08:00:00Z",
        "due_at": None,
        "overdue": False,
        "geometry": {"type": "Point", "coordinates": [120.1, 31.2]},
        "explanation": [{"step": 1, "rule": "locate", "zh": "落在网格内", "en": "inside the grid"}],
        "events": [{**event, "to_state": "reported", "payload": {"note": EVIL}, "hash": "ab" * 32}],
        "alert": alert,
    }
    return {**base, **changes}


def cells() -> gpd.GeoDataFrame:
    bins = [3, 2, 1, 0, -2, -3]
    return gpd.GeoDataFrame(
        {
            "field": ["visits"] * 6 + [EVIL] * 6,
            "h3": [f"891f1d48b{i:x}" for i in range(12)],
            "value": [float(i) for i in range(12)],
            "exposure": [None] * 12,
            "z": [b * 1.1 for b in bins] * 2,
            "p": [0.01] * 12,
            "q": [0.02] * 12,
            "gi_bin": bins * 2,
        },
        geometry=[box(120.1 + i * 0.02, 31.1, 120.118 + i * 0.02, 31.118) for i in range(6)] * 2,
        crs=4326,
    )


RUN = {"model": "hotspots", "version": "1", "at": "2026-03-01", "parameters": {"k": 1}}
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
        browser.close()
    assert [url for url in requests if not url.startswith(("data:", path.as_uri()))] == []
    assert errors == [] and injected is None
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
    with pytest.raises(InvalidLayer, match="gi_bin"):
        hotspot_report(cells().drop(columns="gi_bin"), RUN)
    with pytest.raises(InvalidLayer, match="4326"):
        hotspot_report(cells().to_crs(3857), RUN)
    assert "没有数据" in hotspot_report(cells().iloc[:0], RUN)


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
    assert document["gi_bins"]["-3"]["zh"].startswith("冷点")
