"""The main job end to end on small cities: what it finds, that it repeats, that a kill leaves nothing."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from geo_api.city_file import write_city
from geo_api.cli.demo import GENERATOR, NotADemo, current_end_day, prepare_demo
from geo_api.cli.main import app
from geo_api.cli.results.analysis_document import document
from geo_api.demo_city import CITY, END_DAY
from geo_api.http.settings import Settings
from geo_api.jobs.analysis import Analysis
from grid.alerts import set_matter
from grid.cases import verify_chain
from layers.local_time import local_zone
from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from spatial_models.suspicion import precision_recall
from tests.support.databases import own_database
from tests.support.demo_files import demo_city
from tests.support.long_runs import count, repeated
from tests.support.prepared_demo import PreparedDemo
from tests.support.waiting import PATIENCE_S, wait_until

TABLES = ("stays", "visits", "alerts", "cases", "case_events", "hot_spots", "model_runs")


def counts(url: str) -> dict[str, int]:
    with session(SYSTEM, url) as db:
        return {
            table: int(db.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()) for table in TABLES
        }


@pytest.fixture
def analysed_database(
    cluster: Cluster, prepared_demo: PreparedDemo, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """URL of a copy of the analysed city, set as ``WANGGE_DATABASE_URL``."""
    with own_database(cluster, prepared_demo.name) as url:
        monkeypatch.setenv("WANGGE_DATABASE_URL", url)
        yield url


@dataclass(frozen=True)
class Replaced:
    """The demo city of seed 1 after that of seed 2 came into its place."""

    url: str
    document: dict[str, Any]


@pytest.fixture(scope="module")
def replaced(
    cluster: Cluster, prepared_demo: PreparedDemo, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replaced]:
    with own_database(cluster, prepared_demo.name) as url:
        settings = Settings(
            database_url=url,
            data_dir=tmp_path_factory.mktemp("replaced"),
            demo_dir=demo_city(tmp_path_factory, 2).folder.parent,
        )
        yield Replaced(url, prepare_demo(settings, seed=2, size="small").document)


@pytest.fixture
def demo_settings(fresh_database: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    files = demo_city(tmp_path_factory).folder.parent
    return Settings(database_url=fresh_database, data_dir=tmp_path, demo_dir=files)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 1 + count(2)))
def test_every_planted_resumption_is_flagged_and_hardly_anything_else(
    request: pytest.FixtureRequest, seed: int
) -> None:
    if seed <= 2:
        paper = request.getfixturevalue({1: "prepared_demo", 2: "replaced"}[seed]).document
    else:
        paper = prepare_demo(request.getfixturevalue("demo_settings"), seed=seed, size="small").document
    planted = {p["site_id"] for p in paper["planted"] if p["label"]}
    flagged = {f["site"] for f in paper["flagged"]}
    precision, recall = precision_recall(flagged, planted)
    assert len(planted) == 6
    assert recall == 1.0
    assert precision >= 0.9
    for found in paper["flagged"]:
        case = found["case"]
        assert case["grid_code"].startswith("320682") and len(case["grid_code"]) == 15
        assert case["lead_body"] and case["due_at"] and case["community"] and case["town"]
        assert len({item["signal"] for item in found["evidence"]}) >= 3


def test_a_second_run_changes_nothing_and_a_later_look_raises_nothing_twice(
    prepared_demo: PreparedDemo,
    analysed_database: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    before = counts(analysed_database)
    files = demo_city(tmp_path_factory).folder.parent
    settings = Settings(database_url=analysed_database, data_dir=tmp_path, demo_dir=files)
    again = prepare_demo(settings, seed=1, size="small")
    assert again.document["unchanged"] is True
    assert again.document["flagged"] == prepared_demo.document["flagged"]
    assert counts(analysed_database) == before
    with session(SYSTEM, analysed_database) as db:
        db.execute(
            text(
                "UPDATE vehicles SET kind = 'other' WHERE vehicle_id = (SELECT min(vehicle_id) FROM vehicles)"
            )
        )
    Analysis(analysed_database).run()
    after = counts(analysed_database)
    assert after["model_runs"] == before["model_runs"] + 1
    assert (after["alerts"], after["cases"]) == (before["alerts"], before["cases"])


@repeated()
def test_a_run_killed_in_the_middle_leaves_nothing_half_done(analysed_database: str, attempt: int) -> None:
    with session(SYSTEM, analysed_database) as db:
        for statement in ("UPDATE vehicles SET kind = 'other' WHERE id = (SELECT min(id) FROM vehicles)",):
            db.execute(text(statement))
    before = counts(analysed_database)
    script = (
        "import geo_api.jobs.analysis as analysis, geo_api.jobs.measured_vehicles as a, os, sys\n"
        "real = a.find_visits\n"
        "def slow(*args, **kwargs):\n"
        "    print('in the middle', flush=True); import threading; threading.Event().wait()\n"
        "a.find_visits = slow\n"
        "analysis.Analysis(os.environ['WANGGE_DATABASE_URL']).run()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"WANGGE_DATABASE_URL": analysed_database},
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"in the middle"
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE_S)
    wait_until(lambda: counts(analysed_database) == before, "nothing of the run is left")
    result = Analysis(analysed_database).run()
    assert not result.unchanged
    assert counts(analysed_database)["model_runs"] == before["model_runs"] + 1


def test_the_demo_does_not_touch_other_data(fresh_database: str, demo_settings: Settings) -> None:
    with session(SYSTEM, fresh_database) as db:
        db.execute(
            text(
                "INSERT INTO areas (code, name, kind, valid_from, geom, label_point, area_m2) SELECT"
                " '110000', 'x', 'city',"
                " now(), ST_Multi(g), ST_PointOnSurface(g), 1 FROM ST_MakeEnvelope(0, 0, 1, 1, 4326) AS g"
            )
        )
    with pytest.raises(NotADemo):
        prepare_demo(demo_settings, seed=1, size="small")


@pytest.mark.parametrize(("made", "now", "until"), [
    (f"{GENERATOR} 2026-11-25", "2026-11-28T03:00Z", "2026-11-25"),  # of this week: it stays
    (f"{GENERATOR} 2026-11-10", "2026-11-28T03:00Z", "2026-11-27"),
    ("", "2026-11-28T03:00Z", "2026-11-27"),  # of an earlier version
    (None, "2026-11-27T17:00Z", "2026-11-27"),  # one o'clock on the 28th in China
    (f"{GENERATOR} 2026-12-05", "2026-11-28T03:00Z", "2026-11-27"),
])  # fmt: skip
def test_a_demo_ends_with_the_last_whole_day_unless_there_is_one_of_this_week(
    tmp_path: Path, made: str | None, now: str, until: str
) -> None:
    folder = tmp_path / "demo" / "small-1-12000"
    folder.mkdir(parents=True)
    if made is not None:
        (folder / "complete").write_text(made)
    moment = dt.datetime.fromisoformat(now)
    settings = Settings(data_dir=tmp_path)
    assert str(current_end_day(settings, seed=1, grids=12_000, size="small", now=moment)) == until


def test_an_older_demo_is_told_and_made_anew(
    analysed_database: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = Settings(database_url=analysed_database, data_dir=tmp_path)
    made = demo_city(tmp_path_factory).folder
    shutil.copytree(made, tmp_path / "demo" / made.name)
    prepare_demo(settings, seed=1, size="small")
    capsys.readouterr()
    yesterday = dt.datetime.now(dt.UTC).astimezone(local_zone()).date() - dt.timedelta(days=1)
    paper = prepare_demo(settings, seed=1, size="small", end_day=yesterday).document
    assert f"the demo city ends on {END_DAY}: made anew, until {yesterday}" in " ".join(
        capsys.readouterr().err.split()
    )
    assert dt.datetime.fromisoformat(paper["at"]).astimezone(local_zone()).date() == yesterday
    assert all(f["case"]["due_at"] > f"{yesterday}" for f in paper["flagged"])


def test_another_seed_replaces_the_demo(prepared_demo: PreparedDemo, replaced: Replaced) -> None:
    one, two = prepared_demo.document, replaced.document
    assert {f["uscc"] for f in one["flagged"]}.isdisjoint(f["uscc"] for f in two["flagged"])
    with session(SYSTEM, replaced.url) as db:
        assert verify_chain(db) == []


def test_the_command_prints_one_document(analysed_database: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "geo_api.cli.main", "analyse", "--json"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    paper = json.loads(done.stdout)
    assert set(paper) >= {"flagged", "counts", "seconds"} and "planted" not in paper
    assert len(paper["flagged"]) >= 6


def test_analyse_looks_back_from_another_moment(analysed_database: str) -> None:
    done = CliRunner().invoke(app, ["analyse", "--json", "--at", "2026-06-01"])
    assert done.exit_code == 0
    paper = json.loads(done.stdout)
    assert (
        paper["at"] == "2026-05-31T16:00:00+00:00"  # midnight in the city
        and paper["counts"]["stays"] == 0
        and paper["counts"]["alerts_raised"] == 0
    )


def test_without_data_the_command_says_what_to_do(fresh_database: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "geo_api.cli.main", "analyse"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 2
    assert "import tracks or meters first" in done.stderr


def test_without_the_matter_the_alerts_wait_for_their_cases(
    fresh_database: str, demo_settings: Settings
) -> None:
    write_city(demo_settings.city_path(), replace(CITY, matters={}))
    first = prepare_demo(demo_settings, seed=1, size="small").document
    again = document(fresh_database, Analysis(fresh_database).run())
    for told, unchanged in ((first, False), (again, True)):
        assert told["unchanged"] is unchanged and told["counts"]["cases_opened"] == 0
        assert told["without_case"]["alerts"] == len(told["flagged"]) >= 6
        assert told["without_case"]["kind"] == "illegal_resumption"
    printed = CliRunner().invoke(app, ["analyse"])
    assert printed.exit_code == 0
    with session(SYSTEM, fresh_database) as db:
        set_matter(db, "illegal_resumption", CITY.matters["illegal_resumption"])
    told = document(fresh_database, Analysis(fresh_database).run())
    assert (told["unchanged"], told["without_case"]) == (False, None)
    assert told["counts"]["cases_opened"] == len(first["flagged"])
    assert all(flagged["case"] for flagged in told["flagged"])
