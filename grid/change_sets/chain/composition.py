"""Composition of the steps of a draft into one plan: from the stored areas to those after the last step.

Areas that only stood between two steps are left out. What ends as it began is not touched: a grid that was split and
merged again, or given away and taken back, keeps its code. Codes are given once, for the areas after the last step.
"""

from __future__ import annotations

from typing import Any

import shapely
from sqlalchemy.orm import Session

from grid.areas import HIERARCHY, ancestors
from grid.change_sets.chain.kept_codes import keep_codes
from grid.change_sets.chain.lineage import Lineage
from grid.change_sets.codes import Codes
from grid.change_sets.parent_changes import CODED_BY_PARENT, PARENT_KIND, RANK
from grid.change_sets.plan import REASONS, NewUnit, NewVersion, Plan
from grid.topology import Unit, outlines_differ

NO_SHARE = 1e-9
"""A share of land below this came and left again."""


def compose(lineage: Lineage, codes: Codes) -> Plan:
    """Make the plan that leads from the stored areas to those after the last step.

    Raises
    ------
    EditConflict, GridError
        A code that was asked for cannot be given, or none is left.
    """
    made = _Composition(lineage, codes)
    plan = Plan(ended=lineage.emptied)
    made.put_units(plan)
    plan.versions = made.versions()
    begun = {version.old.key for version in plan.versions}
    gone = {unit.key for unit in plan.removed}
    plan.noded = [
        now
        for key, now in (lineage.areas.changed | made.restored).items()
        if key > 0 and key not in begun | gone and not _same(lineage.areas.originals[key].shape, now.shape)
    ]
    plan.scope_area_id = _scope(codes.db, plan)
    return plan


def _same(one: Any, other: Any) -> bool:
    return bool(shapely.equals_exact(one, other))


