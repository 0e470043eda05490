"""Versions of models: nothing holds until another person than the author says so, and the way back is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.testclient import TestClient
from typer.testing import CliRunner

from geo_api.cli.main import app as command
from geo_api.http.progress import console
from grid.models import put_back, put_in_force
from layers.errors import InputError
from layers.models import NewVersion, add_version, model_in_force, versions
from layers.postgres import SYSTEM, session
from tests.support.application import Api

NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
FILE = '[prior]\nshare = 0.02\n[[signals]]\nsignal = "power_share"\npoints = [[0.0, -1.0], [1.0, 2.0]]\n'


@pytest.fixture
def model(api: Api, request: pytest.FixtureRequest) -> str:
    """The name of a model with two versions, which the account supervisor made."""
    name = request.node.name[:60]
    with session(SYSTEM, api.url) as db:
        for number, version in enumerate(("1", "2")):
            document = FILE.replace("2.0", f"{number + 2}.5")
            add_version(db, NewVersion(name, version, document, "supervisor"), NOW)
    return name


def test_the_model_of_a_time_is_the_one_that_was_in_force_then(api: Api, model: str) -> None:
    with session(SYSTEM, api.url) as db:
        assert model_in_force(db, model) is None, "a version that was made holds nowhere"
        put_in_force(db, model, "1", by="supervisor.2", now=NOW + 2 * DAY)
        put_in_force(db, model, "2", by="supervisor.2", now=NOW + 4 * DAY)
        put_back(db, model, by="supervisor.2", now=NOW + 6 * DAY)
        held = [model_in_force(db, model, NOW + days * DAY) for days in (1, 3, 5, 7)]
        assert [None if text is None else text.count("2.5") for text in held] == [None, 1, 0, 1]
        put_back(db, model, by="supervisor.2", now=NOW + 8 * DAY)
        assert model_in_force(db, model) is None
        facts = {row.stored.version: row for row in versions(db, model)}
        assert [row.put_back_at for row in (facts["2"], facts["1"])] == [NOW + 6 * DAY, NOW + 8 * DAY]
        assert facts["1"].in_force_by == "supervisor.2" and not facts["1"].is_in_force


def test_a_version_and_its_steps_are_never_changed(api: Api, model: str) -> None:
    with session(SYSTEM, api.url) as db:
        put_in_force(db, model, "1", by="supervisor.2", now=NOW)
        with pytest.raises(InputError, match="is there already"):
            add_version(db, NewVersion(model, "1", FILE, "x"), NOW)
        for statement in (
            "UPDATE model_versions SET document = ''",
            "DELETE FROM model_version_steps",
        ):
            with pytest.raises(DBAPIError, match="append-only"), db.begin_nested():
                db.execute(text(statement))


def test_another_supervisor_puts_it_into_force_and_back(
    api: Api, model: str, login: Callable[[str], TestClient]
) -> None:
    author, other = login("supervisor"), login("supervisor.2")
    shown = author.get(f"/v1/models/{model}/versions").json()
    assert [row["version"] for row in shown["versions"]] == ["2", "1"]
    assert not any(row["may_put_in_force"] for row in shown["versions"])
    assert author.post(f"/v1/models/{model}/in-force", json={"version": "1"}).status_code == 403
    answer = other.post(f"/v1/models/{model}/in-force", json={"version": "1", "note": "试行"})
    assert (answer.status_code, answer.json()["in_force"]) == (200, "1")
    assert other.post(f"/v1/models/{model}/in-force", json={"version": "1"}).status_code == 409
    assert other.post(f"/v1/models/{model}/in-force", json={"version": "none"}).status_code == 404
    assert author.get(f"/v1/models/{model}/versions").json()["may_put_back"]
    viewer = login("viewer.a").get(f"/v1/models/{model}/versions").json()
    assert viewer["in_force"] == "1" and not viewer["may_put_back"]
    assert other.post(f"/v1/models/{model}/put-back", json={}).json()["in_force"] is None
    assert other.post(f"/v1/models/{model}/put-back", json={}).status_code == 409
    with session(SYSTEM, api.url) as db:
        logged = db.scalar(
            text("SELECT count(*) FROM access_log WHERE path LIKE '/v1/models/%' AND status = 200")
        )
    assert logged >= 4


def test_the_commands_say_what_differs_and_who_may(
    api: Api, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", api.url)
    monkeypatch.setattr(console, "width", 300)

    def run(*words: str) -> tuple[int, str]:
        with console.capture() as told:
            result = CliRunner().invoke(command, ["models", *words])
        return result.exit_code, told.get() + result.output

    code, told = run("diff", model, "1", "2")
    assert code == 0 and "power_share log-odds by value: [0: -1, 1: +2.5] → [0: -1, 1: +3.5]" in told
    assert run("put-in-force", model, "2", "--by", "dispatcher")[0] != 0
    assert run("put-in-force", model, "2", "--by", "supervisor.2")[0] == 0
    code, told = run("versions", model)
    assert code == 0 and "supervisor.2" in told
    assert run("put-back", model, "--by", "supervisor.2")[0] == 0
    assert "the file" in run("versions", model)[1]
