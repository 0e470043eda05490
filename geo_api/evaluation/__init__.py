"""Evaluation: the analysis of planted cities compared with their truth, as tables, pictures and pages."""

from geo_api.evaluation.bar import Bar, faults_of
from geo_api.evaluation.cities import CITIES, EvaluationCity
from geo_api.evaluation.outcomes import Outcome
from geo_api.evaluation.pages import document, page
from geo_api.evaluation.pictures import draw_pictures
from geo_api.evaluation.run import Plan, evaluate, evaluate_city

__all__ = [
    "CITIES",
    "Bar",
    "EvaluationCity",
    "Outcome",
    "Plan",
    "document",
    "draw_pictures",
    "evaluate",
    "evaluate_city",
    "faults_of",
    "page",
]
