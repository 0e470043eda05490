"""Ground under the work layers: roads, waterways and buildings."""

from __future__ import annotations

from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, batch_column, geometry_column, id_column, mercator_column

ROAD_KINDS = (
    "motorway",
    "trunk",
    "primary",
    "secondary",
    "tertiary",
    "local",
    "service",
    "track",
    "path",
    "other",
)
WATERWAY_KINDS = ("river", "canal", "stream", "drain", "other")
BUILDING_KINDS = ("residential", "commercial", "industrial", "public", "agricultural", "other")


def _zoom_index(table: str, zoom: int) -> Index:
    """Index of the rows that tiles up to a zoom draw: a tile of a province reads no side street."""
    return Index(
        f"ix_{table}_up_to_{zoom}",
        "geom_3857",
        postgresql_using="gist",
        postgresql_where=text(f"min_zoom <= {zoom}"),
    )


class _Ground:
    """Columns that all layers of the ground have."""

    id: Mapped[int] = id_column()
    source_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str | None]
    name_en: Mapped[str | None]
    kind: Mapped[str]
    indicative: Mapped[bool]
    min_zoom: Mapped[int] = mapped_column(SmallInteger)
    batch_id: Mapped[int | None] = batch_column()


class Road(_Ground, Base):
    """Road or path; ``oneway`` is in the direction of the line."""

    __tablename__ = "roads"
    __table_args__ = (_zoom_index("roads", 9), _zoom_index("roads", 11))
    ref: Mapped[str | None]
    oneway: Mapped[bool]
    geom: Mapped[WKBElement] = geometry_column("MULTILINESTRING")
    geom_3857: Mapped[Any] = mercator_column("MULTILINESTRING")


class Waterway(_Ground, Base):
    """Middle line of a river, canal or ditch."""

    __tablename__ = "waterways"
    __table_args__ = (_zoom_index("waterways", 9), _zoom_index("waterways", 11))
    width_m: Mapped[float | None]
    geom: Mapped[WKBElement] = geometry_column("MULTILINESTRING")
    geom_3857: Mapped[Any] = mercator_column("MULTILINESTRING")


class Building(_Ground, Base):
    """Outline of a building."""

    __tablename__ = "buildings"
    __table_args__ = (_zoom_index("buildings", 12),)
    levels: Mapped[float | None]
    height_m: Mapped[float | None]
    geom: Mapped[WKBElement] = geometry_column("MULTIPOLYGON")
    geom_3857: Mapped[Any] = mercator_column("MULTIPOLYGON")
