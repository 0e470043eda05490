"""``wangge models fit|backtest|add|versions|diff|put-in-force|put-back``: versions of models beside their files."""

from __future__ import annotations

import typer

from geo_api.cli.models import backtesting, fitting, versions


def add_to(models_app: typer.Typer) -> None:
    """Add these commands to ``wangge models``."""
    versions.add_to(models_app)
    fitting.add_to(models_app)
    backtesting.add_to(models_app)
