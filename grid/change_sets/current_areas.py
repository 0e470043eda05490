"""Areas of now as the steps of a draft have left them so far: unit grids, neighbours, larger areas."""

from __future__ import annotations

import datetime as dt
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
from layers.local_time import local_zone
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


@dataclass(frozen=True)
class Surroundings:
    """The neighbours of unit grids, and the current versions of their communities by id of any version."""

    neighbours: list[Unit]
    communities: dict[int | None, Unit]


class WorkingAreas:
    """The areas that hold now, with what the steps of a draft have changed so far; nothing is written.

    An area that goes on keeps its id, whatever its outline and parent; one that a step makes has a negative id.

    Parameters
    ----------
    db : Session
        With the rights of the system.
    """

    def __init__(self, db: Session) -> None:
        self.db = db
        self.originals: dict[int, Unit] = {}
        """Stored areas that were changed or ended, as they were, by id."""
        self.changed: dict[int, Unit] = {}
        """Areas that were changed or made, as they are after the steps so far, by id."""
        self.ended: set[int] = set()
        self._read: dict[int, Unit] = {}
        self._versions: dict[int, Unit] = {}

    def put(self, old: Unit, now: Unit) -> None:
        """Change an area."""
        self._keep_original(old)
        self.changed[old.key] = now

    def end(self, unit: Unit) -> None:
        """End an area."""
        self._keep_original(unit)
        self.changed.pop(unit.key, None)
        self.ended.add(unit.key)

    def _keep_original(self, unit: Unit) -> None:
        if unit.key > 0:
            self.originals.setdefault(unit.key, unit)

    def stored(self, area_id: int) -> Unit:
        """Return an area as it is after the steps so far."""
        return self.changed.get(area_id) or self._read[area_id]

    def units(self, ids: Sequence[int], kinds: Sequence[str] = ("unit_grid",)) -> dict[int, Unit]:
        """Return areas by id; stored ones are locked until the transaction ends.

        Raises
        ------
        UnknownArea
            An id that is no area of these kinds.
        EditConflict
            One has ended, or another version of it is planned; says who changed it into what.
        """
        known = {key: unit for key in ids if (unit := self.changed.get(key)) and unit.kind in kinds}
        return known | current_units(self.db, [key for key in ids if key not in known], kinds)

    def neighbours(self, units: Sequence[Unit], kind: str = "unit_grid") -> list[Unit]:
        """Return areas of a kind, of any parent, that touch the box of one of these areas."""
        if not units:
            return []
        margin = 1e-7
        boxes = shapely.bounds([unit.shape for unit in units]) + np.array([-1, -1, 1, 1]) * margin
        values: dict[str, Any] = dict(zip(("w", "s", "e", "n"), boxes.T.tolist(), strict=True))
        statement = _BESIDE if kind == "unit_grid" else _LARGER_BESIDE
        found = self._as_now(self.db.scalars(statement, values | {"kind": kind}).all(), kind)
        keys = {unit.key for unit in units}
        return [unit for unit in found if unit.key not in keys and _meets(unit.shape, boxes)]

    def touching(self, points: NDArray[np.float64]) -> list[Unit]:
        """Return unit grids that have one of the points on their outline or inside (within 0.1 mm)."""
        near = 1e-9
        values = {"x": points[:, 0].tolist(), "y": points[:, 1].tolist(), "near": near}
        found = self._as_now(self.db.scalars(_TOUCHING, values).all(), "unit_grid")
        places = shapely.multipoints(points)
        return [unit for unit in found if shapely.dwithin(unit.shape, places, near)]

    def children(self, parents: Iterable[int], kind: str | None = None) -> list[Unit]:
        """Return areas of these parents, by code."""
        wanted = set(parents)
        holds = func.holds_at(Area.valid_from, Area.valid_to)
        rows = self.db.execute(select(Area.id, Area.kind).where(Area.parent_id.in_(wanted), holds))
        ids = [
            row.id for row in rows if kind in (None, row.kind)
        ]  # in SQL the kind would hide the index of parents
        found = [unit for unit in self._as_now(ids, kind) if unit.parent_id in wanted]
        return sorted(found, key=lambda unit: unit.code)

    def versions(self, ids: Iterable[int | None]) -> dict[int | None, Unit]:
        """Return larger areas as they are now, by the id of any version; None has none."""
        asked = {key for key in ids if key is not None}
        missing = list(asked - self._versions.keys())
        rows = self.db.execute(_NOW, {"ids": missing}).all() if missing else []
        self._versions |= {row[0]: unit_of(row[1:]) for row in rows}
        found = {key: self._versions[key] for key in asked if key in self._versions}
        return {key: self.changed.get(unit.key, unit) for key, unit in found.items()}

    def surroundings(self, units: Sequence[Unit]) -> Surroundings:
        """Return the neighbours of unit grids, without themselves, and their communities."""
        return Surroundings(self.neighbours(units), self.versions({unit.parent_id for unit in units}))

    def _as_now(self, ids: Sequence[int], kind: str | None) -> list[Unit]:
        """Return stored areas and all changed ones of the kind, as they are after the steps so far."""
        missing = [key for key in ids if key not in self._read]
        self._read |= {unit.key: unit for unit in areas_by_id(self.db, missing)} if missing else {}
        stored = [self._read[key] for key in sorted(ids) if key not in self.ended and key not in self.changed]
        return stored + [unit for unit in self.changed.values() if kind is None or unit.kind == kind]


