from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

import tests.support.change_sets as editing
from grid.areas import read_areas
from grid.errors import EditConflict, GridError, TopologyFault, UnknownArea
from layers.errors import NotFound
from layers.postgres import SYSTEM, session
from layers.tables import Area, ChangeSet
from tests.support.direct_writes import write_cases_directly
from tests.support.enterprises import insert_enterprise, insert_site
from tests.support.square_town import community_code, insert_town, line, square, unit_code, x, y


def cut(ids: dict[str, int], column: int, row: int, *points: tuple[float, float]) -> dict[str, Any]:
    return {"op": "split", "area_id": ids[unit_code(column, row)], "line": line(*points)}


def join(ids: dict[str, int], *squares: tuple[int, int]) -> dict[str, Any]:
    return {"op": "merge", "area_ids": [ids[unit_code(c, r)] for c, r in squares]}


def units(db: Session, at: dt.datetime | None = None) -> dict[str, Any]:
    frame = read_areas(db, kind="unit_grid", at=at)
    return dict(zip(frame["code"], frame.geometry, strict=True))


def assert_partition(db: Session) -> None:
    """The invariants, by shapely and by PostGIS apart."""
    frame = read_areas(db, kind="unit_grid")
    polygons = shapely.get_parts(frame.geometry.to_numpy())
    assert len(polygons) == len(frame)
    assert shapely.is_valid(polygons).all()
    assert shapely.coverage_is_valid(polygons)
    union = shapely.union_all(polygons)
    assert union.symmetric_difference(square(0, 0, 4, 4)).area < 1e-14
    assert abs(polygons_area(polygons) - union.area) < 1e-14
    for code, area in read_areas(db, kind="community").set_index("code").geometry.items():
        own = shapely.union_all(frame.geometry[frame["code"].str.startswith(str(code))].to_numpy())
        assert own.symmetric_difference(area).area < 1e-14
    assert frame["code"].is_unique
    bad = db.execute(
        text(
            "WITH u AS (SELECT * FROM areas WHERE kind = 'unit_grid' AND valid_to IS NULL) SELECT"
            " (SELECT count(*) FROM u WHERE NOT ST_IsValid(geom) OR ST_NumGeometries(geom) <> 1"
            "    OR NOT ST_Contains(geom, label_point) OR abs(area_m2 - ST_Area(geom::geography)) > 0.01),"
            " (SELECT count(*) FROM u a JOIN u b ON a.id < b.id AND a.geom && b.geom"
            "    WHERE ST_Area(ST_Intersection(a.geom, b.geom)::geography) > 0.01),"
            " (SELECT ST_Area(ST_SymDifference(ST_Union(u.geom), (SELECT geom FROM areas WHERE kind ="
            " 'city'))::geography) FROM u)"
        )
    ).one()
    assert bad[0] == 0 and bad[1] == 0 and bad[2] < 0.01


def polygons_area(polygons: Any) -> float:
    return float(shapely.area(polygons).sum())


def test_split_in_the_middle(db: Session, ids: dict[str, int]) -> None:
    made = editing.draft(db, [cut(ids, 0, 0, (0.5, -0.1), (0.5, 1.1))], "grace")
    assert made.status == "draft" and made.area_id == ids["320601001001"]
    assert made.preview["new_codes"] == ["320601001001005", "320601001001006"]
    assert made.preview["voided_codes"] == ["320601001001001"]
    # The northern edge is shared with 003; the southern one is the rim of the town.
    assert made.preview["noded"] == ["320601001001003"]
    assert len(units(db)) == 16
    done = editing.apply(db, made.id, "heidi")
    assert done.status == "applied" and done.approved_by == "heidi"
    now = units(db)
    assert "320601001001001" not in now and len(now) == 17
    assert now["320601001001005"].equals(
        square(0, 0, 1, 1).intersection(shapely.box(x(0), y(0), x(0.5), y(1)))
    )
    half = shapely.Point(x(0.5), y(1))
    assert any(
        half.equals_exact(shapely.Point(p), 1e-13) for p in shapely.get_coordinates(now["320601001001003"])
    )
    row = db.get(Area, ids[unit_code(0, 0)], populate_existing=True)
    assert row is not None and row.valid_to is not None and "split" in str(row.void_reason)
    followers = db.execute(
        text("SELECT count(*) FROM area_successions WHERE predecessor_id = :id"), {"id": row.id}
    )
    assert followers.scalar() == 2
    assert_partition(db)
    before = units(db, row.valid_to - dt.timedelta(microseconds=1))
    assert "320601001001001" in before and len(before) == 16


