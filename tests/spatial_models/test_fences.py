"""Fences against a plain state machine over shapely, by hand, cut into batches, and with dirty input."""

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

from spatial_models.errors import InputFrameError, ModelError, NaiveTimeError, ParameterError, StateMismatch
from spatial_models.fences import TimeTable, detect_fence_events
from spatial_models.fences.detect import clip_to_window
from tests.support.hostile_fixes import any_number, any_time
from tests.support.long_runs import examples

T0 = dt.datetime(2026, 3, 2, 0, 0, tzinfo=dt.UTC)  # a Monday, 08:00 in China
LON, LAT = 120.9, 32.0
DEG = 6_371_008.8 * math.pi / 180
KX = DEG * math.cos(math.radians(LAT))


def square(half_m: float = 100.0, east: float = 0.0) -> Any:
    return shapely.box(
        LON + (east - half_m) / KX, LAT - half_m / DEG, LON + (east + half_m) / KX, LAT + half_m / DEG
    )


def fence(rule: str = "forbid_enter", **more: Any) -> pl.DataFrame:
    more.setdefault("boundary", square().wkb)
    return pl.DataFrame(
        {"fence_id": ["F"], "rule": [rule], **{name: [value] for name, value in more.items()}}
    )


def track(
    east: list[float], vehicle: Any = "A", start: dt.datetime = T0, step_min: float = 1.0
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "vehicle_id": [vehicle] * len(east),
            "t": [start + dt.timedelta(minutes=step_min * n) for n in range(len(east))],
            "lon": [LON + x / KX for x in east],
            "lat": LAT,
        },
        schema_overrides={"t": pl.Datetime("us", "UTC")},
    )


def told(events: pl.DataFrame) -> list[tuple[Any, ...]]:
    """(begun_by, start minute, end minute, ended_by, left_by minute, fixes) of each event."""

    def minute(t: dt.datetime | None) -> float | None:
        return None if t is None else (t - T0).total_seconds() / 60

    return [
        (
            r["begun_by"],
            minute(r["started_at"]),
            minute(r["ended_at"]),
            r["ended_by"],
            minute(r["left_by"]),
            r["n_fixes"],
        )
        for r in events.iter_rows(named=True)
    ]


def test_enter_and_leave_by_hand() -> None:
    events = detect_fence_events(track([500, 300, 50, 0, -50, -300, -500]), fence()).events
    assert told(events) == [("entered", 2, 4, "left", 5, 3)]
    row = events.row(0, named=True)
    assert row["started_after"] == T0 + dt.timedelta(minutes=1) and row["confirmed_at"] == T0 + dt.timedelta(
        minutes=3
    )
    assert row["event_id"] == "F:A@20260302T000200.000000Z" and not (
        row["clipped_start"] or row["clipped_end"]
    )
    assert abs(row["lon"] - (LON + 50 / KX)) < 1e-12 and abs(row["mean_lon"] - LON) < 1e-9


def test_hysteresis_swallows_drift_and_a_single_stray_fix() -> None:
    drifting = [500, 0, 0, 110, 0, 120, 125, 0, 500, 0, 0, 500, 500, 600]
    assert told(detect_fence_events(track(drifting), fence()).events) == [("entered", 1, 10, "left", 11, 6)]
    sharp = fence(buffer_m=0.0, leave_fixes=1, enter_fixes=1)
    assert len(detect_fence_events(track(drifting), sharp).events) == 4
    assert told(detect_fence_events(track([500, 0, 500, 0, 500]), fence()).events) == []


def test_first_and_last_crossings_are_kept_and_flagged() -> None:
    events = detect_fence_events(track([0, 0, 0, 500, 500, 0, 0]), fence()).events
    assert told(events) == [("track_start", 0, 2, "left", 3, 3), ("entered", 5, 6, "track_end", None, 2)]
    assert events["clipped_start"].to_list() == [True, False] and events["clipped_end"].to_list() == [
        False,
        True,
    ]
    assert detect_fence_events(track([0, 0]), fence(), final=False).events.height == 0


