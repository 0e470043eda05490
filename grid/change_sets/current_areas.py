"""Current versions of the areas of an edit: unit grids, their neighbours and their larger areas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from grid.errors import EditConflict, UnknownArea
from grid.topology import Unit
from layers.tables import Area, AreaSuccession, ChangeSet

UNIT_COLUMNS = (Area.id, Area.code, Area.name, Area.parent_id, func.ST_AsBinary(Area.geom), Area.kind)


def unit_of(row: Any) -> Unit:
    """Make a unit from a row of ``UNIT_COLUMNS``; a shape of one part is a polygon."""
    shape = shapely.from_wkb(bytes(row[4]))
    parts = shapely.get_parts(shape)
    return Unit(row[0], row[1], row[2], row[3], parts[0] if len(parts) == 1 else shape, row[5])


def areas_by_id(db: Session, ids: Sequence[int]) -> list[Unit]:
    """Read areas of any time, in the order of their ids."""
    rows = db.execute(select(*UNIT_COLUMNS).where(Area.id.in_(ids)).order_by(Area.id)).all()
    return [unit_of(row) for row in rows]


def current_units(db: Session, ids: Sequence[int], kinds: Sequence[str] = ("unit_grid",)) -> dict[int, Unit]:
    """Read current areas by id and lock them until the transaction ends.

    Raises
    ------
    UnknownArea
        An id that is no area of these kinds.
    EditConflict
        One has ended; says who changed it into what.
    """
    statement = select(*UNIT_COLUMNS, Area.valid_to).where(Area.id.in_(ids), Area.kind.in_(kinds))
    rows = db.execute(statement.order_by(Area.id).with_for_update(of=Area)).all()
    missing = sorted(set(ids) - {row[0] for row in rows})
    if missing:
        what = "unit grids" if tuple(kinds) == ("unit_grid",) else " or ".join(kinds)
        raise UnknownArea(f"area_ids {missing}: no {what}", f"{missing} 不是可编辑的区域")
    ended = [unit_of(row) for row in rows if row.valid_to is not None]
    if ended:
        raise _conflict(db, ended)
    return {row[0]: unit_of(row) for row in rows}


def _conflict(db: Session, ended: list[Unit]) -> EditConflict:
    english, chinese = [], []
    for unit in ended:
        found = db.execute(
            select(ChangeSet.id, ChangeSet.approved_by, ChangeSet.applied_at, Area.code)
            .join(AreaSuccession, AreaSuccession.change_set_id == ChangeSet.id)
            .join(Area, Area.id == AreaSuccession.successor_id)
            .where(AreaSuccession.predecessor_id == unit.key)
            .order_by(Area.code)
        ).all()
        codes = ", ".join(row[3] for row in found)
        if found:
            number, who, applied_at, _ = found[0]
            when = applied_at.isoformat() if applied_at else "?"
            english.append(f"{unit.label} became {codes} by change set {number} of {who} at {when}")
            chinese.append(f"{unit.label} 已由 {who} 的变更 {number}（{when}）改为 {codes}")
        else:
            english.append(f"{unit.label} has ended")
            chinese.append(f"{unit.label} 已失效")
    return EditConflict("; ".join(english), "；".join(chinese), [unit.label for unit in ended])


def neighbours(db: Session, units: Sequence[Unit], kind: str = "unit_grid") -> list[Unit]:
    """Return current areas of a kind, of any parent, that touch the box of one of these areas."""
    if not units:
        return []
    keys = [unit.key for unit in units]
    return areas_by_id(db, db.scalars(_BESIDE, {"keys": keys, "kind": kind, "margin": 1e-7}).all())


_BESIDE = text("""
SELECT DISTINCT n.id FROM areas u JOIN areas n ON n.geom && ST_Expand(u.geom, :margin)
WHERE u.id = ANY(:keys) AND n.kind = :kind AND n.valid_to IS NULL AND n.id <> ALL(:keys)
""")


def touching_units(db: Session, points: NDArray[np.float64]) -> list[Unit]:
    """Return current unit grids that have one of the points on their outline or inside (within 0.1 mm)."""
    values = {"x": points[:, 0].tolist(), "y": points[:, 1].tolist(), "near": 1e-9}
    return areas_by_id(db, db.scalars(_TOUCHING, values).all())


_TOUCHING = text("""
SELECT DISTINCT a.id FROM unnest(CAST(:x AS float8[]), CAST(:y AS float8[])) AS p(x, y)
JOIN areas a ON a.kind = 'unit_grid' AND a.valid_to IS NULL
 AND a.geom && ST_Expand(ST_SetSRID(ST_MakePoint(p.x, p.y), 4326), :near)
 AND ST_DWithin(a.geom, ST_SetSRID(ST_MakePoint(p.x, p.y), 4326), :near)
""")


_NOW = text("""
SELECT p.id AS asked, v.id, v.code, v.name, v.parent_id, ST_AsBinary(v.geom), v.kind
FROM areas p JOIN areas v ON v.code = p.code AND v.kind = p.kind AND v.valid_to IS NULL
WHERE p.id = ANY(:ids)
""")


def current_versions(db: Session, ids: Iterable[int | None]) -> dict[int | None, Unit]:
    """Read the current versions of larger areas, by the id of any version; None has none."""
    rows = db.execute(_NOW, {"ids": [area_id for area_id in ids if area_id is not None]}).all()
    return {row[0]: unit_of(row[1:]) for row in rows}


@dataclass(frozen=True)
class Surroundings:
    """The neighbours of unit grids, and the current versions of their communities by id of any version."""

    neighbours: list[Unit]
    communities: dict[int | None, Unit]


def surroundings(db: Session, units: Sequence[Unit]) -> Surroundings:
    """Return the neighbours of unit grids, without themselves, and their communities."""
    return Surroundings(neighbours(db, units), current_versions(db, {unit.parent_id for unit in units}))