def test_new_codes_run_from_west_to_east(db: Session, ids: dict[str, int]) -> None:
    made = editing.draft(db, [cut(ids, 1, 1, (1.6, 0.9), (1.6, 2.1))], "g")
    features = made.preview["result"]["features"]
    west = [shapely.geometry.shape(f["geometry"]).bounds[0] for f in features]
    assert west == sorted(west) and len(west) == 2
    half_m2 = [f["properties"]["area_m2"] for f in features]
    # 0.001 degrees of latitude and longitude at 32.0015 N: 110.87 m x 94.47 m on WGS-84
    assert sum(half_m2) == pytest.approx(110.87 * 94.47, rel=1e-3)
    assert half_m2[0] / sum(half_m2) == pytest.approx(0.6, rel=1e-3)


def test_line_snaps_to_corners_and_edges(db: Session, ids: dict[str, int]) -> None:
    """Ends 1 m away from the corners become the corners: no new node, no neighbour touched."""
    off = 1.0 / 94_400 / 0.001
    made = editing.draft(db, [cut(ids, 2, 2, (2 + off, 2 + off), (3 - off, 3 - off))], "g")
    assert made.preview["noded"] == []
    shape = shapely.geometry.shape(made.preview["result"]["features"][0]["geometry"])
    assert {tuple(p) for p in shapely.get_coordinates(shape)} <= {
        (x(c), y(r)) for c in (2, 3) for r in (2, 3)
    }
    short = cut(ids, 2, 2, (2.5, 2 + off), (2.5, 3 - off))
    assert len(editing.draft(db, [short], "g").preview["new_codes"]) == 2


@pytest.mark.parametrize(
    ("points", "rule"),
    [
        (((0.5, -0.1), (0.5, 0.5)), "line_does_not_cross"),
        (((0.3, 0.3), (0.6, 0.6)), "line_does_not_cross"),
        (((5, 5), (6, 6)), "line_does_not_cross"),
        (((0, 1), (1, 1)), "line_does_not_cross"),
        (((-0.1, 0.5), (0.8, 0.5), (0.5, 0.8), (0.5, -0.1)), "line_crosses_itself"),
        (((0.03, -0.1), (0.03, 1.1)), "sliver"),
        (((-0.1, 0.035), (1.1, 0.035)), "sliver"),
    ],
)
def test_faulty_lines_name_rule_zone_and_place(
    db: Session, ids: dict[str, int], points: tuple[tuple[float, float], ...], rule: str
) -> None:
    with pytest.raises(TopologyFault) as caught:
        editing.draft(db, [cut(ids, 0, 0, *points)], "g")
    assert caught.value.rule == rule
    assert caught.value.zones == ["第1网格（320601001001001）"]
    assert caught.value.geometry is not None and caught.value.geometry["type"]
    assert caught.value.message_zh and caught.value.message_en
    assert db.query(ChangeSet).count() == 0


def test_merge_of_neighbours(db: Session, ids: dict[str, int]) -> None:
    made = editing.draft(db, [join(ids, (0, 0), (1, 0), (1, 1))], "g")
    assert made.preview["new_codes"] == ["320601001001005"]
    editing.apply(db, made.id, "boss")
    now = units(db)
    expected = shapely.union_all([square(0, 0, 1, 1), square(1, 0, 2, 2)])
    assert len(now) == 14 and now["320601001001005"].equals(expected)
    assert_partition(db)


