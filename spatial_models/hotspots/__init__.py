"""Hot spots: the Getis-Ord Gi* statistic over cells."""

from __future__ import annotations

from spatial_models.hotspots.getis_ord import getis_ord_star
from spatial_models.hotspots.weights import ring_weights

__all__ = ["getis_ord_star", "ring_weights"]
