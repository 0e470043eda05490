"""Detection of stays in vehicle fixes."""

from __future__ import annotations

from spatial_models.stays.detect import StayState, detect_stays
from spatial_models.stays.states import state_from_frame, state_to_frame

__all__ = ["StayState", "detect_stays", "state_from_frame", "state_to_frame"]
