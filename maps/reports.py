"""Offline reports: one case, or the hot spots of one run, as a single HTML file."""

from __future__ import annotations

from typing import Any


def case_report(case: dict[str, Any], *, layers: dict[str, dict[str, Any]]) -> str:
    """One case as one HTML file."""
    return ""
