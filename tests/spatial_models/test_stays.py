"""Stays against the eight cases, an independent Li implementation, and the promises of the docstring."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_models.errors import InputFrameError, ModelError, NaiveTimeError, ParameterError, StateMismatch
from spatial_models.stays import detect_stays, longest_gaps_s, sampling_gaps_s
from tests.support.long_runs import examples

T0 = dt.datetime(2026, 3, 2, 0, 0, tzinfo=dt.UTC)
LON, LAT = 120.9, 32.0
M_PER_DEG = 6_371_008.8 * math.pi / 180
NOT_USED = ("duplicates", "late", "spikes", "pending", "invalid")


def track(points: list[tuple[float, float, float]], vehicle: str | int = "A") -> pl.DataFrame:
    """Fixes from (minute, metres east, metres north)."""
    minutes, east, north = (np.array(part, float) for part in zip(*points, strict=True))
    return pl.DataFrame(
        {
            "vehicle_id": [vehicle] * len(points),
            "t": [T0 + dt.timedelta(minutes=m) for m in minutes],
            "lon": LON + east / (M_PER_DEG * math.cos(math.radians(LAT))),
            "lat": LAT + north / M_PER_DEG,
        },
        schema_overrides={"t": pl.Datetime("us", "UTC")},
    )


def spans(result: Any) -> list[tuple[float, float, str]]:
    """(start minute, end minute, how it ended) of each stay."""

    def minute(t: dt.datetime) -> float:
        return (t - T0).total_seconds() / 60

    return [
        (minute(a), minute(b), how)
        for a, b, how in result.stays.select("started_at", "ended_at", "ended_by").iter_rows()
    ]


def approach(until: int = 5) -> list[tuple[float, float, float]]:
    """Five minutes of driving towards the origin at 1 km a minute."""
    return [(m, -1000.0 * (until - m), 0.0) for m in range(until)]


def parked(first: int, last: int, east: float = 0.0) -> list[tuple[float, float, float]]:
    return [(m, east, 0.0) for m in range(first, last + 1)]


def test_case_a_truck_that_goes_dark_is_kept() -> None:
    result = detect_stays(track([*approach(), *parked(5, 65), (545, 5000, 0), (546, 6000, 0)]))
    assert spans(result) == [(5, 65, "gap")]
    row = result.stays.row(0, named=True)
    assert row["left_by"] == T0 + dt.timedelta(minutes=545) and row["open"] is False and row["n_fixes"] == 61
    assert row["left_m"] == pytest.approx(5000.0, rel=1e-4)


def test_case_b_parked_at_the_end_is_open() -> None:
    result = detect_stays(track([*approach(), *parked(5, 65)]))
    assert spans(result) == [(5, 65, "track_end")]
    assert result.stays["open"].item() is True and result.stays["left_by"].item() is None
    assert result.stays["left_m"].item() is None
    assert detect_stays(track([*approach(), *parked(5, 65)]), final=False).stays.height == 0


def case_c() -> pl.DataFrame:
    points = [*approach(), *parked(5, 65), *[(m, 1000.0 * (m - 65), 0.0) for m in range(66, 70)]]
    return track([(m, e, 400.0 if m == 30 else n) for m, e, n in points])


def test_case_c_spike_is_tolerated_and_counted() -> None:
    assert spans(detect_stays(case_c())) == [(5, 29, "left"), (31, 65, "left")]
    tolerant = detect_stays(case_c(), outliers=1)
    assert spans(tolerant) == [(5, 65, "left")]
    assert tolerant.quality["outliers"] == 1 and tolerant.stays["n_fixes"].item() == 60


def test_case_c_spike_is_dropped_by_two_sided_speed() -> None:
    points = [*approach(), *parked(5, 65), (66, 1000.0, 0.0), (67, 2000.0, 0.0)]
    jumped = track([(m, e, 9000.0 if m == 30 else n) for m, e, n in points])
    result = detect_stays(jumped, max_speed_kmh=200)
    assert spans(result) == [(5, 65, "left")]
    assert result.quality["spikes"] == 1 and result.quality["outliers"] == 0


def test_case_d_creeping_queue_is_two_stays_for_the_centroid() -> None:
    queue = track([(m, 10.0 * m, 0.0) for m in range(61)])
    assert len(spans(detect_stays(queue))) == 4
    assert len(spans(detect_stays(queue, anchor="centroid"))) == 2


def test_case_e_moving_with_sparse_fixes_is_no_stay() -> None:
    assert spans(detect_stays(track([(14.0 * i, 8000.0 * i, 0.0) for i in range(6)]))) == []


def test_case_f_slow_approach_starts_at_the_first_anchor_that_holds() -> None:
    # 140 m in a minute from minute 5; from minute 6 on the truck stands
    points = [
        *approach(),
        (5, -280.0, 0.0),
        (6, -140.0, 0.0),
        *parked(7, 27),
        (28, 2000.0, 0.0),
        (29, 4000.0, 0.0),
    ]
    assert spans(detect_stays(track(points))) == [(6, 27, "left")]


def test_case_g_gap_at_the_same_place_makes_two_stays() -> None:
    points = [*approach(), *parked(5, 25), *parked(205, 225), (226, 2000.0, 0.0), (227, 4000.0, 0.0)]
    assert spans(detect_stays(track(points))) == [(5, 25, "gap"), (205, 225, "left")]


def test_case_h_exactly_ten_minutes_counts() -> None:
    points = [*approach(), *parked(5, 15), (16, 2000.0, 0.0), (17, 4000.0, 0.0)]
    assert spans(detect_stays(track(points))) == [(5, 15, "left")]
    assert spans(detect_stays(track(points), min_duration_s=600.001)) == []


def test_gap_of_exactly_max_gap_is_not_a_gap() -> None:
    points = [(0, 0, 0), (15, 0, 0), (30.0001, 0, 0)]
    assert spans(detect_stays(track(points))) == [(0, 15, "gap")]


# -- an independent Li 2008


def haversine(a: tuple[float, float], b: tuple[float, float]) -> float:
    lon_a, lat_a, lon_b, lat_b = map(math.radians, (*a, *b))
    h = (
        math.sin((lat_b - lat_a) / 2) ** 2
        + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    )
    return 2 * 6_371_008.8 * math.asin(math.sqrt(h))


def li_2008(
    fixes: list[tuple[float, float, float]], radius: float, least: float, gap: float
) -> list[tuple[float, float, str, int]]:
    """Written from the paper with the decisions on end, gap and boundaries: quadratic and plain."""
    found, i = [], 0
    while i < len(fixes):
        inside = [i]
        how = "track_end"
        for j in range(i + 1, len(fixes)):
            if fixes[j][0] - fixes[j - 1][0] > gap:
                how = "gap"
                break
            if haversine(fixes[i][1:], fixes[j][1:]) > radius:
                how = "left"
                break
            inside.append(j)
        start, end = fixes[i][0], fixes[inside[-1]][0]
        if len(inside) >= 2 and end - start >= least:
            found.append((start, end, how, len(inside)))
            i = inside[-1] + 1
        else:
            i += 1
    return found


moves = st.tuples(
    st.sampled_from([1, 30, 60, 61, 120, 300, 599, 600, 601, 899, 900, 901, 3600]),
    st.sampled_from([0.0, 3.0, 10.0, 40.0, 80.0, 149.0, 151.0, 300.0, 2000.0]),
    st.integers(0, 359),
)
journeys = st.lists(moves, min_size=1, max_size=60)
places = st.tuples(st.floats(-179.999, 179.999).filter(lambda x: abs(x) > 0.01), st.floats(-89.5, 89.5))


def walk(
    place: tuple[float, float], journey: list[tuple[int, float, int]]
) -> list[tuple[float, float, float]]:
    """Fixes (second, lon, lat) by great-circle steps from a place."""
    lon, lat = math.radians(place[0]), math.radians(place[1])
    second, fixes = 0.0, [(0.0, *place)]
    for wait, metres, bearing in journey:
        second += wait
        arc, turn = metres / 6_371_008.8, math.radians(bearing)
        new = math.asin(math.sin(lat) * math.cos(arc) + math.cos(lat) * math.sin(arc) * math.cos(turn))
        lon += math.atan2(
            math.sin(turn) * math.sin(arc) * math.cos(lat), math.cos(arc) - math.sin(lat) * math.sin(new)
        )
        lat = new
        fixes.append((second, (math.degrees(lon) + 540) % 360 - 180, math.degrees(lat)))
    return fixes


def frame(fixes: list[tuple[float, float, float]], vehicle: Any = "A") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "vehicle_id": [vehicle] * len(fixes),
            "t": [T0 + dt.timedelta(seconds=f[0]) for f in fixes],
            "lon": [f[1] for f in fixes],
            "lat": [f[2] for f in fixes],
        },
        schema_overrides={"t": pl.Datetime("us", "UTC")},
    )


@examples(300)
@given(places, journeys, st.sampled_from([20.3, 150.3, 400.7]), st.sampled_from([0, 60, 600, 1800]))
def test_first_anchor_is_exact_li(place: Any, journey: Any, radius_m: float, least_s: int) -> None:
    fixes = walk(place, journey)
    result = detect_stays(frame(fixes), radius_m=radius_m, min_duration_s=least_s)
    got = [
        ((a - T0).total_seconds(), (b - T0).total_seconds(), how, n)
        for a, b, how, n in result.stays.select("started_at", "ended_at", "ended_by", "n_fixes").iter_rows()
    ]
    assert got == li_2008(fixes, radius_m, least_s, 900)


def test_distance_is_haversine_within_a_millionth() -> None:
    """The farthest fix from the anchor is reported; it must be the great-circle distance."""
    rng = np.random.default_rng(7)
    for lat in (-89.99, -80.1, -79.9, -60.0, 0.0, 32.0, 75.0, 79.9, 89.0):
        for _ in range(20):
            fixes = walk((rng.uniform(-180, 180), lat), [(700, rng.uniform(1, 5000), int(rng.integers(360)))])
            got = detect_stays(frame(fixes), radius_m=5001).stays["radius_m"].item()
            assert got == pytest.approx(haversine(fixes[0][1:], fixes[1][1:]), rel=1e-6, abs=1e-5)


def test_stay_across_the_antimeridian() -> None:
    east_west = pl.DataFrame(
        {
            "vehicle_id": "boat",
            "t": [T0 + dt.timedelta(minutes=m) for m in range(12)],
            "lon": [179.9999, -179.9999] * 5 + [180.0, -180.0],
            "lat": -17.0,
        }
    )
    stay = detect_stays(east_west).stays.row(0, named=True)
    assert stay["n_fixes"] == 12 and abs(abs(stay["lon"]) - 180.0) < 1e-3


# -- promises

dirty_moves = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 60, 300, 600, 901]),
        st.sampled_from([0.0, 5.0, 50.0, 149.0, 151.0, 400.0, 30_000.0]),
        st.integers(0, 359),
    ),
    min_size=1,
    max_size=50,
)
modes = st.fixed_dictionaries(
    {
        "anchor": st.sampled_from(["first", "centroid"]),
        "outliers": st.integers(0, 3),
        "max_speed_kmh": st.sampled_from([None, 200.0]),
        "min_duration_s": st.sampled_from([0, 300, 600]),
    }
)


def fleet(journeys: list[Any]) -> pl.DataFrame:
    frames = [frame(walk((LON, LAT), journey), vehicle) for vehicle, journey in enumerate(journeys)]
    return pl.concat(frames)


@examples(200)
@given(
    st.lists(dirty_moves, min_size=1, max_size=3), modes, st.lists(st.floats(0, 1), max_size=5), st.booleans()
)
def test_batches_give_the_stays_of_one_run(
    journeys: Any, mode: Any, cuts: Any, only_last_final: bool
) -> None:
    fixes = fleet(journeys).sort("t", maintain_order=True)
    whole = detect_stays(fixes, **mode)
    edges = sorted({0, fixes.height, *(int(c * fixes.height) for c in cuts)})
    state, found, used, dropped = None, [], 0, 0
    for a, b in pairwise(edges):
        final = b == fixes.height or not only_last_final
        part = detect_stays(fixes[a:b], **mode, state=state, final=final)
        state = part.state
        found.append(part.stays)
        used += part.quality["used"]
        dropped += part.quality["duplicates"] + part.quality["spikes"]
    # the rows of a batch replace the open ones of the batch before; without outliers an open stay always
    # comes again
    kept = [*(part.filter(~pl.col("open")) for part in found[:-1]), found[-1]]
    assert pl.concat(kept).sort("vehicle_id", "started_at").equals(whole.stays)
    if mode["outliers"] == 0:
        merged = pl.concat(found).unique(["vehicle_id", "started_at"], keep="last")
        assert merged.sort("vehicle_id", "started_at").equals(whole.stays)
    assert used == whole.quality["used"]
    assert dropped == whole.quality["duplicates"] + whole.quality["spikes"]


@examples(100)
@given(
    st.lists(dirty_moves, min_size=1, max_size=3),
    modes,
    st.lists(st.sampled_from([901, 1200, 3600]), max_size=3),
)
def test_a_longer_gap_of_one_vehicle_is_its_own(journeys: Any, mode: Any, gaps: list[int]) -> None:
    """Each vehicle has the stays of a run alone with its gap; those that report often have the stays of before."""
    fixes = fleet(journeys)
    own = dict(enumerate(gaps[: len(journeys)]))
    given_gaps = pl.DataFrame(
        {"vehicle_id": list(own), "max_gap_s": list(own.values())},
        schema={"vehicle_id": pl.Int64, "max_gap_s": pl.Float64},
    )
    found = detect_stays(fixes, longest_gaps=given_gaps, **mode).stays
    for vehicle in range(len(journeys)):
        alone = detect_stays(fixes.filter(vehicle_id=vehicle), max_gap_s=own.get(vehicle, 900), **mode).stays
        assert found.filter(vehicle_id=vehicle).equals(alone)


def test_the_usual_interval_of_a_vehicle_sets_how_long_a_gap_belongs_to_its_stays() -> None:
    """One stands for two hours and reports every 16 minutes, one every minute; one report of each is missing."""
    often = [float(minute) for minute in range(121) if not 50 < minute < 66]
    seldom = [16.0 * n for n in range(-20, 8) if n != 4]
    fixes = pl.concat(
        frame([(60 * m, LON + (1.0 if m < 0 else 0.0) + m * (m < 0) / 100, LAT) for m in minutes], name)
        for name, minutes in (("often", often), ("seldom", seldom))
    )
    gaps = longest_gaps_s(sampling_gaps_s(fixes), 900)
    assert gaps.rows() == [("seldom", 2100.0)], (
        "two intervals of 16 minutes, rounded up to whole five minutes"
    )
    found = detect_stays(fixes, longest_gaps=gaps).stays
    assert found.select("vehicle_id", "n_fixes").rows() == [("often", 51), ("often", 55), ("seldom", 7)]
    assert detect_stays(fixes).stays.select("vehicle_id").to_series().to_list() == ["often", "often"]


@examples(100)
@given(st.lists(journeys, min_size=1, max_size=3), modes, st.randoms(use_true_random=False))
def test_order_names_and_clock_change_nothing(journeys: Any, mode: Any, random: Any) -> None:
    fixes = fleet(journeys)
    whole = detect_stays(fixes, **mode).stays
    order = list(range(fixes.height))
    random.shuffle(order)
    assert detect_stays(fixes[order], **mode).stays.equals(whole)
    names = {0: "z", 1: "a", 2: "沪A"}
    renamed = detect_stays(fixes.with_columns(pl.col("vehicle_id").replace_strict(names)), **mode).stays
    back = renamed.with_columns(
        pl.col("vehicle_id").replace_strict({v: k for k, v in names.items()}, return_dtype=pl.Int64)
    ).sort("vehicle_id", "started_at")
    assert back.equals(whole)
    shift = dt.timedelta(days=4000, microseconds=17)
    later = detect_stays(fixes.with_columns(pl.col("t") + shift), **mode).stays
    times = pl.col("started_at", "ended_at", "left_by")
    assert later.equals(whole.with_columns(times + shift))


floats = st.one_of(
    st.sampled_from(
        [math.nan, math.inf, -math.inf, 180.0, -180.0, 90.0, -90.0, 0.0, 1e308, -0.0, 120.9, 32.0, 179.9999]
    ),
    st.floats(-200, 200),
    st.none(),
)
times = st.one_of(
    st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31), timezones=st.just(dt.UTC)),
    st.integers(0, 5).map(lambda n: T0 + dt.timedelta(minutes=7 * n)),
    st.none(),
)
dirty_rows = st.lists(st.tuples(st.sampled_from(["A", "B", "", None]), times, floats, floats), max_size=40)


@examples(300)
@given(dirty_rows, modes)
def test_dirty_input_never_breaks_and_every_row_is_accounted_for(rows: Any, mode: Any) -> None:
    schema = {"vehicle_id": pl.String, "t": pl.Datetime("us", "UTC"), "lon": pl.Float64, "lat": pl.Float64}
    fixes = pl.DataFrame(rows, schema=schema, orient="row")
    result = detect_stays(fixes, **mode)
    quality = result.quality
    assert quality["rows"] == fixes.height == quality["used"] + sum(quality[name] for name in NOT_USED)
    assert quality["invalid"] == sum(n for name, n in quality.items() if name.startswith("invalid_"))
    stays = result.stays
    assert stays.filter((pl.col("ended_at") < pl.col("started_at")) | (pl.col("n_fixes") < 2)).height == 0
    assert stays.filter(~pl.col("lon").is_between(-180, 180) | ~pl.col("lat").is_between(-90, 90)).height == 0
    assert stays["n_fixes"].sum() <= quality["used"]


def test_reasons_are_counted_by_hand() -> None:
    good = track([*parked(0, 12), (13, 2000.0, 0.0)])
    bad = pl.DataFrame(
        {
            "vehicle_id": ["A", "A", "A", "A", "A", None, "A", "A"],
            "t": [T0, T0, None, T0, T0, T0, T0 + dt.timedelta(minutes=3), T0 + dt.timedelta(minutes=4)],
            "lon": [math.nan, 32.0, LON, 0.0, math.inf, LON, LON, LON + 1],
            "lat": [LAT, 120.9, LAT, 0.0, LAT, LAT, LAT, LAT],
        },
        schema_overrides={"t": pl.Datetime("us", "UTC")},
    )
    result = detect_stays(pl.concat([good, bad]))
    assert spans(result) == [(0, 12, "left")]
    expected = {
        "rows": 22, "used": 14, "invalid": 6, "invalid_number": 2, "invalid_range": 1, "invalid_time": 1,
        "invalid_zero": 1, "invalid_vehicle": 1, "duplicates": 2, "conflicts": 1, "late": 0, "spikes": 0,
    }  # fmt: skip
    assert expected.items() <= result.quality.items()


def test_first_row_of_a_time_wins() -> None:
    fixes = track([*parked(0, 12), (13, 2000.0, 0.0), (5, 900.0, 0.0)])
    result = detect_stays(fixes)
    assert spans(result) == [(0, 12, "left")] and result.quality["conflicts"] == 1


def test_late_rows_of_an_earlier_batch_are_counted() -> None:
    first = detect_stays(track(parked(0, 20)), final=False)
    second = detect_stays(track([(3.5, 0, 0), *parked(21, 30)]), state=first.state)
    assert second.quality["late"] == 1 and spans(second) == [(0, 30, "track_end")]


def test_state_stays_small_however_long_a_vehicle_stands() -> None:
    state = None
    for day in range(5):
        points = [(m, float(m % 3), 0.0) for m in range(day * 1440, (day + 1) * 1440)]
        result = detect_stays(track(points), state=state, final=False)
        state = result.state
        assert state.tail.height == 0
    assert spans(detect_stays(track([(7199.5, 0, 0)]), state=state)) == [(0, 7199.5, "track_end")]


def test_state_of_other_parameters_or_ids_is_refused() -> None:
    state = detect_stays(track(parked(0, 3))).state
    with pytest.raises(StateMismatch, match="radius_m"):
        detect_stays(track(parked(4, 6)), state=state, radius_m=100)
    with pytest.raises(StateMismatch, match="vehicle ids"):
        detect_stays(track(parked(4, 6), vehicle=7), state=state)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai"])
def test_time_units_and_zones(unit: str, zone: str) -> None:
    fixes = case_c().with_columns(pl.col("t").dt.cast_time_unit(unit).dt.convert_time_zone(zone))
    assert detect_stays(fixes).stays.equals(detect_stays(case_c()).stays)


def test_pandas_and_pyarrow_frames_give_the_same() -> None:
    expected = detect_stays(case_c()).stays
    pandas = case_c().to_pandas()
    assert isinstance(pandas, pd.DataFrame) and detect_stays(pandas).stays.equals(expected)
    table = case_c().to_arrow()
    assert isinstance(table, pa.Table) and detect_stays(table).stays.equals(expected)
    categories = case_c().with_columns(pl.col("vehicle_id").cast(pl.Categorical))
    assert detect_stays(categories).stays.equals(expected)
    assert detect_stays(case_c().lazy()).stays.equals(expected)


def mixed_zones() -> pd.DataFrame:
    """Times with and without a zone in one column of objects.

    Pandas keeps both, nothing says what the others mean.
    """
    t = pd.Series([T0, dt.datetime(2026, 3, 2, 1), pd.NaT, None], dtype=object)
    return pd.DataFrame({"vehicle_id": "A", "t": t, "lon": LON, "lat": LAT})


def wide_numbers() -> dict[str, Any]:
    return {"lon": pa.array([decimal.Decimal(1)], pa.decimal256(50, 3))}


def test_missing_times_among_objects_are_counted() -> None:
    t = pd.Series([T0, pd.NaT, None], dtype=object)
    result = detect_stays(pd.DataFrame({"vehicle_id": "A", "t": t, "lon": LON, "lat": LAT}))
    assert result.quality["invalid_time"] == 2 and result.quality["used"] == 1


@pytest.mark.parametrize(
    ("fixes", "error", "message"),
    [
        (pl.DataFrame({"vehicle_id": ["A"], "lon": [1.0]}), InputFrameError, "t, lat"),
        (case_c().with_columns(pl.col("t").dt.replace_time_zone(None)), NaiveTimeError, "without a zone"),
        (case_c().with_columns(t=pl.lit("2026-01-01")), InputFrameError, "column t"),
        (case_c().with_columns(vehicle_id=pl.lit(1.5)), InputFrameError, "vehicle_id"),
        (case_c().with_columns(lon=pl.lit(T0)), InputFrameError, "lon"),
        (case_c().with_columns(vehicle_id=pl.lit(1, pl.Int128)), InputFrameError, "Int128"),
        (case_c().lazy().select(pl.col("nothing")), InputFrameError, "nothing"),
        (case_c().lazy().with_columns(pl.lit("x").alias("t").cast(pl.Int64)), InputFrameError, "conversion"),
        (mixed_zones(), NaiveTimeError, "without a zone"),
        (pa.table({**wide_numbers(), "vehicle_id": ["A"], "t": [T0], "lat": [1.0]}), InputFrameError, "256"),
        ([1, 2, 3], InputFrameError, "list"),
        (None, InputFrameError, "NoneType"),
    ],
)
def test_what_is_no_track_is_refused_by_name(fixes: Any, error: type[ModelError], message: str) -> None:
    with pytest.raises(error, match=message):
        detect_stays(fixes)


@pytest.mark.parametrize(
    "wrong",
    [{"radius_m": -1}, {"radius_m": math.nan}, {"min_duration_s": "x"}, {"max_gap_s": math.inf}, {"anchor": "mean"},
     {"outliers": -1}, {"outliers": 1.5}, {"max_speed_kmh": 0}],
)  # fmt: skip
def test_parameters_out_of_range_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        detect_stays(case_c(), **wrong)


def test_no_rows_and_no_vehicle() -> None:
    assert detect_stays(case_c().clear()).stays.height == 0
    nobody = case_c().with_columns(vehicle_id=pl.lit(None))
    result = detect_stays(nobody)
    assert result.stays.height == 0 and result.quality["invalid_vehicle"] == nobody.height
    assert detect_stays(case_c(), state=result.state).stays.equals(detect_stays(case_c()).stays)


def test_shuffled_rows_of_one_long_track() -> None:
    """Far more moves than insertion sorting allows: the fall-back must give the same."""
    rng = np.random.default_rng(3)
    n = 20_000
    points = [(m * 0.5, float(e), 0.0) for m, e in enumerate(np.cumsum(rng.choice([0, 0, 0, 0, 400], n)))]
    ordered = track(points)
    expected = detect_stays(ordered)
    assert expected.stays.height > 20
    got = detect_stays(ordered[rng.permutation(n).tolist()])
    assert got.stays.equals(expected.stays) and got.quality["out_of_order"] > n // 2
