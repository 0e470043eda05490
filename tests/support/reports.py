"""Data of reports with hostile texts, and how a browser is started for them."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
from shapely.geometry import box, mapping

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
    days = [
        {
            "day": f"2026-01-{d:02d}",
            "from_at": f"2026-01-{d:02d}T00:00:00Z",
            "to_at": f"2026-01-{d + 1:02d}T00:00:00Z",
            "value": None if d in (10, 11) else d * 3.0,
        }
        for d in range(1, 30)
    ]
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
    levels = [99, 95, 90, 0, -95, -99]
    return gpd.GeoDataFrame(
        {
            "field": ["visits"] * 6 + [EVIL] * 6,
            "h3": [f"891f1d48b{i:x}" for i in range(12)],
            "value": [float(i) for i in range(12)],
            "exposure": [20.0] * 12,
            "observed": [float(i) for i in range(12)],
            "expected": [2.5] * 12,
            "ratio": [i / 2.5 for i in range(12)],
            "p_adjusted": [0.01] * 12,
            "level": levels * 2,
            "rings": [0, 1] * 6,
            "from_day": ["2026-02-22"] * 6 + [None] * 6,
            "until_day": ["2026-02-28"] * 6 + [None] * 6,
        },
        geometry=[box(120.1 + i * 0.02, 31.1, 120.118 + i * 0.02, 31.118) for i in range(6)] * 2,
        crs=4326,
    )


RUN = {"model": "hotspots", "version": "1", "at": "2026-03-01", "parameters": {"k": 1}}
