"""Evidence that a matter asks for before its cases may be disposed of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.cases.transitions import StepEvent
from grid.errors import IllegalTransition
from layers.local_time import local_zone
from layers.tables import Case

EVIDENCE = {
    "photo": ("照片", "a photo"),
    "document": ("文书", "a document (PDF)"),
    "measurement": ("检测数据", "a measurement"),
    "note": ("备注", "a note"),
}
"""Kinds of evidence that a matter can ask for, with their names."""

_ASKED = text("""
SELECT m.evidence FROM matters m
WHERE m.item_code = :item AND m.valid_from <= :day AND COALESCE(m.valid_to > :day, true)
ORDER BY m.valid_from DESC LIMIT 1
""")


def check_evidence(db: Session, case: Case, events: Sequence[StepEvent], facts: Mapping[str, Any]) -> None:
    """Refuse a disposal without the evidence that the matter asked for when the case was opened.

    Parameters
    ----------
    facts : mapping
        Of the disposal itself: its own note or measurement counts.

    Raises
    ------
    IllegalTransition
        The message names all that is missing.
    """
    day = case.opened_at.astimezone(local_zone()).date()
    asked = db.scalar(_ASKED, {"item": case.item_code, "day": day}) or []
    there = _there(events) | {kind for kind in ("note", "measurement") if kind in facts}
    missing = [kind for kind in asked if kind not in there]
    if missing:
        zh = "、".join(EVIDENCE.get(kind, (kind, kind))[0] for kind in missing)
        en = ", ".join(EVIDENCE.get(kind, (kind, kind))[1] for kind in missing)
        raise IllegalTransition(
            f"the matter asks for evidence before disposal: {en}", f"处置前须补充证据：{zh}"
        )


def _there(events: Sequence[StepEvent]) -> set[str]:
    """Return the kinds of evidence that a case has; what was taken back does not count."""
    files: dict[str, str] = {}
    other = set()
    for event in events:
        if event.action == "attach":
            files[event.payload["sha256"]] = event.payload["kind"]
        elif event.action == "take_back":
            files.pop(event.payload["sha256"], None)
        elif event.action == "note":
            other.add("note")
        if "measurement" in event.payload:
            other.add("measurement")
    return {*files.values(), *other}