def test_silence_closes_and_keeps() -> None:
    fixes = pl.concat([track([500, 0, 0]), track([0, 0, 500, 500], start=T0 + dt.timedelta(hours=3))])
    assert told(detect_fence_events(fixes, fence()).events) == [
        ("entered", 1, 2, "gap", 180, 2),
        ("gap", 180, 181, "left", 182, 2),
    ]


def test_forbid_leave_is_broken_outside() -> None:
    fixes = track([0, 0, 110, 500, 900, 0, 0])
    assert told(detect_fence_events(fixes, fence("forbid_leave")).events) == [("entered", 3, 4, "left", 5, 2)]
    bound = fence("forbid_leave", vehicle_ids=["B"])
    assert detect_fence_events(fixes, bound).events.height == 0
    assert detect_fence_events(fixes.with_columns(vehicle_id=pl.lit("B")), bound).events.height == 1


def test_dwell_limit_counts_from_the_first_fix_inside() -> None:
    fixes = track([500, *[0] * 31, 500, 500])
    events = detect_fence_events(fixes, fence("dwell_limit", limit_s=1200.0)).events
    assert told(events) == [("entered", 1, 31, "left", 32, 31)]
    assert events["over_s"].item() == 600.0 and events["confirmed_at"].item() == T0 + dt.timedelta(minutes=21)
    assert detect_fence_events(fixes, fence("dwell_limit", limit_s=1800.1)).events.height == 0
    assert detect_fence_events(fixes, fence(delay_s=1800.0)).events.height == 1


def test_time_table_begins_and_ends_an_event() -> None:
    table = {"weekly": [{"days": [1], "from": "08:05", "to": "08:10"}]}
    for times in (table, json.dumps(table)):
        frame = fence().with_columns(
            times=pl.Series([times], dtype=pl.Object if isinstance(times, dict) else pl.String)
        )
        events = detect_fence_events(track([500, *[0] * 15, 500]), frame).events
        assert told(events) == [("table", 5, 9, "table", 10, 5)]


def test_fishing_ban_on_the_water() -> None:
    ban = fence(medium="water", below_speed_kmh=8.0).with_columns(
        times=pl.Series([TimeTable(yearly=(("05-01T12:00", "08-16T12:00"),))], dtype=pl.Object)
    )
    boats = pl.DataFrame({"vehicle_id": ["A", "B"], "kind": ["vessel", "hazmat"]})
    drifting = [-500, -90, -60, -30, 0, 30, 60, 90, 500, 900]
    summer = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    slow = pl.concat([track(drifting, v, summer) for v in "AB"])
    events = detect_fence_events(slow, ban, boats).events
    assert (
        events["vehicle_id"].to_list() == ["A"] and events["n_fixes"].item() == 6
    )  # the first fix came in at 25 km/h
    assert detect_fence_events(track(drifting, "A", T0), ban, boats).events.height == 0  # March
    passing = track([-500, -90, 60, 500, 900], "A", summer)
    assert detect_fence_events(passing, ban, boats).events.height == 0


def test_window_clips_and_loses_nothing() -> None:
    events = detect_fence_events(track([500, *[0] * 20, 500, 500]), fence()).events

    def clipped(a: float, b: float) -> list[tuple[Any, ...]]:
        window = T0 + dt.timedelta(minutes=a), T0 + dt.timedelta(minutes=b)
        return clip_to_window(events, *window).select("clipped_start", "clipped_end", "in_window_s").rows()

    assert clipped(5, 10) == [(True, True, 300.0)]
    assert clipped(0, 10) == [(False, True, 540.0)]
    assert clipped(10, 90) == [(True, False, 600.0)]
    assert clipped(0, 90) == [(False, False, 1140.0)]
    assert clipped(40, 90) == []
    with pytest.raises(NaiveTimeError):
        clip_to_window(events, dt.datetime(2026, 1, 1), T0)
    with pytest.raises(ParameterError):
        clip_to_window(events, T0, T0)


