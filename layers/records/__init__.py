"""Reading and writing of stored rows, one module a subject."""

from __future__ import annotations

from layers.records.alert_cards import alert_card, vehicle_track
from layers.records.areas import area_code_fault
from layers.records.case_files import CaseFile, read_case_file, surroundings
from layers.records.duty_lists import known_area_codes
from layers.records.everything import reset
from layers.records.findings import find_run, record_run
from layers.records.fix_writing import add_fixes
from layers.records.track_lines import refresh_tracks

__all__ = [
    "CaseFile",
    "add_fixes",
    "alert_card",
    "area_code_fault",
    "find_run",
    "known_area_codes",
    "read_case_file",
    "record_run",
    "refresh_tracks",
    "reset",
    "surroundings",
    "vehicle_track",
]
