"""The fields whose hot spots are drawn: visits and alerts, as a rate against traffic."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import shapely
from sqlalchemy.orm import Session

from grid.areas import cell_boundaries, parents_of
from layers.records import enterprises, tracks
from spatial_models.hotspots import getis_ord_star, ring_weights

HOT_SPOT_RES = 8
"""About 0.55 km² a cell at 32 degrees north: a plant and its surroundings."""


MIN_VEHICLE_HOURS = 2
"""Seen once is a spike or a detour, not traffic."""


def hot_spot_cells(
    db: Session, visits: pl.DataFrame, scored: pl.DataFrame, start: dt.datetime, end: dt.datetime
) -> pl.DataFrame:
    """Gi* of each field over the cells in which hazardous-goods vehicles were seen.

    The study area is stated: every cell in which hazardous-goods vehicles were seen in ``MIN_VEHICLE_HOURS``
    or more, inside the city where its areas are known, so that a stray fix does not widen it. A cell in it
    without a visit counts as zero; a cell outside is not part of it.

    Returns
    -------
    polars.DataFrame
        ``field``, ``h3``, ``value``, ``exposure``, ``z``, ``p``, ``q``, ``gi_bin``, ``geom`` (WKB hex).
    """
    traffic = _traffic(db, start, end)
    if traffic.height < 30:
        return _empty()
    cells = traffic["h3"].to_numpy()
    weights = ring_weights(cells, k=1)
    exposure = traffic["vehicle_hours"].to_numpy().astype(float)
    served = visits.filter(pl.col("site_id").is_not_null() & pl.col("excluded_by").is_null())
    fields = {
        "visits": _per_cell(db, served.select("site_id", weight=pl.col("share")), cells),
        "alerts": _per_cell(
            db, scored.filter(pl.col("level") != "none").select("site_id", weight=pl.col("score")), cells
        ),
    }
    shapes = shapely.to_wkb(cell_boundaries(cells), hex=True)
    parts = []
    for name, values in fields.items():
        found = getis_ord_star(values, weights, exposure=exposure)
        part = pl.DataFrame(
            {
                "field": name,
                "h3": cells.astype(np.int64),
                "value": values,
                "exposure": exposure,
                "z": found["z"],
                "p": found["p"],
                "q": found["q"],
                "gi_bin": found["gi_bin"],
                "geom": shapes,
            },
            schema_overrides={"gi_bin": pl.Int16},
        )
        parts.append(part)
    return pl.concat(parts)


def _empty() -> pl.DataFrame:
    numbers = {name: pl.Float64 for name in ("value", "exposure", "z", "p", "q")}
    return pl.DataFrame(
        schema={"field": pl.Utf8, "h3": pl.Int64, **numbers, "gi_bin": pl.Int16, "geom": pl.Utf8}
    )


def _traffic(db: Session, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
    """Cells with hazardous-goods traffic: distinct vehicle-hours."""
    fine = tracks.vehicle_hours_by_cell(db, start, end, kind="hazmat")
    coarse = parents_of(fine["h3_9"].to_numpy().astype(np.uint64), HOT_SPOT_RES)
    return (
        fine.with_columns(h3=pl.Series(coarse))
        .group_by("h3")
        .agg(vehicle_hours=pl.col("hours").sum())
        .filter(pl.col("vehicle_hours") >= MIN_VEHICLE_HOURS)
        .sort("h3")
    )


def _per_cell(db: Session, weighted: pl.DataFrame, cells: np.ndarray) -> np.ndarray:
    """Sum of weights per cell of the study area, by the cell of the site."""
    sites = enterprises.cells_of_sites(db, weighted["site_id"].unique().to_list())
    sites = sites.with_columns(
        h3=pl.Series(parents_of(sites["h3_9"].to_numpy().astype(np.uint64), HOT_SPOT_RES))
    )
    sums = weighted.join(sites, on="site_id").group_by("h3").agg(pl.col("weight").sum())
    table = pl.DataFrame({"h3": cells}).join(sums, on="h3", how="left", maintain_order="left")
    return table["weight"].fill_null(0.0).to_numpy()
