"""Encounters: two vehicles near each other for some time."""

from __future__ import annotations

from spatial_models.encounters.find import EncounterResult, find_encounters
from spatial_models.encounters.stands import fixes_at_stands

__all__ = ["EncounterResult", "find_encounters", "fixes_at_stands"]
