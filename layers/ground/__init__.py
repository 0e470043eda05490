"""Ground under the work layers: roads, waterways and buildings from files."""

from __future__ import annotations

from layers.ground.checking import GroundChecks
from layers.ground.files import GROUND_LAYERS, GroundFile, open_ground_file
from layers.ground.writing import renew_statistics, write_ground

__all__ = [
    "GROUND_LAYERS",
    "GroundChecks",
    "GroundFile",
    "open_ground_file",
    "renew_statistics",
    "write_ground",
]
