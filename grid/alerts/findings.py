"""Finding: the result of a model at one site or fence, with what the memory of alerts compares."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

NOTICE = "notice_"
"""Start of the signals of notices: they say what part of the evidence is explained."""
_LEAST_CHANCE = 1e-9


@dataclass(frozen=True)
class Finding:
    """The result of a model at one site or fence.

    Attributes
    ----------
    subject_id : str
        Id of the site or of the fence.
    level : str
        Of ``ALERT_LEVELS``; ``none`` where the evidence is below the lowest level.
    score : float
        Probability, 0 to 1.
    evidence, would_lower : sequence of mapping
        As the model writes them, for the card: what was seen, and what would lower the score.
    families : tuple of str
        Families of evidence that count as a source of their own.
    blind : tuple of str
        Families of which there were no data to judge by.
    would_settle : sequence of mapping
        What would settle it in the families that say nothing: ``family``, ``zh``, ``en``.
    seen_until : mapping of str to date
        Local day of the newest reading or visit of a family; for families left out it is the last day of the
        periods of its evidence.
    subject : str
        ``site`` or ``fence``.
    place : (float, float) or None
        Longitude and latitude of the breach at a fence, degrees; a site has its own.
    """

    subject_id: str
    level: str
    score: float
    evidence: Sequence[Mapping[str, object]]
    would_lower: Sequence[Mapping[str, object]]
    families: tuple[str, ...] = ()
    seen_until: Mapping[str, dt.date] = field(default_factory=dict)
    blind: tuple[str, ...] = ()
    would_settle: Sequence[Mapping[str, object]] = ()
    subject: str = "site"
    place: tuple[float, float] | None = None

    @property
    def log_odds(self) -> float:
        """The score as log-odds.

        Examples
        --------
        >>> round(Finding("S", "high", 0.9, [], []).log_odds, 3)
        2.197
        """
        chance = min(max(self.score, _LEAST_CHANCE), 1.0 - _LEAST_CHANCE)
        return math.log(chance / (1.0 - chance))

    @property
    def unexplained_log_odds(self) -> float:
        """The log-odds before what notices explain.

        Examples
        --------
        >>> permit = {"signal": "notice_permit", "family": "meters", "contribution": -2.0}
        >>> round(Finding("S", "none", 0.05, [permit], []).unexplained_log_odds, 3)
        -0.944
        """
        return self.log_odds - sum(
            _weight(item) for item in self.evidence if str(item.get("signal", "")).startswith(NOTICE)
        )

    @property
    def contributions(self) -> dict[str, object]:
        """The log-odds of each signal by its family, and the prior: what is left of the score.

        Examples
        --------
        >>> seen = [{"signal": "power", "family": "meters", "contribution": 1.5}]
        >>> Finding("S", "attention", 0.5, seen, []).contributions
        {'families': {'meters': {'power': 1.5}}, 'prior': -1.5}
        """
        families: dict[str, dict[str, float]] = {}
        for item in self.evidence:
            own = families.setdefault(str(item.get("family") or ""), {})
            name = str(item.get("signal", ""))
            own[name] = own.get(name, 0.0) + _weight(item)
        return {"families": families, "prior": self.log_odds - sum(_weight(item) for item in self.evidence)}

    def newest_day(self, family: str) -> dt.date | None:
        """Return the local day of the newest reading or visit that speaks for a family; None: there is none."""
        if family in self.seen_until:
            return self.seen_until[family]
        days = [
            _last_day(item) for item in self.evidence if item.get("family") == family and _weight(item) > 0
        ]
        return max((day for day in days if day is not None), default=None)


def _weight(item: Mapping[str, object]) -> float:
    weight = item.get("contribution", 0.0)
    return float(weight) if isinstance(weight, int | float) else 0.0


def _last_day(item: Mapping[str, object]) -> dt.date | None:
    period = item.get("period")
    last = period[-1] if isinstance(period, list | tuple) and period else None
    try:
        return None if last is None else dt.date.fromisoformat(str(last))
    except ValueError:
        return None
