"""Memory of alerts: what a new score makes of the live alert of its subject. The one place of this rule.

A site or fence has one live alert of a kind. Each run scores it up and down:

- evidence below the lowest level: the alert *fades* and leaves the queue;
- an alert that faded comes back when its evidence has a level again. It is a matter of its own, which may open a case,
  when the log-odds are ``MARGIN_LOG_ODDS`` above their lowest since; a score that only trembles about the lowest level
  goes on with the old matter;
- an outcome of a site check *suppresses*: the alert is scored on, and stays out of the queue until the evidence differs
  from what was judged. It differs when readings or visits of later days (in the city) than the judged score reached
  bring

  1. a family of evidence that did not count in the judged score, or
  2. log-odds at least ``MARGIN_LOG_ODDS`` above the judged ones, or
  3. evidence that had gone since (below the lowest level, its log-odds before notices ``MARGIN_LOG_ODDS`` below the
     judged ones) and is back, ``MARGIN_LOG_ODDS`` above that low.

The third rule looks at the evidence before notices: a permit that is imported and taken back repeats nothing. Without a
reading or visit after the judged ones nothing differs, whatever is imported or corrected of the time before.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from grid.alerts.findings import Finding
from layers.alert_levels import ALERT_LEVELS
from layers.alerts import AlertMemory

MARGIN_LOG_ODDS = 1.0
"""Log-odds by which evidence differs: the odds are 2.7 times those that were judged."""
LOWEST = ALERT_LEVELS[0]
OPEN, CHECKED, FADED = "open", "checked", "faded"


@dataclass(frozen=True)
class Decision:
    """Decision about an alert: its status, and whether it is raised.

    Attributes
    ----------
    status : str
        ``open``, ``checked`` or ``faded``.
    change : str
        Of ``layers.tables.SCORE_CHANGES``.
    is_new_matter : bool
        Whether it was raised anew: a case may be opened for it.
    is_raised : bool
        Whether it came into the queue, or is in it at a higher level than before.
    """

    status: str
    change: str
    is_new_matter: bool = False
    is_raised: bool = False


def decide(memory: AlertMemory | None, finding: Finding, zone: ZoneInfo) -> Decision | None:
    """Return what a finding makes of the alert of its subject; None: there is no alert, and there is to be none.

    Parameters
    ----------
    memory : AlertMemory or None
        Of the live alert; None: there is none.
    zone : ZoneInfo
        Of the city, whose days are meant.
    """
    sank = finding.level == LOWEST
    if memory is None:
        return None if sank else Decision(OPEN, "raised", is_new_matter=True, is_raised=True)
    if memory.status == CHECKED:
        if not sank and differs(memory, finding, zone):
            return Decision(OPEN, "reopened", is_new_matter=True, is_raised=True)
        return Decision(CHECKED, _direction(memory, finding))
    if sank:
        return Decision(FADED, "refreshed" if memory.status == FADED else "faded")
    if memory.status == FADED:
        if _rose(finding, memory.lowest_unexplained):
            return Decision(OPEN, "reopened", is_new_matter=True, is_raised=True)
        return Decision(OPEN, "returned", is_raised=True)
    higher = ALERT_LEVELS.index(finding.level) > ALERT_LEVELS.index(memory.level)
    return Decision(OPEN, _direction(memory, finding), is_raised=higher)


def differs(memory: AlertMemory, finding: Finding, zone: ZoneInfo) -> bool:
    """Whether the evidence differs from what the newest outcome judged, as the rule at the head of this module says."""
    judged = memory.judged_log_odds
    if memory.judged_at is None or judged is None or memory.judged_unexplained is None:
        return False
    day = memory.judged_at.astimezone(zone).date()
    later = {family for family in finding.families if (found := finding.newest_day(family)) and found > day}
    if not later:
        return False
    if later - set(memory.judged_families) or finding.log_odds >= judged + MARGIN_LOG_ODDS:
        return True
    low = memory.lowest_unexplained
    return low is not None and low <= memory.judged_unexplained - MARGIN_LOG_ODDS and _rose(finding, low)


@dataclass(frozen=True)
class Reopening:
    """Evidence that brings an alert back into the queue after an outcome, in the words of :func:`differs`.

    Attributes
    ----------
    later_than : str
        Local day (ISO) that the judged score reached; only readings and visits of later days count.
    families : tuple of str
        Families of evidence of which each is new, since it did not count in the judged score.
    score : float
        Score from which the evidence is stronger than the judged one.
    """

    later_than: str
    families: tuple[str, ...]
    score: float


def reopening(
    judged_at: dt.datetime,
    score: float,
    counted: Collection[str],
    families: Collection[str],
    zone: ZoneInfo,
) -> Reopening:
    """Return what brings an alert back that is judged at this score.

    Parameters
    ----------
    judged_at : datetime
        Moment of the score.
    counted, families : collection of str
        Families that count in it, and all of its model.

    Examples
    --------
    >>> at = dt.datetime(2026, 4, 10, 20, tzinfo=dt.UTC)
    >>> found = reopening(at, 0.5, ["meters"], ["meters", "vehicles"], ZoneInfo("Asia/Shanghai"))
    >>> found.later_than, found.families, round(found.score, 3)
    ('2026-04-11', ('vehicles',), 0.731)
    >>> reopening(at, 0.5, [], [], ZoneInfo("UTC")).families
    ()
    """
    chance = min(max(score, 1e-9), 1.0 - 1e-9)
    odds = chance / (1.0 - chance) * math.exp(MARGIN_LOG_ODDS)
    new = tuple(sorted(set(families) - set(counted)))
    return Reopening(judged_at.astimezone(zone).date().isoformat(), new, odds / (1.0 + odds))


def _rose(finding: Finding, low: float | None) -> bool:
    return low is not None and finding.unexplained_log_odds >= low + MARGIN_LOG_ODDS


def _direction(memory: AlertMemory, finding: Finding) -> str:
    """Return ``higher`` or ``lower`` where a person sees another score (two digits) or level."""
    before = ALERT_LEVELS.index(memory.level), round(memory.score, 2)
    now = ALERT_LEVELS.index(finding.level), round(finding.score, 2)
    return "refreshed" if before == now else "higher" if now > before else "lower"
