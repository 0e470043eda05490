"""Dark vehicles: silences that begin on arriving near a site, as probable stands there."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from spatial_models.frames import Array, select_columns
from spatial_models.nights import night_share
from spatial_models.visits.attribution import attribute
from spatial_models.visits.darkness_kernels import count_days_elsewhere, count_others
from spatial_models.visits.effective import nearness
from spatial_models.visits.habits import lives_at, metres_xyz
from spatial_models.visits.nearness import find_excluding_places, find_site_pairs
from spatial_models.visits.scene import ROW_COLUMNS, Scene
from spatial_models.visits.site_rows import when_of

SILENCE_COLUMNS = (
    "vehicle_id", "began_at", "ended_at", "duration_s", "lon", "lat", "ahead_lon", "ahead_lat", "before_s",
    "reappeared_m", "began_together", "ended_together", "reporting",
)  # fmt: skip

SILENCE_DETAILS = (
    "silence_id",
    "began_at",
    "ended_at",
    "duration_s",
    "before_s",
    "reappeared_m",
    "distance_m",
    "lon",
    "lat",
)
"""Columns of a silence at a site besides ``ROW_COLUMNS``."""

SITE_SILENCES: dict[str, Any] = {
    "silence_id": pl.String,
    "vehicle_id": pl.String,
    "site_id": pl.String,
    "began_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
    "duration_s": pl.Float64,
    "before_s": pl.Float64,
    "reappeared_m": pl.Float64,
    "distance_m": pl.Float64,
    "share": pl.Float64,
    "weight": pl.Float64,
    "left_out": pl.String,
    "lon": pl.Float64,
    "lat": pl.Float64,
}
"""Columns of the silences at sites; ``vehicle_id`` keeps the type of the input."""


def no_silences(silences: pl.DataFrame) -> pl.DataFrame:
    """Return a frame of ``SITE_SILENCES`` without rows."""
    return pl.DataFrame(schema=SITE_SILENCES | {"vehicle_id": silences.schema["vehicle_id"]})


def dark_stands(
    scene: Scene, silences: pl.DataFrame, rows: pl.DataFrame, kinds: tuple[str, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the silences at closed sites as rows that count, and those in reach of no site.

    Parameters
    ----------
    silences : polars.DataFrame
        From `spatial_models.stays.find_silences`.
    rows : polars.DataFrame
        Visits at closed sites: a silence that is part of one is not counted again.
    kinds : tuple of str

    Returns
    -------
    rows : polars.DataFrame
        ``ROW_COLUMNS`` and ``SILENCE_DETAILS``.
    free : polars.DataFrame
        ``kind``, ``lon``, ``lat``, ``weight``.
    """
    judged = judged_silences(scene, silences, kinds)
    placed = _at_sites(scene, judged)
    found = placed.join(
        scene.closed.select("site_id", "has_boundary", "closed_at", "from_at"),
        on="site_id",
        maintain_order="left",
    )
    near = nearness(
        found["distance_m"].to_numpy(),
        found["inside"].to_numpy(),
        found["has_boundary"].to_numpy(),
        scene.config,
    )
    found = found.with_columns(
        _is_seen(found, rows), near=pl.Series(near, dtype=pl.Float64), when=when_of(scene, "began_at")
    )
    left_out = (
        pl.when("seen").then(pl.lit("seen"))
        .when(pl.col("left_out").is_not_null()).then("left_out")
        .when(pl.col("share") < scene.config.least_share).then(pl.lit("neighbour"))
    )  # fmt: skip
    found = found.with_columns(left_out=left_out)
    weight = pl.col("share") * pl.col("near") * pl.col("regular") * pl.col("back")
    counted = found.with_columns(
        weight=pl.when(pl.col("left_out").is_null()).then(weight).otherwise(0.0),
        entered_at="began_at",
        time_s="duration_s",
    )
    elsewhere = ~judged.with_row_index("row")["row"].is_in(placed["row"].unique().implode())
    free = judged.filter(pl.col("left_out").is_null() & elsewhere)
    free = free.filter(scene.is_free(free) & ~scene.is_habit(free)).select(
        "kind", "lon", "lat", weight=pl.col("regular") * pl.col("back")
    )
    start_text = pl.col("began_at").dt.strftime("%Y%m%dT%H%M%S%.6fZ")
    silence_id = pl.concat_str(pl.col("vehicle_id").cast(pl.String), pl.lit("@"), start_text)
    return counted.with_columns(silence_id=silence_id).select(*ROW_COLUMNS, *SILENCE_DETAILS), free


