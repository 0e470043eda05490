"""Polygons of a guide layer against the present partition: the area, the land, the place."""

from __future__ import annotations

import pytest
import shapely
from sqlalchemy.orm import Session

from grid.change_sets.history import guide_difference
from tests.support.square_town import square, unit_code, x, y

SQUARE_M2 = 94.4 * 110.9
"""0.001 degrees at 32.0 N: 94.4 m by 110.9 m (WGS-84 tables)."""


def test_each_polygon_is_held_against_the_area_with_most_of_its_land(
    db: Session, ids: dict[str, int]
) -> None:
    same = square(0, 0, 1, 1)
    shifted = shapely.box(x(1.25), y(0), x(2.25), y(1))  # three quarters of (1, 0), one quarter of (2, 0)
    outside = shapely.box(x(8), y(8), x(9), y(9))
    rows = guide_difference(db, [same, shifted, outside], "unit_grid")
    assert [(row.number, row.state, row.code) for row in rows] == [
        (1, "same", unit_code(0, 0)),
        (2, "differs", unit_code(1, 0)),
        (3, "no_area", None),
    ]
    assert rows[0].place is None
    assert rows[1].common_m2 == pytest.approx(0.75 * SQUARE_M2, rel=0.01)
    assert rows[1].only_guide_m2 == pytest.approx(0.25 * SQUARE_M2, rel=0.01)
    assert rows[1].only_area_m2 == pytest.approx(0.25 * SQUARE_M2, rel=0.01)
    assert rows[2].only_guide_m2 == pytest.approx(SQUARE_M2, rel=0.01)


def test_a_community_is_compared_whole(db: Session, ids: dict[str, int]) -> None:
    (row,) = guide_difference(db, [square(0, 0, 2, 1)], "community")
    assert row.state == "differs"
    assert row.only_guide_m2 == pytest.approx(0.0, abs=1.0)
    assert row.only_area_m2 == pytest.approx(2 * SQUARE_M2, rel=0.01)
    assert row.place.symmetric_difference(square(0, 1, 2, 2)).area < 1e-9, "the northern row"


def test_rounding_of_a_file_is_no_difference(db: Session, ids: dict[str, int]) -> None:
    rounded = shapely.transform(square(0, 0, 1, 1), lambda xy: xy + [[1e-6, 0]] * len(xy))
    (row,) = guide_difference(db, [rounded], "unit_grid")
    assert (row.state, row.place) == ("same", None)


def test_nothing_is_compared_with_nothing(db: Session, ids: dict[str, int]) -> None:
    assert guide_difference(db, [], "unit_grid") == []
