"""Outcomes: what the analysis made of each site of a planted city, beside what is true of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grid.alerts import RESUMPTION_KIND

Subject = tuple[str, str]
"""A kind of alert with a site or fence."""
NO_STORY = "no_story"
"""Kind of a case at a site of which the truth tells nothing: such a case is a false one."""


@dataclass(frozen=True)
class Seen:
    """An open alert of a run."""

    level: str
    score: float
    has_case: bool


@dataclass(frozen=True)
class Outcome:
    """One site.

    Attributes
    ----------
    city : str
    seed : int
    site_id, kind : str
    guilty : bool
    expected : {"case", "attention", "nothing"}
        What can be found by what the kind shows.
    start : date or None
        First day of what is unusual.
    level : str
        Of the open alert; ``none`` without one.
    score : float
        Of the open alert, 0 without one.
    case : bool
        A case is open.
    first_alert : date or None
        Day of the earliest look back with an alert on or after the start.
    """

    city: str
    seed: int
    site_id: str
    kind: str
    guilty: bool
    expected: str
    start: dt.date | None
    level: str = "none"
    score: float = 0.0
    case: bool = False
    first_alert: dt.date | None = None

    @property
    def found(self) -> str:
        """``case``, ``attention`` (an alert without a case) or ``missed``."""
        if self.case:
            return "case"
        return "missed" if self.level == "none" else "attention"

    @property
    def as_expected(self) -> bool:
        """Whether a guilty site was found as far as its kind can be."""
        return self.case or (self.expected == "attention" and self.found == "attention")

    @property
    def lead_days(self) -> int | None:
        """Days from the true start to the first alert."""
        if self.start is None or self.first_alert is None:
            return None
        return (self.first_alert - self.start).days


def outcomes_of(
    truth: Sequence[Mapping[str, object]],
    seen: Mapping[Subject, Seen],
    alerted: Iterable[tuple[dt.date, Iterable[Subject]]],
    *,
    city: str,
    seed: int,
) -> list[Outcome]:
    """Join the truth with what was seen; cases at other sites follow as kind ``no_story``.

    Parameters
    ----------
    truth : sequence of mapping
        Rows of ``truth/kinds.json``; ``alert_kind`` where it is not that of illegal resumption, ``site_id`` also of a
        fence.
    seen : mapping of (kind of alert, id) to Seen
        Open alerts by kind and site or fence.
    alerted : iterable of (date, (kind of alert, id))
        Look backs by their day, and what had an alert then.
    city : str
    seed : int

    Examples
    --------
    >>> row = {"site_id": "A", "kind": "leak", "label": False, "expected": "nothing", "start": None}
    >>> [one.found for one in outcomes_of([row], {}, [], city="demo", seed=1)]
    ['missed']
    >>> outcomes_of([], {}, [], city="demo", seed=1)
    []
    """
    days = sorted((day, set(sites)) for day, sites in alerted)
    made = []
    for row in truth:
        site = str(row["site_id"])
        subject = (str(row.get("alert_kind") or RESUMPTION_KIND), site)
        start = dt.date.fromisoformat(str(row["start"])) if row["start"] else None
        first = next(
            (day for day, sites in days if subject in sites and (start is None or day >= start)), None
        )
        of = seen.get(subject, Seen("none", 0.0, False))
        made.append(
            Outcome(
                city,
                seed,
                site,
                str(row["kind"]),
                bool(row["label"]),
                str(row["expected"]),
                start,
                of.level,
                of.score,
                of.has_case,
                first,
            )
        )
    known = {(str(row.get("alert_kind") or RESUMPTION_KIND), str(row["site_id"])) for row in truth}
    for (kind, site), of in sorted(seen.items()):
        if (kind, site) not in known and of.has_case:
            made.append(Outcome(city, seed, site, NO_STORY, False, "nothing", None, of.level, of.score, True))
    return made
