"""Moves, reshapes, transfers and new parents: what they make, what they refuse, how they are taken back."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading
from typing import Any

import psycopg
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

import tests.support.change_sets as editing
from grid.areas import ancestors, read_areas, scope_area_ids
from grid.change_sets import Editor, lifecycle, read_operations
from grid.change_sets.borders import corners_of
from grid.change_sets.current_areas import WorkingAreas
from grid.errors import AreaOutOfReach, EditConflict, GridError, TopologyFault, UnknownArea
from grid.responsibility.locating import locate_point
from layers.codes import NATIONAL_GRID_PROFILE, GridProfile, grid_profile
from layers.postgres import SYSTEM, session
from tests.support.change_sets import supervisor
from tests.support.enterprises import insert_enterprise, insert_site
from tests.support.long_runs import repeated
from tests.support.partition_checks import assert_managed, assert_tiles
from tests.support.square_town import (
    insert_area,
    insert_managing,
    insert_town,
    line,
    middle,
    square,
    unit_code,
    x,
    y,
)
from tests.support.waiting import PATIENCE_S, wait_until

LAND = square(0, 0, 4, 4)


def shapes(db: Session, kind: str = "unit_grid", at: dt.datetime | None = None) -> dict[str, Any]:
    frame = read_areas(db, kind=kind, at=at)
    return dict(zip(frame["code"], frame.geometry, strict=True))


def carry_out(db: Session, *operations: dict[str, Any], profile: GridProfile = NATIONAL_GRID_PROFILE) -> Any:
    drafted = editing.draft(db, list(operations), "anna", profile=profile)
    return editing.apply(db, drafted.id, "boss", profile=profile)


def test_a_corner_moves_in_all_four_zones(db: Session, ids: dict[str, int]) -> None:
    move = {
        "op": "move_vertex",
        "area_id": ids[unit_code(0, 0)],
        "vertex": [x(1), y(1)],
        "to": [x(1.2), y(1.3)],
    }
    done = carry_out(db, move)
    assert sorted(done.result["voided_codes"]) == [unit_code(c, r) for r in (0, 1) for c in (0, 1)]
    assert done.operations[0]["area_ids"] == sorted(ids[unit_code(c, r)] for c in (0, 1) for r in (0, 1))
    now = shapes(db)
    south_west = now["320601001001005"]
    expected = shapely.Polygon([(x(0), y(0)), (x(1), y(0)), (x(1.2), y(1.3)), (x(0), y(1))])
    assert south_west.symmetric_difference(expected).area < 1e-15
    assert_tiles(db, LAND)
    editing.undo(db, done.id, "boss")
    assert shapes(db)[unit_code(0, 0)].equals(square(0, 0, 1, 1))
    assert_tiles(db, LAND)


def test_an_edge_moves_with_both_ends(db: Session, ids: dict[str, int]) -> None:
    carry_out(
        db, {"op": "split", "area_id": ids[unit_code(0, 0)], "line": line((0.5, 0), (0.5, 0.6), (0, 0.6))}
    )
    unit = read_areas(db, kind="unit_grid").set_index("code")["id"]["320601001001005"]
    # The cut runs (0.5, 0) - (0.5, 0.6) - (0, 0.6): its eastern edge has one end on the rim of the town.
    edge, to = line((0.5, 0.6), (0, 0.6)), line((0.7, 0.8), (0, 0.8))
    with pytest.raises(TopologyFault) as rim:
        editing.draft(db, [{"op": "move_edge", "area_id": int(unit), "edge": line((0.5, 0), (0.5, 0.6)), "to": line((0.6, 0.1), (0.6, 0.6))}], "a")  # fmt: skip
    assert rim.value.rule == "border_frozen"
    carry_out(db, {"op": "move_edge", "area_id": int(unit), "edge": edge, "to": to})
    assert_tiles(db, LAND)
    with pytest.raises(TopologyFault) as none:
        editing.draft(db, [{"op": "move_edge", "area_id": ids[unit_code(3, 3)], "edge": line((3, 3), (4, 4)), "to": line((3, 3), (4, 4))}], "a")  # fmt: skip
    assert none.value.rule == "no_such_edge"


@pytest.mark.parametrize(
    ("vertex", "to", "rule"),
    [
        ((1.5, 0.5), (1.4, 0.4), "no_such_corner"),
        ((1, 1), (2.5, 1), "invalid"),
        ((0, 1), (0.2, 1), "border_frozen"),
    ],
)
def test_faulty_moves(
    db: Session, ids: dict[str, int], vertex: tuple[float, float], to: tuple[float, float], rule: str
) -> None:
    name = unit_code(1, 0) if vertex[0] > 0 else unit_code(0, 0)
    move = {"op": "move_vertex", "area_id": ids[name], "vertex": [x(vertex[0]), y(vertex[1])]}
    with pytest.raises(TopologyFault) as caught:
        editing.draft(db, [move | {"to": [x(to[0]), y(to[1])]}], "a")
    assert caught.value.rule == rule
    assert caught.value.zones and caught.value.geometry and caught.value.message_zh
    assert_tiles(db, LAND)


def test_a_corner_moves_over_the_border_of_two_towns(db: Session, ids: dict[str, int]) -> None:
    """Both communities and towns follow with their codes; households stay whole on every level, sites move over."""
    insert_managing(db, ids)
    for level, n in (("unit_grid", 100), ("community", 400), ("town", 800)):
        db.execute(text("UPDATE areas SET households = :n WHERE kind = :level"), {"n": n, "level": level})
    insert_site(db, insert_enterprise(db), "S", x(2.05), y(1), area_id=ids["320601002001"])
    west = {
        "op": "move_vertex",
        "area_id": ids[unit_code(1, 0)],
        "vertex": [x(2), y(1)],
        "to": [x(2.2), y(1)],
    }
    done = carry_out(db, west)
    assert {row["kind"] for row in done.result["versions"]} >= {"community", "town", "responsibility_grid"}
    # The triangles (2,0) (2.2,1) (2,2) of 0.2 squares go to the west: 10 households of each of the two squares.
    shares = {"unit_grid": [90, 90, 110, 110], "community": [380, 420], "town": [780, 820]}
    for level, expected in shares.items():
        rows = db.execute(text(
            "SELECT households FROM areas WHERE kind = :level AND valid_to IS NULL AND change_set_id IS NOT NULL"
        ), {"level": level}).scalars().all()  # fmt: skip
        assert sorted(rows) == pytest.approx(expected, rel=1e-9)
        assert sum(rows) == pytest.approx(sum(expected), rel=1e-14)
    assert shapes(db, "town")["320601001"].area == pytest.approx(8.2e-6, rel=1e-9)
    place = "SELECT a.code FROM sites s JOIN areas a ON a.id = s.area_id"
    assert db.execute(text(place)).scalar_one() == "320601001001"
    assert_tiles(db, LAND)
    assert_managed(db)
    editing.undo(db, done.id, "boss")
    assert shapes(db, "town")["320601001"].equals(square(0, 0, 2, 4))
    assert db.execute(text(place)).scalar_one() == "320601002001"
    assert_tiles(db, LAND)


def test_a_border_of_towns_is_bent_straightened_and_drawn_anew(db: Session, ids: dict[str, int]) -> None:
    pair = [ids[unit_code(1, 0)], ids[unit_code(2, 0)]]
    bent = carry_out(db, {"op": "insert_vertex", "area_id": pair[0], "edge": line((2, 0), (2, 1)), "to": [x(2.3), y(0.5)]})  # fmt: skip
    assert sorted(bent.operations[0]["area_ids"]) == sorted(pair)
    assert shapes(db, "town")["320601001"].area == pytest.approx(8.15e-6, rel=1e-9)
    assert_tiles(db, LAND)
    now = read_areas(db, kind="unit_grid").set_index("code")["id"]
    west = int(now["320601001001005"])
    with pytest.raises(TopologyFault) as junction:
        editing.draft(db, [{"op": "delete_vertex", "area_id": west, "vertex": [x(2), y(1)]}], "a")
    assert junction.value.rule == "corner_needed"
    straight = carry_out(db, {"op": "delete_vertex", "area_id": west, "vertex": [x(2.3), y(0.5)]})
    assert shapes(db, "town")["320601001"].equals(square(0, 0, 2, 4))
    for each in (straight, bent):
        editing.undo(db, each.id, "boss")
    now = read_areas(db, kind="unit_grid").set_index("code")["id"]
    pair = [int(now[unit_code(c, 0)]) for c in (1, 2)]
    drawn = carry_out(db, {"op": "reshape", "area_ids": pair, "line": line((2, 0), (1.6, 0.5), (2, 1))})
    assert [code[:9] for code in sorted(drawn.result["new_codes"])] == ["320601001", "320601002"]
    assert shapes(db, "town")["320601001"].area == pytest.approx(7.8e-6, rel=1e-9)
    assert_tiles(db, LAND)


def test_who_may_move_which_corner(db: Session, ids: dict[str, int]) -> None:
    """A corner of four towns' grids needs the county; a border of two communities their town; the rim nobody."""
    town = Editor("t", "grid_manager", "320601001", scope_area_ids(db, "320601001"))
    community = Editor("c", "grid_manager", "320601001001", scope_area_ids(db, "320601001001"))
    seen = {}
    for name, editor in (("community", community), ("town", town), ("all", supervisor("s"))):
        found = corners_of(WorkingAreas(db), ids[unit_code(1, 1)], editor.area_ids)
        seen[name] = {
            (round((c.at[0] - 120.8) * 1000), round((c.at[1] - 32) * 1000)): c for c in found.corners
        }
    freedoms = {name: [seen[name][at].moves for at in ((1, 1), (1, 2), (2, 1), (2, 2))] for name in seen}
    assert freedoms == {
        "community": ["free", "along", "along", "frozen"],
        "town": ["free", "free", "along", "along"],
        "all": ["free"] * 4,
    }
    rim = corners_of(WorkingAreas(db), ids[unit_code(0, 0)], None)
    assert [c.moves for c in rim.corners if c.at == (x(0), y(0))] == ["frozen"]
    move = {"op": "move_vertex", "area_id": ids[unit_code(1, 1)], "vertex": [x(2), y(1)]}
    with pytest.raises(AreaOutOfReach) as refused:
        lifecycle.preview(db, read_operations([move | {"to": [x(2.2), y(1)]}]), town)
    assert seen["town"][2, 1].reason_zh in refused.value.message_zh and "测试区" in refused.value.message_zh
    assert seen["town"][2, 1].reason_en in str(refused.value)
    along = lifecycle.draft(db, read_operations([move | {"to": [x(2), y(1.2)]}]), town)
    assert sorted(along.operations[0]["area_ids"]) == sorted(ids[unit_code(1, r)] for r in (0, 1))
    editing.apply(db, along.id, "boss")
    assert shapes(db, "town")["320601001"].equals(square(0, 0, 2, 4))
    assert_tiles(db, LAND)


