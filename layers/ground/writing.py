"""Writing of roads, waterways and buildings."""

from __future__ import annotations

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.postgres import WriteCounts, copy_frame, upsert
from layers.tables import Base

_OWN_COLUMNS = {
    "roads": {"ref": "text", "oneway": "boolean"},
    "waterways": {"width_m": "float8"},
    "buildings": {"levels": "float8", "height_m": "float8"},
}
_COLUMNS = {"source_id": "text", "name": "text", "name_en": "text", "kind": "text", "min_zoom": "smallint"}


def write_ground(db: Session, layer: str, frame: pl.DataFrame, *, indicative: bool = False) -> WriteCounts:
    """Write rows of a layer by ``source_id``; a row that is not among them stays.

    Parameters
    ----------
    db : Session
    layer : {"roads", "waterways", "buildings"}
    frame : polars.DataFrame
        The columns of the file kind, ``min_zoom`` and ``shape`` (WKB as hexadecimal text, EPSG:4326).
    indicative : bool
        The rows are invented or otherwise no official ones.
    """
    columns = {**_COLUMNS, **_OWN_COLUMNS[layer]}
    copy_frame(db, frame, "given_ground", {**columns, "shape": "text"})
    return upsert(
        db,
        Base.metadata.tables[layer],
        f"SELECT {', '.join(columns)}, {'true' if indicative else 'false'},"
        " ST_Multi(ST_SetSRID(shape::geometry, 4326)) FROM given_ground",
        columns=(*columns, "indicative", "geom"),
        key=("source_id",),
    )


def renew_statistics(db: Session, layer: str) -> None:
    """Count a layer anew for the planner, after many of its rows were written."""
    db.execute(text(f"ANALYZE {Base.metadata.tables[layer].name}"))
