"""Random operations of every kind, one after the other: after each the areas are a partition on every level."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from grid import editing
from grid.areas import read_areas
from grid.errors import EditConflict, TopologyFault
from tests.grid.partition_checks import assert_managed, assert_tiles
from tests.grid.square_town import STEP, insert_managing, insert_town, square

LAND = square(0, 0, 4, 4)
PICK = st.integers(0, 10**6)
SHIFT = st.floats(-0.45, 0.45)
ENGINES: list[Engine] = []
COUNTS = {"done": 0, "refused": 0}


class Partition(RuleBasedStateMachine):
    """One town; every rule drafts and applies one operation, or is refused and changes nothing."""

    @initialize()
    def begin(self) -> None:
        self.connection = ENGINES[0].connect()
        self.transaction = self.connection.begin()
        self.db = Session(self.connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
        insert_managing(self.db, insert_town(self.db))
        self.applied: list[int] = []
        self.areas_seen: dict[str, bytes] = {}

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()
            self.transaction.rollback()
            self.connection.close()

    def units(self) -> Any:
        return read_areas(self.db, kind="unit_grid")

    def carry_out(self, operation: dict[str, Any]) -> None:
        try:
            made = editing.draft(self.db, [operation], "a")
            self.applied.append(editing.apply(self.db, made.id, "b").id)
            COUNTS["done"] += 1
        except TopologyFault as fault:
            COUNTS["refused"] += 1
            assert fault.zones and fault.message_zh and (fault.geometry is None or fault.geometry["type"])

    @rule(pick=PICK, angle=st.floats(0, math.pi), off=st.tuples(SHIFT, SHIFT))
    def split(self, pick: int, angle: float, off: tuple[float, float]) -> None:
        unit = self.pick(self.units(), pick)
        middle = np.array(unit.geometry.representative_point().coords[0]) + np.array(off) * STEP * 0.3
        reach = np.array([math.cos(angle), math.sin(angle)]) * 0.006
        points = [(middle - reach).tolist(), (middle + reach).tolist()]
        line = {"type": "LineString", "coordinates": points}
        self.carry_out({"op": "split", "area_id": int(unit.id), "line": line})

    @rule(pick=PICK, other=PICK)
    def merge(self, pick: int, other: int) -> None:
        pair = self.pair(pick, other)
        if pair:
            self.carry_out({"op": "merge", "area_ids": pair})

    @rule(pick=PICK, corner=PICK, dx=SHIFT, dy=SHIFT)
    def move(self, pick: int, corner: int, dx: float, dy: float) -> None:
        unit = self.pick(self.units(), pick)
        points = shapely.get_coordinates(unit.geometry)
        vertex = points[corner % len(points)]
        to = (vertex + np.array([dx, dy]) * STEP).tolist()
        self.carry_out({"op": "move_vertex", "area_id": int(unit.id), "vertex": vertex.tolist(), "to": to})

    @rule(pick=PICK, other=PICK, bend=SHIFT)
    def reshape(self, pick: int, other: int, bend: float) -> None:
        pair = self.pair(pick, other)
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
        self.carry_out({"op": "reshape", "area_ids": pair, "line": line})

    @rule(pick=PICK, other=PICK)
    def transfer(self, pick: int, other: int) -> None:
        unit = self.pick(self.units(), pick)
        targets = read_areas(self.db, kind="community")
        target = self.pick(targets[targets["id"] != unit.parent_id], other)
        self.carry_out({"op": "transfer", "area_ids": [int(unit.id)], "community_id": int(target.id)})

    @rule(pick=PICK)
    def reparent(self, pick: int) -> None:
        community = self.pick(read_areas(self.db, kind="community"), pick)
        towns = read_areas(self.db, kind="town")
        target = towns[towns["id"] != community.parent_id].iloc[0]
        self.carry_out({"op": "reparent", "area_id": int(community.id), "parent_id": int(target.id)})

    @rule(pick=PICK)
    def undo(self, pick: int) -> None:
        if not self.applied:
            return
        try:
            self.applied.append(editing.undo(self.db, self.applied[pick % len(self.applied)], "c").id)
        except (EditConflict, TopologyFault):
            COUNTS["refused"] += 1

    @invariant()
    def is_a_partition(self) -> None:
        if hasattr(self, "db"):
            assert_tiles(self.db, LAND)
            assert_managed(self.db)

    @invariant()
    def a_code_names_one_piece_of_land(self) -> None:
        if not hasattr(self, "db"):
            return
        rows = self.db.execute(
            text("SELECT code, ST_AsBinary(geom) FROM areas WHERE kind = 'unit_grid'")
        ).all()
        for code, wkb in rows:
            shape = shapely.from_wkb(bytes(wkb))
            first = shapely.from_wkb(self.areas_seen.setdefault(code, bytes(wkb)))
            assert first.symmetric_difference(shape).area < 1e-15, code

    def pick(self, frame: Any, number: int) -> Any:
        return frame.iloc[number % len(frame)]

    def pair(self, pick: int, other: int) -> list[int]:
        frame = self.units()
        unit = self.pick(frame, pick)
        same = frame[(frame["parent_id"] == unit.parent_id) & (frame["id"] != unit.id)]
        beside = same[[shape.intersection(unit.geometry).length > 0 for shape in same.geometry]]
        return [int(unit.id), int(self.pick(beside, other).id)] if len(beside) else []


def test_a_partition_stays_one(engine: Engine) -> None:
    ENGINES[:] = [engine]
    how = settings(
        max_examples=6, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Partition, settings=how)
    assert COUNTS["done"] >= 10, COUNTS
    print(COUNTS)