def test_a_boundary_is_drawn_anew(db: Session, ids: dict[str, int]) -> None:
    pair = [ids[unit_code(0, 0)], ids[unit_code(1, 0)]]
    bent = line((1, 0), (1.4, 0.5), (1, 1))
    with pytest.raises(TopologyFault) as thin:
        narrow = line((0.03, 0), (0.03, 1))  # 2.8 m from the western rim
        editing.draft(db, [{"op": "reshape", "area_ids": pair, "line": narrow}], "a")
    assert thin.value.rule == "sliver"
    done = carry_out(db, {"op": "reshape", "area_ids": pair, "line": bent})
    west, east = (shapes(db)[code] for code in done.result["new_codes"])
    # The triangle (1,0) (1.4,0.5) (1,1) of 0.2 squares goes to the western zone.
    assert west.area == pytest.approx(1.2e-6, rel=1e-9) and east.area == pytest.approx(0.8e-6, rel=1e-9)
    rows = db.execute(
        text("SELECT predecessor_id, count(*) FROM area_successions GROUP BY 1 ORDER BY 1")
    ).all()
    assert [tuple(row) for row in rows] == [(pair[0], 1), (pair[1], 2)]
    assert_tiles(db, LAND)
    with pytest.raises(TopologyFault) as more:
        wave = line((-0.1, 0.5), (2.1, 0.5), (2.1, 0.7), (-0.1, 0.7))
        now = read_areas(db, kind="unit_grid").set_index("code")["id"]
        fresh = [int(now[code]) for code in done.result["new_codes"]]
        editing.draft(db, [{"op": "reshape", "area_ids": fresh, "line": wave}], "a")
    assert more.value.rule == "line_crosses_more"
    with pytest.raises(TopologyFault) as apart:
        far = [ids[unit_code(0, 1)], fresh[1]]
        editing.draft(db, [{"op": "reshape", "area_ids": far, "line": bent}], "a")
    assert apart.value.rule in ("not_neighbours", "line_does_not_cross")


