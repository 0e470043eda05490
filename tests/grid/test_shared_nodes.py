"""Whatever an edit changes, outlines keep their common edges node by node, and the land stays covered to
the edge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy.orm import Session

import tests.support.change_sets as editing
from grid.areas import read_areas
from grid.errors import TopologyFault
from grid.topology import Unit, check_replacement, insert_nodes, move
from tests.support.partition_checks import assert_managed, assert_tiles
from tests.support.square_town import insert_managing, insert_town, square, unit_code, x, y

LAND = square(0, 0, 4, 4)
SCALE = 0.001


def carry_out(db: Session, *operations: dict[str, Any]) -> int:
    row = editing.apply(db, editing.draft(db, list(operations), "anna").id, "bo")
    assert_tiles(db, LAND)
    return row.id


def cut(ids: dict[str, int], column: int, row: int, *points: tuple[float, float]) -> dict[str, Any]:
    line = {"type": "LineString", "coordinates": [[x(c), y(r)] for c, r in points]}
    return {"op": "split", "area_id": ids[unit_code(column, row)], "line": line}


def nodes_of(db: Session, code: str) -> set[tuple[float, ...]]:
    frame = read_areas(db, kind=["unit_grid", "community", "town"]).set_index("code")
    return set(map(tuple, shapely.get_coordinates(frame.geometry[code])))


def test_a_corner_moved_a_hair_over_the_border_stays_on_it(db: Session) -> None:
    ids = insert_town(db)
    to = [x(4) + 4e-10, y(1) + 0.0001]
    give = {"op": "transfer", "area_ids": [ids[unit_code(1, 0)]], "community_id": ids["320601002001"]}
    vertex = {"op": "move_vertex", "area_id": ids[unit_code(3, 0)], "vertex": [x(4), y(1)], "to": to}
    carry_out(db, give)
    carry_out(db, vertex)
    shapes = read_areas(db, kind="unit_grid").geometry.to_numpy()
    assert shapely.equals(shapely.union_all(shapes), LAND)


def test_a_node_of_a_split_goes_into_a_zone_that_leaves_in_the_same_change_set(db: Session) -> None:
    ids = insert_town(db)
    insert_managing(db, ids)
    give = {"op": "transfer", "area_ids": [ids[unit_code(1, 0)]], "community_id": ids["320601002001"]}
    made = carry_out(db, cut(ids, 0, 0, (0, 0.5), (1, 0.5)), give)
    assert_managed(db)
    node = (x(1), y(0.5))
    taken = read_areas(db, kind="unit_grid").set_index("code")
    (given,) = [code for code in taken.index if taken.geometry[code].covers(shapely.Point(x(1.5), y(0.5)))]
    assert given.startswith("320601002001")
    assert node in nodes_of(db, given)
    undone = editing.undo(db, made, "carl")
    assert_tiles(db, LAND)
    assert_managed(db)
    editing.undo(db, undone.id, "bo")
    assert_tiles(db, LAND)


def slanting() -> list[Unit]:
    """Two zones whose common edge meets a border that turns there."""
    rings = [[(0, 0), (1, -0.1), (1, 1), (0, 1)], [(1, -0.1), (2, 0), (2, 1), (1, 1)]]
    return [
        Unit(key, str(key), str(key), 1, shapely.Polygon(np.array(ring) * SCALE))
        for key, ring in enumerate(rings, start=1)
    ]


@pytest.mark.parametrize(
    "to, areas",
    # By hand: the triangle between the old and the new edge is half of 1.1 times 0.5.
    [((1.5, -0.05), (1.05 + 0.275, 1.05 - 0.275)), ((0.5, -0.05), (1.05 - 0.275, 1.05 + 0.275))],
)
def test_a_corner_goes_along_a_border_that_turns_at_it(
    to: tuple[float, float], areas: tuple[float, float]
) -> None:
    units = slanting()
    land = shapely.union_all([unit.shape for unit in units])
    change = move("move_vertex", units, np.array([[1, -0.1]]) * SCALE, np.array([to]) * SCALE)
    check_replacement(units, change.added, [], [], land)
    assert [shape.area / SCALE**2 for shape in change.added] == pytest.approx(areas, abs=1e-9)
    assert shapely.coverage_is_valid(change.added)
    assert shapely.union_all(change.added).symmetric_difference(land).area < 1e-20


def test_a_gap_of_a_hand_along_a_border_is_refused() -> None:
    """1 cm deep and 1.1 m wide at its base: 55 cm², less than what counts as rounding by its area."""
    shape = shapely.box(0, 0, SCALE, SCALE)
    unit = Unit(1, "1", "1", 1, insert_nodes(shape, np.array([[4e-4, 0], [4.1e-4, 0]])))
    dent = shapely.union_all([shapely.Polygon([(4e-4, 0), (4.1e-4, 0), (4.05e-4, 9e-8)])])
    dented = shape.difference(dent)
    with pytest.raises(TopologyFault) as error:
        check_replacement([unit], [dented], [], [], shape)
    assert error.value.rule == "gap"
    assert shapely.from_geojson(str(error.value.geometry).replace("'", '"')).equals_exact(
        dent, 1e-12, normalize=True
    )
