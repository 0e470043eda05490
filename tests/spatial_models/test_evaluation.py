"""Figures of a back-test, worked out by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from spatial_models.errors import ParameterError
from spatial_models.suspicion import precision_recall
from spatial_models.suspicion.evaluation import evaluate, lead_days, precision_at_k


def test_precision_and_recall() -> None:
    assert precision_recall(["A", "B", "C", "D"], ["A", "B", "E"]) == (0.5, 2 / 3)
    assert precision_recall([], []) == (1.0, 1.0)
    assert precision_recall(["A"], []) == (0.0, 1.0)


def test_precision_at_k() -> None:
    ranked = ["A", "X", "B", "Y"]
    assert [precision_at_k(ranked, {"A", "B"}, k) for k in (1, 2, 3, 4, 10)] == [1.0, 0.5, 2 / 3, 0.5, 0.5]
    with pytest.raises(ParameterError, match="k must"):
        precision_at_k(ranked, {"A"}, 0)


def test_lead_time_counts_from_the_first_alert_and_can_be_late() -> None:
    truth = {
        "A": dt.date(2026, 3, 10),
        "B": dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC),
        "C": dt.date(2026, 1, 1),
    }
    alerts = [
        ("A", dt.date(2026, 3, 5)),
        ("A", dt.date(2026, 3, 2)),
        ("B", dt.date(2026, 3, 2)),
        ("X", dt.date(2026, 1, 1)),
    ]
    assert lead_days(alerts, truth) == {"A": 8.0, "B": -0.5}


def test_evaluation() -> None:
    truth = {"A": dt.date(2026, 3, 10), "B": dt.date(2026, 3, 10), "C": dt.date(2026, 3, 10)}
    day = dt.date(2026, 3, 1)
    found = evaluate(
        [("X", 0.9, day), ("A", 0.95, day), ("A", 0.2, day), ("B", 0.5, dt.date(2026, 3, 5))],
        truth,
        ks=(1, 2),
    )
    assert found.precision == found.recall == pytest.approx(2 / 3)
    assert found.precision_at == {1: 1.0, 2: 0.5}
    assert found.median_lead_days == 7.0
    assert found.false_alarms == ("X",) and found.missed == ("C",)
    nothing = evaluate([], truth)
    assert (nothing.precision, nothing.recall, nothing.median_lead_days) == (1.0, 0.0, None)
