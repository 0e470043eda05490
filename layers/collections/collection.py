"""What a published collection is made of: its properties, columns and rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import ColumnElement, FromClause, SQLColumnExpression, func

Expression = SQLColumnExpression[Any]
PropertyType = Literal["text", "integer", "number", "boolean", "time", "date", "json"]


@dataclass(frozen=True)
class Property:
    """One property of a feature: what is selected, its names, and whether tiles carry it or readers filter by it.

    Attributes
    ----------
    sortable : bool
        Only for columns that are never null.
    shape : Expression or None
        The stored geometry (EPSG:4326) of a property that shows one as GeoJSON.
    values : tuple of str
        Every text that is possible, where the texts are a list.
    unit : str
        UCUM code of the unit of a number.
    holds : "texts" or "object" or None
        What a property of type json is made of, where it is no geometry.
    null : bool or None
        Whether a feature may have no value; None: as the column says.
    """

    name: str
    expression: Expression
    type: PropertyType
    en: str
    zh: str
    tile: bool = False
    filterable: bool = False
    sortable: bool = False
    shape: Expression | None = None
    values: tuple[str, ...] = ()
    unit: str = ""
    holds: Literal["texts", "object"] | None = None
    null: bool | None = None

    @property
    def nullable(self) -> bool:
        """Whether a feature may have no value of this property."""
        return bool(getattr(self.expression, "nullable", True)) if self.null is None else self.null

    @property
    def output(self) -> Expression:
        """The expression as a feature shows it: times as ``2026-01-31T08:00:00Z``."""
        if self.type == "time":
            return func.to_char(func.timezone("UTC", self.expression), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        if self.type == "date":
            return func.to_char(self.expression, "YYYY-MM-DD")
        return self.expression


@dataclass(frozen=True)
class Collection:
    """One published collection.

    Attributes
    ----------
    source : FromClause
        The table with outer joins on keys: the database leaves out those that a query does not use.
    key : Expression
        The bigint of a feature, by which pages follow each other.
    geom, geom_3857 : Expression
        EPSG:4326 for items, stored EPSG:3857 for tiles.
    time : tuple of two expressions, or None
        Start and end (half-open, null is open) that ``datetime`` is compared with.
    login : bool
        True: callers who are not logged in get no answer.
    permission : str or None
        What the role of the caller must be allowed besides (``geo_api.auth.access.MAY``).
    digits : int
        Decimal places of a degree in items. Areas are exact, since editing snaps to them.
    current : condition or None
        A condition that holds unless one of ``overrides`` is filtered by: the latest run.
    history : tuple of two expressions, or None
        ``valid_from`` and ``valid_to``: the collection answers "as of" a time.
    editable : bool
        Features are created, replaced, changed and deleted one by one (``layers.collections.editing``).
    labels : Expression or None
        Point (EPSG:4326) of the second tile layer ``<id>_labels``.
    tile_zooms : Expression or None
        Bits of the zooms at which a simplified polygon, on the grid of the tiles, is valid as it is.
    tile_order : Expression
        Which features stay when a tile has too many: the first in this order.
    """

    id: str
    en: str
    zh: str
    about_en: str
    about_zh: str
    source: FromClause
    key: Expression
    geom: Expression
    geom_3857: Expression
    geometry_type: Literal["point", "line", "polygon"]
    properties: tuple[Property, ...]
    tile_order: Expression
    login: bool = False
    permission: str | None = None
    digits: int = 7
    time: tuple[Expression, Expression] | None = None
    history: tuple[Expression, Expression] | None = None
    current: ColumnElement[bool] | None = None
    overrides: tuple[str, ...] = ()
    labels: Expression | None = None
    tile_zooms: Expression | None = None
    editable: bool = False
    by_name: Mapping[str, Property] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {p.name: p for p in self.properties})

    @property
    def filterable(self) -> tuple[str, ...]:
        """Names that a reader may filter by."""
        return tuple(p.name for p in self.properties if p.filterable)

    @property
    def sortable(self) -> tuple[str, ...]:
        """Names that a reader may sort by."""
        return tuple(p.name for p in self.properties if p.sortable)
