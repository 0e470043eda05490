"""Versions of models: put into force by another person than the author, and taken back."""

from __future__ import annotations

from grid.models.approval import put_back, put_in_force
from grid.models.calibration import Calibration, calibrations

__all__ = ["Calibration", "calibrations", "put_back", "put_in_force"]
