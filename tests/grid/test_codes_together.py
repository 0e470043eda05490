"""Several changes of parents in one change set: no code is given twice, each begins with its parent's."""

from __future__ import annotations

from sqlalchemy.orm import Session

import tests.support.change_sets as editing
from grid.areas import read_areas
from tests.support.partition_checks import assert_tiles
from tests.support.square_town import insert_town


def test_codes_of_one_change_set_never_meet(db: Session) -> None:
    """A community goes to another town and a zone goes into that community, in either order.

    No code twice.
    """
    insert_town(db)
    land = read_areas(db, kind="city").geometry.iloc[0]
    zones, communities, towns = (read_areas(db, kind=k) for k in ("unit_grid", "community", "town"))
    moved = next(
        (c, t)
        for c in communities.itertuples()
        for t in towns.itertuples()
        if c.parent_id != t.id and c.geometry.intersection(t.geometry).length > 0
    )
    community, town = moved
    beside = zones[zones["parent_id"] != community.id]
    zone = next(z for z in beside.itertuples() if z.geometry.intersection(community.geometry).length > 0)
    reparent = {"op": "reparent", "area_id": int(community.id), "parent_id": int(town.id)}
    transfer = {"op": "transfer", "area_ids": [int(zone.id)], "community_id": int(community.id)}
    for operations in ([reparent, transfer], [transfer, reparent]):
        row = editing.apply(db, editing.draft(db, operations, "a").id, "b")
        now = read_areas(db, kind="unit_grid")
        codes = dict(
            zip(read_areas(db, kind="community")["id"], read_areas(db, kind="community")["code"], strict=True)
        )
        assert now["code"].is_unique and len(now) == len(zones)
        assert all(one.code.startswith(codes[one.parent_id]) for one in now.itertuples())
        assert_tiles(db, land)
        editing.undo(db, row.id, "c")
        zone_now = read_areas(db, kind="unit_grid").set_index("code").loc[zone.code]
        back = read_areas(db, kind="community").set_index("code").loc[community.code]
        reparent["area_id"], transfer["community_id"] = int(back.id), int(back.id)
        transfer["area_ids"] = [int(zone_now.id)]
        reparent["parent_id"] = int(read_areas(db, kind="town").set_index("code").loc[town.code].id)