def test_a_zone_goes_to_the_community_of_another_town(db: Session, ids: dict[str, int]) -> None:
    unit, target = ids[unit_code(1, 0)], ids["320601002001"]
    draft = editing.draft(db, [{"op": "transfer", "area_ids": [unit], "community_id": target}], "anna")
    assert draft.area_id == ids["320601"]
    assert draft.preview["voided_codes"] == [unit_code(1, 0)]
    assert draft.preview["new_codes"] == ["320601002001005"]
    assert draft.preview["outlines"] == ["320601001", "320601002", "320601001001", "320601002001"]
    before = dt.datetime.now(dt.UTC)
    done = editing.apply(db, draft.id, "boss")
    assert_tiles(db, LAND)
    assert shapes(db, "town")["320601002"].area == pytest.approx(9e-6)
    point = middle(1, 0)
    after = dt.datetime.now(dt.UTC)
    now, then = (locate_point(db, *point, at).areas.hierarchy for at in (after, before))
    kinds = ("unit_grid", "community", "town")
    assert [now[kind].code for kind in kinds] == ["320601002001005", "320601002001", "320601002"]
    assert [then[kind].code for kind in kinds] == [unit_code(1, 0), "320601001001", "320601001"]
    assert [area.code for area in ancestors(db, unit)][:3] == [
        unit_code(1, 0),
        "320601001001",
        "320601001",
    ]
    editing.undo(db, done.id, "boss")
    assert_tiles(db, LAND)
    again = locate_point(db, *point, dt.datetime.now(dt.UTC)).areas.hierarchy
    assert again["unit_grid"].code == unit_code(1, 0)


