"""Reading and writing of stored rows, one module a subject."""

from __future__ import annotations

from layers.records.access_log import CallFilter, add_calls, read_calls, remove_calls
from layers.records.alerts import (
    alert_site,
    change_alert,
    insert_alert,
    open_alert,
    open_case_number,
    read_alert,
    set_outcome,
    site_meters,
    site_visits,
)
from layers.records.areas import area_code_fault, newest_area_name
from layers.records.case_files import CaseFile, read_case_file, surroundings
from layers.records.change_sets import locked_change_set, newest_change_sets
from layers.records.duty_lists import known_area_codes
from layers.records.everything import reset
from layers.records.findings import find_run, record_run
from layers.records.fix_writing import add_fixes, fix_batch, write_again_after_deadlock
from layers.records.track_lines import refresh_tracks, vehicle_track

__all__ = [
    "CallFilter",
    "CaseFile",
    "add_calls",
    "add_fixes",
    "alert_site",
    "area_code_fault",
    "change_alert",
    "find_run",
    "fix_batch",
    "insert_alert",
    "known_area_codes",
    "locked_change_set",
    "newest_area_name",
    "newest_change_sets",
    "open_alert",
    "open_case_number",
    "read_alert",
    "read_calls",
    "read_case_file",
    "record_run",
    "refresh_tracks",
    "remove_calls",
    "reset",
    "set_outcome",
    "site_meters",
    "site_visits",
    "surroundings",
    "vehicle_track",
    "write_again_after_deadlock",
]
