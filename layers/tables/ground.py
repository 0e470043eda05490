"""Ground under the work layers: roads, waterways and buildings; names of places (the gazetteer)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import REAL, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY
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


class PlaceName(Base):
    """A name of a place, with its grams: made from areas, roads, waterways, enterprises and sites."""

    __tablename__ = "place_names"
    __table_args__ = (
        Index("ix_place_names_grams", "grams", postgresql_using="gin"),
        Index("ix_place_names_area_names", "normal", postgresql_where=text("area_code IS NOT NULL")),
    )
    id: Mapped[int] = id_column()
    name: Mapped[str]
    normal: Mapped[str]  # place_text(name)
    kind: Mapped[str]  # a kind of area, road, waterway, site
    former: Mapped[bool]
    area_code: Mapped[str | None]  # of an area: its own code
    within: Mapped[list[str]]  # codes of the areas that hold it, the largest first
    source_id: Mapped[int]
    geom: Mapped[WKBElement] = geometry_column("POINT")
    grams: Mapped[list[str]]
    weights: Mapped[list[float]] = mapped_column(ARRAY(REAL))  # of the grams: rare ones weigh more


class PinyinReading(Base):
    """Reading of a character, or of a word that is read otherwise than its characters, in pinyin without tones."""

    __tablename__ = "pinyin_readings"
    written: Mapped[str] = mapped_column(primary_key=True)
    reading: Mapped[str]


class PlaceGram(Base):
    """Number of names that have a gram."""

    __tablename__ = "place_grams"
    gram: Mapped[str] = mapped_column(primary_key=True)
    n_names: Mapped[int]


class PlaceSource(Base):
    """State of a table from which names were made, when they were made."""

    __tablename__ = "place_sources"
    source: Mapped[str] = mapped_column(primary_key=True)
    n_rows: Mapped[int]
    newest_id: Mapped[int]
    newest_batch: Mapped[int]
    refreshed_at: Mapped[dt.datetime]
