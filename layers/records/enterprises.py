"""Enterprises, their sites, places where vehicles may stand, and notices: bulk writing and reading."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl
from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.orm import Session

from layers.postgres import WriteCounts, copy_frame, upsert
from layers.tables import Base, Enterprise, Licence, Notice, Place, Site

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

    Needs ``h3_9`` and ``h3_10`` beside the file's columns; places them in areas. A row without coordinates leaves the
    place of a site that has one; else the site is one without place, in the area that its address names.
    """
    columns = {
        "site_id": "text",
        "uscc": "text",
        "kind": "text",
        "lon": "float8",
        "lat": "float8",
        "boundary": "text",
        "address": "text",
        "h3_9": "bigint",
        "h3_10": "bigint",
    }
    copy_frame(db, frame, "given_sites", columns)
    return upsert(db, _TABLES[Site.__tablename__], _GIVEN_SITES, columns=_SITE_COLUMNS, key=("site_id",))


_SITE_COLUMNS = (
    "site_id", "enterprise_id", "kind", "geom", "boundary", "h3_9", "h3_10", "area_id", "address", "place_source",
    "place_score", "place_name",
)  # fmt: skip
_GIVEN_SITES = """
SELECT g.site_id, e.id, g.kind, COALESCE(g.geom, s.geom),
    CASE WHEN g.geom IS NULL THEN COALESCE(g.boundary, s.boundary) ELSE g.boundary END,
    COALESCE(g.h3_9, s.h3_9), COALESCE(g.h3_10, s.h3_10),
    CASE WHEN g.geom IS NOT NULL THEN owning_area(g.geom) WHEN s.geom IS NOT NULL THEN s.area_id
         ELSE area_named_in(g.address) END,
    COALESCE(g.address, s.address),
    CASE WHEN g.geom IS NULL THEN s.place_source END, CASE WHEN g.geom IS NULL THEN s.place_score END,
    CASE WHEN g.geom IS NULL THEN s.place_name END
FROM (SELECT site_id, uscc, kind, h3_9, h3_10, address, ST_SetSRID(ST_MakePoint(lon, lat), 4326) AS geom,
             ST_SetSRID(boundary::geometry, 4326) AS boundary FROM given_sites) g
JOIN enterprises e USING (uscc) LEFT JOIN sites s ON s.site_id = g.site_id
"""


def count_unplaced(db: Session, site_ids: Sequence[str] | None = None) -> int:
    """Return the number of sites without place that the caller sees, of these sites or of all."""
    among = "" if site_ids is None else " AND site_id = ANY(:ids)"
    asked = {} if site_ids is None else {"ids": list(site_ids)}
    return int(db.scalar(text("SELECT count(*) FROM sites WHERE geom IS NULL" + among), asked) or 0)


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


def write_licences(db: Session, frame: pl.DataFrame) -> WriteCounts:
    """Write licences by enterprise, site, kind, number and first day."""
    columns = dict.fromkeys(("uscc", "site_id", "licence_kind", "number", "note"), "text")
    copy_frame(db, frame, "given_licences", columns | {"valid_from": "date", "valid_to": "date"})
    return upsert(
        db,
        _TABLES[Licence.__tablename__],
        "SELECT COALESCE(s.enterprise_id, e.id), s.id, g.licence_kind, g.number, g.valid_from, g.valid_to, g.note"
        " FROM given_licences g LEFT JOIN sites s ON s.site_id = g.site_id LEFT JOIN enterprises e ON e.uscc = g.uscc",
        columns=("enterprise_id", "site_id", "licence_kind", "number", "valid_from", "valid_to", "note"),
        key=("enterprise_id", "site_id", "licence_kind", "number", "valid_from"),
    )


def owners_of_sites(db: Session) -> dict[str, str]:
    """Return the code of the enterprise of each site."""
    rows = db.execute(
        select(Site.site_id, Enterprise.uscc).join(Enterprise, Enterprise.id == Site.enterprise_id)
    )
    return {site_id: uscc for site_id, uscc in rows}