def judged_silences(scene: Scene, silences: pl.DataFrame, kinds: tuple[str, ...]) -> pl.DataFrame:
    """Return the silences of vehicles of these kinds with ``left_out``, ``regular`` and ``back``.

    ``left_out``: ``place``, ``home``, ``outage``, ``dead_zone``, ``drove_on``, or null. ``regular`` falls with the
    days on which the vehicle fell silent elsewhere. ``back`` is 1 for a vehicle that reappeared at the place.
    """
    config = scene.config
    known = select_columns(silences, "silences", SILENCE_COLUMNS).filter(
        (pl.col("began_at") <= scene.at) & (pl.col("before_s") <= config.max_interval_s)
    )
    known = known.join(scene.fleet.filter(pl.col("kind").is_in(kinds)), on="vehicle_id").sort(
        "vehicle_id", "began_at"
    )
    driven_s = pl.col("reappeared_m").fill_null(0.0) / (config.travel_kmh / 3.6)
    lon, lat = known["lon"].to_numpy(), known["lat"].to_numpy()
    known = known.with_columns(
        lives_at(known, scene.nights, config),
        place=find_excluding_places(lon, lat, scene.places).is_not_null(),
        passing=pl.col("duration_s") - driven_s < config.least_stand_s,
        day=scene.local_day("began_at"),
    )
    known = known.with_columns(**_at_the_same_place(known, config.dark_m))
    together = (pl.col("ended_together") >= config.outage_vehicles) | (
        (pl.col("began_together") >= config.outage_vehicles)
        & (pl.col("began_together") >= config.outage_share * pl.col("reporting"))
    )
    dead = (pl.col("passing_here") >= config.passing_vehicles) | (
        pl.col("silent_here") >= config.silent_vehicles
    )
    left_out = (
        pl.when("place").then(pl.lit("place"))
        .when("home").then(pl.lit("home"))
        .when("passing").then(pl.lit("drove_on"))
        .when(together).then(pl.lit("outage"))
        .when(dead).then(pl.lit("dead_zone"))
    )  # fmt: skip
    back = (
        pl.when(pl.col("reappeared_m").is_null()).then(config.never_back)
        .when(pl.col("reappeared_m") <= config.dark_m).then(1.0)
        .otherwise(config.back_elsewhere)
    )  # fmt: skip
    return known.with_columns(left_out=left_out, back=back).with_columns(_regularity(scene))


def _regularity(scene: Scene) -> pl.Expr:
    """Return 1 for a vehicle that is silent nowhere else, 0 for one that is every day it may be."""
    elsewhere = pl.col("silent_days_elsewhere") / scene.config.window_days
    return (1.0 - pl.min_horizontal(elsewhere, 1.0)).alias("regular")


def _at_the_same_place(known: pl.DataFrame, dark_m: float) -> dict[str, pl.Series]:
    """Count the other vehicles that fell silent at the place of each silence, and the own days of it elsewhere."""
    n = known.height
    if n == 0:
        return {
            name: pl.Series([], dtype=pl.Int64)
            for name in ("passing_here", "silent_here", "silent_days_elsewhere")
        }
    vehicle = known["vehicle_id"].rank("dense").cast(pl.Int64).to_numpy()
    habit, passing = (known["home"] | known["place"]).to_numpy(), known["passing"].to_numpy()
    stood = ~habit & ~passing & known["ended_at"].is_not_null().to_numpy()
    points = metres_xyz(known["lon"].to_numpy(), known["lat"].to_numpy())
    rows = np.flatnonzero(~habit)
    near = (
        cKDTree(points[rows]).query_ball_point(points[rows], dark_m, return_sorted=True) if len(rows) else []
    )
    starts = np.concatenate([[0], np.cumsum([len(found) for found in near])]).astype(np.int64)
    others = np.fromiter(chain.from_iterable(near), np.int64, count=int(starts[-1]))
    counts = np.zeros((3, n), np.int64)
    counts[:2, rows] = count_others(starts, others, vehicle[rows], passing[rows])
    counts[2] = count_days_elsewhere(
        vehicle, known["day"].to_physical().to_numpy().astype(np.int64), stood, points, dark_m
    )
    names = ("passing_here", "silent_here", "silent_days_elsewhere")
    return {name: pl.Series(row) for name, row in zip(names, counts, strict=True)}


def _at_sites(scene: Scene, judged: pl.DataFrame) -> pl.DataFrame:
    """Pair each silence with the sites in reach of its last fix, or of where the vehicle was heading."""
    parts = []
    for lon, lat in (("lon", "lat"), ("ahead_lon", "ahead_lat")):
        row, site, distance_m, inside = find_site_pairs(
            judged[lon].to_numpy(), judged[lat].to_numpy(), scene.sites, scene.config.reach_m
        )
        parts.append(pl.DataFrame({"row": row, "site": site, "distance_m": distance_m, "inside": inside}))
    pairs = pl.concat(parts).group_by("row", "site").agg(pl.col("distance_m").min(), pl.col("inside").any())
    pairs = pairs.sort("row", "site")
    row, site = pairs["row"].to_numpy(), pairs["site"].to_numpy()
    excluded = np.zeros(judged.height, bool)
    share: Array = attribute(
        row, site, pairs["distance_m"].to_numpy(), pairs["inside"].to_numpy(), excluded, scene.sites
    )
    ended = pl.coalesce(
        "ended_at", pl.lit(scene.at).dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC"))
    )
    whole = judged.with_row_index("row").with_columns(
        pl.col("row").cast(pl.Int64), until=pl.max_horizontal(ended, "began_at")
    )
    placed = pairs.with_columns(
        share=pl.Series(share, dtype=pl.Float64), site_id=scene.sites["site_id"].gather(site)
    ).join(whole, on="row", maintain_order="left")
    night = night_share(placed["began_at"], placed["until"], scene.local_zone)
    return placed.with_columns(night=pl.Series(night, dtype=pl.Float64))


def _is_seen(found: pl.DataFrame, rows: pl.DataFrame) -> pl.Series:
    """Return whether the vehicle was seen at the same site around the begin of its silence."""
    visited = rows.filter(pl.col("weight") > 0).select(
        "site_id", "vehicle_id", came="entered_at", went=pl.col("entered_at") + pl.duration(seconds="time_s")
    )
    numbered = found.select("site_id", "vehicle_id", "began_at", "until").with_row_index("n")
    both = numbered.join(visited, on=["site_id", "vehicle_id"])
    own = both.filter((pl.col("came") <= pl.col("until")) & (pl.col("went") >= pl.col("began_at")))["n"]
    seen = np.zeros(found.height, bool)
    seen[own.to_numpy()] = True
    return pl.Series("seen", seen)
