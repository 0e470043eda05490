"""Random operations of every kind, one after the other: after each the areas are a partition on every level.

At the end everything is undone, the latest first, back to the first partition. ``--long`` runs many more of
them, and others every time (``--hypothesis-seed=N``: the same again).
"""

from __future__ import annotations

import datetime as dt
import math
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import tests.support.change_sets as editing
from grid.areas import read_areas
from grid.errors import EditConflict, GridError, TopologyFault
from layers.tables import ChangeSet
from tests.support.grown_town import insert_zones, voronoi_zones
from tests.support.long_runs import count, is_long
from tests.support.partition_checks import (
    ROUNDING_DEG2,
    assert_history,
    assert_managed,
    assert_same_state,
    assert_tiles,
    state,
)
from tests.support.square_town import STEP, insert_managing, insert_town

PICK = st.integers(0, 10**6)
SHIFT = st.floats(-0.45, 0.45)
HOW = st.sampled_from(["now", "now", "dated", "later", "together", "together"])
EXAMPLES = count(3)
EXAMPLE_LIMIT_S = 120
"""An example takes 2 to 6 s on one core."""
ENGINES: list[Engine] = []
COUNTS: Counter[str] = Counter()
LATE = ("more than once", "by an earlier step", "one community", "there already", "nothing would change")
"""Why a step is refused that was thought of before the others of its draft, or changes nothing."""


def _moved(kind: str, area_id: int, parent_id: int) -> dict[str, Any]:
    """The operation that gives an area another parent."""
    if kind == "unit_grid":
        return {"op": "transfer", "area_ids": [area_id], "community_id": parent_id}
    return {"op": "reparent", "area_id": area_id, "parent_id": parent_id}


