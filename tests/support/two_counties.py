"""A city on a lattice for the editor.

Two counties side by side, two towns each, two communities each of 3 × 3 unit grids.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_api.auth.access import create_user
from geo_api.cli.demo import Login

WEST, SOUTH, STEP = 120.6, 32.0, 0.015
START = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
COUNTIES = ("320601", "320602")
TOWN, COUNTY = "320601001", "320601"
"""The grid manager's town, and the county of the manager above."""

Cells = tuple[int, int, int, int]
"""West, south, east and north as numbers of cells."""


def _ring(west: int, south: int, east: int, north: int) -> list[list[float]]:
    """The outline with every node of the lattice on it, so that common edges are the same on both sides."""
    nodes = [(x, south) for x in range(west, east)] + [(east, y) for y in range(south, north)]
    nodes += [(x, north) for x in range(east, west, -1)] + [(west, y) for y in range(north, south, -1)]
    return [[round(WEST + x * STEP, 6), round(SOUTH + y * STEP, 6)] for x, y in [*nodes, nodes[0]]]


def _add(db: Session, code: str, name: str, kind: str, parent: int | None, cells: Cells) -> int:
    outline = json.dumps({"type": "Polygon", "coordinates": [_ring(*cells)]})
    values: dict[str, Any] = {"code": code, "name": name, "kind": kind, "parent": parent}
    statement = (
        "INSERT INTO areas (code, name, kind, parent_id, valid_from, geom, label_point, area_m2)"
        " SELECT :code, :name, :kind, :parent, :start, ST_Multi(g), ST_PointOnSurface(g),"
        " ST_Area(g::geography)"
        " FROM (SELECT ST_SetSRID(ST_GeomFromGeoJSON(:outline), 4326) AS g) AS o RETURNING id"
    )
    return int(db.execute(text(statement), values | {"start": START, "outline": outline}).scalar_one())


def _community(db: Session, code: str, name: str, town: int, west: int, south: int) -> None:
    community = _add(db, code, name, "community", town, (west, south, west + 3, south + 3))
    for k in range(9):
        x, y = west + k % 3, south + 2 - k // 3  # numbered from west to east, from north to south
        _add(db, f"{code}{k + 1:03}", f"第{k + 1}网格", "unit_grid", community, (x, y, x + 1, y + 1))


def seed_two_counties(db: Session) -> None:
    """Write the areas: 72 unit grids."""
    city = _add(db, "320600", "格子市", "city", None, (0, 0, 12, 6))
    for c, county_code in enumerate(COUNTIES):
        county = _add(db, county_code, f"{'西东'[c]}区", "county", city, (6 * c, 0, 6 * c + 6, 6))
        for t in range(2):
            code = f"{county_code}{t + 1:03}"
            box = (6 * c, 3 - 3 * t, 6 * c + 6, 6 - 3 * t)
            town = _add(db, code, f"{'北南'[t]}{'西东'[c]}镇", "town", county, box)
            for v in range(2):
                _community(db, f"{code}{v + 1:03}", f"{'甲乙'[v]}村{t + 1}", town, 6 * c + 3 * v, 3 - 3 * t)


def logins() -> Iterator[Login]:
    """A manager of one town, the manager of the county around it, and two supervisors of the whole city."""
    yield Login("town.manager", "a long password 1", "grid_manager", TOWN)
    yield Login("county.manager", "a long password 2", "county_manager", COUNTY)
    yield Login("city.supervisor", "a long password 3", "supervisor")
    yield Login("city.deputy", "a long password 4", "deputy")


def add_accounts(db: Session) -> None:
    """The accounts of :func:`logins`.

    ``county_manager`` and ``deputy`` are only the tests' names for roles.
    """
    roles = {"county_manager": "grid_manager", "deputy": "supervisor"}
    for login in logins():
        role = roles.get(login.role, login.role)
        create_user(
            db, username=login.username, password=login.password, role=role, area_code=login.area_code
        )
