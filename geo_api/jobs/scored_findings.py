"""Findings of a run: the scored sites, with starts of meters and the newest day of the visits behind the evidence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import shapely

from grid.alerts import Finding
from layers.visit_share import LEAST_SHARE

VISITS_FAMILY, FENCES_FAMILY = "vehicles", "fences"


def findings_of(scored: pl.DataFrame, visits: pl.DataFrame, starts: pl.DataFrame, zone: str) -> list[Finding]:
    """Return a finding for every scored site, the highest score first.

    The newest day of other families is that of the periods of their evidence.

    Parameters
    ----------
    scored : polars.DataFrame
        ``SCORE_ROWS`` of `spatial_models.suspicion`.
    visits : polars.DataFrame
        Of `spatial_models.visits.find_visits`.
    starts : polars.DataFrame
        Of `spatial_models.meters.meter_signals`.
    zone : str
        Of the city.
    """
    own = visits.filter(pl.col("share") >= LEAST_SHARE).group_by("site_id")
    day = pl.col("entered_at").max().dt.convert_time_zone(zone).dt.date()
    newest: dict[str, dt.date] = dict(own.agg(day).iter_rows())
    columns = ("level", "score", "would_lower", "would_settle")
    begun = {key[0]: frame for key, frame in starts.partition_by("site_id", as_dict=True).items()}
    return [
        Finding(
            subject_id=row["site_id"],
            **{name: row[name] for name in columns},
            evidence=with_starts(row["evidence"], begun.get(row["site_id"])),
            families=tuple(row["families"]),
            blind=tuple(row["blind"]),
            seen_until={VISITS_FAMILY: newest[row["site_id"]]} if row["site_id"] in newest else {},
        )
        for row in scored.sort("score", "site_id", descending=[True, False]).iter_rows(named=True)
    ]


def findings_of_fences(
    scored: pl.DataFrame, breaches: pl.DataFrame, fences: pl.DataFrame, zone: str
) -> list[Finding]:
    """Return a finding for every scored fence, at the place of its longest breach that counts, the highest score first.

    A fence without a breach that counts has the place of a point within it.

    Parameters
    ----------
    scored : polars.DataFrame
        ``SCORE_ROWS`` of `spatial_models.suspicion`; ``site_id`` is the ``fence_id``.
    breaches : polars.DataFrame
        Of `spatial_models.fences.counted_breaches`.
    fences : polars.DataFrame
        ``fence_id``, ``boundary`` (WKB).
    zone : str
        Of the city.
    """
    columns = ("level", "score", "evidence", "would_lower", "would_settle")
    day = pl.col("started_at").dt.convert_time_zone(zone).dt.date()
    counts = breaches.filter(~pl.col("exempt")).sort("duration_s", "started_at", descending=[True, False])
    newest = dict(counts.group_by("fence_id").agg(day.max()).iter_rows())
    places = {
        fence: (point.x, point.y)
        for fence, wkb in fences.select("fence_id", "boundary").iter_rows()
        for point in [shapely.from_wkb(wkb).representative_point()]
    } | {
        fence: (lon, lat)
        for fence, lon, lat in counts.unique("fence_id", keep="first", maintain_order=True)
        .select("fence_id", "lon", "lat")
        .iter_rows()
    }
    return [
        Finding(
            subject_id=row["site_id"],
            **{name: row[name] for name in columns},
            families=tuple(row["families"]),
            blind=tuple(row["blind"]),
            seen_until={FENCES_FAMILY: newest[row["site_id"]]} if row["site_id"] in newest else {},
            subject="fence",
            place=places[row["site_id"]],
        )
        for row in scored.sort("score", "site_id", descending=[True, False]).iter_rows(named=True)
    ]


def with_starts(
    evidence: Sequence[Mapping[str, Any]], starts: pl.DataFrame | None
) -> list[Mapping[str, Any]]:
    """Return the evidence of a site with the start of work that each meter shows.

    ``started`` are the days between which its use rose above idle, ``idle_level`` its idle use a day.

    Parameters
    ----------
    starts : polars.DataFrame or None
        Those of the site: ``kind``, ``started_from``, ``started_to``, ``idle_level``; None: there are none.

    Examples
    --------
    >>> day = dt.date(2026, 3, 2)
    >>> starts = pl.DataFrame({"kind": ["power"], "started_from": [day], "started_to": [day], "idle_level": [80.0]})
    >>> found = with_starts([{"signal": "power_use"}, {"signal": "water_use"}], starts)
    >>> [(item.get("started"), item.get("idle_level")) for item in found]
    [(['2026-03-02', '2026-03-02'], 80.0), (None, None)]
    >>> with_starts([], None)
    []
    """
    if starts is None:
        return list(evidence)
    columns = ("kind", "started_from", "started_to", "idle_level")
    begun = {
        f"{kind}_use": {"started": [first.isoformat(), last.isoformat()], "idle_level": idle}
        for kind, first, last, idle in starts.select(columns).iter_rows()
    }
    return [dict(item) | begun.get(item["signal"], {}) for item in evidence]
