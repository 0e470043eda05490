"""Who is responsible for many points: the cover index finds the grids, each distinct question is answered once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import geopandas as gpd
import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from grid.areas import HIERARCHY, Place, chains, read_areas
from grid.assignment import assign
from grid.bodies import resolve_bodies
from grid.cover import AreaCover
from grid.cover_cache import cover_of
from grid.errors import GridError
from grid.siting import Siting

ANSWER_SCHEMA: dict[str, Any] = {
    "outcome": pl.String,
    **{kind: pl.String for kind in HIERARCHY},
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
    root = cover_of(db, "unit_grid", at).locate(lon, lat)
    zones = read_areas(db, kind="functional_zone", at=at)
    table = pl.DataFrame(
        {
            "item_code": frame["item_code"],
            "root": root,
            **{f"zone_{k}": _locate(zones.iloc[k : k + 1], lon, lat) >= 0 for k in range(len(zones))},
        }
    ).with_row_index("row")
    in_grid = _in_grids(db, table.filter(pl.col("root") >= 0), zones, at)
    alone = table.filter(pl.col("root") < 0)["row"].to_list()
    one_by_one = [
        {"row": row} | _answer(db, float(lon[row]), float(lat[row]), frame["item_code"][row], at)
        for row in alone
    ]
    outside = pl.DataFrame(one_by_one, schema={"row": pl.UInt32} | ANSWER_SCHEMA)
    return frame.hstack(pl.concat([in_grid, outside]).sort("row").drop("row"))


def _in_grids(db: Session, table: pl.DataFrame, zones: gpd.GeoDataFrame, at: dt.datetime) -> pl.DataFrame:
    """Answers of points in grids: areas by grid; bodies once for each item, town and set of zones."""
    every = chains(db, table["root"].unique().to_list(), at)
    places = {place["id"]: place for chain in every.values() for place in chain}
    ids = [{"root": root} | {place["kind"]: place["id"] for place in chain} for root, chain in every.items()]
    schema = {"root": pl.Int64} | {f"{kind}": pl.Int64 for kind in HIERARCHY}
    table = table.join(pl.DataFrame(ids, schema=schema), on="root", how="left")
    keys = [name for name in table.columns if name not in ("row", "root", "unit_grid", "community")]
    distinct = table.unique(subset=keys, maintain_order=True).select(keys)
    bodies = []
    for key in distinct.iter_rows(named=True):
        areas: dict[str, Any] = {kind: places[key[kind]] for kind in HIERARCHY if key.get(kind) is not None}
        areas |= {
            "water": [],
            "functional_zone": [_place(zones, k) for k in range(len(zones)) if key[f"zone_{k}"]],
        }
        found = resolve_bodies(db, key["item_code"], at, Siting("assigned", areas))
        bodies.append(found.flat())
    answers = pl.DataFrame(bodies, schema={name: ANSWER_SCHEMA[name] for name in list(ANSWER_SCHEMA)[-4:]})
    joined = table.join(distinct.hstack(answers), on=keys, how="left", nulls_equal=True)
    codes = {area_id: place["code"] for area_id, place in places.items()}
    named = [pl.col(kind).replace_strict(codes, default=None, return_dtype=pl.String) for kind in HIERARCHY]
    return joined.with_columns(*named, outcome=pl.lit("assigned")).select("row", *ANSWER_SCHEMA)


def _place(zones: gpd.GeoDataFrame, k: int) -> Place:
    row = zones.iloc[k]
    return {
        "id": int(row["id"]),
        "code": row["code"],
        "name": row["name"],
        "kind": row["kind"],
        "valid_from": row["valid_from"],
    }


def _locate(areas: gpd.GeoDataFrame, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    return AreaCover.build(areas).locate(lon, lat)


def _answer(db: Session, lon: float, lat: float, item_code: str, at: dt.datetime) -> dict[str, Any]:
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        return dict.fromkeys(ANSWER_SCHEMA) | {"outcome": "no_area"}
    return assign(db, lon=lon, lat=lat, item_code=item_code, at=at).flat()
