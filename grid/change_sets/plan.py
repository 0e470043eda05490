"""The plan of a change set: areas that end and areas that begin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from grid.topology import Unit

REASONS = {
    "split": "拆分 split",
    "merge": "合并 merge",
    "move_vertex": "移动顶点 corner moved",
    "move_edge": "移动边 edge moved",
    "insert_vertex": "插入顶点 corner inserted",
    "delete_vertex": "删除顶点 corner taken away",
    "reshape": "重画边界 boundary redrawn",
    "transfer": "划转 transferred",
    "reparent": "变更上级 other parent",
    "outline": "边界调整 outline changed",
    "emptied": "不剩网格 no unit grid left",
    "undo": "撤销 undo",
}


@dataclass(frozen=True)
class NewUnit:
    """A unit grid that begins."""

    code: str
    name: str
    parent_id: int
    shape: Any
    predecessors: tuple[int, ...]
    reason: str
    several_parts: bool = False
    kind: str = "unit_grid"
    like: int | None = None
    """Id of a version whose households and road length it has again."""
    shares: tuple[float, ...] = ()
    """Share of the households and road length of each predecessor; empty: by the land in common."""
    draft_id: int | None = None
    """Id by which later steps of the draft name it."""


@dataclass(frozen=True)
class NewVersion:
    """An area that ends and begins again, with another outline, parent or code.

    Attributes
    ----------
    parent_id : int or None
        Id of the version of the parent that holds before the change.
    also : tuple of int
        Ids of further areas that it follows.
    by_land : bool
        Households and road length are those of its predecessors by the share of land in common.
    gains, losses : tuple of (int, float)
        Ids of areas, and the share of their households and road length that comes to it or leaves it.
    like : int or None
        Id of a version whose households and road length it has again.
    """

    old: Unit
    kind: str
    code: str
    name: str
    parent_id: int | None
    shape: Any
    reason: str
    also: tuple[int, ...] = ()
    by_land: bool = False
    gains: tuple[tuple[int, float], ...] = ()
    losses: tuple[tuple[int, float], ...] = ()
    like: int | None = None
    land_kept: float | None = None
    """Of a corrected unit grid that keeps its code: the share of its land that it keeps."""
    draft_id: int | None = None
    """Its id in the draft, where later steps name it by another than that of the version before."""

    @property
    def predecessors(self) -> tuple[int, ...]:
        """The version before, and the other areas that it follows."""
        return (self.old.key, *self.also)


@dataclass(frozen=True)
class StepResult:
    """One step of a draft: its operation, and the ids in the draft of the unit grids that it made."""

    op: str
    made: tuple[int, ...]


@dataclass
class Plan:
    """The checked changes of areas by one change set.

    Attributes
    ----------
    removed : list of Unit
    added : list of NewUnit
    noded : list of Unit
        Neighbours with their new shape: the same land with more nodes.
    versions : list of NewVersion
        Areas of any kind that go on with another outline, parent or code, larger ones first.
    ended : list of Unit
        Responsibility and evaluation grids of which nothing is left.
    again : list of NewUnit
        Such grids that begin again by an undo.
    reasons : dict
        Why each removed unit ends, by id.
    communities : dict
        Communities of the removed units as they are now, by id of any version of them.
    scope_area_id : int
        The community, or the smallest area that holds all areas concerned.
    steps : list of StepResult
    """

    removed: list[Unit] = field(default_factory=list)
    added: list[NewUnit] = field(default_factory=list)
    noded: list[Unit] = field(default_factory=list)
    versions: list[NewVersion] = field(default_factory=list)
    ended: list[Unit] = field(default_factory=list)
    again: list[NewUnit] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    communities: dict[int | None, Unit] = field(default_factory=dict)
    scope_area_id: int | None = None
    steps: list[StepResult] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether no area begins or ends."""
        return not (self.removed or self.added or self.versions or self.ended or self.again)

    @property
    def recoded(self) -> list[NewVersion]:
        """Versions that get another code."""
        return [version for version in self.versions if version.code != version.old.code]

    @property
    def kept(self) -> list[NewVersion]:
        """Unit grids that go on under their code with other land."""
        return [one for one in self.versions if one.kind == "unit_grid" and one.code == one.old.code]

    @property
    def begun(self) -> list[NewUnit | NewVersion]:
        """Unit grids and versions that begin under a new code."""
        return [*self.added, *self.recoded]

    @property
    def new_codes(self) -> list[str]:
        """Codes that begin."""
        return [unit.code for unit in self.begun]

    @property
    def voided_codes(self) -> list[str]:
        """Codes that end."""
        return [unit.code for unit in [*self.removed, *(version.old for version in self.recoded)]]
