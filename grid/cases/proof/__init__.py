"""Proof of cases: hash chains with signed heads over them, the content of a pack, and what a replay reads."""

from __future__ import annotations

from grid.cases.proof.chain_verification import verify_chain
from grid.cases.proof.hash_chain import GENESIS, canonical, expected_hash, opening_facts, told_by_events
from grid.cases.proof.heads import (
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
from grid.cases.proof.pack import PackContent, read_pack_content
from grid.cases.proof.replay import assign_again, assignment_rows

__all__ = [
    "GENESIS",
    "ChainReport",
    "NewestHead",
    "PackContent",
    "VerifyingKey",
    "assign_again",
    "assignment_rows",
    "canonical",
    "expected_hash",
    "has_head",
    "make_head",
    "newest_head",
    "opening_facts",
    "read_pack_content",
    "read_proof",
    "told_by_events",
    "verify_all",
    "verify_case",
    "verify_chain",
]
