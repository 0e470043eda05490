"""Fitting to outcomes: factors of a simulation come back, folds leak nothing, few labels are refused, caps and signs stay.

The outcomes are drawn here from factors that the test states; the code under test sees the labels alone.
"""

from __future__ import annotations

import datetime as dt
import math
import tomllib
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss

from spatial_models.errors import TooFewLabels
from spatial_models.learning import (
    JudgedAlert,
    figures,
    fit_points,
    forward_folds,
    isotonic,
    judged_frame,
    wilson,
)
from spatial_models.learning.judged import ModelShape
from spatial_models.suspicion import catalogue, read_model, shipped_texts

NAME = "illegal_resumption"
FILE = """
format = 1
version = "1"
[prior]
share = 0.3 # of closed plants
[families.meters]
upper = 9.0
lower = -9.0
[families.vehicles]
upper = 9.0
lower = -9.0
[[signals]]
signal = "power"
family = "meters"
points = [[0.0, -1.0], [1.0, 2.0]] # says much
[[signals]]
signal = "water"
family = "meters"
points = [[0.0, -0.5], [1.0, 1.0]]
[[signals]]
signal = "visits"
family = "vehicles"
points = [[0.0, -0.4], [9.0, 3.0]]
"""
BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
TRUE = {"power": 0.5, "water": 1.5, "visits": 0.0}
"""Factors by which the outcomes are drawn: power says half of what the file says, visits nothing."""


def drawn(n: int, seed: int, *, per_site: int = 1, prior_step: float = 0.4) -> list[JudgedAlert]:
    random = np.random.default_rng(seed)
    found = []
    for number in range(n):
        power, water, visits = random.uniform(-1.0, 2.0), random.uniform(-0.5, 1.0), random.uniform(-0.4, 3.0)
        odds = math.log(0.3 / 0.7) + prior_step + TRUE["power"] * power + TRUE["water"] * water
        label = random.random() < 1 / (1 + math.exp(-odds))
        families = {"meters": {"power": power, "water": water}, "vehicles": {"visits": visits}}
        site = f"S-{number // per_site}"
        prior = math.log(0.3 / 0.7)
        found.append(JudgedAlert(site, BEGIN + dt.timedelta(hours=number), label, families, prior))
    return found


def test_the_factors_of_the_simulation_come_back() -> None:
    fitted = fit_points(drawn(6000, seed=3), FILE, version="2")
    assert fitted.factors["power"] == pytest.approx(0.5, abs=0.15)
    assert fitted.factors["water"] == pytest.approx(1.5, abs=0.3)
    assert fitted.factors["visits"] == pytest.approx(0.0, abs=0.1)
    assert fitted.prior_step == pytest.approx(0.4, abs=0.15)
    assert fitted.new.log_loss < fitted.old.log_loss and fitted.new.brier < fitted.old.brier
    assert fitted.new.n > 4000 and fitted.labels == 6000


def test_the_new_file_keeps_caps_signs_comments_and_everything_else() -> None:
    fitted = fit_points(drawn(3000, seed=4), FILE, version="1+1")
    old, new = tomllib.loads(FILE), tomllib.loads(fitted.document)
    assert new["version"] == "1+1" and new["families"] == old["families"]
    for before, after in zip(old["signals"], new["signals"], strict=True):
        for (x, y), (x_new, y_new) in zip(before["points"], after["points"], strict=True):
            assert x_new == x and y * y_new >= 0
            assert y_new == pytest.approx(y * fitted.factors[before["signal"]], abs=0.001)
    share = new["prior"]["share"]
    assert math.log(share / (1 - share)) - math.log(0.3 / 0.7) == pytest.approx(fitted.prior_step, abs=1e-3)
    assert "# of closed plants" in fitted.document and "# says much" in fitted.document


def test_a_fitted_shipped_file_is_still_a_model_file() -> None:
    text = shipped_texts()[NAME]
    shape = ModelShape.of(text)
    random = np.random.default_rng(5)
    alerts = []
    for number in range(80):
        power = random.uniform(-1.5, 2.2)
        families = {"meters": {"power_use": power}, "vehicles": {shape.signals[-1]: random.uniform(0, 1)}}
        label = random.random() < 1 / (1 + math.exp(-power))
        alerts.append(JudgedAlert(f"S-{number}", BEGIN + dt.timedelta(number), label, families, -1.0))
    fitted = fit_points(alerts, text, version="2026.2+1")
    model = read_model(fitted.document, catalogue())
    assert model.version == "2026.2+1"
    unseen = [name for name in shape.signals if name not in ("power_use", shape.signals[-1])]
    assert unseen and all(fitted.factors[name] == 1.0 for name in unseen), (
        "what no alert has is left as it is"
    )


@pytest.mark.parametrize(
    ("confirmed", "legal", "missing"),
    [
        (0, 0, {"labels": 30, "confirmed": 10, "legal_use": 10}),
        (29, 0, {"labels": 1, "confirmed": 0, "legal_use": 10}),
        (4, 40, {"labels": 0, "confirmed": 6, "legal_use": 0}),
    ],
)
def test_few_labels_are_refused_with_how_many_are_missing(
    confirmed: int, legal: int, missing: dict[str, int]
) -> None:
    labels = [True] * confirmed + [False] * legal
    alerts = [
        JudgedAlert(f"S-{n}", BEGIN, label, {"meters": {"power": 1.0}}, -1.0)
        for n, label in enumerate(labels)
    ]
    with pytest.raises(TooFewLabels, match="too few outcomes") as refused:
        fit_points(alerts, FILE, version="2")
    assert refused.value.missing == missing


