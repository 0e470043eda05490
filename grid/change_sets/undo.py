"""The plan of an undo: former areas begin again in place of their successors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import shapely
from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from grid.change_sets.current_areas import WorkingAreas, areas_by_id, current_units
from grid.change_sets.plan import REASONS, NewUnit, NewVersion, Plan
from grid.change_sets.planning import check
from grid.change_sets.result import ChangeResult, NextVersion
from grid.change_sets.shared_nodes import share_nodes
from grid.errors import EditConflict
from grid.topology import (
    MARGIN_DEG,
    Unit,
    box_intersects,
    changed_box,
    expand_box,
    insert_nodes,
    local_area_m2,
    outlines_differ,
    points_inside,
    with_nodes,
)
from layers.tables import AREA_KINDS, Area


def reverse_plan(db: Session, result: ChangeResult) -> Plan:
    """Make the plan that restores the former areas in place of their successors.

    Their old outlines get every node that neighbours have received on them since, and none that only the
    followers have: a corner that was moved along an edge, to a nanometre, does not bend the edge that comes
    back.

    Parameters
    ----------
    result : ChangeResult
        Of the change set to undo.

    Raises
    ------
    EditConflict
        One of the followers has ended (and no undo has brought it back), or a former code is in use.
    TopologyFault
    """
    areas = WorkingAreas(db)
    plan = Plan(versions=_reverse_versions(areas, result.versions))
    _reverse_ended(areas, plan, result)
    if result.created:
        _reverse_units(areas, plan, [one.id for one in result.created], [one.id for one in result.voided])
    share_nodes(areas, plan)
    return plan


def _reverse_units(areas: WorkingAreas, plan: Plan, created: list[int], voided: list[int]) -> None:
    """Return the former unit grids in the place of those that followed them."""
    units = current_or_restored(areas.db, created)
    removed = [units[key] for key in created]
    former = areas_by_id(areas.db, voided)
    _refuse_used(areas.db, "unit_grid", [unit.code for unit in former])
    around = areas.surroundings(removed)
    parents = areas.versions([unit.parent_id for unit in former])
    plan.removed, plan.reasons = removed, {unit.key: REASONS["undo"] for unit in removed}
    nodes = shapely.get_coordinates([unit.shape for unit in around.neighbours])
    for unit in sorted(former, key=lambda unit: unit.code):
        shape = insert_nodes(unit.shape, nodes)
        follows = tuple(one.key for one in removed if local_area_m2(one.shape.intersection(shape)) > 1.0)
        several = shape.geom_type == "MultiPolygon"
        parent = parents[unit.parent_id].key
        plan.added.append(
            NewUnit(unit.code, unit.name, parent, shape, follows, REASONS["undo"], several, like=unit.key)
        )
    plan.noded = with_nodes(around.neighbours, shapely.get_coordinates([unit.shape for unit in plan.added]))
    check(plan, around)


def _reverse_versions(areas: WorkingAreas, versions: Sequence[NextVersion]) -> list[NewVersion]:
    """Return the former versions again, each after the one that followed it."""
    if not versions:
        return []
    db = areas.db
    now = current_or_restored(db, [version.id for version in versions], AREA_KINDS)
    old = {unit.key: unit for unit in areas_by_id(db, [version.old_id for version in versions])}
    current_of = {version.old_id: now[version.id].key for version in versions}
    parents = areas.versions([unit.parent_id for unit in old.values()])
    made = []
    for version in versions:
        before, after = old[version.old_id], now[version.id]
        if before.code != after.code:
            _refuse_used(db, version.kind, [before.code])
        parent: int | None = None
        if before.parent_id is not None:
            parent = current_of.get(before.parent_id) or parents[before.parent_id].key
        box = expand_box(changed_box(before.shape, after.shape), MARGIN_DEG)
        around = [
            unit.shape for unit in areas.neighbours([after], version.kind) if box_intersects(unit.shape, box)
        ]
        shape = insert_nodes(before.shape, points_inside(shapely.get_coordinates(around), box))
        made.append(
            NewVersion(
                after,
                version.kind,
                before.code,
                before.name,
                parent,
                shape,
                REASONS["undo"],
                like=before.key,
            )
        )
    return made


def _reverse_ended(areas: WorkingAreas, plan: Plan, result: ChangeResult) -> None:
    """Grids of which nothing was left begin again; those that an undo had brought back end again."""
    db = areas.db
    if result.again:
        plan.ended += current_or_restored(db, [one.id for one in result.again], AREA_KINDS).values()
    former = areas_by_id(db, [one.id for one in result.ended]) if result.ended else []
    for unit in sorted(former, key=lambda unit: unit.code):
        _refuse_used(db, unit.kind, [unit.code])
        parent = areas.versions([unit.parent_id])[unit.parent_id].key
        around = shapely.get_coordinates([v.shape for v in plan.versions if v.kind == unit.kind])
        shape = insert_nodes(unit.shape, around) if len(around) else unit.shape
        plan.again.append(
            NewUnit(
                unit.code, unit.name, parent, shape, (unit.key,), REASONS["undo"], True, unit.kind, unit.key
            )
        )


def _refuse_used(db: Session, kind: str, codes: list[str]) -> None:
    used = db.scalars(
        select(Area.code).where(
            Area.kind == kind,
            Area.code.in_(codes),
            or_(Area.valid_to.is_(None), Area.valid_to > func.statement_timestamp()),
        )
    ).all()
    if used:
        raise EditConflict(
            f"codes in use again: {', '.join(used)}", f"编码已被使用：{'、'.join(used)}", list(used)
        )


def ended_ids(plan: Plan) -> list[int]:
    """Ids of the areas that a plan ends."""
    units = [*plan.removed, *(version.old for version in plan.versions), *plan.ended]
    return [unit.key for unit in units]


_LATER = text("""
SELECT f.id AS asked, n.id, n.valid_to IS NOT NULL AS ended, c.undoes_id IS NOT NULL AS by_undo,
       (n.name, above.code) IS NOT DISTINCT FROM (f.name, former.code) AS same_place,
       ST_AsBinary(f.geom) AS before, ST_AsBinary(n.geom) AS after
