"""Scene of the signals of vehicles: closed sites, what stands around them, and the vehicles that can be judged."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from spatial_models.frames import Array, select_columns
from spatial_models.visits.effective import catchment_km2, count_within, free_ring_km2, ground_km2
from spatial_models.visits.find import link_stays
from spatial_models.visits.habits import in_depot, lives_at, metres_xyz
from spatial_models.visits.inputs import read_sites
from spatial_models.visits.nearness import (
    disc_radii_m,
    find_excluding_places,
    find_site_pairs,
    site_shapes,
)
from spatial_models.visits.signal_config import VehicleConfig

CLOSED_STATUSES = ("closed", "suspended", "dismantled")
LINK_GAP_S, LINK_RADIUS_M = 43_200.0, 150.0
"""As in `spatial_models.visits.find_visits`."""
ROW_COLUMNS = (
    "site_id", "vehicle_id", "kind", "entered_at", "day", "share", "time_s", "night", "weight", "left_out", "when",
)  # fmt: skip
"""Columns of rows that are counted at a site: one a vehicle and stand.

``weight`` is what it counts, 0 with a reason in ``left_out``: ``place``, ``home``, ``depot``, ``neighbour``, and for
silences ``seen``, ``outage``, ``dead_zone``, ``drove_on``. ``when`` is ``window``, ``past`` (since the closure, before
the window) or ``before`` (before the closure).
"""


@dataclass(frozen=True)
class Scene:
    """Frames that all signals of vehicles read.

    Attributes
    ----------
    sites : polars.DataFrame
        All sites.
    closed : polars.DataFrame
        From :func:`candidate_sites`.
    fleet : polars.DataFrame
        ``vehicle_id``, ``kind``.
    stood : polars.DataFrame
        Stands of all vehicles in the window with ``kind``.
    nights : polars.DataFrame
        From `spatial_models.visits.habits.find_nights`.
    """

    at: dt.datetime
    local_zone: str
    config: VehicleConfig
    sites: pl.DataFrame
    closed: pl.DataFrame
    places: pl.DataFrame | None
    fleet: pl.DataFrame
    stood: pl.DataFrame
    nights: pl.DataFrame
    intervals: pl.DataFrame | None

    @cached_property
    def catchment(self) -> Array:
        """Catchment of each closed site, km²."""
        return catchment_km2(self.closed, self.config)

    @cached_property
    def disc_m(self) -> float:
        """Radius of the disc that a site without boundary is taken for, metres."""
        return float(disc_radii_m(self.sites).max(initial=0.0))

    @cached_property
    def ground_km2(self) -> Array:
        """Area inside the boundary or the disc of each closed site, km²."""
        return ground_km2(self.closed, self.disc_m)

    @cached_property
    def free_km2(self) -> Array:
        """Free part of the ring around each closed site, km²."""
        return free_ring_km2(self.closed, self.sites, self.places, self.config)

    @cached_property
    def centres(self) -> Array:
        """Points of the closed sites on the sphere, metres."""
        return metres_xyz(self.closed["lon"].to_numpy(), self.closed["lat"].to_numpy())

    @cached_property
    def free_stands(self) -> pl.DataFrame:
        """Stands in reach of no site, no place and no home of the vehicle or others."""
        long_enough = self.stood.filter(pl.col("dwell_s") >= self.config.least_stand_s)
        return long_enough.filter(self.is_free(long_enough) & ~self.is_habit(long_enough))

    def is_free(self, points: pl.DataFrame) -> pl.Series:
        """Return whether each point is in reach of no site and no place."""
        lon, lat = points["lon"].to_numpy(), points["lat"].to_numpy()
        free = np.ones(len(lon), bool)
        free[find_site_pairs(lon, lat, self.sites, self.config.reach_m)[0]] = False
        excluded = find_excluding_places(lon, lat, self.places).is_not_null().to_numpy()
        return pl.Series("free", free & ~excluded)

    def is_habit(self, points: pl.DataFrame) -> pl.Series:
        """Return whether the vehicle of each point lives there, or many others do."""
        return lives_at(points, self.nights, self.config) | in_depot(points, self.nights, self.config)

    def local_day(self, name: str) -> pl.Expr:
        """Return the local day of a column of times."""
        return pl.col(name).dt.convert_time_zone(self.local_zone).dt.date()

    def judged_share(self, kinds: tuple[str, ...]) -> float | None:
        """Return the part of the vehicles of these kinds that report often enough to be judged.

        None: none of them reported.
        """
        own = self.fleet.filter(pl.col("kind").is_in(kinds)).select("vehicle_id")
        if self.intervals is None:
            return 1.0 if self.stood.join(own, on="vehicle_id", how="semi").height else None
        reported = self.intervals.join(own, on="vehicle_id", how="semi")
        if reported.is_empty():
            return None
        return float((reported["gap_s"] <= self.config.max_interval_s).mean())  # type: ignore[arg-type]

    @cached_property
    def seldom(self) -> pl.Series:
        """Ids, as text, of the vehicles that report seldom: a stay of theirs has few fixes."""
        if self.intervals is None:
            return pl.Series([], dtype=pl.String)
        slow = self.intervals.filter(pl.col("gap_s") > self.config.sparse_interval_s)
        return slow["vehicle_id"].cast(pl.String)

    def callers_around(self, kinds: tuple[str, ...], served: pl.DataFrame) -> Array:
        """Return how many vehicles stood within ``ring_m`` of each closed site without serving it.

        Parameters
        ----------
        served : polars.DataFrame
            ``site_id``, ``vehicle_id`` as text; of a pair of vehicles ``a&b``.
        """
        long_enough = (pl.col("dwell_s") >= self.config.least_stand_s) & pl.col("kind").is_in(kinds)
        stood = self.stood.filter(long_enough).unique(
            ["vehicle_id", pl.col("lon").round(3), pl.col("lat").round(3)]
        )
        if stood.is_empty():
            return np.zeros(self.closed.height, np.int64)
        tree_rows = _within(self.centres, stood, self.config.ring_m)
        near = pl.DataFrame({"site_id": self.closed["site_id"], "row": tree_rows}).explode("row").drop_nulls()
        vehicles = stood.select("vehicle_id").with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
        each = served.with_columns(pl.col("vehicle_id").str.split("&")).explode("vehicle_id")
        pairs = near.join(vehicles.with_columns(pl.col("vehicle_id").cast(pl.String)), on="row")
        pairs = pairs.join(each, on=["site_id", "vehicle_id"], how="anti")
        counts = pairs.group_by("site_id").agg(n=pl.col("vehicle_id").n_unique())
        joined = self.closed.select("site_id").join(counts, on="site_id", how="left", maintain_order="left")
        return joined["n"].fill_null(0).cast(pl.Int64).to_numpy()

    def seen_around(self, kinds: tuple[str, ...]) -> Array:
        """Return how many stands of such vehicles lie within ``seen_m`` of each closed site."""
        stood = self.stood.filter(pl.col("kind").is_in(kinds))
        points = metres_xyz(stood["lon"].to_numpy(), stood["lat"].to_numpy())
        return count_within(self.centres, points, self.config.seen_m)


def _within(centres: Array, points: pl.DataFrame, radius_m: float) -> pl.Series:
    tree = cKDTree(metres_xyz(points["lon"].to_numpy(), points["lat"].to_numpy()))
    found = tree.query_ball_point(centres, radius_m)
    return pl.Series([sorted(rows) for rows in found], dtype=pl.List(pl.Int64))


def candidate_sites(
    sites: pl.DataFrame, at: dt.datetime, local_zone: str, config: VehicleConfig
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return all sites, and those that are closed at a moment, sorted by id.

    The closed ones have ``has_boundary``, ``closed_at`` (midnight of the closure, null when it is not known),
    ``from_at`` (begin of what counts) and ``first_day``.
    """
    checked = read_sites(sites)
    dates = select_columns(sites, "sites", ("status",), ("status_since",))
    if "status_since" not in dates.columns:
        dates = dates.with_columns(status_since=pl.lit(None, dtype=pl.Date))
    frame = checked.drop("status", strict=False).with_columns(
        pl.col("site_id").cast(pl.String),
        dates["status"].cast(pl.String),
        dates["status_since"].cast(pl.Date),
        pl.Series("has_boundary", site_shapes(checked)[1], dtype=pl.Boolean),
    )
    if "hazard" not in frame.columns:
        frame = frame.with_columns(hazard=pl.lit(None, dtype=pl.String))
    today = at.astimezone(ZoneInfo(local_zone)).date()
    begins = at - dt.timedelta(days=config.window_days)
    midnight = (
        pl.col("status_since").cast(pl.Datetime("us")).dt.replace_time_zone(local_zone, ambiguous="earliest")
    )
    closed = frame.filter(
        pl.col("status").is_in(CLOSED_STATUSES)
        & (pl.col("status_since").is_null() | (pl.col("status_since") <= today))
    ).with_columns(closed_at=midnight.dt.convert_time_zone("UTC"))
    from_at = pl.max_horizontal(
        "closed_at", pl.lit(begins).dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC"))
    )
    closed = closed.with_columns(from_at=from_at)
    first_day = pl.col("from_at").dt.convert_time_zone(local_zone).dt.date()
    return frame.sort("site_id"), closed.with_columns(first_day=first_day).sort("site_id")


def places_stood(
    stays: pl.DataFrame, silences: pl.DataFrame, at: dt.datetime, config: VehicleConfig
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the stands of all vehicles in the window, and every time at one place, silent ones, too."""
    begins = at - dt.timedelta(days=config.window_days)
    linked = link_stays(stays, link_gap_s=LINK_GAP_S, link_radius_m=LINK_RADIUS_M)
    stood = linked.filter((pl.col("entered_at") <= at) & (pl.col("left_at") >= begins)).select(
        "vehicle_id", "entered_at", "left_at", "lon", "lat",
        dwell_s=(pl.col("left_at") - pl.col("entered_at")).dt.total_microseconds() / 1e6,
    )  # fmt: skip
    dark = silences.filter(
        (pl.col("reappeared_m") <= config.home_m) & (pl.col("began_at") <= at) & (pl.col("ended_at") >= begins)
    ).select(
        pl.col("vehicle_id").cast(stood.schema["vehicle_id"]), entered_at="began_at", left_at="ended_at", lon="lon",
        lat="lat",
    )  # fmt: skip
    presence = pl.concat([stood.drop("dwell_s"), dark])
    return stood, presence
