"""Weights and thresholds of the suspicion model; they are stored with every result."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from spatial_models.frames import LOCAL_ZONE


def _explained() -> dict[str, dict[str, float]]:
    """Return the part of each family's evidence that a registered notice explains."""
    return {
        "permit": {"meters": 1.0, "vehicles": 1.0},
        "dismantling": {"meters": 0.9, "vehicles": 0.9},
        "remediation": {"meters": 0.9, "vehicles": 0.8},
        "maintenance": {"meters": 0.8, "vehicles": 0.5},
        "sublet": {"meters": 0.8, "vehicles": 0.5},
        "shared_meter": {"meters": 0.85, "vehicles": 0.0},
        "fire_pump": {"meters": 0.7, "vehicles": 0.0},
    }


@dataclass(frozen=True)
class SuspicionConfig:
    """Parameters of `spatial_models.suspicion.score_sites`; all weights are log-odds.

    Attributes
    ----------
    version : str
        Changes with any default.
    prior : dict of str to float
        Share of sites of each status that work illegally, before any evidence.
    harmless_prior_factor : float
        Factor of the prior for sites without a hazard.
    strong, weak : dict of str to float
        Weight of a strong and a weak rise of each meter.
    agreement, working_week : float
        Weight of a common rise of power and water, and of use that follows the working week.
    vehicles_most, vehicles_scale : float
        Attributed vehicle-days n add ``vehicles_most * (1 - exp(-n / vehicles_scale))``.
    night_most : float
        Weight of the night share, reached at ``night_full_days`` attributed vehicle-days.
    night_full_days : float
    family_caps : dict of str to float
        Greatest sum of the contributions of a family.
    family_counts_from : float
        Contribution from which a family counts as a source of its own.
    least_families : int
        Number of such families needed for a level above attention.
    thresholds : tuple of float
        Scores from which attention, warning, high begin. To be fitted on confirmed outcomes.
    explained : dict
        Part of each family's evidence that a notice explains, by kind of notice.
    visit_days : int
        Look-back period of visits, days.
    local_zone : str
        Time zone by which days are counted.
    least_share : float
        A visit with a smaller share attributed to the site serves another site.
    """

    version: str = "2026.1"
    prior: dict[str, float] = field(
        default_factory=lambda: {"closed": 0.02, "suspended": 0.02, "dismantled": 0.005}
    )
    harmless_prior_factor: float = 0.25
    strong: dict[str, float] = field(default_factory=lambda: {"power": 2.2, "water": 1.8, "gas": 1.2})
    weak: dict[str, float] = field(default_factory=lambda: {"power": 1.0, "water": 0.8, "gas": 0.5})
    agreement: float = 0.8
    working_week: float = 0.3
    vehicles_most: float = 3.0
    vehicles_scale: float = 4.0
    night_most: float = 1.2
    night_full_days: float = 3.0
    family_caps: dict[str, float] = field(default_factory=lambda: {"meters": 3.6, "vehicles": 3.6})
    family_counts_from: float = 0.7
    least_families: int = 2
    thresholds: tuple[float, float, float] = (0.10, 0.50, 0.80)
    explained: dict[str, dict[str, float]] = field(default_factory=_explained)
    visit_days: int = 30
    local_zone: str = LOCAL_ZONE
    least_share: float = 0.2

    def prior_log_odds(self, status: str, hazard: str | None) -> float:
        """Return the log-odds of a site before any evidence.

        Examples
        --------
        >>> round(SuspicionConfig().prior_log_odds("closed", "chemical"), 2)
        -3.89
        """
        share = self.prior[status] * (self.harmless_prior_factor if hazard == "none" else 1.0)
        return math.log(share / (1.0 - share))

    def local_day(self, at: dt.datetime) -> dt.date:
        """Return the local day of a time."""
        return at.astimezone(ZoneInfo(self.local_zone)).date()


DEFAULT_CONFIG = SuspicionConfig()
