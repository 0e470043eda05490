"""Change sets on a partition of 10,000 zones: ``python tests/benchmarks/bench_change_set.py``.

Goals: validated within 1 s; a chain of 50 steps within 1.5 s.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from ten_thousand import insert_partition

import tests.support.change_sets as editing
from grid.areas import read_areas
from layers.postgres import SYSTEM, session
from layers.postgres import sessions as database
from layers.private_server import Cluster

GOAL_S = 1.0
CHAIN_GOAL_S = 1.5


def operations(frame: Any) -> dict[str, list[dict[str, Any]]]:
    """Change sets of one operation of each kind, and of 100 splits all over the city."""
    unit = frame.iloc[4321]
    near = frame[(frame["parent_id"] == unit.parent_id) & (frame["id"] != unit.id)]
    beside = next(row for row in near.itertuples() if row.geometry.intersection(unit.geometry).length > 1e-3)
    ring = shapely.get_coordinates(unit.geometry)
    inner = ring[np.argmin(np.hypot(*(ring - near.geometry.union_all().centroid.coords[0]).T))]
    common = shapely.line_merge(beside.geometry.intersection(unit.geometry))
    ends = np.array([common.coords[0], common.coords[-1]])
    bend = ends.mean(axis=0) + (ends[1] - ends[0])[::-1] * (0.1, -0.1)
    line = {"type": "LineString", "coordinates": [ends[0].tolist(), bend.tolist(), ends[1].tolist()]}
    pair = [int(unit.id), int(beside.id)]
    step = (np.array(unit.geometry.representative_point().coords[0]) - inner) * 0.05
    spread = frame.iloc[np.random.default_rng(2).choice(len(frame), 100, replace=False)]
    return {
        "split": [_split(unit)],
        "merge": [{"op": "merge", "area_ids": pair}],
        "reshape": [{"op": "reshape", "area_ids": pair, "line": line}],
        "move_vertex": [{"op": "move_vertex", "area_id": int(unit.id), "vertex": inner.tolist(), "to": (inner + step).tolist()}],
        "100 splits": [_split(row) for row in spread.itertuples()],
        "chain of 50": _chain(list(spread.itertuples())[:25]),
    }  # fmt: skip


def _split(unit: Any) -> dict[str, Any]:
    x, y = unit.geometry.representative_point().coords[0]
    line = {"type": "LineString", "coordinates": [[x, y - 1.0], [x, y + 1.0]]}
    return {"op": "split", "area_id": int(unit.id), "line": line}


def _chain(units: list[Any]) -> list[dict[str, Any]]:
    """Every unit grid cut by a meridian, and its western part by a parallel: each second step is on a grid of the draft."""
    steps: list[dict[str, Any]] = []
    for unit in units:
        steps.append(_split(unit))
        x, y = unit.geometry.representative_point().coords[0]
        line = {"type": "LineString", "coordinates": [[x - 1.0, y], [x + 1.0, y]]}
        steps.append({"op": "split", "area_id": -(10_000 * len(steps) + 1), "line": line})
    return steps


def hierarchy(db: Any, frame: Any) -> dict[str, list[dict[str, Any]]]:
    """A transfer to a neighbouring community, and a community with its 100 grids to the next town."""
    communities = read_areas(db, kind="community").set_index("code")
    target = communities.loc["320601001002"]
    border = [
        row
        for row in frame[frame["code"].str.startswith("320601001001")].itertuples()
        if row.geometry.intersection(target.geometry).length > 1e-4
    ]
    moving = communities.loc["320601001010"]
    town = read_areas(db, kind="town").set_index("code").loc["320601002"]
    return {
        "transfer": [{"op": "transfer", "area_ids": [int(border[0].id)], "community_id": int(target.id)}],
        "reparent": [{"op": "reparent", "area_id": int(moving.id), "parent_id": int(town.id)}],
    }


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="wgb-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with Cluster(Path(folder) / "c", durable=False) as cluster:
            database.migrate(cluster.url)
            with session(SYSTEM, cluster.url) as db:
                print(f"{insert_partition(db):,} zones; goals {GOAL_S:g} s, a chain {CHAIN_GOAL_S:g} s")
                frame = read_areas(db, kind="unit_grid")
                for name, wanted in (operations(frame) | hierarchy(db, frame)).items():
                    seconds = []
                    for _ in range(5):
                        start = time.perf_counter()
                        editing.draft(db, wanted, "bench")
                        seconds.append(time.perf_counter() - start)
                    change, savepoint = editing.draft(db, wanted, "bench"), db.begin_nested()
                    start = time.perf_counter()
                    editing.apply(db, change.id, "bench")
                    apply_s = time.perf_counter() - start
                    savepoint.rollback()
                    goal_s = CHAIN_GOAL_S if name.startswith("chain") else GOAL_S
                    ok = "met" if max(seconds) <= goal_s else "NOT MET"
                    print(
                        f"{name:12} validate median {np.median(seconds):.3f} s, worst {max(seconds):.3f} s"
                        f" ({ok}); apply {apply_s:.3f} s"
                    )
            database.engine(cluster.url).dispose()


if __name__ == "__main__":
    main()
