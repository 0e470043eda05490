"""Verification of hash chains against the database, of many by several processes that read one state of it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import SimpleNamespace

import psycopg
from psycopg import sql
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from grid.cases.proof.hash_chain import OPENING, ChainFault, StoredEvent, faults_of
from layers.postgres import engine
from layers.tables import Case

SHARED_FROM = 30_000
"""Cases from which starting further processes (about two seconds) is worth it."""


def verify_chains(db: Session, url: str, processes: int | None = None) -> list[ChainFault]:
    """Verify every chain as ``db`` sees it: the processes take parts of the cases, on its snapshot.

    Parameters
    ----------
    db : Session
        With the rights of the system, and nothing written: other processes do not see what is not committed.
    url : str
        Its database.
    processes : int or None
        None: one for each processor.
    """
    if processes is None and (db.scalar(text("SELECT count(*) FROM cases")) or 0) < SHARED_FROM:
        return verify_chain(db)
    parts = processes or len(os.sched_getaffinity(0))
    bounds = list(db.scalars(_BOUNDS, {"parts": parts}))
    snapshot = db.scalar(text("SELECT pg_export_snapshot()"))
    edges = [None, *bounds[1:], None]
    with ProcessPoolExecutor(parts, get_context("spawn")) as pool:
        tasks = [pool.submit(_verify_part, url, str(snapshot), part) for part in itertools.pairwise(edges)]
        return [fault for task in tasks for fault in task.result()]


_BOUNDS = text("""
SELECT min(id) FROM (SELECT id, ntile(:parts) OVER (ORDER BY id) AS part FROM cases) t GROUP BY part ORDER BY part
""")


def _verify_part(url: str, snapshot: str, ids: tuple[int | None, int | None]) -> list[ChainFault]:
    reading = engine(url).execution_options(isolation_level="REPEATABLE READ")
    with reading.connect() as connection, Session(connection) as db:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        driver.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        return verify_chain(db, ids=ids)


def verify_chain(
    db: Session, number: str | None = None, *, ids: tuple[int | None, int | None] = (None, None)
) -> list[ChainFault]:
    """Verify the hash chain of one case, or of every case that the caller may see.

    Parameters
    ----------
    number : str or None
        Of one case.
    ids : tuple
        Only cases with ids from the first up to but not including the second; None: no bound.

    Returns
    -------
    list of ChainFault
        Empty when every chain is intact.
    """
    cases = select(*_COMPARED, func.ST_X(Case.geom).label("lon"), func.ST_Y(Case.geom).label("lat")).order_by(
        Case.id
    )
    if number is not None:
        cases = cases.where(Case.number == number)
    first, end = ids
    if first is not None:
        cases = cases.where(Case.id >= first)
    if end is not None:
        cases = cases.where(Case.id < end)
    stream = _stored_events(db, number, first, end)
    groups = itertools.groupby(stream, key=lambda event: event.case_id)
    faults: list[ChainFault] = []
    current = next(groups, None)
    for row in db.execute(cases, execution_options={"yield_per": 2000}):
        case = SimpleNamespace(**row._mapping, place=(row.lon, row.lat))
        while current is not None and current[0] < case.id:
            en = f"events of case id {current[0]}, which is not among the cases"
            faults.append(ChainFault(f"#{current[0]}", None, "记录所属的案件不存在", en))
            current = next(groups, None)
        if current is not None and current[0] == case.id:
            faults += faults_of(case, current[1])
            current = next(groups, None)
        else:
            faults += faults_of(case, [])
    return [*faults, *_party_faults(db, number, first, end), *_dispatch_faults(db, number, first, end)]


_PARTIES = text("""
SELECT c.number FROM cases c
JOIN LATERAL (SELECT e.payload -> 'parties' AS parties FROM case_events e
              WHERE e.case_id = c.id AND e.payload ? 'parties' ORDER BY e.seq DESC LIMIT 1) told ON true
WHERE (CAST(:number AS text) IS NULL OR c.number = :number)
  AND c.id >= COALESCE(CAST(:first AS bigint), c.id) AND (CAST(:end AS bigint) IS NULL OR c.id < :end)
  AND (SELECT COALESCE(jsonb_agg(jsonb_build_array(p.body_id, p.body, p.part, p.state) ORDER BY p.body_id), '[]')
       FROM case_parties p WHERE p.case_id = c.id AND p.until IS NULL)
   <> (SELECT COALESCE(jsonb_agg(jsonb_build_array(t.body_id, t.body, t.part, t.state) ORDER BY t.body_id), '[]')
       FROM jsonb_to_recordset(told.parties) AS t (body_id bigint, body text, part text, state text))
