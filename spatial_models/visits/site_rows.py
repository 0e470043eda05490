"""Rows that count at closed sites: visits with their weight, or the reason why they are left out."""

from __future__ import annotations

import polars as pl

from spatial_models.frames import to_polars
from spatial_models.visits.effective import nearness
from spatial_models.visits.habits import calls_next_door, in_depot, lives_at
from spatial_models.visits.scene import ROW_COLUMNS, Scene

VISIT_COLUMNS = (
    "visit_id", "vehicle_id", "site_id", "entered_at", "left_at", "seen_s", "unseen_s", "lon", "lat", "distance_m",
    "inside", "share", "night", "excluded_by",
)  # fmt: skip


def dated_visits(scene: Scene, visits: pl.DataFrame) -> pl.DataFrame:
    """Return the visits at sites up to the moment, with ``day``, ``time_s`` and the kind of the vehicle."""
    known = to_polars(visits, "visits", VISIT_COLUMNS).filter(
        pl.col("site_id").is_not_null() & (pl.col("entered_at") <= scene.at)
    )
    return (
        known.with_columns(
            pl.col("site_id").cast(pl.String),
            day=scene.local_day("entered_at"),
            time_s=pl.col("seen_s") + pl.col("unseen_s"),
        )
        .join(scene.fleet, on="vehicle_id", how="left")
        .sort("site_id", "entered_at", "visit_id")
    )


def when_of(scene: Scene, time: str) -> pl.Expr:
    """Return whether a row lies in the window, in the past of the closed site, or before its closure."""
    return (
        pl.when(pl.col(time) >= pl.col("from_at"))
        .then(pl.lit("window"))
        .when(pl.col("closed_at").is_null() | (pl.col(time) >= pl.col("closed_at")))
        .then(pl.lit("past"))
        .otherwise(pl.lit("before"))
    )


def own_rows(scene: Scene, visits: pl.DataFrame) -> pl.DataFrame:
    """Return the visits at closed sites as rows of ``ROW_COLUMNS``, with ``visit_id``, ``lon`` and ``lat``.

    The weight is share times nearness, less for a usual caller of an open neighbour.
    """
    config = scene.config
    dated = dated_visits(scene, visits)
    operating = scene.sites.filter(pl.col("status") == "operating")["site_id"]
    dated = dated.with_columns(calls_next_door(dated, operating, config))
    rows = dated.join(
        scene.closed.select("site_id", "has_boundary", "closed_at", "from_at"),
        on="site_id",
        maintain_order="left",
    )
    near = nearness(
        rows["distance_m"].to_numpy(), rows["inside"].to_numpy(), rows["has_boundary"].to_numpy(), config
    )
    rows = rows.with_columns(
        lives_at(rows, scene.nights, config), in_depot(rows, scene.nights, config), near=pl.Series(near),
        when=when_of(scene, "entered_at"),
    )  # fmt: skip
    left_out = (
        pl.when(pl.col("excluded_by").is_not_null()).then(pl.lit("place"))
        .when("home").then(pl.lit("home"))
        .when(pl.col("depot") & ~pl.col("inside")).then(pl.lit("depot"))
        .when(pl.col("share") < config.least_share).then(pl.lit("neighbour"))
    )  # fmt: skip
    usual = pl.when("calls_next_door").then(config.customer_factor).otherwise(1.0)
    known = pl.when(pl.col("seen_s") < config.least_seen_s).then(config.unseen_weight).otherwise(1.0)
    rows = rows.with_columns(left_out=left_out)
    counted = (
        pl.when(pl.col("left_out").is_null())
        .then(pl.col("share") * pl.col("near") * usual * known)
        .otherwise(0.0)
    )
    in_disc = ~pl.col("has_boundary") & (pl.col("distance_m") <= scene.disc_m)
    return rows.with_columns(weight=counted, on_site=pl.col("inside") | in_disc).select(
        *ROW_COLUMNS, "visit_id", "lon", "lat", "near", "inside", "on_site", "distance_m"
    )


def yard_rows(scene: Scene, rows: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """Return the visits in the yard of an open neighbour that may have been for a closed site, as rows.

    A visit belongs to the neighbour with the greatest share. What may belong to the closed sites in reach of it is
    ``yard_weight`` when the neighbour has no hazardous goods of its own, ``busy_yard_weight`` when it has, nothing
    when it has usual callers enough; it falls with the distance and is divided between the closed
    sites in the same proportion: with ``yard_decay_m`` in a yard without need of such goods, in others as nearness.

    Parameters
    ----------
    rows : polars.DataFrame
        From :func:`own_rows`.
    """
    config = scene.config
    dated = dated_visits(scene, visits)
    operating = scene.sites.filter(pl.col("status") == "operating").select("site_id", "hazard")
    at_open = dated.join(operating, on="site_id")
    served = at_open.filter(pl.col("share") >= 0.5).group_by("site_id", "vehicle_id", "kind").agg(
        days=pl.col("day").n_unique()
    )  # fmt: skip
    regulars = served.filter(pl.col("days") >= config.regular_days)
    busy = regulars.group_by("site_id", "kind").agg(regulars=pl.len()).rename({"site_id": "yard"})
    yards = (
        at_open.sort("share", "site_id", descending=[True, False])
        .unique("visit_id", keep="first", maintain_order=True)
        .select("visit_id", "hazard", yard="site_id", yard_share="share")
    )
    found = rows.join(yards, on="visit_id").filter(pl.col("yard_share") > pl.col("share"))
    found = found.join(busy, on=["yard", "kind"], how="left")
    harmless = pl.col("hazard").fill_null("none") == "none"
    base = (
        pl.when(harmless).then(config.yard_weight)
        .when(pl.col("regulars").fill_null(0) >= config.regular_vehicles).then(0.0)
        .otherwise(config.busy_yard_weight)
    )  # fmt: skip
    carried = pl.when(harmless).then((-pl.col("distance_m") / config.yard_decay_m).exp()).otherwise("near")
    among = carried / carried.sum().over("visit_id")
    lets = pl.col("left_out").is_null() | (pl.col("left_out") == "neighbour")
    part = base * carried * among * (1.0 - pl.col("share"))
    found = found.with_columns(
        weight=pl.when(lets).then(part).otherwise(0.0),
        left_out=pl.when(~lets).then("left_out").when(part == 0.0).then(pl.lit("neighbour")),
    )
    return found.with_columns(share="weight").select(ROW_COLUMNS)
