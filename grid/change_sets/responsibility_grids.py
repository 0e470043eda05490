"""New outlines of responsibility and evaluation grids (责任网格, 评价网格) after changes of their unit grids.

Such a grid is a union of unit grids of one community. When unit grids end, begin or go to another community
its outline loses the land of those that belonged to it and takes that of those that come to it:

* a unit grid belongs to the one that holds more than half of it;
* a new one belongs to the one with which it has most land in common;
* one from another community joins the one of its new community with which it shares the longest edge.

A grid that loses its last unit grid ends. What would fall apart is refused, like every outline that would.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import Any

import shapely

from grid.change_sets.current_areas import WorkingAreas
from grid.change_sets.plan import REASONS, NewVersion, Plan
from grid.topology import (
    COMMON_LAND_M2,
    TransferredLand,
    Unit,
    add_land,
    insert_nodes,
    local_area_m2,
    outlines_differ,
    remaining_outline,
    to_local_metres,
    topology_fault,
)

MANAGING = ("responsibility_grid", "evaluation_grid")
"""Kinds whose areas consist of unit grids of one community."""


def update_responsibility_grids(areas: WorkingAreas, plan: Plan, parts_reason: str = "") -> None:
    """Add the new outlines of responsibility and evaluation grids to the plan.

    Parameters
    ----------
    plan : Plan
        Changed in place.
    parts_reason : str
        Reason for outlines of several parts; without one they are refused.

    Raises
    ------
    TopologyFault
        ``multipart``.
    """
    leaving, coming = _moves(areas, plan)
    for kind in MANAGING:
        grids = areas.children(leaving.keys() | coming.keys(), kind)
        if grids:
            _update_kind(plan, kind, _Moves(grids, leaving, coming), parts_reason)


def _moves(areas: WorkingAreas, plan: Plan) -> tuple[dict[int, list[Any]], dict[int, list[Any]]]:
    """Land of unit grids that leaves and comes, by the id of the community that holds now."""
    moved = [v for v in plan.versions if v.kind == "unit_grid" and v.reason == REASONS["transfer"]]
    named = {unit.parent_id for unit in plan.removed} | {v.old.parent_id for v in moved}
    named |= {unit.parent_id for unit in plan.added} | {version.parent_id for version in moved}
    missing = named - plan.communities.keys()
    found = plan.communities | areas.versions(missing)
    now = {asked: unit.key for asked, unit in found.items()}
    leaving, coming = defaultdict(list), defaultdict(list)
    for unit in [*plan.removed, *(version.old for version in moved)]:
        leaving[now[unit.parent_id]].append(unit.shape)
    for new in plan.added:
        coming[now[new.parent_id]].append(new.shape)
    for version in moved:
        coming[now[version.parent_id]].append(version.shape)
    return leaving, coming


class _Moves:
    """Land that each grid of a kind loses and takes."""

    def __init__(
        self, grids: list[Unit], leaving: dict[int, list[Any]], coming: dict[int, list[Any]]
    ) -> None:
        self.grids = grids
        self.loses: dict[int, list[Any]] = defaultdict(list)
        self.takes: dict[int, list[Any]] = defaultdict(list)
        for community, shapes in leaving.items():
            for shape in shapes:
                most, land_m2 = self._most_land(community, shape)
                if most is not None and land_m2 > local_area_m2(shape) / 2:
                    self.loses[most].append(shape)
        gone = shapely.union_all([shape for shapes in self.loses.values() for shape in shapes])
        for community, shapes in coming.items():
            for shape in shapes:
                most, land_m2 = self._most_land(community, shape)
                if land_m2 <= COMMON_LAND_M2:
                    most = self._longest_edge(community, shape) if shape.intersects(gone) else None
                if most is not None:
                    self.takes[most].append(shape)

    def _of(self, community: int) -> list[Unit]:
        return [grid for grid in self.grids if grid.parent_id == community]

    def _most_land(self, community: int, shape: Any) -> tuple[int | None, float]:
        found = [(local_area_m2(grid.shape.intersection(shape)), grid.key) for grid in self._of(community)]
        land_m2, key = max(found, default=(0.0, None), key=lambda pair: pair[0])
        return key, land_m2

    def _longest_edge(self, community: int, shape: Any) -> int | None:
        corners = shapely.get_coordinates(shape)
        found = []
        for grid in self._of(community):
            other = insert_nodes(grid.shape, corners)
            common = insert_nodes(shape, shapely.get_coordinates(other)).intersection(other)
            found.append((0.0 if common.is_empty else float(to_local_metres(common).length), grid.key))
        length_m, key = max(found, default=(0.0, None), key=lambda pair: pair[0])
        return key if length_m > 0 else None


def _update_kind(plan: Plan, kind: str, moves: _Moves, parts_reason: str) -> None:
    shapes: dict[int, Any] = {}
    for grid in moves.grids:
        loses, takes = moves.loses.get(grid.key, []), moves.takes.get(grid.key, [])
        if loses or takes:
            shapes[grid.key] = _outline(grid, loses, takes, parts_reason)
    changed = {g.key: g for g in moves.grids if g.key in shapes and outlines_differ(g.shape, shapes[g.key])}
    if not changed:
        return
    for key, grid in changed.items():
        if shapes[key].is_empty:
            plan.ended.append(grid)
            continue
        shape = shapes[key]
        also = tuple(
            other.key
            for other in moves.grids
            if other.key != key and local_area_m2(other.shape.intersection(shape)) > COMMON_LAND_M2
        )
        _put(plan, kind, grid, shape, also)


def _put(plan: Plan, kind: str, grid: Unit, shape: Any, also: tuple[int, ...]) -> None:
    """Add the new version of a grid, or give its outline to the one that the plan has already (a new parent)."""
    for position, version in enumerate(plan.versions):
        if version.old.key == grid.key:
            plan.versions[position] = dataclasses.replace(version, shape=shape, also=also, by_land=True)
            return
    plan.versions.append(
        NewVersion(grid, kind, grid.code, grid.name, grid.parent_id, shape, REASONS["outline"], also, True)
    )


def _outline(grid: Unit, loses: list[Any], takes: list[Any], parts_reason: str) -> Any:
    """Return the outline without the land that leaves and with the land that is added.

    Empty if nothing is left.
    """
    shape, had_parts = grid.shape, len(shapely.get_parts(grid.shape))
    reason = parts_reason or "checked below"
    if loses:
        shape = remaining_outline(grid, TransferredLand([_as_unit(grid, land) for land in loses], reason))
    for land in takes:
        if shape.is_empty:
            shape = land
        else:
            shape = add_land(_as_unit(grid, shape), TransferredLand([_as_unit(grid, land)], reason))
    parts = len(shapely.get_parts(shape))
    if parts > had_parts and not parts_reason:
        raise topology_fault(
            "multipart",
            [grid],
            f"{grid.label} would fall into {parts} parts",
            f"{grid.label} 将分成 {parts} 个部分",
            shape,
        )
    return shape


def _as_unit(grid: Unit, shape: Any) -> Unit:
    return dataclasses.replace(grid, shape=shape)
