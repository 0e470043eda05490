"""Base of every table: the common metadata, and the columns of keys and geometries."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Computed, Identity, Integer, MetaData, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Common metadata; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        str: Text,
        int: BigInteger,
        dt.datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
        list[str]: ARRAY(Text),
        list[int]: ARRAY(BigInteger),
    }


def id_column() -> Mapped[int]:
    """Return the key of a row, which the database gives."""
    return mapped_column(BigInteger, Identity(), primary_key=True)


def batch_column() -> Mapped[int | None]:
    """Return the column of the batch that wrote the row; an INSERT takes it from the transaction (``wangge.batch``)."""
    return mapped_column(
        Integer, server_default=text("NULLIF(current_setting('wangge.batch', true), '')::integer")
    )


def geometry_column(kind: str, *, nullable: bool = False) -> Mapped[Any]:
    """Return a geometry in the storage CRS (EPSG:4326), with its index."""
    return mapped_column(Geometry(kind, srid=4326, spatial_index=True), nullable=nullable)


def mercator_column(kind: str, *, nullable: bool = False) -> Mapped[Any]:
    """Return the column of the stored Web Mercator copy: tiles read it and never transform."""
    return mapped_column(
        Geometry(kind, srid=3857, spatial_index=True),
        Computed("ST_Transform(geom, 3857)", persisted=True),
        nullable=nullable,
    )
