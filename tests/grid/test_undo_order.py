"""Change sets are undone one after the other, the latest first, though a later one had changed the same
larger areas.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

import tests.support.change_sets as editing
from grid.errors import EditConflict
from tests.support.partition_checks import (
    assert_history,
    assert_managed,
    assert_same_state,
    assert_tiles,
    state,
)
from tests.support.square_town import insert_managing, insert_town, square, unit_code, x, y

SOUTH_EAST, NORTH_EAST = "320601002001", "320601002002"
LAND = square(0, 0, 4, 4)


@pytest.fixture
def town(db: Session) -> Session:
    ids = insert_town(db)
    insert_managing(db, ids)
    db.execute(text("UPDATE areas SET households = id, road_length_m = 10 * id"))
    return db


def now(db: Session, code: str) -> int:
    """Id of the version that holds now."""
    found = db.execute(text("SELECT id FROM areas WHERE code = :code AND valid_to IS NULL"), {"code": code})
    return int(found.scalar_one())


def carry_out(db: Session, *operations: dict[str, Any]) -> int:
    return editing.apply(db, editing.draft(db, list(operations), "anna").id, "bo").id


def give(db: Session, code: str, community: str) -> dict[str, Any]:
    return {"op": "transfer", "area_ids": [now(db, code)], "community_id": now(db, community)}


def cut(db: Session, code: str, *points: tuple[float, float]) -> dict[str, Any]:
    line = {"type": "LineString", "coordinates": [[x(c), y(r)] for c, r in points]}
    return {"op": "split", "area_id": now(db, code), "line": line}


def counts(db: Session) -> dict[tuple[str, str], tuple[float, float]]:
    rows = db.execute(
        text("SELECT kind, code, households, road_length_m FROM areas WHERE valid_to IS NULL")
    ).all()
    return {(kind, code): (households, road) for kind, code, households, road in rows}


def assert_taken_back(db: Session, numbers: list[int], before: Any, counted: Any) -> None:
    for number in reversed(numbers):
        editing.undo(db, number, "bo")
    assert_same_state(db, before)
    assert counts(db) == counted
    assert_tiles(db, LAND)
    assert_managed(db)
    assert_history(db, LAND)


def test_two_transfers_between_the_same_towns(town: Session) -> None:
    before, counted = state(town), counts(town)
    made = [carry_out(town, give(town, unit_code(1, 0), SOUTH_EAST))]
    made += [carry_out(town, give(town, unit_code(1, 3), NORTH_EAST))]
    assert_taken_back(town, made, before, counted)


def test_operations_of_every_kind_that_build_on_each_other(town: Session) -> None:
    before, counted = state(town), counts(town)
    made = [carry_out(town, cut(town, unit_code(1, 0), (1.5, 0), (1.5, 1)))]
    east = "320601001001006"
    made += [carry_out(town, give(town, east, SOUTH_EAST))]
    given = f"{SOUTH_EAST}005"
    made += [carry_out(town, cut(town, given, (1.5, 0.5), (2, 0.5)))]
    pair = [now(town, f"{SOUTH_EAST}006"), now(town, unit_code(2, 0))]
    made += [carry_out(town, {"op": "merge", "area_ids": pair})]
    reparent = {
        "op": "reparent",
        "area_id": now(town, NORTH_EAST),
        "parent_id": now(town, "320601001"),
        "code": "320601001007",
    }
    made += [carry_out(town, reparent)]
    moved = "320601001007002"
    made += [carry_out(town, give(town, moved, SOUTH_EAST), cut(town, "320601001007003", (2, 3.5), (3, 3.5)))]
    assert_taken_back(town, made, before, counted)


def test_taken_back_and_done_again(town: Session) -> None:
    before, counted = state(town), counts(town)
    one = carry_out(town, give(town, unit_code(1, 0), SOUTH_EAST))
    two = carry_out(town, give(town, unit_code(1, 3), NORTH_EAST))
    back = editing.undo(town, two, "bo")
    again = editing.undo(town, back.id, "carl")
    third = editing.undo(town, again.id, "bo")
    assert third.status == "applied"
    assert_taken_back(town, [one], before, counted)


def test_what_lies_elsewhere_may_stay(town: Session) -> None:
    """The town lost land twice; the second time was undone; a split in the middle of it stays."""
    one = carry_out(town, give(town, unit_code(1, 0), SOUTH_EAST))
    two = carry_out(town, give(town, unit_code(1, 3), NORTH_EAST))
    carry_out(town, cut(town, unit_code(0, 2), (0.5, 2), (0.5, 3)))
    editing.undo(town, two, "bo")
    editing.undo(town, one, "bo")
    codes = {code for kind, code in state(town) if kind == "unit_grid"}
    assert {unit_code(1, 0), unit_code(1, 3)} < codes and unit_code(0, 2) not in codes
    assert_tiles(town, LAND)
    assert_history(town, LAND)


def test_the_earlier_one_waits_for_the_later_one(town: Session) -> None:
    before = state(town)
    one = carry_out(town, give(town, unit_code(1, 0), SOUTH_EAST))
    two = carry_out(town, give(town, unit_code(1, 3), NORTH_EAST))
    with pytest.raises(EditConflict, match=f"320601001.*change set {two} of bo"):
        editing.undo(town, one, "bo")
    editing.undo(town, two, "bo")
    three = carry_out(town, give(town, unit_code(1, 3), NORTH_EAST))
    with pytest.raises(EditConflict, match=f"320601001.*change set {three} of bo"):
        editing.undo(town, one, "bo")
    editing.undo(town, three, "bo")
    editing.undo(town, one, "bo")
    assert_same_state(town, before)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE areas SET name = '新名' WHERE code = '320601001' AND valid_to IS NULL",
        "UPDATE areas SET change_set_id = NULL WHERE code = '320601001' AND valid_to IS NULL",
        "UPDATE areas SET geom = ST_Multi(ST_Difference(geom, ST_MakeEnvelope(120, 32.0035, 122, 33, 4326)))"
        " WHERE code = '320601001' AND valid_to IS NULL",
    ],
)
def test_another_version_of_the_same_code_is_a_conflict(town: Session, change: str) -> None:
    """Another name, an outline from elsewhere (a file of areas), other land: nothing is undone over it."""
    one = carry_out(town, give(town, unit_code(1, 0), SOUTH_EAST))
    editing.undo(town, carry_out(town, give(town, unit_code(1, 3), NORTH_EAST)), "bo")
    town.execute(text(change))
    before = state(town)
    with pytest.raises(EditConflict, match="320601001"):
        editing.undo(town, one, "bo")
    assert_same_state(town, before)


def test_a_zone_that_was_given_back_has_another_code(town: Session) -> None:
    """Its number of then is void: taken back by an operation is not undone."""
    one = carry_out(town, give(town, unit_code(1, 0), SOUTH_EAST))
    carry_out(town, give(town, f"{SOUTH_EAST}005", "320601001001"))
    with pytest.raises(EditConflict, match=f"{SOUTH_EAST}005"):
        editing.undo(town, one, "bo")


def test_a_corner_that_was_moved_along_an_edge_leaves_no_trace(town: Session) -> None:
    """It went 2.4e-11 degrees off the line between two zones; that line comes back straight."""
    before = state(town)
    place = [x(3) - 5e-5, y(1) + 2.4e-11]
    move = {"op": "move_vertex", "area_id": now(town, unit_code(2, 0)), "vertex": [x(3), y(1)], "to": place}
    editing.undo(town, carry_out(town, move), "bo")
    after = state(town)
    assert_same_state(town, before)
    for key, (_, _, land) in before.items():
        assert after[key][2].equals_exact(land, 0, normalize=True), key


def test_a_border_that_moved_by_a_hair_comes_back(town: Session) -> None:
    """It moved by 0.2 mm, which is 0.009 m² of land, among other steps; then what came before is undone as well."""
    first = state(town)
    one = carry_out(town, cut(town, unit_code(1, 1), (1, 1.5), (2, 1.5)))
    second = state(town)
    edge = {"type": "LineString", "coordinates": [[x(2), y(1)], [x(2), y(1.5)]]}
    bent = {"op": "insert_vertex", "area_id": now(town, unit_code(2, 1)), "edge": edge, "to": [x(2) + 1.9e-9, y(1.25)]}  # fmt: skip
    two = carry_out(town, bent, cut(town, unit_code(0, 3), (0.5, 3), (0.5, 4)))
    assert_tiles(town, LAND)
    assert_managed(town)
    editing.undo(town, two, "bo")
    assert_same_state(town, second)
    editing.undo(town, one, "bo")
    assert_same_state(town, first)
    assert_tiles(town, LAND)
