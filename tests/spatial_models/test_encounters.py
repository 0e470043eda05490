"""Encounters against brute force by bisection, by hand, and with dirty input."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_models.encounters import find as encounters
from spatial_models.encounters.find import find_encounters
from spatial_models.errors import InputFrameError, NaiveTimeError, ParameterError
from tests.support.hostile_fixes import any_number, any_time
from tests.support.long_runs import examples

T0 = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
LON, LAT = 120.9, 32.0
DEG = 6_371_008.8 * math.pi / 180
KX = DEG * math.cos(math.radians(LAT))
Track = list[tuple[float, float, float]]


def frame(tracks: dict[Any, Track]) -> pl.DataFrame:
    """Fixes from (second, metres east, metres north)."""
    rows = [
        (v, T0 + dt.timedelta(seconds=s), LON + x / KX, LAT + y / DEG)
        for v, track in tracks.items()
        for s, x, y in track
    ]
    kind = pl.Int64 if all(isinstance(v, int) for v in tracks) else pl.String
    schema = {"vehicle_id": kind, "t": pl.Datetime("us", "UTC"), "lon": pl.Float64, "lat": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def told(found: pl.DataFrame) -> list[tuple[Any, ...]]:
    return [
        (
            r["vehicle_a"], r["vehicle_b"], round((r["started_at"] - T0).total_seconds(), 3),
            round((r["ended_at"] - T0).total_seconds(), 3), r["begun_by"], r["ended_by"], r["kind"],
        )
        for r in found.iter_rows(named=True)
    ]  # fmt: skip


def test_meeting_at_rest_by_hand() -> None:
    # B drives at 10 m/s to A, stands 10 m from it for 20 minutes, drives back: within 50 m 4 s longer each
    # way
    a = [(60.0 * m, 0.0, 0.0) for m in range(41)]
    b = [
        (0, 1200, 0),
        (119, 10, 0),
        *[(120 + 60.0 * m, 10, 0) for m in range(21)],
        (1321, 10, 0),
        (1440, 1200, 0),
    ]
    found = find_encounters(frame({"A": a, "B": b})).encounters
    assert told(found) == [("A", "B", 115.0, 1325.0, "approach", "apart", "meeting")]
    row = found.row(0, named=True)
    assert row["nearest_m"] == pytest.approx(10, abs=1e-3) and row["duration_s"] == pytest.approx(
        1210, abs=0.01
    )
    assert row["rest_s"] == pytest.approx(1202, abs=0.01) and row["convoy_s"] == 0
    assert row["path_a_m"] == 0 and row["path_b_m"] == pytest.approx(80, abs=0.1) and not row["open"]
    assert abs(row["lon"] - (LON + 5 / KX)) < 1e-9 and abs(row["lat"] - LAT) < 1e-9


def test_convoy_is_told_apart() -> None:
    a = [(60.0 * m, 600.0 * m, 0.0) for m in range(21)]
    b = [(60.0 * m + 30, 600.0 * m + 300 - 30, 0.0) for m in range(20)]  # 30 m behind, fixes at other times
    found = find_encounters(frame({"A": a, "B": b})).encounters
    assert told(found) == [("A", "B", 30.0, 1170.0, "track_start", "track_end", "convoy")]
    assert found["nearest_m"].item() == pytest.approx(30, abs=1e-3) and found["open"].item() is True


def test_passing_each_other_is_none() -> None:
    a = [(60.0 * m, 600.0 * m, 0.0) for m in range(21)]
    b = [(60.0 * m, 600.0 * (20 - m), 0.0) for m in range(21)]
    assert find_encounters(frame({"A": a, "B": b})).encounters.height == 0


def test_silence_is_not_interpolated() -> None:
    a = [(60.0 * m, 0.0, 0.0) for m in range(61)]
    b = [(0, 0, 0), (600, 0, 0), (1501, 0, 0), (2400, 0, 0)]
    found = find_encounters(frame({"A": a, "B": b})).encounters
    assert told(found) == [
        ("A", "B", 0, 600, "track_start", "gap", "meeting"),
        ("A", "B", 1501, 2400, "gap", "track_end", "meeting"),
    ]
    whole = find_encounters(frame({"A": a, "B": b}), max_gap_s=901).encounters
    assert told(whole) == [("A", "B", 0, 2400, "track_start", "track_end", "meeting")]


def test_exactly_long_enough_and_exactly_far_enough() -> None:
    a = [(10.0, 0.0, 0.0), (310.0, 0.0, 0.0)]
    b = [(10.0, 0.0, 49.9999), (310.0, 0.0, 49.9999)]
    both = frame({"A": a, "B": b})
    assert find_encounters(both).encounters["duration_s"].to_list() == [300.0]
    assert find_encounters(both, min_duration_s=300.001).encounters.height == 0
    assert find_encounters(both, distance_m=49.999).encounters.height == 0


@pytest.mark.parametrize(("lon", "lat"), [(180.0, -17.0), (179.9999, 84.9), (0.0, 89.0), (-180.0, 0.0)])
def test_antimeridian_and_high_latitudes(lon: float, lat: float) -> None:
    step = 20 / (DEG * math.cos(math.radians(lat)))
    other = (lon + step + 540) % 360 - 180
    t = [T0 + dt.timedelta(minutes=m) for m in range(12)]
    both = pl.DataFrame(
        {"vehicle_id": ["A"] * 12 + ["B"] * 12, "t": t * 2, "lon": [lon] * 12 + [other] * 12, "lat": lat}
    )
    found = find_encounters(both).encounters
    assert found["duration_s"].to_list() == [660.0] and found["nearest_m"].item() == pytest.approx(
        20, rel=1e-4
    )


# -- brute force


def position(track: Track, i: int, s: float) -> tuple[float, float]:
    (s0, x0, y0), (s1, x1, y1) = track[i], track[i + 1]
    u = (s - s0) / (s1 - s0)
    return x0 + u * (x1 - x0), y0 + u * (y1 - y0)


def apart_m(a: Track, i: int, b: Track, j: int, s: float) -> float:
    return math.dist(position(a, i, s), position(b, j, s))


def root(f: Any, outside: float, inside: float) -> float:
    for _ in range(60):
        middle = (outside + inside) / 2
        outside, inside = (outside, middle) if f(middle) <= 0 else (middle, inside)
    return inside


def brute_force(a: Track, b: Track, d: float, gap: float) -> list[list[float]]:
    """Maximal contacts as [start, end] of every pair of segments, by ternary search and bisection."""
    pieces: list[list[float]] = []
    for i, j in itertools.product(range(len(a) - 1), range(len(b) - 1)):
        low, high = max(a[i][0], b[j][0]), min(a[i + 1][0], b[j + 1][0])
        if low >= high or a[i + 1][0] - a[i][0] > gap or b[j + 1][0] - b[j][0] > gap:
            continue

        def f(s: float, i: int = i, j: int = j) -> float:
            return apart_m(a, i, b, j, s) - d

        p, q = low, high
        for _ in range(100):
            m1, m2 = p + (q - p) / 3, q - (q - p) / 3
            p, q = (p, m2) if f(m1) <= f(m2) else (m1, q)
        best = min((low, high, (p + q) / 2), key=f)
        if f(best) <= 0:
            start = low if f(low) <= 0 else root(f, low, best)
            end = high if f(high) <= 0 else root(f, high, best)
            pieces.append([start, end])
    merged: list[list[float]] = []
    for start, end in sorted(pieces):
        if merged and start <= merged[-1][1] + 1e-6:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


moves = st.lists(
    st.tuples(st.sampled_from([1, 20, 60, 61, 300, 901]), st.floats(-60, 60), st.floats(-60, 60)),
    min_size=1,
    max_size=25,
)


def walk(moves: list[tuple[int, float, float]], offset: int) -> Track:
    track = [(float(offset), 0.0, 0.0)]
    for wait, x, y in moves:
        track.append((track[-1][0] + wait, x, y))
    return track


@examples(150)
@given(st.lists(st.tuples(moves, st.integers(0, 100)), min_size=2, max_size=4))
def test_every_contact_against_brute_force(given_tracks: Any) -> None:
    tracks = {n: walk(m, offset) for n, (m, offset) in enumerate(given_tracks)}
    found = find_encounters(frame(tracks), distance_m=40.0, min_duration_s=60.0).encounters
    for a, b in itertools.combinations(tracks, 2):
        mine = found.filter((pl.col("vehicle_a") == a) & (pl.col("vehicle_b") == b))
        got = [
            ((r["started_at"] - T0).total_seconds(), (r["ended_at"] - T0).total_seconds())
            for r in mine.iter_rows(named=True)
        ]
        expected = brute_force(tracks[a], tracks[b], 40.0, 900.0)
        clearly = [span for span in expected if span[1] - span[0] > 60.5]
        at_least = [span for span in expected if span[1] - span[0] > 59.5]
        # a contact that touches the limit may fall either way (plane here, one cosine a segment there)
        if len(clearly) == len(at_least) and _no_graze(tracks[a], tracks[b]):
            assert len(got) == len(clearly)
            assert np.allclose(got, clearly, atol=0.05) if got else True


def _no_graze(a: Track, b: Track) -> bool:
    """Whether no begin or end of a contact depends on the last millimetres of the distance."""
    slightly = [brute_force(a, b, d, 900.0) for d in (39.999, 40.001)]
    return len(slightly[0]) == len(slightly[1]) and all(
        abs(p - q) < 0.05 for one, two in zip(*slightly, strict=True) for p, q in zip(one, two, strict=True)
    )


@examples(30)
@given(
    st.lists(st.tuples(moves, st.integers(0, 100)), min_size=2, max_size=4), st.randoms(use_true_random=False)
)
def test_order_of_rows_and_blocks_change_nothing(given_tracks: Any, random: Any) -> None:
    fixes = frame({n: walk(m, offset) for n, (m, offset) in enumerate(given_tracks)})
    whole = find_encounters(fixes, min_duration_s=60.0).encounters
    order = list(range(fixes.height))
    random.shuffle(order)
    assert find_encounters(fixes[order], min_duration_s=60.0).encounters.equals(whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encounters, "BLOCK_SAMPLES", 7)
        assert find_encounters(fixes, min_duration_s=60.0).encounters.equals(whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encounters, "THREADS", 2)
        patch.setattr(encounters, "MIN_SAMPLES_PER_THREAD", 2)
        assert find_encounters(fixes, min_duration_s=60.0).encounters.equals(whole)


@examples(150)
@given(
    st.lists(st.tuples(st.sampled_from(["A", "B", "", None]), any_time, any_number, any_number), max_size=30),
    st.sampled_from([1.0, 50.0, 1e5]),
)
def test_dirty_input_never_breaks_and_every_row_is_accounted_for(rows: Any, distance_m: float) -> None:
    schema = {"vehicle_id": pl.String, "t": pl.Datetime("us", "UTC"), "lon": pl.Float64, "lat": pl.Float64}
    result = find_encounters(
        pl.DataFrame(rows, schema=schema, orient="row"), distance_m=distance_m, min_duration_s=60
    )
    quality = result.quality
    assert quality["rows"] == len(rows)
    assert quality["rows"] == quality["used"] + quality["duplicates"] + quality["late"] + quality["invalid"]
    found = result.encounters
    assert (
        found.filter((pl.col("duration_s") < 60 - 1e-5) | (pl.col("nearest_m") > distance_m * 1.0001)).height
        == 0
    )
    assert found.filter(pl.col("rest_s") + pl.col("convoy_s") > pl.col("duration_s") + 1e-3).height == 0


def test_one_vehicle_of_a_million_rows_meets_nobody() -> None:
    n = 1_000_000
    fixes = pl.DataFrame(
        {
            "vehicle_id": np.zeros(n, np.int64),
            "t": np.arange(n) * 1_000_000,
            "lon": np.full(n, LON),
            "lat": LAT,
        }
    )
    assert (
        find_encounters(fixes.with_columns(pl.col("t").cast(pl.Datetime("us", "UTC")))).encounters.height == 0
    )
    assert find_encounters(frame({"A": []})).encounters.height == 0


def test_wrong_input_is_named() -> None:
    fixes = frame({"A": [(0, 0, 0)]})
    for wrong in (
        {"distance_m": 0.5},
        {"min_duration_s": 59},
        {"max_gap_s": math.nan},
        {"rest_speed_kmh": "x"},
    ):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            find_encounters(fixes, **wrong)  # type: ignore[arg-type]
    with pytest.raises(InputFrameError, match="lat"):
        find_encounters(fixes.drop("lat"))
    with pytest.raises(NaiveTimeError):
        find_encounters(fixes.with_columns(pl.col("t").dt.replace_time_zone(None)))
