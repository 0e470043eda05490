"""Assignment of many points: the point index finds the grids, each distinct question is answered once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from grid.areas import (
    HIERARCHY,
    OVERLAYS,
    AreaCover,
    AreaVersion,
    read_areas,
)
from grid.errors import GridError
from grid.responsibility.answer import joined_codes
from grid.responsibility.bulk_locating import hierarchies, locate_points
from grid.responsibility.competent_bodies import asked_codes, bodies_of_lines, body_columns
from grid.responsibility.duties import day_of, domain_of, lines_of_items
from grid.responsibility.enterprise_sites import role_texts, sites_of
from grid.responsibility.locating import AreasByKind
from grid.responsibility.succession import successors

ANSWER_SCHEMA: dict[str, Any] = {
    "outcome": pl.String,
    **{kind: pl.String for kind in HIERARCHY},
    "domain": pl.String,
    "lead_body": pl.String,
    "lead_level": pl.String,
    "co_handlers": pl.List(pl.String),
    **{f"{kind}_now": pl.String for kind in HIERARCHY},
    "lead_body_now": pl.String,
    "enterprise_sites": pl.List(pl.String),
}
_BODY_COLUMNS = ("domain", "lead_body", "lead_level", "co_handlers")


def assign_many(db: Session, frame: pl.DataFrame, *, at: dt.datetime) -> pl.DataFrame:
    """Assign many points at one moment, with the same answers as :func:`grid.responsibility.assignment.assign`.

    Parameters
    ----------
    frame : polars.DataFrame
        ``lon``, ``lat`` (degrees, EPSG:4326), ``item_code`` and perhaps ``enterprise_uscc`` (null for none).
    at : datetime
        With zone.

    Returns
    -------
    polars.DataFrame
        The frame with ``ANSWER_SCHEMA``: areas as codes; of those that have ended since the codes of their
        successors (``<kind>_now``), and of ended areas or leads the lead of now; the places of the enterprise
        by role. A point that is not finite has outcome ``no_area``.

    Raises
    ------
    UnknownItem, GridError
    """
    if missing := [name for name in ("lon", "lat", "item_code") if name not in frame.columns]:
        raise GridError(f"column {missing[0]} is missing", f"缺少列 {missing[0]}")
    lon, lat = (frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in ("lon", "lat"))
    zones = read_areas(db, kind=OVERLAYS, at=at)
    inside = [_locate(zones.iloc[k : k + 1], lon, lat) >= 0 for k in range(len(zones))]
    kinds, ids = zones["kind"].tolist(), zones["id"].tolist()
    waters = [(ids[k], held) for k, held in enumerate(inside) if kinds[k] == "water"]
    located = locate_points(db, lon, lat, at, waters)
    above, areas = hierarchies(db, located.root, lon, lat, at)
    table = pl.DataFrame(
        {
            "lon": lon,
            "lat": lat,
            "item_code": frame["item_code"],
            "uscc": frame["enterprise_uscc"] if "enterprise_uscc" in frame.columns else [None] * frame.height,
            "outcome": located.outcome,
            **{f"zone_{k}": held for k, held in enumerate(inside)},
            **above,
        },
        schema_overrides={"item_code": pl.String, "uscc": pl.String},
    ).with_row_index("row")
    table = table.with_columns(pl.when(pl.col(kind) >= 0).then(pl.col(kind)) for kind in HIERARCHY)
    is_place = (table["lon"].abs() <= 180) & (table["lat"].abs() <= 90)
    answered = _answers(db, table.filter(is_place), areas, zones, at)
    nowhere = table.filter(~is_place).select("row", outcome=pl.lit("no_area"))
    answers = pl.concat([answered, nowhere], how="diagonal")
    return frame.hstack(answers.sort("row").select(*ANSWER_SCHEMA))


def _answers(
    db: Session, table: pl.DataFrame, areas: dict[int, AreaVersion], zones: gpd.GeoDataFrame, at: dt.datetime
) -> pl.DataFrame:
    """Answers of located points: bodies once for each item, town and set of overlapping areas."""
    joined = _with_bodies(db, table, areas, zones, at)
    joined = _with_followers(db, joined, areas, at)
    codes = {area_id: area.code for area_id, area in areas.items()}
    named = [pl.col(kind).replace_strict(codes, default=None, return_dtype=pl.String) for kind in HIERARCHY]
    sites = {uscc: role_texts(found) for uscc, found in sites_of(db, _given(table["uscc"]), at).items()}
    listed = pl.Series(
        "enterprise_sites", [sites.get(uscc, []) for uscc in joined["uscc"]], pl.List(pl.String)
    )
    return joined.with_columns(*named, listed).select("row", *ANSWER_SCHEMA)


def _given(values: pl.Series) -> list[str]:
    return values.drop_nulls().unique().to_list()


def _with_bodies(
    db: Session, table: pl.DataFrame, areas: dict[int, AreaVersion], zones: gpd.GeoDataFrame, at: dt.datetime
) -> pl.DataFrame:
    """Lead and co-handlers of every row, and ``lead_until``: the day on which the lead's line ended."""
    alone = ("row", "lon", "lat", "uscc", "outcome", "unit_grid", "community")
    keys = [name for name in table.columns if name not in alone]
    distinct = table.unique(subset=keys, maintain_order=True).select(keys)
    overlays = [_zone(zones, k) for k in range(len(zones))]
    places = [_areas_of(key, areas, overlays) for key in distinct.iter_rows(named=True)]
    codes = sorted(set().union(*(asked_codes(here) for here in places)))
    lines = lines_of_items(db, _given(distinct["item_code"]), codes)
    domains = {item: found[0].domain if found else domain_of(db, item) for item, found in lines.items()}
    bodies = []
    for item, here in zip(distinct["item_code"], places, strict=True):
        asked = asked_codes(here)
        own = [line for line in lines[item] if line.area_code in asked]
        found = bodies_of_lines(own, own[0].domain if own else domains[item], item, at, here)
        until = {"lead_until": found.lead and found.lead.valid_to}
        bodies.append(body_columns(found.domain, found.lead, found.co_handlers) | until)
    schema = {name: ANSWER_SCHEMA[name] for name in _BODY_COLUMNS} | {"lead_until": pl.Date}
    return table.join(
        distinct.hstack(pl.DataFrame(bodies, schema=schema)), on=keys, how="left", nulls_equal=True
    )


