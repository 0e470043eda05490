"""Ground under the work layers: roads, waterways and buildings from files, and base maps."""

from __future__ import annotations

from layers.ground.base_map import BaseMapFile, check_base_map, write_base_map
from layers.ground.checking import GroundChecks
from layers.ground.files import GROUND_LAYERS, GroundFile, open_ground_file
from layers.ground.writing import renew_statistics, write_ground

__all__ = [
    "GROUND_LAYERS",
    "BaseMapFile",
    "GroundChecks",
    "GroundFile",
    "check_base_map",
    "open_ground_file",
    "renew_statistics",
    "write_base_map",
    "write_ground",
]