def _meets(shape: Any, boxes: NDArray[np.float64]) -> bool:
    west, south, east, north = shapely.bounds(shape)
    meets = (boxes[:, 0] <= east) & (boxes[:, 2] >= west) & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
    return bool(meets.any())


_BESIDE = text("""
SELECT DISTINCT n.id FROM unnest(CAST(:w AS float8[]), CAST(:s AS float8[]), CAST(:e AS float8[]), CAST(:n AS float8[]))
 AS b(w, s, e, n) JOIN areas n ON n.geom && ST_MakeEnvelope(b.w, b.s, b.e, b.n, 4326)
WHERE n.kind = :kind AND holds_at(n.valid_from, n.valid_to)
""")
# In the box of a county lie all of its unit grids: ix_areas_larger_geom leaves them out.
_LARGER_BESIDE = text(f"{_BESIDE.text} AND n.kind <> 'unit_grid'")
_TOUCHING = text("""
SELECT DISTINCT a.id FROM unnest(CAST(:x AS float8[]), CAST(:y AS float8[])) AS p(x, y)
JOIN areas a ON a.kind = 'unit_grid' AND holds_at(a.valid_from, a.valid_to)
 AND a.geom && ST_Expand(ST_SetSRID(ST_MakePoint(p.x, p.y), 4326), :near)
 AND ST_DWithin(a.geom, ST_SetSRID(ST_MakePoint(p.x, p.y), 4326), :near)
""")
_NOW = text("""
SELECT p.id AS asked, v.id, v.code, v.name, v.parent_id, ST_AsBinary(v.geom), v.kind
FROM areas p JOIN areas v ON v.code = p.code AND v.kind = p.kind AND holds_at(v.valid_from, v.valid_to)
WHERE p.id = ANY(:ids)
""")


def current_units(db: Session, ids: Sequence[int], kinds: Sequence[str] = ("unit_grid",)) -> dict[int, Unit]:
    """Read current areas by id and lock them until the transaction ends.

    Raises
    ------
    UnknownArea
        An id that is no area of these kinds.
    EditConflict
        One has ended, or another version of it is planned; says who changed it into what.
    """
    if not ids:
        return {}
    statement = select(*UNIT_COLUMNS, Area.valid_from, Area.valid_to).where(
        Area.id.in_(ids), Area.kind.in_(kinds)
    )
    rows = db.execute(statement.order_by(Area.id).with_for_update(of=Area)).all()
    missing = sorted(set(ids) - {row[0] for row in rows})
    if missing:
        what = "unit grids" if tuple(kinds) == ("unit_grid",) else " or ".join(kinds)
        raise UnknownArea(f"area_ids {missing}: no {what}", f"{missing} 不是可编辑的区域")
    now = dt.datetime.now(dt.UTC)
    planned = [row for row in rows if (row.valid_to or row.valid_from) > now]
    if planned:
        raise _planned(planned)
    ended = [unit_of(row) for row in rows if row.valid_to is not None]
    if ended:
        raise _conflict(db, ended)
    return {row[0]: unit_of(row) for row in rows}


def _planned(rows: Sequence[Any]) -> EditConflict:
    days = {
        row.code: (row.valid_to or row.valid_from).astimezone(local_zone()).date().isoformat() for row in rows
    }
    listed = ", ".join(f"{code} ({day})" for code, day in sorted(days.items()))
    return EditConflict(
        f"other versions are planned: {listed}", f"已有未来生效的版本：{listed}", sorted(days)
    )


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
