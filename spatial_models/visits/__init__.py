"""Visits: stays at sites, and their attribution to one or more sites nearby."""

from __future__ import annotations

from spatial_models.visits.find import find_visits, vehicle_days

__all__ = ["find_visits", "vehicle_days"]
