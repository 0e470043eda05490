"""The hash chain of a case: the hash of each case event covers its content and the previous hash."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from grid.cases.deadlines import columns_of_payload
from grid.errors import GridError

GENESIS = "0" * 64
"""``prev_hash`` of the first event."""


def canonical(value: Any) -> Any:
    """Plain JSON data with one form for each number, so that data read from the database has the same hash.

    Raises
    ------
    GridError
        For data that JSON does not know, and for numbers that are not finite.

    Examples
    --------
    >>> canonical({"b": 1.0, "a": [1e20, 0.5, None, True]})
    {'b': 1, 'a': [100000000000000000000, 0.5, None, True]}
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise GridError(f"payload: {value} is no JSON number", "附加数据含非法数值")
        return int(value) if value.is_integer() else value
    if isinstance(value, (list, tuple)):
        return [canonical(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: canonical(item) for key, item in value.items()}
    raise GridError(f"payload: {type(value).__name__} is no JSON data", "附加数据不是 JSON")


def event_hash(
    *,
    number: str,
    seq: int,
    at: dt.datetime,
    actor: str,
    role: str,
    action: str,
    from_state: str | None,
    to_state: str,
    payload: dict[str, Any],
    prev_hash: str,
) -> str:
    """SHA-256 over the canonical JSON of an event.

    Keys sorted, no blanks, UTF-8, time in UTC with microseconds.
    """
    fields = {
        "case": number,
        "seq": seq,
        "at": at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "actor": actor,
        "role": role,
        "action": action,
        "from": from_state,
        "to": to_state,
        "payload": canonical(payload),
        "prev_hash": prev_hash,
    }
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class ChainFault:
    """One fault of a hash chain; ``seq`` is None for a fault of the case itself."""

    number: str
    seq: int | None
    zh: str
    en: str

    def __str__(self) -> str:
        where = self.number if self.seq is None else f"{self.number} event {self.seq}"
        return f"{where}: {self.en}"


_HASHED = ("seq", "at", "actor", "role", "action", "from_state", "to_state", "payload", "prev_hash")


def expected_hash(number: str, event: Any) -> str:
    """Return the hash that a case event must have, computed from its content."""
    return event_hash(number=number, **{name: getattr(event, name) for name in _HASHED})


class StoredEvent(NamedTuple):
    """A case event as the database writes it: its time and its payload as text, read only where they are needed."""

    case_id: int
    seq: int
    at_text: str
    actor: str
    role: str
    action: str
    from_state: str | None
    to_state: str
    payload_text: str
    prev_hash: str
    hash: str

    @property
    def at(self) -> dt.datetime:
        """Time of the step."""
        return dt.datetime.fromisoformat(self.at_text)

    @property
    def payload(self) -> dict[str, Any]:
        """Facts of the step."""
        return _facts_of(self.payload_text)


@lru_cache(maxsize=4)
def _facts_of(text: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(text)
    return facts


def has_its_hash(number: str, event: Any) -> bool:
    """Whether a case event has the hash of its content.

    The text of a :class:`StoredEvent` is written by orjson first, which is six times as quick and differs from
    :func:`event_hash` only in numbers that are very small, very large or not in their one form; an event that does
    not have that hash is judged by :func:`event_hash`.
    """
    if type(event) is StoredEvent and _quick_hash(number, event) == event.hash:
        return True
    return expected_hash(number, event) == event.hash


def _quick_hash(number: str, event: StoredEvent) -> str:
    _, seq, at, actor, role, action, before, after, payload, previous, _ = event
    fields = {
        "action": action,
        "actor": actor,
        "at": at,
        "case": number,
        "from": before,
        "payload": {} if payload == "{}" else orjson.loads(payload),
        "prev_hash": previous,
        "role": role,
        "seq": seq,
        "to": after,
    }
    try:
        return hashlib.sha256(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)).hexdigest()
    except TypeError:  # a number beyond 64 bits
        return ""


def faults_of(case: Any, events: Iterable[Any]) -> list[ChainFault]:
    """Faults of the hash chain of one case, and of its columns, which must be what the events say.

    Parameters
    ----------
    case : row of cases
        With ``number``, ``place`` (lon, lat) and the columns of :func:`told_by_events`.
    events : iterable of CaseEvent
        Its events in order of ``seq``.
    """
    number: str = case.number
    faults: list[ChainFault] = []
    told: dict[str, Any] = {}
    previous_hash, previous_state, expected = GENESIS, None, 1
    for event in events:
        follows = (
            event.seq == expected and event.prev_hash == previous_hash and event.from_state == previous_state
        )
        if not (follows and has_its_hash(number, event)):
            for zh, en in _faults_of_event(number, event, expected, previous_hash, previous_state):
                faults.append(ChainFault(number, event.seq, zh, en))
        previous_hash, previous_state, expected = event.hash, event.to_state, event.seq + 1
        if _says_its_state_only(event):
            told["state"] = event.to_state
        else:
            told |= told_by_events(event)
    if previous_state is None:
        return [ChainFault(number, None, "没有任何记录", "has no events")]
    facts = opening_facts(case) if "place" in told else {}
    for name, value in told.items():
        stored = facts[name] if name in OPENING and name != "due_at" else getattr(case, name)
        if stored != value:
            zh, en = f"{name} 为 {stored}，与记录不符", f"{name} is {stored}, its events say {value}"
            faults.append(ChainFault(number, None, zh, en))
    return faults


OPENING = (
    "title",
    "item_code",
    "domain",
    "alert_id",
    "site_id",
    "grid_area_id",
    "community_area_id",
    "town_area_id",
    "county_area_id",
    "city_area_id",
    "area_id",
    "due_at",
    "urgency",
    "place",
    "assignment_sha256",
)
"""Facts of a case that its first event holds under ``case``; later ones move ``due_at`` and the place."""


def opening_facts(case: Any) -> dict[str, Any]:
    """Return the facts of ``OPENING`` as plain JSON data, from a case with ``place`` (lon, lat) and ``assignment``."""
    written = json.dumps(
        canonical(case.assignment), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    special = {
        "due_at": None
        if case.due_at is None
        else case.due_at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "place": canonical(list(case.place)),
        "assignment_sha256": hashlib.sha256(written.encode()).hexdigest(),
    }
    return {name: special[name] if name in special else getattr(case, name) for name in OPENING}


def told_by_events(event: Any) -> dict[str, Any]:
    """Return what an event says of the columns of its case; a later event outweighs an earlier one.

    Events of before these facts were kept say less.
    """
    told: dict[str, Any] = {"state": event.to_state}
    if event.action == "report":
        told |= {"opened_at": event.at, "closed_at": None, **event.payload.get("case", {})}
        if told.get("due_at") is not None:
            told["due_at"] = dt.datetime.fromisoformat(told["due_at"])
    if event.action == "relocate":
        told |= event.payload["moved"]
    if event.action in ("report", "reassign", "designate", "relocate"):
        told |= {name: event.payload[name] for name in ("lead_body", "co_handlers") if name in event.payload}
    if _may_hold(event, "parties") and "parties" in event.payload:
        told["party_ids"] = sorted(party["body_id"] for party in event.payload["parties"])
    if event.to_state == "closed" and event.from_state != "closed":
        told["closed_at"] = event.at
    elif event.from_state == "closed" and event.to_state != "closed":
        told["closed_at"] = None
    if _may_hold(event, "clock"):
        told |= columns_of_payload(event.payload)
    return told


_TELLING = frozenset(("report", "reassign", "designate", "relocate"))


def _says_its_state_only(event: Any) -> bool:
    """Return whether an event says nothing of its case but the state, as most do: it is cheap to know."""
    if event.action in _TELLING or "closed" in (event.to_state, event.from_state):
        return False
    return not (_may_hold(event, "parties") or _may_hold(event, "clock"))


def _may_hold(event: Any, fact: str) -> bool:
    """Return whether a payload can hold a fact: a text is looked through, which is quicker than reading it."""
    return not isinstance(event, StoredEvent) or f'"{fact}"' in event.payload_text


def _faults_of_event(
    number: str, event: Any, expected: int, previous_hash: str, previous_state: str | None
) -> Iterator[tuple[str, str]]:
    if event.seq != expected:
        yield f"应为第 {expected} 步", f"should be number {expected}"
    if event.prev_hash != previous_hash:
        yield "与上一步的哈希不符", "does not follow the hash before it"
    if not has_its_hash(number, event):
        yield "内容与哈希不符", "its content does not have its hash"
    if event.from_state != previous_state:
        yield "环节不连续", f"starts from {event.from_state}, not {previous_state}"
