"""From operations on stored unit grids to a checked plan of what ends and what begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from grid.areas import ancestors
from grid.edits import Change, merge, split
from grid.errors import EditConflict, GridError, UnknownArea
from grid.topology import Unit, check_replacement, insert_nodes
from layers.errors import CodeOverflow
from layers.identifiers import next_grid_codes
from layers.tables import Area, AreaSuccession, ChangeSet

Operation = dict[str, Any]


@dataclass(frozen=True)
class NewUnit:
    """A zone that begins."""

    code: str
    name: str
    community_id: int
    shape: Any
    predecessors: tuple[int, ...]
    reason: str


@dataclass
class Plan:
    """What a change set does, checked.

    Attributes
    ----------
    removed : list of Unit
    added : list of NewUnit
    noded : list of Unit
        Neighbours with their new shape: the same land with more nodes.
    reasons : dict
        Why each removed unit ends, by id.
    scope_area_id : int
        The community, or the smallest area that holds all communities concerned.
    """

    removed: list[Unit] = field(default_factory=list)
    added: list[NewUnit] = field(default_factory=list)
    noded: list[Unit] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    scope_area_id: int | None = None


def operand_ids(operations: Sequence[Operation]) -> list[int]:
    """Ids of the unit grids that operations name, in order.

    Raises
    ------
    GridError
        An operation that cannot be read, or a unit grid that is named twice.
    """
    ids: list[int] = []
    for operation in operations:
        op = operation.get("op")
        given = operation.get("area_ids") if op == "merge" else [operation.get("area_id")]
        named: list[Any] = given if isinstance(given, list) else []
        fits = len(named) == 1 if op == "split" else op == "merge" and len(named) >= 2
        if fits and all(type(area_id) is int for area_id in named):
            ids += named
        else:
            raise GridError(
                f"operation {op!r}: split needs area_id and line, merge at least two area_ids",
                f"操作 {op!r} 无效：拆分需要 area_id 与 line，合并至少需要两个 area_ids",
            )
    if not ids:
        raise GridError("no operations", "没有任何操作")
    impossible = [area_id for area_id in ids if not 0 < area_id < 2**63]
    if impossible:
        raise UnknownArea(f"area_ids {impossible}: no unit grids", f"{impossible} 不是单元网格")
    repeated = sorted({area_id for area_id in ids if ids.count(area_id) > 1})
    if repeated:
        raise GridError(f"area_ids: {repeated} named more than once", f"网格 {repeated} 重复出现")
    return ids


def make_plan(db: Session, operations: Sequence[Operation]) -> Plan:
    """Carry the operations out on the units as they are now, and check the result.

    Raises
    ------
    TopologyFault, UnknownArea, EditConflict, GridError
    """
    units = current_units(db, operand_ids(operations))
    changes = [_carry_out(operation, units) for operation in operations]
    plan = Plan(scope_area_id=_scope(db, list(units.values())))
    nodes = np.unique(np.vstack([change.nodes for change in changes]), axis=0)
    around = neighbours(db, list(units.values()))
    plan.noded = with_nodes(around, nodes)
    codes = _Codes(db)
    for change in changes:
        shapes = [insert_nodes(shape, nodes) if len(nodes) else shape for shape in change.added]
        for unit in change.removed:
            plan.removed.append(unit)
            plan.reasons[unit.key] = _REASONS[change.op]
        for shape, (code, name) in zip(
            shapes, codes.take(change.removed[0].community_id, len(shapes)), strict=True
        ):
            predecessors = tuple(unit.key for unit in change.removed)
            plan.added.append(
                NewUnit(code, name, change.removed[0].community_id, shape, predecessors, _REASONS[change.op])
            )
    check(db, plan, around)
    return plan


_REASONS = {"split": "拆分 split", "merge": "合并 merge", "undo": "撤销 undo"}


def _carry_out(operation: Operation, units: dict[int, Unit]) -> Change:
    if operation["op"] == "split":
        return split(units[operation["area_id"]], _vertices(operation.get("line")))
    return merge([units[area_id] for area_id in operation["area_ids"]])


def _vertices(line: Any) -> NDArray[np.float64]:
    try:
        if line["type"] != "LineString":
            raise ValueError
        points = np.array([[float(v) for v in point[:2]] for point in line["coordinates"]], dtype=np.float64)
        if points.ndim != 2 or len(points) < 2 or points.shape[1] != 2 or not np.isfinite(points).all():
            raise ValueError
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise GridError(
            "line: a GeoJSON LineString of at least two positions (lon, lat)",
            "line 应为至少两个坐标（经度、纬度）的 GeoJSON LineString",
        ) from error
    return points


_UNIT_COLUMNS = (Area.id, Area.code, Area.name, Area.parent_id, func.ST_AsBinary(Area.geom))


def _unit(row: Any) -> Unit:
    shape = shapely.from_wkb(bytes(row[4]))
    parts = shapely.get_parts(shape)
    return Unit(row[0], row[1], row[2], row[3], parts[0] if len(parts) == 1 else shape)


def current_units(db: Session, ids: list[int]) -> dict[int, Unit]:
    """Unit grids by id, locked against change until the transaction ends.

    Raises
    ------
    UnknownArea
        An id that is no unit grid.
    EditConflict
        One has ended; says who changed it into what.
    """
    statement = select(*_UNIT_COLUMNS, Area.valid_to).where(Area.id.in_(ids), Area.kind == "unit_grid")
    rows = db.execute(statement.order_by(Area.id).with_for_update(of=Area)).all()
    missing = sorted(set(ids) - {row[0] for row in rows})
    if missing:
        raise UnknownArea(f"area_ids {missing}: no unit grids", f"{missing} 不是单元网格")
    ended = [_unit(row) for row in rows if row[5] is not None]
    if ended:
        raise _conflict(db, ended)
    return {row[0]: _unit(row) for row in rows}


def _conflict(db: Session, ended: list[Unit]) -> EditConflict:
    english, chinese = [], []
    for unit in ended:
        found = db.execute(
            select(ChangeSet.id, ChangeSet.approved_by, ChangeSet.applied_at, Area.code)
            .join(AreaSuccession, AreaSuccession.change_set_id == ChangeSet.id)
            .join(Area, Area.id == AreaSuccession.successor_id)
            .where(AreaSuccession.predecessor_id == unit.key)
            .order_by(Area.code)
        ).all()
        codes = ", ".join(row[3] for row in found)
        if found:
            number, who, applied_at, _ = found[0]
            when = applied_at.isoformat() if applied_at else "?"
            english.append(f"{unit.label} became {codes} by change set {number} of {who} at {when}")
            chinese.append(f"{unit.label} 已由 {who} 的变更 {number}（{when}）改为 {codes}")
        else:
            english.append(f"{unit.label} has ended")
            chinese.append(f"{unit.label} 已失效")
    return EditConflict("; ".join(english), "；".join(chinese), [unit.label for unit in ended])


def neighbours(db: Session, units: Sequence[Unit]) -> list[Unit]:
    """Current unit grids of any community that touch the box of these units, without themselves."""
    west, south, east, north = shapely.total_bounds([unit.shape for unit in units])
    margin = 1e-7
    box = func.ST_MakeEnvelope(west - margin, south - margin, east + margin, north + margin, 4326)
    statement = select(*_UNIT_COLUMNS).where(
        Area.kind == "unit_grid",
        Area.valid_to.is_(None),
        Area.id.not_in([unit.key for unit in units]),
        Area.geom.op("&&")(box),
    )
    return [_unit(row) for row in db.execute(statement.order_by(Area.id)).all()]


def with_nodes(units: Sequence[Unit], nodes: NDArray[np.float64]) -> list[Unit]:
    """The units that get nodes, with their new shape."""
    if not len(nodes):
        return []
    shapes = [(unit, insert_nodes(unit.shape, nodes)) for unit in units]
    return [
        Unit(unit.key, unit.code, unit.name, unit.community_id, shape)
        for unit, shape in shapes
        if shape is not unit.shape
    ]


def check(db: Session, plan: Plan, around: Sequence[Unit]) -> None:
    """Check the plan community by community against its neighbours.

    Raises
    ------
    TopologyFault
    """
    noded = {unit.key: unit.shape for unit in plan.noded}
    community_ids = {unit.community_id for unit in plan.removed}
    rows = db.execute(select(Area.id, func.ST_AsBinary(Area.geom)).where(Area.id.in_(community_ids))).all()
    parents = {row[0]: shapely.from_wkb(bytes(row[1])) for row in rows}
    check_replacement(
        plan.removed,
        [unit.shape for unit in plan.added],
        [unit.shape for unit in around],
        [noded.get(unit.key, unit.shape) for unit in around],
        shapely.union_all(list(parents.values())),
    )


def _scope(db: Session, units: Sequence[Unit]) -> int | None:
    """The community, or the smallest area that holds all communities."""
    community_ids = sorted({unit.community_id for unit in units})
    chains = [[place["id"] for place in ancestors(db, community_id)] for community_id in community_ids]
    return next((area_id for area_id in chains[0] if all(area_id in chain for chain in chains)), None)


class _Codes:
    """Gives codes that were never used, community by community."""

    def __init__(self, db: Session) -> None:
        self.db = db
        self._used: dict[int, tuple[str, list[str]]] = {}

    def take(self, community_id: int, count: int) -> list[tuple[str, str]]:
        """The next codes of a community with the names of their zones.

        Raises
        ------
        GridError
            No numbers are left.
        """
        if community_id not in self._used:
            code = self.db.scalar(select(Area.code).where(Area.id == community_id))
            if code is None:
                raise UnknownArea(f"unit grids without a community ({community_id})", "网格没有所属社区")
            ever = select(Area.code).where(
                Area.kind == "unit_grid",
                or_(Area.parent_id == community_id, Area.code.startswith(code, autoescape=True)),
            )
            self._used[community_id] = code, list(self.db.scalars(ever))
        code, used = self._used[community_id]
        try:
            fresh = next_grid_codes(code, used, count)
        except CodeOverflow as error:
            raise GridError(str(error), f"社区 {code} 的网格顺序码已满") from error
        used += fresh
        return [(new, f"第{int(new[len(code) :])}网格") for new in fresh]
