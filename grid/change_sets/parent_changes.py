"""Changes of parent: new outlines of every area between the moved area and the common superior."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import shapely

from grid.areas import HIERARCHY
from grid.change_sets.current_areas import WorkingAreas
from grid.change_sets.operations import Reparent, Transfer
from grid.change_sets.plan import REASONS, NewUnit, NewVersion
from grid.errors import GridError, UnknownArea
from grid.topology import (
    TransferredLand,
    Unit,
    add_land,
    check_common_edge,
    exchange_land,
    is_significant,
    subtract_land,
    union_zones,
)

PARENT_KIND = {"community": "town", "town": "county"}
CODED_BY_PARENT = ("town", "community", "unit_grid")
"""Kinds whose code begins with their parent's."""
RANK = {kind: rank for rank, kind in enumerate(reversed(HIERARCHY))}


def change_parents(
    areas: WorkingAreas, operation: Transfer | Reparent, units: Mapping[int, Unit]
) -> ParentChanges:
    """Give unit grids, a community or a town to another parent; codes follow when all steps are done.

    Parameters
    ----------
    units : mapping of int to Unit
        The unit grids that are transferred, by id.

    Raises
    ------
    TopologyFault, UnknownArea, EditConflict, GridError
    """
    outlines = ParentChanges(areas)
    if isinstance(operation, Reparent):
        outlines.reparent(operation)
    else:
        outlines.transfer([units[key] for key in operation.area_ids], operation)
    return outlines


@dataclass
class _Larger:
    """A larger area under change."""

    unit: Unit
    shape: Any
    parent_id: int | None
    reason: str = REASONS["outline"]
    gains: list[tuple[int, float]] = field(default_factory=list)
    losses: list[tuple[int, float]] = field(default_factory=list)


