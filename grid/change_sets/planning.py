"""Planning of one step of a draft on the areas as the steps before have left them."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import shapely

from grid.change_sets.borders import moving_units
from grid.change_sets.current_areas import Surroundings, WorkingAreas
from grid.change_sets.operations import (
    DeleteVertex,
    InsertVertex,
    Merge,
    Move,
    Operation,
    Points,
    Reparent,
    Reshape,
    ResolvedMove,
    ResolvedMoveEdge,
    ResolvedOperation,
    Split,
    Transfer,
)
from grid.change_sets.parent_changes import ParentChanges, change_parents
from grid.change_sets.plan import REASONS, NewUnit, Plan
from grid.change_sets.responsibility_grids import update_responsibility_grids
from grid.change_sets.shared_nodes import share_nodes
from grid.errors import GridError
from grid.topology import (
    PartitionChange,
    Unit,
    check_replacement,
    edge_middle,
    merge,
    move,
    nearest_corner,
    removed_corner_target,
    replace_zones,
    reshape,
    split,
)


def resolve(
    areas: WorkingAreas, operation: Operation | ResolvedMove, area_ids: Collection[int] | None = None
) -> ResolvedOperation:
    """Resolve an operation: name every unit grid that it changes, and snap the corners of a move.

    Parameters
    ----------
    area_ids : collection of int, or None
        The own areas of the editor; None: the whole city.

    Raises
    ------
    TopologyFault, UnknownArea, EditConflict, AreaOutOfReach, GridError
    """
    if isinstance(operation, ResolvedMove) or not isinstance(operation, Move):
        return operation
    unit = areas.units([operation.area_id])[operation.area_id]
    if isinstance(operation, InsertVertex):
        middle = edge_middle(unit, operation.ends)[None]
        return operation.resolved(middle, _moving(areas, middle, operation.new_corners, area_ids))
    corners = np.array([nearest_corner(unit, point) for point in operation.corners])
    if isinstance(operation, DeleteVertex):
        to = removed_corner_target(areas.touching(corners), corners[0])
        return operation.resolved(corners, to, _moving(areas, corners, to[None], area_ids))
    return operation.resolved(corners, _moving(areas, corners, operation.new_corners, area_ids))


def _moving(areas: WorkingAreas, corners: Points, to: Points, area_ids: Collection[int] | None) -> list[int]:
    """Return the ids of the unit grids that change when corners move, in their order."""
    moving: set[int] = set()
    for corner, place in zip(corners, to, strict=True):
        touched = areas.touching(corner[None])
        moving |= {unit.key for unit in moving_units(areas.db, touched, corner, place, area_ids)}
    return sorted(moving)


def plan_step(areas: WorkingAreas, operation: ResolvedOperation) -> Plan:
    """Make the plan of one step and check it; its new unit grids have no codes yet.

    Raises
    ------
    TopologyFault, UnknownArea, EditConflict, GridError
    """
    plan = Plan()
    units = areas.units([] if isinstance(operation, Reparent) else operation.changed_ids)
    if isinstance(operation, Transfer | Reparent):
        outlines = change_parents(areas, operation, units)
    else:
        outlines = ParentChanges(areas)
        _begin(areas, plan, _change(operation, units))
        outlines.follow(plan.removed, plan.added)
    plan.versions = outlines.versions()
    reason = operation.parts_reason if isinstance(operation, Merge | Transfer | Reparent) else ""
    update_responsibility_grids(areas, plan, reason.strip())
    share_nodes(areas, plan)
    return plan


def _change(operation: Split | Merge | Reshape | ResolvedMove, units: dict[int, Unit]) -> PartitionChange:
    """Return the change of unit grids of a community by an operation."""
    if isinstance(operation, Split):
        return split(units[operation.area_id], operation.line.coordinates)
    if isinstance(operation, Merge):
        return merge([units[key] for key in operation.area_ids], operation.parts_reason.strip())
    if isinstance(operation, Reshape):
        return reshape([units[key] for key in operation.area_ids], operation.line.coordinates)
    moved = [units[key] for key in sorted(operation.area_ids)]
    edges = [operation.corners] if isinstance(operation, ResolvedMoveEdge) else []
    return move(operation.op, moved, operation.corners, operation.new_corners, edges)


def _begin(areas: WorkingAreas, plan: Plan, change: PartitionChange) -> None:
    """Put the new zones of a change into the plan, with nodes, and check them."""
    plan.removed = list(change.removed)
    around = areas.surroundings(plan.removed)
    made = replace_zones([change], around.neighbours)
    plan.noded, plan.communities = made.noded, around.communities
    reason, several = REASONS[change.op], bool(change.parts_reason)
    plan.reasons = {unit.key: reason for unit in change.removed}
    for piece in made.pieces[0]:
        parent = around.communities.get(piece.parent_id)
        if parent is None:
            first = change.removed[0]
            raise GridError(f"{first.label} has no community", f"{first.label} 没有所属社区")
        shape, before = piece.shape, piece.predecessors
        plan.added.append(NewUnit("", "", parent.key, shape, before, reason, several, shares=piece.shares))
    check(plan, around)


def check(plan: Plan, around: Surroundings) -> None:
    """Check the new unit grids of a plan against their neighbours and communities.

    Raises
    ------
    TopologyFault
    """
    noded = {unit.key: unit.shape for unit in plan.noded}
    check_replacement(
        plan.removed,
        [unit.shape for unit in plan.added],
        [unit.shape for unit in around.neighbours],
        [noded.get(unit.key, unit.shape) for unit in around.neighbours],
        shapely.union_all([unit.shape for unit in around.communities.values()]),
        [unit.several_parts for unit in plan.added],
    )