def test_fence_at_the_antimeridian_with_a_hole() -> None:
    ring = shapely.MultiPolygon(
        [
            shapely.box(179.9, -18, 180, -17).difference(shapely.box(179.97, -17.6, 179.99, -17.4)),
            shapely.box(-180, -18, -179.9, -17),
        ]
    )
    lon = [179.8, 179.95, 180.0, -180.0, -179.95, 179.98, 179.98, -179.8]
    fixes = track([0.0] * 8).with_columns(lon=pl.Series(lon), lat=pl.lit(-17.5))
    assert told(detect_fence_events(fixes, fence(boundary=ring.wkb)).events) == [
        ("entered", 1, 4, "left", 5, 4)
    ]


# -- an independent state machine over shapely


def oracle(
    points: list[tuple[float, float]], shape: Any, f: dict[str, Any], gap_s: float
) -> list[tuple[Any, ...]]:
    """(start, end, how it ended, fixes): (second, metres east) of one vehicle, one fence, plain loops."""
    table = f["times"]
    found, run, goods, entered = [], [], [], False

    def close(how: str) -> None:
        nonlocal run, goods, entered
        if entered and run[-1] - run[0] >= f["delay_s"]:
            found.append((run[0], run[-1], how, len(run)))
        run, goods, entered = [], [], False

    last = None
    for second, east in points:
        if last is not None and second - last > gap_s:
            close("left" if goods else "gap")
        last = second
        metres = shapely.affinity.scale(shape, KX, DEG, origin=(LON, LAT)).distance(
            shapely.Point(LON + east, LAT)
        )
        inside, out = metres <= 1e-6, metres > f["buffer_m"]
        bad, good = (out, inside) if f["rule"] == "forbid_leave" else (inside, out)
        if not table.applies_at(np.array([int((T0.timestamp() + second) * 1e6)]))[0]:
            close("left" if goods else "table")
        elif bad:
            run.append(second)
            goods = []
            entered = entered or len(run) >= f["enter_fixes"]
        elif good and not entered:
            run = []
        elif good:
            goods.append(second)
            if len(goods) >= f["leave_fixes"]:
                close("left")
    close("track_end")
    return found


steps = st.lists(
    st.tuples(
        st.sampled_from([1, 30, 60, 300, 899, 900, 901]),
        st.sampled_from([0.0, 99.0, 101.0, 125.0, 131.0, 500.0]),
    ),
    min_size=1,
    max_size=40,
)
rules = st.fixed_dictionaries(
    {
        "rule": st.sampled_from(["forbid_enter", "forbid_leave"]),
        "buffer_m": st.sampled_from([0.0, 30.0]),
        "enter_fixes": st.integers(1, 3),
        "leave_fixes": st.integers(1, 3),
        "delay_s": st.sampled_from([0.0, 60.0, 900.0]),
        "times": st.sampled_from(
            [TimeTable(), TimeTable(weekly=(((1,), "08:00", "08:20"), ((1,), "09:00", "10:00")))]
        ),
    }
)


def frame_of(rule: dict[str, Any], fence_id: str = "F") -> pl.DataFrame:
    plain = {name: [rule[name]] for name in sorted(rule) if name != "times"}
    frame = pl.DataFrame({"fence_id": [fence_id], "boundary": [square().wkb], **plain})
    return frame.with_columns(times=pl.Series([json.dumps(rule["times"].to_dict())]))


def fixes_of(points: list[tuple[float, float]], vehicle: Any) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "vehicle_id": [vehicle] * len(points),
            "t": [T0 + dt.timedelta(seconds=s) for s, _ in points],
            "lon": [LON + e / KX for _, e in points],
            "lat": LAT,
        },
        schema_overrides={"t": pl.Datetime("us", "UTC")},
    )


def points_of(moves: list[tuple[int, float]]) -> list[tuple[float, float]]:
    return list(
        zip(np.cumsum([m[0] for m in moves]).astype(float).tolist(), [m[1] for m in moves], strict=True)
    )