class ParentChanges:
    """The larger areas during one step, and the unit grids that get another parent."""

    def __init__(self, areas: WorkingAreas) -> None:
        self.areas = areas
        self._larger: dict[int, _Larger] = {}
        self._small: list[NewVersion] = []

    def transfer(self, units: list[Unit], operation: Transfer) -> None:
        """Give unit grids to a neighbouring community.

        Raises
        ------
        TopologyFault, UnknownArea, GridError
        """
        sources = {unit.parent_id for unit in units}
        target = self._target(operation.community_id, "community")
        if len(sources) > 1:
            raise GridError("transfer: unit grids of one community", "划转的网格应属于同一社区")
        source = self._now(units[0].parent_id, "community")
        if source.unit.key == target.unit.key:
            raise GridError("transfer: the unit grids lie there already", "网格已属于该社区")
        land = TransferredLand(units, operation.parts_reason.strip())
        self._move(land, source, target)
        for unit in units:
            reason, key = REASONS["transfer"], target.unit.key
            self._small.append(NewVersion(unit, unit.kind, unit.code, unit.name, key, unit.shape, reason))

    def reparent(self, operation: Reparent) -> None:
        """Give a community to another town, or a town to another county, with all that lies in it.

        Raises
        ------
        TopologyFault, UnknownArea, EditConflict, GridError
        """
        area_id = operation.area_id
        unit = self.areas.units([area_id], tuple(PARENT_KIND))[area_id]
        area = self._now(area_id, *PARENT_KIND)
        target = self._target(operation.parent_id, PARENT_KIND[area.unit.kind])
        if area.parent_id is None:
            raise GridError(f"{unit.label} has no parent", f"{unit.label} 没有上级")
        source = self._now(area.parent_id, PARENT_KIND[area.unit.kind])
        if source.unit.key == target.unit.key:
            raise GridError("reparent: it lies there already", "该区域已属于此上级")
        land = TransferredLand([_with_shape(area)], operation.parts_reason.strip())
        self._move(land, source, target)
        area.parent_id, area.reason = target.unit.key, REASONS["reparent"]
        self._larger[unit.key] = area

    def _move(self, land: TransferredLand, source: _Larger, target: _Larger) -> None:
        """Take land from the outlines of one chain of areas and give it to the other, up to the common superior."""
        check_common_edge(land, _with_shape(target))
        giving = [place for place in self._chain(source)]
        taking = [place for place in self._chain(target)]
        common = {place.unit.key for place in giving} & {place.unit.key for place in taking}
        for place in giving:
            if place.unit.key not in common:
                place.shape = subtract_land(_with_shape(place), land)
                place.losses += [(unit.key, 1.0) for unit in land.units]
                self._larger[place.unit.key] = place
        for place in taking:
            if place.unit.key not in common:
                place.shape = add_land(_with_shape(place), land)
                place.gains += [(unit.key, 1.0) for unit in land.units]
                self._larger[place.unit.key] = place

    def follow(self, removed: Sequence[Unit], added: Sequence[NewUnit]) -> None:
        """Let the outlines of larger areas follow new unit grids that hold land of other communities.

        Every area below the common superior gets the land, households and roads that came, and loses those that
        left; its code stays.

        Raises
        ------
        TopologyFault
            ``empty_parent``, ``multipart``.
        """
        chains = {
            key: self._chain(self._now(key, "community"))
            for key in {unit.parent_id for unit in removed} | {new.parent_id for new in added}
        }
        if len({chain[0].unit.key for chain in chains.values()}) < 2:
            return
        places = {place.unit.key: place for chain in chains.values() for place in chain}
        parent_of = {unit.key: unit.parent_id for unit in removed}
        for key, place in places.items():

            def inside(parent_id: int | None, key: int = key) -> bool:
                return any(above.unit.key == key for above in chains[parent_id])

            gone = [unit.shape for unit in removed if inside(unit.parent_id)]
            come = [new.shape for new in added if inside(new.parent_id)]
            shared = [
                (new, key, share)
                for new in added
                for key, share in zip(new.predecessors, new.shares, strict=True)
            ]
            gains = [
                (k, share) for new, k, share in shared if inside(new.parent_id) and not inside(parent_of[k])
            ]
            losses = [
                (k, share) for new, k, share in shared if inside(parent_of[k]) and not inside(new.parent_id)
            ]
            changed = shapely.symmetric_difference(union_zones(gone), union_zones(come))
            if gains or losses or is_significant(changed):
                place.shape = exchange_land(_with_shape(place), gone, come)
                place.gains += gains
                place.losses += losses
                self._larger[key] = place

    def _chain(self, place: _Larger) -> list[_Larger]:
        """Return the area and those above it, as the operations before have put them."""
        chain = [place]
        while (above := chain[-1].parent_id) is not None:
            chain.append(self._now(above, *HIERARCHY))
        return chain

    def _target(self, area_id: int, kind: str) -> _Larger:
        """Return the version that holds now; the draft may name an earlier one of the same code."""
        if self._as_now(area_id) is None:
            self.areas.units([area_id], (kind,))  # says what became of it
        return self._now(area_id, kind)

    def _now(self, area_id: int | None, *kinds: str) -> _Larger:
        found = self._as_now(area_id)
        if found is None or found.kind not in kinds:
            raise UnknownArea(
                f"area {area_id}: no {' or '.join(kinds)} that holds now", f"{area_id} 不是现行的上级区域"
            )
        if found.key not in self._larger:
            parent = self._as_now(found.parent_id)
            return _Larger(found, found.shape, None if parent is None else parent.key)
        return self._larger[found.key]

    def _as_now(self, area_id: int | None) -> Unit | None:
        """Return the version that holds now; nothing is written while a plan is made."""
        return self.areas.versions([area_id]).get(area_id)

    def versions(self) -> list[NewVersion]:
        """Return new versions of all areas concerned, larger ones first."""
        larger = sorted(self._larger.values(), key=lambda place: (RANK[place.unit.kind], place.unit.code))
        return [self._version(place) for place in larger] + self._small

    def _version(self, p: _Larger) -> NewVersion:
        return NewVersion(
            p.unit, p.unit.kind, p.unit.code, p.unit.name, p.parent_id, p.shape, p.reason,
            gains=tuple(p.gains), losses=tuple(p.losses),
        )  # fmt: skip


def _with_shape(place: _Larger) -> Unit:
    return dataclasses.replace(place.unit, shape=place.shape)
