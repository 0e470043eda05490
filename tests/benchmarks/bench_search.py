"""Speed of the search: ``python tests/benchmarks/bench_search.py [companies] [plates] [cases]``, a cluster of its own.

What people type (parts of names, pinyin, initials, plates, numbers, addresses) as a caller of the whole city and as one of a
town; prints the 50th and 95th percentile of each sort in milliseconds, and the load of the machine.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from pathlib import Path

from pypinyin import Style, lazy_pinyin
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.gazetteer import refresh_place_names
from grid.search import Asked, find
from layers.postgres import SYSTEM, Scope, migrate, session
from layers.private_server import Cluster

CHARACTERS = (
    "海安启东如皋通州崇川吕四港大洋新丰和兴隆平安富民永盛金沙石桥河口南北西中华江城星光明达长天山湖林"
)
TRADES = ("化工有限公司", "纺织有限公司", "物流有限公司", "机械制造厂", "新材料科技有限公司", "建材经营部")
TOWNS = 96
ROUNDS = 60
READS = frozenset({"cases", "alerts", "vehicles"})


def main(companies: int, plates: int, cases: int) -> None:
    """Write the city and print how long each sort of search takes."""
    rng = random.Random(7)
    names = [
        "".join(rng.choices(CHARACTERS, k=rng.choice((2, 3, 4)))) + rng.choice(TRADES)
        for _ in range(companies)
    ]
    with tempfile.TemporaryDirectory(prefix="wgb-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with Cluster(Path(folder) / "c", durable=False) as cluster:
            migrate(cluster.url)
            started = time.perf_counter()
            with session(SYSTEM, cluster.url) as db:
                _write(db, names, plates, cases)
            with session(SYSTEM, cluster.url) as db:
                refresh_place_names(db)
            with session(SYSTEM, cluster.url) as db:
                db.execute(text("ANALYZE"))
            print(
                f"{companies:,} companies, {plates:,} plates, {cases:,} cases in {time.perf_counter() - started:.0f} s"
            )
            city = Scope("dispatcher", city_wide=True, username="d")
            with session(SYSTEM, cluster.url) as db:
                town = int(db.scalar(text("SELECT min(id) FROM areas WHERE kind = 'town'")) or 0)
            for name, scope in (
                ("city", city),
                ("town", Scope("officer", area_ids=(town,), username="o", body_id=3)),
            ):
                for kind, asked in _questions(rng, names, plates, cases).items():
                    _measure(cluster.url, f"{name} {kind}", scope, asked)


def _measure(url: str, name: str, scope: Scope, asked: list[str]) -> None:
    took, hits = [], 0
    for each in asked:
        started = time.perf_counter()
        with session(scope, url) as db:
            hits += bool(find(db, Asked(each, scope, reads=READS)))
        took.append((time.perf_counter() - started) * 1_000)
    took = sorted(took[5:])
    print(
        f"{name:16} p50 {took[len(took) // 2]:6.1f} ms  p95 {took[int(len(took) * 0.95)]:6.1f} ms  "
        f"{hits / len(asked):.0%} found  load {os.getloadavg()[0]:.1f}"
    )


def _questions(rng: random.Random, names: list[str], plates: int, cases: int) -> dict[str, list[str]]:
    some = rng.choices(names, k=ROUNDS)
    return {
        "first four": [name[:4] for name in some],
        "two anywhere": [name[1:3] for name in some],
        "trade": [name[-6:-2] for name in some],
        "pinyin": ["".join(lazy_pinyin(name[:3])) for name in some],
        "one syllable": [lazy_pinyin(name[0])[0] for name in some],
        "initials": ["".join(lazy_pinyin(name[:4], style=Style.FIRST_LETTER)) for name in some],
        "plate": [f"苏F{rng.randrange(plates):06d}" for _ in some],
        "plate, a part": [f"{rng.randrange(1_000):03d}" for _ in some],
        "case": [_case(rng.randrange(cases)) for _ in some],
        "case, start": [f"AJ2026{rng.randrange(1, 13):02d}" for _ in some],
        "case, end": [f"{rng.randrange(3_000):04d}" for _ in some],
        "address": [f"{name[:5]}旁边{rng.randrange(99)}号" for name in some],
    }


def _case(number: int) -> str:
    return f"AJ2026{number // 28 % 12 + 1:02d}{number % 28 + 1:02d}-{number // 336 + 1:04d}"


def _write(db: Session, names: list[str], plates: int, cases: int) -> None:
    for statement in _AREAS:
        db.execute(text(statement), {"towns": TOWNS})
    db.execute(text(_COMPANIES), {"names": names})
    db.execute(text(_PLATES), {"plates": plates})
    db.execute(text("ALTER TABLE cases DISABLE TRIGGER USER"))
    for first in range(0, cases, 100_000):
        numbers = [_case(n) for n in range(first, min(first + 100_000, cases))]
        db.execute(text(_CASES), {"numbers": numbers})
    db.execute(text("ALTER TABLE cases ENABLE TRIGGER USER"))


_BOX = "ST_Multi(ST_MakeEnvelope(120 + 0.01 * n, 32, 120.01 + 0.01 * n, 32.5, 4326))"
_AREAS = (
    "INSERT INTO areas (code, name, kind, valid_from, geom, label_point, area_m2) SELECT '320600', '测试市', 'city', '2020-01-01',"
    " ST_Multi(ST_MakeEnvelope(120, 32, 121, 32.5, 4326)), ST_SetSRID(ST_MakePoint(120.5, 32.2), 4326), 1",
    "INSERT INTO areas (code, name, kind, parent_id, valid_from, geom, label_point, area_m2)"
    " SELECT '320601' || lpad(n::text, 3, '0'), '通' || n || '镇', 'town', (SELECT id FROM areas WHERE kind = 'city'), '2020-01-01',"
    f" {_BOX}, ST_SetSRID(ST_MakePoint(120.005 + 0.01 * n, 32.2), 4326), 1 FROM generate_series(0, :towns - 1) AS n",
)
_COMPANIES = """
WITH made AS (
    INSERT INTO enterprises (uscc, name, industry, hazard, status)
    SELECT '91320600' || lpad(n::text, 10, '0'), name, '化工', 'chemical', 'operating'
    FROM unnest(CAST(:names AS text[])) WITH ORDINALITY AS u (name, n) RETURNING id)
