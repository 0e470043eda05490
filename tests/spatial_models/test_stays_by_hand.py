"""Every mode of stays against a plain loop that was written from the decisions alone.

Quadratic, haversine, no state.
"""

from __future__ import annotations

import datetime as dt
import math
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from spatial_models.stays import detect_stays
from tests.support.long_runs import examples

T0_S = 1_767_225_600
EARTH_M = 6_371_008.8
Fix = tuple[int, float, float]
ENDED_BY = ("left", "gap", "track_end")


def metres(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    a, b, c, d = map(math.radians, (lon_a, lat_a, lon_b, lat_b))
    h = math.sin((d - b) / 2) ** 2 + math.cos(b) * math.cos(d) * math.sin((c - a) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(h)))


def without_spikes(fixes: list[Fix], kmh: float | None) -> list[Fix]:
    if kmh is None:
        return fixes

    def too_fast(a: Fix, b: Fix) -> bool:
        return metres(*a[1:], *b[1:]) > kmh / 3.6 * (b[0] - a[0])

    good: list[Fix] = []
    for n, fix in enumerate(fixes):
        if good and too_fast(good[-1], fix) and (n + 1 == len(fixes) or too_fast(fix, fixes[n + 1])):
            continue
        good.append(fix)
    return good


class RoundingDecides(Exception):
    """A fix lies so close to the radius that two right ways of counting may differ."""


def plain_stays(
    fixes: list[Fix],
    least_s: int,
    anchor: str,
    outliers: int,
    radius_m: float = 150.0,
    gap_s: int = 900,
    clear_m: float = 0.0,
) -> list[tuple[int, int, int | None, str, int]]:
    """(started, ended, left by, ended by, fixes) of one vehicle.

    Nothing may lie within ``clear_m`` of the radius.
    """
    found, i = [], 0
    while i < len(fixes):
        inside, run, how = [fixes[i]], [], "track_end"
        after = None
        for before, fix in pairwise(fixes[i:]):
            if fix[0] - before[0] > gap_s:
                how, after = ("left", run[0]) if run else ("gap", fix)
                break
            lon, lat = inside[0][1:]
            if anchor == "centroid":
                lon += sum((f[1] - lon + 180) % 360 - 180 for f in inside) / len(inside)
                lat = sum(f[2] for f in inside) / len(inside)
            distance_m = metres(lon, lat, *fix[1:])
            if abs(distance_m - radius_m) < clear_m:
                raise RoundingDecides
            if distance_m <= radius_m:
                inside.append(fix)
                run = []
            else:
                run.append(fix)
                if len(run) > outliers:
                    how, after = "left", run[0]
                    break
        if len(inside) >= 2 and inside[-1][0] - inside[0][0] >= least_s:
            found.append((inside[0][0], inside[-1][0], after[0] if after else None, how, len(inside)))
            if after is None:
                break
            i = fixes.index(after)
        else:
            i += 1
    return found


moves = st.tuples(
    st.sampled_from([1, 30, 60, 300, 599, 600, 899, 900, 901]),
    st.sampled_from([0.0, 4.0, 40.0, 100.0, 149.0, 151.0, 400.0, 3000.0]),
    st.integers(0, 359),
    st.booleans(),
)
journeys = st.lists(moves, min_size=1, max_size=60)
places = st.tuples(st.sampled_from([120.9, 179.9995, -179.9995, -0.5]), st.sampled_from([0.1, 32.0, -62.0]))


def walk(place: tuple[float, float], journey: list[tuple[int, float, int, bool]]) -> list[Fix]:
    """Fixes (second, lon, lat) by steps in a plane; a step that ``returns`` is a single stray fix."""
    lon, lat = place
    second, fixes = 0, [(0, *place)]
    for wait, way, bearing, returns in journey:
        second += wait
        turn = math.radians(bearing)
        x = lon + math.degrees(way * math.sin(turn) / EARTH_M / math.cos(math.radians(lat)))
        y = lat + math.degrees(way * math.cos(turn) / EARTH_M)
        x = (x + 180) % 360 - 180
        fixes.append((second, x, y))
        if not returns:
            lon, lat = x, y
    return fixes


