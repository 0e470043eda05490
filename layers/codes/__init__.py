"""Codes and written values: coordinate systems, area codes, credit codes, numbers and days as people write them."""

from __future__ import annotations

from layers.codes.crs import (
    GEOGRAPHIC,
    STORAGE_EPSG,
    check_named,
    from_metric,
    normal_name,
    to_metric,
    to_storage,
)
from layers.codes.identifiers import (
    check_uscc,
    grid_profile,
    make_uscc,
    next_grid_codes,
    parse_division,
    parse_grid_code,
    parse_statistical_code,
    parse_town_code,
)
from layers.codes.reference_systems import CRS84, PUBLISHED, ReferenceSystem, box_outline, reference_system
from layers.codes.written_values import CHINESE_ENCODING, iso_day, narrow, plain_text

__all__ = [
    "CHINESE_ENCODING",
    "CRS84",
    "GEOGRAPHIC",
    "PUBLISHED",
    "STORAGE_EPSG",
    "ReferenceSystem",
    "box_outline",
    "check_named",
    "check_uscc",
    "from_metric",
    "grid_profile",
    "iso_day",
    "make_uscc",
    "narrow",
    "next_grid_codes",
    "normal_name",
    "parse_division",
    "parse_grid_code",
    "parse_statistical_code",
    "parse_town_code",
    "plain_text",
    "reference_system",
    "to_metric",
    "to_storage",
]
