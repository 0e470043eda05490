"""Visits: linking across gaps, reach, attribution, excluded places, night, report window."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from spatial_models.errors import InputFrameError, NaiveTimeError, ParameterError
from spatial_models.nights import night_share
from spatial_models.stays import detect_stays
from spatial_models.visits import find_visits
from spatial_models.visits.attribution import Attribution, attribute
from spatial_models.visits.find import VISIT_SCHEMA
from spatial_models.visits.nearness import find_site_pairs
from tests.support.long_runs import examples

LON, LAT = 120.9, 32.0
EVENING = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)  # 20:00 in China
M_PER_DEG = 6_371_008.8 * math.pi / 180


def east(metres: float) -> float:
    return LON + metres / (M_PER_DEG * math.cos(math.radians(LAT)))


def stay(
    start_min: float, end_min: float, *, at_m: float = 0.0, vehicle: str = "A", ended_by: str = "left",
    left_by_min: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    left_by = left_by_min if left_by_min is not None else end_min + 1
    return {
        "vehicle_id": vehicle,
        "started_at": EVENING + dt.timedelta(minutes=start_min),
        "ended_at": EVENING + dt.timedelta(minutes=end_min),
        "left_by": None if ended_by == "track_end" else EVENING + dt.timedelta(minutes=left_by),
        "ended_by": ended_by,
        "open": ended_by == "track_end",
        "lon": east(at_m),
        "lat": LAT,
    }


def stays(*rows: dict[str, Any]) -> pl.DataFrame:
    utc = pl.Datetime("us", "UTC")
    return pl.DataFrame(list(rows), schema_overrides={"left_by": utc, "started_at": utc, "ended_at": utc})


def sites(*rows: tuple[str, float, str], square_m: float | None = None) -> pl.DataFrame:
    """Sites (id, metres east, status), each a square of this side when given."""
    table = pl.DataFrame(rows, schema=["site_id", "east_m", "status"], orient="row")
    boundary = None
    if square_m is not None:
        half_lon, half_lat = (east(square_m / 2) - LON), square_m / 2 / M_PER_DEG
        boundary = [
            shapely.box(east(m) - half_lon, LAT - half_lat, east(m) + half_lon, LAT + half_lat).wkb
            for m in table["east_m"]
        ]
    return table.with_columns(
        lon=pl.Series([east(m) for m in table["east_m"]]), lat=pl.lit(LAT), hazard=pl.lit("chemical"),
        boundary=pl.Series(boundary if boundary else [None] * len(rows), dtype=pl.Binary),
    )  # fmt: skip


def test_one_truck_at_one_plant() -> None:
    visits = find_visits(stays(stay(0, 60)), sites(("S", 120.0, "closed")))
    row = visits.row(0, named=True)
    assert visits.columns == list(VISIT_SCHEMA) and visits.height == 1
    assert row["distance_m"] == pytest.approx(120.0, abs=0.05)
    assert (row["site_id"], row["share"], row["seen_s"], row["unseen_s"]) == ("S", 1.0, 3600.0, 0.0)
    assert row["visit_id"] == "A@20260302T120000.000000Z"
    assert not row["inside"] and row["excluded_by"] is None and not row["open"]


def test_reach_ends_at_300_m_of_the_fence() -> None:
    square = sites(("S", 0.0, "closed"), square_m=200)
    for at_m, distance_m in ((0.0, 0.0), (99.0, 0.0), (101.0, 1.0), (399.0, 299.0)):
        row = find_visits(stays(stay(0, 60, at_m=at_m)), square).row(0, named=True)
        assert row["distance_m"] == pytest.approx(distance_m, abs=0.2)
        assert row["inside"] == (distance_m == 0.0)
    assert find_visits(stays(stay(0, 60, at_m=401.0)), square).height == 0


def test_dwell_of_exactly_half_an_hour_counts() -> None:
    where = sites(("S", 0.0, "closed"))
    assert find_visits(stays(stay(0, 30)), where).height == 1
    assert find_visits(stays(stay(0, 29.9)), where).height == 0


def test_case_g_is_one_visit_with_three_hours_unseen() -> None:
    t = [*range(21), *range(200, 221)]
    fixes = pl.DataFrame(
        {
            "vehicle_id": "A",
            "t": [EVENING + dt.timedelta(minutes=m) for m in t],
            "lon": [LON] * len(t),
            "lat": [LAT] * len(t),
        }
    )
    found = find_visits(detect_stays(fixes).stays, sites(("S", 0.0, "closed")))
    row = found.row(0, named=True)
    assert found.height == 1 and row["n_stays"] == 2
    assert (row["seen_s"], row["unseen_s"]) == (2400.0, 10_800.0)
    assert row["open"] and row["clipped_end"]


@pytest.mark.parametrize(("off_m", "unseen_s"), [(0.0, 10_800.0), (5000.0, None)])
def test_truck_that_goes_dark_and_drives_off_at_once(off_m: float, unseen_s: float | None) -> None:
    """Seen for 20 minutes, dark for three hours, then moving: at the place it was there all the time."""
    minutes = [*range(21), 200, 201, 202]
    metres = [0.0] * 21 + [off_m, off_m + 1000.0, off_m + 2000.0]
    fixes = pl.DataFrame(
        {
            "vehicle_id": "A",
            "t": [EVENING + dt.timedelta(minutes=m) for m in minutes],
            "lon": [east(m) for m in metres],
            "lat": [LAT] * len(minutes),
        }
    )
    found = find_visits(detect_stays(fixes).stays, sites(("S", 0.0, "closed")))
    if unseen_s is None:
        assert found.height == 0  # 20 minutes seen is all that is known
        return
    row = found.row(0, named=True)
    assert (row["seen_s"], row["unseen_s"], row["ended_by"]) == (1200.0, unseen_s, "gap")
    assert row["left_at"] == EVENING + dt.timedelta(minutes=200)


def test_site_without_coordinates_is_named() -> None:
    where = sites(("S", 0.0, "closed"), ("T", 10.0, "closed"))
    where = where.with_columns(lat=pl.Series([LAT, None]))
    with pytest.raises(InputFrameError, match="sites: row 1, lat"):
        find_visits(stays(stay(0, 60)), where)
    with pytest.raises(InputFrameError, match="site_id"):
        find_visits(stays(stay(0, 60)), where.drop("site_id"))


@pytest.mark.parametrize(
    "second",
    [
        stay(240, 300, at_m=200.0, left_by_min=301),  # elsewhere
        stay(260, 300),  # came back 20 minutes after it was seen elsewhere
        stay(240, 300, vehicle="B"),
        stay(24 * 60, 25 * 60),  # too long a silence
    ],
)
def test_what_is_not_one_visit(second: dict[str, Any]) -> None:
    gone = 24 * 60 if second["started_at"] > EVENING + dt.timedelta(hours=20) else 240
    first = stay(0, 60, ended_by="gap", left_by_min=gone)
    assert find_visits(stays(first, second), sites(("S", 0.0, "closed")))["visit_id"].n_unique() == 2


def test_neighbour_takes_the_share_of_its_fence_and_licence() -> None:
    """Weights by hand: inside the open fence 20, the closed one 150 m off 0.2 * exp(-150/80)."""
    pair = sites(("closed", 0.0, "closed"), ("open", 200.0, "operating"), square_m=100)
    shares = dict(find_visits(stays(stay(0, 60, at_m=200.0)), pair).select("site_id", "share").iter_rows())
    closed = 0.2 * math.exp(-150.0 / 80.0)
    assert shares["closed"] == pytest.approx(closed / (closed + 20.0), rel=5e-3)
    assert shares["open"] + shares["closed"] == pytest.approx(1.0)
    inside_closed = dict(find_visits(stays(stay(0, 60)), pair).select("site_id", "share").iter_rows())
    assert inside_closed["closed"] > 0.8


def test_licensed_demand_column_is_used() -> None:
    pair = sites(("a", 50.0, "operating"), ("b", -50.0, "operating")).with_columns(
        demand=pl.Series([3.0, 1.0])
    )
    shares = dict(find_visits(stays(stay(0, 60)), pair).select("site_id", "share").iter_rows())
    assert shares["a"] == pytest.approx(0.75, abs=1e-6)
    with pytest.raises(InputFrameError, match="demand"):
        find_visits(stays(stay(0, 60)), pair.with_columns(demand=pl.lit(0.0)))


def test_excluded_place_is_marked_and_attributed_to_nobody() -> None:
    places = pl.DataFrame(
        {
            "kind": ["petrol", "gate_queue"],
            "lon": [east(40.0), east(0.0)],
            "lat": LAT,
            "radius_m": [60.0, 500.0],
        }
    )
    visits = find_visits(stays(stay(0, 60, at_m=30.0)), sites(("S", 0.0, "closed")), places)
    # 10 of 60 m is nearer than 30 of 500 m is not: the queue's centre is relatively nearest
    assert visits["excluded_by"].to_list() == ["gate_queue"] and visits["share"].to_list() == [0.0]
    only_petrol = find_visits(stays(stay(0, 60, at_m=101.0)), sites(("S", 0.0, "closed")), places[:1])
    assert only_petrol["excluded_by"].to_list() == [None] and only_petrol["share"].to_list() == [1.0]
    nowhere = find_visits(stays(stay(0, 60, at_m=50_000.0)), sites(("S", 0.0, "closed")), places)
    assert nowhere.height == 0
    far_petrol = find_visits(stays(stay(0, 60, at_m=40.0)), sites(("S", 9000.0, "closed")), places[:1])
    assert far_petrol["site_id"].to_list() == [None] and far_petrol["excluded_by"].to_list() == ["petrol"]


def test_window_clips_and_loses_nothing() -> None:
    window = (EVENING, EVENING + dt.timedelta(hours=2))
    rows = stays(
        stay(-60, 60, vehicle="before"), stay(30, 90, vehicle="within"), stay(90, 150, vehicle="after"),
        stay(-300, -200, vehicle="out"), stay(120, 200, vehicle="later"), stay(60, 110, vehicle="open", ended_by="track_end"),
    )  # fmt: skip
    found = find_visits(rows, sites(("S", 0.0, "closed")), window=window)
    got = {
        r["vehicle_id"]: (r["clipped_start"], r["clipped_end"], r["in_window_s"])
        for r in found.iter_rows(named=True)
    }
    assert got == {
        "before": (True, False, 3600.0),
        "within": (False, False, 3600.0),
        "after": (False, True, 1800.0),
        "open": (False, True, 3000.0),
    }
    with pytest.raises(NaiveTimeError):
        find_visits(rows, sites(("S", 0.0, "closed")), window=(dt.datetime(2026, 1, 1), EVENING))
    with pytest.raises(ParameterError):
        find_visits(rows, sites(("S", 0.0, "closed")), window=(EVENING, EVENING))


@examples(100)
@given(st.integers(0, 10**6), st.integers(0, 3 * 86_400))
def test_night_share_is_the_share_of_night_minutes(start_s: int, span_s: int) -> None:
    """Counted second by second on the wall clock of UTC+8, on a coarse grid."""
    a = EVENING + dt.timedelta(seconds=start_s)
    b = a + dt.timedelta(seconds=span_s)
    got = night_share(pl.Series([a]), pl.Series([b]))[0]
    steps = max(span_s // 30, 1)
    local = [(a + dt.timedelta(hours=8, seconds=(i + 0.5) * span_s / steps)) for i in range(steps)]
    counted = sum(t.hour >= 22 or t.hour < 6 for t in local) / steps
    assert got == pytest.approx(counted, abs=2.0 / steps if span_s else 0)


@examples(100)
@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 30))
def test_shares_sum_to_one_and_nearer_is_more(seed: int, n_visits: int, n_sites: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        stay(d * 100, d * 100 + 60, at_m=float(m), vehicle=f"V{d}")
        for d, m in enumerate(rng.uniform(-2000, 2000, n_visits))
    ]
    where = sites(
        *[(f"S{i}", float(m), "operating") for i, m in enumerate(rng.uniform(-2000, 2000, n_sites))]
    )
    visits = find_visits(stays(*rows), where)
    sums = visits.group_by("visit_id").agg(pl.col("share").sum(), pl.len(), pl.col("n_candidates").first())
    assert (sums["share"] - 1.0).abs().max() is None or (sums["share"] - 1.0).abs().max() < 1e-9
    assert (sums["len"] == sums["n_candidates"]).all()
    for _, part in visits.group_by("visit_id"):
        ordered = part.sort("distance_m")["share"].to_numpy()
        assert (np.diff(ordered) <= 1e-9).all()


def test_reach_agrees_with_the_ellipsoid() -> None:
    """Against pyproj's geodesic: sphere and ellipsoid differ by up to half a percent."""
    rng = np.random.default_rng(5)
    geod = Geod(ellps="WGS84")
    n = 400
    where = pl.DataFrame(
        {
            "site_id": [f"S{i}" for i in range(n)],
            "lon": LON + rng.uniform(-0.02, 0.02, n),
            "lat": LAT + rng.uniform(-0.02, 0.02, n),
        }
    )
    lon, lat = LON + rng.uniform(-0.02, 0.02, n), LAT + rng.uniform(-0.02, 0.02, n)
    point, site, distance_m, _ = find_site_pairs(lon, lat, where, 300.0)
    assert len(point) > 500
    _, _, geodesic = geod.inv(
        lon[point], lat[point], where["lon"].to_numpy()[site], where["lat"].to_numpy()[site]
    )
    assert np.abs(distance_m / geodesic - 1).max() < 5e-3
    every = np.array(np.meshgrid(np.arange(n), np.arange(n))).reshape(2, -1)
    _, _, all_m = geod.inv(
        lon[every[0]], lat[every[0]], where["lon"].to_numpy()[every[1]], where["lat"].to_numpy()[every[1]]
    )
    found = set(zip(point.tolist(), site.tolist(), strict=True))
    assert {tuple(p) for p in every[:, all_m < 298.0].T.tolist()} <= found
    assert not {tuple(p) for p in every[:, all_m > 302.0].T.tolist()} & found


