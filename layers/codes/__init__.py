"""Codes and written values: coordinate systems, area and credit codes, plates, days and numbers."""

from __future__ import annotations

from layers.codes.crs import (
    STORAGE_EPSG,
    crs_label,
    from_metric,
    is_geographic,
    metric_epsg_at,
    normalise_crs_name,
    to_metric,
    to_storage,
)
from layers.codes.declared_crs import check_declared_crs, states_nothing
from layers.codes.identifiers import (
    KEPT_CODE_LAND_SHARE,
    NATIONAL_GRID_PROFILE,
    GridProfile,
    check_uscc,
    grid_profile,
    make_uscc,
    next_grid_codes,
    parse_division,
    parse_grid_code,
    parse_statistical_code,
    parse_town_code,
)
from layers.codes.reference_systems import (
    CRS84,
    ReferenceSystem,
    box_outline,
    projected_system,
    published_uris,
    reference_system,
)
from layers.codes.written_values import CHINESE_ENCODING, iso_day, name_and_code, plain_text, to_half_width

__all__ = [
    "CHINESE_ENCODING",
    "CRS84",
    "KEPT_CODE_LAND_SHARE",
    "NATIONAL_GRID_PROFILE",
    "STORAGE_EPSG",
    "GridProfile",
    "ReferenceSystem",
    "box_outline",
    "check_declared_crs",
    "check_uscc",
    "crs_label",
    "from_metric",
    "grid_profile",
    "is_geographic",
    "iso_day",
    "make_uscc",
    "metric_epsg_at",
    "name_and_code",
    "next_grid_codes",
    "normalise_crs_name",
    "parse_division",
    "parse_grid_code",
    "parse_statistical_code",
    "parse_town_code",
    "plain_text",
    "projected_system",
    "published_uris",
    "reference_system",
    "states_nothing",
    "to_half_width",
    "to_metric",
    "to_storage",
]
