"""Heads: signed hashes over the events of all cases and the rows of the access log, each bound to the head before.

An event waits for a head from the transaction that adds it (``chain_entries``), a row of the access log
likewise. A head takes what waits, so that writers never wait for each other. Its text is the canonical JSON
of ``head_text``, its hash the SHA-256 of that, its signature Ed25519 over the text (docs/chain.md shows the
verification without this program).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Protocol

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from grid.cases.proof.chain_verification import verify_chain, verify_chains
from grid.cases.proof.hash_chain import GENESIS, ChainFault
from layers.records import KEPT_DAYS
from layers.tables import ChainEntry, ChainHead

ENTRIES_AT_ONCE = 10_000
"""Events, and rows of the access log, that one head binds at most."""
CLOCK_S = 60
"""By how much a head may lie outside of the time of its key: it may be made while keys change."""


class Signer(Protocol):
    """The private key that signs heads."""

    key_id: str

    def sign(self, message: bytes) -> bytes:
        """Sign a text."""


@dataclass(frozen=True)
class VerifyingKey:
    """A public key and when it signed; ``verify`` says whether a signature (of a text) is one of it."""

    verify: Callable[[bytes, bytes], bool]
    valid_from: dt.datetime
    valid_to: dt.datetime | None


@dataclass(frozen=True)
class NewestHead:
    """The newest head that is known from outside of the database."""

    sequence: int
    hash: str


@dataclass
class ChainReport:
    """Result of the verification of all chains.

    Attributes
    ----------
    faults : list of ChainFault
    n_events : int
        Events under heads.
    waiting : int
        Events that no head binds yet.
    newest : NewestHead or None
    """

    faults: list[ChainFault] = field(default_factory=list)
    n_events: int = 0
    waiting: int = 0
    newest: NewestHead | None = None


@dataclass(frozen=True)
class HeadFacts:
    """Content of a head, all of it signed."""

    sequence: int
    made_at: dt.datetime
    n_cases: int
    n_events: int
    n_entries: int
    entries_digest: str
    n_calls: int
    calls_digest: str
    prev_hash: str
    key_id: str


def head_text(facts: HeadFacts) -> bytes:
    """Return the text that is hashed and signed: JSON with sorted keys, no blanks, UTF-8, the time in UTC."""
    plain = asdict(facts) | {"made_at": facts.made_at.astimezone(dt.UTC).isoformat(timespec="microseconds")}
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# Lines are ordered byte by byte, so that a digest does not depend on the server's language.
_ENTRY_LINES = "string_agg(number || ' ' || seq || ' ' || hash, E'\\n' ORDER BY number COLLATE \"C\", seq)"
_CALL_LINES = (
    "string_agg(jsonb_build_array(id, extract(epoch from at), username, role, method, path, status,"
    " request_id, area_code, address, detail)::text, E'\\n' ORDER BY id)"
)


def _digest(lines: str) -> str:
    return f"encode(sha256(convert_to(COALESCE({lines}, ''), 'UTF8')), 'hex')"


_TAKE_ENTRIES = text(f"""
WITH waiting AS (SELECT event_id FROM chain_entries WHERE head IS NULL ORDER BY event_id LIMIT :most),
taken AS (UPDATE chain_entries e SET head = :head FROM waiting w WHERE e.event_id = w.event_id
          RETURNING e.number, e.seq, e.hash)
