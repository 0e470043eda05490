"""Lineage of the areas of a draft: which stored areas each follows, by which steps, and what it takes of them."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import shapely

from grid.change_sets.current_areas import WorkingAreas
from grid.change_sets.plan import NewUnit, NewVersion, Plan
from grid.topology import COMMON_LAND_M2, Unit, local_area_m2


class Lineage:
    """The areas after the steps so far, with where they come from.

    Attributes
    ----------
    areas : WorkingAreas
    reasons : dict
        Why each area ended or changed, step by step, by id.
    step_of : dict
        Number of the step that made an area or gave it its parent, by id.
    moved : dict
        By id of a larger area: stored areas, with the share of their households that came (or, below 0, left).
    also : dict
        Further stored areas that an area follows, by its id.
    by_land : set of int
        Areas whose households are those of their predecessors by land.
    several_parts : set of int
        New unit grids that may have several parts.
    given_codes : dict
        Codes that were asked for, by id.
    emptied : list of Unit
        Responsibility and evaluation grids of which nothing is left.
    """

    def __init__(self, areas: WorkingAreas) -> None:
        self.areas = areas
        self.reasons: dict[int, list[str]] = defaultdict(list)
        self.step_of: dict[int, int] = {}
        self.moved: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        self.also: dict[int, dict[int, None]] = defaultdict(dict)
        self.by_land: set[int] = set()
        self.several_parts: set[int] = set()
        self.given_codes: dict[int, str] = {}
        self.emptied: list[Unit] = []
        self._before: dict[int, tuple[int, ...]] = {}
        self._first: dict[int, Unit] = {}

    def take(self, step: int, plan: Plan, made: Mapping[int, NewUnit]) -> None:
        """Take the plan of one step over: the areas are those after it."""
        for version in plan.versions:
            self._count_land(version)
        for unit in plan.noded:
            self.areas.put(self.areas.stored(unit.key), unit)
        for version in plan.versions:
            self._change(step, version)
        for unit in plan.removed:
            self.reasons[unit.key].append(plan.reasons[unit.key])
        for k, (key, new) in enumerate(made.items(), start=1):
            self._begin(step, key, f"{step}-{k}", new, plan.removed)
        for unit in [*plan.removed, *plan.ended]:
            self.areas.end(unit)
        self.emptied += [self.areas.originals[unit.key] for unit in plan.ended]

    def _begin(self, step: int, key: int, code: str, new: NewUnit, removed: list[Unit]) -> None:
        self._before[key], self.step_of[key] = new.predecessors, step
        first = next(unit for unit in removed if unit.key in new.predecessors)
        self._first[key] = self._first.get(first.key, first)
        if new.several_parts:
            self.several_parts.add(key)
        self.areas.changed[key] = Unit(key, code, "新网格", new.parent_id, new.shape)

    def _change(self, step: int, version: NewVersion) -> None:
        key, old = version.old.key, version.old
        now = dataclasses.replace(old, shape=version.shape, parent_id=version.parent_id)
        if now.parent_id != old.parent_id or key not in self.step_of:
            self.step_of[key] = step
        self.areas.put(old, now)
        self.reasons[key].append(version.reason)
        self.also[key] |= dict.fromkeys(version.also)
        if version.by_land:
            self.by_land.add(key)

    def _count_land(self, version: NewVersion) -> None:
        account = self.moved[version.old.key]
        for sign, land in ((1, version.gains), (-1, version.losses)):
            for key, share in land:
                for stored, part in self._land(key).items():
                    account[stored] += sign * share * part

    def _land(self, key: int) -> dict[int, float]:
        """Return the stored areas of which an area consists now, each with its share."""
        if key > 0:
            return {key: 1.0} | self.moved.get(key, {})
        return self.shares_of(key)

    def code_before(self, key: int) -> str:
        """Return the code of the stored unit grid that an area follows first."""
        unit = self._first.get(key) or self.areas.originals.get(key)
        return self.areas.changed[key].code if unit is None else unit.code

    def shares_of(self, key: int) -> dict[int, float]:
        """Return the share that a new unit grid takes of each stored one that it follows, by id."""
        shape = self.areas.changed[key].shape
        common = {}
        for stored in self.stored_before(key):
            before = self._stored_shape(stored)
            common[stored] = (local_area_m2(before.intersection(shape)), local_area_m2(before))
        kept = {stored: pair for stored, pair in common.items() if pair[0] > COMMON_LAND_M2} or common
        return {stored: min(part / whole, 1.0) for stored, (part, whole) in kept.items()}

    def _stored_shape(self, key: int) -> Any:
        unit = self.areas.originals.get(key)
        return (unit or self.areas.stored(key)).shape

    def stored_before(self, key: int) -> list[int]:
        """Return the ids of all stored unit grids before a new one, step by step back."""
        found: dict[int, None] = {}
        for before in self._before[key]:
            found |= {before: None} if before > 0 else dict.fromkeys(self.stored_before(before))
        return list(found)

    def reasons_of(self, keys: list[int]) -> str:
        """Return why areas changed, each reason once, in the order of the steps."""
        return "、".join(dict.fromkeys(reason for key in keys for reason in self.reasons.get(key, ())))

    def has_new_parts(self) -> bool:
        """Return whether an area other than a unit grid lies in more parts than it is stored with."""
        larger = [key for key, unit in self.areas.changed.items() if key > 0 and unit.kind != "unit_grid"]
        now = [len(shapely.get_parts(self.areas.changed[key].shape)) for key in larger]
        before = [len(shapely.get_parts(self.areas.originals[key].shape)) for key in larger]
        return any(after > parts for after, parts in zip(now, before, strict=True))

    def followers(self) -> dict[int, list[int]]:
        """Return for every stored unit grid all new ones that ever followed it, ended ones too."""
        found: dict[int, list[int]] = defaultdict(list)
        for key in self._before:
            for stored in self.stored_before(key):
                found[stored].append(key)
        return found
