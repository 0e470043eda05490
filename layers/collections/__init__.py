"""Collections of features: catalog, filters, pages, edits and tiles."""

from __future__ import annotations

from layers.collections.catalog import COLLECTIONS, Collection, Expression, Property
from layers.collections.cql2_conditions import Filter, parse_filter
from layers.collections.cql2_operands import GEOMETRY, queryable_kinds
from layers.collections.cql2_parse import Language
from layers.collections.editing import (
    FeatureInput,
    check_writable,
    create_feature,
    delete_feature,
    read_version,
    replace_feature,
)
from layers.collections.extent import city_box, time_extent
from layers.collections.filters import (
    FIRST_YEAR,
    LAST_YEAR,
    Box,
    Interval,
    NarrowScope,
    Selection,
    parse_bbox,
    parse_box_numbers,
    parse_interval,
    parse_moment,
    plain_integer,
    plain_number,
    selection_conditions,
)
from layers.collections.pages import (
    MAX_LIMIT,
    Page,
    Sort,
    count_features,
    estimate_count,
    feature_json,
    fetch_page,
    read_cursor,
    read_feature,
    read_page,
    write_cursor,
)
from layers.collections.row_changes import ChangesPage, RowsChanged, newest_position, read_changes
from layers.collections.tile_aggregates import settle_cells
from layers.collections.tiles import (
    FEATURE_CAP,
    MAX_ZOOM,
    WORLD_WIDTH_M,
    Tile,
    TileQueries,
    check_address,
    read_tile,
)

__all__ = [
    "COLLECTIONS",
    "FEATURE_CAP",
    "FIRST_YEAR",
    "GEOMETRY",
    "LAST_YEAR",
    "MAX_LIMIT",
    "MAX_ZOOM",
    "WORLD_WIDTH_M",
    "Box",
    "ChangesPage",
    "Collection",
    "Expression",
    "FeatureInput",
    "Filter",
    "Interval",
    "Language",
    "NarrowScope",
    "Page",
    "Property",
    "RowsChanged",
    "Selection",
    "Sort",
    "Tile",
    "TileQueries",
    "check_address",
    "check_writable",
    "city_box",
    "count_features",
    "create_feature",
    "delete_feature",
    "estimate_count",
    "feature_json",
    "fetch_page",
    "newest_position",
    "parse_bbox",
    "parse_box_numbers",
    "parse_filter",
    "parse_interval",
    "parse_moment",
    "plain_integer",
    "plain_number",
    "queryable_kinds",
    "read_changes",
    "read_cursor",
    "read_feature",
    "read_page",
    "read_tile",
    "read_version",
    "replace_feature",
    "selection_conditions",
    "settle_cells",
    "time_extent",
    "write_cursor",
]
