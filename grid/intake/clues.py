"""Clues: received, rejected, merged, or opened as a case.

All of it runs with the rights of the service; what the caller may see is asked before, in the caller's scope.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from grid.cases import open_case
from grid.errors import GridError, IllegalTransition
from grid.gazetteer import find_places
from grid.responsibility import assign
from layers.errors import NotFound
from layers.local_time import local_day
from layers.postgres import read_seen
from layers.tables import CLUE_SOURCES, URGENCIES, Case, CaseEvent, Clue, ClueReporter

MOST_CHARACTERS = 4_000
REPLACED = "\ufffd"
"""Character in place of bytes that are no text: the sender's words are not guessed."""
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 16
_PHONE = re.compile(r"\+?[0-9][0-9 \-]{4,18}[0-9]")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


@dataclass(frozen=True)
class ClueFacts:
    """A report of somebody.

    Attributes
    ----------
    source : str
        One of ``layers.tables.CLUE_SOURCES``.
    lon, lat : float or None
        Degrees, EPSG:4326; both or none.
    reporter_name, phone, email : str or None
        Personal data.
    """

    source: str
    text: str
    address: str | None = None
    lon: float | None = None
    lat: float | None = None
    item_code: str | None = None
    urgency: str = "normal"
    reporter_name: str | None = None
    phone: str | None = None
    email: str | None = None

    def digest(self) -> str:
        """Return the SHA-256 of the report: two calls with one key must say the same."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode("utf-8")).hexdigest()


def new_query_code() -> str:
    """Return a code by which a report of the public is asked for: 79 bits, without letters that look alike."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def code_hash(code: str) -> str:
    """Return the hash under which a query code is stored; blanks, hyphens and case do not matter."""
    return hashlib.sha256(re.sub(r"[\s-]", "", code).upper().encode("utf-8", "replace")).hexdigest()


def receive_clue(
    db: Session,
    facts: ClueFacts,
    *,
    at: dt.datetime,
    created_by: str | None = None,
    idempotency_key: str | None = None,
    query_code: str | None = None,
) -> Clue:
    """Store a clue, or return the one that the same key of the same account stored before.

    Raises
    ------
    GridError
        A member of the report is not fit; the message names it. The key was used for another report.
    """
    if idempotency_key is not None:
        db.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 1))"),
            {"key": f"clue:{created_by}:{idempotency_key}"},
        )
        before = db.scalar(
            select(Clue).where(Clue.created_by == created_by, Clue.idempotency_key == idempotency_key)
        )
        if before is not None:
            if before.body_sha256 != facts.digest():
                raise GridError(
                    "Idempotency-Key: it was used for another report", "Idempotency-Key：该键已用于另一份内容"
                )
            return before
    _check(facts)
    domain = None if facts.item_code is None else matter_domain(db, facts.item_code, local_day(at))
    place, area_id, candidates = _placed(db, facts)
    clue = Clue(
        source=facts.source,
        text=facts.text.strip(),
        address=facts.address,
        candidates=candidates,
        geom=place,
        area_id=area_id,
        item_code=facts.item_code,
        domain=domain,
        urgency=facts.urgency,
        state="received",
        created_by=created_by,
        created_at=at,
        updated_at=at,
        idempotency_key=idempotency_key,
        body_sha256=facts.digest() if idempotency_key else None,
        code_hash=code_hash(query_code) if query_code else None,
        related_cases=[],
    )
    db.add(clue)
    db.flush()
    if facts.reporter_name or facts.phone or facts.email:
        db.add(ClueReporter(clue_id=clue.id, name=facts.reporter_name, phone=facts.phone, email=facts.email))
        db.flush()
    return clue


def matter_domain(db: Session, item_code: str, day: dt.date) -> str:
    """Return the domain of a matter that is in force on a day.

    Raises
    ------
    GridError
        There is no such matter, or it was withdrawn; the message says when.
    """
    rows = db.execute(
        text(
            "SELECT domain, valid_from, valid_to, valid_from <= :day AND (valid_to IS NULL OR valid_to > :day)"
            " FROM matters WHERE item_code = :item_code ORDER BY valid_from DESC"
        ),
        {"item_code": item_code, "day": day},
    ).all()
    if not rows:
        raise GridError(f"item_code: there is no matter {item_code!r}", f"item_code：没有事项 {item_code}")
    for domain, _, _, in_force in rows:
        if in_force:
            return str(domain)
    _, since, until, _ = rows[0]
    if until is not None and until <= day:
        raise GridError(
            f"item_code: matter {item_code} was withdrawn on {until}",
            f"item_code：事项 {item_code} 已于 {until} 取消",
        )
    raise GridError(
        f"item_code: matter {item_code} holds from {since}", f"item_code：事项 {item_code} 自 {since} 起生效"
    )


