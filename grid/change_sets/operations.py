"""What callers may ask of the partition: operations as JSON, read and resolved to the zones that they concern.

====================  =============================================  ==================================================
op                    members                                        what it does
====================  =============================================  ==================================================
``split``             ``area_id``, ``line``                          cut a unit grid by a line
``merge``             ``area_ids``, [``parts_reason``]               join unit grids of one community
``move_vertex``       ``area_id``, ``vertex``, ``to``                move a corner in all the grids that touch it
``move_edge``         ``area_id``, ``edge``, ``to``                  move both ends of an edge
``reshape``           ``area_ids`` (two), ``line``                   draw the boundary between two grids anew
``transfer``          ``area_ids``, ``community_id``,                give unit grids to a neighbouring community
                      [``parts_reason``]
``reparent``          ``area_id``, ``parent_id``, [``code``],        give a community to another town, a town to
                      [``parts_reason``]                             another county, with all that is in it
====================  =============================================  ==================================================

Lines and edges are GeoJSON LineStrings, ``vertex`` and its ``to`` positions ``[lon, lat]``. A draft keeps ``move_*``
resolved: ``area_ids`` then names every grid that moves, so that a later conflict is seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grid.errors import GridError, UnknownArea

Operation = dict[str, Any]
MOVES = ("move_vertex", "move_edge")
"""Operations that may concern one zone together: its corners then move at once."""
OPS = ("split", "merge", "move_vertex", "move_edge", "reshape", "transfer", "reparent")
_ONE = ("split", "move_vertex", "move_edge", "reparent")
_LEAST = {"merge": 2, "reshape": 2, "transfer": 1}
_USAGE = {
    "split": "split needs area_id and line, 拆分需要 area_id 与 line",
    "merge": "merge needs at least two area_ids, 合并至少需要两个 area_ids",
    "move_vertex": "move_vertex needs area_id, vertex and to, 移动顶点需要 area_id、vertex 与 to",
    "move_edge": "move_edge needs area_id, edge and to, 移动边需要 area_id、edge 与 to",
    "reshape": "reshape needs two area_ids and line, 重画边界需要两个 area_ids 与 line",
    "transfer": "transfer needs area_ids and community_id, 划转需要 area_ids 与 community_id",
    "reparent": "reparent needs area_id and parent_id, 变更上级需要 area_id 与 parent_id",
}


def unit_ids(operations: Sequence[Operation]) -> list[int]:
    """Ids of the unit grids that operations name, in order (the areas of ``reparent`` are larger).

    Raises
    ------
    GridError
        An operation that cannot be read, or an area that is named twice other than by moves of its corners.
    UnknownArea
        A number that cannot be an id.
    """
    named = [(operation.get("op"), operand_ids(operation)) for operation in operations]
    every = [area_id for _, ids in named for area_id in ids]
    if not every:
        raise GridError("no operations", "没有任何操作")
    moved = [area_id for op, ids in named if op in MOVES for area_id in set(ids)]
    counts, movable = Counter(every), Counter(moved)
    repeated = sorted(area_id for area_id, n in counts.items() if n > max(movable[area_id], 1))
    if repeated:
        raise GridError(f"area_ids: {repeated} named more than once", f"网格 {repeated} 重复出现")
    return [area_id for op, ids in named if op != "reparent" for area_id in ids]


def operand_ids(operation: Operation) -> list[int]:
    """Ids of the areas that one operation changes."""
    op = operation.get("op")
    if op not in OPS:
        raise GridError(f"operation {op!r}: one of {', '.join(OPS)}", f"操作 {op!r} 无效")
    given: Any = [operation.get("area_id")] if op in _ONE else operation.get("area_ids")
    if op in MOVES and "area_ids" in operation:
        given = operation["area_ids"]
    named: list[Any] = given if isinstance(given, list) else []
    least = _LEAST.get(op, 1)
    fits = len(named) >= least and (op != "reshape" or len(named) == 2)
    if not fits or any(type(area_id) is not int for area_id in named):
        raise GridError(_USAGE[op], _USAGE[op])
    targets = [_target(operation, name) for name in _targets(op)]
    impossible = [area_id for area_id in [*named, *targets] if not 0 < area_id < 2**63]
    if impossible:
        raise UnknownArea(f"area_ids {impossible}: no such areas", f"{impossible} 不是有效区域")
    return named


def _targets(op: str) -> tuple[str, ...]:
    return {"transfer": ("community_id",), "reparent": ("parent_id",)}.get(op, ())


def target_ids(operations: Sequence[Operation]) -> list[int]:
    """Ids of the larger areas that take land."""
    return [_target(operation, name) for operation in operations for name in _targets(str(operation["op"]))]


def _target(operation: Operation, name: str) -> int:
    value = operation.get(name)
    if type(value) is not int:
        raise GridError(_USAGE[operation["op"]], _USAGE[operation["op"]])
    return value


def vertices(line: Any, name: str = "line") -> NDArray[np.float64]:
    """Positions of a GeoJSON LineString, shape (n, 2).

    Raises
    ------
    GridError
    """
    try:
        if line["type"] != "LineString":
            raise ValueError
        points = np.array([[float(v) for v in point[:2]] for point in line["coordinates"]], dtype=np.float64)
        if points.ndim != 2 or len(points) < 2 or points.shape[1] != 2 or not np.isfinite(points).all():
            raise ValueError
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise GridError(
            f"{name}: a GeoJSON LineString of at least two positions (lon, lat)",
            f"{name} 应为至少两个坐标（经度、纬度）的 GeoJSON LineString",
        ) from error
    return points


def moved_together(operations: Sequence[Operation]) -> list[list[Operation]]:
    """Resolved moves in groups that have zones in common, in the order of their first operation.

    Raises
    ------
    GridError
        A corner that is moved twice.
    """
    groups: list[tuple[set[int], list[Operation]]] = []
    for operation in operations:
        touched = set(operation["area_ids"])
        joined = [group for group in groups if group[0] & touched]
        members = [one for _, ones in joined for one in ones] + [operation]
        groups = [group for group in groups if not group[0] & touched]
        groups.append((touched.union(*(keys for keys, _ in joined)), members))
    for _, members in groups:
        old = [tuple(point) for one in members for point in corners(one, corner_name(one)).tolist()]
        if len(set(old)) < len(old):
            raise GridError("a corner is moved twice: move it once", "同一顶点重复移动")
    return [members for _, members in groups]


def corner_name(operation: Operation) -> str:
    """The member of a move that holds the corners as they are."""
    return "vertex" if operation["op"] == "move_vertex" else "edge"


def corners(operation: Operation, name: str) -> NDArray[np.float64]:
    """The one or two positions of a move, shape (n, 2).

    Raises
    ------
    GridError
    """
    given = operation.get(name)
    if operation["op"] == "move_vertex":
        given = {"type": "LineString", "coordinates": [given, given]}
        return vertices(given, f"{name} [lon, lat]")[:1]
    points = vertices(given, name)
    if len(points) != 2:
        raise GridError(f"{name}: two positions", f"{name} 应为两个坐标")
    return points


def parts_reason(operation: Operation) -> str:
    """Why a result may have several parts; empty: it may not."""
    reason = operation.get("parts_reason") or ""
    if not isinstance(reason, str):
        raise GridError("parts_reason: a text", "parts_reason 应为文字")
    return reason.strip()
