"""Operations of change sets, read from JSON and checked by type.

====================  =============================================  ==================================================
op                    members                                        what it does
====================  =============================================  ==================================================
``split``             ``area_id``, ``line``                          cut a unit grid by a line
``merge``             ``area_ids``, [``parts_reason``]               join unit grids of one community
``move_vertex``       ``area_id``, ``vertex``, ``to``                move a corner in all the grids that touch it
``move_edge``         ``area_id``, ``edge``, ``to``                  move both ends of an edge
``insert_vertex``     ``area_id``, ``edge``, ``to``                  bend an edge: a new corner in all that have it
``delete_vertex``     ``area_id``, ``vertex``                        make one edge of the two that meet in a corner
``reshape``           ``area_ids`` (two), ``line``                   draw the boundary between two grids anew
``transfer``          ``area_ids``, ``community_id``,                give unit grids to a neighbouring community
                      [``parts_reason``]
``reparent``          ``area_id``, ``parent_id``, [``code``],        give a community to another town, a town to
                      [``parts_reason``]                             another county, with all that is in it
====================  =============================================  ==================================================

Lines and edges are GeoJSON LineStrings, ``vertex`` and its ``to`` positions ``[lon, lat]``. A draft keeps
``move_*`` and ``*_vertex`` resolved: ``area_ids`` then names every grid that moves, so that a later conflict is seen.

Each operation is a step on the result of those before it. The unit grids that a step makes are named in later
ones by the negative ids of :func:`draft_id`; an area that only gets another parent or outline keeps its id.

JSON becomes these classes at the edges only: in the body of a request, in :func:`read_operations` (data of
other callers), in :func:`stored_operations` and :func:`drafted_operations` (the column of the table);
:func:`as_json` is the way back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from grid.errors import GridError

Points = NDArray[np.float64]
Id = Annotated[int, Field(ge=1, lt=2**63)]
STEP_IDS = 10_000
"""Distance of the ids of two steps; see :func:`draft_id`."""
AreaId = Annotated[
    int,
    Field(
        gt=-(2**53),
        lt=2**63,
        description="Id of an area; below 0 of a unit grid that an earlier step of the same draft makes:"
        " -20001 is the first one that step 2 makes (preview.steps lists them)",
    ),
]
Degrees = Annotated[float, Field(allow_inf_nan=False)]
Position = Annotated[list[Degrees], Field(min_length=2, max_length=3)]
Reason = Annotated[str, Field(max_length=1000, description="Why the result may have several parts (islands)")]


class CuttingLine(BaseModel):
    """A line as GeoJSON, EPSG:4326."""

    model_config = ConfigDict(frozen=True)
    type: Literal["LineString"]
    coordinates: Annotated[list[Position], Field(min_length=2, max_length=10_000)]

    @property
    def points(self) -> Points:
        """Its vertices, shape (n, 2)."""
        return np.array([point[:2] for point in self.coordinates], dtype=np.float64)


class OperationBase(BaseModel):
    """Base of all operations; unknown members are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    usage: ClassVar[tuple[str, str]]

    @property
    def changed_ids(self) -> list[int]:
        """Ids of the areas that it changes."""
        raise NotImplementedError

    @property
    def target_ids(self) -> list[int]:
        """Ids of the larger areas that take land."""
        return []


class Split(OperationBase):
    """Cut one unit grid by a line."""

    usage = ("split needs area_id and line", "拆分需要 area_id 与 line")
    op: Literal["split"]
    area_id: AreaId
    line: CuttingLine

    @property
    def changed_ids(self) -> list[int]:
        """Id of the grid."""
        return [self.area_id]


class Merge(OperationBase):
    """Join neighbouring unit grids of one community."""

    usage = ("merge needs at least two area_ids", "合并至少需要两个 area_ids")
    op: Literal["merge"]
    area_ids: Annotated[list[AreaId], Field(min_length=2, max_length=1000)]
    parts_reason: Reason = ""

    @property
    def changed_ids(self) -> list[int]:
        """Ids of the grids."""
        return self.area_ids


class MoveVertex(OperationBase):
    """Move a corner in every unit grid that touches it."""

    usage = ("move_vertex needs area_id, vertex and to", "移动顶点需要 area_id、vertex 与 to")
    op: Literal["move_vertex"]
    area_id: AreaId
    vertex: Position
    to: Position

    @property
    def changed_ids(self) -> list[int]:
        """Id of the grid that is named."""
        return [self.area_id]

    @property
    def corners(self) -> Points:
        """The corner as it is, shape (1, 2)."""
        return np.array([self.vertex[:2]], dtype=np.float64)

    @property
    def new_corners(self) -> Points:
        """The new corner, shape (1, 2)."""
        return np.array([self.to[:2]], dtype=np.float64)

    def resolved(self, corners: Points, area_ids: list[int]) -> ResolvedMoveVertex:
        """Return the move of exactly that corner, in all the grids that touch it."""
        return ResolvedMoveVertex(
            op=self.op, area_id=self.area_id, vertex=corners[0].tolist(), to=self.to, area_ids=area_ids
        )


