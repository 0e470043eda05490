"""Change sets whose date has come: each put into force in a transaction of its own."""

from __future__ import annotations

import structlog

from grid.change_sets import lifecycle as editing
from layers.codes import KEPT_CODE_LAND_SHARE, GridProfile
from layers.postgres import SYSTEM, session

log = structlog.get_logger()


def apply_due_changes(
    url: str, profile: GridProfile, least_kept: float = KEPT_CODE_LAND_SHARE
) -> dict[int, str]:
    """Put every approved change set whose date has come into force; ids with their new status."""
    with session(SYSTEM, url) as db:
        due = editing.due_change_sets(db)
    done = {}
    for change_set_id in due:
        with session(SYSTEM, url) as db:
            row = editing.apply_due(db, change_set_id, profile, least_kept)
            done[row.id] = row.status
            log.info("change_set", id=row.id, status=row.status, effective_at=str(row.effective_at))
    return done