def test_merge_refuses_corners_and_other_communities(db: Session, ids: dict[str, int]) -> None:
    with pytest.raises(TopologyFault) as corner:
        editing.draft(db, [join(ids, (0, 0), (1, 1))], "g")
    assert corner.value.rule == "not_neighbours" and corner.value.geometry is not None
    assert corner.value.zones == ["第4网格（320601001001004）"] or corner.value.zones == [
        "第1网格（320601001001001）"
    ]
    with pytest.raises(TopologyFault) as across:
        editing.draft(db, [join(ids, (1, 1), (2, 1))], "g")
    assert across.value.rule == "outside_parent"


def test_several_operations_at_once_share_their_nodes(db: Session, ids: dict[str, int]) -> None:
    operations = [
        cut(ids, 1, 1, (0.9, 1.5), (2.1, 1.5)),
        cut(ids, 2, 1, (1.9, 1.3), (3.1, 1.6)),
        join(ids, (0, 0), (0, 1)),
    ]
    made = editing.draft(db, operations, "g")
    assert made.area_id == ids["320601"]  # two towns: their county
    editing.apply(db, made.id, "h")
    assert_partition(db)
    with pytest.raises(GridError, match="more than once"):
        editing.draft(db, [join(ids, (3, 3), (3, 3))], "g")


def test_preview_counts_sites_and_cases(db: Session, ids: dict[str, int]) -> None:
    owner = insert_enterprise(db)
    for i, c in enumerate((0.2, 0.3, 0.8, 1.5)):
        insert_site(db, owner, f"S{i}", x(c), y(0.5))
    write_cases_directly(db)
    for number, grid, closed in (
        ("NT1", unit_code(0, 0), None),
        ("NT2", unit_code(0, 0), dt.datetime.now(dt.UTC)),
        ("NT3", unit_code(1, 0), None),
    ):
        db.execute(
            text(
                "INSERT INTO cases (number, title, item_code, domain, grid_area_id, co_handlers, assignment,"
                " state, opened_at, closed_at, geom) VALUES (:n, 't', 'i', 'ecology', :g, '{}', '{}',"
                " 'filed', now(), :closed, ST_SetSRID(ST_MakePoint(:x, :y), 4326))"
            ),
            {"n": number, "g": ids[grid], "closed": closed, "x": x(0.8), "y": y(0.5)},
        )
    made = editing.draft(db, [cut(ids, 0, 0, (0.5, 0), (0.5, 1))], "g")
    assert made.preview["affected_sites"] == 3
    assert made.preview["open_cases"] == ["NT1"]
    assert [(e["sites"], e["cases"]) for e in made.preview["load"]["before"]] == [(3, 2)]
    assert [(e["sites"], e["cases"]) for e in made.preview["load"]["after"]] == [(2, 0), (1, 2)]
    editing.apply(db, made.id, "h")
    kept = db.execute(text("SELECT grid_area_id FROM cases WHERE number = 'NT1'")).scalar()
    assert kept == ids[unit_code(0, 0)]


def test_undo_brings_the_codes_back_and_can_be_undone(db: Session, ids: dict[str, int]) -> None:
    before = {code: shape.normalize() for code, shape in units(db).items()}
    made = editing.draft(db, [cut(ids, 0, 0, (0.5, 0), (0.5, 1)), join(ids, (2, 2), (3, 2))], "g")
    editing.apply(db, made.id, "h")
    back = editing.undo(db, made.id, "h")
    assert back.undoes_id == made.id and back.status == "applied"
    assert db.get(ChangeSet, made.id).status == "undone"  # type: ignore[union-attr]
    now = units(db)
    assert set(now) == set(before)
    assert all(now[code].equals(before[code]) for code in now)
    assert_partition(db)
    again = editing.undo(db, back.id, "i")
    assert set(units(db)) == (set(before) | set(made.preview["new_codes"])) - set(
        made.preview["voided_codes"]
    )
    assert again.undoes_id == back.id
    assert_partition(db)
    fresh = editing.draft(db, [cut(ids, 1, 0, (1.5, 0), (1.5, 1))], "g")
    assert fresh.preview["new_codes"] == ["320601001001007", "320601001001008"]