class MoveEdge(OperationBase):
    """Move both ends of an edge."""

    usage = ("move_edge needs area_id, edge and to", "移动边需要 area_id、edge 与 to")
    op: Literal["move_edge"]
    area_id: AreaId
    edge: CuttingLine
    to: CuttingLine

    @property
    def changed_ids(self) -> list[int]:
        """Id of the grid that is named."""
        return [self.area_id]

    @property
    def corners(self) -> Points:
        """The ends as they are, shape (2, 2)."""
        return _ends(self.edge, "edge")

    @property
    def new_corners(self) -> Points:
        """The new ends, shape (2, 2)."""
        return _ends(self.to, "to")

    def resolved(self, corners: Points, area_ids: list[int]) -> ResolvedMoveEdge:
        """Return the move of exactly that edge, in all the grids that touch its ends."""
        edge = CuttingLine(type="LineString", coordinates=corners.tolist())
        return ResolvedMoveEdge(op=self.op, area_id=self.area_id, edge=edge, to=self.to, area_ids=area_ids)


class InsertVertex(OperationBase):
    """Bend an edge: a new corner between its ends, in every unit grid that has it."""

    usage = ("insert_vertex needs area_id, edge and to", "插入顶点需要 area_id、edge 与 to")
    op: Literal["insert_vertex"]
    area_id: AreaId
    edge: CuttingLine
    to: Position

    @property
    def changed_ids(self) -> list[int]:
        """Id of the grid that is named."""
        return [self.area_id]

    @property
    def ends(self) -> Points:
        """The ends of the edge, shape (2, 2)."""
        return _ends(self.edge, "edge")

    @property
    def new_corners(self) -> Points:
        """The new corner, shape (1, 2)."""
        return np.array([self.to[:2]], dtype=np.float64)

    def resolved(self, corners: Points, area_ids: list[int]) -> ResolvedInsertVertex:
        """Return the insertion at a place on the edge, in all the grids that have it."""
        return ResolvedInsertVertex(
            op=self.op,
            area_id=self.area_id,
            edge=self.edge,
            to=self.to,
            vertex=corners[0].tolist(),
            area_ids=area_ids,
        )


class DeleteVertex(OperationBase):
    """Take a corner away in which two edges meet, in every unit grid that has it."""

    usage = ("delete_vertex needs area_id and vertex", "删除顶点需要 area_id 与 vertex")
    op: Literal["delete_vertex"]
    area_id: AreaId
    vertex: Position

    @property
    def changed_ids(self) -> list[int]:
        """Id of the grid that is named."""
        return [self.area_id]

    @property
    def corners(self) -> Points:
        """The corner, shape (1, 2)."""
        return np.array([self.vertex[:2]], dtype=np.float64)

    def resolved(self, corners: Points, to: Points, area_ids: list[int]) -> ResolvedDeleteVertex:
        """Return the removal of exactly that corner, drawn onto the neighbouring one."""
        return ResolvedDeleteVertex(
            op=self.op, area_id=self.area_id, vertex=corners[0].tolist(), to=to.tolist(), area_ids=area_ids
        )


def _ends(line: CuttingLine, name: str) -> Points:
    if len(line.coordinates) != 2:
        raise GridError(f"{name}: two positions", f"{name} 应为两个坐标")
    return line.points


class Reshape(OperationBase):
    """Draw the boundary between two unit grids anew."""

    usage = ("reshape needs two area_ids and line", "重画边界需要两个 area_ids 与 line")
    op: Literal["reshape"]
    area_ids: Annotated[list[AreaId], Field(min_length=2, max_length=2)]
    line: CuttingLine

    @property
    def changed_ids(self) -> list[int]:
        """Ids of the two grids."""
        return self.area_ids


class Transfer(OperationBase):
    """Give unit grids to a neighbouring community."""

    usage = ("transfer needs area_ids and community_id", "划转需要 area_ids 与 community_id")
    op: Literal["transfer"]
    area_ids: Annotated[list[AreaId], Field(min_length=1, max_length=1000)]
    community_id: Id
    parts_reason: Reason = ""

    @property
    def changed_ids(self) -> list[int]:
        """Ids of the grids."""
        return self.area_ids

    @property
    def target_ids(self) -> list[int]:
        """Id of the community that takes them."""
        return [self.community_id]


class Reparent(OperationBase):
    """Give a community to another town, or a town to another county."""

    usage = ("reparent needs area_id and parent_id", "变更上级需要 area_id 与 parent_id")
    op: Literal["reparent"]
    area_id: Id
    parent_id: Id
    code: Annotated[str | None, Field(max_length=20)] = None
    parts_reason: Reason = ""

    @property
    def changed_ids(self) -> list[int]:
        """Id of the community or town."""
        return [self.area_id]

    @property
    def target_ids(self) -> list[int]:
        """Id of the area that takes it."""
        return [self.parent_id]


