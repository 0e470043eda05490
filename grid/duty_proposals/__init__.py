"""Duty lists as changing law: proposed with their impact, approved by another person, dated, undone."""

from __future__ import annotations

from grid.duty_proposals.impact import Impact, TouchedCase, TouchedOfficers, TouchedTown, impact_of
from grid.duty_proposals.lifecycle import (
    ProposedFile,
    approve,
    newest_proposals,
    preview,
    propose,
    read_proposal,
    reject,
    steps_of,
    undo,
)
from grid.duty_proposals.list_writing import Covers, ListChange, list_change, write_list

__all__ = [
    "Covers",
    "Impact",
    "ListChange",
    "ProposedFile",
    "TouchedCase",
    "TouchedOfficers",
    "TouchedTown",
    "approve",
    "impact_of",
    "list_change",
    "newest_proposals",
    "preview",
    "propose",
    "read_proposal",
    "reject",
    "steps_of",
    "undo",
    "write_list",
]
