"""Memory of alerts: what a new score makes of the live alert of its site. The one place of this rule.

A site has one live alert of a kind. Each run scores it up and down:

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
    """Return what a finding makes of the alert of its site; None: there is no alert, and there is to be none.

    Parameters
    ----------
    memory : AlertMemory or None
        Of the live alert; None: the site has none.
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


def _rose(finding: Finding, low: float | None) -> bool:
    return low is not None and finding.unexplained_log_odds >= low + MARGIN_LOG_ODDS


def _direction(memory: AlertMemory, finding: Finding) -> str:
    """Return ``higher`` or ``lower`` where a person sees another score (two digits) or level."""
    before = ALERT_LEVELS.index(memory.level), round(memory.score, 2)
    now = ALERT_LEVELS.index(finding.level), round(finding.score, 2)
    return "refreshed" if before == now else "higher" if now > before else "lower"