def test_alerts_of_other_signals_are_left_out_and_counted() -> None:
    alerts = [*drawn(60, seed=1), JudgedAlert("S-x", BEGIN, True, {"meters": {"gas": 2.0}}, -1.0)]
    fitted = fit_points(alerts, FILE, version="2")
    assert (fitted.labels, fitted.left_out) == (60, 1)


def test_what_a_notice_explained_stays_explained() -> None:
    items = {"power": 3.0, "water": 1.0, "meters_cap": -0.4, "notice_permit": -1.8}
    judged = judged_frame([JudgedAlert("S", BEGIN, False, {"meters": items}, -1.0)], ModelShape.of(FILE))
    assert judged.explained[0].tolist() == [pytest.approx(0.5), 0.0]
    assert judged.log_odds[0].tolist() == [3.0, 1.0, 0.0]


cases = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 500)), max_size=60)


@given(cases, st.integers(1, 5))
def test_folds_hold_out_whole_sites_that_come_later(rows: list[tuple[int, int]], n_folds: int) -> None:
    groups, times = np.array([g for g, _ in rows]), np.array([float(t) for _, t in rows])
    held: list[int] = []
    for train, test in forward_folds(groups, times, n_folds):
        assert not set(groups[train]) & set(groups[test])
        assert times[train].max() < times[test].min()
        held += test.tolist()
    assert len(held) == len(set(held)), "a row is held out once"


def test_a_site_on_both_sides_would_look_better_than_it_is() -> None:
    """Every site has its own signature and a label of chance: random folds learn it, ours cannot."""
    random = np.random.default_rng(11)
    n_sites, per_site = 60, 6
    signature = random.normal(size=(n_sites, 40))
    truth = random.integers(0, 2, n_sites)
    groups = np.repeat(np.arange(n_sites), per_site)
    times = random.permutation(n_sites * per_site).astype(float)
    features, labels = signature[groups], truth[groups]

    def accuracy(folds: list[tuple[np.ndarray, np.ndarray]]) -> float:
        """Of the label of the nearest row that was fitted to."""
        right = []
        for train, test in folds:
            apart = ((features[test][:, None] - features[train][None]) ** 2).sum(axis=2)
            right += (labels[train][apart.argmin(axis=1)] == labels[test]).tolist()
        return float(np.mean(right))

    shuffled = np.array_split(random.permutation(len(groups)), 5)
    leaking = [(np.setdiff1d(np.arange(len(groups)), test), test) for test in shuffled]
    assert accuracy(leaking) == 1.0
    times = np.sort(times)  # sites one after the other
    assert accuracy(forward_folds(groups, times, 4)) < 0.7


def test_isotonic_is_that_of_scikit_learn_and_of_a_case_by_hand() -> None:
    scores, labels = [0.1, 0.2, 0.3, 0.4, 0.5], [0, 1, 0, 0, 1]
    # Pool 1, 0, 0: a third each.
    assert isotonic(scores, labels) == [
        (0.1, 0.0),
        (0.2, pytest.approx(1 / 3)),
        (0.4, pytest.approx(1 / 3)),
        (0.5, 1.0),
    ]
    random = np.random.default_rng(2)
    many, truth = random.random(200), random.integers(0, 2, 200)
    points = isotonic(many, truth)
    theirs = IsotonicRegression().fit_transform(many, truth)
    assert np.allclose(np.interp(many, *zip(*points, strict=True)), theirs)


def test_figures_are_those_of_scikit_learn_and_of_counting() -> None:
    random = np.random.default_rng(7)
    scores = random.random(100)
    labels = (random.random(100) < scores).astype(int)
    found = figures(scores, labels, ks=(10, 200))
    assert found.log_loss == pytest.approx(log_loss(labels, scores))
    assert found.brier == pytest.approx(brier_score_loss(labels, scores))
    best = sorted(zip(scores, labels, strict=True), reverse=True)[:10]
    hits = sum(label for _, label in best)
    assert found.precision_at == {"10": hits / 10} and found.recall_at == {"10": hits / labels.sum()}
    assert sum(one.n for one in found.reliability) == 100
    assert sum(one.confirmed for one in found.reliability) == labels.sum()


@given(st.integers(1, 200), st.data())
def test_the_interval_of_wilson_is_where_the_normal_test_does_not_refuse(n: int, data: st.DataObject) -> None:
    """By its definition: at its ends the share lies 1.96 standard errors *of that end* away."""
    hits = data.draw(st.integers(0, n))
    z = NormalDist().inv_cdf(0.975)
    for end in wilson(hits, n):
        if 1e-6 < end < 1 - 1e-6:
            assert abs(hits / n - end) == pytest.approx(
                z * math.sqrt(end * (1 - end) / n), rel=1e-6, abs=1e-9
            )
