"""Enterprises and their sites, written straight into the tables."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

USCC = "913206010000001230"


def insert_enterprise(
    db: Session, uscc: str = USCC, *, name: str = "某厂", status: str = "operating", hazard: str = "none"
) -> int:
    """An enterprise: its id."""
    statement = (
        "INSERT INTO enterprises (uscc, name, industry, hazard, status)"
        " VALUES (:uscc, :name, '化工', :hazard, :status) RETURNING id"
    )
    values = {"uscc": uscc, "name": name, "hazard": hazard, "status": status}
    return int(db.execute(text(statement), values).scalar_one())


def insert_site(
    db: Session,
    enterprise_id: int,
    site_id: str,
    lon: float,
    lat: float,
    *,
    kind: str = "production",
    area_id: int | None = None,
) -> None:
    """A site of an enterprise."""
    statement = (
        "INSERT INTO sites (site_id, enterprise_id, kind, geom, h3_9, h3_10, area_id) VALUES"
        " (:site, :enterprise, :kind, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 0, 0, :area)"
    )
    place = {"lon": lon, "lat": lat, "area": area_id}
    db.execute(text(statement), {"site": site_id, "enterprise": enterprise_id, "kind": kind, **place})


def insert_sites(
    db: Session, enterprise_id: int, points: Iterable[tuple[float, float]], prefix: str = "S"
) -> None:
    """Many sites of an enterprise by one statement, numbered from 1 after the prefix."""
    lon, lat = zip(*points, strict=True)
    statement = (
        "INSERT INTO sites (site_id, enterprise_id, kind, geom, h3_9, h3_10)"
        " SELECT :prefix || '-' || i, :enterprise, 'sales', ST_SetSRID(ST_MakePoint(x, y), 4326), 0, 0"
        " FROM unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[])) WITH ORDINALITY p (x, y, i)"
    )
    values = {"prefix": prefix, "enterprise": enterprise_id, "lon": list(lon), "lat": list(lat)}
    db.execute(text(statement), values)
