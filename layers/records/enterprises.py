"""Enterprises, their sites, places where vehicles may stand, and notices: bulk writing and reading."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from layers.postgres import WriteCounts, copy_frame, upsert
from layers.tables import Base, Enterprise, Notice, Place, Site

_TABLES = Base.metadata.tables


def write_enterprises(db: Session, frame: pl.DataFrame) -> WriteCounts:
    """Write enterprises by ``uscc``; columns as in ``layers.imports.columns``."""
    columns = {c: "text" for c in ("uscc", "name", "industry", "hazard", "status")} | {"status_since": "date"}
    copy_frame(db, frame, "given_enterprises", columns)
    return upsert(
        db,
        _TABLES[Enterprise.__tablename__],
        "SELECT * FROM given_enterprises",
        columns=tuple(columns),
        key=("uscc",),
    )


def cells_of_sites(db: Session, site_ids: Sequence[str]) -> pl.DataFrame:
    """``site_id`` and ``h3_9`` (bigint) of these sites."""
    rows = db.execute(
        text("SELECT site_id, h3_9 FROM sites WHERE site_id = ANY(:ids)"), {"ids": list(site_ids)}
    )
    schema = {"site_id": pl.Utf8, "h3_9": pl.Int64}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def write_sites(db: Session, frame: pl.DataFrame) -> WriteCounts:
    """Write sites by ``site_id``.

    Needs ``h3_9`` and ``h3_10`` beside the file's columns; places them in areas.
    """
    columns = {
        "site_id": "text",
        "uscc": "text",
        "kind": "text",
        "lon": "float8",
        "lat": "float8",
        "boundary": "text",
        "h3_9": "bigint",
        "h3_10": "bigint",
    }
    copy_frame(db, frame, "given_sites", columns)
    point = "ST_SetSRID(ST_MakePoint(g.lon, g.lat), 4326)"
    return upsert(
        db,
        _TABLES[Site.__tablename__],
        f"SELECT g.site_id, e.id, g.kind, {point}, ST_SetSRID(g.boundary::geometry, 4326), g.h3_9, g.h3_10,"
        f" owning_area({point}) FROM given_sites g JOIN enterprises e USING (uscc)",
        columns=("site_id", "enterprise_id", "kind", "geom", "boundary", "h3_9", "h3_10", "area_id"),
        key=("site_id",),
    )


def write_places(db: Session, frame: pl.DataFrame) -> WriteCounts:
    """Write places by kind and position."""
    columns = {"kind": "text", "lon": "float8", "lat": "float8", "radius_m": "float8"}
    copy_frame(db, frame, "given_places", columns)
    return upsert(
        db,
        _TABLES[Place.__tablename__],
        "SELECT kind, lon, lat, radius_m, ST_SetSRID(ST_MakePoint(lon, lat), 4326) FROM given_places",
        columns=("kind", "lon", "lat", "radius_m", "geom"),
        key=("kind", "lon", "lat"),
    )


def write_notices(db: Session, frame: pl.DataFrame) -> WriteCounts:
    """Write notices by site, kind and first day."""
    columns = {"site_id": "text", "kind": "text", "valid_from": "date", "valid_to": "date"}
    copy_frame(db, frame, "given_notices", columns)
    return upsert(
        db,
        _TABLES[Notice.__tablename__],
        "SELECT s.id, g.kind, g.valid_from, g.valid_to FROM given_notices g JOIN sites s USING (site_id)",
        columns=("site_id", "kind", "valid_from", "valid_to"),
        key=("site_id", "kind", "valid_from"),
    )


def known_uscc(db: Session) -> list[str]:
    """Every registered code."""
    return list(db.scalars(select(Enterprise.uscc)))


def known_sites(db: Session) -> list[str]:
    """Every registered site id."""
    return list(db.scalars(select(Site.site_id)))


def read_sites(db: Session, *, kinds: tuple[str, ...] = ("production", "storage")) -> pl.DataFrame:
    """Sites with what the models need.

    Returns
    -------
    polars.DataFrame
        ``id``, ``site_id``, ``kind``, ``lon``, ``lat``, ``boundary`` (WKB or null), ``uscc``, ``name``,
        ``hazard``, ``status``, ``status_since``, ``area_id``.
    """
    rows = db.execute(
        text(
            "SELECT s.id, s.site_id, s.kind, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat,"
            " ST_AsBinary(s.boundary) AS boundary, e.uscc, e.name, e.hazard, e.status, e.status_since,"
            " s.area_id FROM sites s JOIN enterprises e ON e.id = s.enterprise_id WHERE s.kind = ANY(:kinds)"
            " ORDER BY s.site_id"
        ),
        {"kinds": list(kinds)},
    ).all()
    schema = {
        "id": pl.Int64,
        "site_id": pl.Utf8,
        "kind": pl.Utf8,
        "lon": pl.Float64,
        "lat": pl.Float64,
        "boundary": pl.Binary,
        "uscc": pl.Utf8,
        "name": pl.Utf8,
        "hazard": pl.Utf8,
        "status": pl.Utf8,
        "status_since": pl.Date,
        "area_id": pl.Int64,
    }
    return pl.DataFrame(
        [
            tuple(
                None if v is None else bytes(v) if k == "boundary" else v
                for k, v in zip(schema, row, strict=True)
            )
            for row in rows
        ],
        schema=schema,
        orient="row",
    )


def read_places(db: Session) -> pl.DataFrame:
    """Places: ``kind``, ``lon``, ``lat``, ``radius_m``."""
    rows = db.execute(select(Place.kind, Place.lon, Place.lat, Place.radius_m)).all()
    schema = {"kind": pl.Utf8, "lon": pl.Float64, "lat": pl.Float64, "radius_m": pl.Float64}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def read_notices(db: Session, day: dt.date) -> pl.DataFrame:
    """Notices that began by a day of the city: ``site_id``, ``kind``, ``valid_from``, ``valid_to``."""
    rows = db.execute(
        select(Site.site_id, Notice.kind, Notice.valid_from, Notice.valid_to)
        .join(Site, Site.id == Notice.site_id)
        .where(Notice.valid_from <= day)
    ).all()
    schema = {"site_id": pl.Utf8, "kind": pl.Utf8, "valid_from": pl.Date, "valid_to": pl.Date}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")
