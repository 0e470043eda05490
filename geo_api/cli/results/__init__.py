"""Commands that show what the models found: ``wangge alerts`` and ``wangge runs``."""

from __future__ import annotations

from geo_api.cli.results.alerts import alerts_app
from geo_api.cli.results.runs import runs_app

__all__ = ["alerts_app", "runs_app"]
