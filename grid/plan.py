"""A plan: what a change set ends and begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from grid.topology import Unit

REASONS = {
    "split": "拆分 split",
    "merge": "合并 merge",
    "move_vertex": "移动顶点 corner moved",
    "move_edge": "移动边 edge moved",
    "reshape": "重画边界 boundary redrawn",
    "transfer": "划转 transferred",
    "reparent": "变更上级 other parent",
    "outline": "边界调整 outline changed",
    "undo": "撤销 undo",
}


@dataclass(frozen=True)
class NewUnit:
    """A zone that begins."""

    code: str
    name: str
    community_id: int
    shape: Any
    predecessors: tuple[int, ...]
    reason: str
    several_parts: bool = False


@dataclass(frozen=True)
class NewVersion:
    """An area that ends and begins again, with another outline, parent or code.

    ``parent_id`` is the id of the version of the parent that holds before the change.
    """

    old: Unit
    kind: str
    code: str
    name: str
    parent_id: int | None
    shape: Any
    reason: str

    @property
    def predecessors(self) -> tuple[int, ...]:
        """The version before."""
        return (self.old.key,)


@dataclass
class Plan:
    """What a change set does, checked.

    Attributes
    ----------
    removed : list of Unit
    added : list of NewUnit
    noded : list of Unit
        Neighbours with their new shape: the same land with more nodes.
    versions : list of NewVersion
        Areas of any kind that go on with another outline, parent or code, larger ones first.
    reasons : dict
        Why each removed unit ends, by id.
    scope_area_id : int
        The community, or the smallest area that holds all areas concerned.
    """

    removed: list[Unit] = field(default_factory=list)
    added: list[NewUnit] = field(default_factory=list)
    noded: list[Unit] = field(default_factory=list)
    versions: list[NewVersion] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    scope_area_id: int | None = None

    @property
    def recoded(self) -> list[NewVersion]:
        """Versions that get another code."""
        return [version for version in self.versions if version.code != version.old.code]

    @property
    def begun(self) -> list[NewUnit | NewVersion]:
        """Everything that begins under a new code."""
        return [*self.added, *self.recoded]
