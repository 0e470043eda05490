"""Geofence violations: entering, leaving and overstaying, and the signals that they make."""

from __future__ import annotations

from spatial_models.fences.breaches import breaches_by_fence, fence_breaches
from spatial_models.fences.detect import detect_fence_events
from spatial_models.fences.fence_signals import FENCE_SIGNALS, counted_breaches, fence_signals
from spatial_models.fences.time_tables import TimeTable

__all__ = [
    "FENCE_SIGNALS",
    "TimeTable",
    "breaches_by_fence",
    "counted_breaches",
    "detect_fence_events",
    "fence_breaches",
    "fence_signals",
]
