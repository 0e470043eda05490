"""``wangge models``: what is looked at, and ``fit|backtest|add|versions|diff|put-in-force|put-back`` beside it."""

from __future__ import annotations

from geo_api.cli.models import backtesting, fitting, versions
from geo_api.cli.results.models import models_app

__all__ = ["models_app"]

for part in (versions, fitting, backtesting):
    part.add_to(models_app)
