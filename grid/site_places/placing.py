"""Placing of sites: rows of a file to sites, and places written with their source and score."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import cells_of
from layers.batches import BatchOrigin, begin_batch, finish_batch
from layers.collections import settle_cells
from layers.imports.checks import CheckedFrame
from layers.postgres import WriteCounts, advisory_lock, copy_frame


def find_sites(db: Session, checked: CheckedFrame) -> None:
    """Fill the site ids of a checked file of places, and reject rows that name no site or several.

    A row without ``site_id`` means the one site without place of its enterprise.
    """
    owners = {site_id: uscc for site_id, uscc in db.execute(_OWNERS)}
    waiting: dict[str, list[str]] = {}
    for site_id, uscc in db.execute(_WAITING):
        waiting.setdefault(uscc, []).append(site_id)
    rows = checked.frame.select("site_id", "uscc").rows()
    found = [
        site_id or (waiting[uscc][0] if len(waiting.get(uscc or "", ())) == 1 else None)
        for site_id, uscc in rows
    ]
    reasons = [_fault(site_id, uscc, owners, waiting) for site_id, uscc in rows]
    for reason in dict.fromkeys(filter(None, reasons)):
        checked.reject(pl.Series([reason == one for one in reasons], dtype=pl.Boolean), "site_id", reason)
    checked.frame = checked.frame.with_columns(site_id=pl.Series(found, dtype=pl.Utf8))
    site = checked.frame["site_id"]
    again = site.is_not_null() & ~site.is_first_distinct()
    checked.reject(again, "site_id", "the site stands in the file twice 场所重复")


def _fault(
    site_id: str | None, uscc: str | None, owners: dict[str, str], waiting: dict[str, list[str]]
) -> str | None:
    if site_id is not None:
        if site_id not in owners:
            return "unknown site 未登记"
        other = uscc is not None and owners[site_id] != uscc
        return "the site is of another enterprise 场所不属于该企业" if other else None
    if uscc is None:
        return "neither site_id nor uscc 未填场所或企业"
    n = len(waiting.get(uscc, ()))
    if n == 0:
        return "the enterprise has no site without place 该企业没有未定位的场所"
    if n == 1:
        return None
    return f"the enterprise has {n} sites without place, name one 该企业有 {n} 个未定位场所，请填写场所编号"


def with_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with the H3 cells of ``lon`` and ``lat`` (degrees) as ``h3_9``, ``h3_10``; null without place."""
    lon, lat = (frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in ("lon", "lat"))
    cells = {f"h3_{res}": pl.Series(cells_of(lon, lat, res).astype(np.int64)) for res in (9, 10)}
    return frame.with_columns(**{name: found.set(found == 0, None) for name, found in cells.items()})


def place_sites(db: Session, frame: pl.DataFrame) -> WriteCounts:
    """Write the places of sites, in the batch of the transaction.

    Parameters
    ----------
    frame : polars.DataFrame
        ``site_id``, ``lon`` and ``lat`` (EPSG:4326, degrees), ``place_source``; ``place_score`` and ``place_name`` of a
        place of the gazetteer.
    """
    missing = [name for name in ("place_score", "place_name") if name not in frame.columns]
    full = with_cells(frame).with_columns(pl.lit(None, dtype=pl.Utf8).alias(name) for name in missing)
    copy_frame(db, full, "given_site_places", _GIVEN)
    updated = db.execute(_PLACE).rowcount  # type: ignore[attr-defined]
    return WriteCounts(0, updated, frame.height - updated)


def place_as_batch(
    db: Session,
    frame: pl.DataFrame,
    actor: str,
    now: dt.datetime,
    *,
    api_key: str | None = None,
    **options: Any,
) -> int:
    """Write places by :func:`place_sites` as a batch of its own, which can be undone; return its id.

    Parameters
    ----------
    options : str, float or None
        Kept with the batch: from where the places are, and the score above which they were accepted.
    """
    with advisory_lock(db, "import"):
        origin = BatchOrigin("site_places", "edit", actor, api_key=api_key, options=options)
        batch_id = begin_batch(db, origin, now)
        counts = place_sites(db, frame)
        settle_cells(db)
        told = {"rows": frame.height, "updated": counts.updated, "unchanged": counts.unchanged}
        finish_batch(db, batch_id, told)
    return batch_id


_OWNERS = text("SELECT s.site_id, e.uscc FROM sites s JOIN enterprises e ON e.id = s.enterprise_id")
_WAITING = text(
    "SELECT s.site_id, e.uscc FROM sites s JOIN enterprises e ON e.id = s.enterprise_id"
    " WHERE s.geom IS NULL ORDER BY s.site_id"
)
_GIVEN = {
    "site_id": "text",
    "lon": "float8",
    "lat": "float8",
    "h3_9": "bigint",
    "h3_10": "bigint",
    "place_source": "text",
    "place_score": "float8",
    "place_name": "text",
}
_PLACE = text("""
UPDATE sites s SET geom = g.geom, h3_9 = g.h3_9, h3_10 = g.h3_10, area_id = owning_area(g.geom),
    place_source = g.place_source, place_score = g.place_score, place_name = g.place_name,
    batch_id = (SELECT current_batch())
FROM (SELECT *, ST_SetSRID(ST_MakePoint(lon, lat), 4326) AS geom FROM given_site_places) g
WHERE s.site_id = g.site_id AND s.geom IS DISTINCT FROM g.geom
""")
