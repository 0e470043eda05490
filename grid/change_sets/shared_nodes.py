"""Shared nodes: outlines of one level keep the same nodes on their common edges after every edit.

An outline that loses or takes land gets every node that its neighbours have on it, and the neighbours get its
own, on every level where outlines changed. A neighbour keeps its version: its land is the same
(``Plan.noded``). One that the same plan gives another parent or code carries the nodes over to its next
version.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

import shapely

from grid.change_sets.current_areas import WorkingAreas
from grid.change_sets.plan import NewUnit, NewVersion, Plan
from grid.topology import (
    MARGIN_DEG,
    Box,
    Unit,
    bounding_box,
    box_intersects,
    changed_box,
    expand_box,
    insert_nodes,
    newly_unshared_edges,
    points_inside,
    topology_fault,
    union_box,
    with_nodes,
)

T = TypeVar("T", NewUnit, NewVersion)


def share_nodes(areas: WorkingAreas, plan: Plan) -> None:
    """Insert missing nodes into the outlines of a plan and of their neighbours, kind by kind.

    Raises
    ------
    TopologyFault
        ``edge_not_shared``: outlines that agreed before would not agree any more.
    """
    redrawn = [v for v in plan.versions if not shapely.equals_exact(v.shape, v.old.shape)]
    kinds = {version.kind for version in redrawn} | {new.kind for new in plan.again}
    for kind in sorted(kinds | {unit.kind for unit in plan.ended}):
        _share(areas, plan, kind, [version for version in redrawn if version.kind == kind])
    _carry_over(plan)


def _share(working: WorkingAreas, plan: Plan, kind: str, redrawn: Sequence[NewVersion]) -> None:
    gone = [unit for unit in plan.ended if unit.kind == kind] + (plan.removed if kind == "unit_grid" else [])
    new = [unit for unit in [*plan.again, *plan.added] if unit.kind == kind]
    before = [*(version.old for version in redrawn), *gone]
    areas: list[NewUnit | NewVersion] = [*redrawn, *new]
    whole = [unit.shape for unit in gone] + [unit.shape for unit in new]
    boxes = [changed_box(version.old.shape, version.shape) for version in redrawn]
    box = expand_box(union_box([*boxes, bounding_box(shapely.get_coordinates(whole))]), MARGIN_DEG)
    noded = {unit.key: unit for unit in plan.noded}
    around = [unit for unit in working.neighbours(before, kind) if box_intersects(unit.shape, box)]
    beside = [noded.get(unit.key, unit) for unit in around]
    begun = [area.shape for area in areas]
    nodes = points_inside(shapely.get_coordinates([*begun, *(unit.shape for unit in beside)]), box)
    shapes = [insert_nodes(shape, nodes) for shape in begun]
    noded |= {unit.key: unit for unit in with_nodes(beside, nodes)}
    _check([*before, *around], [*shapes, *(noded.get(u.key, u).shape for u in around)], areas, box)
    plan.noded = list(noded.values())
    drawn = {id(area): shape for area, shape in zip(areas, shapes, strict=True)}
    plan.versions = [_with_shape(version, drawn) for version in plan.versions]
    plan.again = [_with_shape(unit, drawn) for unit in plan.again]
    plan.added = [_with_shape(unit, drawn) for unit in plan.added]


def _with_shape(area: T, drawn: dict[int, Any]) -> T:
    return dataclasses.replace(area, shape=drawn[id(area)]) if id(area) in drawn else area


def _check(
    before: Sequence[Unit], after: Sequence[Any], named: Sequence[NewUnit | NewVersion], box: Box
) -> None:
    apart = newly_unshared_edges([unit.shape for unit in before], after, box)
    if not apart.is_empty:
        raise topology_fault(
            "edge_not_shared",
            [Unit(0, area.code, area.name, None, area.shape) for area in named],
            "an edge is not shared with the neighbour",
            "与相邻区域的公共边不一致",
            apart,
        )


def _carry_over(plan: Plan) -> None:
    """Nodes of areas that begin again in this plan belong into the version that begins."""
    noded = {unit.key: unit.shape for unit in plan.noded}
    begins = {version.old.key for version in plan.versions}
    plan.versions = [
        dataclasses.replace(v, shape=insert_nodes(v.shape, shapely.get_coordinates(noded[v.old.key])))
        if v.old.key in noded
        else v
        for v in plan.versions
    ]
    plan.noded = [unit for unit in plan.noded if unit.key not in begins]
