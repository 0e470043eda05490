"""The levels of alerts: models give them, rows hold them."""

from __future__ import annotations

ALERT_LEVELS = ("none", "attention", "warning", "high")
"""From low to high: —, 关注, 预警, 高."""
