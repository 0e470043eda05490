"""Parameters of the main job that are stored with each run."""

from __future__ import annotations

from typing import Any

from spatial_models.stays import GapRule

RUN_DAYS = 30
"""How far back tracks are read."""
STAY_PARAMETERS: dict[str, Any] = {
    "radius_m": 150.0,
    "min_duration_s": 600.0,
    "max_gap_s": 900.0,
    "anchor": "centroid",
    "outliers": 1,
    "max_speed_kmh": 200.0,
}
GAP_RULE = GapRule()
"""Longest gap within a stay of vehicles that report seldom; all others have ``max_gap_s``."""