def test_undo_after_a_neighbour_got_nodes(db: Session, ids: dict[str, int]) -> None:
    first = editing.draft(db, [cut(ids, 0, 0, (0.5, 0), (0.5, 1))], "g")
    editing.apply(db, first.id, "h")
    second = editing.draft(db, [cut(ids, 1, 0, (0.9, 0.4), (2.1, 0.7))], "g")
    editing.apply(db, second.id, "h")
    editing.undo(db, first.id, "h")
    assert_partition(db)


def test_later_draft_conflicts_and_says_with_what(db: Session, ids: dict[str, int]) -> None:
    one = editing.draft(db, [cut(ids, 0, 0, (0.5, 0), (0.5, 1))], "anna")
    two = editing.draft(db, [join(ids, (0, 0), (1, 0))], "bert")
    editing.apply(db, one.id, "bert")
    with pytest.raises(EditConflict) as caught:
        editing.apply(db, two.id, "anna")
    message = caught.value.message_en
    assert (
        "320601001001001" in message
        and "320601001001005" in message
        and "of bert" in message
        and f"set {one.id}" in message
    )
    with pytest.raises(EditConflict, match="applied"):
        editing.apply(db, one.id, "bert")
    with pytest.raises(EditConflict, match="draft"):
        editing.undo(db, two.id, "anna")
    with pytest.raises(EditConflict, match="became"):
        editing.draft(db, [cut(ids, 0, 0, (0.5, 0), (0.5, 1))], "bert")
    with pytest.raises(NotFound):
        editing.apply(db, 10**9, "x")


def test_undo_conflicts_when_a_follower_has_ended(db: Session, ids: dict[str, int]) -> None:
    one = editing.draft(db, [cut(ids, 0, 0, (0.5, 0), (0.5, 1))], "anna")
    result = editing.apply(db, one.id, "carl").result
    assert result is not None
    ended = result["created"][0]["id"]
    two = editing.draft(db, [{"op": "split", "area_id": ended, "line": line((0, 0.5), (0.5, 0.5))}], "bert")
    editing.apply(db, two.id, "anna")
    with pytest.raises(EditConflict, match="320601001001005"):
        editing.undo(db, one.id, "bert")
    assert_partition(db)


def test_codes_taken_meanwhile_are_given_anew(db: Session, ids: dict[str, int]) -> None:
    one = editing.draft(db, [cut(ids, 0, 0, (0.5, 0), (0.5, 1))], "a")
    two = editing.draft(db, [cut(ids, 1, 1, (1.5, 1), (1.5, 2))], "b")
    assert one.preview["new_codes"] == two.preview["new_codes"]
    editing.apply(db, one.id, "c")
    result = editing.apply(db, two.id, "c").result
    assert result is not None and result["new_codes"] == ["320601001001007", "320601001001008"]
    assert_partition(db)


def test_overflow_of_the_sequence_is_an_error(db: Session, ids: dict[str, int]) -> None:
    db.execute(text("UPDATE areas SET code = '320601001001998' WHERE id = :id"), {"id": ids[unit_code(1, 1)]})
    with pytest.raises(GridError, match="999"):
        editing.draft(db, [cut(ids, 0, 0, (0.5, 0), (0.5, 1))], "a")


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "explode", "area_id": 1},
        {"op": "split", "area_id": "1", "line": {}},
        {"op": "merge", "area_ids": [1]},
        {"op": "merge"},
        {"op": "merge", "area_ids": ["a", True]},
        {"op": "merge", "area_ids": [1, 2**70]},
    ],
)
def test_unreadable_operations(db: Session, ids: dict[str, int], operation: dict[str, Any]) -> None:
    with pytest.raises(GridError):
        editing.draft(db, [operation], "a")


