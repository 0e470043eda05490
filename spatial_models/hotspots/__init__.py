"""Hot spots: counts against their exposure, Getis-Ord Gi*, and their change over time."""

from __future__ import annotations

from spatial_models.hotspots.count_excess import count_excess
from spatial_models.hotspots.emerging import emerging_hot_spots
from spatial_models.hotspots.getis_ord import getis_ord_star
from spatial_models.hotspots.patterns import PATTERNS, classify_patterns
from spatial_models.hotspots.trend import mann_kendall
from spatial_models.hotspots.weights import ring_weights

__all__ = [
    "PATTERNS",
    "classify_patterns",
    "count_excess",
    "emerging_hot_spots",
    "getis_ord_star",
    "mann_kendall",
    "ring_weights",
]