class Partition(RuleBasedStateMachine):
    """A partition; every rule drafts and applies operations, or is refused and changes nothing."""

    def write(self, seed: int) -> None:
        """Two towns of squares."""
        insert_managing(self.db, insert_town(self.db))

    @initialize(seed=st.integers(0, 5))
    def begin(self, seed: int) -> None:
        self.connection = ENGINES[0].connect()
        self.transaction = self.connection.begin()
        self.db = Session(self.connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
        self.write(seed)
        self.land = shapely.union_all(self.units().geometry.to_numpy())
        self.pending: list[dict[str, Any]] = []
        self.applied: list[int] = []
        self.before: dict[int, Any] = {}
        self.areas_seen: dict[str, bytes] = {}
        self.give_land_away(seed)

    def give_land_away(self, seed: int) -> None:
        """Every run begins with a zone that changed its community and a community that changed its town."""
        for kind, above in (("unit_grid", "community"), ("community", "town")):
            before = len(self.applied)
            for pick in range(seed, seed + 12):
                if len(self.applied) == before:
                    areas, parents = read_areas(self.db, kind=kind), read_areas(self.db, kind=above)
                    area, target = self.child_and_target(areas, parents, pick, 1)
                    self.carry_out(_moved(kind, int(area.id), int(target.id)))

    def teardown(self) -> None:
        if not hasattr(self, "db"):
            return
        try:
            if sys.exc_info()[0] is None:
                self.take_everything_back()
        finally:
            self.db.close()
            self.transaction.rollback()
            self.connection.close()

    def take_everything_back(self) -> None:
        """Undone in reverse order, every change set brings back the partition that it found."""
        stands_for: dict[int, int] = {}
        for number in reversed(self.applied):
            back = editing.undo(self.db, stands_for.get(number, number), f"d{number}")
            undone = self.db.get_one(ChangeSet, number).undoes_id
            if undone is not None:
                stands_for[undone] = back.id
            assert_same_state(self.db, self.before[number])
            COUNTS["taken back"] += 1
        assert_tiles(self.db, self.land)
        assert_history(self.db, self.land)

    def units(self) -> Any:
        return read_areas(self.db, kind="unit_grid")

    def carry_out(self, *operations: dict[str, Any], dated: bool = False) -> None:
        names = "+".join(sorted(operation["op"] for operation in operations))
        later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1) if dated else None
        before = state(self.db)
        try:
            made = editing.draft(self.db, list(operations), "a", effective_at=later)
            row = editing.apply(self.db, made.id, "b")
            if dated:
                row = self.let_the_date_come(row)
            self.applied.append(row.id)
            self.before[row.id] = before
            COUNTS[names if not dated else f"dated {names}"] += 1
        except TopologyFault as fault:
            COUNTS[f"refused {fault.rule}"] += 1
            assert fault.zones and fault.message_zh and (fault.geometry is None or fault.geometry["type"])
        except GridError as error:
            COUNTS["refused"] += 1
            assert "corner" in str(error) or any(why in str(error) for why in LATE), error

    def let_the_date_come(self, row: ChangeSet) -> ChangeSet:
        """Nobody waits: the date that lay ahead becomes the present moment, on however slow a machine."""
        assert row.status == "approved" and row.id not in editing.due_change_sets(self.db)
        reached = row.effective_at = dt.datetime.now(dt.UTC)
        self.db.flush()
        assert row.id in editing.due_change_sets(self.db)
        row = editing.apply_due(self.db, row.id)
        assert row.status == "applied" and row.applied_at == reached, row.result
        return row

    def do(self, operation: dict[str, Any], how: str) -> None:
        """At once, from a date on, or together with what was kept for later."""
        if how == "later":
            self.pending = [*self.pending, operation][-3:]
            return
        together, self.pending = (self.pending, []) if how == "together" else ([], self.pending)
        current = set(read_areas(self.db, kind=["unit_grid", "community", "town"])["id"])
        stale = [one for one in together if not {one.get("area_id"), *one.get("area_ids", [])} - {None} <= current]  # fmt: skip
        self.carry_out(*[one for one in together if one not in stale], operation, dated=how == "dated")

    @rule(pick=PICK, angle=st.floats(0, math.pi), off=st.tuples(SHIFT, SHIFT), how=HOW)
    def split(self, pick: int, angle: float, off: tuple[float, float], how: str) -> None:
        unit = self.pick(self.units(), pick)
        middle = np.array(unit.geometry.representative_point().coords[0]) + np.array(off) * STEP * 0.3
        reach = np.array([math.cos(angle), math.sin(angle)]) * 0.006
        points = [(middle - reach).tolist(), (middle + reach).tolist()]
        line = {"type": "LineString", "coordinates": points}
        self.do({"op": "split", "area_id": int(unit.id), "line": line}, how)

    @rule(pick=PICK, other=PICK, how=HOW)
    def merge(self, pick: int, other: int, how: str) -> None:
        pair = self.pair(pick, other)
        if pair:
            self.do({"op": "merge", "area_ids": pair}, how)

    @rule(pick=PICK, corner=PICK, dx=SHIFT, dy=SHIFT, edge=st.booleans(), how=HOW)
    def move(self, pick: int, corner: int, dx: float, dy: float, edge: bool, how: str) -> None:
        unit = self.pick(self.units(), pick)
        points = shapely.get_coordinates(unit.geometry)
        first = corner % (len(points) - 1)
        old = points[first : first + 2]
        new = old + np.array([dx, dy]) * STEP * 0.4
        operation: dict[str, Any] = {"op": "move_vertex", "area_id": int(unit.id), "vertex": old[0].tolist(), "to": new[0].tolist()}  # fmt: skip
        if edge:
            lines = [{"type": "LineString", "coordinates": ends.tolist()} for ends in (old, new)]
            operation = {"op": "move_edge", "area_id": int(unit.id), "edge": lines[0], "to": lines[1]}
        self.do(operation, how)

    @rule(pick=PICK, corner=PICK, dx=SHIFT, dy=SHIFT, how=HOW)
    def insert(self, pick: int, corner: int, dx: float, dy: float, how: str) -> None:
        """An edge between any two grids, of whatever town, is bent."""
        unit = self.pick(self.units(), pick)
        points = shapely.get_coordinates(unit.geometry)
        first = corner % (len(points) - 1)
        edge = points[first : first + 2]
        to = edge.mean(axis=0) + np.array([dx, dy]) * STEP * 0.4
        ends = {"type": "LineString", "coordinates": edge.tolist()}
        self.do({"op": "insert_vertex", "area_id": int(unit.id), "edge": ends, "to": to.tolist()}, how)

    @rule(corner=PICK, how=HOW)
    def delete(self, corner: int, how: str) -> None:
        """A corner of the grid with most of them goes, where two edges meet."""
        frame = self.units()
        unit = frame.loc[shapely.get_num_coordinates(frame.geometry.to_numpy()).argmax()]
        points = shapely.get_coordinates(unit.geometry)
        at = points[corner % (len(points) - 1)]
        self.do({"op": "delete_vertex", "area_id": int(unit.id), "vertex": at.tolist()}, how)

    @rule(pick=PICK, other=PICK, bend=SHIFT, across=st.booleans(), how=HOW)
    def reshape(self, pick: int, other: int, bend: float, across: bool, how: str) -> None:
        pair = self.pair(pick, other, across)
        if not pair:
            return
        shapes = self.units().set_index("id").geometry
        common = shapely.line_merge(shapes[pair[0]].intersection(shapes[pair[1]]))
        if common.geom_type != "LineString" or len(common.coords) < 2:
            return
        ends = np.array([common.coords[0], common.coords[-1]])
        along = ends[1] - ends[0]
        middle = ends.mean(axis=0) + bend * np.array([-along[1], along[0]])
        line = {"type": "LineString", "coordinates": [ends[0].tolist(), middle.tolist(), ends[1].tolist()]}
        self.do({"op": "reshape", "area_ids": pair, "line": line}, how)

    @rule(pick=PICK, other=PICK, how=HOW)
    def transfer(self, pick: int, other: int, how: str) -> None:
        unit, target = self.child_and_target(self.units(), read_areas(self.db, kind="community"), pick, other)
        self.do(_moved("unit_grid", int(unit.id), int(target.id)), how)

    @rule(pick=PICK, other=PICK, town=st.booleans(), how=HOW)
    def reparent(self, pick: int, other: int, town: bool, how: str) -> None:
        kind, above = ("town", "county") if town else ("community", "town")
        areas, parents = read_areas(self.db, kind=kind), read_areas(self.db, kind=above)
        if len(parents) > 1:
            area, target = self.child_and_target(areas, parents, pick, other)
            self.do(_moved(kind, int(area.id), int(target.id)), how)

    @rule(picks=st.lists(st.tuples(PICK, SHIFT), min_size=3, max_size=5))
    def chain(self, picks: list[tuple[int, float]]) -> None:
        """Steps of one draft, each on what those before it made; those that are refused are left out."""
        steps: list[dict[str, Any]] = []
        for pick, off in picks:
            step = self.next_step(editing.areas_after(self.db, steps), pick, off)
            try:
                editing.preview(self.db, [*steps, step], "a")
            except GridError:
                continue
            steps.append(step)
        if steps:
            self.carry_out(*steps)
            COUNTS["chains"] += 1

    def next_step(self, units: dict[int, tuple[int, Any]], pick: int, off: float) -> dict[str, Any]:
        """A step on the newest unit grid of the draft, or on any: cut, merged, moved, or given away."""
        ids = sorted(units)
        area_id = ids[0] if pick % 3 else ids[pick % len(ids)]
        parent, shape = units[area_id]
        middle = np.array(shape.representative_point().coords[0]) + off * STEP * 0.1
        reach = np.array([math.cos(pick), math.sin(pick)]) * 0.006
        ends = [(middle - reach).tolist(), (middle + reach).tolist()]
        corner = shapely.get_coordinates(shape)[pick % 3]
        beside = [key for key in ids if key != area_id and units[key][1].intersection(shape).length > 0]
        own = [key for key in beside if units[key][0] == parent]
        others = [units[key][0] for key in beside if units[key][0] != parent]
        if pick % 4 == 0 and others:
            return {"op": "transfer", "area_ids": [area_id], "community_id": others[pick % len(others)]}
        if pick % 4 == 1 and own:
            return {"op": "merge", "area_ids": [area_id, own[pick % len(own)]]}
        if pick % 4 == 2:
            return {"op": "move_vertex", "area_id": area_id, "vertex": corner.tolist(), "to": (corner + off * STEP * 0.2).tolist()}  # fmt: skip
        return {"op": "split", "area_id": area_id, "line": {"type": "LineString", "coordinates": ends}}

    @rule(pick=PICK)
    def undo(self, pick: int) -> None:
        if not self.applied:
            return
        before = state(self.db)
        try:
            back = editing.undo(self.db, self.applied[pick % len(self.applied)], f"c{len(self.applied)}").id
            self.applied.append(back)
            self.before[back] = before
            COUNTS["undo"] += 1
        except (EditConflict, TopologyFault):
            COUNTS["refused undo"] += 1

    @invariant()
    def is_a_partition(self) -> None:
        if hasattr(self, "db"):
            assert_tiles(self.db, self.land)
            assert_managed(self.db)

    @invariant()
    def a_code_names_one_piece_of_land(self) -> None:
        if not hasattr(self, "db"):
            return
        rows = self.db.execute(
            text("SELECT code, ST_AsBinary(geom) FROM areas WHERE kind = 'unit_grid'")
        ).all()
        for code, wkb in rows:
            first = self.areas_seen.setdefault(code, bytes(wkb))
            if first != bytes(wkb):
                land, now = shapely.from_wkb([first, bytes(wkb)])
                assert land.symmetric_difference(now).area < ROUNDING_DEG2, code

    def pick(self, frame: Any, number: int) -> Any:
        return frame.iloc[number % len(frame)]

    def child_and_target(self, areas: Any, parents: Any, pick: int, other: int) -> tuple[Any, Any]:
        """An area and another parent that it borders on; one time in five any two, which may lie apart."""
        if other % 5 == 0:
            area = self.pick(areas, pick)
            return area, self.pick(parents[parents["id"] != area.parent_id], other // 5)
        near = parents.sindex.query(areas.geometry, predicate="intersects").T
        beside = [
            (areas.iloc[i], parents.iloc[j])
            for i, j in sorted(map(tuple, near.tolist()))
            if areas["parent_id"].iloc[i] != parents["id"].iloc[j]
            and areas.geometry.iloc[i].intersection(parents.geometry.iloc[j]).length > 0
        ]
        return beside[pick % len(beside)]

    def pair(self, pick: int, other: int, across: bool = False) -> list[int]:
        """Two neighbours of one community, or of two."""
        frame = self.units()
        unit = self.pick(frame, pick)
        same = frame[((frame["parent_id"] == unit.parent_id) != across) & (frame["id"] != unit.id)]
        beside = same[[shape.intersection(unit.geometry).length > 0 for shape in same.geometry]]
        return [int(unit.id), int(self.pick(beside, other).id)] if len(beside) else []


class GrownPartition(Partition):
    """Two counties of slanting zones, one of them inside another."""

    def write(self, seed: int) -> None:
        tries = iter(range(seed, seed + 50))
        while not insert_zones(self.db, voronoi_zones(next(tries))):
            pass


@pytest.mark.long
@pytest.mark.timeout(EXAMPLE_LIMIT_S * EXAMPLES)
@pytest.mark.parametrize("machine", [Partition, GrownPartition])
def test_a_partition_stays_one(engine: Engine, machine: type[Partition]) -> None:
    ENGINES[:] = [engine]
    COUNTS.clear()
    how = settings(
        max_examples=EXAMPLES,
        derandomize=not is_long(),  # the same few runs every time; a long run looks for new ones
        database=None,
        print_blob=True,
        stateful_step_count=14,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],  # a failing run is told as it is: shrinking takes minutes
    )
    run_state_machine_as_test(machine, settings=how)
    done = sum(n for name, n in COUNTS.items() if not name.startswith("refused"))
    print(COUNTS)
    assert done >= 8 and {"transfer", "reparent"} <= set(COUNTS), COUNTS
    assert not is_long() or any("insert_vertex" in name for name in COUNTS), COUNTS
