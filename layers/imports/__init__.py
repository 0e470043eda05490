"""Readers and checks of files that come from outside."""

from __future__ import annotations

from layers.imports.area_files import read_area_file
from layers.imports.area_topology import TILING, topology_faults, write_report
from layers.imports.checks import transform_geometries
from layers.imports.columns import FILE_KINDS, VEHICLE_KINDS, Column, FileKind
from layers.imports.fix_formats import READERS, Part, read_parts
from layers.imports.readers import ROW, require_file, template

__all__ = [
    "FILE_KINDS",
    "READERS",
    "ROW",
    "TILING",
    "VEHICLE_KINDS",
    "Column",
    "FileKind",
    "Part",
    "read_area_file",
    "read_parts",
    "require_file",
    "template",
    "topology_faults",
    "transform_geometries",
    "write_report",
]
