"""Changes of parent: new outlines and codes of every area between the moved area and the common superior."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grid.areas import HIERARCHY
from grid.change_sets.codes import Codes
from grid.change_sets.current_areas import UNIT_COLUMNS, current_units, current_versions, unit_of
from grid.change_sets.operations import Reparent, Transfer
from grid.change_sets.plan import REASONS, NewVersion
from grid.errors import GridError, UnknownArea
from grid.topology import TransferredLand, Unit, add_land, check_common_edge, subtract_land
from layers.tables import Area

PARENT_KIND = {"community": "town", "town": "county"}
CODED_BY_PARENT = ("town", "community", "unit_grid")
"""Kinds whose code begins with their parent's."""
RANK = {kind: rank for rank, kind in enumerate(reversed(HIERARCHY))}


def new_versions(
    db: Session, codes: Codes, operations: Sequence[Transfer | Reparent], units: Mapping[int, Unit]
) -> list[NewVersion]:
    """Compute the new versions of all areas whose parent, code or outline changes, larger ones first.

    Towns change their parent before communities, and these before zones: a code begins with the final
    parent's.

    Parameters
    ----------
    units : mapping of int to Unit
        The unit grids that are transferred, by id.

    Raises
    ------
    TopologyFault, UnknownArea, EditConflict, GridError
    """
    reparented = [operation for operation in operations if isinstance(operation, Reparent)]
    ids = [operation.area_id for operation in reparented]
    towns = set(db.scalars(select(Area.id).where(Area.id.in_(ids), Area.kind == "town"))) if ids else set()
    outlines = ParentChanges(db, codes)
    for reparent in sorted(reparented, key=lambda one: one.area_id not in towns):
        outlines.reparent(reparent)
    for operation in operations:
        if isinstance(operation, Transfer):
            outlines.transfer([units[key] for key in operation.area_ids], operation)
    return outlines.versions()


@dataclass
class _Larger:
    """A larger area under change."""

    unit: Unit
    shape: Any
    code: str
    parent_id: int | None
    reason: str = REASONS["outline"]
    gains: list[int] = field(default_factory=list)
    losses: list[int] = field(default_factory=list)


