"""Figures of scores against outcomes: log loss, Brier score, precision at k, recall, reliability with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Z_95 = 1.959963984540054
KS = (5, 10, 20)
BINS = 5


@dataclass(frozen=True)
class ReliabilityBin:
    """Alerts of about one score: the mean score against the share that was confirmed.

    ``low`` and ``high`` are the Wilson interval of 95 % of the share.
    """

    n: int
    confirmed: int
    mean_score: float
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Figures:
    """Scores against outcomes.

    Attributes
    ----------
    precision_at : dict of str to float
        Share confirmed of the k highest scores; only k up to ``n``.
    recall_at : dict of str to float
        Share of the confirmed that are among the k highest scores.
    reliability : tuple of ReliabilityBin
    """

    n: int
    confirmed: int
    log_loss: float | None
    brier: float | None
    precision_at: dict[str, float]
    recall_at: dict[str, float]
    reliability: tuple[ReliabilityBin, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return asdict(self) | {"reliability": [asdict(one) for one in self.reliability]}


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the Wilson interval of 95 % of a share.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(5, 10)]
    [0.237, 0.763]
    >>> wilson(0, 0)
    (0.0, 1.0)
    """
    if n == 0:
        return 0.0, 1.0
    share, spread = hits / n, Z_95**2 / n
    middle = (share + spread / 2) / (1 + spread)
    half = Z_95 * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def figures(scores: npt.ArrayLike, labels: npt.ArrayLike, *, ks: Sequence[int] = KS) -> Figures:
    """Measure scores (0 to 1) against labels (0, 1).

    Examples
    --------
    >>> found = figures([0.9, 0.8, 0.2, 0.1], [1, 0, 0, 0], ks=(1, 2))
    >>> found.precision_at, found.recall_at, round(found.brier, 4)
    ({'1': 1.0, '2': 0.5}, {'1': 1.0, '2': 1.0}, 0.175)
    >>> figures([], []).brier is None
    True
    """
    given, truth = np.asarray(scores, dtype=float), np.asarray(labels, dtype=float)
    n, confirmed = len(given), int(truth.sum())
    if n == 0:
        return Figures(0, 0, None, None, {}, {}, ())
    ranked = truth[np.argsort(-given, kind="stable")]
    clipped = np.clip(given, 1e-9, 1 - 1e-9)
    within = [k for k in ks if k <= n]
    return Figures(
        n,
        confirmed,
        float(-(truth * np.log(clipped) + (1 - truth) * np.log(1 - clipped)).mean()),
        float(((given - truth) ** 2).mean()),
        {str(k): float(ranked[:k].mean()) for k in within},
        {str(k): float(ranked[:k].sum() / confirmed) for k in within if confirmed},
        reliability(given, truth),
    )


def reliability(scores: npt.ArrayLike, labels: npt.ArrayLike, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Return the reliability of scores in bins of equal numbers, the lowest scores first.

    Examples
    --------
    >>> [(one.n, one.confirmed) for one in reliability([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], bins=2)]
    [(2, 0), (2, 2)]
    >>> reliability([], [])
    ()
    """
    given, truth = np.asarray(scores, dtype=float), np.asarray(labels, dtype=float)
    found = []
    for rows in np.array_split(np.argsort(given, kind="stable"), bins):
        if len(rows):
            hits = int(truth[rows].sum())
            low, high = wilson(hits, len(rows))
            found.append(
                ReliabilityBin(len(rows), hits, float(given[rows].mean()), hits / len(rows), low, high)
            )
    return tuple(found)


def isotonic(scores: npt.ArrayLike, labels: npt.ArrayLike) -> list[tuple[float, float]]:
    """Return the rising steps from score to share confirmed (isotonic regression) as points (score, share).

    Examples
    --------
    >>> isotonic([0.1, 0.2, 0.3, 0.9], [0, 1, 0, 1])
    [(0.1, 0.0), (0.2, 0.5), (0.3, 0.5), (0.9, 1.0)]
    >>> isotonic([], [])
    []
    """
    from sklearn.isotonic import IsotonicRegression

    given = np.asarray(scores, dtype=float)
    if not len(given):
        return []
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(
        given, np.asarray(labels, float)
    )
    return [(float(x), float(y)) for x, y in zip(fitted.X_thresholds_, fitted.y_thresholds_, strict=True)]
