"""Visits: which stay was at which site, and which share of it is attributed to the site."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse
from scipy.spatial import cKDTree

from spatial_models.distances import haversine_m
from spatial_models.fixes import NO_TIME
from spatial_models.frames import LOCAL_ZONE, Array, epoch_us, float_column, select_columns
from spatial_models.nights import night_share
from spatial_models.visits.attribution import Attribution, attribute
from spatial_models.visits.habits import metres_xyz
from spatial_models.visits.inputs import (
    check_attribution,
    check_not_negative,
    check_stays,
    check_window,
    check_zone,
    read_places,
    read_sites,
)
from spatial_models.visits.nearness import disc_radii_m, find_excluding_places, find_site_pairs

STAY_COLUMNS = ("vehicle_id", "started_at", "ended_at", "left_by", "ended_by", "open", "lon", "lat")
SAME_PLACE_M = 100.0
"""Visits of a vehicle within this distance are at one place, metres."""
SETTLE_S = 300.0
"""A vehicle did not move in a gap when its next stay begins within this many seconds after the gap."""
_UTC = pl.Datetime("us", "UTC")
VISIT_SCHEMA: dict[str, Any] = {
    "visit_id": pl.String,
    "vehicle_id": pl.String,
    "site_id": pl.String,
    "entered_at": _UTC,
    "left_at": _UTC,
    "left_by": _UTC,
    "ended_by": pl.String,
    "open": pl.Boolean,
    "seen_s": pl.Float64,
    "unseen_s": pl.Float64,
    "n_stays": pl.Int64,
    "lon": pl.Float64,
    "lat": pl.Float64,
    "distance_m": pl.Float64,
    "inside": pl.Boolean,
    "share": pl.Float64,
    "n_candidates": pl.Int64,
    "night": pl.Float64,
    "excluded_by": pl.String,
    "clipped_start": pl.Boolean,
    "clipped_end": pl.Boolean,
    "in_window_s": pl.Float64,
}
"""Columns of `find_visits`; ``vehicle_id`` keeps the type of the input."""


def find_visits(
    stays: pl.DataFrame,
    sites: pl.DataFrame,
    places: pl.DataFrame | None = None,
    *,
    reach_m: float = 300.0,
    min_dwell_s: float = 1800.0,
    link_gap_s: float = 43_200.0,
    link_radius_m: float = 150.0,
    attribution: Attribution = Attribution(),
    window: tuple[dt.datetime, dt.datetime] | None = None,
    local_zone: str = LOCAL_ZONE,
) -> pl.DataFrame:
    """Find visits: stays of vehicles at sites, one row per visit and candidate site.

    Parameters
    ----------
    stays : polars.DataFrame
        From `spatial_models.stays.detect_stays`.
    sites : polars.DataFrame
        ``site_id``, ``lon``, ``lat``; optional ``boundary`` (WKB or shapely, WGS 84), ``status``, ``hazard``,
        ``demand`` (licensed demand, > 0; without it the weight follows from status and hazard).
    places : polars.DataFrame or None
        Places where vehicles stop for a known good reason: ``kind``, ``lon``, ``lat``, ``radius_m``. A visit
        whose centre lies in such a circle is marked ``excluded_by`` and is attributed to no site (share 0).
    reach_m : float
        A site is a candidate when the visit's centre is inside its boundary or within this distance of it (of
        its point when it has no boundary), metres.
    min_dwell_s : float
        Least time from entering to leaving, including unseen time between linked stays, seconds.
    link_gap_s, link_radius_m : float
        Two stays of a vehicle are one visit when the gap between them is at most ``link_gap_s``, their
        centres are within ``link_radius_m``, and the vehicle was seen nowhere else between them. A vehicle
        that reappears at the place after such a gap and drives off at once was there until then: that time is
        unseen, and counts.
    attribution : Attribution
        Parameters of the attribution of a visit to its candidates.
    window : (datetime, datetime) or None
        Report window ``[from, to)``: visits outside are left out, visits that it cuts are kept and flagged.
    local_zone : str
        Time zone of the night, 22:00-06:00.

    Returns
    -------
    polars.DataFrame
        ``VISIT_SCHEMA``, sorted by ``entered_at``, ``visit_id``, ``site_id``. ``visit_id`` consists of
        vehicle and start, so it is the same in every run. ``entered_at`` and ``left_at`` are the first and
        last fix seen there, ``left_by`` the first fix known to be elsewhere. ``seen_s`` and ``unseen_s`` are
        separate. The ``share`` values of one visit sum to 1 over its candidates (0 when excluded). ``night``
        is the share of the visit's time at night. An excluded visit without a candidate has ``site_id`` null.
        ``clipped_end`` is also true while the visit is ``open``. ``in_window_s`` is the part of seen + unseen
        time in the window.

    Raises
    ------
    InputFrameError, ParameterError

    Examples
    --------
    >>> import datetime as dt, polars as pl
    >>> t0 = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    >>> stay = pl.DataFrame({"vehicle_id": "A", "started_at": [t0], "ended_at": [t0 + dt.timedelta(hours=1)],
    ...                      "left_by": [t0 + dt.timedelta(minutes=61)], "ended_by": "left", "open": False,
    ...                      "lon": 120.8, "lat": 32.0})
    >>> site = pl.DataFrame({"site_id": ["S"], "lon": [120.8], "lat": [32.001]})
    >>> find_visits(stay, site).select("site_id", "seen_s", "share").row(0)
    ('S', 3600.0, 1.0)
    >>> find_visits(stay.clear(), site).height
    0
    >>> find_visits(stay, site, None).height
    1
    """
    check_not_negative(
        reach_m=reach_m, min_dwell_s=min_dwell_s, link_gap_s=link_gap_s, link_radius_m=link_radius_m
    )
    check_zone(local_zone)
    check_window(window)
    check_attribution(attribution)
    sites, places = read_sites(sites), read_places(places)
    visits = link_stays(stays, link_gap_s=link_gap_s, link_radius_m=link_radius_m)
    visits = visits.filter(
        (pl.col("left_at") - pl.col("entered_at")).dt.total_microseconds() >= min_dwell_s * 1e6
    )
    visits = _add_night_share(_clip_to_window(visits, window), local_zone)
    lon, lat = visits["lon"].to_numpy(), visits["lat"].to_numpy()
    visits = visits.with_columns(excluded_by=find_excluding_places(lon, lat, places))
    pairs = _candidate_pairs(visits, sites, reach_m, attribution)
    joined = visits.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    joined = joined.join(pairs, on="row", how="left")
    joined = joined.filter(pl.col("site_id").is_not_null() | pl.col("excluded_by").is_not_null())
    joined = joined.with_columns(pl.col("share").fill_null(0.0), pl.col("n_candidates").fill_null(0))
    return joined.select(VISIT_SCHEMA.keys()).sort("entered_at", "visit_id", "site_id")


def _candidate_pairs(
    visits: pl.DataFrame, sites: pl.DataFrame, reach_m: float, attribution: Attribution
) -> pl.DataFrame:
    """Pair each visit with the sites in reach, with the share that is attributed to each site."""
    lon, lat = visits["lon"].to_numpy(), visits["lat"].to_numpy()
    row, site, distance_m, inside = find_site_pairs(lon, lat, sites, reach_m)
    excluded = visits["excluded_by"].is_not_null().to_numpy()
    pairs = pl.DataFrame(
        {
            "row": row,
            "site_id": sites["site_id"].cast(pl.String).gather(site),
            "distance_m": distance_m,
            "inside": inside,
            "share": attribute(
                row,
                site,
                distance_m,
                inside,
                excluded,
                sites,
                attribution,
                disc_m=disc_radii_m(sites),
                again=_again(visits),
            ),
        },
        schema_overrides={"row": pl.Int64},
    )
    return pairs.with_columns(n_candidates=pl.len().over("row").cast(pl.Int64))


def _again(visits: pl.DataFrame) -> sparse.csr_array:
    """Return which visits are of one vehicle at one place, ones on the diagonal, shape (visits, visits)."""
    vehicle = visits["vehicle_id"].rank("dense").cast(pl.Float64).to_numpy()
    metres = metres_xyz(visits["lon"].to_numpy(), visits["lat"].to_numpy())
    points = np.column_stack([metres, vehicle * 10 * SAME_PLACE_M])
    pairs = cKDTree(points).query_pairs(SAME_PLACE_M, output_type="ndarray") if visits.height else []
    pairs = np.asarray(pairs, np.int64).reshape(-1, 2)
    own = np.arange(visits.height)
    rows, columns = (
        np.concatenate([pairs[:, 0], pairs[:, 1], own]),
        np.concatenate([pairs[:, 1], pairs[:, 0], own]),
    )
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(visits.height, visits.height))


def link_stays(stays: pl.DataFrame, *, link_gap_s: float, link_radius_m: float) -> pl.DataFrame:
    """Merge stays of a vehicle at the same place into one visit when only a gap lies between them.

    Parameters
    ----------
    stays : polars.DataFrame
        From `spatial_models.stays.detect_stays`.
    link_gap_s, link_radius_m : float
        See `find_visits`.

    Returns
    -------
    polars.DataFrame
        ``visit_id``, ``vehicle_id``, ``entered_at``, ``left_at``, ``left_by``, ``ended_by``, ``open``,
        ``seen_s``, ``unseen_s``, ``n_stays``, ``lon``, ``lat`` (means weighted by seen time).
    """
    stays = select_columns(stays, "stays", STAY_COLUMNS, ("left_m",))
    check_stays(stays)
    stays = stays.sort("vehicle_id", "started_at")
    if "left_m" not in stays.columns:
        stays = stays.with_columns(left_m=pl.lit(None, dtype=pl.Float64))
    start, end = epoch_us(stays["started_at"], "stays"), epoch_us(stays["ended_at"], "stays")
    linked = _flag_continuations(stays, start, end, link_gap_s, link_radius_m)
    unseen_s = np.where(linked, (start - np.roll(end, 1)) / 1e6, 0.0)
    seen_s = (end - start) / 1e6
    numbered = stays.with_columns(
        visit=pl.Series(np.cumsum(~linked)),
        seen_s=pl.Series(seen_s, dtype=pl.Float64),
        unseen_s=pl.Series(unseen_s, dtype=pl.Float64),
        weight=pl.Series(np.maximum(seen_s, 1e-6), dtype=pl.Float64),
    )
    visits = _merge_stays(numbered)
    dark_s = (pl.col("left_by") - pl.col("left_at")).dt.total_microseconds() / 1e6
    back_in_sight = (
        (pl.col("ended_by") == "gap") & (pl.col("left_m") <= link_radius_m) & (dark_s <= link_gap_s)
    )
    visits = visits.with_columns(
        unseen_s=pl.col("unseen_s") + pl.when(back_in_sight).then(dark_s).otherwise(0.0),
        left_at=pl.when(back_in_sight).then("left_by").otherwise("left_at"),
    )
    start_text = pl.col("entered_at").dt.strftime("%Y%m%dT%H%M%S%.6fZ")
    visit_id = pl.concat_str(pl.col("vehicle_id").cast(pl.String), pl.lit("@"), start_text)
    return visits.with_columns(visit_id=visit_id).drop("visit", "left_m")


def _flag_continuations(
    stays: pl.DataFrame, start_us: Array, end_us: Array, link_gap_s: float, link_radius_m: float
) -> Array:
    """Flag the sorted stays that continue the stay before them after a gap."""
    linked = np.zeros(stays.height, bool)
    if stays.height < 2:
        return linked
    vehicle = stays["vehicle_id"].rank("dense").to_numpy()
    left_by = epoch_us(stays["left_by"], "stays")
    lon, lat = float_column(stays["lon"], "stays"), float_column(stays["lat"], "stays")
    linked[1:] = (
        (vehicle[1:] == vehicle[:-1])
        & (stays["ended_by"].to_numpy()[:-1] == "gap")
        & (start_us[1:] - end_us[:-1] <= link_gap_s * 1e6)
        & (left_by[:-1] != NO_TIME)
        & (start_us[1:] - left_by[:-1] <= SETTLE_S * 1e6)
        & (_haversine_m(lon[1:], lat[1:], lon[:-1], lat[:-1]) <= link_radius_m)
    )
    return linked


def _merge_stays(numbered: pl.DataFrame) -> pl.DataFrame:
    """Merge the stays of one visit number into one row."""
    return numbered.group_by("visit", maintain_order=True).agg(
        pl.col("vehicle_id").first(),
        entered_at=pl.col("started_at").first(),
        left_at=pl.col("ended_at").last(),
        left_by=pl.col("left_by").last(),
        ended_by=pl.col("ended_by").last(),
        open=pl.col("open").last(),
        left_m=pl.col("left_m").last(),
        seen_s=pl.col("seen_s").sum(),
        unseen_s=pl.col("unseen_s").sum(),
        n_stays=pl.len().cast(pl.Int64),
        lon=(pl.col("lon") * pl.col("weight")).sum() / pl.col("weight").sum(),
        lat=(pl.col("lat") * pl.col("weight")).sum() / pl.col("weight").sum(),
    )


def _haversine_m(lon_a: Array, lat_a: Array, lon_b: Array, lat_b: Array) -> Array:
    return np.array(
        [haversine_m(*four) for four in zip(lon_a, lat_a, lon_b, lat_b, strict=True)], dtype=float
    )


def _clip_to_window(visits: pl.DataFrame, window: tuple[dt.datetime, dt.datetime] | None) -> pl.DataFrame:
    """Keep the visits of the report window, flag those that it cuts, and measure the time inside."""
    whole_s = pl.col("seen_s") + pl.col("unseen_s")
    if window is None:
        return visits.with_columns(
            clipped_start=pl.lit(False), clipped_end=pl.col("open"), in_window_s=whole_s
        )
    since, until = window
    a, b = pl.lit(since).cast(_UTC), pl.lit(until).cast(_UTC)
    cut = pl.min_horizontal(pl.col("left_at"), b) - pl.max_horizontal(pl.col("entered_at"), a)
    return visits.filter((pl.col("entered_at") < b) & (pl.col("left_at") >= a)).with_columns(
        clipped_start=pl.col("entered_at") < a,
        clipped_end=(pl.col("left_at") >= b) | pl.col("open"),
        in_window_s=cut.dt.total_microseconds() / 1e6,
    )


def _add_night_share(visits: pl.DataFrame, zone: str) -> pl.DataFrame:
    share = night_share(visits["entered_at"], visits["left_at"], zone)
    return visits.with_columns(night=pl.Series(share, dtype=pl.Float64))