def test_transfers_that_are_refused(db: Session, ids: dict[str, int]) -> None:
    def refused(*squares: tuple[int, int], to: str = "320601002001", **more: Any) -> str:
        units = [ids[unit_code(*place)] for place in squares]
        with pytest.raises(TopologyFault) as caught:
            editing.draft(db, [{"op": "transfer", "area_ids": units, "community_id": ids[to], **more}], "a")
        assert caught.value.geometry and caught.value.zones
        return caught.value.rule

    assert refused((0, 0)) == "not_neighbours"
    assert refused((0, 0), (0, 1), (1, 0), (1, 1)) == "empty_parent"
    with pytest.raises(GridError, match="one community"):
        both = [ids[unit_code(1, 1)], ids[unit_code(1, 2)]]
        editing.draft(db, [{"op": "transfer", "area_ids": both, "community_id": ids["320601002001"]}], "a")
    with pytest.raises(UnknownArea):
        editing.draft(db, [{"op": "transfer", "area_ids": [ids[unit_code(1, 1)]], "community_id": ids["320601"]}], "a")  # fmt: skip
    # With a reason an exclave is allowed.
    exclave = {"op": "transfer", "area_ids": [ids[unit_code(0, 0)]], "community_id": ids["320601002001"]}
    done = carry_out(db, exclave | {"parts_reason": "飞地"})
    assert len(shapely.get_parts(shapes(db, "community")["320601002001"])) == 2
    assert done.status == "applied"


def test_a_community_goes_to_another_town(db: Session, ids: dict[str, int]) -> None:
    moving = ids["320601001001"]
    done = carry_out(db, {"op": "reparent", "area_id": moving, "parent_id": ids["320601002"]})
    # 320601002001 was used by another community: the next residents' number of the town is 003.
    assert done.result["new_codes"][0] == "320601002003"
    assert "320601002003001" in shapes(db) and unit_code(0, 0) not in shapes(db)
    assert_tiles(db, LAND)
    assert [area.code for area in ancestors(db, moving)][:2] == ["320601001001", "320601001"]
    back = editing.undo(db, done.id, "boss")
    assert_tiles(db, LAND)
    assert unit_code(0, 0) in shapes(db) and "320601002003" not in shapes(db, "community")
    again = editing.undo(db, back.id, "anna")
    assert "320601002003001" in shapes(db) and again.undoes_id == back.id
    assert_tiles(db, LAND)


