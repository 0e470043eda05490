"""Cases: lifecycle, transitions, hash chain and indicators."""

from __future__ import annotations

from grid.cases.lifecycle import available_actions, open_case, transition, verify_chain
from grid.cases.step_facts import check_facts
from grid.cases.transitions import RULES

__all__ = ["RULES", "available_actions", "check_facts", "open_case", "transition", "verify_chain"]
