"""Learning from outcomes: versions of models compared, fitted to judged alerts, and measured."""

from __future__ import annotations

from spatial_models.learning.differences import Difference, differences
from spatial_models.learning.documents import FittedModel, fit_points, scaled_document
from spatial_models.learning.figures import (
    Figures,
    ReliabilityBin,
    figures,
    isotonic,
    reliability,
    wilson,
)
from spatial_models.learning.fitting import LEAST_LABELS, LEAST_OF_EACH, Factors, Fit, chances, fit_factors
from spatial_models.learning.folds import forward_folds
from spatial_models.learning.judged import Judged, JudgedAlert, ModelShape, judged_frame
from spatial_models.learning.looks_back import Flagged, Found, LooksBack, looks_back

__all__ = [
    "LEAST_LABELS",
    "LEAST_OF_EACH",
    "Difference",
    "Factors",
    "Figures",
    "Fit",
    "FittedModel",
    "Flagged",
    "Found",
    "Judged",
    "JudgedAlert",
    "LooksBack",
    "ModelShape",
    "ReliabilityBin",
    "chances",
    "differences",
    "figures",
    "fit_factors",
    "fit_points",
    "forward_folds",
    "isotonic",
    "judged_frame",
    "looks_back",
    "reliability",
    "scaled_document",
    "wilson",
]
