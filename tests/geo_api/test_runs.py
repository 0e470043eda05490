"""Runs on the demo and on the second city: what is stored, looks back that write nothing, windows, late rows, the city's day.

The tests follow each other; each leaves the city analysed.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from typer.testing import CliRunner

from geo_api.cli.main import app as command
from geo_api.http.settings import Settings
from geo_api.imports.import_file import import_file
from geo_api.jobs.analysis import Analysis
from geo_api.jobs.movement import newest_moment
from geo_api.server.app import create_app
from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from layers.records.tracks import ensure_partitions
from tests.support.application import logged_in
from tests.support.cities import in_force
from tests.support.loaded_cities import MAKERS, LoadedCity, loaded_city

TABLES = (
    "stays",
    "visits",
    "alerts",
    "alert_scores",
    "cases",
    "case_events",
    "hot_spots",
    "model_runs",
    "fence_events",
)
OVERLAPS = {
    "stays": "SELECT count(*) FROM stays a JOIN stays b ON a.vehicle_id = b.vehicle_id AND a.id <> b.id"
    " AND a.started_at <= b.started_at AND b.started_at < a.ended_at",
    "visits": "SELECT count(*) FROM visits a JOIN visits b ON a.vehicle_id = b.vehicle_id AND a.visit_id <> b.visit_id"
    " AND a.entered_at <= b.entered_at AND b.entered_at < a.left_at",
}
STAYS = (
    "SELECT vehicle_id, started_at, ended_at, n_fixes, id FROM stays WHERE started_at >= :since ORDER BY 1, 2"
)

SELDOM = """
WITH v AS (INSERT INTO vehicles (vehicle_id, kind) VALUES ('SELDOM', 'other') RETURNING id),
     place AS (SELECT ST_X(geom) AS lon, ST_Y(geom) AS lat FROM sites WHERE kind = 'production' ORDER BY id LIMIT 1)
INSERT INTO fixes (vehicle_id, t, lon, lat, h3_9)
SELECT v.id, CAST(:until AS timestamptz) - n * interval '16 minutes',
       p.lon + CASE WHEN n % 12 < 9 THEN 0 ELSE 0.01 * (n % 12 - 8) END, p.lat, 0