@examples(150)
@given(st.lists(steps, min_size=1, max_size=3), st.lists(rules, min_size=1, max_size=3))
def test_every_rule_against_plain_loops(journeys: Any, given_rules: Any) -> None:
    fences = pl.concat([frame_of(rule, f"F{n}") for n, rule in enumerate(given_rules)])
    fixes = pl.concat([fixes_of(points_of(moves), v) for v, moves in enumerate(journeys)])
    events = detect_fence_events(fixes, fences).events
    for n, rule in enumerate(given_rules):
        for v, moves in enumerate(journeys):
            mine = events.filter((pl.col("fence_id") == f"F{n}") & (pl.col("vehicle_id") == v))
            got = [
                (
                    (r["started_at"] - T0).total_seconds(),
                    (r["ended_at"] - T0).total_seconds(),
                    r["ended_by"],
                    r["n_fixes"],
                )
                for r in mine.iter_rows(named=True)
            ]
            assert got == oracle(points_of(moves), square(), rule, 900.0)


@examples(150)
@given(
    st.lists(steps, min_size=1, max_size=3),
    st.lists(rules, min_size=1, max_size=2),
    st.lists(st.floats(0, 1), max_size=5),
    st.booleans(),
    st.sampled_from([math.inf, 8.0]),
)
def test_batches_give_the_events_of_one_run(
    journeys: Any, given_rules: Any, cuts: Any, only_last_final: bool, speed: float
) -> None:
    fences = pl.concat([frame_of(rule, f"F{n}") for n, rule in enumerate(given_rules)])
    fences = fences.with_columns(below_speed_kmh=pl.lit(speed))
    fixes = pl.concat([fixes_of(points_of(m), v) for v, m in enumerate(journeys)]).sort(
        "t", maintain_order=True
    )
    whole = detect_fence_events(fixes, fences)
    edges = sorted({0, fixes.height, *(int(c * fixes.height) for c in cuts)})
    state, found, used = None, [], 0
    for a, b in itertools.pairwise(edges):
        final = b == fixes.height or not only_last_final
        part = detect_fence_events(fixes[a:b], fences, state=state, final=final)
        state = part.state
        found.append(part.events)
        used += part.quality["used"]
    merged = pl.concat(found).unique("event_id", keep="last").sort("vehicle_id", "started_at", "fence_id")
    assert merged.equals(whole.events)
    assert used == whole.quality["used"]


boxes = st.tuples(st.floats(-180, 179), st.floats(-90, 89), st.floats(0.01, 1), st.floats(0.01, 1)).map(
    lambda b: shapely.box(b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@examples(150)
@given(
    st.lists(st.tuples(st.sampled_from(["A", "", None]), any_time, any_number, any_number), max_size=30),
    st.lists(boxes, max_size=3),
    st.sampled_from(["forbid_enter", "forbid_leave"]),
    st.sampled_from([0.0, 30.0, 1e6]),
)
def test_dirty_input_never_breaks_and_every_row_is_accounted_for(
    rows: Any, shapes: Any, rule: str, buffer: float
) -> None:
    schema = {"vehicle_id": pl.String, "t": pl.Datetime("us", "UTC"), "lon": pl.Float64, "lat": pl.Float64}
    fixes = pl.DataFrame(rows, schema=schema, orient="row")
    fences = pl.DataFrame(
        {
            "fence_id": [str(n) for n in range(len(shapes))],
            "rule": [rule] * len(shapes),
            "boundary": [s.wkb for s in shapes],
            "buffer_m": [buffer] * len(shapes),
        },
        schema={"fence_id": pl.String, "rule": pl.String, "boundary": pl.Binary, "buffer_m": pl.Float64},
    )
    result = detect_fence_events(fixes, fences)
    quality = result.quality
    assert quality["rows"] == fixes.height
    assert quality["rows"] == quality["used"] + quality["duplicates"] + quality["late"] + quality["invalid"]
    assert result.events.filter(pl.col("ended_at") < pl.col("started_at")).height == 0
    again = detect_fence_events(fixes.clear(), fences, state=result.state)
    assert again.events.height == result.events["open"].sum()


BOW_TIE = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])


