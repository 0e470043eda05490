"""Suspicion at sites: models as reviewed files, and what they make of the signals of meters and vehicles."""

from __future__ import annotations

from spatial_models.suspicion.evaluation import precision_recall
from spatial_models.suspicion.fusion import ACTIVE_DAYS, SCORE_ROWS, score_sites, score_subjects
from spatial_models.suspicion.model_file import Model, model_of, model_schema
from spatial_models.suspicion.model_text import Catalogue, read_model
from spatial_models.suspicion.population import fence_population, population_of
from spatial_models.suspicion.shipped import SUFFIX, catalogue, shipped_models, shipped_texts

__all__ = [
    "ACTIVE_DAYS",
    "SCORE_ROWS",
    "SUFFIX",
    "Catalogue",
    "Model",
    "catalogue",
    "fence_population",
    "model_of",
    "model_schema",
    "population_of",
    "precision_recall",
    "read_model",
    "score_sites",
    "score_subjects",
    "shipped_models",
    "shipped_texts",
]