FROM v, place p, generate_series(1, (extract(epoch FROM CAST(:until AS timestamptz) - CAST(:since AS timestamptz)) / 960)::int) n
"""
"""A lorry that reports every 16 minutes, and stands at a plant for two of three hours."""


@pytest.fixture(scope="module", params=list(MAKERS))
def module_city(
    request: pytest.FixtureRequest, cluster: Cluster, _migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LoadedCity, FastAPI]]:
    folder: Path = tmp_path_factory.mktemp(f"runs_{request.param}")
    with loaded_city(cluster, _migrated, request.param) as loaded:
        settings = Settings(
            database_url=loaded.url, data_dir=folder / "data", secret=SecretStr("test"), log_level="error"
        )
        yield loaded, create_app(settings)


@pytest.fixture
def city(module_city: tuple[LoadedCity, FastAPI], monkeypatch: pytest.MonkeyPatch) -> Iterator[LoadedCity]:
    monkeypatch.setenv("WANGGE_DATABASE_URL", module_city[0].url)
    with in_force(module_city[0].city):
        yield module_city[0]


def rows(city: LoadedCity, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with session(SYSTEM, city.url) as db:
        return [tuple(row) for row in db.execute(text(statement), values)]


def change(city: LoadedCity, statement: str, **values: Any) -> None:
    with session(SYSTEM, city.url) as db:
        db.execute(text(statement), values)


def counts(city: LoadedCity) -> dict[str, int]:
    return {table: rows(city, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def newest(city: LoadedCity) -> dt.datetime:
    with session(SYSTEM, city.url) as db:
        return newest_moment(db)


def test_a_run_says_what_it_read_and_what_it_could_not_see(
    city: LoadedCity, module_city: tuple[LoadedCity, FastAPI]
) -> None:
    supervisor, officer = (logged_in(module_city[1], name) for name in ("supervisor", "officer"))
    (run, *_) = supervisor.get("/v1/model-runs?limit=1").json()["runs"]
    assert dt.datetime.fromisoformat(run["window_to"]) - dt.datetime.fromisoformat(
        run["window_from"]
    ) >= dt.timedelta(days=30)
    assert run["seconds"]["stays"] >= 0 and run["counts"]["stays"] > 0
    whole = supervisor.get(f"/v1/model-runs/{run['id']}").json()
    assert set(whole["fingerprint"]) >= {
        "fixes",
        "sites",
        "meters",
        "vehicles",
        "notices",
        "duty_items",
        "places",
    }
    assert whole["parameters"]["stays"]["max_gap_s"] == 900.0
    closed, no_hazard = rows(
        city,
        "SELECT count(*), count(*) FILTER (WHERE e.hazard = 'none') FROM sites s JOIN enterprises e"
        " ON e.id = s.enterprise_id WHERE s.kind IN ('production', 'storage') AND e.status <> 'operating'",
    )[0]
    told = {spot["code"]: spot for spot in run["blind_spots"]}
    assert (told["no_hazard"]["n"], told["no_hazard"]["of"]) == (no_hazard, closed) if no_hazard else True
    hidden = officer.get(f"/v1/model-runs/{run['id']}").json()
    assert (hidden["counts"], hidden["blind_spots"], hidden["fingerprint"]) == (None, None, None)
    listed = CliRunner().invoke(command, ["runs", "list", "--json"])
    assert json.loads(listed.stdout)[0]["id"] == run["id"]
    assert CliRunner().invoke(command, ["runs", "show", str(run["id"])]).exit_code == 0


def test_a_look_back_writes_nothing_and_says_what_it_would_raise(city: LoadedCity) -> None:
    before = counts(city)
    at = (newest(city) - dt.timedelta(days=1)).isoformat()
    told = CliRunner().invoke(command, ["analyse", "--json", "--at", at])
    assert told.exit_code == 0, told.output
    paper = json.loads(told.stdout)
    assert (paper["run_id"], paper["would_raise"]) == (None, []), "all of it is in the queue already"
    assert counts(city) == before
    change(city, "UPDATE alerts SET kind = kind, joined_to = id")  # as if nobody had ever looked
    try:
        again = json.loads(CliRunner().invoke(command, ["analyse", "--json", "--at", at]).stdout)
        assert {found["change"] for found in again["would_raise"]} == {"raised"} and counts(city) == before
        assert len(again["would_raise"]) == again["counts"]["alerts_raised"] > 0
    finally:
        change(city, "UPDATE alerts SET joined_to = NULL")
    assert set(paper) >= {"watched", "flagged", "window", "fingerprint", "blind_spots"}
    assert {found["level"] for found in paper["watched"]} <= {"attention"}


def test_shifted_windows_write_no_stay_and_no_visit_twice(city: LoadedCity) -> None:
    since = newest(city) - dt.timedelta(days=12)
    with session(SYSTEM, city.url) as db:
        ensure_partitions(db, [since.astimezone(dt.UTC).date() + dt.timedelta(days=n) for n in range(13)])
    change(city, SELDOM, until=newest(city), since=since)
    Analysis(city.url).run()
    first = rows(city, STAYS, since=since)
    seldom = rows(city, "SELECT max(max_gap_s), max(n_fixes) FROM stays s JOIN vehicles v ON v.id = s.vehicle_id"
                  " WHERE v.vehicle_id = 'SELDOM'")[0]  # fmt: skip
    assert seldom == (2100.0, 9), "two hours between the ways"
    for hours, days in ((31, 3), (7, 2), (50, 1)):
        at = newest(city) - dt.timedelta(hours=hours)
        assert Analysis(city.url, at=at, days=days).run(write=True).run_id is not None
        assert {name: rows(city, statement)[0][0] for name, statement in OVERLAPS.items()} == {
            "stays": 0,
            "visits": 0,
        }
    Analysis(city.url, days=2).run()
    assert {name: rows(city, statement)[0][0] for name, statement in OVERLAPS.items()} == {
        "stays": 0,
        "visits": 0,
    }
    assert [row[:4] for row in rows(city, STAYS, since=since)] == [row[:4] for row in first]


def test_a_changed_boundary_is_another_run_and_late_fixes_change_only_what_they_touch(
    city: LoadedCity,
) -> None:
    assert Analysis(city.url).run().run_id is not None
    assert Analysis(city.url).run().unchanged, "nothing new changes nothing"
    before = rows(city, STAYS, since=newest(city) - dt.timedelta(days=40))
    change(
        city,
        "UPDATE sites SET boundary = ST_Buffer(geom::geography, 40)::geometry WHERE id = (SELECT min(s.id) FROM sites s"
        " WHERE s.kind = 'production')",
    )
    assert not Analysis(city.url).run().unchanged
    assert rows(city, STAYS, since=newest(city) - dt.timedelta(days=40)) == before, (
        "the same rows with the same ids"
    )
    change(
        city,
        "INSERT INTO fixes (vehicle_id, t, lon, lat, h3_9, area_id) SELECT f.vehicle_id, f.t - interval '1 second',"
        " f.lon, f.lat, f.h3_9, f.area_id FROM fixes f JOIN stays s ON s.vehicle_id = f.vehicle_id"
        " AND f.t > s.started_at AND f.t < s.ended_at ORDER BY f.t DESC LIMIT 1",
    )
    assert not Analysis(city.url).run().unchanged
    after = rows(city, STAYS, since=newest(city) - dt.timedelta(days=40))
    assert len(set(after) ^ set(before)) == 2, "one stay has one fix more"


def test_the_day_of_a_run_is_that_of_the_city(city: LoadedCity, tmp_path: Path) -> None:
    """At two in the morning a permit of today holds; in UTC it is yesterday."""
    today = newest(city).astimezone(city.city.zone).date() + dt.timedelta(days=1)
    at = dt.datetime.combine(today, dt.time(2), city.city.zone)
    assert at.astimezone(dt.UTC).date() < today
    (alert,) = rows(
        city,
        "SELECT a.id, s.site_id FROM alerts a JOIN sites s ON s.id = a.site_id WHERE a.status = 'open'"
        " ORDER BY a.score DESC, a.id LIMIT 1",
    )
    path = tmp_path / "notices.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["site_id", "kind", "valid_from", "valid_to"], [alert[1], "permit", today, ""]]
        )
    import_file("notices", path, url=city.url)
    assert Analysis(city.url, at=at).run().run_id is not None
    assert rows(city, "SELECT status FROM alerts WHERE id = :id", id=alert[0]) == [("faded",)]
