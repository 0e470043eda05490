"""Parties of a case after a step, and the bodies that a step gives it to."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from grid.cases.parties import HANDLERS, Party, handlers_given, sent_back, superior_of, with_state
from grid.cases.transitions import RULES, Standing
from grid.errors import IllegalTransition
from layers.tables import Case


def parties_after(db: Session, action: str, facts: dict[str, Any], standing: Standing) -> list[Party]:
    """Return the parties of a case after a step."""
    parties = list(standing.parties)
    own = standing.own_party
    if action in ("reassign", "designate") or (action == "relocate" and "lead_body" in facts):
        if action == "designate" and own is not None and own.part == "superior":
            parties = with_state(parties, own.body_id, "designated")
        return handlers_given(db, parties, facts["lead_body"], facts["co_handlers"])
    if action in _PART_AFTER and own is not None:
        parties = with_state(parties, own.body_id, _PART_AFTER[action])
    if action in ("rework", "reopen"):
        return sent_back(parties)
    if action in ("return", "refuse") and own is not None and _refusals(standing) >= 1:
        superior = superior_of(db, own.body_id)
        if superior is not None and all(
            party.body_id != superior.body_id or party.part not in HANDLERS for party in parties
        ):
            return [*(party for party in parties if party.body_id != superior.body_id), superior]
    return parties


_PART_AFTER = {
    "arrive": "arrived",
    "dispose": "disposed",
    "feed_back": "fed_back",
    "refuse": "refused",
    "return": "awaiting",
}
"""State of the part of a body after its own step."""


def _refusals(standing: Standing) -> int:
    """Count returns and refusals since bodies were designated last, or since the opening."""
    count = 0
    for event in standing.events:
        if event.action == "designate":
            count = 0
        count += event.action in ("return", "refuse")
    return count


def bodies_given(case: Case, action: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Give the case to other bodies; what it was, and why it changed, stays in the event."""
    lead, partners = facts.get("lead_body"), facts.get("co_handlers", case.co_handlers)
    rule = RULES[action]
    if not isinstance(lead, str) or not lead.strip():
        raise IllegalTransition(f"{action} needs payload.lead_body", f"{rule.zh}必须给出牵头主体 lead_body")
    if not isinstance(partners, list) or not all(isinstance(partner, str) for partner in partners):
        raise IllegalTransition("payload.co_handlers: a list of bodies", "协办主体 co_handlers 应为列表")
    before = {"lead_body": case.lead_body, "co_handlers": list(case.co_handlers)}
    reason = facts.get("note", "")
    explanation = {
        "step": "lead",
        "rule": "designated" if action == "designate" else "reassigned",
        "zh": f"{rule.zh}：由{lead.strip()}牵头（原为{case.lead_body or '无'}）。原因：{reason}",
        "en": f"By {rule.en}: {lead.strip()} leads now (before: {case.lead_body or 'nobody'}). Reason: {reason}",
        "chosen": lead.strip(),
        "not_chosen": [case.lead_body] if case.lead_body and case.lead_body != lead.strip() else [],
    }
    partners = [partner for partner in partners if partner != lead.strip()]
    return {
        "lead_body": lead.strip(),
        "co_handlers": partners,
        "before": before,
        "explanation": explanation,
    }
