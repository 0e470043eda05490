"""Dispatches as their readers see them: of a case, of an officer, of a body; and who was called, with phones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.errors import NotFound, no_case
from layers.local_time import local_zone

_ROWS = """
SELECT d.id, c.number, c.title, c.state AS case_state,
       (SELECT e.hash FROM case_events e WHERE e.case_id = d.case_id ORDER BY e.seq DESC LIMIT 1) AS case_hash,
       ST_X(c.geom) AS case_lon, ST_Y(c.geom) AS case_lat,
       d.officer_id, o.name AS officer, o.username = NULLIF(current_setting('wangge.username', true), '') AS mine,
       d.body_id, d.body, d.proposed_officer_id, d.unfit, d.state, d.sent_at, d.sent_by, d.reason, d.answered_at,
       d.answered_by, d.decline_reason, d.arrived_at, ST_X(d.geom) AS lon, ST_Y(d.geom) AS lat, d.distance_m,
       d.ended_at, d.ended_by, d.ended_step, d.end_reason, d.event_seq
FROM dispatches d
LEFT JOIN cases c ON c.id = d.case_id
LEFT JOIN LATERAL (SELECT name, username FROM officers o WHERE o.officer_id = d.officer_id
                   ORDER BY o.valid_from DESC LIMIT 1) o ON true
"""
_ONE = text(f"{_ROWS} WHERE d.id = :id")
_MANY = text(f"""{_ROWS}
WHERE (CAST(:number AS text) IS NULL OR c.number = :number)
  AND (CAST(:body AS text) IS NULL OR d.body_id = body_named(:body))
  AND (CAST(:states AS text[]) IS NULL OR d.state = ANY (:states))
  AND (CAST(:officer_of AS text) IS NULL
       OR d.officer_id IN (SELECT officer_id FROM officers WHERE username = :officer_of))
  AND (CAST(:before AS bigint) IS NULL OR d.id < :before)
ORDER BY d.id DESC LIMIT :most
""")
_CALLED = text("""
SELECT DISTINCT ON (d.officer_id) d.officer_id, o.name, d.body, d.state, o.phone, b.phone AS body_phone
FROM dispatches d JOIN cases c ON c.id = d.case_id
JOIN officers o ON o.officer_id = d.officer_id AND o.valid_from <= :day AND COALESCE(o.valid_to > :day, true)
LEFT JOIN bodies b ON b.body_id = d.body_id AND b.valid_from <= :day AND COALESCE(b.valid_to > :day, true)
WHERE c.number = :number AND d.state IN ('sent', 'accepted', 'arrived') ORDER BY d.officer_id, d.id DESC
""")


@dataclass(frozen=True)
class DispatchRow:
    """A dispatch with its case.

    Attributes
    ----------
    number, title, case_state, case_hash, case_lon, case_lat
        Of the case; None when the caller sees it no more. Degrees, EPSG:4326.
    officer : str or None
        Name; None for who may not read the register's entry.
    mine : bool
        The caller is the officer.
    unfit : list of str
        ``off_duty``, ``other_domain``: in spite of which the person was sent, with the reason.
    lon, lat, distance_m
        Where the officer arrived, and how far from the case; None: not said.
    event_seq : int
        Step of the case that sent the officer.
    """

    id: int
    number: str | None
    title: str | None
    case_state: str | None
    case_hash: str | None
    case_lon: float | None
    case_lat: float | None
    officer_id: int
    officer: str | None
    mine: bool
    body_id: int
    body: str
    proposed_officer_id: int | None
    unfit: list[str]
    state: str
    sent_at: dt.datetime
    sent_by: str
    reason: str | None
    answered_at: dt.datetime | None
    answered_by: str | None
    decline_reason: str | None
    arrived_at: dt.datetime | None
    lon: float | None
    lat: float | None
    distance_m: int | None
    ended_at: dt.datetime | None
    ended_by: str | None
    ended_step: str | None
    end_reason: str | None
    event_seq: int


@dataclass(frozen=True)
class CalledPerson:
    """Officer who has an open call of a case, with the phones. Personal data."""

    officer_id: int
    name: str
    body: str
    state: str
    phone: str | None
    body_phone: str | None


def read_dispatch(db: Session, dispatch_id: int) -> DispatchRow:
    """Return one dispatch.

    Raises
    ------
    layers.errors.NotFound
        No such one, or none that the caller may see.
    """
    row = db.execute(_ONE, {"id": dispatch_id}).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no dispatch {dispatch_id}", f"没有派员 {dispatch_id}，或无权查看")
    return _row(dict(row))


def read_dispatches(
    db: Session,
    *,
    number: str | None = None,
    officer_of: str | None = None,
    body: str | None = None,
    states: Sequence[str] | None = None,
    before: int | None = None,
    most: int = 50,
) -> list[DispatchRow]:
    """Return the dispatches that the caller may see, the newest first.

    Parameters
    ----------
    number : str or None
        Of one case.
    officer_of : str or None
        Of the officer who is bound to this account.
    body : str or None
        Of one body, by any of its names.
    states : sequence of str or None
        Of ``layers.tables.DISPATCH_STATES``.
    before : int or None
        Only ids below.
    """
    asked = {
        "number": number,
        "officer_of": officer_of,
        "body": body,
        "states": None if states is None else list(states),
        "before": before,
        "most": most,
    }
    return [_row(dict(row)) for row in db.execute(_MANY, asked).mappings()]


def called_people(db: Session, number: str, now: dt.datetime) -> list[CalledPerson]:
    """Return who has an open call of a case, with the phones of the register.

    Raises
    ------
    layers.errors.NotFound
    """
    if db.scalar(text("SELECT 1 FROM cases WHERE number = :number"), {"number": number}) is None:
        raise no_case(number)
    asked = {"number": number, "day": now.astimezone(local_zone()).date()}
    return [CalledPerson(**row) for row in db.execute(_CALLED, asked).mappings()]


def _row(found: dict[str, object]) -> DispatchRow:
    return DispatchRow(**{**found, "mine": bool(found["mine"])})  # type: ignore[arg-type]
