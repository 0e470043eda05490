"""Definition of a published collection: properties, columns and rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import ColumnElement, FromClause, SQLColumnExpression, func

Expression = SQLColumnExpression[Any]
PropertyType = Literal["text", "integer", "number", "boolean", "time", "date", "json"]


@dataclass(frozen=True)
class Property:
    """Property of a feature: its expression, its names, and whether tiles contain it or readers filter by it.

    Attributes
    ----------
    sortable : bool
        Only for columns that are never null.
    shape : Expression or None
        Stored geometry (EPSG:4326) of a property that is GeoJSON.
    values : tuple of str
        All possible texts, when they are a list.
    unit : str
        UCUM code of the unit of a number.
    json_content : "texts" or "object" or None
        Content of a property of type json that is no geometry.
    null : bool or None
        Whether a feature may lack a value; None: as the column is defined.
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
    json_content: Literal["texts", "object"] | None = None
    null: bool | None = None

    @property
    def nullable(self) -> bool:
        """Whether a feature may lack a value of this property."""
        return bool(getattr(self.expression, "nullable", True)) if self.null is None else self.null

    @property
    def output(self) -> Expression:
        """Expression as a feature shows it: times as ``2026-01-31T08:00:00Z``."""
        if self.type == "time":
            return func.to_char(func.timezone("UTC", self.expression), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        if self.type == "date":
            return func.to_char(self.expression, "YYYY-MM-DD")
        return self.expression


@dataclass(frozen=True)
class Collection:
    """Published collection.

    Attributes
    ----------
    source : FromClause
        The table with outer joins on keys; the database drops joins that a query does not use.
    key : Expression
        The bigint key of a feature, which orders pages.
    geom, geom_3857 : Expression
        EPSG:4326 for items, stored EPSG:3857 for tiles.
    time : tuple of two expressions, or None
        Start and end (half-open, null is open) that ``datetime`` is compared with.
    login : bool
        True: callers who are not logged in get no answer.
    partly_closed : bool
        Some rows are for callers who see more: pages and tiles are kept for each scope.
    permission : str or None
        Extra permission required (key of ``geo_api.auth.access.MAY``).
    digits : int
        Decimal places of a degree in items. Areas are exact, because editing snaps to them.
    current : condition or None
        Default condition (the latest run), dropped when one of ``overrides`` is filtered by.
    history : tuple of two expressions, or None
        ``valid_from`` and ``valid_to``: the collection answers "as of" a time.
    scope_columns : tuple of two expressions, or None
        The area of a row and the array of its parties, both indexed. Pages for callers of some areas or of a body
        ask them too: the policy decides, but its OR over callers of the whole city keeps the planner from the indexes.
    editable : bool
        Features are created, replaced, changed and deleted one by one (``layers.collections.editing``).
    labels : Expression or None
        Point (EPSG:4326) of the second tile layer ``<id>_labels``.
    tile_zooms : Expression or None
        Bits of the zooms at which a polygon, simplified to the grid of the tiles, is still valid.
    tile_min_zoom : Expression or None
        Zoom from which tiles have a feature; from ``ALL_FROM_ZOOM`` on they have every one.
    tile_order : Expression
        Order that decides which features stay when a tile has too many.
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
    partly_closed: bool = False
    permission: str | None = None
    digits: int = 7
    time: tuple[Expression, Expression] | None = None
    history: tuple[Expression, Expression] | None = None
    current: ColumnElement[bool] | None = None
    scope_columns: tuple[Expression, Expression] | None = None
    overrides: tuple[str, ...] = ()
    labels: Expression | None = None
    tile_zooms: Expression | None = None
    tile_min_zoom: Expression | None = None
    editable: bool = False
    by_name: Mapping[str, Property] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {p.name: p for p in self.properties})

    @property
    def differs_by_caller(self) -> bool:
        """Whether two callers may get different rows."""
        return self.login or self.partly_closed

    @property
    def filterable(self) -> tuple[str, ...]:
        """Names of properties that a reader may filter by."""
        return tuple(p.name for p in self.properties if p.filterable)

    @property
    def sortable(self) -> tuple[str, ...]:
        """Names of properties that a reader may sort by."""
        return tuple(p.name for p in self.properties if p.sortable)
