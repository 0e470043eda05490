"""The table of codes old → new (变更对照表) of a change set: as planned, and as it came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.change_sets.plan import Plan
from grid.topology import Unit, local_area_m2
from layers.tables import ChangeSet

KINDS_LISTED = ("unit_grid", "community", "town")
"""Kinds whose codes people wear or write; of larger ones those are listed that get another code."""


@dataclass(frozen=True)
class CodeRow:
    """One pair of an area that was and one that follows it.

    Attributes
    ----------
    old_code, old_name, new_code, new_name, kind : str
    share : float
        Share of the old area's land that is the new one's, 0 to 1.
    """

    old_code: str
    old_name: str
    new_code: str
    new_name: str
    kind: str
    share: float


def code_table(plan: Plan) -> list[CodeRow]:
    """Return the pairs of a plan, by old code and then by new code."""
    return _sorted(_pairs(plan))


def _pairs(plan: Plan) -> Iterator[CodeRow]:
    before = {unit.key: unit for unit in [*plan.removed, *(version.old for version in plan.kept)]}
    for new in plan.added:
        for old in (before[key] for key in new.predecessors if key in before):
            yield CodeRow(old.code, old.name, new.code, new.name, new.kind, _share(old, new.shape))
    for version in plan.kept:
        for old in (before[key] for key in version.predecessors if key in before):
            yield CodeRow(
                old.code, old.name, version.code, version.name, version.kind, _share(old, version.shape)
            )
    for version in plan.recoded:
        if version.kind in KINDS_LISTED:
            yield CodeRow(version.old.code, version.old.name, version.code, version.name, version.kind, 1.0)


def _share(old: Unit, shape: object) -> float:
    whole = local_area_m2(old.shape)
    return round(min(local_area_m2(old.shape.intersection(shape)) / whole, 1.0), 4) if whole else 0.0


_SUCCESSIONS = text("""
SELECT o.code, o.name, n.code, n.name, n.kind,
       round(LEAST(ST_Area(ST_Intersection(o.geom, n.geom)) / NULLIF(ST_Area(o.geom), 0), 1)::numeric, 4)::float8
FROM area_successions s JOIN areas o ON o.id = s.predecessor_id JOIN areas n ON n.id = s.successor_id
WHERE s.change_set_id = :change_set AND n.kind = ANY(:kinds) AND (n.kind = 'unit_grid' OR o.code <> n.code)
""")


def codes_of_change_set(db: Session, row: ChangeSet) -> list[CodeRow]:
    """Return the pairs of a change set: as it came, or as it is planned while it waits."""
    if row.result is None or row.status not in ("applied", "undone"):
        return [CodeRow(**pair) for pair in row.preview.get("code_table", [])]
    found = db.execute(_SUCCESSIONS, {"change_set": row.id, "kinds": list(KINDS_LISTED)})
    return _sorted(CodeRow(*pair) for pair in found)


def _sorted(rows: Iterator[CodeRow]) -> list[CodeRow]:
    return sorted(rows, key=lambda row: (row.kind, row.old_code, row.new_code))
