"""Hot spots as they are stored: written, read by step, forgotten with old runs."""

from __future__ import annotations

from layers.hot_spots.step_counts import alerts_by_day, stops_elsewhere, visits_by_day
from layers.hot_spots.writing import forget_hot_spots, significant_cells, write_emerging, write_hot_spots

__all__ = [
    "alerts_by_day",
    "forget_hot_spots",
    "significant_cells",
    "stops_elsewhere",
    "visits_by_day",
    "write_emerging",
    "write_hot_spots",
]