class OnNamedGrids:
    """Part of an operation that names every unit grid that it changes."""

    if TYPE_CHECKING:  # the field stands in the operation, where its order counts
        area_ids: list[AreaId]

    @property
    def changed_ids(self) -> list[int]:
        """Ids of all the grids that change."""
        return self.area_ids


class ResolvedMoveVertex(OnNamedGrids, MoveVertex):
    """A corner that moves, with every unit grid that touches it."""

    area_ids: list[AreaId]


class ResolvedMoveEdge(OnNamedGrids, MoveEdge):
    """An edge that moves, with every unit grid that touches it."""

    area_ids: list[AreaId]


class ResolvedInsertVertex(OnNamedGrids, InsertVertex):
    """A corner that is inserted, with its place on the edge and every unit grid that has the edge."""

    vertex: Position
    area_ids: list[AreaId]

    @property
    def corners(self) -> Points:
        """The place on the edge, shape (1, 2)."""
        return np.array([self.vertex[:2]], dtype=np.float64)


class ResolvedDeleteVertex(OnNamedGrids, DeleteVertex):
    """A corner that is taken away, with the corner onto which it is drawn and every unit grid that has it."""

    to: Position
    area_ids: list[AreaId]

    @property
    def new_corners(self) -> Points:
        """The neighbouring corner, shape (1, 2)."""
        return np.array([self.to[:2]], dtype=np.float64)


class UndoOperation(OperationBase):
    """Undo an applied change set."""

    usage = ("undo needs change_set_id", "撤销需要 change_set_id")
    op: Literal["undo"]
    change_set_id: int
    area_ids: Annotated[list[int], Field(description="Areas that end by it")]

    @property
    def changed_ids(self) -> list[int]:
        """Ids of the areas that end by it."""
        return self.area_ids


Operation = (
    Split | Merge | MoveVertex | MoveEdge | InsertVertex | DeleteVertex | Reshape | Transfer | Reparent
)
"""What callers ask."""
Move = MoveVertex | MoveEdge | InsertVertex | DeleteVertex
"""Moves of corners as they are asked."""
ResolvedMove = ResolvedMoveVertex | ResolvedMoveEdge | ResolvedInsertVertex | ResolvedDeleteVertex
ResolvedOperation = Split | Merge | ResolvedMove | Reshape | Transfer | Reparent
"""What is carried out: every area that it changes is named."""
AnyOperation = Annotated[Operation, Field(discriminator="op")]
StoredOperation = Annotated[ResolvedOperation | UndoOperation, Field(discriminator="op")]
"""What change sets keep."""

_ASKED: TypeAdapter[list[Operation]] = TypeAdapter(list[AnyOperation])
_DRAFTED: TypeAdapter[list[ResolvedOperation]] = TypeAdapter(
    list[Annotated[ResolvedOperation, Field(discriminator="op")]]
)
_STORED: TypeAdapter[list[ResolvedOperation | UndoOperation]] = TypeAdapter(list[StoredOperation])
OPS: Mapping[str, type[OperationBase]] = {
    "split": Split,
    "merge": Merge,
    "move_vertex": MoveVertex,
    "move_edge": MoveEdge,
    "insert_vertex": InsertVertex,
    "delete_vertex": DeleteVertex,
    "reshape": Reshape,
    "transfer": Transfer,
    "reparent": Reparent,
}
"""Operations by name."""


def draft_id(step: int, number: int) -> int:
    """Return the id in the draft of a unit grid that a step makes; both count from 1.

    Examples
    --------
    >>> draft_id(2, 1)
    -20001
    """
    return -(STEP_IDS * step + number)


def read_operations(given: Sequence[Mapping[str, Any]]) -> list[Operation]:
    """Read operations from plain data, as Python callers write them.

    Raises
    ------
    GridError
        An operation that cannot be read.

    Examples
    --------
    >>> read_operations([{"op": "merge", "area_ids": [1, 2]}])[0].changed_ids
    [1, 2]
    """
    try:
        return _ASKED.validate_python(list(given), strict=True)
    except ValidationError as error:
        place, *path = error.errors()[0]["loc"]
        name = path[0] if path else None
        if name not in OPS:
            op = given[int(place)].get("op")
            raise GridError(f"operation {op!r}: one of {', '.join(OPS)}", f"操作 {op!r} 无效") from error
        raise GridError(*OPS[str(name)].usage) from error


def stored_operations(column: Sequence[Mapping[str, Any]]) -> list[ResolvedOperation | UndoOperation]:
    """Read the operations of a stored change set of any kind."""
    return _STORED.validate_python(list(column))


def drafted_operations(column: Sequence[Mapping[str, Any]]) -> list[ResolvedOperation]:
    """Read the operations of a stored draft, which can be applied."""
    return _DRAFTED.validate_python(list(column))


def as_json(operations: Iterable[OperationBase]) -> list[dict[str, Any]]:
    """Operations as JSON data, without members that have their default."""
    return [operation.model_dump(exclude_defaults=True) for operation in operations]