def read_licences(db: Session, day: dt.date) -> pl.DataFrame:
    """Licences that began by a day of the city, one row for each site that they hold for.

    Returns
    -------
    polars.DataFrame
        ``site_id``, ``uscc``, ``licence_kind``, ``number``, ``valid_from``, ``valid_to`` (first day on which it no
        longer holds; null: open end). A licence of an enterprise without sites has no row.
    """
    of_site = or_(Licence.site_id.is_(None), Licence.site_id == Site.id)
    rows = db.execute(
        select(
            Site.site_id,
            Enterprise.uscc,
            Licence.licence_kind,
            Licence.number,
            Licence.valid_from,
            Licence.valid_to,
        )
        .join(Enterprise, Enterprise.id == Licence.enterprise_id)
        .join(Site, and_(Site.enterprise_id == Enterprise.id, of_site))
        .where(Licence.valid_from <= day)
        .order_by(Site.site_id, Licence.licence_kind, Licence.valid_from, Licence.number)
    ).all()
    texts = dict.fromkeys(("site_id", "uscc", "licence_kind", "number"), pl.Utf8)
    schema = {**texts, "valid_from": pl.Date, "valid_to": pl.Date}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def known_uscc(db: Session) -> list[str]:
    """Every registered code."""
    return list(db.scalars(select(Enterprise.uscc)))


def known_sites(db: Session) -> list[str]:
    """Every registered site id."""
    return list(db.scalars(select(Site.site_id)))


def places_of_sites(db: Session) -> pl.DataFrame:
    """Return ``site_id``, ``known_lon`` and ``known_lat`` of every registered site that has a place."""
    found = select(Site.site_id, func.ST_X(Site.geom), func.ST_Y(Site.geom))
    rows = db.execute(found.where(Site.geom.is_not(None))).all()
    schema = {"site_id": pl.Utf8, "known_lon": pl.Float64, "known_lat": pl.Float64}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def read_sites(db: Session, *, kinds: tuple[str, ...] = ("production", "storage")) -> pl.DataFrame:
    """Sites with what the models need; those without place are none for them.

    Returns
    -------
    polars.DataFrame
        ``id``, ``site_id``, ``kind``, ``lon``, ``lat``, ``boundary`` (WKB or null), ``uscc``, ``name``,
        ``industry``, ``hazard``, ``status``, ``status_since``, ``area_id``.
    """
    rows = db.execute(
        text(
            "SELECT s.id, s.site_id, s.kind, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat,"
            " ST_AsBinary(s.boundary) AS boundary, e.uscc, e.name, e.industry, e.hazard, e.status, e.status_since,"
            " s.area_id FROM sites s JOIN enterprises e ON e.id = s.enterprise_id WHERE s.kind = ANY(:kinds)"
            " AND s.geom IS NOT NULL"
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
        "industry": pl.Utf8,
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


def read_counties(db: Session) -> pl.DataFrame:
    """County of each site, by the parents of its area: ``site_id``, ``county`` (name; null: in none)."""
    rows = db.execute(_COUNTIES).all()
    return pl.DataFrame(
        [tuple(row) for row in rows], schema={"site_id": pl.Utf8, "county": pl.Utf8}, orient="row"
    )


_COUNTIES = text("""
WITH RECURSIVE above AS (
    SELECT id AS of_area, id, kind, name, parent_id FROM areas WHERE id IN (SELECT area_id FROM sites)
    UNION ALL
    SELECT u.of_area, a.id, a.kind, a.name, a.parent_id FROM above u JOIN areas a ON a.id = u.parent_id
)
SELECT s.site_id, (SELECT min(u.name) FROM above u WHERE u.of_area = s.area_id AND u.kind = 'county') FROM sites s
ORDER BY s.site_id
""")


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
