"""`wangge analyse stays --from … --to …` as a person types it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from geo_api.cli.main import app
from geo_api.jobs.parameters import STAY_PARAMETERS
from layers.errors import InputError
from spatial_models.out_of_core import partition_fixes
from spatial_models.out_of_core.partitioned import join_runs
from spatial_models.stays import detect_stays

T0 = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


@pytest.fixture
def fixes(tmp_path: Path) -> pl.DataFrame:
    minutes = range(0, 3000, 2)
    frames = [
        pl.DataFrame(
            {
                "vehicle_id": v,
                "t": [T0 + dt.timedelta(minutes=m) for m in minutes],
                "lon": [120.8 + (m // 60 % 3) * 0.01 for m in minutes],
                "lat": 32.0,
            }
        )
        for v in ("苏F1", "苏F2")
    ]
    found = pl.concat(frames).sort("t")
    found.write_parquet(tmp_path / "fixes.parquet", row_group_size=500)
    return found


def test_file_to_file_without_a_database(
    fixes: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    source, target = str(tmp_path / "fixes.parquet"), str(tmp_path / "stays.parquet")
    done = CliRunner().invoke(app, ["analyse", "stays", "--from", source, "--to", target])
    assert done.exit_code == 0, done.output
    expected = detect_stays(fixes, **STAY_PARAMETERS).stays
    assert expected.height > 50
    assert pl.read_parquet(target).sort("vehicle_id", "started_at").equals(expected)
    said = json.loads(done.stdout)
    assert said["stays"] == expected.height and said["quality"]["rows"] == fixes.height


def test_on_a_cluster_of_this_machine(fixes: pl.DataFrame, tmp_path: Path) -> None:
    partition_fixes(str(tmp_path / "fixes.parquet"), str(tmp_path / "parts"), buckets=4)
    arguments = [
        "analyse",
        "stays",
        "--from",
        str(tmp_path / "parts"),
        "--to",
        str(tmp_path / "out"),
        "--scheduler",
        "local",
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    got = pl.read_parquet(tmp_path / "out" / "stays" / "*.parquet").sort("vehicle_id", "started_at")
    assert got.equals(detect_stays(fixes, **STAY_PARAMETERS).stays)


def test_half_of_the_options_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["analyse", "stays", "--from", str(tmp_path)])
    assert isinstance(done.exception, InputError) and "--to" in str(done.exception)
    assert CliRunner().invoke(app, ["analyse", "--from", "a", "--to", "b"]).exit_code == 2


def test_partition_and_nights_as_a_person_types_them(fixes: pl.DataFrame, tmp_path: Path) -> None:
    source, parts = str(tmp_path / "fixes.parquet"), str(tmp_path / "parts")
    done = CliRunner().invoke(app, ["partition", "--from", source, "--to", parts, "--buckets", "2"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rows"] == fixes.height
    nights = []
    for day in ("2026-03-02", "2026-03-03", "2026-03-04"):
        out = str(tmp_path / day)
        arguments = [
            "analyse",
            "stays",
            "--from",
            parts,
            "--to",
            out,
            "--scheduler",
            "local",
            "--first-day",
            day,
        ]
        arguments += ["--last-day", day, "--states", str(tmp_path / "states")]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
        nights.append(pl.read_parquet(tmp_path / day / "stays" / "*.parquet"))
    assert join_runs(nights).equals(detect_stays(fixes, **STAY_PARAMETERS).stays)
    alone = CliRunner().invoke(
        app, ["analyse", "stays", "--from", source, "--to", "x", "--last-day", "2026-03-02"]
    )
    assert isinstance(alone.exception, InputError) and "--scheduler" in str(alone.exception)
    wrong = CliRunner().invoke(app, [*arguments[:-4], "--last-day", "yesterday"])
    assert wrong.exit_code == 2
