"""Registers of bodies, officers, matters, grid workers and households: checks, versions, reading and edits."""

from grid.registers.checking import check_duty_bodies, check_versions, nearest_names
from grid.registers.editing import RegisterEditor, bind_account, confirm_entry, edit_entry, withdraw_entry
from grid.registers.entries import (
    MARKS,
    Entry,
    EntryFilter,
    EntryPage,
    area_codes_of,
    list_entries,
    names_of_codes,
    read_entry,
)
from grid.registers.limits import read_limits, write_limits
from grid.registers.resting import Resting, resting_on
from grid.registers.versions import (
    KEYS,
    add_unconfirmed_bodies,
    add_unconfirmed_matters,
    body_codes_by_name,
    has_confirmed_body,
    set_alert_matters,
    write_versions,
)
from grid.registers.written import columns_of, written_register

__all__ = [
    "KEYS",
    "MARKS",
    "Entry",
    "EntryFilter",
    "EntryPage",
    "RegisterEditor",
    "Resting",
    "add_unconfirmed_bodies",
    "add_unconfirmed_matters",
    "area_codes_of",
    "bind_account",
    "body_codes_by_name",
    "check_duty_bodies",
    "check_versions",
    "columns_of",
    "confirm_entry",
    "edit_entry",
    "has_confirmed_body",
    "list_entries",
    "names_of_codes",
    "nearest_names",
    "read_entry",
    "read_limits",
    "resting_on",
    "set_alert_matters",
    "withdraw_entry",
    "write_limits",
    "write_versions",
    "written_register",
]
