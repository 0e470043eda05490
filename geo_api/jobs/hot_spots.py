"""Hot spots of a run: every field counted against its exposure, and stored."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import shapely
from scipy import sparse
from sqlalchemy.orm import Session

from geo_api.jobs.emerging_fields import EMERGING_PARAMETERS, store_emerging
from geo_api.jobs.hot_spot_fields import CountedField, counted_fields
from grid.areas import cell_boundaries
from layers.hot_spots import forget_hot_spots, write_hot_spots
from spatial_models.hotspots import count_excess, ring_weights

HOT_SPOT_PARAMETERS: dict[str, Any] = {
    "rings": [0, 1, 2], "draws": 999, "seed": 20_260_101, "emerging": EMERGING_PARAMETERS,
}  # fmt: skip
"""Windows of a cell (itself, with one and with two rings around it), draws of the field, seed of the draws."""
KEPT_RUNS = 12


def store_hot_spots(
    db: Session, run_id: int, model: str, scored: pl.DataFrame, start: dt.datetime, end: dt.datetime,
    local_zone: str,
) -> dict[str, int]:  # fmt: skip
    """Find and store the hot spots of a run, and drop those of old runs.

    The same rows give the same hot spots: the draws have a seed.

    Parameters
    ----------
    scored : polars.DataFrame
        ``site_id`` and ``level`` of every candidate of the run.

    Returns
    -------
    dict of str to int
        ``hot_spot_cells``, by field ``hot_<field>`` and ``cold_<field>``: cells of level 95 or more, and the
        counts of `geo_api.jobs.emerging_fields.store_emerging`.
    """
    cells = pl.concat([_judged(field) for field in counted_fields(db, scored, start, end, local_zone)])
    counts = {"hot_spot_cells": write_hot_spots(db, cells, run_id)}
    for name, level in cells.group_by("field", maintain_order=True).agg(pl.col("level")).iter_rows():
        counts[f"hot_{name}"] = sum(each >= 95 for each in level)
        counts[f"cold_{name}"] = sum(each <= -95 for each in level)
    counts |= store_emerging(db, run_id, scored, end, local_zone)
    forget_hot_spots(db, model, KEPT_RUNS)
    return counts


def _judged(field: CountedField) -> pl.DataFrame:
    """Cells of a field with observed, expected and level, in the columns of the table."""
    counts, rings = field.counts, HOT_SPOT_PARAMETERS["rings"]
    cells = counts["h3"].to_numpy()
    rng = np.random.default_rng(HOT_SPOT_PARAMETERS["seed"])
    windows = [ring_weights(cells, k) if k else sparse.csr_array(sparse.eye_array(len(cells))) for k in rings]
    found = count_excess(
        counts["cases"], counts["exposure"], windows, chance="each",
        draws=HOT_SPOT_PARAMETERS["draws"], rng=rng,
    )  # fmt: skip
    return pl.DataFrame(
        {
            "field": pl.repeat(field.name, len(cells), dtype=pl.String, eager=True),
            "h3": cells.astype(np.int64),
            "value": counts["cases"].cast(pl.Float64),
            "exposure": counts["exposure"].cast(pl.Float64),
            "observed": found["observed"].cast(pl.Float64),
            "expected": found["expected"],
            "ratio": found["ratio"],
            "p_adjusted": found["p_adjusted"],
            "level": found["level"],
            "rings": found["window"].replace_strict(dict(enumerate(rings)), return_dtype=pl.Int16),
            "from_day": pl.repeat(field.from_day, len(cells), dtype=pl.Date, eager=True),
            "until_day": pl.repeat(field.until_day, len(cells), dtype=pl.Date, eager=True),
            "geom": pl.Series(shapely.to_wkb(cell_boundaries(cells), hex=True), dtype=pl.String),
        }
    )
