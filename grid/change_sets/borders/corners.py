"""Corners and edges of unit grids: whether an account may move them, and else who may."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from grid.change_sets.borders.reach import chains_of, is_in_reach, out_of_reach, who_may
from grid.change_sets.current_areas import WorkingAreas
from grid.topology import ON_EDGE_DEG, OUTER_BORDER_WORDS, Unit, insert_nodes, slides, union_zones

Freedom = Literal["free", "along", "frozen"]
"""Moves anywhere, along the border on which it lies, or not at all."""
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Corner:
    """A corner of a unit grid.

    Attributes
    ----------
    at : tuple of float
        Longitude and latitude, degrees.
    grids : tuple of int
        Ids of the unit grids that touch it.
    moves : {'free', 'along', 'frozen'}
    removable : bool
        Whether it may be taken away: it moves freely, and two edges meet there.
    reason_en, reason_zh : str
        Why it does not move freely, and who may move it; empty when it does.
    """

    at: tuple[float, float]
    grids: tuple[int, ...]
    moves: Freedom
    removable: bool
    reason_en: str
    reason_zh: str


@dataclass(frozen=True)
class Edge:
    """An edge of a unit grid; ``bends`` says whether a corner may be inserted in it."""

    ends: tuple[tuple[float, float], tuple[float, float]]
    grids: tuple[int, ...]
    moves: Freedom
    bends: bool
    reason_en: str
    reason_zh: str


@dataclass(frozen=True)
class GridCorners:
    """Every corner and edge of one unit grid."""

    area_id: int
    corners: list[Corner]
    edges: list[Edge]


def corners_of(areas: WorkingAreas, area_id: int, area_ids: Collection[int] | None) -> GridCorners:
    """Return the corners and edges of a unit grid, with what an account may do with each.

    Parameters
    ----------
    areas : WorkingAreas
        The areas of now, or those after the steps of a draft.
    area_ids : collection of int, or None
        The own areas; None: the whole city.

    Raises
    ------
    UnknownArea, EditConflict
        It is no unit grid, or has ended.
    """
    unit = areas.units([area_id])[area_id]
    around = _Around(areas, unit, area_ids)
    corners = {at: around.corner(at) for at in around.ring_points}
    edges = [around.edge(corners[a], corners[b]) for a, b in around.ring_edges]
    return GridCorners(area_id, list(corners.values()), edges)


class _Around:
    """A unit grid and its neighbours, read once."""

    def __init__(self, areas: WorkingAreas, unit: Unit, area_ids: Collection[int] | None) -> None:
        self.area_ids = area_ids
        beside = areas.neighbours([unit])
        nodes = shapely.get_coordinates([one.shape for one in beside])
        shape = insert_nodes(unit.shape, nodes)
        rings = [
            shapely.get_coordinates(ring).tolist() for ring in shapely.get_rings(shapely.get_parts(shape))
        ]
        self.ring_edges = [(tuple(a), tuple(b)) for ring in rings for a, b in itertools.pairwise(ring)]
        self.ring_points = list(dict.fromkeys(a for a, _ in self.ring_edges))
        self.units = {one.key: one for one in [unit, *beside]}
        self._touching = self._find_touching()
        outside = [one.shape for one in self.units.values()]
        self._rim = shapely.boundary(union_zones(outside))
        self._degree = self._count_edges()
        self._chains = chains_of(areas.db, list(self.units.values()))

    def _find_touching(self) -> dict[tuple[float, ...], tuple[int, ...]]:
        keys = list(self.units)
        tree = shapely.STRtree([self.units[key].shape for key in keys])
        points = shapely.points(np.array(self.ring_points))
        point, unit = tree.query(points, predicate="dwithin", distance=ON_EDGE_DEG)
        found: dict[tuple[float, ...], list[int]] = {at: [] for at in self.ring_points}
        for one, other in zip(point.tolist(), unit.tolist(), strict=True):
            found[self.ring_points[one]].append(keys[other])
        return {at: tuple(sorted(ids)) for at, ids in found.items()}

    def _count_edges(self) -> Counter[tuple[float, ...]]:
        """Return how many edges meet in each corner of the grid."""
        own = np.array(self.ring_points)
        edges = set()
        for unit in self.units.values():
            for ring in shapely.get_rings(shapely.get_parts(insert_nodes(unit.shape, own))):
                points = [tuple(point) for point in shapely.get_coordinates(ring).tolist()]
                edges |= {frozenset(pair) for pair in itertools.pairwise(points)}
        return Counter(point for edge in edges for point in edge)

    def corner(self, at: tuple[float, ...]) -> Corner:
        """Return a corner with its freedom."""
        grids = self._touching[at]
        own = [key for key in grids if is_in_reach(self.units[key], self.area_ids)]
        reason = ("", "")
        moves: Freedom = "free"
        if len(own) < len(grids):
            moves, reason = "frozen", who_may([self._chains[key] for key in grids])
        elif self._on_rim(at):
            moves, reason = "frozen", OUTER_BORDER_WORDS
        if moves == "frozen" and len(own) > 1:
            moves = "along"
        removable = moves == "free" and self._degree[at] == 2
        return Corner((at[0], at[1]), grids, moves, removable, *reason)

    def edge(self, a: Corner, b: Corner) -> Edge:
        """Return the edge between two corners with its freedom."""
        grids = tuple(sorted(set(a.grids) & set(b.grids)))
        moves: Freedom = max((a.moves, b.moves), key=("free", "along", "frozen").index)
        held = a if a.moves == moves else b
        reason = (held.reason_en, held.reason_zh)
        middle = ((a.at[0] + b.at[0]) / 2, (a.at[1] + b.at[1]) / 2)
        bends = all(is_in_reach(self.units[key], self.area_ids) for key in grids) and not self._on_rim(middle)
        if not bends:
            rim = len(grids) < 2
            reason = OUTER_BORDER_WORDS if rim else who_may([self._chains[key] for key in grids])
        return Edge((a.at, b.at), grids, moves, bends, *reason)

    def _on_rim(self, at: tuple[float, ...]) -> bool:
        return bool(self._rim.distance(shapely.Point(at)) <= ON_EDGE_DEG)


def moving_units(
    db: Session, touched: Sequence[Unit], corner: Points, to: Points, area_ids: Collection[int] | None
) -> list[Unit]:
    """Return the unit grids that change when a corner moves.

    All that touch it; along the border of a larger area only those on one side: two grids of one community that meet
    there, or those in reach of the account.

    Parameters
    ----------
    touched : sequence of Unit
        Every unit grid that touches the corner.
    corner, to : ndarray of float64, shape (2,)
        Degrees.
    area_ids : collection of int, or None
        The own areas; None: the whole city.

    Raises
    ------
    AreaOutOfReach
    """
    own = [unit for unit in touched if is_in_reach(unit, area_ids)]
    if len(own) < len(touched):
        if len(own) > 1 and slides(own, corner, to):
            return own
        chains = list(chains_of(db, touched).values())
        raise out_of_reach([unit.label for unit in touched if unit not in own], chains)
    sizes = Counter(unit.parent_id for unit in touched)
    several = [parent for parent, n in sizes.items() if n > 1]
    if len(sizes) > 1 and len(several) == 1:
        side = [unit for unit in touched if unit.parent_id == several[0]]
        if slides(side, corner, to):
            return side
    return list(touched)