def test_order_of_stays_and_sites_changes_nothing() -> None:
    rows = [stay(d * 100, d * 100 + 60, at_m=50.0 * d, vehicle=f"V{d % 3}") for d in range(12)]
    where = sites(*[(f"S{i}", 90.0 * i, "operating") for i in range(6)], square_m=60)
    one = find_visits(stays(*rows), where)
    other = find_visits(stays(*rows[::-1]), where[::-1])
    assert one.drop("share").equals(other.drop("share"))
    assert np.allclose(one["share"], other["share"], rtol=0, atol=1e-12)


def test_nothing_in_gives_an_empty_frame_with_all_columns() -> None:
    none = stays(stay(0, 60)).clear()
    where = sites(("S", 0.0, "closed"))
    for found in (find_visits(none, where), find_visits(stays(stay(0, 60)), where.clear())):
        assert found.height == 0 and found.columns == list(VISIT_SCHEMA)
    numbered = stays(stay(0, 60)).with_columns(vehicle_id=pl.lit(7))
    assert find_visits(numbered, where)["vehicle_id"].to_list() == [7]


def test_attribution_parameters_are_an_argument() -> None:
    pair = pl.DataFrame({"status": ["closed", "operating"]})
    even = Attribution(status_demand={"closed": 1.0, "operating": 1.0}, decay_m=1e9, inside_weight=1.0)
    shares = attribute(
        np.array([0, 0]),
        np.array([0, 1]),
        np.array([0.0, 250.0]),
        np.array([True, False]),
        np.array([False]),
        pair,
        even,
    )
    assert shares.tolist() == pytest.approx([0.5, 0.5], abs=1e-6)
