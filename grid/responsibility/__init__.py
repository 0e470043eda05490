"""Assignment of a place and a matter to areas and competent bodies."""

from __future__ import annotations

from grid.responsibility.answer import Assignment
from grid.responsibility.assignment import assign
from grid.responsibility.bulk_assignment import ANSWER_SCHEMA, assign_many
from grid.responsibility.cross_region import assign_geometry
from grid.responsibility.duties import Duty, DutyFault, check_list, check_stored, day_of, stored_list
from grid.responsibility.duty_changes import compare_lists, empowerments, in_force
from grid.responsibility.grid_sheet import BorderPart, GridSheet, grid_sheet

__all__ = [
    "ANSWER_SCHEMA",
    "Assignment",
    "BorderPart",
    "Duty",
    "DutyFault",
    "GridSheet",
    "assign",
    "assign_geometry",
    "assign_many",
    "check_list",
    "check_stored",
    "compare_lists",
    "day_of",
    "empowerments",
    "grid_sheet",
    "in_force",
    "stored_list",
]
