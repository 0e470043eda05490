from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from grid.errors import GridError, UnknownItem
from grid.responsibility import assign, assign_geometry
from tests.support.enterprises import USCC, insert_enterprise, insert_site
from tests.support.square_town import (
    NOW,
    RESUME,
    STALL,
    START,
    insert_area,
    insert_duty,
    insert_spread_enterprise,
    middle,
    square,
    unit_code,
    x,
    y,
)

pytestmark = pytest.mark.usefixtures("duties")


def test_resumption_goes_to_the_county_with_joint_bodies(db: Session, ids: dict[str, int]) -> None:
    lon, lat = middle(1, 2)
    answer = assign(db, lon=lon, lat=lat, item_code=RESUME, at=NOW)
    assert answer.outcome == "assigned"
    codes = {
        kind: answer.areas.hierarchy[kind].code
        for kind in ("unit_grid", "community", "town", "county", "city")
    }
    assert codes == {
        "unit_grid": "320601001002002", "community": "320601001002", "town": "320601001", "county": "320601", "city": "320600",
    }  # fmt: skip
    assert answer.lead is not None
    assert (answer.lead.body, answer.lead.level) == ("测试区生态环境局", "county")
    assert [p.body for p in answer.co_handlers] == [
        "测试区应急管理局",
        "测试区交通运输局",
        "测试区市场监督管理局",
    ]
    assert [p.body for p in answer.copied_to] == ["测试市生态环境局"]
    assert answer.scope_area_id == ids["320601001002"]
    for step in answer.explanation:
        assert step.zh and step.en and step.rule
    lead_step = next(step for step in answer.explanation if step.step == "lead")
    assert any("甲镇" in reason for reason in lead_step.not_chosen)
    json.dumps(answer.as_json())


@pytest.mark.parametrize(
    ("column", "at", "body", "reason"),
    [
        (0, dt.datetime(2021, 12, 1, tzinfo=dt.UTC), "测试区城市管理局", "2022-03-01"),
        (0, dt.datetime(2023, 1, 1, tzinfo=dt.UTC), "甲镇人民政府", ""),
        # The power ends with the day of withdrawal in China: 2025-07-01 00:00 +08 is 2025-06-30 16:00 UTC.
        (0, dt.datetime(2025, 6, 30, 15, 59, tzinfo=dt.UTC), "甲镇人民政府", ""),
        (0, dt.datetime(2025, 6, 30, 16, 0, tzinfo=dt.UTC), "测试区城市管理局", "2025-07-01"),
        (2, NOW, "乙镇人民政府", ""),
    ],
)
def test_town_leads_only_while_empowered(
    db: Session, ids: dict[str, int], column: int, at: dt.datetime, body: str, reason: str
) -> None:
    lon, lat = middle(column, 0)
    answer = assign(db, lon=lon, lat=lat, item_code=STALL, at=at)
    assert answer.lead is not None and answer.lead.body == body
    lead_step = next(step for step in answer.explanation if step.step == "lead")
    assert any(reason in entry for entry in lead_step.not_chosen)


def test_every_point_of_the_raster_belongs_to_one_grid(db: Session, ids: dict[str, int]) -> None:
    """On an edge or corner the grid to the east and north owns the point.

    On the outer rim the one there is.
    """
    for column in (0, 1, 2, 3):
        for row in (0, 1, 2, 3):
            for lon, lat in ((x(column), y(row)), (x(column + 0.5), y(row)), (x(column), y(row + 0.5))):
                answer = assign(db, lon=lon, lat=lat, item_code=RESUME, at=NOW)
                assert answer.outcome == "assigned"
                assert answer.areas.hierarchy["unit_grid"].code == unit_code(column, row)
    rim = assign(db, lon=x(4), lat=y(2.5), item_code=RESUME, at=NOW)
    assert rim.areas.hierarchy["unit_grid"].code == unit_code(3, 2)


