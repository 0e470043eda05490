"""Commands that show what the models found: ``wangge alerts``."""

from __future__ import annotations

from geo_api.cli.results.alerts import alerts_app

__all__ = ["alerts_app"]
