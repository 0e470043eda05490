"""Visits from fixes to shares, worked out by hand.

Windows, holes, overlaps, nights, the antimeridian, wrong input.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import polars as pl
import pytest
import shapely

from spatial_models.errors import InputFrameError, ModelError, NaiveTimeError, ParameterError
from spatial_models.stays import detect_stays
from spatial_models.visits import find_visits
from spatial_models.visits.attribution import Attribution

CHINA = dt.timezone(dt.timedelta(hours=8))
LON, LAT = 120.9, 32.0
DEG = 6_371_008.8 * math.pi / 180
KX = DEG * math.cos(math.radians(LAT))


def clock(day: int, hour: int, minute: int = 0) -> dt.datetime:
    """A moment of January 2026 in China."""
    return dt.datetime(2026, 1, day, hour, minute, tzinfo=CHINA)


def stood(since: dt.datetime, until: dt.datetime, east_m: float = 0.0, vehicle: str = "A") -> pl.DataFrame:
    """A fix a minute at a place, one 30 km away before and one after."""
    minutes = int((until - since).total_seconds() // 60)
    times = [since - dt.timedelta(minutes=1), *(since + dt.timedelta(minutes=m) for m in range(minutes + 1)),
             until + dt.timedelta(minutes=1)]  # fmt: skip
    east = [30_000.0, *[east_m] * (minutes + 1), 30_000.0]
    return pl.DataFrame(
        {"vehicle_id": vehicle, "t": times, "lon": [LON + x / KX for x in east], "lat": LAT},
        schema_overrides={"t": pl.Datetime("us", "UTC")},
    )


def stays(*frames: pl.DataFrame) -> pl.DataFrame:
    return detect_stays(pl.concat(frames)).stays


def box(west: float, south: float, east: float, north: float) -> Any:
    return shapely.box(LON + west / KX, LAT + south / DEG, LON + east / KX, LAT + north / DEG)


def site(site_id: str = "S", east_m: float = 0.0, **more: Any) -> pl.DataFrame:
    given = {"site_id": site_id, "lon": LON + east_m / KX, "lat": LAT, **more}
    return pl.DataFrame({name: [value] for name, value in given.items()})


def test_a_window_cuts_a_stay_and_says_so() -> None:
    """20:00 on the 5th to 09:00 on the 7th; the report of the 6th shows 24 hours, cut at both ends."""
    given = stays(stood(clock(5, 20), clock(7, 9)))
    row = find_visits(given, site(), window=(clock(6, 0), clock(7, 0))).row(0, named=True)
    assert (row["clipped_start"], row["clipped_end"], row["in_window_s"]) == (True, True, 86_400.0)
    assert row["seen_s"] == 37 * 3600 and row["entered_at"] == clock(5, 20) and row["left_at"] == clock(7, 9)
    first = find_visits(given, site(), window=(clock(5, 0), clock(6, 0))).row(0, named=True)
    assert (first["clipped_start"], first["clipped_end"], first["in_window_s"]) == (False, True, 4 * 3600.0)
    assert find_visits(given, site(), window=(clock(8, 0), clock(9, 0))).height == 0
    parts = [
        find_visits(given, site(), window=(clock(d, 0), clock(d + 1, 0)))["in_window_s"].sum()
        for d in range(4, 9)
    ]
    assert sum(parts) == row["seen_s"]  # the days of a report add up


def test_night_over_midnight_in_local_time() -> None:
    """20:00 to 02:00 in China: 22:00 to 02:00 are four of six hours.

    In UTC it is 12:00 to 18:00, no night at all.
    """
    given = stays(stood(clock(5, 20), clock(6, 2)))
    assert find_visits(given, site())["night"].item() == pytest.approx(4 / 6)
    assert find_visits(given, site(), local_zone="UTC")["night"].item() == 0.0


def test_a_site_with_a_hole() -> None:
    """A plant around a yard of 200 m that is not its own.

    In the middle of the yard the fence is 100 m away.
    """
    ring = box(-500, -500, 500, 500).difference(box(-100, -100, 100, 100)).wkb
    noon = clock(5, 12), clock(5, 13)
    yard = find_visits(stays(stood(*noon)), site(boundary=ring)).row(0, named=True)
    assert yard["inside"] is False and yard["distance_m"] == pytest.approx(100.0, rel=1e-3)
    works = find_visits(stays(stood(*noon, east_m=300.0)), site(boundary=ring)).row(0, named=True)
    assert works["inside"] is True and works["distance_m"] == 0.0
    assert find_visits(stays(stood(*noon)), site(boundary=ring), reach_m=99.0).height == 0


def test_overlapping_sites_are_both_reported_and_share() -> None:
    """Inside both: equal shares; with licensed demand 3 to 1 three quarters belong to the first."""
    shape = box(-50, -50, 50, 50).wkb
    given = stays(stood(clock(5, 12), clock(5, 13)))
    both = pl.concat([site("S1", boundary=shape, demand=3.0), site("S2", boundary=shape, demand=1.0)])
    equal = find_visits(given, both.drop("demand"))
    assert equal["share"].to_list() == [0.5, 0.5] and equal["n_candidates"].to_list() == [2, 2]
    assert find_visits(given, both)["share"].to_list() == [0.75, 0.25]
    parking = pl.DataFrame({"kind": ["licensed_parking"], "lon": [LON], "lat": [LAT], "radius_m": [10.0]})
    excluded = find_visits(given, both, parking)
    assert excluded["share"].to_list() == [0.0, 0.0] and set(excluded["excluded_by"]) == {"licensed_parking"}


def test_a_site_on_the_other_side_of_the_antimeridian() -> None:
    given = pl.DataFrame(
        {
            "vehicle_id": "boat", "started_at": clock(5, 12), "ended_at": clock(5, 13), "left_by": clock(5, 14),
            "ended_by": "left", "open": False, "lon": [179.9999], "lat": [-17.0],
        }
    )  # fmt: skip
    pier = pl.DataFrame({"site_id": ["pier"], "lon": [-179.9999], "lat": [-17.0]})
    expected = 2e-4 * DEG * math.cos(math.radians(17.0))
    assert find_visits(given, pier)["distance_m"].item() == pytest.approx(expected, rel=1e-6)
    port = pl.DataFrame({"kind": ["gate_queue"], "lon": [-179.9999], "lat": [-17.0], "radius_m": [25.0]})
    assert find_visits(given, pier, port)["excluded_by"].item() == "gate_queue"


def test_sites_and_places_of_any_frame() -> None:
    given, sites = stays(stood(clock(5, 12), clock(5, 13))), site(status="operating")
    places = pl.DataFrame({"kind": ["petrol"], "lon": [LON], "lat": [LAT], "radius_m": [10.0]})
    expected = find_visits(given, sites, places)
    for convert in (pl.DataFrame.to_pandas, pl.DataFrame.to_arrow, pl.DataFrame.lazy):
        assert find_visits(convert(given), convert(sites), convert(places)).equals(expected)


ONE = site()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"reach_m": "far"}, ParameterError, "reach_m"),
        ({"link_radius_m": math.nan}, ParameterError, "link_radius_m"),
        ({"local_zone": "Mars"}, ParameterError, "Mars"),
        ({"window": ("a", "b")}, ParameterError, "window"),
        ({"window": (clock(5, 0), None)}, ParameterError, "window"),
        ({"window": (clock(6, 0), clock(5, 0))}, ParameterError, "before"),
        ({"window": (dt.datetime(2026, 1, 5), clock(6, 0))}, NaiveTimeError, "zone"),
        ({"attribution": None}, ParameterError, "Attribution"),
        ({"attribution": Attribution(decay_m=0.0)}, ParameterError, "decay_m"),
        ({"attribution": Attribution(status_demand={"operating": 0.0})}, ParameterError, "operating"),
        ({"sites": pl.concat([ONE, ONE])}, InputFrameError, "site_id"),
        ({"sites": ONE.with_columns(site_id=pl.lit(None, pl.String))}, InputFrameError, "site_id"),
        ({"sites": ONE.drop("lon")}, InputFrameError, "lon"),
        ({"lon": math.nan}, InputFrameError, "lon"),
        ({"started_at": None}, InputFrameError, "started_at"),
        ({"ended_at": clock(1, 0).astimezone(dt.UTC)}, InputFrameError, "ended_at"),
    ],
)  # fmt: skip
def test_wrong_input_is_named_and_nothing_is_dropped(
    change: dict[str, Any], error: type[ModelError], message: str
) -> None:
    given = stays(stood(clock(5, 12), clock(5, 13)))
    columns = {name: value for name, value in change.items() if name in given.columns}
    given = given.with_columns(
        pl.lit(value, dtype=given.schema[name]).alias(name) for name, value in columns.items()
    )
    rest: dict[str, Any] = {"sites": ONE} | {
        name: value for name, value in change.items() if name not in columns
    }
    with pytest.raises(error, match=message):
        find_visits(given, **rest)
