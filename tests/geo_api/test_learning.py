"""A model learns from the outcomes that inspectors recorded: through the commands and the API, on a real database."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from geo_api.cli.main import app as command
from geo_api.http.progress import console
from grid.alerts import RESUMPTION_KIND, Finding, raise_alerts, record_outcome
from layers.models import model_in_force
from layers.postgres import SYSTEM, session
from layers.records.findings import record_run
from spatial_models.suspicion import shipped_texts
from tests.support.application import Api, Seeded, api_over, logged_in
from tests.support.enterprises import insert_enterprise, insert_site

MODEL = "illegal_resumption"
SITES = 60
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    for api in api_over(seeded, f"learning_{abs(hash(tmp_path.name))}", tmp_path):
        monkeypatch.setenv("WANGGE_DATABASE_URL", api.url)
        monkeypatch.setattr(console, "width", 300)
        yield api


def told_by(*words: str) -> tuple[int, str]:
    with console.capture() as told:
        result = CliRunner().invoke(command, list(words))
    return result.exit_code, told.get() + result.output


def judge(api: Api, n: int) -> int:
    """Raise alerts whose power says all and whose visits say nothing, record what checks find; returns the run."""
    random = np.random.default_rng(1)
    with session(SYSTEM, api.url) as db:
        run = int(
            db.execute(
                text(
                    "INSERT INTO model_runs (model, version, key, at, parameters, counts, finished_at)"
                    " VALUES (:model, '1', 'learnt', :at, '{}', '{}', :at) RETURNING id"
                ),
                {"model": MODEL, "at": NOW - dt.timedelta(days=SITES)},
            ).scalar_one()
        )
        enterprise = insert_enterprise(db, status="closed", hazard="chemical")
        findings = []
        for number in range(n):
            insert_site(db, enterprise, f"L-{number:02}", 120.11, 31.21, area_id=api.ids["community_A"])
            power, visits = random.uniform(-1.5, 2.2), random.uniform(-0.4, 3.0)
            seen = [
                {"signal": "power_use", "family": "meters", "contribution": power},
                {"signal": "hazmat_visits", "family": "vehicles", "contribution": visits},
            ]
            odds = -1.0 + power + visits
            findings.append(Finding(f"L-{number:02}", "attention", 1 / (1 + np.exp(-odds)), seen, []))
        raise_alerts(db, findings, kind=RESUMPTION_KIND, run_id=run, at=NOW - dt.timedelta(days=SITES))
        alerts = dict(
            db.execute(
                text(
                    "SELECT s.site_id, a.id FROM alerts a JOIN sites s ON s.id = a.site_id WHERE a.run_id = :run"
                ),
                {"run": run},
            ).all()
        )
        for number, found in enumerate(findings):
            power = float(found.evidence[0]["contribution"])  # type: ignore[arg-type]
            outcome = "confirmed" if random.random() < 1 / (1 + np.exp(-2 * power)) else "legal_use"
            at = NOW - dt.timedelta(days=SITES - 1 - number)
            record_outcome(
                db, alerts[found.subject_id], outcome, note="", actor="x", role="officer", body=None, at=at
            )
    return run


def test_few_outcomes_are_refused_and_the_number_is_told(own: Api) -> None:
    judge(own, 12)
    result = CliRunner().invoke(command, ["models", "fit", MODEL])
    assert result.exit_code != 0 and "missing: 18 in all" in str(result.exception)


def test_a_fit_is_written_put_into_force_by_another_and_put_back(own: Api) -> None:
    judge(own, SITES)
    code, told = told_by("models", "fit", MODEL)
    assert code == 0 and "Only alerts are checked" in told
    assert told_by("models", "versions", MODEL)[1].count("+1") == 0, "without --write nothing is stored"
    assert told_by("models", "fit", MODEL, "--write")[0] != 0, "a version has a maker"
    code, told = told_by("models", "fit", MODEL, "--write", "--by", "supervisor", "--json")
    figures = json.loads(told[told.index("{") : told.rindex("}") + 1])
    assert figures["labels"] == SITES and figures["without_evidence"] == 0
    assert figures["factors"]["hazmat_visits"] < 0.6 < 1.0 < figures["factors"]["power_use"]
    assert figures["new"]["log_loss"] < figures["old"]["log_loss"]
    version = figures["version"]
    with session(SYSTEM, own.url) as db:
        assert model_in_force(db, MODEL) is None
    author, other = logged_in(own.app, "supervisor"), logged_in(own.app, "supervisor.2")
    assert author.post(f"/v1/models/{MODEL}/in-force", json={"version": version}).status_code == 403
    shown = other.post(f"/v1/models/{MODEL}/in-force", json={"version": version}).json()
    assert shown["in_force"] == version and shown["versions"][0]["figures"]["new"]["reliability"]
    with session(SYSTEM, own.url) as db:
        held = model_in_force(db, MODEL)
    assert held is not None and held != shipped_texts()[MODEL]
    _is_shown_beside_the_scores(own, other, version, [tuple(point) for point in figures["calibration"]])
    code, told = told_by("models", "diff", MODEL, "file", version)
    assert code == 0 and "power_use log-odds by value" in told and "families" not in told
    assert told_by("models", "fit", MODEL, "--write", "--by", "supervisor.2")[0] == 0
    assert other.post(f"/v1/models/{MODEL}/put-back", json={}).json()["in_force"] is None


def _is_shown_beside_the_scores(
    own: Api, caller: TestClient, version: str, points: list[tuple[float, float]]
) -> None:
    """Nothing before a run used the version; then the share on the steps, as read off a drawn line."""

    def shown() -> tuple[Any, Any, float]:
        (model,) = (one for one in caller.get("/v1/models").json()["models"] if one["name"] == MODEL)
        with session(SYSTEM, own.url) as db:
            alert = db.execute(
                text("SELECT min(id) FROM alerts WHERE score BETWEEN :low AND :high"),
                {"low": points[0][0], "high": points[-1][0]},
            ).scalar_one()
        card = caller.get(f"/v1/alerts/{alert}").json()
        return model["calibration"], card["confirmed_share"], card["score"]

    assert shown()[:2] == (None, None)
    with session(SYSTEM, own.url) as db:
        record_run(
            db, model=MODEL, version="4", key="of-the-version", at=NOW, counts={},
            parameters={"models": {MODEL: {"version": version, "alert_kind": MODEL}}},
        )  # fmt: skip
    calibration, share, score = shown()
    assert (calibration["version"], calibration["judged"] > 0) == (version, True)
    below, above = max(p for p in points if p[0] <= score), min(p for p in points if p[0] >= score)
    part = 0.0 if above == below else (score - below[0]) / (above[0] - below[0])
    assert share == pytest.approx(below[1] + part * (above[1] - below[1]), abs=1e-5)


def test_the_figures_of_a_run_are_those_counted_from_its_checks(own: Api) -> None:
    run = judge(own, SITES)
    supervisor = logged_in(own.app, "supervisor")
    shown = supervisor.get(f"/v1/model-runs/{run}").json()["figures"]
    with session(SYSTEM, own.url) as db:
        rows = db.execute(
            text(
                "SELECT a.score, o.outcome, o.at - a.raised_at AS lead FROM alerts a"
                " JOIN alert_outcomes o ON o.alert_id = a.id WHERE a.run_id = :run ORDER BY a.score DESC"
            ),
            {"run": run},
        ).all()
    right = [row.outcome == "confirmed" for row in rows]
    assert (shown["confirmed"], shown["legal_use"]) == (sum(right), SITES - sum(right))
    assert {one["k"]: one["precision"] for one in shown["precision_at"]} == {
        k: sum(right[:k]) / k for k in (5, 10, 20)
    }
    leads = sorted(row.lead.total_seconds() / 86_400 for row in rows if row.outcome == "confirmed")
    middle = (leads[(len(leads) - 1) // 2] + leads[len(leads) // 2]) / 2
    assert shown["lead_days"] == {"n": len(leads), "median": pytest.approx(middle)}
    county = next(row for row in shown["counties"] if row["code"] == "320601")
    assert county["legal_use"] == SITES - sum(right)
    assert sum(one["n"] for one in shown["reliability"]) == SITES
    assert shown["within_budget"] is None
    assert logged_in(own.app, "officer.a").get(f"/v1/model-runs/{run}").json()["figures"] is None


def test_the_budget_orders_the_queue_of_the_county(own: Api) -> None:
    supervisor = logged_in(own.app, "supervisor")
    day = (NOW - dt.timedelta(days=1)).date().isoformat()
    body = {"area": "320601", "checks_per_week": 1, "valid_from": day, "note": "两名检查员"}
    set_now = supervisor.put("/v1/alert-budgets", json=body).json()
    assert [(row["n_open"], row["n_due"], row["checked"]) for row in set_now["budgets"]] == [(2, 1, 0)]
    assert logged_in(own.app, "officer.a").put("/v1/alert-budgets", json=body).status_code == 403
    assert supervisor.put("/v1/alert-budgets", json=body | {"area": "320601001"}).status_code == 422

    def due(client: TestClient) -> list[tuple[str, int, int]]:
        found = client.get("/collections/alerts/items?due=true").json()["features"]
        return [
            (
                each["properties"]["site_id"],
                each["properties"]["place"],
                each["properties"]["checks_per_week"],
            )
            for each in found
        ]

    assert due(supervisor) == [("S-A", 1, 1)], "0.9 before 0.8"
    officer = logged_in(own.app, "officer.b")
    assert due(officer) == [], "the place is of the county, not of what an officer sees"
    shown = officer.get("/collections/alerts/items").json()["features"]
    assert [(each["properties"]["place"], each["properties"]["due"]) for each in shown] == [(2, False)]
    code, told = told_by("alerts", "list", "--due", "--json")
    assert code == 0 and [row["site_id"] for row in json.loads(told)] == ["S-A"]
    alert = own.ids["alert_A"]
    assert supervisor.post(f"/v1/alerts/{alert}/outcome", json={"outcome": "legal_use"}).status_code == 200
    assert due(supervisor) == [], "one check a week, and it was made"
    assert told_by("alerts", "budget", "set", "320601", "2", "--by", "dispatcher")[0] == 0
    assert due(supervisor) == [("S-B", 1, 2)]
    assert told_by("alerts", "budget", "set", "320601", "none", "--by", "dispatcher")[0] == 0
    assert due(supervisor) == []
    assert "320601" in told_by("alerts", "budget", "list", "--all")[1]


def test_who_may_not_decide_makes_no_version(own: Api, login: Callable[[str], TestClient]) -> None:
    judge(own, SITES)
    assert told_by("models", "fit", MODEL, "--write", "--by", "officer.a")[0] != 0
    assert told_by("models", "add", str(Path(__file__)), "--by", "supervisor")[0] != 0, "no model file"
