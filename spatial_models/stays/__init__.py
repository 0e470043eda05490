"""Detection of stays, and of silences, in vehicle fixes."""

from __future__ import annotations

from spatial_models.stays.detect import StayState, detect_stays
from spatial_models.stays.parked import find_parked
from spatial_models.stays.sampling import GapRule, longest_gaps_s, sampling_gaps_s
from spatial_models.stays.silences import find_silences
from spatial_models.stays.states import state_from_frame, state_to_frame

__all__ = [
    "GapRule",
    "StayState",
    "detect_stays",
    "find_parked",
    "find_silences",
    "longest_gaps_s",
    "sampling_gaps_s",
    "state_from_frame",
    "state_to_frame",
]
