"""Pages of a collection: nothing lost, nothing twice, and only what the caller may see."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import Select, text
from sqlalchemy.orm import Session

from layers.collections import (
    COLLECTIONS,
    Selection,
    Sort,
    count_features,
    parse_bbox,
    parse_interval,
    parse_moment,
    read_cursor,
    read_feature,
    read_page,
    write_cursor,
)
from layers.collections.catalog import collection
from layers.collections.pages import page_statement
from layers.collections.tiles import tile_statement
from layers.errors import InvalidFilter, NotFound
from layers.postgres import PUBLIC, SYSTEM, Scope, apply_scope
from tests.support.direct_writes import write_cases_directly
from tests.support.long_runs import examples
from tests.support.small_town import RAISED, START, seed_town

SECRET = b"test"


def names(db: Session, collection_id: str, key: str, **selection: Any) -> list[Any]:
    page = read_page(db, COLLECTIONS[collection_id], Selection(**selection), limit=1000)
    return [json.loads(feature)["properties"][key] for feature in page.features]


def scope_of(town: dict[str, Any], letter: str) -> Scope:
    return Scope(
        role="officer", area_ids=(town[f"town_{letter}"], town[f"community_{letter}"]), username=letter
    )


def test_feature_carries_geometry_and_utc_times(db: Session, town: dict[str, Any]) -> None:
    feature = json.loads(read_feature(db, COLLECTIONS["alerts"], town["alert_A"]))
    assert feature["id"] == town["alert_A"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [120.1, 31.2]}
    assert feature["properties"]["raised_at"] == "2026-03-01T08:00:00Z"
    assert feature["properties"]["site_id"] == "S-A"


def test_bbox_takes_what_it_touches(db: Session, town: dict[str, Any]) -> None:
    # The four unit grids are 0.25 degrees wide and begin at 120.0: this box lies in the second.
    assert names(db, "areas", "name", bbox=(120.3, 31.1, 120.4, 31.2), values={"kind": ["unit_grid"]}) == [
        "A网格2"
    ]
    assert names(db, "areas", "name", bbox=(100.0, 31.1, 110.0, 31.2)) == []


def test_bbox_across_the_antimeridian(db: Session, town: dict[str, Any]) -> None:
    assert names(db, "sites", "site_id", bbox=(120.55, 31.0, -170.0, 32.0)) == ["S-B"]


def test_areas_answer_as_of_a_time(db: Session, town: dict[str, Any]) -> None:
    end = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    db.execute(text("UPDATE areas SET valid_to = :end WHERE id = :id"), {"end": end, "id": town["grid_A1"]})
    values = {"kind": ["unit_grid"], "parent_id": [str(town["community_A"])]}
    assert names(db, "areas", "name", values=values) == ["A网格2"]
    assert names(db, "areas", "name", values=values, at=end - dt.timedelta(seconds=1)) == ["A网格1", "A网格2"]
    assert names(db, "areas", "name", values=values, at=end) == ["A网格2"]
    assert names(db, "areas", "name", values=values, at=START - dt.timedelta(days=1)) == []


def test_datetime_meets_the_time_of_a_feature(db: Session, town: dict[str, Any]) -> None:
    at = RAISED - dt.timedelta(hours=4, minutes=30)  # in the middle of the stay
    assert len(names(db, "stays", "vehicle_id", interval=(at, at))) == 2
    assert names(db, "stays", "vehicle_id", interval=(RAISED, None)) == []
    assert len(names(db, "stays", "vehicle_id", interval=(None, at))) == 2


def test_hot_spots_are_those_of_the_newest_run(db: Session, town: dict[str, Any]) -> None:
    db.execute(
        text(
            "WITH r AS (INSERT INTO model_runs (model, version, key, at, parameters, counts, finished_at)"
            " VALUES ('h', '1', 'h:2', now(), '{}', '{}', now()) RETURNING id)"
            " INSERT INTO hot_spots (run_id, field, h3, value, level, geom)"
            " SELECT id, 'visits', 1, 7, 0, ST_MakeEnvelope(120, 31, 120.1, 31.1, 4326) FROM r"
        )
    )
    assert names(db, "hot_spots", "value") == [7]
    assert names(db, "hot_spots", "value", values={"run_id": [str(town["run"])]}) == [10, 9, 8]


@pytest.mark.parametrize("letter", ["A", "B"])
@pytest.mark.parametrize("collection_id", ["alerts", "stays", "visits"])
def test_a_scope_sees_its_own_rows_only(
    db: Session, town: dict[str, Any], collection_id: str, letter: str
) -> None:
    key = "vehicle_id" if collection_id == "stays" else "site_id"
    own = f"V-{letter}" if collection_id == "stays" else f"S-{letter}"
    apply_scope(db, scope_of(town, letter))
    assert names(db, collection_id, key) == [own]
    assert count_features(db, COLLECTIONS[collection_id], Selection()) == 1
    apply_scope(db, Scope(role="dispatcher", city_wide=True, username="d"))
    assert len(names(db, collection_id, key)) == 2
    apply_scope(db, PUBLIC)
    assert names(db, collection_id, key) == []


def test_a_row_of_another_scope_is_not_found(db: Session, town: dict[str, Any]) -> None:
    apply_scope(db, scope_of(town, "A"))
    with pytest.raises(NotFound):
        read_feature(db, COLLECTIONS["alerts"], town["alert_B"])


@pytest.mark.parametrize("sort", [None, Sort("area_m2"), Sort("area_m2", descending=True), Sort("code")])
@examples(10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 12))
def test_pages_follow_each_other_without_loss(db: Session, sort: Sort | None, limit: int) -> None:
    if not db.execute(text("SELECT count(*) FROM areas")).scalar_one():
        seed_town(db)
    areas = COLLECTIONS["areas"]
    whole = [json.loads(f)["id"] for f in read_page(db, areas, Selection(), limit=100, sort=sort).features]
    walked: list[int] = []
    after: tuple[Any, ...] | None = None
    while True:
        page = read_page(db, areas, Selection(), limit=limit, after=after, sort=sort)
        walked += [json.loads(f)["id"] for f in page.features]
        if page.last is None:
            break
        after = read_cursor(SECRET, "areas", write_cursor(SECRET, "areas", page.last))
    assert walked == whole
    assert len(set(whole)) == 10


def test_pages_ordered_by_time_follow_each_other(db: Session, town: dict[str, Any]) -> None:
    sort = Sort("raised_at", descending=True)
    first = read_page(db, COLLECTIONS["alerts"], Selection(), limit=1, sort=sort)
    after = read_cursor(SECRET, "a", write_cursor(SECRET, "a", first.last or ()))
    second = read_page(db, COLLECTIONS["alerts"], Selection(), limit=1, sort=sort, after=after)
    assert [json.loads(p.features[0])["id"] for p in (first, second)] == [town["alert_B"], town["alert_A"]]
    assert second.last is None


def test_offset_passes_over_rows(db: Session, town: dict[str, Any]) -> None:
    page = read_page(db, COLLECTIONS["areas"], Selection(), limit=100, offset=7)
    assert len(page.features) == 3


@pytest.mark.parametrize(
    "change", [lambda c: c[:-1], lambda c: "A" + c[1:], lambda c: "", lambda c: "é!", lambda c: c + "AAAA"]
)
def test_a_changed_cursor_is_refused(change: Any) -> None:
    with pytest.raises(InvalidFilter, match="cursor"):
        read_cursor(SECRET, "areas", change(write_cursor(SECRET, "areas", (12345,))))


def test_a_cursor_fits_no_other_collection_and_no_other_key() -> None:
    cursor = write_cursor(SECRET, "areas|", (1,))
    for secret, context in ((SECRET, "sites|"), (b"other", "areas|"), (SECRET, "areas|code")):
        with pytest.raises(InvalidFilter):
            read_cursor(secret, context, cursor)


def test_values_are_read_as_their_type(db: Session, town: dict[str, Any]) -> None:
    assert len(names(db, "areas", "name", values={"indicative": ["false"], "kind": ["town", "county"]})) == 3
    for values in (
        {"parent_id": ["x"]},
        {"parent_id": [str(2**70)]},
        {"indicative": ["maybe"]},
        {"name": ["\x00"]},
        {"area_m2": ["1"]},
    ):
        with pytest.raises(InvalidFilter, match=next(iter(values))):
            read_page(db, COLLECTIONS["areas"], Selection(values=values))


def test_a_value_is_a_value_and_never_sql(db: Session, town: dict[str, Any]) -> None:
    assert names(db, "areas", "name", values={"name": ["'; DROP TABLE areas; --"]}) == []
    assert count_features(db, COLLECTIONS["areas"], Selection()) == 10


@pytest.mark.parametrize(
    "text_", ["1,2,3", "a,b,c,d", "1,2,3,4,5", "0,50,10,40", "0,0,0,91", "-181,0,0,1", "nan,0,1,1", ""]
)
def test_a_wrong_bbox_is_refused(text_: str) -> None:
    with pytest.raises(InvalidFilter, match="bbox"):
        parse_bbox(text_)


def test_bbox_with_heights_and_intervals() -> None:
    assert parse_bbox("1,2,0,3,4,100") == (1, 2, 3, 4)
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert parse_interval("2026-01-01T00:00:00Z") == (moment, moment)
    assert parse_interval("../2026-01-01T00:00:00Z") == (None, moment)
    assert parse_moment("2026-01-01T08:00:00+08:00") == moment
    for wrong in ("2026-13-01", "2026-02-01/2026-01-01", "a/b/c", ""):
        with pytest.raises(InvalidFilter, match="datetime"):
            parse_interval(wrong)


def test_unknown_collection_is_not_found() -> None:
    with pytest.raises(NotFound):
        collection("users")


@pytest.mark.parametrize("city_wide", [True, False])
@pytest.mark.parametrize("collection_id", ["alerts", "cases", "stays", "visits"])
def test_the_spatial_index_serves_under_a_policy(
    db: Session, town: dict[str, Any], collection_id: str, city_wide: bool
) -> None:
    """A narrow box in many rows.

    The plan must enter by the geometry, for a town's scope and for the city's.
    """
    published = COLLECTIONS[collection_id]
    _many_rows(db, collection_id, town)
    scope = Scope(role="dispatcher", city_wide=True, username="d") if city_wide else scope_of(town, "A")
    apply_scope(db, scope)
    page = page_statement(published, Selection(bbox=(120.1, 31.1, 120.102, 31.102)), limit=100)
    assert f"idx_{collection_id}_geom" in explained(db, page)
    column, row = 13656, 6676  # zoom 14, near 120.1 E 31.1 N
    assert f"idx_{collection_id}_geom_3857" in explained(
        db, tile_statement(published, Selection(), (14, column, row))
    )
    apply_scope(db, SYSTEM)


def explained(db: Session, statement: Select[Any]) -> str:
    """The plan of a statement, as the caller of this transaction gets it."""
    compiled = statement.compile(dialect=db.connection().dialect)
    rows = db.connection().exec_driver_sql(f"EXPLAIN {compiled}", compiled.params)
    return "\n".join(row[0] for row in rows)


def _many_rows(db: Session, collection_id: str, town: dict[str, Any]) -> None:
    point = "ST_SetSRID(ST_MakePoint(120 + random(), 31 + random() / 2), 4326)"
    rows = {
        "alerts": "INSERT INTO alerts (run_id, site_id, kind, level, score, raised_at, evidence,"
        " would_lower, geom, area_id, joined_to)"
        f" SELECT :run, :site, 'illegal_resumption', 'high', 1, now(), '[]', '[]', {point}, :area, :live FROM"
        " generate_series(1, 20000)",
        "cases": "INSERT INTO cases (number, title, item_code, domain, co_handlers, assignment, state,"
        " opened_at, geom, area_id)"
        f" SELECT 'n' || i, 't', 'x', 'ecology', '{{}}', '{{}}', 'filed', now(), {point}, :area FROM"
        " generate_series(1, 20000) i",
        "stays": "INSERT INTO stays (run_id, vehicle_id, started_at, ended_at, ended_by, open, radius_m,"
        " n_fixes, geom, h3_9, area_id)"
        " SELECT :run, (SELECT min(id) FROM vehicles), now() + make_interval(secs => i), now(), 'left',"
        f" false, 1, 1, {point}, 0, :area"
        " FROM generate_series(1, 20000) i",
        "visits": "INSERT INTO visits (run_id, visit_id, vehicle_id, entered_at, left_at, seen_s, unseen_s,"
        " share, night, geom, area_id)"
        f" SELECT :run, 'x' || i, (SELECT min(id) FROM vehicles), now(), now(), 1, 0, 1, 0, {point}, :area"
        " FROM generate_series(1, 20000) i",
    }
    values = {
        "run": town["run"],
        "site": town["site_A"],
        "area": town["community_A"],
        "live": town["alert_A"],
    }
    known = {k: v for k, v in values.items() if f":{k}" in rows[collection_id]}
    write_cases_directly(db)
    db.execute(text(rows[collection_id]), known)
    db.execute(text(f"ANALYZE {collection_id}"))
