"""Figures of looks back: what a model would have flagged on past days against what checks found later."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from spatial_models.learning.figures import KS, Figures, figures

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Flagged:
    """A site that a model would have flagged at a moment, in the order of its ranking."""

    site_id: str
    level: str
    score: float


@dataclass(frozen=True)
class Found:
    """Something that was found at a site: ``confirmed`` True or False from a check, None: a case was opened."""

    at: dt.datetime
    confirmed: bool | None


@dataclass(frozen=True)
class DayOfLooks:
    """One look back: sites flagged, those that a later check judged, precision of the first k of the ranking."""

    at: dt.datetime
    flagged: int
    judged: int
    confirmed: int
    precision_at: dict[str, float]


@dataclass(frozen=True)
class LooksBack:
    """Figures of all looks.

    Attributes
    ----------
    figures : Figures
        Of each site at the first look that flagged it, against the first check after that look.
    lead_days : dict of str to float
        Days from that look to the check that confirmed it, or to its case if that came first.
    not_judged : int
        Flagged sites without a later check: they count nowhere.
    missed : tuple of str
        Sites confirmed in the time of the looks that no look before had flagged.
    by_area : dict of str to dict
        ``flagged``, ``confirmed``, ``false_alarms`` of each area.
    """

    days: tuple[DayOfLooks, ...]
    figures: Figures
    lead_days: dict[str, float]
    not_judged: int
    missed: tuple[str, ...]
    by_area: dict[str, dict[str, int]]

    @property
    def median_lead_days(self) -> float | None:
        """Median of the lead times; None: nothing flagged was confirmed."""
        return statistics.median(self.lead_days.values()) if self.lead_days else None

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        found = asdict(self) | {"figures": self.figures.as_json(), "median_lead_days": self.median_lead_days}
        return found | {"days": [asdict(day) for day in self.days], "missed": list(self.missed)}


def looks_back(
    looks: Sequence[tuple[dt.datetime, Sequence[Flagged]]],
    found: Mapping[str, Sequence[Found]],
    areas: Mapping[str, str],
) -> LooksBack:
    """Measure looks back against what was found later.

    Parameters
    ----------
    looks : sequence of (moment, flagged)
        In order of their moments; the flagged sites by rank.
    found : mapping of site to Found
        In order of time.
    areas : mapping of site to area

    Examples
    --------
    >>> may = [dt.datetime(2026, 5, day, tzinfo=dt.UTC) for day in (1, 8, 20)]
    >>> looks = [(may[0], []), (may[1], [Flagged("A", "high", 0.9), Flagged("B", "warning", 0.6)])]
    >>> result = looks_back(looks, {"A": [Found(may[2], True)], "B": [Found(may[2], False)]}, {"A": "X", "B": "X"})
    >>> result.median_lead_days, result.days[1].confirmed, result.by_area["X"]["false_alarms"]
    (12.0, 1, 1)
    >>> looks_back([], {}, {}).figures.n
    0
    """
    first: dict[str, tuple[dt.datetime, Flagged]] = {}
    days = []
    for at, flagged in looks:
        days.append(_day(at, flagged, found))
        for one in flagged:
            first.setdefault(one.site_id, (at, one))
    labels = {site: _label(found.get(site, ()), at) for site, (at, _) in first.items()}
    judged = [site for site in first if labels[site] is not None]
    lead = {
        site: lead for site, (at, _) in first.items() if (lead := _lead(found.get(site, ()), at)) is not None
    }
    begin = looks[0][0] if looks else None
    missed = sorted(
        site
        for site, things in found.items()
        if begin is not None and any(thing.confirmed and thing.at >= begin for thing in things)
        and not any(site in first and thing.confirmed and thing.at >= first[site][0] for thing in things)
    )  # fmt: skip
    scores = [first[site][1].score for site in judged]
    return LooksBack(
        tuple(days), figures(scores, [bool(labels[site]) for site in judged]), lead, len(first) - len(judged),
        tuple(missed), _by_area(labels, areas),
    )  # fmt: skip


def _label(things: Sequence[Found], at: dt.datetime) -> bool | None:
    """Return what the first check after a moment found."""
    return next((thing.confirmed for thing in things if thing.confirmed is not None and thing.at >= at), None)


def _lead(things: Sequence[Found], at: dt.datetime) -> float | None:
    if not _label(things, at):
        return None
    ends = [thing.at for thing in things if thing.at >= at and thing.confirmed is not False]
    return (min(ends) - at) / DAY


def _day(at: dt.datetime, flagged: Sequence[Flagged], found: Mapping[str, Sequence[Found]]) -> DayOfLooks:
    labels = [_label(found.get(one.site_id, ()), at) for one in flagged]
    precision = {}
    for k in KS:
        told = [label for label in labels[:k] if label is not None]
        if k <= len(labels) and told:
            precision[str(k)] = sum(told) / len(told)
    told = [label for label in labels if label is not None]
    return DayOfLooks(at, len(flagged), len(told), sum(told), precision)


def _by_area(labels: Mapping[str, bool | None], areas: Mapping[str, str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for site, label in labels.items():
        own = found.setdefault(areas.get(site, ""), {"flagged": 0, "confirmed": 0, "false_alarms": 0})
        own["flagged"] += 1
        own["confirmed"] += label is True
        own["false_alarms"] += label is False
    return dict(sorted(found.items()))
