"""Evaluation: its figures by hand and by scikit-learn, its pictures and pages, and a small run from files to the table."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics as peer
from sklearn.calibration import calibration_curve
from typer.testing import CliRunner

from geo_api.cli.main import app
from geo_api.evaluation import CITIES, Outcome, document, draw_pictures, evaluate_city, faults_of, page
from geo_api.evaluation.metrics import (
    Share,
    average_precision,
    by_kind,
    lead_times,
    precision_recall,
    reliability,
    summary,
)
from geo_api.evaluation.outcomes import NO_STORY, Seen, outcomes_of
from geo_api.second_city import make_planted_second_city
from grid.alerts import RESUMPTION_KIND

START = dt.date(2026, 5, 4)


def outcome(kind: str, found: str = "missed", score: float = 0.0, **more) -> Outcome:
    expected = more.pop("expected", "case")
    guilty = more.pop("guilty", expected != "nothing")
    level = {"case": "high", "attention": "attention", "missed": "none"}[found]
    return Outcome(
        "demo",
        1,
        f"{kind}-{score}-{found}",
        kind,
        guilty,
        expected,
        START,
        level,
        score,
        found == "case",
        **more,
    )


@given(st.integers(0, 400), st.integers(1, 400))
def test_the_wilson_interval_is_that_of_scipy(part: int, of: int) -> None:
    part = min(part, of)
    low, high = Share(part, of).interval or (math.nan, math.nan)
    peers = binomtest(part, of).proportion_ci(0.95, method="wilson")
    assert (low, high) == pytest.approx((peers.low, peers.high), abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=80))
def test_the_curve_and_its_area_are_those_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    scores = np.array([score / 20 for score, _ in rows])
    labels = np.array([label for _, label in rows])
    if not labels.any():
        assert average_precision(scores, labels) is None
        return
    precision, recall, threshold = precision_recall(scores, labels)
    theirs = peer.precision_recall_curve(labels, scores)
    assert precision[::-1] == pytest.approx(theirs[0][:-1])
    assert recall[::-1] == pytest.approx(theirs[1][:-1])
    assert threshold[::-1] == pytest.approx(theirs[2])
    assert average_precision(scores, labels) == pytest.approx(peer.average_precision_score(labels, scores))


def test_reliability_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(4)
    scores = rng.uniform(0.05, 0.999, 300)
    guilty = rng.uniform(size=300) < scores
    own = reliability(
        [
            outcome(f"k{n}", "attention", float(score), guilty=bool(label))
            for n, (score, label) in enumerate(zip(scores, guilty, strict=True))
        ]
    )
    share, mean = calibration_curve(guilty, scores, n_bins=10)
    assert [one.guilty.value for one in own] == pytest.approx(share.tolist())
    assert [one.mean_score for one in own] == pytest.approx(mean.tolist())


SITES = [
    outcome("full_restart", "case", 0.99, first_alert=START + dt.timedelta(9)),
    outcome("full_restart", "attention", 0.6, first_alert=START + dt.timedelta(16)),
    outcome("full_restart", "missed"),
    outcome("water_only", "attention", 0.5, expected="attention", first_alert=START + dt.timedelta(2)),
    outcome("water_only", "missed", expected="attention"),
    outcome("leak", "case", 0.9, expected="nothing"),
    outcome("leak", "attention", 0.4, expected="nothing"),
    *(outcome("quiet", "missed", expected="nothing") for _ in range(4)),
]
"""Counted by hand in the next tests."""


def test_figures_by_hand() -> None:
    figures = summary(SITES)
    assert (figures.recall_cases.part, figures.recall_cases.of) == (1, 3)
    assert (figures.recall.part, figures.recall.of) == (2, 5)
    assert (figures.recall_any.part, figures.recall_any.of) == (3, 5)
    assert (figures.precision.part, figures.precision.of) == (1, 2)
    assert (figures.false_cases.part, figures.false_cases.of) == (1, 6)
    rows = {row.kind: row for row in by_kind(SITES)}
    assert list(rows) == ["full_restart", "water_only", "leak", "quiet"]
    full = rows["full_restart"]
    assert (full.sites, full.cases, full.attention, full.missed, full.lead_days) == (3, 1, 1, 1, 12.5)
    assert rows["water_only"].found == Share(1, 2)
    assert rows["leak"].lead_days is None
    assert lead_times(SITES) == [2, 9, 16]


def test_the_bar_names_what_is_below_it() -> None:
    assert faults_of(SITES, "extended") == [
        "recall 0.40 is below 0.85",
        "precision 0.50 is below 0.85",
        "leak: 1 false cases at 2 sites",
    ]
    good = [outcome("full_restart", "case", 0.9), outcome("leak", "attention", 0.5, expected="nothing")]
    assert faults_of(good, "extended") == []
    assert faults_of([*good, outcome("own_cars", "missed", expected="attention")], "extended")[-1] == (
        "own_cars: none of 1 found as far as it can be"
    )
    null = [outcome("quiet", "missed", expected="nothing")] * 99 + [
        outcome("leak", "case", 0.9, expected="nothing")
    ]
    assert faults_of(null, "decoys") == []
    assert faults_of(null[10:], "decoys") == ["1.1% of the sites have a case where nothing is planted"]
    bills = [outcome("full_restart", "attention", 0.6), *null[:9]]
    assert faults_of(bills, "monthly") == []
    assert faults_of([outcome("full_restart"), *null[:9]], "monthly") != []


def test_truth_and_alerts_are_joined() -> None:
    truth = [
        {"site_id": "A", "kind": "full_restart", "label": True, "expected": "case", "start": "2026-05-04"},
        {"site_id": "B", "kind": "quiet", "label": False, "expected": "nothing", "start": None},
    ]
    a, b = (RESUMPTION_KIND, "A"), (RESUMPTION_KIND, "B")
    seen = {
        a: Seen("high", 0.9, True),
        (RESUMPTION_KIND, "X"): Seen("high", 0.8, True),
        (RESUMPTION_KIND, "Y"): Seen("attention", 0.3, False),
    }
    before, after = dt.date(2026, 5, 1), dt.date(2026, 5, 15)
    joined = outcomes_of(truth, seen, [(after, [a]), (before, [a, b])], city="demo", seed=2)
    assert [(one.site_id, one.kind, one.found) for one in joined] == [
        ("A", "full_restart", "case"),
        ("B", "quiet", "missed"),
        ("X", NO_STORY, "case"),
    ]
    assert joined[0].lead_days == 11, "an alert from before the start is none of it"


def test_pictures_are_the_same_bytes_and_hold_no_time(tmp_path: Path) -> None:
    first, second = (draw_pictures(SITES, tmp_path / name) for name in ("a", "b"))
    assert [path.name for path in first] == [
        "precision_recall.svg",
        "reliability.svg",
        "lead_time.svg",
        "kinds.svg",
    ]
    for one, other in zip(first, second, strict=True):
        text = one.read_bytes()
        assert hashlib.sha256(text).digest() == hashlib.sha256(other.read_bytes()).digest()
        assert not re.search(rb"<dc:date>|20\d\d-\d\d-\d\d", text)
        root = ElementTree.fromstring(text)
        assert root.tag.endswith("svg")
        assert b"#ffffff" not in text, "no white ground: it is read on dark pages too"
    assert "full_restart" in first[3].read_text(encoding="utf-8")


def test_pictures_of_nothing_and_of_a_null_city(tmp_path: Path) -> None:
    assert len(draw_pictures([], tmp_path / "none")) == 4
    assert len(draw_pictures([outcome("quiet", "missed", expected="nothing")], tmp_path / "null")) == 4


def test_the_page_and_the_document_say_the_same() -> None:
    text = page(SITES, {"seeds": "1"}, ["kinds.svg"])
    assert "| `full_restart` 全面复工 full restart | 3 | 1 | 1 | 1 | 0.33 (0.06–0.79), 1/3 | 12.5 |" in text
    assert "| `leak` 水管渗漏 a leak | 2 | 1 | 1 | 0 | 0.50 (0.09–0.91), 1/2 |" in text
    assert "![kinds.svg](kinds.svg)" in text
    paper = json.loads(json.dumps(document(SITES, {"seeds": "1"})))
    assert paper["summary"]["precision"]["share"] == 0.5
    assert len(paper["outcomes"]) == len(SITES)
    assert page([], {}).startswith("# ")


def test_a_small_run_from_files_to_the_table(fresh_database: str, tmp_path: Path) -> None:
    """Four sites of two kinds, three at rest kinds: the city is made, imported and analysed by the real code."""
    chosen = "full_restart,quiet,drivers_home"
    outcomes = evaluate_city(
        CITIES["second"],
        name="second",
        seed=3,
        selection=chosen,
        weeks=1,
        url=fresh_database,
        folder=tmp_path,
    )
    truth = json.loads((tmp_path / "truth" / "kinds.json").read_text(encoding="utf-8"))
    told = [one for one in outcomes if one.kind != NO_STORY]
    assert [(one.site_id, one.kind, one.guilty) for one in told] == [
        (row["site_id"], row["kind"], row["label"]) for row in truth
    ]
    assert len(told) == 6 and {one.found for one in told if one.kind == "full_restart"} <= {
        "case",
        "attention",
    }
    assert {one.found for one in told if one.kind == "quiet"} == {"missed"}
    assert all(0.0 <= one.score <= 1.0 for one in outcomes)
    for one in told:
        assert one.lead_days is None or one.lead_days >= 0


def test_the_second_city_has_planted_kinds_in_place_of_its_stories(tmp_path: Path) -> None:
    city = make_planted_second_city(tmp_path / "a", 4, "weekends_only,frost_protection")
    again = make_planted_second_city(tmp_path / "b", 4, "weekends_only,frost_protection")
    assert (city.planted, city.decoys) == (2, 2)
    for path in sorted(city.plain.iterdir()):
        assert path.read_bytes() == (again.plain / path.name).read_bytes(), path.name
    sites = pl.read_csv(city.plain / "sites.csv")
    closed = pl.read_csv(city.plain / "enterprises.csv").filter(pl.col("status") == "closed")
    truth = json.loads((tmp_path / "a" / "truth" / "kinds.json").read_text(encoding="utf-8"))
    assert {row["uscc"] for row in truth} == set(closed["uscc"])
    assert {row["site_id"] for row in truth} <= set(sites["site_id"])
    assert sites["lon"].is_between(104.0, 104.8).all()
    meters = pl.read_parquet(city.plain / "meters.parquet")
    for row in truth:
        if row["kind"] != "frost_protection":
            continue
        own = meters.filter((pl.col("site_id") == row["site_id"]) & (pl.col("kind") == "power")).sort("day")
        rest = own.filter(pl.col("day") > dt.date.fromisoformat(row["closed"]) + dt.timedelta(8))[
            "value"
        ].drop_nulls()
        assert 0.01 < (rest > 2.5 * rest.median()).mean() < 0.2, "on the coldest days only"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--seeds", "one"], "1-5, or 1,3"),
        (["--seeds", "5-1"], "holds no seed"),
        (["--city", "third"], "demo, second or both"),
        (["--kinds", "nobody_knows"], "nobody_knows"),
    ],
)
def test_wrong_options_are_named(arguments: list[str], reason: str) -> None:
    result = CliRunner().invoke(app, ["evaluate", *arguments])
    assert result.exit_code == 2
    assert reason in re.sub(r"[│\s]+", " ", result.output)