def test_circle_over_an_edge_is_ambiguous_and_the_larger_share_is_taken(
    db: Session, ids: dict[str, int]
) -> None:
    # 10 m east of the edge between columns 1 and 2 at 32.0025 N; the circle has a radius of 20 m, so the part
    # west of the edge is a segment of height 10 m: (acos(1/2) - (1/2) * sin(acos(1/2))) / pi = 0.1955.
    lon = x(2) + 10.0 / (111319.49 * np.cos(np.radians(y(2.5))))
    answer = assign(db, lon=float(lon), lat=y(2.5), item_code=RESUME, at=NOW, accuracy_m=20.0)
    assert answer.outcome == "ambiguous"
    assert [c.area.code for c in answer.candidates] == [unit_code(2, 2), unit_code(1, 2)]
    assert answer.candidates[1].share == pytest.approx(0.1955, abs=0.002)
    assert answer.areas.hierarchy["town"].code == "320601002"
    region = next(step for step in answer.explanation if step.step == "cross_region")
    assert "测试区" in region.en


def test_recorded_site_decides_between_ambiguous_grids(db: Session, ids: dict[str, int]) -> None:
    insert_site(db, insert_enterprise(db), "S1", *middle(1, 2))
    lon = float(x(2) + 0.0001)
    plain = assign(db, lon=lon, lat=y(2.5), item_code=RESUME, at=NOW, accuracy_m=20.0)
    known = assign(
        db,
        lon=lon,
        lat=y(2.5),
        item_code=RESUME,
        at=NOW,
        accuracy_m=20.0,
        enterprise_uscc=USCC,
    )
    assert plain.areas.hierarchy["unit_grid"].code == unit_code(2, 2)
    assert known.areas.hierarchy["unit_grid"].code == unit_code(1, 2)
    assert known.explanation[0].rule == "recorded_site"


def test_enterprise_with_sites_in_two_towns_has_all_named(db: Session, ids: dict[str, int]) -> None:
    uscc = insert_spread_enterprise(db)
    lon, lat = middle(1, 2)
    answer = assign(db, lon=lon, lat=lat, item_code=STALL, at=NOW, enterprise_uscc=uscc)
    step = next(step for step in answer.explanation if step.step == "enterprise_sites")
    assert step.chosen == ["甲镇（320601001）"]
    assert step.not_chosen == ["乙镇（320601002）", "辖区外 outside"]
    assert "注册地 乙镇" in step.zh and "production in 甲镇" in step.en
    told = {site.role: site for site in answer.enterprise_sites}
    assert {role: (p.code, p.lead_body, p.place_of_matter) for role, p in told.items()} == {
        "registered": ("320601002", "乙镇人民政府", False),
        "production": ("320601001", "测试区城市管理局", True),
        "sales": (None, None, False),
    }
    shape = shapely.box(lon, lat, lon + 1e-5, lat + 1e-5)
    of_polygon = assign_geometry(db, shape, item_code=STALL, at=NOW, enterprise_uscc=uscc)
    assert of_polygon.enterprise_sites == answer.enterprise_sites


def test_who_has_no_registered_site_is_registered_where_the_code_says(
    db: Session, ids: dict[str, int]
) -> None:
    uscc = insert_spread_enterprise(db)
    db.execute(text("DELETE FROM sites WHERE kind = 'registered'"))
    lon, lat = middle(1, 2)
    answer = assign(db, lon=lon, lat=lat, item_code=RESUME, at=NOW, enterprise_uscc=uscc)
    told = {site.role: site for site in answer.enterprise_sites}
    registered = told["registered"]
    assert (registered.site_id, registered.code, registered.name) == (None, "320601", "测试区")
    unknown = assign(db, lon=lon, lat=lat, item_code=RESUME, at=NOW, enterprise_uscc="91320600000000000X")
    assert unknown.enterprise_sites == []
    assert unknown.explanation[-1].rule == "no_site_on_record"


def test_outside_of_every_grid(db: Session, ids: dict[str, int]) -> None:
    near = assign(db, lon=x(-0.5), lat=y(1.5), item_code=RESUME, at=NOW)
    assert near.outcome == "nearest_assumed"
    assert near.areas.hierarchy["unit_grid"].code == unit_code(0, 1)
    # half a column: 0.0005 degrees of longitude at 32.0015 N are 47.2 m
    assert "47.2 m" in near.explanation[0].en
    far = assign(db, lon=121.5, lat=31.0, item_code=RESUME, at=NOW)
    assert far.outcome == "no_area"
    assert far.lead is None and far.areas.hierarchy.get("unit_grid") is None and far.scope_area_id is None


