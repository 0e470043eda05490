"""Commands of those who run an installation: ``wangge upgrade``."""

from __future__ import annotations

from geo_api.cli.maintenance.upgrade import upgrade

__all__ = ["upgrade"]
