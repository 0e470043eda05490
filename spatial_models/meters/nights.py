"""Shares of power used at night: recent, idle and former, where readings are hourly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spatial_models.frames import Array
from spatial_models.meters.levels import Fitted


@dataclass(frozen=True)
class NightShares:
    """Shares of the use from 22 to 06, weighted by use; NaN where there are no hourly days.

    Attributes
    ----------
    recent : float
        Of the active days since ``first``, or of all days since then without active ones.
    idle : float
        Of the days after the closure that were not above idle.
    former : float
        Of the days before the closure.
    known_days : float
        Hourly days since ``first``.
    """

    recent: float
    idle: float
    former: float
    known_days: float

    @property
    def shift(self) -> float:
        """Return how much more of the power is used at night than when idle; NaN when that is not known."""
        return self.recent - self.idle

    @property
    def is_as_formerly(self) -> bool:
        """Tell whether the day is again divided as before the closure, and the idle plant's was not."""
        apart = abs(self.idle - self.former)
        return apart > 0.12 and abs(self.recent - self.former) < 0.5 * apart


def night_shares(fitted: Fitted, first: int, closed: int | None) -> NightShares | None:
    """Return the shares of one series, or None without an hourly day since ``first``."""
    one = fitted.one
    known = np.isfinite(one.night) & (one.weight > 0)
    recent = known & (one.start >= first)
    if not recent.any():
        return None
    busy = recent & (fitted.active > 0.5)
    idle = known & (one.start >= fitted.levels.settled_from) & (fitted.active < 0.3)
    former = known & (one.start < closed) if closed is not None else np.zeros(len(known), bool)

    def share(chosen: Array) -> float:
        if not chosen.any():
            return math.nan
        return float(np.average(one.night[chosen], weights=np.maximum(one.use[chosen], 1e-300)))

    days = float(one.weight[recent].sum())
    return NightShares(share(busy if busy.any() else recent), share(idle), share(former), days)
