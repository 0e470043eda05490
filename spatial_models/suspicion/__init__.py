"""Suspicion of resumed work at closed sites, from meters and visits."""

from __future__ import annotations

from spatial_models.suspicion.evaluation import precision_recall
from spatial_models.suspicion.meter_signals import use_after_closure
from spatial_models.suspicion.score import DEFAULT, score_sites

__all__ = ["DEFAULT", "precision_recall", "score_sites", "use_after_closure"]
