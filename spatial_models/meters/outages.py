"""Outages: zeros that begin and end on the same days at several sites, which say nothing of quiet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from spatial_models.frames import Array
from spatial_models.meters.daily_use import UseSeries

_USUAL_ZEROS = 0.05
_AROUND_DAYS = 60


def mark_outages(series: list[UseSeries], *, sites: int, most_days: int, today: int) -> None:
    """Give weight 0 to the zeros of outages, and tell their days.

    A run of zeros is taken for an outage when it begins and ends on the same days at ``sites`` sites or more, all
    meters of each site that showed use the day before took part, and zeros are rare there otherwise. An outage
    needs no list of areas this way: one feeder, one gateway or one operator is seen by its dates.

    Parameters
    ----------
    series : list of UseSeries
        Changed in place.
    sites, most_days : int
    today : int
        Last day of the analysis: a run that has not ended yet ends there.

    Examples
    --------
    >>> def meter(site):
    ...     use = np.full(40, 5.0); use[20:23] = 0.0
    ...     return UseSeries(site, "power", np.arange(40), np.ones(40, int), use, np.ones(40), np.full(40, np.nan))
    >>> four = [meter(site) for site in "ABCD"]
    >>> mark_outages(four, sites=4, most_days=30, today=39)
    >>> four[0].told, four[0].weight[18:24].tolist()
    ({'outage': 3}, [1.0, 1.0, 0.0, 0.0, 0.0, 1.0])
    >>> mark_outages([], sites=4, most_days=30, today=39)
    """
    runs = [(i, *run) for i, one in enumerate(series) for run in _zero_runs(one, most_days, today)]
    if not runs:
        return
    frame = pl.DataFrame(
        [(i, series[i].site_id, first, last, a, b) for i, first, last, a, b in runs],
        schema=["series", "site_id", "first", "last", "a", "b"],
        orient="row",
    )
    whole = (
        frame.group_by("site_id", "first", "last")
        .agg(kinds=pl.len())
        .with_columns(needed=pl.struct("site_id", "first").map_elements(_kinds_before(series), pl.Int64))
        .filter(pl.col("kinds") >= pl.col("needed"))
    )
    common = whole.group_by("first", "last").agg(n=pl.len()).filter(pl.col("n") >= sites)
    outages = frame.join(whole, on=["site_id", "first", "last"], how="semi").join(
        common, on=["first", "last"], how="semi"
    )
    for i, a, b in outages.select("series", "a", "b").iter_rows():
        series[i].weight = series[i].weight.copy()
        series[i].weight[a:b] = 0.0
        series[i].told = series[i].told | {"outage": series[i].told.get("outage", 0) + b - a}


def _zero_runs(one: UseSeries, most_days: int, today: int) -> list[tuple[int, int, int, int]]:
    """Return first day, last day and slice of the unusual runs of zero days between days with use."""
    zero = (one.use == 0) & (one.length == 1)
    if not zero.any() or zero.mean() > 0.5:
        return []
    edges = np.diff(zero.astype(np.int8), prepend=0, append=0)
    found = []
    for a, b in zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True):
        first, last = int(one.start[a]), int(one.start[b - 1])
        between = a > 0 and one.start[a - 1] == first - 1 and (b < len(zero) or last >= today - 1)
        if between and last - first < most_days and not _usual(one.start, zero, a, b):
            found.append((first, last, a, b))
    return found


def _usual(start: Array, zero: Array, a: int, b: int) -> bool:
    """Return whether zeros are usual in the weeks around a run."""
    around = (start >= start[a] - _AROUND_DAYS) & (start <= start[b - 1] + _AROUND_DAYS)
    around[a:b] = False
    return bool(around.any() and zero[around].mean() > _USUAL_ZEROS)


def _kinds_before(series: list[UseSeries]) -> Callable[[dict[str, Any]], int]:
    """Return a function that counts the kinds of a site which showed use on the day before a run."""
    of_site: dict[str, list[UseSeries]] = {}
    for one in series:
        of_site.setdefault(one.site_id, []).append(one)

    def kinds(row: dict[str, Any]) -> int:
        day = int(row["first"]) - 1
        n = 0
        for one in of_site[str(row["site_id"])]:
            at = int(np.searchsorted(one.start, day))
            n += at < len(one.start) and one.start[at] == day and one.use[at] > 0
        return n

    return kinds
