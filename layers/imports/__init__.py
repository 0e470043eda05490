"""Readers and checks of imported files and of batches of fixes."""

from __future__ import annotations

from layers.imports.area_files import read_area_file
from layers.imports.area_topology import TILING_KINDS, find_topology_faults, write_fault_report
from layers.imports.checks import transform_geometries
from layers.imports.columns import (
    EVIDENCE_KINDS,
    FENCE_RULES,
    FILE_KINDS,
    HAZARDS,
    LICENCE_KINDS,
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
from layers.imports.drawings import ENDING as DRAWING
from layers.imports.drawings import check_unit
from layers.imports.fix_formats import FIX_READERS, FixPart, read_fix_parts
from layers.imports.geometry_files import (
    DRIVERS,
    check_geometry_file,
    layers_of,
    read_geometry_file,
    stated_crs,
)
from layers.imports.guide_files import GuideLayer, read_guide_file
from layers.imports.meter_rows import TOLD as METER_TOLD
from layers.imports.meter_rows import as_given, check_meter_rows, days_between
from layers.imports.names import add_names, columns_at, kind_of_name, words_of
from layers.imports.readers import ROW, require_file, template
from layers.imports.shapefile_texts import AS_BYTES, TextDecoding, damage_notes, text_decoding
from layers.imports.written_numbers import number_note
from layers.imports.written_times import read_times, read_written_time

__all__ = [
    "AS_BYTES",
    "DRAWING",
    "DRIVERS",
    "EVIDENCE_KINDS",
    "FENCE_RULES",
    "FILE_KINDS",
    "FIX_READERS",
    "HAZARDS",
    "LICENCE_KINDS",
    "METER_KINDS",
    "METER_TOLD",
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
    "GuideLayer",
    "TextDecoding",
    "add_names",
    "as_given",
    "check_geometry_file",
    "check_meter_rows",
    "check_unit",
    "columns_at",
    "damage_notes",
    "days_between",
    "find_topology_faults",
    "kind_of_name",
    "layers_of",
    "number_note",
    "read_area_file",
    "read_fix_parts",
    "read_geometry_file",
    "read_guide_file",
    "read_times",
    "read_written_time",
    "require_file",
    "stated_crs",
    "template",
    "text_decoding",
    "transform_geometries",
    "words_of",
    "write_fault_report",
]