def test_water_comes_before_the_nearest_grid(db: Session, ids: dict[str, int]) -> None:
    insert_area(db, "320600W01", "长江段", "water", ids["320600"], square(-1, 0, 0, 4))
    answer = assign(db, lon=x(-0.5), lat=y(1.5), item_code=RESUME, at=NOW)
    assert answer.outcome == "assigned"
    assert [area.code for area in answer.areas.overlays["water"]] == ["320600W01"]
    assert answer.areas.hierarchy.get("unit_grid") is None
    assert answer.lead is not None and answer.lead.body == "测试市生态环境局"


def test_functional_zone_goes_first_only_in_domains_that_say_so(db: Session, ids: dict[str, int]) -> None:
    insert_area(db, "320601401", "高新区", "functional_zone", ids["320600"], square(0, 0, 1, 1))
    insert_duty(db, RESUME, "高新区管委会", "county", "320601401")
    insert_duty(db, "TRA-OVER-003", "高新区管委会", "county", "320601401", domain="transport")
    insert_duty(db, "TRA-OVER-003", "测试区交通运输局", "county", "320601", domain="transport")
    lon, lat = middle(0, 0)
    ecology = assign(db, lon=lon, lat=lat, item_code=RESUME, at=NOW)
    transport = assign(db, lon=lon, lat=lat, item_code="TRA-OVER-003", at=NOW)
    assert ecology.lead is not None and ecology.lead.body == "高新区管委会"
    assert transport.lead is not None and transport.lead.body == "测试区交通运输局"
    outside = assign(db, lon=middle(1, 0)[0], lat=lat, item_code=RESUME, at=NOW)
    assert outside.lead is not None and outside.lead.body == "测试区生态环境局"


def test_water_bodies_go_first_where_their_domain_says_so(db: Session, ids: dict[str, int]) -> None:
    """The fishing ban on the river: the water's own body in agriculture, the county's in urban matters."""
    insert_area(db, "320600W01", "长江段", "water", ids["320600"], square(0, 0, 1, 4))
    for item, domain in (("AGR-FISH-001", "agriculture"), ("URB-BOAT-001", "urban")):
        insert_duty(db, item, "长江渔政支队", "county", "320600W01", domain=domain, item="长江禁捕")
        insert_duty(db, item, "测试区主管局", "county", "320601", domain=domain, item="长江禁捕")
    lon, lat = middle(0, 0)
    fish, boat = (assign(db, lon=lon, lat=lat, item_code=i, at=NOW) for i in ("AGR-FISH-001", "URB-BOAT-001"))
    assert fish.lead is not None and fish.lead.body == "长江渔政支队"
    step = next(step for step in fish.explanation if step.step == "lead")
    assert step.rule == "water_first" and "水域 长江段" in step.zh
    assert any("测试区主管局" in other for other in step.not_chosen)
    assert boat.lead is not None and boat.lead.body == "测试区主管局"


def test_as_then_and_as_now(db: Session, ids: dict[str, int]) -> None:
    """A grid that ended answers for events of its time, its successor for later ones."""
    change = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    db.execute(
        text("UPDATE areas SET valid_to = :at WHERE id = :id"), {"at": change, "id": ids[unit_code(0, 0)]}
    )
    insert_area(
        db, "320601001001009", "新网格", "unit_grid", ids["320601001001"], square(0, 0, 1, 1), start=change
    )
    lon, lat = middle(0, 0)
    codes = [
        assign(db, lon=lon, lat=lat, item_code=RESUME, at=at).areas.hierarchy["unit_grid"].code
        for at in (change - dt.timedelta(microseconds=1), change, NOW)
    ]
    assert codes == [unit_code(0, 0), "320601001001009", "320601001001009"]
    assert (
        assign(db, lon=lon, lat=lat, item_code=RESUME, at=START - dt.timedelta(days=1)).outcome == "no_area"
    )


