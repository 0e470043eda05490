"""Imports of the sources of a city file, and the column map that options of one file give."""

from __future__ import annotations

from geo_api.cli.importing.city_sources import import_city
from geo_api.cli.importing.map_options import map_of_options

__all__ = ["import_city", "map_of_options"]