def _check(facts: ClueFacts) -> None:
    """Refuse what is not fit, with the name of the member."""
    if facts.source not in CLUE_SOURCES:
        raise GridError(f"source: none of {', '.join(CLUE_SOURCES)}", "source：来源无效")
    if facts.urgency not in URGENCIES:
        raise GridError(f"urgency: none of {', '.join(URGENCIES)}", "urgency：紧急程度无效")
    if len(facts.text.strip()) < 2:
        raise GridError("text: at least two characters", "text：内容至少两个字")
    _check_texts(facts)
    if facts.phone is not None and not _PHONE.fullmatch(facts.phone):
        raise GridError("phone: 6 to 20 digits, as 13812345678", "phone：电话号码无效，例如 13812345678")
    if facts.email is not None and not _EMAIL.fullmatch(facts.email):
        raise GridError("email: no address of mail", "email：邮箱地址无效")
    _check_place_given(facts)


def _check_texts(facts: ClueFacts) -> None:
    """Refuse texts that are too long or have control characters."""
    written = {
        "text": facts.text,
        "address": facts.address,
        "name": facts.reporter_name,
        "email": facts.email,
    }
    for name, value in written.items():
        if value is not None:
            _check_text(name, value, MOST_CHARACTERS if name == "text" else 200)


def _check_text(name: str, value: str, most: int) -> None:
    if len(value) > most:
        raise GridError(f"{name}: more than {most} characters", f"{name}：超过 {most} 个字符")
    if any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") and c not in "\n\r\t" for c in value):
        raise GridError(f"{name}: it has control characters", f"{name}：含有控制字符或无效字符")
    if REPLACED in value:
        raise GridError(
            f"{name}: letters were lost before it came here (U+FFFD): send it as UTF-8",
            f"{name}：文字在送达前已损坏（U+FFFD），请以 UTF-8 发送",
        )


def _check_place_given(facts: ClueFacts) -> None:
    """Refuse half a place, and a report without any."""
    if (facts.lon is None) != (facts.lat is None):
        raise GridError("lon and lat: both or none", "lon、lat：须同时给出")
    if facts.lon is None and not (facts.address or "").strip():
        raise GridError("address: a place or an address is needed", "address：须给出位置或地址")


def _placed(db: Session, facts: ClueFacts) -> tuple[str | None, int | None, list[dict[str, Any]]]:
    """Return the place, its scope area, and the candidates of the address.

    The place of an address is never chosen here: a clerk does that. The area is that of all candidates, if they
    share one town or county; a place outside of every area is refused, and so is an address of another city.
    """
    if facts.lon is not None and facts.lat is not None:
        if not (-180 <= facts.lon <= 180 and -90 <= facts.lat <= 90):
            raise GridError("lon, lat: no degrees", "lon、lat：经纬度无效")
        owner = db.scalar(
            text("SELECT owning_area(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))"),
            {"lon": facts.lon, "lat": facts.lat},
        )
        if owner is None:
            raise GridError(
                "lon, lat: the place lies outside of every area of this city (in the sea?)",
                "lon、lat：位置不在本市任何区域内（是否在海上？）",
            )
        return f"SRID=4326;POINT({facts.lon!r} {facts.lat!r})", int(owner), []
    (found,) = find_places(db, [facts.address or ""])
    if found.outcome == "another_city":
        raise GridError(
            f"address: it is in {found.another_city}, not in this city",
            f"address：该地址属于{found.another_city}，不在本市",
        )
    paths = [candidate.within for candidate in found.candidates]
    common = _common_path(paths)
    area_id = (
        None
        if not common
        else db.scalar(
            text(
                "SELECT id FROM areas WHERE code = :code AND holds_at(valid_from, valid_to) ORDER BY id DESC LIMIT 1"
            ),
            {"code": common[-1]},
        )
    )
    return None, area_id, [asdict(candidate) for candidate in found.candidates]


def _common_path(paths: Sequence[Sequence[str]]) -> list[str]:
    """Return what all paths begin with, down to towns."""
    common: list[str] = []
    for codes in zip(*paths, strict=False):
        if len(set(codes)) > 1 or len(codes[0]) > 9:
            break
        common.append(codes[0])
    return common


def read_clue(db: Session, clue_id: int, *, lock: bool = False) -> Clue:
    """Return a clue that the scope of the transaction sees.

    Raises
    ------
    NotFound
    """
    return read_seen(db, Clue, clue_id, ("clue", "线索"), lock=lock)


def read_clues(
    db: Session, *, state: str | None, source: str | None = None, before: int | None, most: int
) -> list[Clue]:
    """Return clues that the scope of the transaction sees, the newest first."""
    wanted = select(Clue).order_by(Clue.id.desc()).limit(most)
    if state is not None:
        wanted = wanted.where(Clue.state == state)
    if source is not None:
        wanted = wanted.where(Clue.source == source)
    if before is not None:
        wanted = wanted.where(Clue.id < before)
    return list(db.scalars(wanted))


