"""The box of the city."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session


def city_box(db: Session) -> list[float]:
    """Box of the city's areas of today: the same for every collection, so that no row is given away."""
    row = db.execute(
        text(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM"
            " (SELECT ST_Extent(geom) AS e FROM areas WHERE kind IN ('city', 'county') AND valid_to IS NULL) box"
        )
    ).one()
    return [float(v) for v in row] if row[0] is not None else [-180.0, -90.0, 180.0, 90.0]