SELECT count(*) AS n, count(*) FILTER (WHERE seq = 1) AS n_cases, {_digest(_ENTRY_LINES)} AS digest FROM taken
""")
_TAKE_CALLS = text(f"""
WITH waiting AS (SELECT id FROM access_log WHERE head IS NULL ORDER BY id LIMIT :most),
taken AS (UPDATE access_log a SET head = :head FROM waiting w WHERE a.id = w.id RETURNING a.*)
SELECT count(*) AS n, {_digest(_CALL_LINES)} AS digest FROM taken
""")
_WAITING = text(
    "SELECT EXISTS (SELECT FROM chain_entries WHERE head IS NULL) OR EXISTS (SELECT FROM access_log WHERE"
    " head IS NULL)"
)


def make_head(db: Session, signer: Signer, now: dt.datetime) -> NewestHead | None:
    """Make the next head over what waits; None when nothing waits, or another process makes one.

    Parameters
    ----------
    db : Session
        With the rights of the system, in a transaction of its own.
    now : datetime
        With zone.
    """
    if not db.scalar(_WAITING):
        return None
    if not db.scalar(text("SELECT pg_try_advisory_xact_lock(hashtextextended('chain-heads', 0))")):
        return None
    last = db.scalars(select(ChainHead).order_by(ChainHead.sequence.desc()).limit(1)).one_or_none()
    sequence = 1 if last is None else last.sequence + 1
    asked = {"head": sequence, "most": ENTRIES_AT_ONCE}
    entries, calls = db.execute(_TAKE_ENTRIES, asked).one(), db.execute(_TAKE_CALLS, asked).one()
    if not (entries.n or calls.n):
        return None
    facts = HeadFacts(
        sequence=sequence,
        made_at=now,
        n_cases=(last.n_cases if last else 0) + entries.n_cases,
        n_events=(last.n_events if last else 0) + entries.n,
        n_entries=entries.n,
        entries_digest=entries.digest,
        n_calls=calls.n,
        calls_digest=calls.digest,
        prev_hash=last.hash if last else GENESIS,
        key_id=signer.key_id,
    )
    written = head_text(facts)
    made = NewestHead(sequence, sha256(written).hexdigest())
    db.execute(
        insert(ChainHead).values(**asdict(facts), hash=made.hash, signature=signer.sign(written).hex())
    )
    return made


def has_head(db: Session, head: NewestHead) -> bool:
    """Whether the chain still has a head that is known from outside."""
    found = db.scalar(select(ChainHead.hash).where(ChainHead.sequence == head.sequence))
    return found == head.hash


def newest_head(db: Session) -> NewestHead | None:
    """Read the newest head as it is stored."""
    statement = select(ChainHead.sequence, ChainHead.hash).order_by(ChainHead.sequence.desc()).limit(1)
    row = db.execute(statement).one_or_none()
    return None if row is None else NewestHead(*row)


def verify_all(
    db: Session,
    keys: Mapping[str, VerifyingKey],
    known: NewestHead | None,
    now: dt.datetime,
    *,
    url: str | None = None,
) -> ChainReport:
    """Verify every case, every head and what the heads bind.

    Parameters
    ----------
    db : Session
        With the rights of the system.
    keys : mapping
        Public keys by id.
    known : NewestHead or None
        The newest head that is known from outside of the database.
    url : str or None
        The database of ``db``: many chains are then verified by as many processes as there are processors, all on
        the rows that ``db`` sees committed.
    """
    report = ChainReport(faults=verify_chain(db) if url is None else verify_chains(db, url))
    return _with_heads(report, db, keys, known, now, number=None)


def verify_case(
    db: Session, number: str, keys: Mapping[str, VerifyingKey], known: NewestHead | None, now: dt.datetime
) -> ChainReport:
    """Verify one case and the heads made since it was opened; ``db`` as of :func:`verify_all`."""
    report = ChainReport(faults=verify_chain(db, number))
    return _with_heads(report, db, keys, known, now, number=number)


def _with_heads(
    report: ChainReport,
    db: Session,
    keys: Mapping[str, VerifyingKey],
    known: NewestHead | None,
    now: dt.datetime,
    *,
    number: str | None,
) -> ChainReport:
    first = 1 if number is None else db.scalar(_FIRST_HEAD, {"number": number}) or 1
    report.faults += _head_faults(db, keys, known, first)
    report.faults += _entry_faults(db, first)
    if number is None:
        report.faults += _call_faults(db, now)
    report.faults += [
        ChainFault(row.number, row.seq, row.zh, row.en) for row in db.execute(_EVENTS, {"number": number})
    ]
    counts = db.execute(_COUNTS, {"number": number}).one()
    report.n_events, report.waiting, report.newest = counts.under, counts.waiting, newest_head(db)
    return report


_FIRST_HEAD = text("SELECT min(head) FROM chain_entries WHERE number = :number")
_COUNTS = text(
    "SELECT count(head) AS under, count(*) - count(head) AS waiting FROM chain_entries"
    " WHERE CAST(:number AS text) IS NULL OR number = :number"
)
_EVENTS = text("""
SELECT e.number, e.seq,
       CASE WHEN v.id IS NULL THEN '已被删除' ELSE '与链首所载不符' END AS zh,
       CASE WHEN v.id IS NULL THEN 'was removed' ELSE 'is not the event that was entered' END AS en
FROM chain_entries e LEFT JOIN (case_events v JOIN cases c ON c.id = v.case_id) ON v.id = e.event_id
WHERE (CAST(:number AS text) IS NULL OR e.number = :number)
  AND (v.id IS NULL OR (v.hash, v.seq, c.number) IS DISTINCT FROM (e.hash, e.seq, e.number))
