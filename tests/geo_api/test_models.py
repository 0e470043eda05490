"""Models over the command line and over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from geo_api.cli.main import app
from geo_api.imports.import_file import import_file
from geo_api.jobs.analysis import Analysis
from geo_api.models.model_files import model_files, read_model_file
from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from spatial_models.errors import WrongModelFile
from spatial_models.suspicion import model_of, shipped_models, shipped_texts
from tests.support.loaded_cities import loaded_city

RESUMPTION = shipped_texts()["illegal_resumption"]


def test_the_command_lists_shipped_and_own_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WANGGE_MODELS_DIR", str(tmp_path))
    (tmp_path / "ours.toml").write_text(
        RESUMPTION.replace('"illegal_resumption"', '"ours"', 1), encoding="utf-8"
    )
    (tmp_path / "broken.toml").write_text("format = 1\nname = 7\n", encoding="utf-8")
    listed = json.loads(CliRunner().invoke(app, ["models", "list", "--json"]).stdout)
    known = {one["name"]: one for one in listed}
    assert known["illegal_resumption"]["origin"] == "shipped" and known["ours"]["origin"] == "folder"
    assert "line 2: name" in known["broken"]["fault"] and known["broken"]["version"] is None
    assert CliRunner().invoke(app, ["models", "list"]).exit_code == 0


def test_a_model_of_the_folder_stands_in_place_of_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "of_our_city.toml").write_text(
        RESUMPTION.replace("share = 0.02", "share = 0.05"), encoding="utf-8"
    )
    (found,) = (one for one in model_files(tmp_path) if one.model and one.model.name == "illegal_resumption")
    assert (found.origin, found.model and found.model.prior.share) == ("folder", 0.05)


def test_the_command_checks_a_file(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(RESUMPTION, encoding="utf-8")
    bad.write_text(RESUMPTION.replace("lower = -2.5", "lower = 2.5"), encoding="utf-8")
    assert CliRunner().invoke(app, ["models", "check", str(good)]).exit_code == 0
    refused = CliRunner().invoke(app, ["models", "check", str(bad)])
    lines = bad.read_text(encoding="utf-8").splitlines()
    line = next(n for n, line in enumerate(lines, 1) if line.startswith("lower = 2.5"))
    assert refused.exit_code == 1
    with pytest.raises(
        WrongModelFile, match=rf"bad\.toml: 第 {line} 行 line {line}: families\.meters\.lower"
    ):
        read_model_file(bad)


def test_models_over_http(login: Callable[[str], TestClient]) -> None:
    client = login("supervisor")
    listed = client.get("/v1/models").json()["models"]
    (one,) = (model for model in listed if model["name"] == "illegal_resumption")
    whole = client.get("/v1/models/illegal_resumption").json()
    assert one.items() <= whole.items()
    assert model_of(whole["document"]) == shipped_models()["illegal_resumption"]
    assert whole["schema"]["title"] == "Model"
    assert client.get("/v1/models/none").status_code == 404


WORKSHOP = (
    RESUMPTION.replace('name = "illegal_resumption"', 'name = "unlicensed_workshop"')
    .replace('alert_kind = "illegal_resumption"', 'alert_kind = "unlicensed_workshop"')
    .replace(
        'title = { zh = "疑似非法复工", en = "Suspected illegal resumption" }',
        'title = { zh = "疑似无证作坊", en = "Suspected unlicensed workshop" }',
    )
    .replace("[population]", '[population]\nlacks_licence = "production"')
)
"""Power and vehicles at a site without a production licence: a fifth model, as a file only."""


def test_a_model_of_another_matter_is_a_file_only(
    cluster: Cluster, _migrated: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "unlicensed_workshop.toml").write_text(WORKSHOP, encoding="utf-8")
    (models / "broken.toml").write_text("format = 9\n", encoding="utf-8")
    with loaded_city(cluster, _migrated, "second") as city:

        def alerts() -> dict[tuple[str, str], str]:
            with session(SYSTEM, city.url) as db:
                rows = db.execute(
                    text("SELECT a.kind, s.site_id, a.status FROM alerts a JOIN sites s ON s.id = a.site_id")
                )
                return {(row.kind, row.site_id): row.status for row in rows}

        before = alerts()
        header = "uscc,site_id,licence_kind,number,valid_from,valid_to,note"
        file = tmp_path / "licences.csv"
        with session(SYSTEM, city.url) as db:
            elsewhere = db.scalar(text("SELECT min(site_id) FROM sites WHERE status = 'operating'"))
        file.write_text(f"{header}\n,{elsewhere},production,P-0,2020-01-01,,\n", encoding="utf-8")
        import_file("licences", file, url=city.url)
        result = Analysis(city.url, models_folder=models).run()
        assert [spot["code"] for spot in result.blind_spots if spot["family"] == "models"] == [
            "wrong_model_file"
        ]
        both = alerts()
        assert {key: both[key] for key in before} == before, "the other model judges as it did"
        of_workshops = {site for kind, site in both if kind == "unlicensed_workshop"}
        assert of_workshops == {site for kind, site in before if kind == "illegal_resumption"}
        licensed = min(of_workshops)
        file.write_text(f"{header}\n,{licensed},production,P-1,2020-01-01,,\n", encoding="utf-8")
        import_file("licences", file, url=city.url)
        monkeypatch.setenv("WANGGE_DATABASE_URL", city.url)
        monkeypatch.setenv("WANGGE_MODELS_DIR", str(models))
        dry = CliRunner().invoke(app, ["models", "run", "unlicensed_workshop", "--dry", "--json"])
        assert dry.exit_code == 0 and json.loads(dry.stdout)["run_id"] is None and alerts() == both
        assert CliRunner().invoke(app, ["models", "run", "unlicensed_workshop"]).exit_code == 0
        after = alerts()
        assert after.pop(("unlicensed_workshop", licensed)) == "faded"
        assert after == {
            key: status for key, status in both.items() if key != ("unlicensed_workshop", licensed)
        }
