"""Areas that stand again as a change set made them, after later changes were taken back.

An undo ends what the change set began. When a later change set has ended that, and was undone itself, the area holds
again as a new version: the same code, parent, name and land. Such a version stands for the one of the change set, so
that change sets can be undone one after the other, the latest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.change_sets.current_areas import current_units
from grid.topology.checks import Unit, differs

_LATER = text("""
SELECT f.id AS asked, n.id, n.valid_to IS NOT NULL AS ended, c.undoes_id IS NOT NULL AS by_undo,
       (n.name, above.code) IS NOT DISTINCT FROM (f.name, former.code) AS same_place,
       ST_AsBinary(f.geom) AS before, ST_AsBinary(n.geom) AS after
FROM areas f JOIN areas n ON n.code = f.code AND n.kind = f.kind AND n.valid_from > f.valid_from
LEFT JOIN areas former ON former.id = f.parent_id
LEFT JOIN areas above ON above.id = n.parent_id
LEFT JOIN change_sets c ON c.id = n.change_set_id
WHERE f.id = ANY(:ids) AND f.valid_to IS NOT NULL
ORDER BY f.id, n.valid_from DESC
""")


def standing_units(db: Session, ids: Sequence[int], kinds: Sequence[str] = ("unit_grid",)) -> dict[int, Unit]:
    """Areas that hold now for areas by id: themselves, or the version that an undo has given their land back to.

    All are locked against change until the transaction ends.

    Raises
    ------
    UnknownArea
        An id that is no area of these kinds.
    EditConflict
        One has ended for good, or its land, parent or name is another one now; says who changed it into what.
    """
    later: dict[int, list[Any]] = {}
    for row in db.execute(_LATER, {"ids": list(ids)}).all():
        later.setdefault(row.asked, []).append(row)
    stands = {asked: _stand_in(asked, rows) for asked, rows in later.items()}
    now = current_units(db, [stands.get(area_id, area_id) for area_id in ids], kinds)
    return {area_id: now[stands.get(area_id, area_id)] for area_id in ids}


def _stand_in(asked: int, newest_first: Sequence[Any]) -> int:
    """Id of the version that stands for another one; where none does, of the last that ended."""
    newest = newest_first[0]
    if newest.ended:
        return int(newest.id)
    if newest.by_undo and newest.same_place and _same_land(newest.before, newest.after):
        return int(newest.id)
    return int(newest_first[1].id) if len(newest_first) > 1 else asked


def _same_land(before: bytes, after: bytes) -> bool:
    """Whether two outlines hold the same land; one may have more nodes on its edges."""
    if bytes(before) == bytes(after):
        return True
    former, now = shapely.from_wkb([bytes(before), bytes(after)])
    return not differs(former, now)