UNION ALL
SELECT c.number, v.seq, '未登记入链', 'was never entered for a head'
FROM case_events v JOIN cases c ON c.id = v.case_id LEFT JOIN chain_entries e ON e.event_id = v.id
WHERE (CAST(:number AS text) IS NULL OR c.number = :number) AND e.event_id IS NULL
ORDER BY 1, 2
""")


def _fault(sequence: int, zh: str, en: str) -> ChainFault:
    return ChainFault(f"chain head {sequence}", None, zh, en)


def _head_faults(
    db: Session, keys: Mapping[str, VerifyingKey], known: NewestHead | None, first: int
) -> Iterator[ChainFault]:
    """Faults of the heads from ``first`` on.

    Gaps, order, totals, hashes, signatures, and the newest one known.
    """
    statement = select(ChainHead).where(ChainHead.sequence >= first - 1).order_by(ChainHead.sequence)
    last: ChainHead | None = None
    hashes = {}
    for head in db.scalars(statement, execution_options={"yield_per": 1000}):
        hashes[head.sequence] = head.hash
        if head.sequence >= first:
            yield from _faults_of_head(head, last, keys)
        last = head
    if known is not None and known.sequence >= first and hashes.get(known.sequence) != known.hash:
        yield _fault(
            known.sequence, "已被删除或改写", "is known outside of the database, which has it no more"
        )


def _faults_of_head(
    head: ChainHead, last: ChainHead | None, keys: Mapping[str, VerifyingKey]
) -> Iterator[ChainFault]:
    before = (0, 0, 0, GENESIS) if last is None else (last.sequence, last.n_cases, last.n_events, last.hash)
    if head.sequence != before[0] + 1:
        yield _fault(
            head.sequence, f"其前应为链首 {head.sequence - 1}", f"is not preceded by head {head.sequence - 1}"
        )
    elif (head.prev_hash, head.n_events) != (before[3], before[2] + head.n_entries):
        yield _fault(head.sequence, "与上一链首不符", "does not follow the head before it")
    facts = HeadFacts(**{name: getattr(head, name) for name in HeadFacts.__dataclass_fields__})
    written = head_text(facts)
    if sha256(written).hexdigest() != head.hash:
        yield _fault(head.sequence, "内容与哈希不符", "its content does not have its hash")
    key = keys.get(head.key_id)
    slack = dt.timedelta(seconds=CLOCK_S)
    if key is None:
        yield _fault(
            head.sequence, f"密钥 {head.key_id} 未知", f"is signed with the unknown key {head.key_id}"
        )
    elif not key.verify(bytes.fromhex(head.signature), written):
        yield _fault(head.sequence, "签名无效", "its signature does not hold")
    elif head.made_at < key.valid_from - slack or (key.valid_to and head.made_at > key.valid_to + slack):
        yield _fault(head.sequence, "生成时间不在密钥有效期内", "was not made while its key was in use")


def _entry_faults(db: Session, first: int) -> Iterator[ChainFault]:
    """Heads from ``first`` on whose entries are not those that they bind."""
    statement = text(
        f"WITH found AS (SELECT head, count(*) AS n, {_digest(_ENTRY_LINES)} AS digest FROM chain_entries"
        " WHERE head >= :first GROUP BY head)"
        " SELECT COALESCE(h.sequence, f.head) AS sequence, COALESCE(f.n, 0) AS n, h.n_entries FROM found f"
        " FULL JOIN (SELECT * FROM chain_heads WHERE sequence >= :first) h ON h.sequence = f.head"
        " WHERE h.sequence IS NULL OR (COALESCE(f.n, 0), COALESCE(f.digest, :nothing)) <> (h.n_entries,"
        " h.entries_digest) ORDER BY 1"
    )
    for row in db.execute(statement, {"first": first, "nothing": sha256(b"").hexdigest()}):
        if row.n_entries is None:
            yield _fault(row.sequence, "已被删除", f"is gone; {row.n} events name it")
        else:
            en = f"binds {row.n_entries} events; the {row.n} that are there are not those"
            yield _fault(row.sequence, f"所载 {row.n_entries} 条记录与现存 {row.n} 条不符", en)


def _call_faults(db: Session, now: dt.datetime) -> Iterator[ChainFault]:
    """Heads whose rows of the access log were changed or removed before they are old enough to go."""
    statement = text(
        f"WITH found AS (SELECT head, count(*) AS n, {_digest(_CALL_LINES)} AS digest FROM access_log"
        " WHERE head > 0 GROUP BY head)"
        " SELECT h.sequence, COALESCE(f.n, 0) AS n, h.n_calls FROM chain_heads h LEFT JOIN found f ON f.head"
        " = h.sequence WHERE h.made_at > :kept AND (COALESCE(f.n, 0), COALESCE(f.digest, :nothing)) <>"
        " (h.n_calls, h.calls_digest) ORDER BY 1"
    )
    kept = now - dt.timedelta(days=KEPT_DAYS - 1)
    for row in db.execute(statement, {"kept": kept, "nothing": sha256(b"").hexdigest()}):
        en = f"binds {row.n_calls} rows of the access log; the {row.n} that are there are not those"
        yield _fault(row.sequence, f"所载访问日志 {row.n_calls} 行与现存 {row.n} 行不符", en)


def read_proof(db: Session, number: str | None = None) -> Iterator[dict[str, Any]]:
    """Heads with the lines that each binds, as plain data, for a verification without this program.

    Of one case: the heads that bind its events.
    """
    heads = select(ChainHead).order_by(ChainHead.sequence)
    if number is not None:
        heads = heads.where(
            ChainHead.sequence.in_(select(ChainEntry.head).where(ChainEntry.number == number))
        )
    lines = text(
        "SELECT number || ' ' || seq || ' ' || hash FROM chain_entries WHERE head = :head ORDER BY number"
        ' COLLATE "C", seq'
    )
    for head in db.scalars(heads).all():
        facts = HeadFacts(**{name: getattr(head, name) for name in HeadFacts.__dataclass_fields__})
        yield {
            "text": head_text(facts).decode(),
            "hash": head.hash,
            "signature": head.signature,
            "lines": list(db.scalars(lines, {"head": head.sequence})),
        }
