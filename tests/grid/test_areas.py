from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

import tests.support.change_sets as editing
from grid.areas import ancestors, read_areas, scope_area_ids
from grid.errors import GridError, UnknownArea
from grid.responsibility import ANSWER_SCHEMA, assign, assign_many
from grid.responsibility.locating import locate_point
from tests.support.square_town import (
    NOW,
    START,
    community_code,
    insert_area,
    insert_duties,
    insert_duty,
    insert_spread_enterprise,
    middle,
    square,
    unit_code,
    x,
    y,
)

CHANGE = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def test_read_areas(db: Session, ids: dict[str, int]) -> None:
    frame = read_areas(db, kind="community")
    assert frame["code"].tolist() == ["320601001001", "320601001002", "320601002001", "320601002002"]
    assert list(frame.columns) == [
        "id",
        "code",
        "name",
        "kind",
        "parent_id",
        "valid_from",
        "valid_to",
        "geometry",
    ]
    assert frame.crs.to_epsg() == 4326
    assert frame["parent_id"].tolist() == [ids["320601001"]] * 2 + [ids["320601002"]] * 2
    assert len(read_areas(db, kind="unit_grid", parent_id=ids["320601001001"])) == 4
    box = (x(0.2), y(0.2), x(0.8), y(0.8))
    assert read_areas(db, kind=("unit_grid", "town"), bbox=box)["code"].tolist() == [
        "320601001",
        unit_code(0, 0),
    ]
    assert len(read_areas(db, kind="unit_grid", at=START - dt.timedelta(days=1))) == 0
    with pytest.raises(GridError, match="planet"):
        read_areas(db, kind="planet")
    with pytest.raises(GridError, match="zone"):
        read_areas(db, kind="town", at=dt.datetime(2024, 1, 1))


def test_versions_as_then_and_as_now(db: Session, ids: dict[str, int]) -> None:
    db.execute(text("UPDATE areas SET valid_to = :at WHERE id = :id"), {"at": CHANGE, "id": ids["320601"]})
    new = insert_area(db, "320614", "新区", "county", ids["320600"], square(0, 0, 4, 4), start=CHANGE)
    db.execute(text("INSERT INTO area_successions VALUES (:a, :b)"), {"a": ids["320601"], "b": new})
    assert read_areas(db, kind="county", at=CHANGE - dt.timedelta(days=1))["code"].tolist() == ["320601"]
    assert read_areas(db, kind="county", at=CHANGE)["code"].tolist() == ["320614"]


def test_ancestors_and_scope(db: Session, ids: dict[str, int]) -> None:
    chain = ancestors(db, ids[unit_code(3, 3)])
    assert [area.code for area in chain] == [
        unit_code(3, 3),
        "320601002002",
        "320601002",
        "320601",
        "320600",
    ]
    with pytest.raises(UnknownArea):
        ancestors(db, 10**12)
    own = {ids[code] for code in ("320601001", "320601001001", "320601001002")}
    assert set(scope_area_ids(db, "320601001")) == own
    assert len(scope_area_ids(db, "320600")) == 1 + 1 + 2 + 4
    older = insert_area(
        db,
        "320601001",
        "甲乡",
        "town",
        ids["320601"],
        square(0, 0, 2, 4),
        start=START - dt.timedelta(days=9),
        end=START,
    )
    below = insert_area(
        db,
        "320601001009",
        "旧村",
        "community",
        older,
        square(0, 0, 2, 4),
        start=START - dt.timedelta(days=9),
        end=START,
    )
    assert set(scope_area_ids(db, "320601001")) == own | {older, below}
    with pytest.raises(UnknownArea, match="999"):
        scope_area_ids(db, "999")


