"""Chained steps: each works on the result of those before it, and the change set tells only what became of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

import tests.support.change_sets as editing
from grid.areas import read_areas
from grid.errors import CodeNotKept, GridError, TopologyFault, UnknownArea
from tests.support.enterprises import insert_enterprise, insert_site
from tests.support.partition_checks import (
    assert_history,
    assert_managed,
    assert_same_state,
    assert_tiles,
    state,
)
from tests.support.square_town import insert_area, insert_managing, line, square, unit_code, x, y

LAND = square(0, 0, 4, 4)
SOUTH_WEST, SOUTH_EAST = "320601001001", "320601002001"


def carry_out(db: Session, *operations: dict[str, Any]) -> Any:
    done = editing.apply(db, editing.draft(db, list(operations), "anna").id, "bo")
    assert_tiles(db, LAND)
    assert_managed(db)
    return done


@pytest.fixture
def town(db: Session, ids: dict[str, int]) -> dict[str, int]:
    """The square town with its responsibility and evaluation grids."""
    insert_managing(db, ids)
    return ids


def cut(area_id: int, *points: tuple[float, float]) -> dict[str, Any]:
    return {"op": "split", "area_id": area_id, "line": line(*points)}


def give(community: int, *area_ids: int) -> dict[str, Any]:
    return {"op": "transfer", "area_ids": list(area_ids), "community_id": community}


def test_a_strip_is_cut_off_and_given_away_in_one_change_set(db: Session, town: dict[str, int]) -> None:
    """By hand: the eastern quarter of square (1, 0) goes over the border of two towns, with a quarter of its homes."""
    whole = town[unit_code(1, 0)]
    everywhere = [whole, town[SOUTH_WEST], town[SOUTH_EAST]]
    db.execute(text("UPDATE areas SET households = 100 WHERE id = ANY(:ids)"), {"ids": everywhere})
    insert_site(db, insert_enterprise(db), "S", x(1.9), y(0.5), area_id=town[SOUTH_WEST])
    before = state(db)
    steps = [cut(whole, (1.75, 0), (1.75, 1)), give(town[SOUTH_EAST], -10002)]
    draft = editing.draft(db, steps, "anna")
    assert draft.area_id == town["320601"]
    assert draft.preview["steps"] == [
        {"op": "split", "made": [-10001, -10002]},
        {"op": "transfer", "made": []},
    ]
    assert draft.preview["voided_codes"] == [unit_code(1, 0)]
    assert draft.preview["new_codes"] == [f"{SOUTH_WEST}005", f"{SOUTH_EAST}005"]
    done = editing.apply(db, draft.id, "bo")
    assert_tiles(db, LAND)
    assert_managed(db)
    now = read_areas(db, kind=["unit_grid", "community"]).set_index("code")
    assert (
        now.geometry[f"{SOUTH_WEST}005"].symmetric_difference(shapely.box(x(1), y(0), x(1.75), y(1))).area
        < 1e-15
    )
    assert (
        now.geometry[f"{SOUTH_EAST}005"].symmetric_difference(shapely.box(x(1.75), y(0), x(2), y(1))).area
        < 1e-15
    )
    assert now.geometry[SOUTH_EAST].area == pytest.approx(4.25e-6)
    homes = dict(db.execute(text("SELECT code, households FROM areas WHERE valid_to IS NULL")).all())
    assert [homes[code] for code in (f"{SOUTH_WEST}005", f"{SOUTH_EAST}005")] == pytest.approx([75, 25])
    assert [homes[code] for code in (SOUTH_WEST, SOUTH_EAST)] == pytest.approx([75, 125])
    moved = "SELECT a.code FROM sites s JOIN areas a ON a.id = s.area_id"
    assert db.execute(text(moved)).scalar_one() == SOUTH_EAST
    ended = db.execute(text("SELECT void_reason FROM areas WHERE id = :id"), {"id": whole}).scalar_one()
    assert ended == f"拆分 split、划转 transferred (change set {done.id})"
    count = "SELECT count(*) FROM areas WHERE change_set_id = :id AND kind = 'unit_grid'"
    assert db.execute(text(count), {"id": done.id}).scalar_one() == 2, (
        "nothing that stood only between the steps"
    )
    editing.undo(db, done.id, "carl")
    assert_same_state(db, before)
    assert_history(db, LAND)


def test_the_steps_of_a_day(db: Session, town: dict[str, int]) -> None:
    """Cut, give, cut again, merge with what lies there, bend the border: five steps, four grids less or more."""
    before = state(db)
    done = carry_out(
        db,
        cut(town[unit_code(1, 0)], (1.5, 0), (1.5, 1)),
        give(town[SOUTH_EAST], -10002),
        cut(-10002, (1.5, 0.5), (2, 0.5)),
        {"op": "merge", "area_ids": [-30001, town[unit_code(2, 0)]]},
        {"op": "move_vertex", "area_id": -30002, "vertex": [x(2), y(0.5)], "to": [x(2.2), y(0.6)]},
    )
    assert done.result["new_codes"] == [f"{SOUTH_WEST}005", f"{SOUTH_EAST}005", f"{SOUTH_EAST}006"]
    now = read_areas(db, kind="unit_grid").set_index("code").geometry
    rest = shapely.Polygon([(x(c), y(r)) for c, r in ((1.5, 0), (2, 0), (2.2, 0.6), (1.5, 0.5))])
    assert any(shape.symmetric_difference(rest).area < 1e-15 for shape in now)
    back = editing.undo(db, done.id, "carl")
    assert_same_state(db, before)
    editing.undo(db, back.id, "bo")
    assert_tiles(db, LAND)
    assert_managed(db)


def test_two_communities_swap_grids(db: Session, town: dict[str, int]) -> None:
    swap = [give(town[SOUTH_EAST], town[unit_code(1, 0)]), give(town[SOUTH_WEST], town[unit_code(2, 1)])]
    done = carry_out(db, *swap)
    areas = read_areas(db, kind="community").set_index("code").geometry
    assert [areas[code].area for code in (SOUTH_WEST, SOUTH_EAST)] == pytest.approx([4e-6, 4e-6])
    assert sorted(done.result["voided_codes"]) == [unit_code(1, 0), unit_code(2, 1)]


def test_steps_that_take_each_other_back_change_nothing(db: Session, town: dict[str, int]) -> None:
    whole = town[unit_code(1, 0)]
    apart = [cut(whole, (1.5, 0), (1.5, 1)), {"op": "merge", "area_ids": [-10001, -10002]}]
    there = [give(town[SOUTH_EAST], whole), give(town[SOUTH_WEST], whole)]
    for steps in (apart, there):
        assert editing.preview(db, steps, "anna").preview["voided_codes"] == []
        with pytest.raises(GridError, match="nothing would change"):
            editing.draft(db, steps, "anna")
    done = carry_out(db, *apart, cut(town[unit_code(3, 3)], (3.5, 3), (3.5, 4)))
    assert done.result["voided_codes"] == [unit_code(3, 3)], "the merged one is the grid of before"


def test_what_a_step_may_name(db: Session, town: dict[str, int]) -> None:
    whole, split = town[unit_code(1, 0)], cut(town[unit_code(1, 0)], (1.5, 0), (1.5, 1))
    with pytest.raises(GridError, match="name its parts, -10001, -10002"):
        editing.draft(db, [split, give(town[SOUTH_EAST], whole)], "anna")
    for unknown in ([split, give(town[SOUTH_EAST], -10003)], [give(town[SOUTH_EAST], -10001)]):
        with pytest.raises(UnknownArea):
            editing.draft(db, unknown, "anna")
    with pytest.raises(TopologyFault) as fault:
        editing.draft(db, [split, cut(-10002, (1, 0.5), (1.6, 0.5))], "anna")
    assert fault.value.rule == "line_does_not_cross"


def test_a_draft_that_is_approved_after_its_date_begins_with_the_approval(
    db: Session, town: dict[str, int]
) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    split = cut(town[unit_code(1, 0)], (1.5, 0), (1.5, 1))
    draft = editing.draft(db, [split], "anna", effective_at=later)
    draft.effective_at = wanted = dt.datetime.now(dt.UTC) - dt.timedelta(days=30)
    db.flush()
    before = dt.datetime.now(dt.UTC)
    done = editing.apply(db, draft.id, "bo")
    begun = read_areas(db, kind="unit_grid").set_index("code")["valid_from"][f"{SOUTH_WEST}005"]
    assert done.status == "applied" and done.effective_at == wanted
    assert before <= done.applied_at and done.applied_at == begun


SWAPPED = {
    "320601001001": [(1, 0, 3, 1), (1, 1, 2, 2), (1, 2, 3, 3)],
    "320601001002": [(2, 1, 5, 2), (0, 0, 1, 3), (0, 3, 6, 4), (5, 0, 6, 3), (3, 0, 5, 1), (3, 2, 5, 3)],
}
"""Squares of a community and of one around it: the second of the first, and the first of the second, are swapped."""


def test_a_swap_may_leave_a_community_in_parts_between_its_steps(db: Session) -> None:
    ids: dict[str, int | None] = {"": None}
    land = square(0, 0, 6, 4)
    for kind, code in (("city", "320600"), ("county", "320601"), ("town", "320601001")):
        parent = list(ids.values())[-1]
        ids[code] = insert_area(db, code, code, kind, parent, land)
    for community, squares in SWAPPED.items():
        shapes = [square(*corners) for corners in squares]
        outline = shapely.coverage_union_all(shapes)
        ids[community] = insert_area(db, community, community, "community", ids["320601001"], outline)
        for number, shape in enumerate(shapes, start=1):
            code = f"{community}{number:03d}"
            ids[code] = insert_area(db, code, code, "unit_grid", ids[community], shape)
    west, east = (ids[code] or 0 for code in SWAPPED)
    there = give(east, ids["320601001001002"] or 0)
    back = give(west, ids["320601001002001"] or 0)
    with pytest.raises(TopologyFault) as alone:
        editing.draft(db, [there], "anna")
    with pytest.raises(TopologyFault) as unmended:
        split = cut(ids["320601001002003"] or 0, (3, 3), (3, 4))
        editing.draft(db, [there, split], "anna")
    assert alone.value.rule == unmended.value.rule == "multipart"
    editing.apply(db, editing.draft(db, [there, back], "anna").id, "bo")
    assert_tiles(db, land)
    areas = read_areas(db, kind="community").set_index("code").geometry
    assert areas[next(iter(SWAPPED))].area == pytest.approx(7e-6), "2 + 3 + 2 squares"


def test_a_code_is_not_kept_by_a_grid_that_mostly_is_other_land(db: Session, town: dict[str, int]) -> None:
    """A quarter of a square grows by a tenth of it: its own land is 0.25 of 0.35; the rest keeps 0.65 of 0.75."""
    carry_out(db, {"op": "split", "area_id": town[unit_code(0, 0)], "line": line((0.25, 0), (0.25, 1))})
    parts = read_areas(db, kind="unit_grid").sort_values("code")
    pair = [int(key) for key in parts.loc[parts["code"].str[-3:].isin(["005", "006"]), "id"]]
    redrawn = {"op": "reshape", "area_ids": pair, "line": line((0.35, 0), (0.35, 1))}
    with pytest.raises(CodeNotKept, match=r"320601001001005.*only 71.4% of it is its own"):
        editing.preview(db, [redrawn], "anna", keep_codes=True)
    kept = editing.preview(db, [redrawn], "anna", keep_codes=True, least_kept=0.7).preview["kept_codes"]
    assert sorted(code[-3:] for code in kept) == ["005", "006"]