@pytest.mark.parametrize(
    ("fences", "message"),
    [
        (fence("forbid"), "fence F: rule 'forbid'"),
        (fence("dwell_limit"), "needs limit_s"),
        (fence(buffer_m=-1.0), "fence F: buffer_m"),
        (fence(buffer_m=math.nan), "fence F: buffer_m"),
        (fence(enter_fixes=0), "enter_fixes"),
        (fence(enter_fixes=1.5), "enter_fixes"),
        (fence(boundary=b"x"), "boundary is no WKB"),
        (fence(boundary=shapely.Point(0, 0).wkb), "must be a polygon"),
        (fence(boundary=BOW_TIE.wkb), "crosses itself"),
        (fence(boundary=shapely.box(-170, 0, 170, 1).wkb), "wider than 180"),
        (fence(medium="air"), "neither land nor water"),
        (fence(times='{"weekly": [{"days": [8], "from": "0", "to": "1"}]}'), "fence F: times"),
        (fence(times="{"), "fence F: times"),
        (pl.concat([fence(), fence()]), "id of its own"),
        (fence().drop("rule"), "column rule is missing"),
        (None, "NoneType"),
    ],
)
def test_fences_that_are_wrong_are_named(fences: Any, message: str) -> None:
    with pytest.raises(InputFrameError, match=message):
        detect_fence_events(track([0.0]), fences)


def test_other_errors_are_the_packages_own() -> None:
    state = detect_fence_events(track([0.0, 0.0]), fence()).state
    with pytest.raises(StateMismatch, match="other fences"):
        detect_fence_events(track([0.0]), fence(buffer_m=1.0), state=state)
    with pytest.raises(ParameterError, match="max_gap_s"):
        detect_fence_events(track([0.0]), fence(), max_gap_s=math.nan)
    with pytest.raises(ModelError, match="no time zone"):
        TimeTable(zone="Mars/Base")


def test_time_tables_by_hand() -> None:
    def at(*local: int) -> int:
        return int((dt.datetime(*local, tzinfo=dt.timezone(dt.timedelta(hours=8)))).timestamp() * 1e6)  # type: ignore[misc, arg-type]

    night = TimeTable(weekly=(((5,), "22:00", "06:00"),))  # the night from Friday to Saturday
    moments = np.array(
        [
            at(2026, 3, 6, 21, 59),
            at(2026, 3, 6, 22),
            at(2026, 3, 7, 5, 59),
            at(2026, 3, 7, 6),
            at(2026, 3, 7, 23),
        ]
    )
    assert night.applies_at(moments).tolist() == [False, True, True, False, False]
    sunday_night = TimeTable(weekly=(((7,), "22:00", "06:00"),))
    assert sunday_night.applies_at(
        np.array([at(2026, 3, 8, 23), at(2026, 3, 9, 1), at(2026, 3, 9, 7)])
    ).tolist() == [True, True, False]
    ban = TimeTable(yearly=(("05-01T12:00", "08-16T12:00"),))
    moments = np.array([at(2026, 5, 1, 11, 59), at(2026, 5, 1, 12), at(2027, 8, 16, 11), at(2027, 8, 16, 12)])
    assert ban.applies_at(moments).tolist() == [False, True, True, False]
    winter = TimeTable(yearly=(("12-01", "02-28"),))
    assert winter.applies_at(np.array([at(2026, 12, 1), at(2027, 2, 28, 23), at(2027, 3, 1)])).tolist() == [
        True,
        True,
        False,
    ]
    decade = TimeTable.from_dict({"spans": [["2021-01-01", "2030-12-31"]]})
    moments = np.array([at(2020, 12, 31, 23), at(2021, 1, 1), at(2030, 12, 31, 23), at(2031, 1, 1)])
    assert decade.applies_at(moments).tolist() == [False, True, True, False]
    for table in (night, ban, winter, decade):
        assert TimeTable.from_dict(json.loads(json.dumps(table.to_dict()))) == table
