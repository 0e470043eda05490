"""Responsibility and evaluation grids follow their unit grids.

Outlines by hand, history, what is refused, undo.
"""

from __future__ import annotations

from typing import Any

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

import tests.support.change_sets as editing
from grid.areas import read_areas
from grid.errors import TopologyFault
from tests.support.partition_checks import assert_managed, assert_tiles
from tests.support.square_town import (
    community_code,
    insert_managing,
    line,
    square,
    unit_code,
    x,
    y,
)

LAND = square(0, 0, 4, 4)
SOUTH_WEST = community_code(0, 0)


@pytest.fixture
def ids(db: Session, ids: dict[str, int]) -> dict[str, int]:
    insert_managing(db, ids)
    return ids


def carry_out(db: Session, *operations: dict[str, Any]) -> Any:
    return editing.apply(db, editing.draft(db, list(operations), "a").id, "b")


def outlines(db: Session, kind: str = "responsibility_grid") -> dict[str, Any]:
    return read_areas(db, kind=kind).set_index("code").geometry.to_dict()


def check(db: Session) -> None:
    assert_tiles(db, LAND)
    assert_managed(db)


def test_a_split_changes_no_outline(db: Session, ids: dict[str, int]) -> None:
    before = read_areas(db, kind=("responsibility_grid", "evaluation_grid"))["id"].tolist()
    carry_out(db, {"op": "split", "area_id": ids[unit_code(0, 0)], "line": line((0.5, 0), (0.5, 1))})
    assert read_areas(db, kind=("responsibility_grid", "evaluation_grid"))["id"].tolist() == before
    check(db)


def test_a_merge_over_two_grids_goes_to_one(db: Session, ids: dict[str, int]) -> None:
    """Column 0 of both rows becomes one unit grid: equal land in both.

    The first takes it, the second keeps column 1.
    """
    carry_out(db, {"op": "merge", "area_ids": [ids[unit_code(0, 0)], ids[unit_code(0, 1)]]})
    check(db)
    now = outlines(db)
    assert now[f"{SOUTH_WEST}R1"].equals(square(0, 0, 2, 1).union(square(0, 1, 1, 2)))
    assert now[f"{SOUTH_WEST}R2"].equals(square(1, 1, 2, 2))


def test_a_transfer_joins_the_grid_with_the_longest_edge(db: Session, ids: dict[str, int]) -> None:
    """Square (1, 0) goes to the community in the east.

    Its southern responsibility grid has the common edge.
    """
    target = community_code(2, 0)
    done = carry_out(db, {"op": "transfer", "area_ids": [ids[unit_code(1, 0)]], "community_id": ids[target]})
    check(db)
    now = outlines(db)
    assert now[f"{SOUTH_WEST}R1"].equals(square(0, 0, 1, 1)) and now[f"{target}R1"].equals(square(1, 0, 4, 1))
    assert f"{target}R1" in done.preview["outlines"]
    before = read_areas(db, kind="responsibility_grid", at=done.created_at).set_index("code").geometry
    assert before[f"{SOUTH_WEST}R1"].equals(square(0, 0, 2, 1))
    undone = editing.undo(db, done.id, "c")
    check(db)
    assert outlines(db)[f"{target}R1"].equals(square(2, 0, 4, 1))
    editing.undo(db, undone.id, "b")
    check(db)
    assert outlines(db)[f"{target}R1"].equals(square(1, 0, 4, 1))


def test_a_moved_corner_moves_every_outline(db: Session, ids: dict[str, int]) -> None:
    carry_out(
        db,
        {
            "op": "move_vertex",
            "area_id": ids[unit_code(0, 0)],
            "vertex": [x(1), y(1)],
            "to": [x(1.2), y(1.3)],
        },
    )
    check(db)