class _Composition:
    """Areas after the last step against those that are stored."""

    def __init__(self, lineage: Lineage, codes: Codes) -> None:
        self.lineage = lineage
        self.areas = lineage.areas
        self.codes = codes
        self.fresh = [key for key in self.areas.changed if key < 0]
        self.restored = self._restored()
        self.kept = keep_codes(lineage, codes, [key for key in self.fresh if not self._moved(key)])
        self.fresh = [key for key in self.fresh if key not in self.kept]
        self.new_code: dict[int, str] = {}
        self.recoded: dict[int, Unit] = {}
        self._give_larger_codes()
        self.numbered = self._number()

    def _restored(self) -> dict[int, Unit]:
        """Return the stored unit grids that ended and stand again: the same land in the same community."""
        found = {}
        for key in list(self.fresh):
            stored = self.lineage.stored_before(key)
            if len(stored) > 1:
                stored = list(self.lineage.shares_of(key))
            old, now = self.areas.originals[stored[0]], self.areas.changed[key]
            if len(stored) == 1 and self._parent(old) == now.parent_id and not _other_land(old, now):
                found[old.key] = Unit(old.key, old.code, old.name, old.parent_id, now.shape)
                self.fresh = [one for one in self.fresh if one != key]
        return found

    def _parent(self, unit: Unit) -> int | None:
        """Return the id of the version of the parent that holds now."""
        if unit.parent_id is None:
            return None
        found = self.areas.versions([unit.parent_id]).get(unit.parent_id)
        return unit.parent_id if found is None else found.key

    def _moved(self, key: int) -> bool:
        """Return whether a new unit grid lies in another community than each stored one that it follows."""
        now = self.areas.changed[key].parent_id
        return all(self._parent(self._stored(each)) != now for each in self.lineage.stored_before(key))

    def _stored(self, key: int) -> Unit:
        return self.areas.originals.get(key) or self.areas.stored(key)

    def _went(self, key: int) -> bool:
        """Return whether a stored area has another parent after the last step."""
        old, now = self.areas.originals.get(key), self.areas.changed.get(key)
        return old is not None and now is not None and self._parent(old) != self._parent(now)

    def _give_larger_codes(self) -> None:
        """Give codes to larger areas with another parent, the largest first, and to all that lies in them."""
        larger = [
            unit for key, unit in self.areas.changed.items() if unit.kind in PARENT_KIND and self._went(key)
        ]
        for unit in sorted(larger, key=lambda unit: (RANK[unit.kind], self.lineage.step_of[unit.key])):
            parent = self.areas.versions([unit.parent_id])[unit.parent_id]
            above = self.new_code.get(parent.key, parent.code)
            given = self.lineage.given_codes.get(unit.key)
            code = self.codes.of_larger(unit.kind, above, unit.code, given)
            self.codes.take(unit.kind, code)
            self.new_code[unit.key] = code
            self._descend(unit.key, code)

    def _descend(self, area_id: int, code: str) -> None:
        """Give new codes to all that lies in an area whose code changed."""
        for unit in self.areas.children([area_id]):
            if unit.key < 0 or self._went(unit.key):
                continue
            new = code + unit.code[len(code) :] if unit.kind in CODED_BY_PARENT else unit.code
            self.codes.take(unit.kind, new)
            self.new_code[unit.key], self.recoded[unit.key] = new, unit
            if unit.kind in PARENT_KIND:
                self._descend(unit.key, new)

    def _number(self) -> dict[int, tuple[str, str]]:
        """Return code and name of every unit grid that is new or has another community, by id."""
        given = [key for key, unit in self.areas.changed.items() if unit.kind == "unit_grid" and key > 0]
        wanted = [self.areas.changed[key] for key in [*self.fresh, *filter(self._went, given)]]
        numbered = {}
        for unit in sorted(wanted, key=self._order):
            parent = self.areas.versions([unit.parent_id])[unit.parent_id]
            code = self.new_code.get(parent.key, parent.code)
            like = self.lineage.code_before(unit.key)
            (numbered[unit.key],) = self.codes.of_units(parent.key, code, 1, like)
        return numbered

    def _order(self, unit: Unit) -> tuple[int, float, float]:
        place = unit.shape.representative_point()
        return self.lineage.step_of[unit.key], place.x, -place.y

    def put_units(self, plan: Plan) -> None:
        """Put the unit grids that end and those that begin into the plan."""
        ended = [unit for key, unit in self.areas.originals.items() if key in self.areas.ended]
        after = self.lineage.followers()
        goes_on = {*self.restored, *(kept.stored.key for kept in self.kept.values())}
        plan.removed = [unit for unit in ended if unit.kind == "unit_grid" and unit.key not in goes_on]
        plan.reasons = {
            unit.key: self.lineage.reasons_of([unit.key, *after.get(unit.key, ())]) for unit in plan.removed
        }
        for key in sorted(self.fresh, key=lambda key: self._order(self.areas.changed[key])):
            plan.added.append(self._new_unit(key))

    def _new_unit(self, key: int) -> NewUnit:
        unit, shares = self.areas.changed[key], self.lineage.shares_of(key)
        code, name = self.numbered[key]
        parent, reason = unit.parent_id or 0, self.lineage.reasons_of([key])
        several = key in self.lineage.several_parts
        return NewUnit(
            code,
            name,
            parent,
            unit.shape,
            tuple(shares),
            reason,
            several,
            shares=tuple(shares.values()),
            draft_id=key,
        )

    def versions(self) -> list[NewVersion]:
        """Return new versions of stored areas with another outline, parent or code, larger ones first."""
        changed = {
            key: now
            for key, now in self.areas.changed.items()
            if key > 0 and (self._went(key) or _other_land(self.areas.originals[key], now))
        }
        concerned = changed | {key: unit for key, unit in self.recoded.items() if key not in changed}
        made = [self._version(key, unit) for key, unit in concerned.items()]
        made += [self._kept_version(key) for key in self.kept]
        return sorted(made, key=lambda one: (_rank(one.kind), one.code))

    def _kept_version(self, key: int) -> NewVersion:
        """Return the next version of a stored unit grid whose border was corrected."""
        kept, now = self.kept[key], self.areas.changed[key]
        old = kept.stored
        return NewVersion(
            old,
            old.kind,
            old.code,
            old.name,
            now.parent_id,
            now.shape,
            kept.reason,
            tuple(each for each in self.lineage.shares_of(key) if each != old.key),
            by_land=True,
            land_kept=kept.share,
            draft_id=key,
        )

    def _version(self, key: int, now: Unit) -> NewVersion:
        code, name = self.numbered.get(key) or (self.new_code.get(key, now.code), now.name)
        moved = {stored: share for stored, share in self.lineage.moved[key].items() if abs(share) > NO_SHARE}
        return NewVersion(
            self.areas.originals.get(key, now),
            now.kind,
            code,
            name,
            now.parent_id,
            now.shape,
            self.lineage.reasons_of([key]) or REASONS["reparent"],
            tuple(self.lineage.also[key]),
            key in self.lineage.by_land,
            gains=tuple(moved.items()),
        )


def _other_land(old: Unit, now: Unit) -> bool:
    return not _same(old.shape, now.shape) and outlines_differ(old.shape, now.shape)


def _rank(kind: str) -> int:
    return RANK.get(kind, len(HIERARCHY))


def _scope(db: Session, plan: Plan) -> int | None:
    """Return the community, or the smallest area that holds all areas concerned; None: nothing changes."""
    parents = {unit.parent_id for unit in plan.removed if unit.parent_id is not None}
    parents |= {version.old.key for version in plan.versions if version.kind != "unit_grid"}
    parents |= {version.parent_id for version in plan.kept if version.parent_id is not None}
    ancestor_chains = [[area.id for area in ancestors(db, area_id)] for area_id in sorted(parents)]
    if not ancestor_chains:
        return None
    return next(
        (area_id for area_id in ancestor_chains[0] if all(area_id in chain for chain in ancestor_chains)),
        None,
    )