def frame(fixes: list[Fix]) -> pl.DataFrame:
    t, lon, lat = zip(*fixes, strict=True)
    seconds = pl.Series(t, dtype=pl.Int64) + T0_S
    return pl.DataFrame(
        {"vehicle_id": "A", "t": pl.from_epoch(seconds).dt.replace_time_zone("UTC"), "lon": lon, "lat": lat}
    )


def told(stays: pl.DataFrame) -> list[tuple[Any, ...]]:
    times = [pl.col(c).dt.epoch("s") - T0_S for c in ("started_at", "ended_at", "left_by")]
    return stays.select(*times, "ended_by", "n_fixes").rows()


@examples(400)
@given(
    places,
    journeys,
    st.sampled_from([0, 300, 600]),
    st.sampled_from(["first", "centroid"]),
    st.integers(0, 3),
    st.sampled_from([None, 100.0]),
)
def test_every_mode_is_the_plain_loop(
    place: Any, journey: Any, least_s: int, anchor: str, outliers: int, kmh: float | None
) -> None:
    fixes = walk(place, journey)
    try:
        expected = plain_stays(without_spikes(fixes, kmh), least_s, anchor, outliers, clear_m=1e-3)
    except RoundingDecides:
        reject()
    got = detect_stays(
        frame(fixes),
        min_duration_s=least_s,
        anchor=anchor,  # type: ignore[arg-type]
        outliers=outliers,
        max_speed_kmh=kmh,
    )
    assert told(got.stays) == expected


def test_a_stay_behind_a_tolerated_run_at_the_end_is_shown() -> None:
    """One fix, then a stop of 11 minutes elsewhere in two fixes.

    Outliers of the first, or a stay? Both are told.
    """
    fixes = [(0, 120.9, 32.0), (60, 120.91, 32.0), (720, 120.91, 32.0)]
    first = detect_stays(frame(fixes), outliers=2)
    assert told(first.stays) == [(60, 720, None, "track_end", 2)] and first.stays["open"].item()
    assert detect_stays(frame(fixes), outliers=2, final=False).stays.height == 0
    back = detect_stays(frame([(900, 120.9, 32.0)]), outliers=2, state=first.state)
    assert told(back.stays) == [(0, 900, None, "track_end", 2)]
    gone = detect_stays(frame([(900, 120.95, 32.0), (901, 120.95, 32.0)]), outliers=2, state=first.state)
    assert told(gone.stays) == [(60, 720, None, "track_end", 2)]


@pytest.mark.parametrize(("speed_ms", "jitter_m"), [(1.0, 0.0), (0.52, 0.0), (0.6, 20.0), (0.2, 40.0)])
def test_a_dense_track_that_creeps_is_the_plain_loop_for_the_centroid(
    speed_ms: float, jitter_m: float
) -> None:
    """Where windows are refused by a sliding mean instead of being walked."""
    rng = np.random.default_rng(11)
    n = 900
    north, east = np.arange(n) * 2 * speed_ms + rng.normal(0, 1, n) * jitter_m, rng.normal(0, 1, n) * jitter_m
    fixes = [(2 * k, 120.9 + east[k] / 94_000, 32.0 + math.degrees(north[k] / EARTH_M)) for k in range(n)]
    got = detect_stays(frame(fixes), min_duration_s=400, anchor="centroid")
    assert told(got.stays) == plain_stays(fixes, 400, "centroid", 0)


@pytest.mark.timeout(60)
def test_a_centroid_creeps_at_twenty_hertz_without_walking_every_window() -> None:
    """1 m/s: the mean is left after 300 s, so every anchor's window would hold 6 000 fixes."""
    n = 1_500_000
    t = pl.Series(np.arange(n) * 50_000).cast(pl.Datetime("us", "UTC"))
    lat = 10.0 + np.arange(n) * 0.05 / 111_195
    fixes = pl.DataFrame({"vehicle_id": 0, "t": t, "lon": 120.0, "lat": lat})
    assert detect_stays(fixes, anchor="centroid").stays.height == 0
    assert dt.timedelta(seconds=n / 20) == t[-1] - t[0] + dt.timedelta(milliseconds=50)
