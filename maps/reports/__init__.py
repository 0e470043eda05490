"""Offline reports, one HTML file each.

A case, the hot spots of a run, what an import would change, codes old and new, the sheet of a grid.

Pure functions: data in, HTML out. The file opens from a disk without a network: scripts, sheets and pictures
are inside, there is no base map, and every value is escaped. It holds its texts in both languages, shows one
of them or both, and has a switch. ``maps.printing`` makes a PDF of it.
"""

from __future__ import annotations

from maps.reports.case import case_report
from maps.reports.codes import codes_report
from maps.reports.grid_sheet import grid_report
from maps.reports.hot_spots import hotspot_report
from maps.reports.import_changes import changes_report
from maps.reports.page import Shown

__all__ = ["Shown", "case_report", "changes_report", "codes_report", "grid_report", "hotspot_report"]