def _undecided(db: Session, clue_id: int) -> Clue:
    clue = read_clue(db, clue_id, lock=True)
    if clue.state != "received":
        raise IllegalTransition(
            f"clue {clue_id} was decided before: {clue.state}", f"线索 {clue_id} 已处理，不能再次处理"
        )
    return clue


def _decide(clue: Clue, state: str, by: str, at: dt.datetime, reason: str | None) -> None:
    clue.state, clue.decided_by, clue.decided_at, clue.updated_at, clue.reason = state, by, at, at, reason


def reject_clue(db: Session, clue_id: int, *, reason: str, by: str, at: dt.datetime) -> Clue:
    """Reject a clue with a reason."""
    clue = _undecided(db, clue_id)
    if not reason.strip():
        raise GridError("reason: a rejection needs one", "reason：不予受理须说明理由")
    _decide(clue, "rejected", by, at, reason.strip())
    db.flush()
    return clue


def merge_clue(
    db: Session, clue_id: int, *, by: str, at: dt.datetime, case: Case | None = None, into: Clue | None = None
) -> Clue:
    """Merge a clue into a case or into another clue; what becomes of that is told for both."""
    clue = _undecided(db, clue_id)
    if (case is None) == (into is None):
        raise GridError("case_number, clue_id: one of both", "case_number、clue_id：须给出其一")
    if into is not None:
        seen, last = {clue.id}, into
        while last.merged_into is not None and last.id not in seen:
            seen.add(last.id)
            last = read_clue(db, last.merged_into)
        if last.id in seen:
            raise GridError("clue_id: a clue cannot be merged into itself", "clue_id：线索不能并入自身")
        clue.merged_into, clue.case_id = last.id, last.case_id
    elif case is not None:
        clue.case_id = case.id
    _decide(clue, "merged", by, at, None)
    db.flush()
    return clue


def relate_clue(db: Session, clue_id: int, case: Case, *, at: dt.datetime) -> Clue:
    """Link a clue with a case that has to do with it; both stay as they are."""
    clue = read_clue(db, clue_id, lock=True)
    if case.number not in clue.related_cases:
        clue.related_cases, clue.updated_at = [*clue.related_cases, case.number], at
    db.flush()
    return clue


def open_case_of_clue(
    db: Session,
    clue_id: int,
    *,
    title: str,
    item_code: str,
    lon: float,
    lat: float,
    by: str,
    role: str,
    at: dt.datetime,
) -> Case:
    """Open the case of a clue, at the place and for the matter that a person decided.

    The source of the clue is a fact of the case's first event.
    """
    clue = _undecided(db, clue_id)
    if not title.strip():
        raise GridError("title: is empty", "title：标题不能为空")
    _check_text("title", title, 200)
    clue.domain = matter_domain(db, item_code, local_day(at))
    assignment = assign(db, lon=lon, lat=lat, item_code=item_code, at=at)
    if assignment.outcome == "no_area" or assignment.scope_area_id is None:
        raise GridError(
            "lon, lat: the place lies outside of every area of this city (in the sea?)",
            "lon、lat：位置不在本市任何区域内（是否在海上？）",
        )
    case = open_case(
        db,
        title=title,
        item_code=item_code,
        assignment=assignment,
        lon=lon,
        lat=lat,
        opened_at=at,
        urgency=clue.urgency,
        actor=by,
        role=role,
        payload={"source": clue.source, "clue": clue.id},
    )
    clue.case_id, clue.item_code, clue.area_id = case.id, item_code, assignment.scope_area_id
    clue.geom = f"SRID=4326;POINT({lon!r} {lat!r})"
    _decide(clue, "opened", by, at, None)
    db.flush()
    return case


def find_by_code(db: Session, code: str) -> Clue:
    """Return the report of the public that a query code stands for.

    Raises
    ------
    NotFound
    """
    clue = db.scalar(select(Clue).where(Clue.code_hash == code_hash(code)))
    if clue is None:
        raise NotFound("code: no report with this code", "没有此查询码的记录")
    return clue


def cases_of_clue(db: Session, clue: Clue) -> tuple[Case | None, list[CaseEvent]]:
    """Return the case that a clue became or was merged into, and its steps."""
    case_id, seen = clue.case_id, {clue.id}
    while case_id is None and clue.merged_into is not None and clue.merged_into not in seen:
        seen.add(clue.merged_into)
        clue = read_clue(db, clue.merged_into)
        case_id = clue.case_id
    if case_id is None:
        return None, []
    events = select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.seq)
    return db.get_one(Case, case_id), list(db.scalars(events))


def told_of_case(db: Session, case_id: int) -> list[Clue]:
    """Return the clues that became a case or were merged into it, the first one first."""
    return list(db.scalars(select(Clue).where(Clue.case_id == case_id).order_by(Clue.id)))
