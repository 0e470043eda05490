"""Intake (线索受理): clues, matters for a text, duplicates, and the cases that clues become."""

from __future__ import annotations

from grid.intake.clues import (
    CODE_LENGTH,
    CODE_LETTERS,
    ClueFacts,
    cases_of_clue,
    find_by_code,
    merge_clue,
    new_query_code,
    open_case_of_clue,
    read_clue,
    read_clues,
    receive_clue,
    reject_clue,
    relate_clue,
    told_of_case,
)
from grid.intake.duplicates import Duplicate, find_duplicates
from grid.intake.public_facts import public_clues, valid_matters
from grid.intake.suggestions import MatterSuggester, MatterSuggestion, suggest_matters

__all__ = [
    "CODE_LENGTH",
    "CODE_LETTERS",
    "ClueFacts",
    "Duplicate",
    "MatterSuggester",
    "MatterSuggestion",
    "cases_of_clue",
    "find_by_code",
    "find_duplicates",
    "merge_clue",
    "new_query_code",
    "open_case_of_clue",
    "public_clues",
    "read_clue",
    "read_clues",
    "receive_clue",
    "reject_clue",
    "relate_clue",
    "suggest_matters",
    "told_of_case",
    "valid_matters",
]
