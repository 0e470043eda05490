"""Inputs of a run: a fingerprint that sees every column, and counts of what is not there."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_api.cli.check_database import check_blind_spots
from geo_api.jobs.blind_spots import blind_spots
from layers.postgres import SYSTEM, session
from layers.runs import Coverage, read_coverage, read_fingerprint
from spatial_models.stays import detect_stays, longest_gaps_s, sampling_gaps_s
from tests.support.enterprises import insert_enterprise, insert_site
from tests.support.square_town import NOW, insert_duties, insert_town, middle

TODAY = NOW.date()
START = NOW - dt.timedelta(days=30)
READING = (
    "INSERT INTO meter_readings (site_id, kind, began_at, ended_at, value, unit, quality)"
    " SELECT id, 'power', '2026-03-01 00:00+08', '2026-03-02 00:00+08', 1, 'kWh', 'measured' FROM sites"
)
"""A day of the city (``tests/conftest.py`` puts Nantong in force)."""
CHANGES = {
    "enterprises": "UPDATE enterprises SET hazard = 'explosive'",
    "sites": "UPDATE sites SET boundary = ST_Expand(geom, 0.0001)",
    "meters": "UPDATE meter_readings SET quality = 'estimated'",
    "notices": "UPDATE notices SET valid_to = DATE '2026-03-01'",
    "places": "UPDATE places SET radius_m = 2",
    "vehicles": "UPDATE vehicles SET kind = 'other'",
    "duty_items": "UPDATE duty_items SET body = body || '（新）'",
    "areas": "UPDATE areas SET valid_to = now() WHERE id = (SELECT max(id) FROM areas)",
}


@pytest.fixture
def town(db: Session) -> Session:
    insert_duties(db)
    insert_town(db)
    insert_site(db, insert_enterprise(db, status="closed", hazard="chemical"), "S-1", *middle(0, 0))
    for statement in (
        "UPDATE enterprises SET status_since = DATE '2025-06-01'",
        READING,
        "INSERT INTO notices (site_id, kind, valid_from) SELECT id, 'permit', DATE '2026-01-01' FROM sites",
        "INSERT INTO places (kind, lon, lat, radius_m, geom) VALUES ('park', 1, 1, 1, ST_Point(1, 1, 4326))",
        "INSERT INTO vehicles (vehicle_id, kind) VALUES ('v', 'hazmat')",
    ):
        db.execute(text(statement))
    return db


@pytest.mark.parametrize("part", CHANGES)
def test_every_column_that_is_read_is_in_the_fingerprint(town: Session, part: str) -> None:
    before = read_fingerprint(town, START, NOW, today=TODAY)
    assert read_fingerprint(town, START, NOW, today=TODAY) == before
    town.execute(text(CHANGES[part]))
    after = read_fingerprint(town, START, NOW, today=TODAY)
    assert {name for name in before if before[name] != after[name]} == {part}


def test_readings_of_today_count_and_of_tomorrow_do_not(town: Session) -> None:
    before = read_fingerprint(town, START, NOW, today=dt.date(2026, 2, 28))
    assert before["meters"].startswith("0/")
    assert read_fingerprint(town, START, NOW, today=dt.date(2026, 3, 1))["meters"].startswith("1/")


def test_without_vehicles_and_with_bills_only_it_is_said_which_family_is_blind(town: Session) -> None:
    coverage = read_coverage(town, START, NOW, today=TODAY)
    assert coverage == Coverage(1, 0, 0, 0, 1, 0, 1, sites=1)
    found = {
        spot.code: spot for spot in blind_spots(coverage, sampling_gaps_s(_fixes(1, 0)), seen_interval_s=1800)
    }
    assert set(found) == {"no_tracks", "few_readings", "no_case_possible"}
    assert found["few_readings"].is_whole and "车辆、水电" in found["no_case_possible"].zh
    town.execute(text("DELETE FROM meter_readings"))
    town.execute(text("UPDATE enterprises SET hazard = 'none'"))
    assert read_coverage(town, START, NOW, today=TODAY) == Coverage(1, 1, 0, 1, 0, 0, 1, sites=1)


def _fixes(minutes: int, n: int, vehicle: int = 1) -> pl.DataFrame:
    """A vehicle that stands still and reports every so many minutes."""
    at = [NOW + dt.timedelta(minutes=minutes * i) for i in range(n)]
    return pl.DataFrame(
        {"vehicle_id": vehicle, "t": at, "lon": 120.8, "lat": 32.0},
        schema={"vehicle_id": pl.Int64, "t": pl.Datetime("us", "UTC"), "lon": pl.Float64, "lat": pl.Float64},
    )


def test_sampling_that_the_parameters_cannot_see_is_told_with_the_share_of_vehicles() -> None:
    fixes = pl.concat(
        [_fixes(70, 40, 1), _fixes(70, 40, 2), _fixes(70, 40, 3), _fixes(16, 40, 4), _fixes(60, 9, 5)]
    )
    gaps = sampling_gaps_s(fixes)
    found = detect_stays(fixes, longest_gaps=longest_gaps_s(gaps, 900)).stays
    assert set(found["vehicle_id"]) == {4}, "the others are never seen to stay"
    coverage = Coverage(1, 0, 0, 0, 0, 5, 1)
    (spot,) = blind_spots(coverage, gaps, seen_interval_s=1800)
    assert (spot.code, spot.n, spot.of, spot.is_whole) == ("sampling", 3, 4, False)
    assert "75%" in spot.en and "75%" in spot.zh and "30 minutes" in spot.en


def test_the_check_says_before_a_run_which_family_is_blind(fresh_database: str) -> None:
    (empty,) = check_blind_spots(fresh_database)
    assert empty.ok and empty.detail_en == "no data yet"
    with session(SYSTEM, fresh_database) as db:
        site = text(READING)
        insert_site(db, insert_enterprise(db, status="closed", hazard="chemical"), "S-1", 120.8, 32.0)
        db.execute(site)
    found = {finding.detail_en.partition(":")[0]: finding for finding in check_blind_spots(fresh_database)}
    assert not found["no vehicle has fixes in the window"].ok, (
        "no vehicle at all: a fault, with how to mend it"
    )
    assert "wangge import" in found["no vehicle has fixes in the window"].mend
    assert not found["blind for vehicles and meters"].ok
    assert found["1 closed sites have no date of closure"].ok
