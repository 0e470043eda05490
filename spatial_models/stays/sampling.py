"""Sampling of vehicles: how often each reports, and how long a gap still belongs to one of its stays."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

LEAST_FIXES = 10
"""Fixes of a vehicle from which its sampling is known."""


@dataclass(frozen=True)
class GapRule:
    """Rule of the longest gap between two fixes of a stay.

    Attributes
    ----------
    intervals : float
        Length of it in quick intervals (lower quartiles) of the vehicle, rounded up to whole ``step_s``: a vehicle
        that misses one report has not left. A vehicle that reports often while it drives is no sparse one, however
        seldom it does while it is parked.
    step_s : float
        Seconds. An interval that changes a little from window to window gives the same gap.
    most_s : float
        Greatest length, seconds.
    """

    intervals: float = 2.0
    step_s: float = 300.0
    most_s: float = 3600.0

    @property
    def seen_interval_s(self) -> float:
        """Usual interval up to which the rule holds in full, seconds; of slower vehicles stays are missed."""
        return self.most_s / self.intervals


def sampling_gaps_s(fixes: pl.DataFrame) -> pl.DataFrame:
    """Return the usual and the quick time between two fixes of each vehicle that has ``LEAST_FIXES`` or more.

    Parameters
    ----------
    fixes : polars.DataFrame
        ``vehicle_id``, ``t``.

    Returns
    -------
    polars.DataFrame
        ``vehicle_id``, ``gap_s`` (median), ``quick_gap_s`` (lower quartile), sorted by vehicle.

    Examples
    --------
    >>> import datetime as dt
    >>> at = [dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + n * dt.timedelta(minutes=16) for n in range(10)]
    >>> sampling_gaps_s(pl.DataFrame({"vehicle_id": 1, "t": at})).rows()
    [(1, 960.0, 960.0)]
    """
    seconds = pl.col("t").sort().diff().dt.total_microseconds() / 1e6
    return (
        fixes.group_by("vehicle_id")
        .agg(gap_s=seconds.median(), quick_gap_s=seconds.quantile(0.25), n=pl.len())
        .filter(pl.col("n") >= LEAST_FIXES)
        .select("vehicle_id", "gap_s", "quick_gap_s")
        .sort("vehicle_id")
    )


def longest_gaps_s(sampling: pl.DataFrame, max_gap_s: float, rule: GapRule = GapRule()) -> pl.DataFrame:
    """Return the vehicles of which a longer gap than ``max_gap_s`` belongs to a stay, since they report seldom.

    Parameters
    ----------
    sampling : polars.DataFrame
        From :func:`sampling_gaps_s`.
    max_gap_s : float
        Longest gap of all others, seconds.

    Returns
    -------
    polars.DataFrame
        ``vehicle_id``, ``max_gap_s``, sorted by vehicle.

    Examples
    --------
    Every minute, every 16 minutes, every 50 minutes:

    >>> rows = pl.DataFrame({"vehicle_id": [1, 2, 3], "quick_gap_s": [60.0, 960.0, 3000.0]})
    >>> longest_gaps_s(rows, 900).rows()
    [(2, 2100.0), (3, 3600.0)]
    """
    steps = (pl.col("quick_gap_s") * rule.intervals / rule.step_s).ceil()
    return (
        sampling.select("vehicle_id", max_gap_s=(steps * rule.step_s).clip(upper_bound=rule.most_s))
        .filter(pl.col("max_gap_s") > max_gap_s)
        .sort("vehicle_id")
    )
