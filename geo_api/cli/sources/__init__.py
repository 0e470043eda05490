"""``wangge sources``: deliveries of departments from the command line."""

from __future__ import annotations

from geo_api.cli.sources.commands import sources_app

__all__ = ["sources_app"]
