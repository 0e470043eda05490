"""Parties of a case: which bodies take part, as what, and how far each one's part is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from grid.errors import GridError
from grid.responsibility import Assignment
from layers.tables import CaseParty

HANDLERS = ("lead", "co_handler")
"""Parts of the bodies that handle a case."""
_PROGRESS: Mapping[str, int] = {"awaiting": 0, "arrived": 1, "disposed": 2, "fed_back": 3}
_CASE_STATES = ("dispatched", "arrived", "disposed", "fed_back")
MOST_SUGGESTED = 3


@dataclass(frozen=True)
class Party:
    """A body that takes part in a case.

    Attributes
    ----------
    body_id : int
        Key of the body in the register, the same under every name.
    body : str
        Its name when it became a party.
    part : str
        One of ``layers.tables.PARTS``.
    state : str
        One of ``layers.tables.PART_STATES``.
    """

    body_id: int
    body: str
    part: str
    state: str

    @property
    def handles(self) -> bool:
        """Whether the body handles the case: it leads or co-handles and has not refused."""
        return self.part in HANDLERS and self.state != "refused"


def parties_in_force(db: Session, case_id: int) -> list[Party]:
    """Return the parties of a case now: lead, co-handlers, superior, receivers of a copy."""
    rows = db.scalars(
        select(CaseParty)
        .where(CaseParty.case_id == case_id, CaseParty.until.is_(None))
        .order_by(CaseParty.id),
        execution_options={"populate_existing": True},
    )
    found = [Party(row.body_id, row.body, row.part, row.state) for row in rows]
    order = (*HANDLERS, "superior", "copied")
    return sorted(found, key=lambda party: order.index(party.part))


def as_json(parties: Iterable[Party]) -> list[dict[str, Any]]:
    """Return parties as the JSON data of an event."""
    return [asdict(party) for party in parties]


def parties_of(db: Session, assignment: Assignment) -> tuple[list[Party], list[str]]:
    """Return the parties of a new case, and the names that had to be added to the register.

    A body that the register does not have becomes an entry that nobody confirmed.
    """
    asked = [(assignment.lead.body, "lead")] if assignment.lead else []
    asked += [(partner.body, "co_handler") for partner in assignment.co_handlers]
    asked += [(partner.body, "copied") for partner in assignment.copied_to]
    found: dict[int, Party] = {}
    added = []
    for body, part in asked:
        body_id = body_named(db, body)
        if body_id is None:
            body_id = db.scalar(_ADD_BODY, {"name": body})
            added.append(body)
        assert body_id is not None
        found.setdefault(body_id, Party(body_id, body, part, "copied" if part == "copied" else "awaiting"))
    return list(found.values()), added


def handlers_given(
    db: Session, parties: Sequence[Party], lead: str, co_handlers: Sequence[str]
) -> list[Party]:
    """Return the parties after the case was given to other bodies.

    A handler that stays in its part keeps the state of it, unless it refused; former handlers are parties no more.

    Raises
    ------
    GridError
        A body is not in the register in force; the message names the nearest names.
    """
    before = {party.body_id: party for party in parties}
    given: dict[int, Party] = {}
    for body, part in [(lead, "lead"), *((body, "co_handler") for body in co_handlers)]:
        body_id = body_in_force(db, body)
        former = before.get(body_id)
        stays = former is not None and former.handles and former.part == part
        state = former.state if former is not None and stays else "awaiting"
        given.setdefault(body_id, Party(body_id, body, part, state))
    others = [party for party in parties if party.part not in HANDLERS and party.body_id not in given]
    return [*given.values(), *others]


def with_state(parties: Sequence[Party], body_id: int, state: str) -> list[Party]:
    """Return the parties with another state of one body's part."""
    return [replace(party, state=state) if party.body_id == body_id else party for party in parties]


def sent_back(parties: Sequence[Party]) -> list[Party]:
    """Return the parties when every handler starts again."""
    return [replace(party, state="awaiting") if party.handles else party for party in parties]


