"""Who is responsible for many points: the cover index finds the grids, each distinct question is answered once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import geopandas as gpd
import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from grid.areas import read_areas
from grid.assignment import Assignment, assign
from grid.cover import AreaCover
from grid.errors import GridError

_KINDS = ("unit_grid", "community", "town", "county", "city")
ANSWER_SCHEMA: dict[str, Any] = {
    "outcome": pl.String,
    **{kind: pl.String for kind in _KINDS},
    "domain": pl.String,
    "lead_body": pl.String,
    "lead_level": pl.String,
    "co_handlers": pl.List(pl.String),
}


def assign_many(db: Session, frame: pl.DataFrame, *, at: dt.datetime) -> pl.DataFrame:
    """Answers for many points at one moment, as :func:`grid.assignment.assign` gives them one by one.

    Parameters
    ----------
    frame : polars.DataFrame
        ``lon``, ``lat`` (degrees, EPSG:4326) and ``item_code``.
    at : datetime
        With zone.

    Returns
    -------
    polars.DataFrame
        The frame with ``ANSWER_SCHEMA``: areas as codes. A point that is not finite has outcome ``no_area``.

    Raises
    ------
    UnknownItem, GridError
    """
    if missing := [name for name in ("lon", "lat", "item_code") if name not in frame.columns]:
        raise GridError(f"column {missing[0]} is missing", f"缺少列 {missing[0]}")
    lon, lat = (frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in ("lon", "lat"))
    questions = _questions(db, frame["item_code"], lon, lat, at)
    distinct = questions.unique(subset=questions.columns[:-1], keep="first", maintain_order=True)
    rows = distinct["row"].to_list()
    answers = pl.DataFrame(
        [_answer(db, float(lon[row]), float(lat[row]), frame["item_code"][row], at) for row in rows],
        schema=ANSWER_SCHEMA,
    )
    known = distinct.drop("row").hstack(answers)
    keys = known.columns[: -len(ANSWER_SCHEMA)]
    joined = questions.join(known, on=keys, how="left", maintain_order="left", nulls_equal=True)
    return frame.hstack(joined.select(list(ANSWER_SCHEMA)))


def _questions(
    db: Session, items: pl.Series, lon: NDArray[np.float64], lat: NDArray[np.float64], at: dt.datetime
) -> pl.DataFrame:
    """What decides the answer of each point; points without a grid (nearest, water) are asked one by one."""
    position = _locate(read_areas(db, kind="unit_grid", at=at), lon, lat)
    row = np.arange(len(position))
    members = {
        f"zone_{k}": _locate(zone, lon, lat)
        for k, zone in enumerate(_single_frames(read_areas(db, kind="functional_zone", at=at)))
    }
    alone = np.where(position < 0, row, -1)
    return pl.DataFrame({"item_code": items, "position": position, "alone": alone, **members, "row": row})


def _single_frames(areas: gpd.GeoDataFrame) -> list[gpd.GeoDataFrame]:
    return [areas.iloc[k : k + 1] for k in range(len(areas))]


def _locate(areas: gpd.GeoDataFrame, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    return AreaCover.build(areas).locate(lon, lat)


def _answer(db: Session, lon: float, lat: float, item_code: str, at: dt.datetime) -> dict[str, Any]:
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        return dict.fromkeys(ANSWER_SCHEMA) | {"outcome": "no_area"}
    return _flat(assign(db, lon=lon, lat=lat, item_code=item_code, at=at))


def _flat(answer: Assignment) -> dict[str, Any]:
    codes = {kind: (answer.areas[kind] or {}).get("code") for kind in _KINDS}
    lead = answer.lead or {}
    return {
        "outcome": answer.outcome,
        **codes,
        "domain": answer.domain,
        "lead_body": lead.get("body"),
        "lead_level": lead.get("level"),
        "co_handlers": [partner["body"] for partner in answer.co_handlers],
    }