INSERT INTO sites (site_id, enterprise_id, kind, geom, h3_9, h3_10, area_id)
SELECT 'S-' || lpad(id::text, 7, '0'), id, 'production', ST_SetSRID(ST_MakePoint(120.3, 32.2), 4326), 0, 0,
       (SELECT min(id) FROM areas WHERE kind = 'town') + id % 96 FROM made
"""
_PLATES = """
INSERT INTO vehicles (vehicle_id, plate, kind)
SELECT 'V-' || n, '苏F' || lpad(n::text, 6, '0'), 'truck' FROM generate_series(0, :plates - 1) AS n
"""
_CASES = """
INSERT INTO cases (number, title, item_code, domain, co_handlers, assignment, state, opened_at, geom, area_id, party_ids)
SELECT number, '测试', 'X', 'ecology', '{}', '{}', 'filed', '2026-01-01', ST_SetSRID(ST_MakePoint(120.3, 32.2), 4326),
       (SELECT min(id) FROM areas WHERE kind = 'town') + n % 96, ARRAY[n % 50]
FROM unnest(CAST(:numbers AS text[])) WITH ORDINALITY AS u (number, n)
"""

if __name__ == "__main__":
    sizes = [int(each) for each in sys.argv[1:]]
    main(*(sizes + [20_000, 100_000, 100_000][len(sizes) :]))
