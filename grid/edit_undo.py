"""The plan that takes an applied change set back."""

from __future__ import annotations

from typing import Any

import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from grid.edit_plan import check
from grid.edit_units import UNIT_COLUMNS, as_now, current_units, neighbours, unit_of, with_nodes
from grid.errors import EditConflict
from grid.plan import REASONS, NewUnit, NewVersion, Plan
from grid.topology import insert_nodes, local_area_m2
from layers.tables import AREA_KINDS, Area


def reverse_plan(db: Session, result: dict[str, Any]) -> Plan:
    """The plan that brings ended areas back in the place of those that followed them.

    Their old outlines get every node that neighbours have received on them since.

    Parameters
    ----------
    result : dict
        Of the change set: ``created``, ``voided`` and ``versions``.

    Raises
    ------
    EditConflict
        One of the followers has ended, or a former code is in use.
    TopologyFault
    """
    created = [int(unit["id"]) for unit in result.get("created", [])]
    voided = [int(unit["id"]) for unit in result.get("voided", [])]
    plan = Plan(versions=_reverse_versions(db, result.get("versions", [])))
    if not created:
        return plan
    units = current_units(db, created)
    removed = [units[key] for key in created]
    rows = db.execute(select(*UNIT_COLUMNS).where(Area.id.in_(voided))).all()
    _refuse_used(db, "unit_grid", [row[1] for row in rows])
    around = neighbours(db, removed)
    parents = as_now(db, [row[3] for row in rows])
    plan.removed, plan.reasons = removed, {unit.key: REASONS["undo"] for unit in removed}
    nodes = shapely.get_coordinates([unit.shape for unit in [*around, *removed]])
    for row in sorted(rows, key=lambda row: str(row[1])):
        unit = unit_of(row)
        shape = insert_nodes(unit.shape, nodes)
        follows = tuple(one.key for one in removed if local_area_m2(one.shape.intersection(shape)) > 1.0)
        several = shape.geom_type == "MultiPolygon"
        parent = parents[unit.community_id][1].key
        plan.added.append(NewUnit(unit.code, unit.name, parent, shape, follows, REASONS["undo"], several))
    outlines = shapely.get_coordinates([unit.shape for unit in plan.added])
    plan.noded = with_nodes(around, outlines)
    check(db, plan, around)
    return plan


def _reverse_versions(db: Session, versions: list[dict[str, Any]]) -> list[NewVersion]:
    """The former versions again, each after the one that followed it."""
    if not versions:
        return []
    now = current_units(db, [int(version["id"]) for version in versions], AREA_KINDS)
    old_ids = [int(version["old_id"]) for version in versions]
    old = {row[0]: unit_of(row) for row in db.execute(select(*UNIT_COLUMNS).where(Area.id.in_(old_ids)))}
    stands_for = {int(version["old_id"]): int(version["id"]) for version in versions}
    parents = as_now(db, [unit.community_id for unit in old.values() if unit.community_id is not None])
    made = []
    for version in versions:
        before, after = old[int(version["old_id"])], now[int(version["id"])]
        if before.code != after.code:
            _refuse_used(db, version["kind"], [before.code])
        parent: int | None = stands_for.get(before.community_id)
        if parent is None and before.community_id is not None:
            parent = parents[before.community_id][1].key
        around = neighbours(db, [after], version["kind"])
        nodes = shapely.get_coordinates([after.shape, *(unit.shape for unit in around)])
        shape = insert_nodes(before.shape, nodes)
        made.append(
            NewVersion(after, version["kind"], before.code, before.name, parent, shape, REASONS["undo"])
        )
    return made


def _refuse_used(db: Session, kind: str, codes: list[str]) -> None:
    used = db.scalars(
        select(Area.code).where(Area.kind == kind, Area.code.in_(codes), Area.valid_to.is_(None))
    ).all()
    if used:
        raise EditConflict(
            f"codes in use again: {', '.join(used)}", f"编码已被使用：{'、'.join(used)}", list(used)
        )


def followers(result: dict[str, Any]) -> list[int]:
    """Ids of the areas that a change set made."""
    return [int(each["id"]) for name in ("created", "versions") for each in result.get(name, [])]
