"""A town of squares for the tests of grid: 4 x 4 unit grids of 0.001 degrees, from (120.8, 32.0).

City 320600 > county 320601 > town 320601001 (columns 0, 1) and 320601002 (columns 2, 3) > each with a
southern (rows 0, 1) and a northern (rows 2, 3) community > four unit grids each, numbered by row, then
column.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.support.enterprises import USCC, insert_enterprise, insert_site

WEST, SOUTH, STEP = 120.8, 32.0, 0.001
START = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)
RESUME, STALL = "ECO-RESUME-001", "URB-STALL-002"
"""The two items of :func:`insert_duties`."""


def x(column: float) -> float:
    return round(WEST + column * STEP, 7)


def y(row: float) -> float:
    return round(SOUTH + row * STEP, 7)


def middle(column: int, row: int) -> tuple[float, float]:
    """A point in the middle of the square."""
    return x(column + 0.5), y(row + 0.5)


def community_code(column: int, row: int) -> str:
    return f"32060100{1 + column // 2}00{1 + row // 2}"


def unit_code(column: int, row: int) -> str:
    return f"{community_code(column, row)}{1 + (row % 2) * 2 + column % 2:03d}"


def square(c0: float, r0: float, c1: float, r1: float) -> shapely.Polygon:
    """A rectangle whose outline has a vertex at every crossing of the raster."""
    corners = [(c, r0) for c in _steps(c0, c1)] + [(c1, r) for r in _steps(r0, r1)]
    corners += [(c, r1) for c in reversed(_steps(c0, c1, 1))] + [(c0, r) for r in reversed(_steps(r0, r1, 1))]
    return shapely.Polygon([(x(c), y(r)) for c, r in corners])


def _steps(low: float, high: float, shift: int = 0) -> list[float]:
    return [low + shift + i for i in range(int(high - low))]


def insert_area(
    db: Session,
    code: str,
    name: str,
    kind: str,
    parent: int | None,
    shape: Any,
    *,
    start: dt.datetime = START,
    end: dt.datetime | None = None,
) -> int:
    return int(
        db.execute(
            text(
                "INSERT INTO areas (code, name, kind, parent_id, valid_from, valid_to, geom, label_point,"
                " area_m2) SELECT :code, :name, :kind, :parent, :start, :end, ST_Multi(g),"
                " ST_PointOnSurface(g), ST_Area(g::geography) FROM ST_GeomFromWKB(:wkb, 4326) g RETURNING id"
            ),
            {
                "code": code,
                "name": name,
                "kind": kind,
                "parent": parent,
                "start": start,
                "end": end,
                "wkb": shapely.to_wkb(shape),
            },
        ).scalar_one()
    )


def insert_town(db: Session) -> dict[str, int]:
    """Write the areas; ids by code."""
    ids = {"320600": insert_area(db, "320600", "测试市", "city", None, square(0, 0, 4, 4))}
    ids["320601"] = insert_area(db, "320601", "测试区", "county", ids["320600"], square(0, 0, 4, 4))
    for t, name in enumerate("甲乙"):
        town = f"32060100{t + 1}"
        ids[town] = insert_area(db, town, f"{name}镇", "town", ids["320601"], square(2 * t, 0, 2 * t + 2, 4))
    for c in (0, 2):
        for r in (0, 2):
            code = community_code(c, r)
            ids[code] = insert_area(
                db, code, f"社区{code[-4:]}", "community", ids[code[:9]], square(c, r, c + 2, r + 2)
            )
    for c in range(4):
        for r in range(4):
            code = unit_code(c, r)
            ids[code] = insert_area(
                db, code, f"第{int(code[-3:])}网格", "unit_grid", ids[code[:12]], square(c, r, c + 1, r + 1)
            )
    return ids


def insert_managing(db: Session, ids: dict[str, int]) -> None:
    """Two responsibility grids a community (its southern and northern row) and one evaluation grid (all
    of it).
    """
    for c in (0, 2):
        for r in (0, 2):
            community = community_code(c, r)
            for n in (0, 1):
                code = f"{community}R{n + 1}"
                shape = square(c, r + n, c + 2, r + n + 1)
                ids[code] = insert_area(
                    db, code, f"责任网格{n + 1}", "responsibility_grid", ids[community], shape
                )
            code = f"{community}E1"
            whole = square(c, r, c + 2, r + 2)
            ids[code] = insert_area(db, code, "评价网格", "evaluation_grid", ids[community], whole)


def insert_duty(
    db: Session, item_code: str, body: str, level: str, area_code: str, role: str = "lead", **values: Any
) -> None:
    row = {
        "item_code": item_code, "item": values.get("item", "疑似非法复工"), "domain": values.get("domain", "ecology"),
        "legal_basis": "第六十条", "kind": "检查", "body": body, "level": level, "area_code": area_code, "role": role,
        "valid_from": values.get("valid_from", dt.date(2021, 7, 15)), "valid_to": values.get("valid_to"),
    }  # fmt: skip
    db.execute(
        text(f"INSERT INTO duty_items ({', '.join(row)}) VALUES ({', '.join(':' + name for name in row)})"),
        row,
    )


def insert_duties(db: Session) -> None:
    """ECO-RESUME-001: county with three joint bodies, city above.

    URB-STALL-002: town 1 from 2022, withdrawn 2025-07.
    """
    for level, code, prefix in (("city", "320600", "测试市"), ("county", "320601", "测试区")):
        insert_duty(db, "ECO-RESUME-001", f"{prefix}生态环境局", level, code)
        for joint in ("应急管理局", "交通运输局", "市场监督管理局"):
            insert_duty(db, "ECO-RESUME-001", f"{prefix}{joint}", level, code, "joint")
        insert_duty(db, "URB-STALL-002", f"{prefix}城市管理局", level, code, domain="urban", item="占道经营")
    db.execute(text("UPDATE alert_kinds SET item_code = :code"), {"code": RESUME})
    withdrawn = {"valid_from": dt.date(2022, 3, 1), "valid_to": dt.date(2025, 7, 1)}
    insert_duty(
        db, "URB-STALL-002", "甲镇人民政府", "town", "320601001", domain="urban", item="占道经营", **withdrawn
    )
    insert_duty(db, "URB-STALL-002", "乙镇人民政府", "town", "320601002", domain="urban", item="占道经营")


def insert_spread_enterprise(db: Session, uscc: str = USCC) -> str:
    """An enterprise that is registered in town 2, produces in town 1 and sells outside of the city.

    Its USCC.
    """
    enterprise = insert_enterprise(db, uscc, status="closed", hazard="chemical")
    places = {"registered": middle(3, 3), "production": middle(1, 2), "sales": (121.5, 31.0)}
    for kind, (lon, lat) in places.items():
        insert_site(db, enterprise, kind, lon, lat, kind=kind)
    return uscc


def line(*points: tuple[float, float]) -> dict[str, Any]:
    """A line through points given in columns and rows."""
    return {"type": "LineString", "coordinates": [[x(c), y(r)] for c, r in points]}
