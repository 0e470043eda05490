"""Figures of an evaluation: shares with their intervals, curves, calibration and lead time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from geo_api.evaluation.outcomes import Outcome

Floats = NDArray[np.float64]
Z_95 = 1.959963984540054
"""Quantile of the normal distribution for an interval of 95 %."""


@dataclass(frozen=True)
class Share:
    """A share of a count, with its Wilson interval of 95 %."""

    part: int
    of: int

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return self.part / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson interval of 95 %; None of nothing.

        Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference, JASA 22.

        Examples
        --------
        >>> tuple(round(end, 3) for end in Share(8, 10).interval)
        (0.49, 0.943)
        >>> Share(0, 0).interval is None
        True
        """
        if not self.of:
            return None
        n, p, z = self.of, self.part / self.of, Z_95
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low = 0.0 if self.part == 0 else middle - half
        high = 1.0 if self.part == n else middle + half
        return low, high

    def as_json(self) -> dict[str, object]:
        """Part, whole, share and interval."""
        return {"part": self.part, "of": self.of, "share": self.value, "interval": self.interval}


@dataclass(frozen=True)
class KindRow:
    """Outcomes of one kind."""

    kind: str
    guilty: bool
    expected: str
    sites: int
    cases: int
    attention: int
    lead_days: float | None
    """Median days from the true start to the first alert, of the sites that had one; None: none had."""

    @property
    def missed(self) -> int:
        """Sites without any alert."""
        return self.sites - self.cases - self.attention

    @property
    def found(self) -> Share:
        """Sites found as far as the kind can be; of a decoy, those with a false case."""
        reached = self.cases + (self.attention if self.expected == "attention" else 0)
        return Share(reached, self.sites)


def by_kind(outcomes: Iterable[Outcome]) -> list[KindRow]:
    """Outcomes by kind, planted ones first, in the order of their names.

    Examples
    --------
    >>> by_kind([])
    []
    """
    kinds: dict[str, list[Outcome]] = {}
    for one in outcomes:
        kinds.setdefault(one.kind, []).append(one)
    rows = []
    for kind, own in kinds.items():
        leads = [one.lead_days for one in own if one.lead_days is not None]
        found = [one.found for one in own]
        rows.append(
            KindRow(
                kind,
                own[0].guilty,
                own[0].expected,
                len(own),
                found.count("case"),
                found.count("attention"),
                float(median(leads)) if leads and own[0].guilty else None,
            )
        )
    return sorted(rows, key=lambda row: (not row.guilty, row.kind))


@dataclass(frozen=True)
class Summary:
    """Figures over all kinds.

    Attributes
    ----------
    recall_cases : Share
        Planted sites that two families can show, with a case.
    recall : Share
        All planted sites, found as far as their kind can be.
    recall_any : Share
        All planted sites with a case or 关注.
    precision : Share
        Cases at planted sites.
    false_cases : Share
        Sites that are not planted, with a case.
    """

    recall_cases: Share
    recall: Share
    recall_any: Share
    precision: Share
    false_cases: Share


def summary(outcomes: Sequence[Outcome]) -> Summary:
    """Figures over all kinds.

    Examples
    --------
    >>> summary([]).precision.value is None
    True
    """
    guilty = [one for one in outcomes if one.guilty]
    shown = [one for one in guilty if one.expected == "case"]
    cases = [one for one in outcomes if one.case]
    right = sum(one.guilty for one in cases)
    return Summary(
        Share(sum(one.case for one in shown), len(shown)),
        Share(sum(one.as_expected for one in guilty), len(guilty)),
        Share(sum(one.found != "missed" for one in guilty), len(guilty)),
        Share(right, len(cases)),
        Share(len(cases) - right, len(outcomes) - len(guilty)),
    )


def precision_recall(scores: Floats, labels: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Precision and recall of all scores at or above each threshold, from the highest score down.

    Parameters
    ----------
    scores : ndarray, shape (n,)
    labels : ndarray of bool, shape (n,)

    Returns
    -------
    precision, recall, threshold : ndarray, shape (number of different scores,)

    Examples
    --------
    >>> curve = precision_recall(np.array([0.9, 0.8, 0.8, 0.1]), np.array([True, False, True, False]))
    >>> [part.round(2).tolist() for part in curve]
    [[1.0, 0.67, 0.5], [0.5, 1.0, 1.0], [0.9, 0.8, 0.1]]
    >>> precision_recall(np.array([]), np.array([], dtype=bool))[0].size
    0
    """
    order = np.argsort(-scores, kind="stable")
    score, hit = scores[order], labels[order]
    last = np.flatnonzero(np.r_[score[1:] != score[:-1], True]) if score.size else np.array([], dtype=int)
    right = np.cumsum(hit)[last]
    return right / (last + 1), right / max(int(hit.sum()), 1), score[last]


def average_precision(scores: Floats, labels: NDArray[np.bool_]) -> float | None:
    """Area under the steps of the curve of precision and recall; None when nothing is planted.

    Examples
    --------
    >>> average_precision(np.array([0.9, 0.5, 0.1]), np.array([True, False, True]))
    0.8333333333333333
    >>> average_precision(np.array([0.9]), np.array([False])) is None
    True
    """
    if not labels.any():
        return None
    precision, recall, _ = precision_recall(scores, labels)
    return float(np.sum(np.diff(np.r_[0.0, recall]) * precision))


@dataclass(frozen=True)
class Bin:
    """Alerts with scores in a range: their mean score, and the share that is guilty."""

    low: float
    high: float
    mean_score: float
    guilty: Share


def reliability(outcomes: Iterable[Outcome], bins: int = 10) -> list[Bin]:
    """Calibration of the scores of alerts: ranges of equal width that hold any.

    Examples
    --------
    >>> reliability([])
    []
    """
    scored = [one for one in outcomes if one.level != "none"]
    made = []
    for number in range(bins):
        own = [one for one in scored if min(int(one.score * bins), bins - 1) == number]
        if own:
            mean = sum(one.score for one in own) / len(own)
            guilty = Share(sum(one.guilty for one in own), len(own))
            made.append(Bin(number / bins, (number + 1) / bins, mean, guilty))
    return made


def curve_of(outcomes: Sequence[Outcome]) -> tuple[Floats, NDArray[np.bool_]]:
    """Scores and labels of all sites; those without an alert have the score 0."""
    scores = np.array([one.score for one in outcomes], dtype=np.float64)
    return scores, np.array([one.guilty for one in outcomes], dtype=bool)


def lead_times(outcomes: Iterable[Outcome]) -> list[int]:
    """Days from the true start to the first alert, of the planted sites that had one, in order."""
    return sorted(one.lead_days for one in outcomes if one.guilty and one.lead_days is not None)
