"""Encounters at closed sites: pairs of vehicles that stood together there."""

from __future__ import annotations

import polars as pl

from spatial_models.frames import Array, select_columns
from spatial_models.nights import night_share
from spatial_models.visits.attribution import attribute
from spatial_models.visits.callers import blind_rows, count_callers
from spatial_models.visits.effective import nearness
from spatial_models.visits.nearness import find_excluding_places, find_site_pairs
from spatial_models.visits.scene import ROW_COLUMNS, Scene
from spatial_models.visits.site_rows import when_of

ENCOUNTER_COLUMNS = ("vehicle_a", "vehicle_b", "started_at", "ended_at", "duration_s", "kind", "lon", "lat")
NAME = "encounters_near_site"


def encounter_stands(scene: Scene, encounters: pl.DataFrame | None, kinds: tuple[str, ...]) -> pl.DataFrame:
    """Return one signal row for each closed site: effective pairs of vehicles that stood together there.

    A pair of which one lives there or stands in a depot does not count; of several meetings of the same pair, each
    counts half of the one before.

    Parameters
    ----------
    encounters : polars.DataFrame or None
        From `spatial_models.encounters.find_encounters`.
    """
    if encounters is None:
        return blind_rows(scene, NAME, "not_looked_for")
    met = _meetings(scene, encounters, kinds)
    free = met.filter(scene.is_free(met) & pl.col("left_out").is_null()).select("kind", "lon", "lat")
    return count_callers(scene, NAME, _at_closed_sites(scene, met), kinds, free)


def _meetings(scene: Scene, encounters: pl.DataFrame, kinds: tuple[str, ...]) -> pl.DataFrame:
    """Return the meetings of two vehicles of these kinds, with the reason why they do not count."""
    known = select_columns(encounters, "encounters", ENCOUNTER_COLUMNS)
    known = known.filter((pl.col("kind") == "meeting") & (pl.col("started_at") <= scene.at)).drop("kind")
    fleet = scene.fleet.filter(pl.col("kind").is_in(kinds))
    known = known.join(fleet.rename({"vehicle_id": "vehicle_a"}), on="vehicle_a")
    known = known.join(fleet.select(vehicle_b="vehicle_id"), on="vehicle_b")
    known = known.sort("started_at", "vehicle_a", "vehicle_b")
    habit = [
        scene.is_habit(known.select(vehicle_id=name, lon="lon", lat="lat"))
        for name in ("vehicle_a", "vehicle_b")
    ]
    lon, lat = known["lon"].to_numpy(), known["lat"].to_numpy()
    place = find_excluding_places(lon, lat, scene.places).is_not_null()
    pair = pl.concat_str(
        pl.col("vehicle_a").cast(pl.String), pl.lit("&"), pl.col("vehicle_b").cast(pl.String)
    )
    left_out = pl.when(place).then(pl.lit("place")).when(habit[0] | habit[1]).then(pl.lit("home"))
    return known.with_columns(
        vehicle_id=pair, left_out=left_out, time_s="duration_s", day=scene.local_day("started_at")
    )


def _at_closed_sites(scene: Scene, met: pl.DataFrame) -> pl.DataFrame:
    row, site, distance_m, inside = find_site_pairs(
        met["lon"].to_numpy(), met["lat"].to_numpy(), scene.sites, scene.config.reach_m
    )
    excluded = met["left_out"].is_not_null().to_numpy()
    share: Array = attribute(row, site, distance_m, inside, excluded, scene.sites)
    night = night_share(met["started_at"], met["ended_at"], scene.local_zone)
    whole = met.with_columns(
        night=pl.Series(night, dtype=pl.Float64), entered_at="started_at"
    ).with_row_index("row")
    placed = pl.DataFrame(
        {
            "row": row, "site_id": scene.sites["site_id"].gather(site), "distance_m": distance_m, "inside": inside,
            "share": pl.Series(share, dtype=pl.Float64),
        }
    )  # fmt: skip
    placed = placed.join(whole.with_columns(pl.col("row").cast(pl.Int64)), on="row", maintain_order="left")
    placed = placed.join(
        scene.closed.select("site_id", "has_boundary", "closed_at", "from_at"),
        on="site_id",
        maintain_order="left",
    )
    near = nearness(
        placed["distance_m"].to_numpy(),
        placed["inside"].to_numpy(),
        placed["has_boundary"].to_numpy(),
        scene.config,
    )
    left_out = pl.when(pl.col("left_out").is_not_null()).then("left_out").when(
        pl.col("share") < scene.config.least_share
    ).then(pl.lit("neighbour"))  # fmt: skip
    placed = placed.with_columns(left_out=left_out, near=pl.Series(near, dtype=pl.Float64))
    weight = pl.when(pl.col("left_out").is_null()).then(pl.col("share") * pl.col("near")).otherwise(0.0)
    return placed.with_columns(weight=weight, when=when_of(scene, "entered_at")).select(ROW_COLUMNS)
