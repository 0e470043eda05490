"""``wangge dispatches`` and ``wangge officers``: who was sent where, which towns are short of officers."""

from __future__ import annotations

from geo_api.cli.dispatch.commands import dispatches_app, officers_app

__all__ = ["dispatches_app", "officers_app"]