def test_a_new_version_of_the_town_answers_though_grids_name_the_old_one(
    db: Session, ids: dict[str, int]
) -> None:
    change = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    db.execute(text("UPDATE areas SET valid_to = :at WHERE id = :id"), {"at": change, "id": ids["320601001"]})
    new = insert_area(db, "320601001", "甲街道", "town", ids["320601"], square(0, 0, 2, 4), start=change)
    lon, lat = middle(0, 0)
    assert assign(db, lon=lon, lat=lat, item_code=RESUME, at=NOW).areas.hierarchy["town"].id == new
    before = assign(db, lon=lon, lat=lat, item_code=RESUME, at=change - dt.timedelta(days=1))
    assert before.areas.hierarchy["town"].id == ids["320601001"]


def test_faulty_questions(db: Session, ids: dict[str, int]) -> None:
    lon, lat = middle(0, 0)
    with pytest.raises(UnknownItem, match="NOPE-1"):
        assign(db, lon=lon, lat=lat, item_code="NOPE-1", at=NOW)
    with pytest.raises(GridError, match="no zone"):
        assign(db, lon=lon, lat=lat, item_code=RESUME, at=NOW.replace(tzinfo=None))
    for bad in ({"lon": float("nan")}, {"lat": 91.0}, {"accuracy_m": -1.0}):
        with pytest.raises(GridError):
            assign(db, **({"lon": lon, "lat": lat, "item_code": RESUME, "at": NOW} | bad))


def test_no_line_in_force_is_said(db: Session, ids: dict[str, int]) -> None:
    lon, lat = middle(0, 0)
    early = assign(db, lon=lon, lat=lat, item_code=RESUME, at=dt.datetime(2020, 6, 1, tzinfo=dt.UTC))
    assert early.lead is None and early.domain == "ecology"
    assert early.explanation[-1].rule == "no_line"


@pytest.mark.slow
def test_single_assignment_asks_little_of_ten_thousand_grids(db: Session, ids: dict[str, int]) -> None:
    """Few statements, whatever the number of grids and lines; its speed is measured in the benchmarks."""
    db.execute(
        text(
            "INSERT INTO areas (code, name, kind, parent_id, valid_from, geom, label_point, area_m2)"
            " SELECT '3206010010019' || lpad((i * 100 + j)::text, 5, '0'), 'g', 'unit_grid', :parent,"
            " '2020-01-01Z', ST_Multi(e), ST_Centroid(e), 1 FROM generate_series(0, 99) i, generate_series(0,"
            " 99) j, ST_MakeEnvelope(121 + i * 0.001, 32 + j * 0.001, 121 + i * 0.001 + 0.001, 32 + j * 0.001"
            " + 0.001, 4326) e"
        ),
        {"parent": ids["320601001001"]},
    )
    db.execute(
        text(
            "INSERT INTO duty_items (item_code, item, domain, legal_basis, kind, body, level, area_code,"
            " role, valid_from) SELECT 'X-' || i / 20, 'x', 'market', '', '处罚', 'b' || i, 'county',"
            " '320601', 'joint', '2020-01-01' FROM generate_series(1, 2000) i"
        )
    )
    db.execute(text("ANALYZE areas, duty_items"))
    statements: list[str] = []

    def count(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(db.connection(), "before_cursor_execute", count)
    rng = np.random.default_rng(5)
    for lon, lat in zip(rng.uniform(121.0, 121.1, 50), rng.uniform(32.0, 32.1, 50), strict=True):
        assert assign(db, lon=float(lon), lat=float(lat), item_code=RESUME, at=NOW).outcome == "assigned"
    event.remove(db.connection(), "before_cursor_execute", count)
    assert 50 <= len(statements) <= 50 * 5  # where, overlays, duty lines, names above, what came after


def test_shapely_agrees_with_the_areas_of_random_points(db: Session, ids: dict[str, int]) -> None:
    rng = np.random.default_rng(11)
    boxes = {unit_code(c, r): square(c, r, c + 1, r + 1) for c in range(4) for r in range(4)}
    for lon, lat in zip(rng.uniform(x(0), x(4), 40), rng.uniform(y(0), y(4), 40), strict=True):
        expected = [code for code, box in boxes.items() if shapely.contains_xy(box, lon, lat)]
        assert [
            assign(db, lon=float(lon), lat=float(lat), item_code=RESUME, at=NOW)
            .areas.hierarchy["unit_grid"]
            .code
        ] == expected
