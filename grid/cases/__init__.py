"""Cases: opening, steps, parties, clocks, proof and indicators."""

from __future__ import annotations

from grid.cases.attachments import (
    PREVIEW,
    VIEW,
    NewFile,
    attach,
    attached_digests,
    compared_with_case,
    read_attachment,
    read_attachments,
    served_copy,
    take_back,
)
from grid.cases.deadlines import CLOCK_STATUSES, DUE_SOON, CaseClock, clock_status, rules_of_events, stage_of
from grid.cases.indicators import (
    BREAKDOWNS,
    Figure,
    IndicatorRow,
    cases_of_figure,
    check_days,
    facts_version,
    ranks,
    read_indicators,
)
from grid.cases.indicators import NAMES as INDICATOR_NAMES
from grid.cases.lateness import LateCases, escalate, late_cases
from grid.cases.opening import open_case
from grid.cases.parties import Party, body_to_act_for, parties_in_force
from grid.cases.personal_marks import personal_marks
from grid.cases.proof import (
    ChainReport,
    NewestHead,
    PackContent,
    VerifyingKey,
    assign_again,
    assignment_rows,
    has_head,
    make_head,
    newest_head,
    opening_facts,
    read_pack_content,
    read_proof,
    verify_all,
    verify_case,
    verify_chain,
)
from grid.cases.publication import DECISIONS, publish_decided, read_published, take_down
from grid.cases.recording import events_of_case, locked_case, record_system_step
from grid.cases.step_facts import check_facts
from grid.cases.steps import StepsNow, refuse_stale, steps_now, transition
from grid.cases.transitions import RULES, STATE_NAMES

__all__ = [
    "BREAKDOWNS",
    "CLOCK_STATUSES",
    "DECISIONS",
    "DUE_SOON",
    "INDICATOR_NAMES",
    "PREVIEW",
    "RULES",
    "STATE_NAMES",
    "VIEW",
    "CaseClock",
    "ChainReport",
    "Figure",
    "IndicatorRow",
    "LateCases",
    "NewFile",
    "NewestHead",
    "PackContent",
    "Party",
    "StepsNow",
    "VerifyingKey",
    "assign_again",
    "assignment_rows",
    "attach",
    "attached_digests",
    "body_to_act_for",
    "cases_of_figure",
    "check_days",
    "check_facts",
    "clock_status",
    "compared_with_case",
    "escalate",
    "events_of_case",
    "facts_version",
    "has_head",
    "late_cases",
    "locked_case",
    "make_head",
    "newest_head",
    "open_case",
    "opening_facts",
    "parties_in_force",
    "personal_marks",
    "publish_decided",
    "ranks",
    "read_attachment",
    "read_attachments",
    "read_indicators",
    "read_pack_content",
    "read_proof",
    "read_published",
    "record_system_step",
    "refuse_stale",
    "rules_of_events",
    "served_copy",
    "stage_of",
    "steps_now",
    "take_back",
    "take_down",
    "transition",
    "verify_all",
    "verify_case",
    "verify_chain",
]