def state_of_parts(parties: Sequence[Party], state: str) -> str:
    """Return the state of the case that follows from its handlers: that of the one who is least far.

    ``state`` (dispatched or rework) stays until somebody has arrived; one arrival is enough for ``arrived``.

    Examples
    --------
    >>> lead, partner = Party(1, "A", "lead", "disposed"), Party(2, "B", "co_handler", "awaiting")
    >>> state_of_parts([lead, partner], "dispatched"), state_of_parts([lead], "dispatched")
    ('arrived', 'disposed')
    """
    parts = [_PROGRESS[party.state] for party in parties if party.handles]
    least, most = min(parts, default=0), max(parts, default=0)
    if least == 0:
        return "arrived" if most > 0 else state
    return _CASE_STATES[least]


def superior_of(db: Session, body_id: int) -> Party | None:
    """Return the superior of a body as a party that is asked to designate.

    It is its parent in the register, else the body of the city for its domains; None when there is neither.
    """
    row = db.execute(_SUPERIOR, {"body_id": body_id}).one_or_none()
    return None if row is None else Party(row.body_id, row.name, "superior", "asked")


def body_named(db: Session, name: str) -> int | None:
    """Return the key of the body of a name, a short name or a former name; None: not in the register."""
    found: int | None = db.scalar(text("SELECT body_named(:name)"), {"name": name})
    return found


def body_in_force(db: Session, name: str) -> int:
    """Return the key of a body that is in the register today.

    Raises
    ------
    GridError
        It is not; the message names the nearest names.
    """
    found = db.scalar(_IN_FORCE, {"name": name})
    if found is not None:
        return int(found)
    names = list(db.scalars(_NAMES))
    near = "、".join(difflib.get_close_matches(name, names, MOST_SUGGESTED, 0.3)) or "—"
    raise GridError(
        f"body: {name!r} is not in the register of bodies; nearest: {near}",
        f"主体名录中没有“{name}”；相近：{near}",
    )


def body_to_act_for(db: Session, name: str) -> int:
    """Return the key of a body that an account may act for; one that the duty list alone has is added, unconfirmed.

    Raises
    ------
    GridError
        It is in neither; the message names the nearest names of the register.
    """
    if body_named(db, name) is None and db.scalar(_IN_DUTY_LIST, {"name": name}):
        return int(db.scalar(_ADD_BODY, {"name": name}) or 0)
    return body_in_force(db, name)


_IN_DUTY_LIST = text("SELECT EXISTS (SELECT FROM duty_items WHERE body = :name)")
_IN_FORCE = text("""
SELECT b.body_id FROM bodies b
WHERE b.body_id = body_named(:name) AND b.valid_from <= CURRENT_DATE
  AND (b.valid_to IS NULL OR b.valid_to > CURRENT_DATE) LIMIT 1
""")
_NAMES = text(
    "SELECT DISTINCT name FROM bodies WHERE valid_to IS NULL OR valid_to > CURRENT_DATE ORDER BY name"
)
_ADD_BODY = text("""
INSERT INTO bodies (body_id, code, name, level, confirmed, valid_from)
VALUES (0, 'C' || nextval('body_ids'), :name, 'city', false, DATE '2000-01-01') RETURNING body_id
""")
_SUPERIOR = text("""
WITH own AS (SELECT * FROM bodies WHERE body_id = :body_id ORDER BY valid_from DESC LIMIT 1)
SELECT b.body_id, b.name FROM own
JOIN bodies b ON b.body_id <> own.body_id AND (b.valid_to IS NULL OR b.valid_to > CURRENT_DATE)
    AND (b.code = own.parent_code OR (b.level = 'city' AND b.domains && own.domains))
ORDER BY (b.code IS NOT DISTINCT FROM own.parent_code) DESC, b.confirmed DESC, b.body_id LIMIT 1
""")
