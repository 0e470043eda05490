"""Cases: lifecycle, transitions, hash chain and indicators."""

from __future__ import annotations

from grid.cases.heads import (
    ChainReport,
    NewestHead,
    VerifyingKey,
    has_head,
    make_head,
    newest_head,
    read_proof,
    verify_all,
    verify_case,
)
from grid.cases.lifecycle import available_actions, open_case, transition, verify_chain
from grid.cases.pack import PackContent, read_pack_content
from grid.cases.step_facts import check_facts
from grid.cases.transitions import RULES

__all__ = [
    "RULES",
    "ChainReport",
    "NewestHead",
    "PackContent",
    "VerifyingKey",
    "available_actions",
    "check_facts",
    "has_head",
    "make_head",
    "newest_head",
    "open_case",
    "read_pack_content",
    "read_proof",
    "transition",
    "verify_all",
    "verify_case",
    "verify_chain",
]
