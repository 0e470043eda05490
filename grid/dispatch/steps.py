"""Steps of dispatches: an officer is sent, accepts or declines, arrives, is recalled; each an event of the case.

The row of ``dispatches`` follows from the event, in its transaction (``layers/schema/dispatch.sql``). Every step
locks the case first, so that two people who act at the same moment follow each other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.cases import events_of_case, locked_case, steps_now, transition
from grid.dispatch.reading import DispatchRow, read_dispatch, read_dispatches
from grid.dispatch.suggestions import SuggestedOfficer, first_suggestion, suggest_officers
from grid.errors import GridError, IllegalTransition
from layers.errors import NotFound
from layers.local_time import local_zone
from layers.tables import OPEN_DISPATCH_STATES

ANSWERED_FROM: Mapping[str, tuple[str, ...]] = {
    "accept_call": ("sent",),
    "decline_call": ("sent", "accepted"),
    "report_in": ("sent", "accepted"),
    "recall": OPEN_DISPATCH_STATES,
}
"""States of a dispatch from which a step is possible."""
STATE_NAMES: Mapping[str, tuple[str, str]] = {
    "sent": ("待接受", "sent"),
    "accepted": ("已接受", "accepted"),
    "declined": ("已谢绝", "declined"),
    "arrived": ("已报到", "arrived"),
    "ended": ("已结束", "ended"),
    "recalled": ("已召回", "recalled"),
}
"""Names of the states for people, in Chinese and English."""


@dataclass(frozen=True)
class Who:
    """Person who takes a step: account, role, and the body that the person acts for."""

    actor: str
    role: str
    body: str | None = None


def send_officer(
    db: Session,
    number: str,
    officer_id: int,
    who: Who,
    *,
    at: dt.datetime,
    reason: str = "",
    if_match: Sequence[str] | None = None,
) -> DispatchRow:
    """Send an officer to a case.

    Only an officer of a body that handles the case, with a certificate that is valid on the day (行政处罚法
    art. 42), is sent. One who is off duty, or whose certificate is of another domain, and one who is not the first
    suggestion, needs a written reason, which the chain keeps.

    Parameters
    ----------
    db : Session
        In the caller's scope.
    at : datetime
        With zone.
    reason : str
        Why not the first suggestion.
    if_match : sequence of str or None
        Hashes of the case as it was read; None: any.

    Raises
    ------
    layers.errors.NotFound
        No such case or officer, or none that the caller may see.
    IllegalTransition
        The officer cannot be sent, or not without a reason, or is called to the case already.
    """
    locked_case(db, number)
    suggested = suggest_officers(db, number, at)
    chosen = next((one for one in suggested if one.officer_id == officer_id), None)
    if chosen is None:
        raise _no_part(db, officer_id, at)
    first = first_suggestion(suggested)
    _check_officer(chosen, first, reason)
    unfit = [
        name for name, fits in (("off_duty", chosen.on_duty), ("other_domain", chosen.in_domain)) if not fits
    ]
    facts: dict[str, Any] = {
        "officer_id": chosen.officer_id,
        "body_id": chosen.body_id,
        "body": chosen.body,
        "proposed_officer_id": None if first is None else first.officer_id,
        "unfit": unfit,
        "distance_m": chosen.distance_m,
    }
    _take(db, number, "send_officer", who, facts, at, reason, if_match)
    (made,) = read_dispatches(db, number=number, most=1)
    return made


def accept_call(
    db: Session,
    dispatch_id: int,
    who: Who,
    *,
    at: dt.datetime,
    note: str = "",
    if_match: Sequence[str] | None = None,
) -> DispatchRow:
    """Accept a call: the officer, or a dispatcher who was told on the phone and says so in the note.

    Raises
    ------
    layers.errors.NotFound
        No such dispatch, or none that the caller may see.
    IllegalTransition
        Not possible now, or not for this person.
    """
    return _answer(db, dispatch_id, "accept_call", who, at, note, if_match)


def decline_call(
    db: Session,
    dispatch_id: int,
    who: Who,
    *,
    at: dt.datetime,
    reason: str,
    if_match: Sequence[str] | None = None,
) -> DispatchRow:
    """Decline a call, with the reason. Raises as :func:`accept_call`."""
    return _answer(db, dispatch_id, "decline_call", who, at, reason, if_match)


def recall_officer(
    db: Session,
    dispatch_id: int,
    who: Who,
    *,
    at: dt.datetime,
    reason: str,
    if_match: Sequence[str] | None = None,
) -> DispatchRow:
    """Recall an officer, with the reason: by dispatchers. Raises as :func:`accept_call`."""
    return _answer(db, dispatch_id, "recall", who, at, reason, if_match)


def record_arrival(
    db: Session,
    dispatch_id: int,
    who: Who,
    *,
    at: dt.datetime,
    position: tuple[float, float] | None = None,
    note: str = "",
    if_match: Sequence[str] | None = None,
) -> DispatchRow:
    """Record the arrival of an officer (吹哨报到).

    It is the step ``arrive`` of the case where that is the next one of the officer's body, so that the case goes to
    ``arrived``; else ``report_in``, which leaves the state of the case as it is: a second officer of a body, or an
    arrival that a dispatcher was told of.

    Parameters
    ----------
    position : tuple of float or None
        Longitude and latitude where the officer is, degrees, EPSG:4326; its distance to the case is kept.

    Raises
    ------
    layers.errors.NotFound, IllegalTransition
        As :func:`accept_call`.
    GridError
        The position is outside of the earth.
    """
    facts: dict[str, Any] = {}
    if position is not None:
        lon, lat = position
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise GridError("lon, lat: degrees of EPSG:4326 are needed", "lon、lat：应为经纬度（度）")
        facts = {"lon": round(lon, 6), "lat": round(lat, 6)}
    return _answer(db, dispatch_id, "report_in", who, at, note, if_match, facts)


def _answer(
    db: Session,
    dispatch_id: int,
    action: str,
    who: Who,
    at: dt.datetime,
    note: str,
    if_match: Sequence[str] | None,
    facts: Mapping[str, Any] | None = None,
) -> DispatchRow:
    """Take a step of a dispatch: the case is locked before the state is read."""
    found = read_dispatch(db, dispatch_id)
    number = found.number
    if number is None:
        raise NotFound(
            f"no case of dispatch {dispatch_id} that the caller may see",
            f"派员 {dispatch_id} 的案件不存在，或无权查看",
        )
    case = locked_case(db, number)
    found = read_dispatch(db, dispatch_id)
    _check_answer(found, action, who, note)
    told = {"of": found.event_seq, **(facts or {})}
    if action == "report_in":
        if "lon" in told:
            told["distance_m"] = round(db.scalar(_DISTANCE, {**told, "case": case.id}) or 0)
        steps = steps_now(
            db, case, events_of_case(db, case), actor=who.actor, role=who.role, body=who.body
        ).legal
        action = "arrive" if "arrive" in steps else action
    _take(db, number, action, who, told, at, note, if_match)
    return read_dispatch(db, dispatch_id)


_DISTANCE = text("""
SELECT ST_Distance(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography, geom::geography) FROM cases WHERE id = :case
""")


def _take(
    db: Session,
    number: str,
    action: str,
    who: Who,
    facts: Mapping[str, Any],
    at: dt.datetime,
    note: str,
    if_match: Sequence[str] | None,
) -> None:
    transition(
        db,
        number,
        action,
        actor=who.actor,
        role=who.role,
        body=who.body,
        note=note,
        payload={"dispatch": dict(facts)},
        at=at,
        if_match=if_match,
    )
    db.flush()


def _check_officer(chosen: SuggestedOfficer, first: SuggestedOfficer | None, reason: str) -> None:
    if chosen.called:
        raise IllegalTransition(
            f"{chosen.name} is called to this case already", f"{chosen.name} 已被派往本案"
        )
    if not chosen.certified:
        raise IllegalTransition(
            f"{chosen.name} has no certificate that is valid today: nobody without one acts (行政处罚法 art. 42)",
            f"{chosen.name} 当日没有有效的执法证件，不得派遣（行政处罚法第四十二条）",
        )
    if reason.strip():
        return
    faults = [("is off duty", "不在岗")] if not chosen.on_duty else []
    faults += [("has a certificate of another domain", "执法领域不符")] if not chosen.in_domain else []
    if not faults and first is not None and first.officer_id != chosen.officer_id:
        faults = [(f"is not the first suggestion, {first.name}", f"不是首位推荐人员（{first.name}）")]
    if faults:
        raise IllegalTransition(
            f"reason: {chosen.name} {' and '.join(en for en, _ in faults)}: say why",
            f"{chosen.name} {'、'.join(zh for _, zh in faults)}，须填写派遣理由",
        )


def _no_part(db: Session, officer_id: int, at: dt.datetime) -> Exception:
    """Return the reason that an officer is not among those of the case."""
    row = db.execute(_OFFICER, {"id": officer_id, "day": at.astimezone(local_zone()).date()}).one_or_none()
    if row is None:
        return NotFound(
            f"officer_id: no officer {officer_id} in the register today",
            f"officer_id：当日名录中没有执法人员 {officer_id}",
        )
    return IllegalTransition(
        f"{row.name} is of {row.body}, which does not handle this case (any more): reassign or designate it first",
        f"{row.name} 所属的“{row.body}”未承办（或已办结）本案，须先改派或指定管辖",
    )


_OFFICER = text("""
SELECT o.name, COALESCE(b.name, o.body_code) AS body FROM officers o
LEFT JOIN bodies b ON b.code = o.body_code AND b.valid_from <= :day AND COALESCE(b.valid_to > :day, true)
WHERE o.officer_id = :id AND o.valid_from <= :day AND COALESCE(o.valid_to > :day, true) LIMIT 1
""")


def _check_answer(found: DispatchRow, action: str, who: Who, note: str) -> None:
    if found.state not in ANSWERED_FROM[action]:
        zh, en = STATE_NAMES[found.state]
        raise IllegalTransition(
            f"this call is {en}: the step is not possible any more", f"该派员{zh}，不能再执行此操作"
        )
    if action == "recall" or found.mine:
        return
    if who.role == "officer":
        raise IllegalTransition("only the officer who was called answers", "只能由被派遣的执法人员本人答复")
    if not note.strip():
        raise IllegalTransition(
            "note: who answers for an officer says how it became known, as by phone",
            "代为答复须填写说明（如电话告知）",
        )
