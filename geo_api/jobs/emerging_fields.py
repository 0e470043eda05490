"""Hot spots over time: stored visits and alerts by cell and step, classified and stored."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import shapely
from sqlalchemy.orm import Session

from geo_api.jobs.hot_spot_fields import cells_at
from grid.areas import cell_boundaries
from layers.hot_spots import alerts_by_day, visits_by_day, write_emerging
from layers.records import enterprises
from spatial_models.hotspots import emerging_hot_spots, ring_weights

EMERGING_PARAMETERS: dict[str, Any] = {
    "weeks": 52, "steps_back": 1, "rings": 1, "alpha": 0.05, "draws": 999, "seed": 20_260_102,
}  # fmt: skip
STEP_DAYS = (7, 3, 1)
"""Lengths of a step: the first of which the days give at least ``LEAST_STEPS``."""
LEAST_STEPS = 8
"""With fewer steps no pattern is told."""


def store_emerging(
    db: Session, run_id: int, scored: pl.DataFrame, end: dt.datetime, local_zone: str
) -> dict[str, int]:
    """Classify every cell of each field over the stored weeks, and store it.

    The study area of visits is the cells of hazardous sites, that of alerts the cells of the candidates. A
    field of fewer than ``LEAST_STEPS`` days has no cells.

    Parameters
    ----------
    scored : polars.DataFrame
        ``site_id`` of every candidate of the run: where an alert is possible.

    Returns
    -------
    dict of str to int
        ``emerging_cells``, and ``new_<field>``: cells that are hot since the last step, or in an unbroken run
        that ends with it.
    """
    start = end - dt.timedelta(weeks=EMERGING_PARAMETERS["weeks"])
    last = (end - dt.timedelta(microseconds=1)).astimezone(ZoneInfo(local_zone)).date()
    sites = enterprises.read_sites(db)
    hazardous = sites.filter(pl.col("hazard") != "none")["site_id"].to_list()
    fields: list[tuple[str, Callable[..., pl.DataFrame], list[str]]] = [
        ("visits", visits_by_day, hazardous),
        ("alerts", alerts_by_day, scored["site_id"].to_list()),
    ]
    cells = pl.concat(
        [
            _classified(name, read(db, start, end, local_zone), _cells(db, where), last)
            for name, read, where in fields
        ]
    )
    counts = {"emerging_cells": write_emerging(db, cells, run_id)}
    young = cells.filter(pl.col("pattern").is_in(["new_hot", "consecutive_hot"]))
    return counts | {f"new_{name}": young.filter(pl.col("field") == name).height for name, _, _ in fields}


def _cells(db: Session, site_ids: list[str]) -> np.ndarray[Any, Any]:
    fine = enterprises.cells_of_sites(db, site_ids)["h3_9"]
    cells = cells_at(fine).unique().sort()
    return cells.filter(cells > 0).to_numpy()  # 0: a site without a cell


def _classified(name: str, days: pl.DataFrame, area: np.ndarray[Any, Any], last: dt.date) -> pl.DataFrame:
    """Patterns of a field, in the columns of the table."""
    counted = days.with_columns(h3=cells_at(days["h3_9"])).filter(
        pl.col("h3").is_in(area), pl.col("day") <= last
    )
    counted = counted.unique(["h3", "day", "what"])
    days_known = _days_known(counted, last)
    step_days = next((length for length in STEP_DAYS if days_known // length >= LEAST_STEPS), None)
    if step_days is None:
        return pl.DataFrame(schema=_SCHEMA)
    steps = days_known // step_days
    back = (pl.lit(last) - pl.col("day")).dt.total_days() // step_days
    counted = counted.with_columns(step=steps - 1 - back).filter(pl.col("step") >= 0)
    cube = np.zeros((len(area), steps))
    np.add.at(cube, (np.searchsorted(area, counted["h3"].to_numpy()), counted["step"].to_numpy()), 1.0)
    found = emerging_hot_spots(
        cube,
        ring_weights(area, EMERGING_PARAMETERS["rings"]),
        steps_back=EMERGING_PARAMETERS["steps_back"],
        alpha=EMERGING_PARAMETERS["alpha"],
        permutations=EMERGING_PARAMETERS["draws"],
        rng=np.random.default_rng(EMERGING_PARAMETERS["seed"]),
    )
    return _rows(name, area, cube, found, last, step_days)


def _days_known(counted: pl.DataFrame, last: dt.date) -> int:
    """Days from the first that anything was counted on to the last."""
    first = counted["day"].min()
    return (last - first).days + 1 if isinstance(first, dt.date) else 0


_SCHEMA: dict[str, Any] = {
    "field": pl.String, "h3": pl.Int64, "pattern": pl.String, "since": pl.Date, "until_day": pl.Date,
    "step_days": pl.Int64, "steps": pl.Int64, "hot_steps": pl.Int64, "cold_steps": pl.Int64,
    "newest": pl.Float64, "before": pl.Float64, "trend_z": pl.Float64, "trend_p": pl.Float64,
    "series": pl.String, "geom": pl.String,
}  # fmt: skip


def _rows(
    name: str, area: np.ndarray[Any, Any], cube: np.ndarray[Any, Any], found: pl.DataFrame, last: dt.date,
    step_days: int,
) -> pl.DataFrame:  # fmt: skip
    steps = cube.shape[1]
    first = last - dt.timedelta(days=steps * step_days - 1)
    since = [None if s is None else first + dt.timedelta(days=s * step_days) for s in found["since_step"]]
    series = [
        json.dumps({"counts": [int(c) for c in counts], "marks": marks})
        for counts, marks in zip(cube, found["marks"].to_list(), strict=True)
    ]
    columns = {
        "field": [name] * len(area),
        "h3": area.astype(np.int64),
        "pattern": found["pattern"],
        "since": since,
        "until_day": [last] * len(area),
        "step_days": [step_days] * len(area),
        "steps": [steps] * len(area),
        "hot_steps": found["hot_steps"],
        "cold_steps": found["cold_steps"],
        "newest": cube[:, -1],
        "before": cube[:, :-1].mean(axis=1),
        "trend_z": found["trend_z"],
        "trend_p": found["trend_p"],
        "series": series,
        "geom": shapely.to_wkb(cell_boundaries(area), hex=True),
    }
    return pl.DataFrame(columns, schema=_SCHEMA)
