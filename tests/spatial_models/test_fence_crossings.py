"""Crossings without a fix inside: by hand, against shapely, and independent of where batches are cut."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import math
from typing import Any

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from spatial_models.fences import detect_fence_events
from tests.support.long_runs import examples

T0 = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
LON, LAT = 120.9, 32.0
DEG = 6_371_008.8 * math.pi / 180
KX = DEG * math.cos(math.radians(LAT))


def degrees(shape: Any) -> Any:
    """From metres east and north of the place."""
    return shapely.transform(shape, lambda xy: np.column_stack([LON + xy[:, 0] / KX, LAT + xy[:, 1] / DEG]))


def fence(shape: Any = None, **more: Any) -> pl.DataFrame:
    given = {
        "fence_id": "F",
        "rule": "forbid_enter",
        "boundary": degrees(shape or shapely.box(-100, -100, 100, 100)).wkb,
    }
    return pl.DataFrame({name: [value] for name, value in (given | more).items()})


def track(points: list[tuple[float, float, float]], vehicle: str = "A") -> pl.DataFrame:
    """Fixes from (second, metres east, metres north)."""
    s, x, y = (np.array(part, float) for part in zip(*points, strict=True))
    t = [T0 + dt.timedelta(seconds=one) for one in s]
    frame = {"vehicle_id": vehicle, "t": t, "lon": LON + x / KX, "lat": LAT + y / DEG}
    return pl.DataFrame(frame, schema_overrides={"t": pl.Datetime("us", "UTC")})


def crossed(fixes: pl.DataFrame, fences: pl.DataFrame, **more: Any) -> pl.DataFrame:
    events = detect_fence_events(fixes, fences, crossings=True, **more).events
    return events.filter(begun_by="crossed")


WEST_EAST = track([(0, -1000, 0), (60, 1000, 0)])


def test_a_crossing_by_hand() -> None:
    """2 km in 60 s past the middle of a square of 200 m: inside from 27 to 33 s."""
    assert detect_fence_events(WEST_EAST, fence()).events.height == 0
    row = crossed(WEST_EAST, fence()).row(0, named=True)

    def second(name: str) -> float:
        return float((row[name] - T0).total_seconds())

    times = [second(n) for n in ("started_after", "started_at", "ended_at", "left_by", "confirmed_at")]
    assert times == pytest.approx([0, 27, 33, 60, 60], abs=1e-5)
    assert (row["begun_by"], row["ended_by"], row["n_fixes"], row["open"]) == ("crossed", "crossed", 0, False)
    assert row["duration_s"] == pytest.approx(6, abs=1e-5) and row["over_s"] == pytest.approx(6, abs=1e-5)
    assert (row["lon"] - LON) * KX == pytest.approx(-100, abs=0.01)
    assert (row["mean_lon"] - LON) * KX == pytest.approx(0, abs=0.01)


NIGHT = json.dumps(
    {"weekly": [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "22:00", "to": "06:00"}]}
)  # T0 is 08:00


@pytest.mark.parametrize(
    ("fixes", "fences", "n"),
    [
        (WEST_EAST, fence(rule="dwell_limit", limit_s=1.0), 0),
        (WEST_EAST, fence(rule="forbid_leave"), 0),
        (WEST_EAST, fence(buffer_m=199.0), 1),
        (WEST_EAST, fence(buffer_m=201.0), 0),  # the way inside is shorter than the hysteresis
        (WEST_EAST, fence(delay_s=5.9), 1),
        (WEST_EAST, fence(delay_s=6.1), 0),
        (WEST_EAST, fence(below_speed_kmh=121.0), 1),
        (WEST_EAST, fence(below_speed_kmh=119.0), 0),
        (WEST_EAST, fence(times=NIGHT), 0),
        (track([(0, -1000, 0), (900, 1000, 0)]), fence(), 1),
        (track([(0, -1000, 0), (901, 1000, 0)]), fence(), 0),  # a silence is not bridged
        (track([(0, -1000, 0), (30, 1000, 0)]), fence(), 0),  # 240 km/h is no drive
        (track([(0, -120, 0), (60, 1000, 0)]), fence(), 0),  # the first fix lies within the buffer
        (track([(0, -1000, 0), (60, 120, 0)]), fence(), 0),
        (track([(0, -1000, 0), (30, 0, 0), (60, 1000, 0)]), fence(), 0),  # a fix inside: the rule of fixes decides
        (track([(0, -1000, 150), (60, 1000, 150)]), fence(), 0),
        (track([(0, -1000, 0)]), fence(), 0),
        (WEST_EAST.with_columns(vehicle_id=pl.Series(["A", "B"])), fence(), 0),
    ],
)  # fmt: skip
def test_what_is_a_crossing_and_what_is_not(fixes: pl.DataFrame, fences: pl.DataFrame, n: int) -> None:
    assert crossed(fixes, fences).height == n


def test_across_the_antimeridian() -> None:
    box = shapely.MultiPolygon([shapely.box(179.99, -1, 180, 1), shapely.box(-180, -1, -179.99, 1)])
    fences = pl.DataFrame(
        {"fence_id": ["F"], "rule": ["forbid_enter"], "boundary": [box.wkb], "buffer_m": [0.0]}
    )
    t = [T0, T0 + dt.timedelta(minutes=10)]
    for lon in ([179.95, -179.95], [-179.95, 179.95]):
        fixes = pl.DataFrame({"vehicle_id": "A", "t": t, "lon": lon, "lat": 0.5})
        row = crossed(fixes, fences).row(0, named=True)
        assert row["duration_s"] == pytest.approx(120.0, abs=1e-3) and abs(row["mean_lon"]) > 179.9


SHAPES = (
    shapely.box(-100, -100, 100, 100),
    shapely.box(-300, -300, 300, 300).difference(shapely.box(-100, -100, 100, 100)),
    shapely.Polygon([(-400, -400), (400, -400), (400, 400), (0, -100), (-400, 400)]),
    shapely.MultiPolygon([shapely.box(-500, -50, -200, 50), shapely.box(200, -50, 500, 50)]),
)  # fmt: skip
steps = st.lists(
    st.tuples(st.sampled_from([20, 60, 300, 901]), st.floats(-900, 900), st.floats(-900, 900)),
    min_size=1,
    max_size=12,
)


def by_shapely(
    points: list[tuple[float, float, float]], shape: Any, buffer_m: float
) -> list[tuple[float, float]]:
    """(begin, end) in seconds of each crossing, in the plane."""
    found = []
    for (s0, *a), (s1, *b) in itertools.pairwise(points):
        line = shapely.LineString([a, b])
        near = max(buffer_m, 0.0)
        if s1 - s0 > 900 or line.length / (s1 - s0) > 200 / 3.6:
            continue
        if min(shape.distance(shapely.Point(a)), shape.distance(shapely.Point(b))) <= near:
            continue
        inside = shapely.get_parts(shapely.intersection(line, shape))
        length = sum(part.length for part in inside)
        if length <= 0 or length < buffer_m:
            continue
        along = [line.project(shapely.Point(xy)) / line.length for part in inside for xy in part.coords]
        found.append((s0 + min(along) * (s1 - s0), s0 + max(along) * (s1 - s0)))
    return found


@examples(300)
@given(steps, st.sampled_from(SHAPES), st.sampled_from([0.0, 30.0]))
def test_every_crossing_against_shapely(moves: Any, shape: Any, buffer_m: float) -> None:
    seconds = np.cumsum([m[0] for m in moves]).tolist()
    points = [(s, x, y) for s, (_, x, y) in zip(seconds, moves, strict=True)]
    got = crossed(track(points), fence(shape, buffer_m=buffer_m))
    expected = by_shapely(points, shape, buffer_m)
    # the place is a local plane at each segment: a crossing at the very limit may fall either way
    sure = by_shapely(points, shape, buffer_m + 0.5)
    spans = [
        ((a - T0).total_seconds(), (b - T0).total_seconds())
        for a, b in got.select("started_at", "ended_at").rows()
    ]
    assert all(any(np.allclose(one, other, atol=0.5) for other in spans) for one in sure)
    loose = by_shapely(points, shape, max(0.0, buffer_m - 0.5)) + expected
    assert all(any(np.allclose(one, other, atol=0.5) for other in loose) for one in spans)


@examples(100)
@given(st.lists(steps, min_size=1, max_size=3), st.lists(st.floats(0, 1), max_size=5))
def test_batches_give_the_crossings_of_one_run(journeys: Any, cuts: Any) -> None:
    frames = []
    for v, moves in enumerate(journeys):
        seconds = np.cumsum([m[0] for m in moves]).tolist()
        frames.append(track([(s, x, y) for s, (_, x, y) in zip(seconds, moves, strict=True)], f"V{v}"))
    fixes = pl.concat(frames).sort("t", maintain_order=True)
    fences = pl.concat([fence(shape, fence_id=f"F{n}") for n, shape in enumerate(SHAPES)])
    whole = detect_fence_events(fixes, fences, crossings=True).events
    state, found = None, []
    for a, b in itertools.pairwise(sorted({0, fixes.height, *(int(c * fixes.height) for c in cuts)})):
        part = detect_fence_events(fixes[a:b], fences, crossings=True, state=state, final=b == fixes.height)
        state = part.state
        found.append(part.events)
    assert pl.concat(found).sort("vehicle_id", "started_at", "fence_id").equals(whole)
    plain = detect_fence_events(fixes, fences).events
    assert whole.filter(pl.col("begun_by") != "crossed").equals(plain)
