"""Commands about the models and what they found: ``wangge models``, ``alerts``, ``runs``, ``meters``, ``evaluate``."""

from __future__ import annotations

from geo_api.cli.results.alerts import alerts_app
from geo_api.cli.results.evaluation import evaluate
from geo_api.cli.results.meters import meters_app
from geo_api.cli.results.models import models_app
from geo_api.cli.results.runs import runs_app

__all__ = ["alerts_app", "evaluate", "meters_app", "models_app", "runs_app"]
