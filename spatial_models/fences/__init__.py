"""Geofence violations: entering, leaving and overstaying."""

from __future__ import annotations

from spatial_models.fences.detect import detect_fence_events
from spatial_models.fences.time_tables import TimeTable

__all__ = ["TimeTable", "detect_fence_events"]
