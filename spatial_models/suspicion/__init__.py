"""Suspicion of resumed work at closed sites, from meter readings and visits."""

from __future__ import annotations

from spatial_models.suspicion.config import SuspicionConfig
from spatial_models.suspicion.evaluation import precision_recall
from spatial_models.suspicion.meter_signals import use_after_closure
from spatial_models.suspicion.score import DEFAULT_CONFIG, score_sites

__all__ = ["DEFAULT_CONFIG", "SuspicionConfig", "precision_recall", "score_sites", "use_after_closure"]