class ParentChanges:
    """The state of the areas during the transfers and reparentings of one change set."""

    def __init__(self, db: Session, codes: Codes) -> None:
        self.db = db
        self.codes = codes
        self._larger: dict[int, _Larger] = {}
        self._small: list[NewVersion] = []
        self._current: dict[int | None, Unit] = {}

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
        fresh = self.codes.of_units(target.unit.key, target.code, len(units), units[0].code)
        for unit, (code, name) in zip(_in_code_order(units), fresh, strict=True):
            reason = REASONS["transfer"]
            self._small.append(NewVersion(unit, "unit_grid", code, name, target.unit.key, unit.shape, reason))

    def reparent(self, operation: Reparent) -> None:
        """Give a community to another town, or a town to another county, with all that lies in it.

        Raises
        ------
        TopologyFault, UnknownArea, EditConflict, GridError
        """
        area_id = operation.area_id
        unit = current_units(self.db, [area_id], tuple(PARENT_KIND))[area_id]
        area = self._now(area_id, *PARENT_KIND)
        target = self._target(operation.parent_id, PARENT_KIND[area.unit.kind])
        if area.parent_id is None:
            raise GridError(f"{unit.label} has no parent", f"{unit.label} 没有上级")
        source = self._now(area.parent_id, PARENT_KIND[area.unit.kind])
        if source.unit.key == target.unit.key:
            raise GridError("reparent: it lies there already", "该区域已属于此上级")
        land = TransferredLand([_with_shape(area)], operation.parts_reason.strip())
        self._move(land, source, target)
        area.code = self.codes.of_larger(area.unit.kind, target.code, area.unit.code, operation.code)
        self.codes.take(area.unit.kind, area.code)
        area.parent_id, area.reason = target.unit.key, REASONS["reparent"]
        self._larger[unit.key] = area
        self._descend(unit.key, area.code)

    def _descend(self, area_id: int, code: str) -> None:
        """Return new versions of all that lies in an area whose code changed."""
        statement = select(*UNIT_COLUMNS).where(Area.parent_id == area_id, Area.valid_to.is_(None))
        for row in self.db.execute(statement.order_by(Area.code)).all():
            unit = unit_of(row)
            kind = unit.kind
            new = code + unit.code[len(code) :] if kind in CODED_BY_PARENT else unit.code
            self.codes.take(kind, new)
            reason = REASONS["reparent"]
            if kind in PARENT_KIND:
                self._larger[unit.key] = _Larger(unit, unit.shape, new, area_id, reason)
                self._descend(unit.key, new)
            else:
                self._small.append(NewVersion(unit, kind, new, unit.name, area_id, unit.shape, reason))

    def _move(self, land: TransferredLand, source: _Larger, target: _Larger) -> None:
        """Take land from the outlines of one chain of areas and give it to the other, up to the common superior."""
        check_common_edge(land, _with_shape(target))
        giving = [place for place in self._chain(source)]
        taking = [place for place in self._chain(target)]
        common = {place.unit.key for place in giving} & {place.unit.key for place in taking}
        for place in giving:
            if place.unit.key not in common:
                place.shape = subtract_land(_with_shape(place), land)
                place.losses += [unit.key for unit in land.units]
                self._larger[place.unit.key] = place
        for place in taking:
            if place.unit.key not in common:
                place.shape = add_land(_with_shape(place), land)
                place.gains += [unit.key for unit in land.units]
                self._larger[place.unit.key] = place

    def _chain(self, place: _Larger) -> list[_Larger]:
        """Return the area and those above it, as the operations before have put them."""
        chain = [place]
        while (above := chain[-1].parent_id) is not None:
            chain.append(self._now(above, *HIERARCHY))
        return chain

    def _target(self, area_id: int, kind: str) -> _Larger:
        """Return the version that holds now; the draft may name an earlier one of the same code."""
        if self._as_now(area_id) is None:
            current_units(self.db, [area_id], (kind,))  # says what became of it
        return self._now(area_id, kind)

    def _now(self, area_id: int | None, *kinds: str) -> _Larger:
        found = self._as_now(area_id)
        if found is None or found.kind not in kinds:
            raise UnknownArea(
                f"area {area_id}: no {' or '.join(kinds)} that holds now", f"{area_id} 不是现行的上级区域"
            )
        if found.key not in self._larger:
            parent = self._as_now(found.parent_id)
            return _Larger(found, found.shape, found.code, None if parent is None else parent.key)
        return self._larger[found.key]

    def _as_now(self, area_id: int | None) -> Unit | None:
        """Return the version that holds now; nothing is written while a plan is made."""
        if area_id is not None and area_id not in self._current:
            self._current |= current_versions(self.db, [area_id])
        return self._current.get(area_id)

    def versions(self) -> list[NewVersion]:
        """Return new versions of all areas concerned, larger ones first."""
        larger = sorted(self._larger.values(), key=lambda place: (RANK[place.unit.kind], place.unit.code))
        return [self._version(place) for place in larger] + self._small

    def _version(self, p: _Larger) -> NewVersion:
        return NewVersion(
            p.unit, p.unit.kind, p.code, p.unit.name, p.parent_id, p.shape, p.reason,
            gains=tuple(p.gains), losses=tuple(p.losses),
        )  # fmt: skip


def _with_shape(place: _Larger) -> Unit:
    return dataclasses.replace(place.unit, shape=place.shape)


def _in_code_order(units: list[Unit]) -> list[Unit]:
    def key(unit: Unit) -> tuple[float, float]:
        point = unit.shape.representative_point()
        return point.x, -point.y

    return sorted(units, key=key)
