"""Warnings of a plan: narrow parts that it leaves, for whoever approves; they refuse nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grid.change_sets.plan import NewUnit, NewVersion, Plan
from grid.topology import as_geojson, narrow_parts

LOOKED_AT = 60
"""Unit grids of a plan that are looked at; a plan of more gives away whole grids."""


@dataclass(frozen=True)
class ChangeWarning:
    """A narrow part of a unit grid that begins: its code, length and mean width in metres, and its place as GeoJSON."""

    kind: str
    code: str
    length_m: float
    width_m: float
    place: dict[str, Any]


def warnings_of(plan: Plan) -> list[ChangeWarning]:
    """Return the narrow parts that the unit grids of a plan have and those before had not."""
    before = {unit.key: unit.shape for unit in [*plan.removed, *(one.old for one in plan.kept)]}
    found = []
    begun: list[NewUnit | NewVersion] = [*plan.added, *plan.kept]
    for new in begun[:LOOKED_AT]:
        known = [before[key] for key in new.predecessors if key in before]
        for length, width, part in narrow_parts(new.shape, known):
            found.append(ChangeWarning("narrow", new.code, length, width, as_geojson(part)))
    return found