def test_a_town_goes_to_another_county_with_a_given_code(db: Session, ids: dict[str, int]) -> None:
    east = insert_area(db, "320602", "东区", "county", ids["320600"], square(4, 0, 6, 4))
    town = insert_area(db, "320602001", "东镇", "town", east, square(4, 0, 6, 4))
    community = insert_area(db, "320602001001", "东社区", "community", town, square(4, 0, 6, 4))
    insert_area(db, "320602001001001", "第1网格", "unit_grid", community, square(4, 0, 6, 4))
    db.execute(text("UPDATE areas SET geom = ST_Multi(ST_GeomFromText(:wkt, 4326)), label_point ="
                    " ST_SetSRID(ST_MakePoint(:x, :y), 4326), area_m2 = ST_Area(ST_GeomFromText(:wkt,"
                    " 4326)::geography) WHERE kind = 'city'"), {"wkt": square(0, 0, 6, 4).wkt, "x": x(3), "y": y(2)})  # fmt: skip
    reparent = {"op": "reparent", "area_id": ids["320601002"], "parent_id": east}
    with pytest.raises(GridError, match="other parent"):
        editing.draft(db, [reparent | {"code": "320601009"}], "a")
    with pytest.raises(EditConflict, match="used before"):
        editing.draft(db, [reparent | {"code": "320602001"}], "a")
    done = carry_out(db, reparent | {"code": "320602007"})
    assert {"320602007", "320602007002", "320602007002004"} <= set(done.result["new_codes"])
    assert_tiles(db, square(0, 0, 6, 4))
    with pytest.raises(TopologyFault) as last:
        editing.draft(
            db, [{"op": "reparent", "area_id": ids["320601001"], "parent_id": _id(db, "320602")}], "a"
        )
    assert last.value.rule == "empty_parent"


def _id(db: Session, code: str) -> int:
    return int(
        db.execute(
            text("SELECT id FROM areas WHERE code = :c AND valid_to IS NULL"), {"c": code}
        ).scalar_one()
    )


def test_households_and_sites_follow_the_land(db: Session, ids: dict[str, int]) -> None:
    db.execute(text("UPDATE areas SET households = 100, road_length_m = 800 WHERE id = :id"), {"id": ids[unit_code(1, 0)]})  # fmt: skip
    insert_site(db, insert_enterprise(db), "S", x(1.5), y(0.5), area_id=ids["320601001001"])
    carry_out(db, {"op": "transfer", "area_ids": [ids[unit_code(1, 0)]], "community_id": ids["320601002001"]})
    assert (
        db.execute(text("SELECT a.code FROM sites s JOIN areas a ON a.id = s.area_id")).scalar_one()
        == "320601002001"
    )
    carry_out(db, {"op": "split", "area_id": _id(db, "320601002001005"), "line": line((1.25, 0), (1.25, 1))})
    split = db.execute(text("SELECT households, road_length_m FROM areas WHERE valid_to IS NULL AND"
                            " households IS NOT NULL ORDER BY code")).all()  # fmt: skip
    assert [row[0] for row in split] == pytest.approx([25, 75]) and [
        row[1] for row in split
    ] == pytest.approx([200, 600])


def test_islands_may_be_one_zone_with_a_reason(db: Session, ids: dict[str, int]) -> None:
    apart = {"op": "merge", "area_ids": [ids[unit_code(0, 0)], ids[unit_code(1, 1)]]}
    with pytest.raises(TopologyFault):
        editing.draft(db, [apart], "a")
    done = carry_out(db, apart | {"parts_reason": "two islands 岛屿"})
    assert len(shapely.get_parts(shapes(db)[done.result["new_codes"][0]])) == 2


