"""Clues and reports as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from grid.intake import cases_of_clue
from layers.tables import Case, Clue, ClueReporter

PUBLIC_STEPS: Mapping[str, tuple[str, str]] = {
    "report": ("已登记为案件", "A case was opened"),
    "verify": ("已核实", "It was verified"),
    "file": ("已立案", "It was filed"),
    "dispatch": ("已派遣处置单位", "A body was sent"),
    "arrive": ("处置人员已到场", "The body arrived"),
    "dispose": ("已处置", "It was dealt with"),
    "feed_back": ("已反馈", "The result was reported back"),
    "review": ("已完成法制审核", "The legal review is done"),
    "check": ("已核查", "The result was checked"),
    "close": ("已结案", "The case is closed"),
    "suspend": ("已挂起", "It is suspended"),
    "resume": ("已恢复办理", "It goes on"),
    "rework": ("已退回重办", "It is done again"),
    "reassign": ("已改派", "Another body has it"),
    "reopen": ("已重新办理", "The case was opened again"),
}
"""Steps of a case that the public is told, in plain words; others are not."""
DECIDED: Mapping[str, tuple[str, str]] = {
    "rejected": ("不予受理", "It was not taken in"),
    "merged": ("与已有的反映合并办理", "It is handled together with an earlier report"),
}


def clue_document(db: Session, clue: Clue) -> dict[str, Any]:
    """Return a clue; the reporter is there if the scope of the transaction may read who it was."""
    reporter = db.get(ClueReporter, clue.id)
    case = None if clue.case_id is None else db.get(Case, clue.case_id)
    point = None
    if clue.geom is not None:
        db.refresh(clue, ["geom"])
        shape = to_shape(clue.geom)
        point = {"type": "Point", "coordinates": [shape.x, shape.y]}
    names = (
        "id",
        "source",
        "text",
        "address",
        "candidates",
        "item_code",
        "domain",
        "urgency",
        "state",
        "reason",
        "merged_into",
        "related_cases",
        "created_by",
        "created_at",
        "decided_by",
        "decided_at",
    )
    return {
        **{name: getattr(clue, name) for name in names},
        "geometry": point,
        "case_number": None if case is None else case.number,
        "reporter": None
        if reporter is None
        else {"name": reporter.name, "phone": reporter.phone, "email": reporter.email},
    }


def shown_code(code: str) -> str:
    """Return a query code as people read it: groups of four, hyphens between them."""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


def report_status(db: Session, clue: Clue) -> dict[str, Any]:
    """Return what the public is told of a report: states, steps and the body; no name, text or place."""
    steps = [{"at": clue.created_at, "step_zh": "已收到", "step_en": "It was received"}]
    if clue.state in DECIDED and clue.decided_at is not None:
        zh, en = DECIDED[clue.state]
        steps.append({"at": clue.decided_at, "step_zh": zh, "step_en": en})
    case, events = cases_of_clue(db, clue)
    for event in events:
        if event.action in PUBLIC_STEPS:
            zh, en = PUBLIC_STEPS[event.action]
            steps.append({"at": event.at, "step_zh": zh, "step_en": en})
    return {
        "state": clue.state,
        "case_state": None if case is None else case.state,
        "body": None if case is None else case.lead_body,
        "received_at": clue.created_at,
        "steps": steps,
    }
