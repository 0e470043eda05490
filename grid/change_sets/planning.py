"""From operations on stored areas to a checked plan of what ends and what begins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from sqlalchemy.orm import Session

from grid.areas import ancestors
from grid.change_sets import operations as reading
from grid.change_sets.codes import Codes
from grid.change_sets.current_areas import as_now, current_units, neighbours, touching_units, with_nodes
from grid.change_sets.following_grids import follow
from grid.change_sets.operations import Operation
from grid.change_sets.outlines import Outlines, top_down
from grid.change_sets.plan import REASONS, NewUnit, Plan
from grid.change_sets.shared_nodes import share_nodes
from grid.errors import GridError
from grid.topology import (
    Change,
    Unit,
    check_replacement,
    insert_nodes,
    merge,
    move,
    nearest_corner,
    reshape,
    split,
)


def resolve(db: Session, operations: Sequence[Operation]) -> list[Operation]:
    """Operations with every zone that they concern by id, and with corners of moves snapped.

    Raises
    ------
    TopologyFault, UnknownArea, EditConflict, GridError
    """
    reading.unit_ids(operations)
    return [_resolve_move(db, op) if op["op"].startswith("move_") else op for op in operations]


def _resolve_move(db: Session, operation: Operation) -> Operation:
    if "area_ids" in operation:
        return operation
    area_id = reading.operand_ids(operation)[0]
    unit = current_units(db, [area_id])[area_id]
    name = reading.corner_name(operation)
    old = np.array([nearest_corner(unit, point) for point in reading.corners(operation, name)])
    reading.corners(operation, "to")
    ids = [touched.key for touched in touching_units(db, old)]
    snapped = old[0].tolist() if name == "vertex" else {"type": "LineString", "coordinates": old.tolist()}
    return operation | {name: snapped, "area_ids": ids}


def make_plan(db: Session, operations: Sequence[Operation]) -> Plan:
    """Carry resolved operations out on the areas as they are now, and check the result.

    Raises
    ------
    TopologyFault, UnknownArea, EditConflict, GridError
    """
    units = current_units(db, reading.unit_ids(operations))
    plan = Plan()
    codes = Codes(db)
    outlines = Outlines(db, codes)
    changes = []
    for operation in top_down(db, operations):
        if operation["op"] == "transfer":
            outlines.transfer([units[key] for key in operation["area_ids"]], operation)
        elif operation["op"] == "reparent":
            outlines.reparent(operation)
        elif operation["op"] not in reading.MOVES:
            changes.append(_carry_out(operation, units))
    moves = [operation for operation in operations if operation["op"] in reading.MOVES]
    changes += [_move(group, units) for group in reading.moved_together(moves)]
    _begin(db, plan, changes, codes)
    plan.versions = outlines.versions()
    follow(db, plan, "; ".join(filter(None, map(reading.parts_reason, operations))))
    _refuse_repeated(plan)
    share_nodes(db, plan)
    plan.scope_area_id = _scope(db, plan)
    return plan


def _begin(db: Session, plan: Plan, changes: Sequence[Change], codes: Codes) -> None:
    """Put the new zones of changes into the plan, with codes and nodes, and check them."""
    if not changes:
        return
    plan.removed = [unit for change in changes for unit in change.removed]
    nodes = np.unique(np.vstack([change.nodes for change in changes]), axis=0)
    around = neighbours(db, plan.removed)
    plan.noded = with_nodes(around, nodes)
    parents = as_now(db, [unit.parent_id for unit in plan.removed])
    for change in changes:
        community = change.removed[0].parent_id
        if community not in parents:
            raise GridError(
                f"{change.removed[0].label} has no community", f"{change.removed[0].label} 没有所属社区"
            )
        plan.reasons |= {unit.key: REASONS[change.op] for unit in change.removed}
        parent = parents[community]
        fresh = codes.of_units(parent.key, parent.code, len(change.added), change.removed[0].code)
        for shape, (code, name) in zip(change.added, fresh, strict=True):
            noded = insert_nodes(shape, nodes) if len(nodes) else shape
            follows = change.predecessors(shape)
            several = bool(change.parts_reason)
            plan.added.append(NewUnit(code, name, parent.key, noded, follows, REASONS[change.op], several))
    check(db, plan, around)


def _carry_out(operation: Operation, units: dict[int, Unit]) -> Change:
    op = operation["op"]
    if op == "split":
        return split(units[operation["area_id"]], reading.vertices(operation.get("line")))
    named = [units[area_id] for area_id in operation["area_ids"]]
    if op == "reshape":
        return reshape(named, reading.vertices(operation.get("line")))
    return merge(named, reading.parts_reason(operation))


def _move(operations: Sequence[Operation], units: dict[int, Unit]) -> Change:
    """Moves of corners of the same zones, at once."""
    keys = sorted({key for operation in operations for key in operation["area_ids"]})
    old = [reading.corners(operation, reading.corner_name(operation)) for operation in operations]
    new = [reading.corners(operation, "to") for operation in operations]
    edges = [pair for operation, pair in zip(operations, old, strict=True) if operation["op"] == "move_edge"]
    op = "move_edge" if len(edges) == len(operations) else "move_vertex"
    return move(op, [units[key] for key in keys], np.vstack(old), np.vstack(new), edges)


def _refuse_repeated(plan: Plan) -> None:
    """A zone cannot be edited and given another code (with its community) in one change set."""
    edited = {unit.key for unit in plan.removed}
    keys = [version.old.key for version in plan.versions]
    twice = [v.old.label for v in plan.versions if v.old.key in edited or keys.count(v.old.key) > 1]
    if twice:
        raise GridError(f"{', '.join(twice)}: named more than once", f"{'、'.join(twice)} 重复出现")


def check(db: Session, plan: Plan, around: Sequence[Unit]) -> None:
    """Check the new zones of a plan against their neighbours and communities.

    Raises
    ------
    TopologyFault
    """
    if not plan.removed:
        return
    noded = {unit.key: unit.shape for unit in plan.noded}
    parents = as_now(db, {unit.parent_id for unit in plan.removed})
    check_replacement(
        plan.removed,
        [unit.shape for unit in plan.added],
        [unit.shape for unit in around],
        [noded.get(unit.key, unit.shape) for unit in around],
        shapely.union_all([unit.shape for unit in parents.values()]),
        [unit.several_parts for unit in plan.added],
    )


def _scope(db: Session, plan: Plan) -> int | None:
    """The community, or the smallest area that holds all areas concerned."""
    parents = {unit.parent_id for unit in plan.removed if unit.parent_id is not None}
    parents |= {version.old.key for version in plan.versions if version.kind != "unit_grid"}
    chains = [[area.id for area in ancestors(db, area_id)] for area_id in sorted(parents)]
    return next((area_id for area_id in chains[0] if all(area_id in chain for chain in chains)), None)