def test_several_operations_of_all_kinds_in_one_change_set(db: Session, ids: dict[str, int]) -> None:
    carry_out(
        db,
        {"op": "transfer", "area_ids": [ids[unit_code(1, 0)]], "community_id": ids["320601002001"]},
        {"op": "transfer", "area_ids": [ids[unit_code(2, 2)]], "community_id": ids["320601001002"]},
        {"op": "split", "area_id": ids[unit_code(0, 0)], "line": line((0.5, 0), (0.5, 1))},
        {"op": "merge", "area_ids": [ids[unit_code(3, 3)], ids[unit_code(3, 2)]]},
    )
    assert_tiles(db, LAND)
    whole = {"op": "reparent", "area_id": _id(db, "320601001001"), "parent_id": _id(db, "320601002")}
    part = {"op": "split", "area_id": _id(db, "320601001001003"), "line": line((0.5, 1), (0.5, 2))}
    done = carry_out(db, whole, part)
    assert {"320601002003", "320601002003005", "320601002003006"} <= set(done.result["new_codes"])
    assert_tiles(db, LAND)


def test_two_corners_of_one_zone_move_in_one_change_set(db: Session, ids: dict[str, int]) -> None:
    """Corners (1, 1) and (1, 2) with the edge between them, and (2, 1): every zone at them changes once."""
    area = ids[unit_code(0, 1)]
    first = {"op": "move_vertex", "area_id": area, "vertex": [x(1), y(1)], "to": [x(1.2), y(0.8)]}
    second = {"op": "move_vertex", "area_id": area, "vertex": [x(0), y(1)], "to": [x(0), y(1.2)]}
    done = carry_out(db, first, second)
    moved = [(x(0), y(1.2)), (x(1.2), y(0.8)), (x(1), y(2)), (x(0), y(2))]
    expected = shapely.Polygon(moved)
    assert any(shape.symmetric_difference(expected).area < 1e-15 for shape in shapes(db).values())
    assert len(done.result["voided_codes"]) == 4, "each of the four zones ends once"
    assert_tiles(db, LAND)
    with pytest.raises(TopologyFault) as gone:
        again = {"op": "move_vertex", "area_id": _id(db, unit_code(2, 2)), "vertex": [x(3), y(3)], "to": [x(3.1), y(3)]}  # fmt: skip
        editing.draft(db, [again, again | {"area_id": _id(db, unit_code(3, 3))}], "a")
    assert gone.value.rule == "no_such_corner", "it lies elsewhere after the first step"
    split = {"op": "split", "area_id": _id(db, unit_code(3, 3)), "line": line((3.5, 3), (3.5, 4))}
    carry_out(db, again, split)  # the grid of before stands for the one with the moved corner
    assert_tiles(db, LAND)


def test_a_moved_neighbour_is_a_conflict(db: Session, ids: dict[str, int]) -> None:
    """The corner belongs to four zones.

    Whoever changes one of them first makes the other draft a conflict.
    """
    move = {
        "op": "move_vertex",
        "area_id": ids[unit_code(0, 0)],
        "vertex": [x(1), y(1)],
        "to": [x(1.2), y(1.3)],
    }
    late = editing.draft(db, [move], "anna")
    carry_out(db, {"op": "split", "area_id": ids[unit_code(1, 1)], "line": line((1.5, 1), (1.5, 2))})
    with pytest.raises(EditConflict, match=unit_code(1, 1)):
        editing.apply(db, late.id, "boss")
    assert_tiles(db, LAND)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "move_vertex", "area_id": 1},
        {"op": "move_vertex", "area_id": 1, "vertex": [1], "to": [1, 2]},
        {"op": "reshape", "area_ids": [1, 2, 3], "line": {}},
        {"op": "transfer", "area_ids": [1]},
        {"op": "transfer", "area_ids": [], "community_id": 1},
        {"op": "reparent", "area_id": 1, "parent_id": "2"},
        {"op": "merge", "area_ids": [1, 2], "parts_reason": 3},
    ],
)
def test_unreadable_operations(db: Session, ids: dict[str, int], operation: dict[str, Any]) -> None:
    with pytest.raises(GridError):
        editing.draft(db, [operation], "a")


APPLY = """
import sys
import threading
from grid.change_sets import Editor, lifecycle
from layers.postgres import SYSTEM, session
with session(SYSTEM, sys.argv[1]) as db:
    lifecycle.apply(db, int(sys.argv[2]), Editor("boss", "supervisor", None, None))
"""


