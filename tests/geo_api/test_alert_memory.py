"""Alerts remember, on the demo and on the second city: permits, corrected readings, outcomes, other changed data.

The tests follow each other: each takes an alert that the ones before it left alone.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from geo_api.cli.main import app as command
from geo_api.http.settings import Settings
from geo_api.imports.import_file import import_file
from geo_api.jobs.analysis import Analysis
from geo_api.server.app import create_app
from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from tests.support.application import logged_in
from tests.support.cities import in_force
from tests.support.loaded_cities import MAKERS, LoadedCity, loaded_city


@pytest.fixture(scope="module", params=list(MAKERS))
def module_city(
    request: pytest.FixtureRequest, cluster: Cluster, _migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LoadedCity, FastAPI]]:
    folder: Path = tmp_path_factory.mktemp(request.param)
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


@pytest.fixture
def dispatcher(city: LoadedCity, module_city: tuple[LoadedCity, FastAPI]) -> TestClient:
    return logged_in(module_city[1], "dispatcher")


def rows(city: LoadedCity, statement: str, **values: Any) -> list[Any]:
    with session(SYSTEM, city.url) as db:
        return list(db.execute(text(statement), values))


def worst(city: LoadedCity) -> Any:
    """The open alert with the highest score, with its site and the moment of its run."""
    return rows(
        city,
        "SELECT a.id, s.site_id, s.id AS site_key, a.score, r.at FROM alerts a JOIN sites s ON s.id = a.site_id"
        " JOIN model_runs r ON r.id = a.run_id"
        " WHERE a.status = 'open' ORDER BY a.score DESC, a.id LIMIT 1",
    )[0]


def as_csv(folder: Path, name: str, lines: list[dict[str, Any]]) -> Path:
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return path


def change_other_data(city: LoadedCity) -> None:
    """A car park far from everything: another run, and nothing at any site differs."""
    with session(SYSTEM, city.url) as db:
        db.execute(
            text(
                "INSERT INTO places (kind, lon, lat, radius_m, geom)"
                " SELECT 'licensed_parking', 1, n, 10, ST_SetSRID(ST_MakePoint(1, n), 4326)"
                " FROM (SELECT count(*) AS n FROM places WHERE lon = 1) n"
            )
        )


def test_an_imported_permit_lowers_the_score_and_the_card_says_so(
    city: LoadedCity, dispatcher: TestClient, tmp_path: Path
) -> None:
    alert = worst(city)
    since = alert.at.astimezone(city.city.zone).date() - dt.timedelta(days=60)
    permit = {"site_id": alert.site_id, "kind": "permit", "valid_from": since, "valid_to": ""}
    import_file("notices", as_csv(tmp_path, "notices.csv", [permit]), url=city.url)
    others = rows(
        city, "SELECT id, score, status, evidence FROM alerts WHERE id <> :id ORDER BY id", id=alert.id
    )
    result = Analysis(city.url).run()
    assert (result.unchanged, result.counts["alerts_faded"], result.counts["alerts_raised"]) == (False, 1, 0)
    card = dispatcher.get(f"/v1/alerts/{alert.id}").json()
    assert (card["alert"]["status"], card["level"]) == ("faded", "none") and card["score"] < 0.1
    newest = card["history"][0]
    assert (
        newest["change"] == "faded"
        and f"was {alert.score:.2f}, now {card['score']:.2f}: " in newest["told"]["en"]
    )
    assert (
        f"permit (from {since})" in newest["told"]["en"] and f"复工许可（{since} 起）" in newest["told"]["zh"]
    )
    left = rows(
        city, "SELECT id, score, status, evidence FROM alerts WHERE id <> :id ORDER BY id", id=alert.id
    )
    assert left == others, "no other alert changed"
    queue = dispatcher.get("/collections/alerts/items?status=open&limit=1000").json()["features"]
    assert alert.id not in {feature["id"] for feature in queue}
    faded = dispatcher.get("/collections/alerts/items?status=faded&limit=1000").json()["features"]
    assert {feature["id"] for feature in faded} == {alert.id}


def test_an_outcome_is_appended_and_nothing_is_raised_again(city: LoadedCity, dispatcher: TestClient) -> None:
    alert = worst(city)
    path = f"/v1/alerts/{alert.id}/outcome"
    cases = rows(city, "SELECT count(*) FROM cases")
    assert dispatcher.post(path, json={"outcome": "cannot_tell", "note": "门锁着"}).status_code == 200
    assert dispatcher.post(path, json={"outcome": "cannot_tell", "note": ""}).status_code == 409, (
        "pressed twice"
    )
    assert dispatcher.post(path, json={"outcome": "legal_use", "note": "消防泵"}).status_code == 200
    for _ in range(2):
        change_other_data(city)
        result = Analysis(city.url).run()
        assert (result.unchanged, result.counts["alerts_raised"], result.counts["cases_opened"]) == (
            False,
            0,
            0,
        )
        assert result.counts["alerts_suppressed"] == 1
    card = dispatcher.get(f"/v1/alerts/{alert.id}").json()
    assert (card["alert"]["status"], card["alert"]["outcome"], card["score"]) == (
        "checked",
        "legal_use",
        alert.score,
    )
    assert [(o["outcome"], o["actor"], o["note"], o["score"]) for o in card["outcomes"]] == [
        ("legal_use", "dispatcher", "消防泵", alert.score), ("cannot_tell", "dispatcher", "门锁着", alert.score),
    ]  # fmt: skip
    assert len(card["history"]) == 1, "the same evidence wrote no other score"
    assert rows(city, "SELECT count(*) FROM cases") == cases
    grid = logged_in(dispatcher.app, "grid").get(f"/v1/alerts/{alert.id}")
    if grid.status_code == 200:
        assert {o["actor"] for o in grid.json()["outcomes"]} == {None}, (
            "who checked is told to those who check"
        )


def test_corrected_readings_lower_the_score(city: LoadedCity, dispatcher: TestClient, tmp_path: Path) -> None:
    alert = worst(city)
    readings = rows(
        city,
        "SELECT m.kind, (m.began_at AT TIME ZONE 'Asia/Shanghai')::date AS day, m.value, (SELECT percentile_disc(0.1) WITHIN GROUP (ORDER BY v.value)"
        " FROM meter_readings v WHERE v.site_id = m.site_id AND v.kind = m.kind AND v.began_at > e.status_since + 30) AS low"
        " FROM meter_readings m JOIN sites s ON s.id = m.site_id JOIN enterprises e ON e.id = s.enterprise_id"
        " WHERE m.site_id = :site AND m.began_at > e.status_since + 30",
        site=alert.site_key,
    )
    corrected = [
        {
            "site_id": alert.site_id,
            "kind": r.kind,
            "day": r.day,
            "value": min(r.value, r.low),
            "quality": "measured",
        }
        for r in readings
        if r.value is not None and r.low is not None
    ]
    import_file("meters", as_csv(tmp_path, "meters.csv", corrected), url=city.url)
    assert Analysis(city.url).run().counts["alerts_lowered"] >= 1
    card = dispatcher.get(f"/v1/alerts/{alert.id}").json()
    assert card["score"] < alert.score and card["history"][0]["change"] in ("lower", "faded")
    assert {reason["signal"].partition("_")[0] for reason in card["history"][0]["reasons"]} & {
        "power",
        "water",
    }


def test_the_command_lists_shows_and_records(city: LoadedCity) -> None:
    (checked,) = rows(city, "SELECT id FROM alerts WHERE status = 'checked'")
    listed = CliRunner().invoke(command, ["alerts", "list", "--status", "checked", "--json"])
    assert listed.exit_code == 0 and f'"id": {checked.id}' in listed.stdout
    shown = CliRunner().invoke(command, ["alerts", "show", str(checked.id)])
    assert shown.exit_code == 0
    by_account = ["alerts", "outcome", str(checked.id), "confirmed", "--by", "dispatcher", "--note", "复查"]
    assert CliRunner().invoke(command, by_account).exit_code == 0
    newest = rows(city, "SELECT outcome, actor, note FROM alert_outcomes ORDER BY id DESC LIMIT 1")
    assert [tuple(row) for row in newest] == [("confirmed", "dispatcher", "复查")]
    refused = CliRunner().invoke(command, ["alerts", "outcome", str(checked.id), "confirmed", "--by", "grid"])
    assert refused.exit_code == 2
    assert CliRunner().invoke(command, ["alerts", "list", "--status", "gone"]).exit_code == 2
