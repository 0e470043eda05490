"""Back-test of alerts against the outcomes of site checks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spatial_models.errors import ParameterError


@dataclass(frozen=True)
class Evaluation:
    """Results of a back-test.

    Attributes
    ----------
    precision, recall : float
        Over all flagged sites.
    precision_at : dict of int to float
        Over the k highest scores; k is the number of sites that inspectors can visit.
    lead_days : dict of str to float
        Days from the alert to the confirmed date, for each true site; positive is early.
    median_lead_days : float or None
    false_alarms, missed : tuple of str
    """

    precision: float
    recall: float
    precision_at: dict[int, float]
    lead_days: dict[str, float]
    median_lead_days: float | None
    false_alarms: tuple[str, ...]
    missed: tuple[str, ...]


def precision_recall(flagged: Collection[str], truth: Collection[str]) -> tuple[float, float]:
    """Return precision and recall of flagged sites; an empty denominator gives 1.

    Parameters
    ----------
    flagged, truth : collection of str
        Site ids.

    Examples
    --------
    >>> precision_recall({"A", "B", "C"}, {"A", "B", "D", "E"})
    (0.6666666666666666, 0.5)
    >>> precision_recall(set(), {"A"})
    (1.0, 0.0)
    """
    flagged, truth = set(flagged), set(truth)
    hits = len(flagged & truth)
    return hits / len(flagged) if flagged else 1.0, hits / len(truth) if truth else 1.0


def precision_at_k(ranked: Sequence[str], truth: Collection[str], k: int) -> float:
    """Return the precision of the first ``k`` ranked sites.

    Parameters
    ----------
    ranked : sequence of str
        Site ids, the highest score first; a list shorter than ``k`` is measured by its own length.
    truth : collection of str
    k : int

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> precision_at_k(["A", "X", "B"], {"A", "B"}, 2)
    0.5
    """
    if k < 1:
        raise ParameterError(f"k must be 1 or more, got {k!r}")
    first = list(ranked)[:k]
    return sum(site in set(truth) for site in first) / len(first) if first else 1.0


def lead_days(alerts: Iterable[tuple[str, dt.date]], truth: Mapping[str, dt.date]) -> dict[str, float]:
    """Return the days from the first alert of each true site to its confirmed date; negative is late.

    Parameters
    ----------
    alerts : iterable of (site id, date or datetime)
    truth : mapping of site id to date or datetime

    Examples
    --------
    >>> lead_days([("A", dt.date(2026, 1, 1))], {"A": dt.date(2026, 1, 8), "B": dt.date(2026, 1, 8)})
    {'A': 7.0}
    """
    first: dict[str, dt.datetime] = {}
    for site, at in alerts:
        if site in truth:
            moment = _moment(at)
            first[site] = min(first.get(site, moment), moment)
    return {site: (_moment(truth[site]) - at).total_seconds() / 86_400 for site, at in sorted(first.items())}


def evaluate(
    alerts: Sequence[tuple[str, float, dt.date]],
    truth: Mapping[str, dt.date],
    *,
    ks: Sequence[int] = (5, 10, 20),
) -> Evaluation:
    """Compute all results of a back-test.

    Parameters
    ----------
    alerts : sequence of (site id, score, date or datetime)
        A site may occur several times: its highest score ranks it, its first date gives the lead.
    truth : mapping of site id to date or datetime
        Confirmed sites and the dates on which they were confirmed.
    ks : sequence of int
        Numbers of highest scores for which precision is computed.

    Returns
    -------
    Evaluation

    Examples
    --------
    >>> day = dt.date(2026, 1, 1)
    >>> result = evaluate([("A", 0.9, day), ("X", 0.8, day)], {"A": dt.date(2026, 1, 8)}, ks=(1, 2))
    >>> result.precision, result.recall, result.precision_at, result.lead_days, result.false_alarms
    (0.5, 1.0, {1: 1.0, 2: 0.5}, {'A': 7.0}, ('X',))
    >>> evaluate([], {}).median_lead_days is None
    True
    """
    best: dict[str, float] = {}
    for site, score, _ in alerts:
        best[site] = max(best.get(site, -np.inf), score)
    ranked = sorted(best, key=lambda site: (-best[site], site))
    precision, recall = precision_recall(ranked, truth)
    lead = lead_days(((site, at) for site, _, at in alerts), truth)
    return Evaluation(
        precision=precision,
        recall=recall,
        precision_at={k: precision_at_k(ranked, truth, k) for k in ks},
        lead_days=lead,
        median_lead_days=float(np.median(list(lead.values()))) if lead else None,
        false_alarms=tuple(site for site in ranked if site not in truth),
        missed=tuple(sorted(set(truth) - set(best))),
    )


def _moment(at: dt.date) -> dt.datetime:
    if isinstance(at, dt.datetime):
        return at if at.tzinfo else at.replace(tzinfo=dt.UTC)
    return dt.datetime(at.year, at.month, at.day, tzinfo=dt.UTC)
