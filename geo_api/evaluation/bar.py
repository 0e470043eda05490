"""The bar of an evaluation: what must hold for a model to be good enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from geo_api.evaluation.metrics import average_precision, by_kind, curve_of, summary
from geo_api.evaluation.outcomes import Outcome


@dataclass(frozen=True)
class Bar:
    """Limits.

    Attributes
    ----------
    recall : float
        Least share of the planted sites found as far as their kind can be.
    precision : float
        Least share of the cases that are at planted sites.
    decoy_share : float
        Largest share of false cases within one kind of decoy.
    null_share : float
        Largest share of cases among the closed sites of a city in which nothing is planted.
    ranking : float
        Of a city with monthly bills only: least average precision of its list, in times of what chance gives.
    """

    recall: float = 0.85
    precision: float = 0.85
    decoy_share: float = 0.1
    null_share: float = 0.01
    ranking: float = 2.0


def faults_of(outcomes: Sequence[Outcome], selection: str, bar: Bar | None = None) -> list[str]:
    """Sentences on all that is below the bar; empty: it holds.

    Parameters
    ----------
    outcomes : sequence of Outcome
    selection : str
        Kinds that were planted: ``decoys`` and ``quiet`` are null cities, ``monthly`` one of bills.
    bar : Bar or None

    Examples
    --------
    >>> faults_of([], "extended")
    ['no site was looked at']
    """
    bar = bar or Bar()
    if not outcomes:
        return ["no site was looked at"]
    figures = summary(outcomes)
    if selection in ("decoys", "quiet"):
        share = figures.false_cases.value or 0.0
        return [f"{share:.1%} of the sites have a case where nothing is planted"] * (share > bar.null_share)
    if selection == "monthly":
        scores, labels = curve_of(outcomes)
        found, chance = average_precision(scores, labels) or 0.0, float(labels.mean())
        ranked = f"bills only: the list ranks {found / max(chance, 1e-9):.1f} times as well as chance"
        return [ranked] * (found < bar.ranking * chance)
    told: list[str] = []
    if (recall := figures.recall.value or 0.0) < bar.recall:
        told.append(f"recall {recall:.2f} is below {bar.recall}")
    if (precision := figures.precision.value or 0.0) < bar.precision:
        told.append(f"precision {precision:.2f} is below {bar.precision}")
    for row in by_kind(outcomes):
        if row.guilty and row.found.part == 0:
            told.append(f"{row.kind}: none of {row.sites} found as far as it can be")
        if not row.guilty and row.cases > bar.decoy_share * row.sites:
            told.append(f"{row.kind}: {row.cases} false cases at {row.sites} sites")
    return told
