"""Codes that stay: a unit grid whose border was only corrected goes on under its code, in a new version.

Only moves of corners and edges and redrawn boundaries are corrections. Grids that were split, merged, or given to
another community get new codes, whatever land they keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grid.change_sets.chain.lineage import Lineage
from grid.change_sets.codes import Codes
from grid.change_sets.plan import REASONS
from grid.errors import CodeNotKept
from grid.topology import Unit, local_area_m2

CORRECTIONS = ("move_vertex", "move_edge", "insert_vertex", "delete_vertex", "reshape")
_REASONS = frozenset(REASONS[op] for op in CORRECTIONS)


@dataclass(frozen=True)
class Kept:
    """A stored unit grid that goes on, the share of its land that it keeps, and why its border changed."""

    stored: Unit
    share: float
    reason: str


def keep_codes(lineage: Lineage, codes: Codes, fresh: Sequence[int]) -> dict[int, Kept]:
    """Return the new unit grids of a draft that go on under a stored one's code, by their ids in the draft.

    Parameters
    ----------
    fresh : sequence of int
        New unit grids that lie in the community of a grid that they follow.

    Raises
    ------
    CodeNotKept
        A corrected grid keeps less of its land than ``codes.least_kept``, or its own land is less than this share of
        what it has afterwards; it says how much.
    """
    if codes.least_kept is None:
        return {}
    followers = lineage.followers()
    kept: dict[int, Kept] = {}
    for stored in _ended(lineage):
        after = [key for key in fresh if stored.key in lineage.stored_before(key) and key not in kept]
        reasons = [
            reason
            for key in (stored.key, *followers.get(stored.key, ()))
            for reason in lineage.reasons.get(key, ())
        ]
        if not after or not reasons or not _REASONS.issuperset(reasons):
            continue
        land = {key: _common_m2(lineage, stored, key) for key in after}
        heir = max(after, key=lambda key: land[key])
        share = land[heir] / local_area_m2(stored.shape)
        if share < codes.least_kept:
            raise _refusal(stored, share, codes.least_kept)
        grown = local_area_m2(lineage.areas.changed[heir].shape) / land[heir]
        if grown * codes.least_kept > 1:
            raise _growth_refusal(stored, grown, codes.least_kept)
        kept[heir] = Kept(stored, min(share, 1.0), "、".join(dict.fromkeys(reasons)))
    return kept


def _ended(lineage: Lineage) -> list[Unit]:
    ended = [unit for key, unit in lineage.areas.originals.items() if key in lineage.areas.ended]
    return [unit for unit in ended if unit.kind == "unit_grid" and unit.key > 0]


def _common_m2(lineage: Lineage, stored: Unit, key: int) -> float:
    return local_area_m2(stored.shape.intersection(lineage.areas.changed[key].shape))


def _refusal(unit: Unit, share: float, least: float) -> CodeNotKept:
    return CodeNotKept(
        f"{unit.label} keeps {share:.1%} of its land: a code is kept from {least:.0%} on."
        " Give new codes, or change less.",
        f"{unit.label} 仅保留 {share:.1%} 的原有面积，低于保留编码所需的 {least:.0%}：请改用新编码，或缩小调整范围",
        [unit.label],
    )


def _growth_refusal(unit: Unit, grown: float, least: float) -> CodeNotKept:
    own = 1 / grown
    return CodeNotKept(
        f"{unit.label} would grow until only {own:.1%} of it is its own land: a code is kept from {least:.0%} on."
        " Give new codes, or change less.",
        f"{unit.label} 扩大后原有面积仅占 {own:.1%}，低于保留编码所需的 {least:.0%}：请改用新编码，或缩小调整范围",
        [unit.label],
    )
