"""Hot spots of the demo and of the second city: counted anew by SQL, quiet where nothing changed, hot where it did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from geo_api.jobs.hot_spot_fields import counted_fields
from geo_api.jobs.hot_spots import store_hot_spots
from layers.local_time import local_zone
from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from tests.support.cities import NANTONG, in_force
from tests.support.loaded_cities import MAKERS, LoadedCity, loaded_city

VISITED_CELLS = """
SELECT count(DISTINCT s.h3_9) FROM visits v JOIN sites s ON s.id = v.site_id WHERE v.excluded_by IS NULL
    AND v.vehicle_id IN (SELECT id FROM vehicles WHERE kind = 'hazmat')
"""
CLOSED_BY_CELL = """
SELECT cell, count(*), count(*) FILTER (WHERE flagged) FROM (
    SELECT DISTINCT s.id, (s.h3_9 & ~((15::bigint << 52) | (7::bigint << 18)) | (8::bigint << 52) | (7::bigint << 18)) AS cell,
        EXISTS (SELECT FROM alerts a WHERE a.site_id = s.id) AS flagged
    FROM sites s JOIN enterprises e ON e.id = s.enterprise_id
    WHERE s.kind IN ('production', 'storage') AND e.status <> 'operating'
) c GROUP BY cell ORDER BY cell
"""
"""The parent of an H3 cell by its bits: resolution 8 in bits 52 to 55, all ones in the digit of resolution 9."""


@pytest.fixture(scope="module", params=list(MAKERS))
def module_city(request: pytest.FixtureRequest, cluster: Cluster, _migrated: str) -> Iterator[LoadedCity]:
    with loaded_city(cluster, _migrated, request.param) as loaded:
        yield loaded


@pytest.fixture
def city(module_city: LoadedCity) -> Iterator[LoadedCity]:
    with in_force(module_city.city):
        yield module_city


def rows(url: str, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with session(SYSTEM, url) as db:
        return [tuple(row) for row in db.execute(text(sql), values)]


def test_alerts_are_counted_out_of_the_closed_sites_of_each_cell(city: LoadedCity) -> None:
    stored = rows(
        city.url,
        "SELECT h3, exposure::bigint, value::bigint FROM hot_spots WHERE field = 'alerts' ORDER BY h3",
    )
    assert stored == rows(city.url, CLOSED_BY_CELL)
    expected = "SELECT DISTINCT ratio - observed / expected FROM hot_spots WHERE expected > 0"
    assert [row[0] for row in rows(city.url, expected)] == pytest.approx([0.0], abs=1e-9)


def test_the_layer_does_not_draw_where_plants_are(city: LoadedCity) -> None:
    """In a city without a list of hazardous-goods vehicles there is no visit that could be counted."""
    visited = rows(city.url, VISITED_CELLS)[0][0]
    assert bool(visited) == (city.city is NANTONG)
    hot = rows(city.url, "SELECT count(*) FROM hot_spots WHERE field = 'visits' AND level >= 95")[0][0]
    assert hot <= visited // 10
    assert rows(city.url, "SELECT count(*) FROM hot_spots WHERE level IS NULL OR p_adjusted IS NULL") == [
        (0,)
    ]


def test_a_site_that_is_visited_more_than_before_is_hot_and_the_others_are_not(city: LoadedCity) -> None:
    """Forty vehicle-days come to one site in the newest days, in a transaction that is rolled back."""
    if city.city is not NANTONG:
        pytest.skip("no visit of a listed vehicle: there is no past to compare with")
    with session(SYSTEM, city.url) as db:
        first, last = db.execute(text("SELECT min(entered_at), max(entered_at) FROM visits")).one()
        site, cell = db.execute(
            text(
                "SELECT s.id, s.h3_9 FROM visits v JOIN sites s ON s.id = v.site_id"
                " GROUP BY 1, 2 ORDER BY count(*), 1 LIMIT 1"
            )
        ).one()
        db.execute(
            text(
                "INSERT INTO visits (run_id, visit_id, vehicle_id, site_id, entered_at, left_at, seen_s, unseen_s,"
                " share, night, geom) SELECT (SELECT max(id) FROM model_runs), 'surge-' || d || '-' || id, id, :site,"
                " :last - make_interval(days => d, mins => 1), :last - make_interval(days => d), 60, 0, 1, 0,"
                " (SELECT geom FROM sites WHERE id = :site)"
                " FROM (SELECT id FROM vehicles WHERE kind = 'hazmat' ORDER BY id LIMIT 20) v, generate_series(0, 1) d"
            ),
            {"site": site, "last": last},
        )
        run = db.execute(text("SELECT max(id) FROM model_runs")).scalar_one()
        scored = _scored(db)
        end = last + dt.timedelta(seconds=1)
        told = store_hot_spots(db, run, "none", scored, first, end, local_zone().key)
        found = db.execute(
            text(
                "SELECT h3, level, ratio, from_day, until_day FROM hot_spots WHERE field = 'visits' AND level >= 95"
            )
        ).all()
        (visits, *_) = counted_fields(db, scored, first, end, local_zone().key)
        db.rollback()
    assert told["hot_visits"] == len(found) >= 1
    surge = int(cell) & ~((15 << 52) | (7 << 18)) | (8 << 52) | (7 << 18)
    assert {row.h3: row.level for row in found}[surge] == 99
    assert len(found) <= 3 and all(row.ratio > 1 for row in found)
    assert {(row.from_day, row.until_day) for row in found} == {(visits.from_day, visits.until_day)}


def _scored(db: Any) -> Any:
    import polars as pl

    rows = db.execute(
        text("SELECT DISTINCT s.site_id, a.level FROM alerts a JOIN sites s ON s.id = a.site_id")
    )
    return pl.DataFrame([tuple(r) for r in rows], schema=["site_id", "level"], orient="row")


def test_the_report_and_the_features_say_the_same(city: LoadedCity) -> None:
    run = rows(city.url, "SELECT counts FROM model_runs ORDER BY id DESC LIMIT 1")[0][0]
    for field in ("visits", "alerts", "stops"):
        sql = "SELECT count(*) FROM hot_spots WHERE field = :field AND level >= 95"
        assert run.get(f"hot_{field}", 0) == rows(city.url, sql, field=field)[0][0]