def test_locate_point(db: Session, ids: dict[str, int]) -> None:
    insert_area(db, "Z1", "区一", "functional_zone", None, square(0, 0, 2, 2))
    insert_area(db, "Z2", "区二", "functional_zone", None, square(1, 1, 3, 3))
    found = locate_point(db, *middle(1, 1), NOW).areas
    assert found.hierarchy["unit_grid"].code == unit_code(1, 1)
    assert [area.code for area in found.overlays["functional_zone"]] == ["Z1", "Z2"]
    assert found.overlays["water"] == []
    nowhere = locate_point(db, 0.0, 0.0, NOW).areas
    assert (nowhere.hierarchy, nowhere.overlays) == ({}, {"functional_zone": [], "water": []})


def test_bulk_assignment_equals_single(db: Session, ids: dict[str, int]) -> None:
    """Areas of then and now, overlapping layers, enterprises, places outside: every column, row by row."""
    insert_duties(db)
    uscc = insert_spread_enterprise(db)
    insert_area(db, "320601401", "高新区", "functional_zone", ids["320600"], square(0, 0, 2, 1))
    insert_duty(db, "ECO-RESUME-001", "高新区管委会", "county", "320601401")
    insert_area(db, "W1", "江", "water", ids["320600"], square(-1, 0, 1, 4))
    insert_duty(db, "ECO-RESUME-001", "水上支队", "county", "W1")
    draft = editing.draft(db, [{"op": "transfer", "area_ids": [ids[unit_code(1, 0)], ids[unit_code(1, 1)]], "community_id": ids[community_code(2, 0)]}], "a")  # fmt: skip
    editing.apply(db, draft.id, "b")
    rng = np.random.default_rng(8)
    lon, lat = rng.uniform(x(-2), x(5), 60), rng.uniform(y(-2), y(5), 60)
    lon[5] = np.nan
    items = [("ECO-RESUME-001", "URB-STALL-002")[k % 2] for k in range(60)]
    usccs = [(uscc, None, "91320600000000000X")[k % 3] for k in range(60)]
    frame = pl.DataFrame({"lon": lon, "lat": lat, "item_code": items, "enterprise_uscc": usccs})
    for at in (NOW, dt.datetime(2025, 1, 1, tzinfo=dt.UTC), dt.datetime.now(dt.UTC)):
        found = assign_many(db, frame, at=at)
        assert found.columns == ["lon", "lat", "item_code", "enterprise_uscc", *ANSWER_SCHEMA]
        assert {"assigned", "nearest_assumed", "no_area"} == set(found["outcome"])
        for k, row in enumerate(found.iter_rows(named=True)):
            if k == 5:
                assert row["outcome"] == "no_area" and row["lead_body"] is None
                continue
            one = assign(db, lon=lon[k], lat=lat[k], item_code=items[k], at=at, enterprise_uscc=usccs[k])
            assert {name: row[name] for name in ANSWER_SCHEMA} == one.flat(), (at, k)
    with pytest.raises(GridError, match="item_code"):
        assign_many(db, frame.drop("item_code"), at=NOW)
    assert assign_many(db, frame.clear(), at=NOW).height == 0


def test_bulk_answers_name_the_successors(db: Session, ids: dict[str, int]) -> None:
    """A grid that went to the other town.

    The town of then leads, the codes and the lead of now stand beside it.
    """
    insert_duties(db)
    moved = [ids[unit_code(1, 0)]]
    draft = editing.draft(
        db, [{"op": "transfer", "area_ids": moved, "community_id": ids[community_code(2, 0)]}], "a"
    )
    editing.apply(db, draft.id, "b")
    lon, lat = zip(middle(1, 0), middle(3, 3), strict=True)
    frame = pl.DataFrame({"lon": lon, "lat": lat, "item_code": ["URB-STALL-002"] * 2})
    row, kept = assign_many(db, frame, at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC)).to_dicts()
    assert (row["unit_grid"], row["town"], row["lead_body"]) == (unit_code(1, 0), "320601001", "甲镇人民政府")
    assert (row["unit_grid_now"], row["lead_body_now"]) == ("320601002001005", "乙镇人民政府")
    assert row["town_now"] == "320601001", "the town goes on with another outline"
    assert (kept["unit_grid_now"], kept["community_now"]) == (None, None)