@pytest.mark.parametrize(
    "bad",
    [
        None,
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "LineString", "coordinates": [[1, 2]]},
        {"type": "LineString", "coordinates": [[1, "a"], [2, 3]]},
    ],
)
def test_unreadable_lines(db: Session, ids: dict[str, int], bad: Any) -> None:
    with pytest.raises(GridError, match="line"):
        editing.draft(db, [{"op": "split", "area_id": ids[unit_code(0, 0)], "line": bad}], "a")


def test_only_unit_grids_are_edited(db: Session, ids: dict[str, int]) -> None:
    with pytest.raises(UnknownArea):
        editing.draft(db, [{"op": "split", "area_id": ids["320601"], "line": line((0, 0), (4, 4))}], "a")
    with pytest.raises(UnknownArea):
        editing.draft(db, [{"op": "split", "area_id": 10**12, "line": line((0, 0), (4, 4))}], "a")


def test_a_node_in_a_neighbours_edge_is_in_its_measured_area(db: Session, ids: dict[str, int]) -> None:
    """An edge between two nodes is the geodesic.

    A node in the middle of 94 m along a parallel moves 0.005 m².
    """
    row = editing.draft(db, [cut(ids, 0, 0, (0.5, 0), (0.5, 1))], "a")
    editing.apply(db, row.id, "b")
    assert (row.result or {})["noded"]
    stored = db.execute(text("SELECT area_m2, ST_Area(geom::geography) FROM areas WHERE valid_to IS NULL"))
    for area_m2, measured_m2 in stored.all():
        assert area_m2 == pytest.approx(measured_m2, abs=1e-6)


def test_ten_managers_at_once(fresh_database: str) -> None:
    """Ten apply drafts on one zone at the same time: one is done, nine get the conflict."""
    import threading

    with session(SYSTEM, fresh_database) as db:
        made = insert_town(db)
        places = [0.3 + 0.04 * i for i in range(10)]
        drafts = [editing.draft(db, [cut(made, 0, 0, (p, 0), (1 - p, 1))], f"a{p}").id for p in places]
    outcome: list[str] = []
    barrier = threading.Barrier(10)

    def work(number: int) -> None:
        barrier.wait()
        try:
            with session(SYSTEM, fresh_database) as db:
                editing.apply(db, number, f"m{number}")
            outcome.append("done")
        except EditConflict:
            outcome.append("conflict")

    threads = [threading.Thread(target=work, args=(number,)) for number in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome) == ["conflict"] * 9 + ["done"]
    with session(SYSTEM, fresh_database) as db:
        assert_partition(db)
        assert len(units(db)) == 17


def test_zone_with_a_hole_is_cut_through_the_hole_only_on_both_sides(db: Session) -> None:
    """A ring around another zone: a line from the rim to the hole opens it but does not cut it."""
    from grid.topology import Unit, split

    ring = shapely.difference(square(0, 0, 4, 4), square(1, 1, 3, 3))
    unit = Unit(1, "c", "环", 1, ring)
    with pytest.raises(TopologyFault) as caught:
        split(unit, [[x(2), y(-0.1)], [x(2), y(1)]])
    assert caught.value.rule == "line_does_not_cross"
    both = split(unit, [[x(2.5), y(-0.1)], [x(2.5), y(4.1)]])
    assert len(both.added) == 2 and len(both.nodes) == 4
    assert sum(shape.area for shape in both.added) == pytest.approx(ring.area, rel=1e-12)


def test_community_code_helper() -> None:
    assert community_code(3, 3) == "320601002002"