def test_a_grid_without_unit_grids_ends_and_an_undo_brings_it_back(db: Session, ids: dict[str, int]) -> None:
    """The northern row goes to the community in the north.

    The responsibility grid of that row has nothing left.
    """
    moved = [ids[unit_code(0, 1)], ids[unit_code(1, 1)]]
    done = carry_out(db, {"op": "transfer", "area_ids": moved, "community_id": ids[community_code(0, 2)]})
    check(db)
    assert f"{SOUTH_WEST}R2" not in outlines(db)
    assert [each["code"] for each in done.result["ended"]] == [f"{SOUTH_WEST}R2"]
    follower = db.execute(
        text("SELECT n.code FROM area_successions s JOIN areas n ON n.id = s.successor_id WHERE"
             " s.predecessor_id = :id"),
        {"id": ids[f"{SOUTH_WEST}R2"]},
    ).scalars().all()  # fmt: skip
    assert follower == [f"{community_code(0, 2)}R1"]
    undone = editing.undo(db, done.id, "c")
    check(db)
    assert outlines(db)[f"{SOUTH_WEST}R2"].equals(square(0, 1, 2, 2))
    editing.undo(db, undone.id, "b")
    check(db)
    assert f"{SOUTH_WEST}R2" not in outlines(db)


def test_a_grid_that_would_fall_apart_is_refused_unless_a_reason_is_given(
    db: Session, ids: dict[str, int]
) -> None:
    """One responsibility grid from column 0 to 2 of row 0, of three unit grids.

    Its middle one cannot go alone.
    """
    carry_out(db, {"op": "split", "area_id": ids[unit_code(0, 0)], "line": line((0.5, 0), (0.5, 1))})
    middle = next(
        u.id for u in read_areas(db, kind="unit_grid").itertuples() if u.geometry.equals(square_half())
    )
    operation = {"op": "merge", "area_ids": [int(middle), ids[unit_code(0, 1)]]}
    with pytest.raises(TopologyFault) as caught:
        carry_out(db, operation)
    assert caught.value.rule == "multipart" and f"{SOUTH_WEST}R1" in caught.value.zones[0]
    carry_out(db, operation | {"parts_reason": "飞地"})
    assert outlines(db)[f"{SOUTH_WEST}R1"].geom_type == "MultiPolygon"


def square_half() -> Any:
    return shapely.box(x(0.5), y(0), x(1), y(1))


def test_households_follow(db: Session, ids: dict[str, int]) -> None:
    """100 households in every unit grid, 400 a community, 200 a responsibility grid.

    One unit grid moves, and back.
    """
    db.execute(text("UPDATE areas SET households = CASE kind WHEN 'unit_grid' THEN 100 WHEN 'community' THEN"
                    " 400 WHEN 'responsibility_grid' THEN 200 END"))  # fmt: skip

    def counts(kind: str) -> list[float]:
        rows = db.execute(text("SELECT households FROM areas WHERE valid_to IS NULL AND kind = :kind ORDER"
                               " BY code"), {"kind": kind})  # fmt: skip
        return [row[0] for row in rows]

    target = ids[community_code(2, 0)]
    done = carry_out(db, {"op": "transfer", "area_ids": [ids[unit_code(1, 0)]], "community_id": target})
    assert counts("community") == [300, 400, 500, 400]
    assert counts("responsibility_grid") == pytest.approx([100, 200, 200, 200, 300, 200, 200, 200], rel=1e-6)
    editing.undo(db, done.id, "c")
    assert counts("community") == [400] * 4 and counts("responsibility_grid") == [200] * 8
    db.execute(text("UPDATE areas SET households = 10 WHERE code = :code"), {"code": unit_code(0, 0)})
    merged = carry_out(db, {"op": "merge", "area_ids": [int(i) for i in read_areas(db, kind="unit_grid")["id"][:2]]})  # fmt: skip
    assert 110 in counts("unit_grid")
    editing.undo(db, merged.id, "c")
    assert sorted(counts("unit_grid"))[:2] == [10, 100]
