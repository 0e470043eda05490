"""Import of all sources of a city file, and the look at what it would change."""

from __future__ import annotations

from geo_api.imports.city_sources.contract_check import check_file, contract_of, unreadable
from geo_api.imports.city_sources.run import FileOutcome, SourceRun, import_sources
from geo_api.imports.city_sources.source_files import Unused, find_source_files
from geo_api.imports.city_sources.source_import import import_source_file

__all__ = [
    "FileOutcome",
    "SourceRun",
    "Unused",
    "check_file",
    "contract_of",
    "find_source_files",
    "import_source_file",
    "import_sources",
    "unreadable",
]
