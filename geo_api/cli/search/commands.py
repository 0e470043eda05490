"""``wangge find TEXT``: the search of the console on the command line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from geo_api.cli.installation import migrated_database, operator
from geo_api.http.progress import console
from grid.search import Asked, Hit, find

GROUPS = {
    "areas": "区域 areas",
    "companies": "企业场所 companies",
    "cases": "案件 cases",
    "alerts": "预警 alerts",
    "vehicles": "车辆 vehicles",
    "grids": "网格 grids",
    "places": "地点 places",
    "coordinates": "坐标 coordinates",
}
EVERYTHING = frozenset({"cases", "alerts", "vehicles"})


def find_text(
    text: Annotated[
        str,
        typer.Argument(help="名称、拼音、首字母、编号、车牌、坐标 name, pinyin, number, plate, coordinates"),
    ],
    limit: Annotated[int, typer.Option(min=1, max=20, help="每组条数 hits of a group")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document")] = False,
) -> None:
    """Find areas, companies, cases, alerts, vehicles, places and coordinates · 查找."""
    from layers.postgres import SYSTEM, session
    from layers.records import add_calls, command_row

    with session(SYSTEM, migrated_database()) as db:
        groups = find(db, Asked(text, SYSTEM, limit, EVERYTHING))
        if any(group.name == "vehicles" for group in groups):
            add_calls(db, [command_row(operator(), "find/vehicles")])
    if as_json:
        found = [asdict(group) for group in groups]
        sys.stdout.write(json.dumps({"q": text, "groups": found}, ensure_ascii=False, indent=1) + "\n")
        return
    for group in groups:
        console.print(f"[bold]{GROUPS[group.name]}[/] {group.count}{'+' if group.more else ''}")
        for hit in group.hits:
            console.print(f"  {_line(hit)}", markup=False, highlight=False, soft_wrap=True)
    if not groups:
        console.print("没有找到 nothing found")


def _line(hit: Hit) -> str:
    place = "" if hit.lon is None else f"{hit.lon:.5f}, {hit.lat:.5f}"
    read = "" if hit.crs is None else f"{hit.crs} {hit.order} +{hit.distance_m:.0f} m"
    parts = (hit.key, hit.title, hit.kind, hit.state, " ".join(hit.within), place, read, hit.matched_by)
    return "  ".join(part for part in parts if part)
