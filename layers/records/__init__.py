"""Reading and writing of stored rows, one module a subject."""

from __future__ import annotations

from layers.records.access_log import (
    KEPT_DAYS,
    CallFilter,
    add_calls,
    add_last_call,
    command_row,
    read_calls,
    remove_calls,
)
from layers.records.accounts import find_account, set_body
from layers.records.alerts import (
    FlaggedSite,
    alert_site,
    alerts_without_case,
    change_alert,
    flagged_sites,
    insert_alert,
    newest_case_of_alert,
    read_alert,
    site_meters,
    site_visits,
)
from layers.records.areas import StoredCity, area_code_fault, has_areas, newest_area_name, stored_city
from layers.records.case_files import (
    CaseFile,
    handlers_of_town,
    newest_case_number,
    read_case_file,
    surroundings,
    town_with_most_cases,
    town_without_cases,
)
from layers.records.change_sets import locked_change_set, newest_change_sets
from layers.records.duty_lists import known_area_codes, valid_duties
from layers.records.findings import (
    StoredSnapshot,
    add_snapshot,
    find_run,
    find_snapshot,
    has_run_of,
    newest_runs,
    newest_snapshot,
    read_run,
    record_run,
)
from layers.records.fix_writing import (
    add_fixes,
    fix_batch,
    wait_for_fix_batches,
    write_again_after_deadlock,
)
from layers.records.reset import reset
from layers.records.track_lines import refresh_tracks, vehicle_track

__all__ = [
    "KEPT_DAYS",
    "CallFilter",
    "CaseFile",
    "FlaggedSite",
    "StoredCity",
    "StoredSnapshot",
    "add_calls",
    "add_fixes",
    "add_last_call",
    "add_snapshot",
    "alert_site",
    "alerts_without_case",
    "area_code_fault",
    "change_alert",
    "command_row",
    "find_account",
    "find_run",
    "find_snapshot",
    "fix_batch",
    "flagged_sites",
    "handlers_of_town",
    "has_areas",
    "has_run_of",
    "insert_alert",
    "known_area_codes",
    "locked_change_set",
    "newest_area_name",
    "newest_case_number",
    "newest_case_of_alert",
    "newest_change_sets",
    "newest_runs",
    "newest_snapshot",
    "read_alert",
    "read_calls",
    "read_case_file",
    "read_run",
    "record_run",
    "refresh_tracks",
    "remove_calls",
    "reset",
    "set_body",
    "site_meters",
    "site_visits",
    "stored_city",
    "surroundings",
    "town_with_most_cases",
    "town_without_cases",
    "valid_duties",
    "vehicle_track",
    "wait_for_fix_batches",
    "write_again_after_deadlock",
]
