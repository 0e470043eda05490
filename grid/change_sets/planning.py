"""Making of a checked plan from operations on stored areas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import shapely
from sqlalchemy.orm import Session

from grid.areas import ancestors
from grid.change_sets.codes import Codes
from grid.change_sets.current_areas import Surroundings, current_units, surroundings, touching_units
from grid.change_sets.operations import (
    Merge,
    MoveEdge,
    MoveVertex,
    Operation,
    Reparent,
    Reshape,
    ResolvedMove,
    ResolvedMoveEdge,
    ResolvedOperation,
    Split,
    Transfer,
)
from grid.change_sets.parent_changes import new_versions
from grid.change_sets.plan import REASONS, NewUnit, Plan
from grid.change_sets.responsibility_grids import update_responsibility_grids
from grid.change_sets.shared_nodes import share_nodes
from grid.errors import GridError, UnknownArea
from grid.topology import (
    PartitionChange,
    Unit,
    check_replacement,
    merge,
    move,
    nearest_corner,
    replace_zones,
    reshape,
    split,
)
from layers.codes import NATIONAL_GRID_PROFILE, GridProfile


def resolve(db: Session, operations: Sequence[Operation | ResolvedMove]) -> list[ResolvedOperation]:
    """Resolve operations: name every unit grid that they change, and snap the corners of moves.

    Raises
    ------
    TopologyFault, UnknownArea, EditConflict, GridError
    """
    resolved = [_resolved(db, one) if isinstance(one, MoveVertex | MoveEdge) else one for one in operations]
    _check_named_once(resolved)
    return resolved


def _resolved(db: Session, move: MoveVertex | MoveEdge) -> ResolvedMove:
    if isinstance(move, ResolvedMove):
        return move
    unit = current_units(db, [move.area_id])[move.area_id]
    corners = np.array([nearest_corner(unit, point) for point in move.corners])
    return move.resolved(corners, [touched.key for touched in touching_units(db, corners)])


def _check_named_once(operations: Sequence[ResolvedOperation]) -> None:
    """Refuse areas that are named twice other than by moves of their corners, and numbers that cannot be ids.

    Raises
    ------
    GridError, UnknownArea
    """
    every = [area_id for operation in operations for area_id in operation.changed_ids]
    if not every:
        raise GridError("no operations", "没有任何操作")
    targets = [area_id for operation in operations for area_id in operation.target_ids]
    impossible = [area_id for area_id in [*every, *targets] if not 0 < area_id < 2**63]
    if impossible:
        raise UnknownArea(f"area_ids {impossible}: no such areas", f"{impossible} 不是有效区域")
    moves = [operation for operation in operations if isinstance(operation, ResolvedMove)]
    movable = Counter(area_id for operation in moves for area_id in set(operation.area_ids))
    repeated = sorted(area_id for area_id, n in Counter(every).items() if n > max(movable[area_id], 1))
    if repeated:
        raise GridError(f"area_ids: {repeated} named more than once", f"网格 {repeated} 重复出现")


def make_plan(
    db: Session, operations: Sequence[ResolvedOperation], profile: GridProfile = NATIONAL_GRID_PROFILE
) -> Plan:
    """Make the plan of resolved operations on the current areas, and check it.

    Raises
    ------
    TopologyFault, UnknownArea, EditConflict, GridError
    """
    ids = [key for one in operations if not isinstance(one, Reparent) for key in one.changed_ids]
    units = current_units(db, ids)
    plan, codes = Plan(), Codes(db, profile)
    outlines = [one for one in operations if isinstance(one, Transfer | Reparent)]
    if outlines:
        plan.versions = new_versions(db, codes, outlines, units)
    _begin(db, plan, _changes(operations, units), codes)
    reasons = [one.parts_reason.strip() for one in operations if isinstance(one, Merge | Transfer | Reparent)]
    update_responsibility_grids(db, plan, "; ".join(filter(None, reasons)))
    _refuse_repeated(plan)
    share_nodes(db, plan)
    plan.scope_area_id = _scope(db, plan)
    return plan


def _changes(operations: Sequence[ResolvedOperation], units: dict[int, Unit]) -> list[PartitionChange]:
    """Return the changes of unit grids of a community by operation.

    Moves of the same zones are one change.
    """
    changes = []
    for one in operations:
        if isinstance(one, Split):
            changes.append(split(units[one.area_id], one.line.coordinates))
        elif isinstance(one, Merge):
            changes.append(merge([units[key] for key in one.area_ids], one.parts_reason.strip()))
        elif isinstance(one, Reshape):
            changes.append(reshape([units[key] for key in one.area_ids], one.line.coordinates))
    moves = [one for one in operations if isinstance(one, ResolvedMove)]
    return changes + [_move(group, units) for group in (_moved_together(moves) if moves else [])]


def _moved_together(moves: Sequence[ResolvedMove]) -> list[list[ResolvedMove]]:
    """Group moves that have zones in common, in the order of their first operation.

    Raises
    ------
    GridError
        A corner that is moved twice.
    """
    groups: list[tuple[set[int], list[ResolvedMove]]] = []
    for one in moves:
        touched = set(one.area_ids)
        joined = [group for group in groups if group[0] & touched]
        members = [other for _, others in joined for other in others] + [one]
        groups = [group for group in groups if not group[0] & touched]
        groups.append((touched.union(*(keys for keys, _ in joined)), members))
    for _, members in groups:
        old = [tuple(point) for one in members for point in one.corners.tolist()]
        if len(set(old)) < len(old):
            raise GridError("a corner is moved twice: move it once", "同一顶点重复移动")
    return [members for _, members in groups]


def _move(moves: Sequence[ResolvedMove], units: dict[int, Unit]) -> PartitionChange:
    """Move corners of the same zones at once."""
    keys = sorted({key for one in moves for key in one.area_ids})
    old, new = [one.corners for one in moves], [one.new_corners for one in moves]
    edges = [pair for one, pair in zip(moves, old, strict=True) if isinstance(one, ResolvedMoveEdge)]
    op = "move_edge" if len(edges) == len(moves) else "move_vertex"
    return move(op, [units[key] for key in keys], np.vstack(old), np.vstack(new), edges)


def _begin(db: Session, plan: Plan, changes: Sequence[PartitionChange], codes: Codes) -> None:
    """Put the new zones of changes into the plan, with codes and nodes, and check them."""
    if not changes:
        return
    plan.removed = [unit for change in changes for unit in change.removed]
    around = surroundings(db, plan.removed)
    made = replace_zones(changes, around.neighbours)
    plan.noded, plan.communities = made.noded, around.communities
    for change, pieces in zip(changes, made.pieces, strict=True):
        first, reason = change.removed[0], REASONS[change.op]
        parent = around.communities.get(first.parent_id)
        if parent is None:
            raise GridError(f"{first.label} has no community", f"{first.label} 没有所属社区")
        plan.reasons |= {unit.key: reason for unit in change.removed}
        fresh = codes.of_units(parent.key, parent.code, len(pieces), first.code)
        for piece, (code, name) in zip(pieces, fresh, strict=True):
            several = bool(change.parts_reason)
            plan.added.append(
                NewUnit(code, name, parent.key, piece.shape, piece.predecessors, reason, several)
            )
    check(plan, around)


def _refuse_repeated(plan: Plan) -> None:
    """Return a zone cannot be edited and given another code (with its community) in one change set."""
    edited = {unit.key for unit in plan.removed}
    keys = [version.old.key for version in plan.versions]
    twice = [v.old.label for v in plan.versions if v.old.key in edited or keys.count(v.old.key) > 1]
    if twice:
        raise GridError(f"{', '.join(twice)}: named more than once", f"{'、'.join(twice)} 重复出现")


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


def _scope(db: Session, plan: Plan) -> int | None:
    """Return the community, or the smallest area that holds all areas concerned."""
    parents = {unit.parent_id for unit in plan.removed if unit.parent_id is not None}
    parents |= {version.old.key for version in plan.versions if version.kind != "unit_grid"}
    ancestor_chains = [[area.id for area in ancestors(db, area_id)] for area_id in sorted(parents)]
    return next(
        (area_id for area_id in ancestor_chains[0] if all(area_id in chain for chain in ancestor_chains)),
        None,
    )
