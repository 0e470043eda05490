"""Steps of a draft, carried out one after the other in memory; nothing is stored.

A unit grid that a step makes has an id of :func:`grid.change_sets.operations.draft_id`, which later steps name. An
area that another step has ended is followed when one area took its place (a corner was moved, grids were merged);
of a split grid the parts have to be named.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy.orm import Session

from grid.change_sets.chain.composition import compose
from grid.change_sets.chain.lineage import Lineage
from grid.change_sets.codes import Codes
from grid.change_sets.current_areas import WorkingAreas
from grid.change_sets.operations import (
    STEP_IDS,
    Operation,
    Reparent,
    ResolvedMove,
    ResolvedOperation,
    Transfer,
    draft_id,
)
from grid.change_sets.plan import NewUnit, Plan, StepResult
from grid.change_sets.planning import plan_step, resolve
from grid.errors import GridError, TopologyFault
from grid.topology import local_area_m2
from layers.codes import NATIONAL_GRID_PROFILE, GridProfile


def make_plan(
    db: Session,
    operations: Sequence[Operation | ResolvedMove],
    profile: GridProfile = NATIONAL_GRID_PROFILE,
    *,
    change_set_id: int | None = None,
    least_kept: float | None = None,
) -> Plan:
    """Make the plan of operations, one after the other on the areas of now, and check it.

    Parameters
    ----------
    change_set_id : int or None
        The change set that the plan is for: codes promised to it are its own.
    least_kept : float or None
        Share of their land with which corrected unit grids keep their codes; None: they get new ones.

    Raises
    ------
    TopologyFault, UnknownArea, EditConflict, CodeNotKept, GridError
    """
    codes = Codes(db, profile, change_set_id, least_kept)
    return Chain(db, operations).plan(codes)


class Chain:
    """The steps of a draft and the areas after them.

    Parameters
    ----------
    db : Session
        With the rights of the system.
    operations : sequence of Operation
        Each names areas of now, or what the ones before it made.
    area_ids : collection of int, or None
        The own areas of the editor; None: the whole city.

    Attributes
    ----------
    operations : list of ResolvedOperation
        With every unit grid named that each changes.
    """

    def __init__(
        self,
        db: Session,
        operations: Sequence[Operation | ResolvedMove],
        area_ids: Collection[int] | None = None,
    ) -> None:
        if not operations:
            raise GridError("no operations", "没有任何操作")
        self.areas = WorkingAreas(db)
        self._area_ids = area_ids
        self.lineage = Lineage(self.areas)
        self.operations: list[ResolvedOperation] = []
        self.steps: list[StepResult] = []
        self._heirs: dict[int, tuple[int, ...]] = {}
        self._apart: list[TopologyFault] = []
        for number, operation in enumerate(operations, start=1):
            self._carry_out(number, operation, last=number == len(operations))
        reasons = [getattr(operation, "parts_reason", "").strip() for operation in operations]
        if self._apart and not any(reasons) and self.lineage.has_new_parts():
            raise self._apart[0]

    def plan(self, codes: Codes) -> Plan:
        """Compose the plan of all steps: what ends and begins between the areas of now and those after the last."""
        plan = compose(self.lineage, codes)
        plan.steps = self.steps
        return plan

    def _carry_out(self, number: int, operation: Operation | ResolvedMove, *, last: bool) -> None:
        resolved = resolve(self.areas, self._on_heirs(operation), self._area_ids)
        plan = self._planned(resolved, last=last)
        if len(plan.added) >= STEP_IDS:
            raise GridError(
                f"a step makes fewer than {STEP_IDS:,} unit grids", f"一步最多产生 {STEP_IDS - 1:,} 个网格"
            )
        made = {draft_id(number, k): new for k, new in enumerate(plan.added, start=1)}
        self._keep_heirs(plan, made, resolved.op)
        self.lineage.take(number, plan, made)
        if isinstance(resolved, Reparent) and resolved.code:
            self.lineage.given_codes[resolved.area_id] = resolved.code
        self.operations.append(resolved)
        self.steps.append(StepResult(resolved.op, tuple(made)))

    def _planned(self, operation: ResolvedOperation, *, last: bool) -> Plan:
        """Return the plan of a step; a transfer may leave an area in parts that a later step joins again."""
        try:
            return plan_step(self.areas, operation)
        except TopologyFault as fault:
            if (
                last
                or not isinstance(operation, Transfer)
                or fault.rule not in ("multipart", "not_neighbours")
            ):
                raise
            self._apart.append(fault)
            return plan_step(self.areas, operation.model_copy(update={"parts_reason": "joined later"}))

    def _keep_heirs(self, plan: Plan, made: dict[int, NewUnit], op: str) -> None:
        """Remember what took the place of each unit grid that ended: the one with most of its land, or its parts."""
        for unit in plan.removed:
            parts = [key for key, new in made.items() if unit.key in new.predecessors]
            if op != "split":
                parts = [max(parts, key=lambda key: local_area_m2(made[key].shape.intersection(unit.shape)))]
            self._heirs[unit.key] = tuple(parts)

    def _on_heirs(self, operation: Operation | ResolvedMove) -> Any:
        """Return an operation on what stands in the place of areas that earlier steps ended."""
        changes: dict[str, Any] = {}
        if (one := getattr(operation, "area_id", None)) is not None:
            changes["area_id"] = self._heir(one)
        if (named := getattr(operation, "area_ids", None)) is not None:
            changes["area_ids"] = list(dict.fromkeys(self._heir(key) for key in named))
            fewest = 2 if operation.op in ("merge", "reshape") else 1
            if len(set(named)) < len(named) or len(changes["area_ids"]) < fewest:
                raise GridError(f"area_ids: {named} named more than once", f"网格 {named} 重复出现")
        return operation.model_copy(update=changes)

    def _heir(self, area_id: int) -> int:
        while heirs := self._heirs.get(area_id):
            if len(heirs) > 1:
                raise GridError(
                    f"area {area_id} was split by an earlier step: name its parts, {', '.join(map(str, heirs))}",
                    f"网格 {area_id} 已在前面的步骤中拆分：请指定其部分 {'、'.join(map(str, heirs))}",
                )
            area_id = heirs[0]
        return area_id
