"""Geofences as arrays: edges, a grid of boxes, parameters, and the vehicles they apply to."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import shapely

from layers.codes.outline_faults import outline_fault
from spatial_models.distances import M_PER_DEG, RAD
from spatial_models.errors import InputFrameError, ParameterError
from spatial_models.fences.time_tables import ALWAYS, TimeTable
from spatial_models.frames import LOCAL_ZONE, Array, float_column, to_polars

RULES = ("forbid_enter", "forbid_leave", "dwell_limit")
WATER_KINDS = ("vessel",)
"""Kinds of vehicles that fences on water apply to; fences on land apply to the others."""
MAX_CELL_BOXES = 4_000_000
_DEFAULTS = {"buffer_m": 30.0, "enter_fixes": 2.0, "leave_fixes": 2.0, "delay_s": 0.0, "limit_s": math.nan,
             "below_speed_kmh": math.inf}  # fmt: skip
_LEAST = {
    "buffer_m": 0.0,
    "enter_fixes": 1.0,
    "leave_fixes": 1.0,
    "delay_s": 0.0,
    "limit_s": 0.0,
    "below_speed_kmh": 0.0,
}


@dataclass(frozen=True)
class FenceShapes:
    """Geofences as arrays, one row per fence.

    Attributes
    ----------
    ids : list of str
    rule : ndarray of int8
        Index in ``RULES``.
    edges : ndarray of float64, shape (edges, 4)
        ``lon_a, lat_a, lon_b, lat_b``, WGS 84 degrees.
    edge_starts : ndarray of int64, shape (fences + 1,)
    boxes, box_fence : ndarray
        West, south, east, north of each part, and its fence.
    buffer_m, below_speed_kmh : ndarray of float64
    enter_fixes, leave_fixes : ndarray of int64
    threshold_us : ndarray of int64
        Least duration of an event, microseconds: the delay, or the limit of a dwell limit.
    tables : list of TimeTable
    medium, vehicle_kinds, vehicle_ids : list
        Vehicles that the fence applies to.
    """

    ids: list[str]
    rule: Array
    edges: Array
    edge_starts: Array
    boxes: Array
    box_fence: Array
    buffer_m: Array
    below_speed_kmh: Array
    enter_fixes: Array
    leave_fixes: Array
    threshold_us: Array
    tables: list[TimeTable]
    medium: list[str | None]
    vehicle_kinds: list[list[str] | None]
    vehicle_ids: list[list[str] | None]

    @property
    def fingerprint(self) -> int:
        """Hash of everything that decides about events."""
        arrays = (self.rule, self.edges, self.edge_starts, self.buffer_m, self.below_speed_kmh, self.enter_fixes,
                  self.leave_fixes, self.threshold_us)  # fmt: skip
        whom = repr((self.ids, self.tables, self.medium, self.vehicle_kinds, self.vehicle_ids))
        return hash((whom, *(a.tobytes() for a in arrays)))


def read_fences(fences: Any, local_zone: str = LOCAL_ZONE) -> FenceShapes:
    """Read and check a frame of fences; see `spatial_models.fences.detect_fence_events` for its columns.

    Raises
    ------
    InputFrameError
        Names the fence, the column and the reason.
    """
    frame = to_polars(fences, "fences", ("fence_id", "rule", "boundary"))
    every = to_polars(fences, "fences", tuple(fences.columns)) if hasattr(fences, "columns") else frame
    ids = frame["fence_id"].cast(pl.String).to_list()
    if None in ids or len(set(ids)) < len(ids):
        raise InputFrameError("fences: column fence_id: every fence needs an id of its own")
    unknown = [(i, r) for i, r in zip(ids, frame["rule"].to_list(), strict=True) if r not in RULES]
    if unknown:
        raise InputFrameError(f"fence {unknown[0][0]}: rule {unknown[0][1]!r} is none of {', '.join(RULES)}")
    rule = np.array([RULES.index(r) for r in frame["rule"].to_list()], np.int8)
    values = {name: _column(every, ids, name) for name in _DEFAULTS}
    if (lacks := np.flatnonzero((rule == 2) & np.isnan(values["limit_s"]))).size:
        raise InputFrameError(f"fence {ids[lacks[0]]}: a dwell limit needs limit_s")
    edges, starts, boxes, box_fence = _edges(frame["boundary"].to_list(), ids)
    delay = np.where(rule == 2, values["limit_s"], values["delay_s"])
    return FenceShapes(
        ids, rule, edges, starts, boxes, box_fence, values["buffer_m"], values["below_speed_kmh"],
        values["enter_fixes"].astype(np.int64), values["leave_fixes"].astype(np.int64),
        np.round(delay * 1e6).astype(np.int64), _tables(every, ids, local_zone), _texts(every, ids, "medium"),
        _lists(every, ids, "vehicle_kinds"), _lists(every, ids, "vehicle_ids"),
    )  # fmt: skip


def _column(frame: pl.DataFrame, ids: list[str], name: str) -> Array:
    if name not in frame.columns:
        return np.full(len(ids), _DEFAULTS[name])
    given = float_column(frame[name], "fences")
    values: Array = np.where(frame[name].is_null().to_numpy(), _DEFAULTS[name], given)
    wrong = (
        ~(values >= _LEAST[name])
        | (~np.isfinite(values) & (name != "below_speed_kmh"))
        | (values > 1e9) & np.isfinite(values)
    )
    wrong &= ~(np.isnan(values) & (name == "limit_s") & frame[name].is_null().to_numpy())
    if name.endswith("_fixes"):
        wrong |= values != np.floor(values)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise InputFrameError(
            f"fence {ids[at]}: {name} must be {_LEAST[name]:g} or more, got {frame[name][at]!r}"
        )
    return values


def _edges(boundaries: list[Any], ids: list[str]) -> tuple[Array, Array, Array, Array]:
    """Return all edges, the first edge of each fence, the box of each part, and the fence of each part."""
    edges, starts, boxes, box_fence = [], [0], [], []
    for n, value in enumerate(boundaries):
        try:
            shape: Any = value if isinstance(value, shapely.Geometry) else shapely.from_wkb(value)
        except (shapely.errors.ShapelyError, TypeError, ValueError) as error:
            raise InputFrameError(f"fence {ids[n]}: boundary is no WKB or geometry: {error}") from error
        if shape is None or shape.geom_type not in ("Polygon", "MultiPolygon") or shape.is_empty:
            raise InputFrameError(f"fence {ids[n]}: boundary must be a polygon")
        if not shape.is_valid:
            raise InputFrameError(f"fence {ids[n]}: boundary: {' '.join(outline_fault(shape))}")
        parts = shapely.get_parts(shape)
        for west, south, east, north in shapely.bounds(parts):
            if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
                raise InputFrameError(f"fence {ids[n]}: boundary lies outside longitude ±180, latitude ±90")
            if east - west > 180:
                raise InputFrameError(
                    f"fence {ids[n]}: boundary is wider than 180 degrees; part it at the antimeridian"
                )
            boxes.append((west, south, east, north))
            box_fence.append(n)
        rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(parts)]
        edges += [np.hstack([xy[:-1], xy[1:]]) for xy in rings]
        starts.append(starts[-1] + sum(len(xy) - 1 for xy in rings))
    return (
        np.ascontiguousarray(np.concatenate([np.empty((0, 4)), *edges])),
        np.array(starts, np.int64),
        np.array(boxes).reshape(-1, 4),
        np.array(box_fence, np.int32),
    )


def _tables(frame: pl.DataFrame, ids: list[str], local_zone: str) -> list[TimeTable]:
    if "times" not in frame.columns:
        return [ALWAYS] * len(ids)
    tables = []
    for fence_id, value in zip(ids, frame["times"].to_list(), strict=True):
        try:
            document = json.loads(value) if isinstance(value, str) else value
            is_table = isinstance(document, TimeTable)
            tables.append(document if is_table else TimeTable.from_dict(document, local_zone))
        except (ParameterError, json.JSONDecodeError) as error:
            raise InputFrameError(f"fence {fence_id}: times: {error}") from error
    return tables


def _texts(frame: pl.DataFrame, ids: list[str], name: str) -> list[str | None]:
    if name not in frame.columns:
        return [None] * len(ids)
    values = frame[name].cast(pl.String).to_list()
    for fence_id, value in zip(ids, values, strict=True):
        if value not in (None, "land", "water"):
            raise InputFrameError(f"fence {fence_id}: {name} {value!r} is neither land nor water")
    return values


def _lists(frame: pl.DataFrame, ids: list[str], name: str) -> list[list[str] | None]:
    if name not in frame.columns or frame[name].dtype == pl.Null:
        return [None] * len(ids)
    if not isinstance(frame[name].dtype, pl.List):
        raise InputFrameError(f"fences: column {name} holds {frame[name].dtype}, not lists")
    return [None if value is None else [str(v) for v in value] for value in frame[name].to_list()]


def group_vehicles(
    shapes: FenceShapes, vehicle_ids: pl.Series, vehicles: pl.DataFrame | None
) -> tuple[Array, Array]:
    """Group vehicles that the same fences apply to.

    Parameters
    ----------
    shapes : FenceShapes
    vehicle_ids : polars.Series
    vehicles : polars.DataFrame or None
        ``vehicle_id``, ``kind``.

    Returns
    -------
    group : ndarray of int64, shape (vehicles,)
    applies : ndarray of bool, shape (groups, fences)
    """
    ids = vehicle_ids.cast(pl.String).to_list()
    kinds: dict[str, str] = {}
    if vehicles is not None:
        known = to_polars(vehicles, "vehicles", ("vehicle_id", "kind"))
        kinds = dict(
            zip(
                known["vehicle_id"].cast(pl.String).to_list(),
                known["kind"].cast(pl.String).to_list(),
                strict=True,
            )
        )
    named = {vehicle for whom in shapes.vehicle_ids if whom for vehicle in whom}
    treatment = [(kinds.get(v), v if v in named else None) for v in ids]
    distinct = {key: number for number, key in enumerate(dict.fromkeys(treatment))}
    applies = np.zeros((max(1, len(distinct)), len(shapes.ids)), bool)
    for (kind, vehicle), number in distinct.items():
        applies[number] = [
            _applies(shapes, fence, kind, vehicle, vehicles is not None) for fence in range(len(shapes.ids))
        ]
    return np.array([distinct[key] for key in treatment], np.int64), applies


def _applies(
    shapes: FenceShapes, fence: int, kind: str | None, vehicle: str | None, kinds_known: bool
) -> bool:
    whom, medium, kinds = shapes.vehicle_ids[fence], shapes.medium[fence], shapes.vehicle_kinds[fence]
    if whom is not None and vehicle not in whom:
        return False
    if kinds is not None and kind not in kinds:
        return False
    return medium is None or not kinds_known or (kind in WATER_KINDS) == (medium == "water")


@dataclass(frozen=True)
class FenceGrid:
    """Grid index over the boxes of fences, in degrees of longitude and latitude."""

    west: float
    south: float
    step_lon: float
    step_lat: float
    nx: int
    ny: int
    cell_starts: Array
    cell_boxes: Array
    boxes: Array
    box_fence: Array


def build_grid(shapes: FenceShapes, n: int = 512) -> FenceGrid:
    """Build a grid index over the boxes of fences, each extended by the fence's buffer.

    It has at most ``n`` x ``n`` cells. A box across the antimeridian is entered on both sides.
    """
    low, high = shapes.boxes[:, 1], shapes.boxes[:, 3]
    grow_lat = (shapes.buffer_m / M_PER_DEG * 1.001 + 1e-9)[shapes.box_fence]
    low, high = low - grow_lat, high + grow_lat
    pole = np.maximum(np.abs(low), np.abs(high))
    grow_lon = np.where(pole >= 89.9, 360.0, grow_lat / np.cos(np.minimum(pole, 89.9) * RAD))
    box = np.column_stack([shapes.boxes[:, 0] - grow_lon, low, shapes.boxes[:, 2] + grow_lon, high])
    turn = np.array([360.0, 0.0, 360.0, 0.0])
    boxes, fence = np.concatenate([box, box + turn, box - turn]), np.tile(shapes.box_fence, 3)
    on_earth = (boxes[:, 2] >= -180) & (boxes[:, 0] <= 180)
    boxes, fence = (
        np.ascontiguousarray(boxes[on_earth].clip([-180, -90, -180, -90], [180, 90, 180, 90])),
        fence[on_earth],
    )
    west, south = boxes[:, 0].min(initial=180.0), boxes[:, 1].min(initial=90.0)
    width = max(boxes[:, 2].max(initial=-180.0) - west, 1e-9)
    height = max(boxes[:, 3].max(initial=-90.0) - south, 1e-9)
    while True:
        step_lon, step_lat = width / n * (1 + 1e-9) + 1e-12, height / n * (1 + 1e-9) + 1e-12
        first = (
            np.floor((boxes[:, :2] - [west, south]) / [step_lon, step_lat]).astype(np.int64).clip(0, n - 1)
        )
        last = np.floor((boxes[:, 2:] - [west, south]) / [step_lon, step_lat]).astype(np.int64).clip(0, n - 1)
        if (last - first + 1).prod(axis=1).sum() <= MAX_CELL_BOXES or n == 1:
            break
        n //= 2
    starts, members = _cell_members(first, last, n)
    return FenceGrid(float(west), float(south), step_lon, step_lat, n, n, starts, members, boxes, fence)


def _cell_members(first: Array, last: Array, n: int) -> tuple[Array, Array]:
    """Return the boxes of each cell as a compressed sparse row (CSR) structure."""
    cells, members = [], []
    for box, ((x0, y0), (x1, y1)) in enumerate(zip(first, last, strict=True)):
        covered = (np.arange(y0, y1 + 1)[:, None] * n + np.arange(x0, x1 + 1)).ravel()
        cells.append(covered)
        members.append(np.full(len(covered), box, np.int64))
    cell = np.concatenate(cells) if cells else np.empty(0, np.int64)
    member = np.concatenate(members) if members else np.empty(0, np.int64)
    order = np.argsort(cell, kind="stable")
    starts = np.zeros(n * n + 1, np.int64)
    np.cumsum(np.bincount(cell, minlength=n * n), out=starts[1:])
    return starts, member[order]