def _areas_of(key: dict[str, Any], areas: dict[int, AreaVersion], overlays: list[AreaVersion]) -> AreasByKind:
    """Return the areas of a distinct question."""
    here = AreasByKind({kind: areas[key[kind]] for kind in HIERARCHY if key.get(kind) is not None})
    for k, zone in enumerate(overlays):
        if key[f"zone_{k}"]:
            here.overlays[zone.kind].append(zone)
    return here


def _with_followers(
    db: Session, table: pl.DataFrame, areas: dict[int, AreaVersion], at: dt.datetime
) -> pl.DataFrame:
    """``<kind>_now`` and ``lead_body_now``.

    Successors of the areas that have ended since, and the lead of now where something has.
    """
    now = dt.datetime.now(dt.UTC)
    ended = [area.id for area in areas.values() if area.has_ended(now)]
    if at >= now:
        ended = []
    after = {i: joined_codes(found) for i, found in successors(db, ended, now).items()} if ended else {}
    later = [
        pl.col(kind).replace_strict(after, default=None, return_dtype=pl.String).alias(f"{kind}_now")
        for kind in HIERARCHY
    ]
    gone = pl.any_horizontal(pl.col(kind).is_in(ended).fill_null(False) for kind in HIERARCHY)
    over = (pl.col("lead_until") <= day_of(now)).fill_null(False)
    table = table.with_columns(*later, since=(gone | over) & pl.lit(at < now))
    past = table.filter("since").select("row", "lon", "lat", "item_code")
    if past.is_empty():
        return table.with_columns(lead_body_now=pl.lit(None, dtype=pl.String))
    leads = assign_many(db, past, at=now).select("row", lead_body_now="lead_body")
    return table.join(leads, on="row", how="left")


def _zone(zones: gpd.GeoDataFrame, k: int) -> AreaVersion:
    row = zones.iloc[k]
    parent = None if pd.isna(row["parent_id"]) else int(row["parent_id"])
    until = None if pd.isna(row["valid_to"]) else row["valid_to"]
    return AreaVersion(
        int(row["id"]), row["code"], row["name"], row["kind"], parent, row["valid_from"], until
    )


def _locate(areas: gpd.GeoDataFrame, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    return AreaCover.build(areas).locate(lon, lat)