ORDER BY c.id
""")


def _party_faults(db: Session, number: str | None, first: int | None, end: int | None) -> list[ChainFault]:
    """Faults of the table of parties, which must have those of the newest event that holds parties."""
    rows = db.scalars(_PARTIES, {"number": number, "first": first, "end": end})
    return [
        ChainFault(row, None, "参与主体与记录不符", "case_parties are not those of its events")
        for row in rows
    ]


_DISPATCHES = text("""
WITH chosen AS (SELECT id, number, state FROM cases c WHERE (CAST(:number AS text) IS NULL OR c.number = :number)
    AND c.id >= COALESCE(CAST(:first AS bigint), c.id) AND (CAST(:end AS bigint) IS NULL OR c.id < :end)),
sent AS (SELECT c.number, e.case_id, e.seq, e.at, e.actor, e.payload FROM case_events e
    JOIN chosen c ON c.id = e.case_id WHERE e.action = 'send_officer'),
kept AS (SELECT c.number, d.* FROM dispatches d JOIN chosen c ON c.id = d.case_id)
SELECT COALESCE(s.number, d.number) AS number, COALESCE(s.seq, d.event_seq) AS seq
FROM sent s FULL JOIN kept d ON d.case_id = s.case_id AND d.event_seq = s.seq
LEFT JOIN LATERAL (
    SELECT CASE e.action WHEN 'accept_call' THEN 'accepted' WHEN 'decline_call' THEN 'declined'
                         WHEN 'recall' THEN 'recalled' ELSE 'arrived' END AS state
    FROM case_events e WHERE e.case_id = d.case_id AND e.seq > d.event_seq
        AND (e.payload #>> '{dispatch,of}')::bigint = d.event_seq ORDER BY e.seq DESC LIMIT 1) told ON true
WHERE s.case_id IS NULL OR d.case_id IS NULL
   OR (d.officer_id, d.body_id, d.sent_at, d.sent_by) <> ((s.payload #>> '{dispatch,officer_id}')::bigint,
        (s.payload #>> '{dispatch,body_id}')::bigint, s.at, s.actor)
   OR CASE WHEN d.state = 'ended' THEN COALESCE(told.state, 'sent') IN ('declined', 'recalled') OR NOT EXISTS (
               SELECT FROM case_events e WHERE e.case_id = d.case_id AND e.seq > d.event_seq AND e.at = d.ended_at
                  AND (e.payload ? 'parties' OR e.to_state IN ('returned', 'fed_back', 'closed', 'merged')))
           ELSE d.state <> COALESCE(told.state, 'sent') END
   OR d.state IN ('sent', 'accepted', 'arrived') AND NOT EXISTS (
        SELECT FROM case_parties p WHERE p.case_id = d.case_id AND p.until IS NULL AND p.body_id = d.body_id
            AND p.part IN ('lead', 'co_handler') AND p.state NOT IN ('refused', 'fed_back'))
ORDER BY 1, 2
""")


def _dispatch_faults(db: Session, number: str | None, first: int | None, end: int | None) -> list[ChainFault]:
    """Faults of the table of dispatches, which must have what the events say."""
    rows = db.execute(_DISPATCHES, {"number": number, "first": first, "end": end})
    return [
        ChainFault(row.number, row.seq, "派员与记录不符", "dispatches are not those of its events")
        for row in rows
    ]


_EVENTS_OF_CHAINS = """
SELECT e.case_id, e.seq, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), e.actor, e.role,
       e.action, e.from_state, e.to_state, e.payload::text, e.prev_hash, e.hash
FROM case_events e
"""
_CHOSEN = {
    "number": "e.case_id = (SELECT id FROM cases WHERE number = %(number)s)",
    "first": "e.case_id >= %(first)s",
    "end": "e.case_id < %(end)s",
}


def _stored_events(
    db: Session, number: str | None, first: int | None, end: int | None
) -> Iterator[StoredEvent]:
    """Read events by case and order, as rows of the driver: objects would cost most of the time."""
    connection = db.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    chosen = {"number": number, "first": first, "end": end}
    conditions = [_CHOSEN[name] for name, value in chosen.items() if value is not None] or ["true"]
    with connection.cursor(name="events_of_chains") as cursor:
        cursor.itersize = 5000
        where = " AND ".join(conditions)
        cursor.execute(f"{_EVENTS_OF_CHAINS} WHERE {where} ORDER BY e.case_id, e.seq", chosen)
        yield from map(StoredEvent._make, cursor)


_COMPARED = [
    getattr(Case, name)
    for name in (
        "id",
        "number",
        "state",
        "opened_at",
        "closed_at",
        "lead_body",
        "co_handlers",
        "party_ids",
        "assignment",
        "stage_due_at",
        "late_since",
        "paused_since",
        *(name for name in OPENING if name not in ("place", "assignment_sha256")),
    )
]
