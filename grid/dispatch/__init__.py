"""Dispatch (指挥调度): officers suggested for cases, sent by a person, their answers and arrivals."""

from __future__ import annotations

from grid.dispatch.reading import CalledPerson, DispatchRow, called_people, read_dispatch, read_dispatches
from grid.dispatch.relocation import Relocation, preview_relocation, relocate_case
from grid.dispatch.steps import (
    STATE_NAMES,
    Who,
    accept_call,
    decline_call,
    recall_officer,
    record_arrival,
    send_officer,
)
from grid.dispatch.suggestions import ENOUGH_OFFICERS, SuggestedOfficer, short_towns, suggest_officers

__all__ = [
    "ENOUGH_OFFICERS",
    "STATE_NAMES",
    "CalledPerson",
    "DispatchRow",
    "Relocation",
    "SuggestedOfficer",
    "Who",
    "accept_call",
    "called_people",
    "decline_call",
    "preview_relocation",
    "read_dispatch",
    "read_dispatches",
    "recall_officer",
    "record_arrival",
    "relocate_case",
    "send_officer",
    "short_towns",
    "suggest_officers",
]
