"""Reach of an account over borders: the areas that an edit changes must all lie in it.

A border between two communities of one town needs the town, one between two towns their county, one between two
counties the city: the smallest area that holds every area of the edit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from grid.areas import AreaVersion, ancestor_chains
from grid.change_sets.operations import OperationBase
from grid.errors import AreaOutOfReach
from grid.topology import Unit
from layers.tables import Area

LARGER = ("community", "town", "county", "city")
"""Kinds of areas that people manage."""
Chains = Sequence[Sequence[AreaVersion]]


def check_reach(db: Session, area_ids: Collection[int] | None, operations: Sequence[OperationBase]) -> None:
    """Refuse operations that change or extend areas outside of the account's own areas.

    Parameters
    ----------
    area_ids : collection of int, or None
        The own areas; None: the whole city.

    Raises
    ------
    AreaOutOfReach
        It names the areas and who may change them.
    """
    if area_ids is None:
        return
    named = {key for operation in operations for key in [*operation.changed_ids, *operation.target_ids]}
    wanted = {key for key in named if key > 0}  # others were made of areas in reach, by steps before
    inside = select(Area.id).where(
        Area.id.in_(wanted), or_(Area.parent_id.in_(area_ids), Area.id.in_(area_ids))
    )
    outside = wanted - set(db.scalars(inside))
    if outside:
        found = ancestor_chains(db, sorted(wanted), dt.datetime.now(dt.UTC))
        names = [found[key][0].label if found.get(key) else f"#{key}" for key in sorted(outside)]
        raise out_of_reach(names, [chain for chain in found.values() if chain])


def is_in_reach(unit: Unit, area_ids: Collection[int] | None) -> bool:
    """Return whether a unit grid lies in the own areas."""
    return area_ids is None or unit.key in area_ids or unit.parent_id in area_ids


def chains_of(db: Session, units: Sequence[Unit]) -> dict[int, list[AreaVersion]]:
    """Return for each unit grid the areas that contain it; one that a step made has those of its community."""
    roots = {unit.key: unit.key if unit.key > 0 else unit.parent_id for unit in units}
    wanted = sorted({root for root in roots.values() if root is not None})
    found = ancestor_chains(db, wanted, dt.datetime.now(dt.UTC))
    return {key: found[root] for key, root in roots.items() if root is not None}


def out_of_reach(names: Sequence[str], chains: Chains) -> AreaOutOfReach:
    """Make the refusal of an edit of areas of which some, by name, lie outside of the own ones."""
    may_en, may_zh = who_may(chains)
    return AreaOutOfReach(
        f"{', '.join(names)}: outside of your area. {may_en}",
        f"{'、'.join(names)} 不在您的管理范围内。{may_zh}",
    )


def who_may(chains: Chains) -> tuple[str, str]:
    """Say in English and Chinese who may change areas together, given each with all areas that contain it.

    Examples
    --------
    >>> import datetime as dt
    >>> began = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    >>> county = AreaVersion(1, "320601", "某区", "county", None, began, None)
    >>> towns = [AreaVersion(k, f"32060100{k}", f"{n}镇", "town", 1, began, None) for k, n in ((2, "甲"), (3, "乙"))]
    >>> who_may([[towns[0], county], [towns[1], county]])[0]
    'The border of 甲镇（320601002） and 乙镇（320601003） is changed by whoever manages 某区（320601）.'
    """
    larger = [[area for area in chain if area.kind in LARGER] for chain in chains]
    common = (
        next((a for a in larger[0] if all(a.id in [b.id for b in c] for c in larger)), None)
        if larger
        else None
    )
    if common is None:
        return (
            "No city holds all of these areas: nobody changes them here.",
            "这些区域不属于同一城市，不能在此修改。",
        )
    below = {area.id: area for chain in larger for area in _just_below(chain, common.id)}
    sides = sorted(below.values(), key=lambda area: area.code)
    if len(sides) < 2:
        return (
            f"This is changed by whoever manages {common.label}.",
            f"须由管理{common.label}或其上级的人员修改。",
        )
    return (
        f"The border of {' and '.join(area.label for area in sides)} is changed by whoever manages {common.label}.",
        f"{'、'.join(area.label for area in sides)} 之间的边界须由管理{common.label}或其上级的人员修改。",
    )


def _just_below(chain: Sequence[AreaVersion], area_id: int) -> list[AreaVersion]:
    position = [area.id for area in chain].index(area_id)
    return [chain[position - 1]] if position else []
