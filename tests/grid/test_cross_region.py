"""Lines and polygons: shares by hand, the lead by rule, the other towns beside it, the common superior
named.
"""

from __future__ import annotations

from typing import Any

import pytest
import shapely
from sqlalchemy.orm import Session

from grid.errors import GridError, UnknownItem
from grid.responsibility import assign, assign_geometry
from tests.support.square_town import (
    NOW,
    RESUME,
    STALL,
    insert_duty,
    middle,
    square,
    unit_code,
    x,
    y,
)

pytestmark = pytest.mark.usefixtures("duties")


def ask(db: Session, shape: Any, item: str = STALL) -> Any:
    return assign_geometry(db, shape, item_code=item, at=NOW)


def test_a_polygon_over_two_towns_is_led_by_the_larger_share(db: Session, ids: dict[str, int]) -> None:
    # Columns 1.5 to 3 of row 0: half a square in town 1, one square in town 2.
    answer = ask(
        db, square(0, 0, 1, 1).__class__([(x(1.5), y(0)), (x(3), y(0)), (x(3), y(1)), (x(1.5), y(1))])
    )
    assert [(c.area.code, c.share) for c in answer.candidates] == [
        (unit_code(2, 0), pytest.approx(2 / 3, abs=1e-4)),
        (unit_code(1, 0), pytest.approx(1 / 3, abs=1e-4)),
    ]
    assert answer.areas.hierarchy["town"].code == "320601002" and answer.lead.body == "乙镇人民政府"
    cross = answer.cross_region
    assert cross.lead_town == "320601002" and cross.superior.code == "320601"
    assert [(t.code, t.lead) for t in cross.towns] == [
        ("320601002", "乙镇人民政府"),
        ("320601001", "测试区城市管理局"),  # town 1 lost the item in 2025: the county acts there
    ]
    assert "测试区城市管理局" in [p.body for p in answer.co_handlers]
    step = next(s for s in answer.explanation if s.step == "cross_region")
    assert "320601001" in step.en and "测试区（320601）" in step.zh and step.not_chosen == ["320601001"]
    assert cross.outside == 0


def test_who_filed_first_leads(db: Session, ids: dict[str, int]) -> None:
    shape = shapely.box(x(1.5), y(0), x(3), y(1))
    answer = assign_geometry(db, shape, item_code=STALL, at=NOW, first_filed="320601001")
    assert answer.areas.hierarchy["town"].code == answer.cross_region.lead_town == "320601001"
    step = next(s for s in answer.explanation if s.step == "cross_region")
    assert step.rule == "first_to_file" and "乙镇人民政府" in [p.body for p in answer.co_handlers]
    elsewhere = assign_geometry(db, shape, item_code=STALL, at=NOW, first_filed="999999999")
    assert elsewhere.cross_region.lead_town == "320601002"


def test_a_line_is_shared_by_length_and_what_lies_outside_is_said(db: Session, ids: dict[str, int]) -> None:
    river = shapely.LineString([(x(0.25), y(0.5)), (x(2.5), y(0.5)), (x(2.5), y(-0.25))])
    answer = ask(db, river)
    metres = {"east": 94_400, "north": 111_320}
    length = 2.25 * metres["east"] + 0.75 * metres["north"]
    expected = {
        unit_code(0, 0): 0.75 * metres["east"] / length,
        unit_code(1, 0): 1.0 * metres["east"] / length,
        unit_code(2, 0): (0.5 * metres["east"] + 0.5 * metres["north"]) / length,
    }
    got = {c.area.code: c.share for c in answer.candidates}
    assert got == {code: pytest.approx(share, abs=2e-3) for code, share in expected.items()}
    assert answer.cross_region.outside == pytest.approx(0.25 * metres["north"] / length, abs=2e-3)
    assert answer.cross_region.lead_town == "320601001"


def test_within_one_town_it_is_a_case_of_that_town(db: Session, ids: dict[str, int]) -> None:
    answer = ask(db, shapely.box(x(2.2), y(0.2), x(3.6), y(3.3)))
    assert answer.cross_region is None and answer.lead.body == "乙镇人民政府" and answer.outcome == "assigned"
    points = ask(db, shapely.MultiPoint([middle(0, 0), middle(0, 1), middle(3, 3)]), RESUME)
    assert points.cross_region.lead_town == "320601001"
    assert [t.share for t in points.cross_region.towns] == [
        pytest.approx(2 / 3, abs=1e-3),
        pytest.approx(1 / 3, abs=1e-3),
    ]
    # The county leads in both towns: it stands once.
    assert points.lead.body == "测试区生态环境局" and len({p.body for p in points.co_handlers}) == 3


def test_equal_shares_go_to_the_lower_code(db: Session, ids: dict[str, int]) -> None:
    insert_duty(db, STALL, "甲镇新主体", "town", "320601001", domain="urban", item="占道经营")
    answer = ask(db, shapely.box(x(1), y(0), x(3), y(1)))
    assert answer.cross_region.lead_town == "320601001" and answer.lead.body == "甲镇新主体"
    assert "乙镇人民政府" in [p.body for p in answer.co_handlers]


def test_points_and_places_outside_are_answered_as_points(db: Session, ids: dict[str, int]) -> None:
    lon, lat = middle(2, 1)
    assert (
        ask(db, shapely.Point(lon, lat)).as_json()
        == assign(db, lon=lon, lat=lat, item_code=STALL, at=NOW).as_json()
    )
    assert ask(db, shapely.box(110, 20, 110.1, 20.1)).outcome == "no_area"
    with pytest.raises(UnknownItem):
        ask(db, square(0, 0, 4, 4), "X")
    for bad in (
        shapely.Polygon(),
        shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]),
        shapely.box(0, 0, 200, 1),
    ):
        with pytest.raises(GridError):
            ask(db, bad)