@repeated()
def test_a_kill_in_the_middle_of_applying_leaves_nothing(fresh_database: str, attempt: int) -> None:
    """The process has ended zones and waits to link their followers when it is killed."""
    with session(SYSTEM, fresh_database) as db:
        ids = insert_town(db)
        give = {"op": "transfer", "area_ids": [ids[unit_code(1, 0)]], "community_id": ids["320601002001"]}
        cut = {"op": "split", "area_id": ids[unit_code(3, 3)], "line": line((3.5, 3), (3.5, 4))}
        change = editing.draft(db, [give, cut], "anna").id
    before = _snapshot(fresh_database)
    plain = fresh_database.replace("+psycopg", "")
    with psycopg.connect(plain) as holder, psycopg.connect(plain, autocommit=True) as watch:
        holder.execute("LOCK TABLE area_successions IN EXCLUSIVE MODE")
        process = subprocess.Popen([sys.executable, "-c", APPLY, fresh_database, str(change)])
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        wait_until(
            lambda: process.poll() is not None or watch.execute(waiting).fetchone()[0],  # type: ignore[index]
            "the process comes to the middle",
        )
        assert process.poll() is None
        process.kill()
        process.wait(timeout=PATIENCE_S)
    assert _snapshot(fresh_database) == before
    with session(SYSTEM, fresh_database) as db:
        assert_tiles(db, LAND)
        assert editing.apply(db, change, "boss").status == "applied"
        assert_tiles(db, LAND)


def _snapshot(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url.replace("+psycopg", "")) as look:
        rows = look.execute(
            "SELECT a.id, a.code, a.valid_from, a.valid_to, a.parent_id, ST_AsBinary(a.geom), c.status"
            " FROM areas a LEFT JOIN change_sets c ON true ORDER BY a.id"
        ).fetchall()
    assert rows
    return rows


def test_another_code_profile(db: Session, ids: dict[str, int]) -> None:
    """Two kind digits, which new grids take from those that they follow, and four running ones."""
    profile = grid_profile("local_18")
    db.execute(text("UPDATE areas SET code = left(code, 12) || '07' || lpad(right(code, 3), 4, '0') WHERE"
                    " kind = 'unit_grid'"))  # fmt: skip
    cut = {"op": "split", "area_id": ids[unit_code(0, 0)], "line": line((0.5, 0), (0.5, 1))}
    assert carry_out(db, cut, profile=profile).result["new_codes"] == [
        "320601001001070005",
        "320601001001070006",
    ]
    give = {"op": "reparent", "area_id": ids["320601001001"], "parent_id": ids["320601002"]}
    assert "320601002003070005" in carry_out(db, give, profile=profile).result["new_codes"]


def test_editors_of_a_transfer_and_of_a_neighbour_at_once(fresh_database: str) -> None:
    """Different zones of one community at the same time.

    Both are done, one after the other, and nothing is lost.
    """
    with session(SYSTEM, fresh_database) as db:
        ids = insert_town(db)
        give = {"op": "transfer", "area_ids": [ids[unit_code(1, 0)]], "community_id": ids["320601002001"]}
        back = {"op": "transfer", "area_ids": [ids[unit_code(2, 1)]], "community_id": ids["320601001001"]}
        cuts = [
            {"op": "split", "area_id": ids[unit_code(c, r)], "line": line((c + 0.5, r), (c + 0.5, r + 1))}
            for c, r in ((0, 0), (1, 1), (2, 0), (3, 1))
        ]
        drafts = [editing.draft(db, [op], "anna").id for op in (give, back, *cuts)]
    barrier = threading.Barrier(len(drafts))
    outcome: dict[int, str] = {}

    def work(number: int) -> None:
        barrier.wait()
        try:
            with session(SYSTEM, fresh_database) as db:
                outcome[number] = editing.apply(db, number, f"m{number}").status
        except EditConflict as conflict:
            outcome[number] = str(conflict)

    threads = [threading.Thread(target=work, args=(number,)) for number in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(outcome.values()) == ["applied"] * len(drafts), outcome
    with session(SYSTEM, fresh_database) as db:
        assert_tiles(db, LAND)
        assert len(shapes(db)) == 20
