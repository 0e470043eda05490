"""Cases by the hundred thousand, each with eight events in a chain that holds, written past the one writer.

``write_many_cases(url, 100_000)``: a year of cases over the areas that are stored (none: cases without area). Hashes are
those of the product; only the locks, checks and triggers of each single step are left out.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from typing import Any

import orjson
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from grid.cases.proof.hash_chain import GENESIS, opening_facts
from layers.postgres import libpq_url

FIRST = dt.datetime(2025, 1, 1, 2, tzinfo=dt.UTC)
STEPS = (
    ("report", None, "reported", 0, "system", "service"),
    ("verify", "reported", "accepted", 2, "dan", "dispatcher"),
    ("file", "accepted", "filed", 5, "dan", "dispatcher"),
    ("dispatch", "filed", "dispatched", 9, "dan", "dispatcher"),
    ("dispose", "dispatched", "disposed", 60, "ofei", "officer"),
    ("feed_back", "disposed", "fed_back", 62, "ofei", "officer"),
    ("check", "fed_back", "checked", 80, "sue", "supervisor"),
    ("close", "checked", "closed", 82, "sue", "supervisor"),
)
BODIES = 200
"""Bodies that lead, by their keys from 1 on; each has that part of the cases."""
ITEMS = (("ECO-RESUME-001", "ecology"), ("URB-WASTE-002", "urban"), ("TRA-LOAD-003", "transport"))


_FACTS = """
INSERT INTO case_facts (case_id, number, area_id, domain, item_code, source, lead_body, city_area_id, county_area_id,
    town_area_id, opened_at, due_at, accepted_at, filed_at, dispatched_at, disposed_at, closed_at)
SELECT c.id, c.number, c.area_id, c.domain, c.item_code, 'other', c.lead_body, c.city_area_id, c.county_area_id,
    c.town_area_id, c.opened_at, c.due_at, min(e.at) FILTER (WHERE e.action = 'verify'),
    min(e.at) FILTER (WHERE e.action = 'file'), min(e.at) FILTER (WHERE e.action = 'dispatch'),
    max(e.at) FILTER (WHERE e.action = 'dispose'), c.closed_at
FROM cases c JOIN case_events e ON e.case_id = c.id WHERE c.id > %s GROUP BY c.id
"""


class _Row(dict[str, Any]):
    __getattr__ = dict.__getitem__


def write_many_cases(url: str, cases: int, seed: int = 1) -> int:
    """Write the cases and their events; returns the number of events."""
    rng = random.Random(seed)
    with psycopg.connect(libpq_url(url)) as db:
        db.execute("SET session_replication_role = replica")
        towns = db.execute(
            "SELECT t.id, county.id, city.id FROM areas t LEFT JOIN areas county ON county.id = t.parent_id"
            " LEFT JOIN areas city ON city.id = county.parent_id WHERE t.kind = 'town' AND t.valid_to IS NULL"
        ).fetchall() or [(None, None, None)]
        first_id = (db.execute("SELECT max(id) FROM cases").fetchone() or (0,))[0] or 0
        first_event = (db.execute("SELECT max(id) FROM case_events").fetchone() or (0,))[0] or 0
        made = [_case(first_id + 1 + i, i / cases, rng, towns) for i in range(cases)]
        _copy_cases(db, made)
        events = _copy_events(db, made, first_event, rng)
        db.execute(
            "INSERT INTO chain_entries (event_id, number, seq, hash)"
            " SELECT e.id, c.number, e.seq, e.hash FROM case_events e JOIN cases c ON c.id = e.case_id"
            " WHERE e.id > %s",
            [first_event],
        )
        db.execute(_FACTS, [first_id])
        for table in ("cases", "case_events"):
            db.execute(
                sql.SQL("SELECT setval(pg_get_serial_sequence({0}, 'id'), (SELECT max(id) FROM {1}))").format(
                    table, sql.Identifier(table)
                )
            )
        db.commit()
        db.autocommit = True
        db.execute("VACUUM ANALYZE cases, case_events, case_facts, chain_entries")
    return events


def _case(key: int, part: float, rng: random.Random, towns: list[Any]) -> _Row:
    opened = FIRST + dt.timedelta(days=365 * part)
    item, domain = rng.choice(ITEMS)
    town, county, city = rng.choice(towns)
    return _Row(
        id=key, number=f"BM{opened:%Y%m%d}-{key:07d}", alert_id=None, site_id=None, title=f"案件 {key}",
        item_code=item, domain=domain, grid_area_id=None, community_area_id=None, town_area_id=town,
        county_area_id=county, city_area_id=city, lead_body=f"单位{key % 60}", co_handlers=[], assignment={},
        state="closed", urgency="normal", opened_at=opened, due_at=opened + dt.timedelta(hours=rng.choice((50, 70, 96))),
        area_id=town, party_ids=sorted({1 + key % BODIES, 1_001 + key % 20}), place=(round(rng.uniform(120.5, 121.5), 6), round(rng.uniform(31.8, 32.5), 6)),
        n_events=len(STEPS) if rng.random() < 0.9 else rng.randint(1, len(STEPS)),
    )  # fmt: skip


_CASE_COLUMNS = (
    "id", "number", "title", "item_code", "domain", "town_area_id", "county_area_id", "city_area_id", "lead_body",
    "co_handlers", "assignment", "state", "opened_at", "due_at", "closed_at", "area_id",
    "party_ids", "geom",
)  # fmt: skip


def _copy_cases(db: psycopg.Connection, cases: list[_Row]) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, _CASE_COLUMNS))
    with db.cursor().copy(sql.SQL("COPY cases ({}) FROM STDIN").format(columns)) as copy:
        for case in cases:
            last = STEPS[case.n_events - 1]
            closed = case.opened_at + dt.timedelta(hours=last[3]) if last[2] == "closed" else None
            special = {
                "state": last[2], "closed_at": closed, "assignment": Jsonb({}),
                "geom": f"SRID=4326;POINT({case.place[0]!r} {case.place[1]!r})",
            }  # fmt: skip
            copy.write_row([special[name] if name in special else case[name] for name in _CASE_COLUMNS])


def _copy_events(db: psycopg.Connection, cases: list[_Row], key: int, rng: random.Random) -> int:
    n_events = 0
    columns = (
        "id, case_id, seq, at, actor, role, action, from_state, to_state, payload, prev_hash, hash, area_id"
    )
    with db.cursor().copy(f"COPY case_events ({columns}) FROM STDIN") as copy:
        for case in cases:
            previous = GENESIS
            for seq, (action, before, after, hours, actor, role) in enumerate(
                STEPS[: case.n_events], start=1
            ):
                at = case.opened_at + dt.timedelta(hours=hours)
                payload: dict[str, Any] = {"note": f"第 {seq} 步"} if seq > 1 else {
                    "lead_body": case.lead_body, "co_handlers": [], "case": opening_facts(case),
                }  # fmt: skip
                fields = {
                    "case": case.number, "seq": seq, "at": at.isoformat(timespec="microseconds"), "actor": actor,
                    "role": role, "action": action, "from": before, "to": after, "payload": payload,
                    "prev_hash": previous,
                }  # fmt: skip
                digest = hashlib.sha256(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)).hexdigest()
                key, n_events = key + 1, n_events + 1
                written = orjson.dumps(payload).decode()
                copy.write_row((key, case.id, seq, at, actor, role, action, before, after, written, previous, digest,
                                case.area_id))  # fmt: skip
                previous = digest
    return n_events
