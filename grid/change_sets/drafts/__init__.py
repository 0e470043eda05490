"""Drafts on the server: kept for their owners, shared, and others' work on the same areas."""

from __future__ import annotations

from grid.change_sets.drafts.around import Around, work_around
from grid.change_sets.drafts.storing import (
    KEPT_DAYS,
    MOST_DRAFTS,
    DraftContent,
    change_draft,
    copy_draft,
    create_draft,
    delete_draft,
    drafts_in_reach,
    read_draft,
    remove_old_drafts,
)

__all__ = [
    "KEPT_DAYS",
    "MOST_DRAFTS",
    "Around",
    "DraftContent",
    "change_draft",
    "copy_draft",
    "create_draft",
    "delete_draft",
    "drafts_in_reach",
    "read_draft",
    "remove_old_drafts",
    "work_around",
]
