"""Speed of the gazetteer: ``python tests/benchmarks/bench_gazetteer.py [names]``, a cluster of its own.

Addresses as callers say them (town, road, number; half a name of a company; a wrong character) among invented names of
roads, companies and villages.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from grid.gazetteer import find_places
from grid.gazetteer.refreshing import weigh_place_names
from layers.postgres import SYSTEM, migrate, session
from layers.private_server import Cluster

CHARACTERS = (
    "海安启东如皋通州崇川吕四港大洋新丰和兴隆平安富民永盛金沙石桥河口南北西中华江城星光明达长天山湖林"
)
TRADES = ("化工有限公司", "纺织有限公司", "物流有限公司", "机械制造厂", "新材料科技有限公司", "建材经营部")
ROADS = ("路", "大道", "街", "巷")
ADDRESSES = 1_000


def main(names: int) -> None:
    """Write the names and print how many addresses a second find their places."""
    rng = random.Random(7)
    made = [_name(rng) for _ in range(names)]
    with tempfile.TemporaryDirectory(prefix="wgb-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with Cluster(Path(folder) / "c", durable=False) as cluster:
            migrate(cluster.url)
            with session(SYSTEM, cluster.url) as db:
                db.execute(_WRITE, {"names": [name for name, _ in made], "kinds": [kind for _, kind in made]})
                weigh_place_names(db)
            with session(SYSTEM, cluster.url) as db:
                db.execute(text("ANALYZE place_names, place_grams"))
            asked = [_address(rng, rng.choice(made)[0]) for _ in range(ADDRESSES)]
            for size in (1, 50):
                _find(cluster.url, asked, size)


def _find(url: str, asked: list[str], size: int) -> None:
    with session(SYSTEM, url) as db:
        find_places(db, asked[:20])
        started, cpu = time.perf_counter(), time.process_time()
        found = [one for i in range(0, len(asked), size) for one in find_places(db, asked[i : i + size])]
        took, own = time.perf_counter() - started, time.process_time() - cpu
    hits = sum(one.outcome == "found" for one in found) / len(found)
    print(
        f"{size} addresses a question: {len(asked) / took:,.0f} addresses/s, {hits:.0%} found, own processor"
        f" {own / took:.0%} of the time"
    )


def _name(rng: random.Random) -> tuple[str, str]:
    own = "".join(rng.choices(CHARACTERS, k=rng.choice((2, 2, 3, 4))))
    if rng.random() < 0.3:
        return own + rng.choice(ROADS), "road"
    return own + rng.choice(TRADES), "site"


def _address(rng: random.Random, name: str) -> str:
    kind = rng.random()
    if kind < 0.3:
        return f"{name}{rng.randint(1, 400)}号"
    if kind < 0.6:
        return f"{name[: max(4, len(name) - 4)]}门口有异味"
    return f"靠近{name}的十字路口往{rng.choice('东南西北')}两百米，晚上有车"


_WRITE = text("""
INSERT INTO place_names (name, normal, kind, former, area_code, within, source_id, geom, grams, weights)
SELECT n.name, t.normal, n.kind, false, NULL, '{}', n.place,
       ST_SetSRID(ST_MakePoint(120 + random(), 32 + random()), 4326), place_grams(t.normal), '{}'
FROM unnest(CAST(:names AS text[]), CAST(:kinds AS text[])) WITH ORDINALITY AS n (name, kind, place)
CROSS JOIN LATERAL (SELECT place_text(n.name) AS normal) t
""")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
