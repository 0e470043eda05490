"""Visits: stays at sites, their attribution to sites nearby, and the signals of vehicles at closed sites."""

from __future__ import annotations

from spatial_models.visits.find import find_visits
from spatial_models.visits.signal_config import VehicleConfig
from spatial_models.visits.signals import VEHICLE_SIGNALS, VehicleFindings, vehicle_findings, vehicle_signals
from spatial_models.visits.stands import find_stands_away

__all__ = [
    "VEHICLE_SIGNALS",
    "VehicleConfig",
    "VehicleFindings",
    "find_stands_away",
    "find_visits",
    "vehicle_findings",
    "vehicle_signals",
]
