"""History of the partition: codes old and new, the story of one grid, the difference of two days."""

from __future__ import annotations

from grid.change_sets.history.code_table import CodeRow, codes_of_change_set
from grid.change_sets.history.difference import Difference, difference_of_days
from grid.change_sets.history.guide_difference import GuideRow, guide_difference
from grid.change_sets.history.story import Story, story_of_area

__all__ = [
    "CodeRow",
    "Difference",
    "GuideRow",
    "Story",
    "codes_of_change_set",
    "difference_of_days",
    "guide_difference",
    "story_of_area",
]
