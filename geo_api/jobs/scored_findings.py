"""Findings of a run: the scored sites, with the newest day of readings and visits behind each family of evidence."""

from __future__ import annotations

import datetime as dt

import polars as pl

from grid.alerts import Finding
from spatial_models.suspicion import SuspicionConfig

METER_STATES = ("rise", "never_fell")
"""States of a meter in which its readings speak for use."""


def findings_of(
    scored: pl.DataFrame, signals: pl.DataFrame, visits: pl.DataFrame, config: SuspicionConfig
) -> list[Finding]:
    """Return a finding for every scored site, the highest score first.

    Parameters
    ----------
    scored : polars.DataFrame
        ``sites`` of `spatial_models.suspicion.score_sites`.
    signals : polars.DataFrame
        Of `spatial_models.suspicion.use_after_closure`.
    visits : polars.DataFrame
        Of `spatial_models.visits.find_visits`.
    config : SuspicionConfig
    """
    read = signals.filter(pl.col("state").is_in(METER_STATES)).group_by("site_id")
    meters = dict(read.agg(pl.col("window_to").max()).iter_rows())
    own = visits.filter(pl.col("share") >= config.least_share).group_by("site_id")
    vehicles = {
        site_id: config.local_day(at) for site_id, at in own.agg(pl.col("entered_at").max()).iter_rows()
    }
    columns = ("site_id", "level", "score", "evidence", "would_lower")
    ranked = scored.sort("score", "site_id", descending=[True, False])
    return [
        Finding(
            **{name: row[name] for name in columns},
            families=tuple(row["families"]),
            seen_until=_known(meters=meters.get(row["site_id"]), vehicles=vehicles.get(row["site_id"])),
        )
        for row in ranked.iter_rows(named=True)
    ]


def _known(**days: dt.date | None) -> dict[str, dt.date]:
    return {family: day for family, day in days.items() if day is not None}