FROM areas f JOIN areas n ON n.code = f.code AND n.kind = f.kind AND n.valid_from > f.valid_from
LEFT JOIN areas former ON former.id = f.parent_id
LEFT JOIN areas above ON above.id = n.parent_id
LEFT JOIN change_sets c ON c.id = n.change_set_id
WHERE f.id = ANY(:ids) AND f.valid_to IS NOT NULL
ORDER BY f.id, n.valid_from DESC
""")


def current_or_restored(
    db: Session, ids: Sequence[int], kinds: Sequence[str] = ("unit_grid",)
) -> dict[int, Unit]:
    """Read the current version of areas by id: the area itself, or the version that an undo restored.

    All are locked against change until the transaction ends.

    Raises
    ------
    UnknownArea
        An id that is no area of these kinds.
    EditConflict
        One has ended for good, or its land, parent or name is another one now; says who changed it into what.
    """
    later: dict[int, list[Any]] = {}
    for row in db.execute(_LATER, {"ids": list(ids)}).all():
        later.setdefault(row.asked, []).append(row)
    restored = {asked: _restored_version(asked, rows) for asked, rows in later.items()}
    now = current_units(db, [restored.get(area_id, area_id) for area_id in ids], kinds)
    return {area_id: now[restored.get(area_id, area_id)] for area_id in ids}


def _restored_version(asked: int, newest_first: Sequence[Any]) -> int:
    """Id of the restored version of an area; without one, of the last version that ended."""
    newest = newest_first[0]
    if newest.ended:
        return int(newest.id)
    if newest.by_undo and newest.same_place and _same_land(newest.before, newest.after):
        return int(newest.id)
    return int(newest_first[1].id) if len(newest_first) > 1 else asked


def _same_land(before: bytes, after: bytes) -> bool:
    """Whether two outlines hold the same land; one may have more nodes on its edges."""
    if bytes(before) == bytes(after):
        return True
    former, now = shapely.from_wkb([bytes(before), bytes(after)])
    return not outlines_differ(former, now)
