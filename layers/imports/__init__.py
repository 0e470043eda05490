"""Readers and checks of imported files and of batches of fixes."""

from __future__ import annotations

from layers.imports.area_files import read_area_file, shapefile_encoding
from layers.imports.area_topology import TILING_KINDS, find_topology_faults, write_fault_report
from layers.imports.checks import transform_geometries
from layers.imports.columns import (
    EVIDENCE_KINDS,
    FENCE_RULES,
    FILE_KINDS,
    HAZARDS,
    METER_KINDS,
    NOTICE_KINDS,
    PLACE_KINDS,
    QUALITIES,
    SITE_KINDS,
    STATUSES,
    VEHICLE_KINDS,
    Column,
    FileKind,
)
from layers.imports.fix_formats import FIX_READERS, FixPart, read_fix_parts
from layers.imports.geometry_files import DRIVERS, check_geometry_file
from layers.imports.readers import ROW, require_file, template

__all__ = [
    "DRIVERS",
    "EVIDENCE_KINDS",
    "FENCE_RULES",
    "FILE_KINDS",
    "FIX_READERS",
    "HAZARDS",
    "METER_KINDS",
    "NOTICE_KINDS",
    "PLACE_KINDS",
    "QUALITIES",
    "ROW",
    "SITE_KINDS",
    "STATUSES",
    "TILING_KINDS",
    "VEHICLE_KINDS",
    "Column",
    "FileKind",
    "FixPart",
    "check_geometry_file",
    "find_topology_faults",
    "read_area_file",
    "read_fix_parts",
    "require_file",
    "shapefile_encoding",
    "template",
    "transform_geometries",
    "write_fault_report",
]
