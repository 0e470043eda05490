"""Signals of vehicles at closed sites: days made by hand, with the numbers that follow from them."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import polars as pl
import pytest
import shapely
from polars.testing import assert_frame_equal

from spatial_models.errors import InputFrameError, NaiveTimeError, ParameterError
from spatial_models.signal_rows import SIGNAL_ROWS
from spatial_models.stays import detect_stays, find_silences
from spatial_models.visits import (
    VEHICLE_SIGNALS,
    VehicleConfig,
    find_stands_away,
    find_visits,
    vehicle_findings,
    vehicle_signals,
)

LON, LAT = 120.9, 32.0
M_PER_DEG = 6_371_008.8 * math.pi / 180
UTC = pl.Datetime("us", "UTC")
DAY_0 = dt.datetime(2026, 3, 1, 16, 0, tzinfo=dt.UTC)  # midnight in China
AT = DAY_0 + dt.timedelta(days=30)
CLOSED_ON = dt.date(2025, 10, 1)


def east(metres: float) -> float:
    return LON + metres / (M_PER_DEG * math.cos(math.radians(LAT)))


def north(metres: float) -> float:
    return LAT + metres / M_PER_DEG


def moment(day: int, hour: float) -> dt.datetime:
    """A moment of local time."""
    return DAY_0 + dt.timedelta(days=day, hours=hour)


def stay(
    vehicle: str, day: int, hour: float, hours: float, x_m: float = 0.0, y_m: float = 0.0
) -> dict[str, Any]:
    return {
        "vehicle_id": vehicle, "started_at": moment(day, hour), "ended_at": moment(day, hour + hours),
        "left_by": moment(day, hour + hours) + dt.timedelta(minutes=1), "ended_by": "left", "open": False,
        "lon": east(x_m), "lat": north(y_m),
    }  # fmt: skip


def stay_frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = {"vehicle_id": pl.String, "started_at": UTC, "ended_at": UTC, "left_by": UTC, "ended_by": pl.String,
              "open": pl.Boolean, "lon": pl.Float64, "lat": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def site(
    site_id: str, x_m: float = 0.0, y_m: float = 0.0, status: str = "closed", hazard: str = "chemical",
    since: dt.date | None = CLOSED_ON, half_m: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    boundary = None
    if half_m is not None:
        boundary = shapely.to_wkb(
            shapely.box(east(x_m - half_m), north(y_m - half_m), east(x_m + half_m), north(y_m + half_m))
        )
    return {"site_id": site_id, "lon": east(x_m), "lat": north(y_m), "status": status, "hazard": hazard,
            "status_since": since, "boundary": boundary}  # fmt: skip


def site_frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema_overrides={"boundary": pl.Binary, "status_since": pl.Date})


NO_FIXES = pl.DataFrame(schema={"vehicle_id": pl.String, "t": UTC, "lon": pl.Float64, "lat": pl.Float64})
PLANT = site_frame(site("S"))


def signals(
    stays: list[dict[str, Any]], sites: pl.DataFrame = PLANT, *, fixes: pl.DataFrame = NO_FIXES,
    others: tuple[str, ...] = (), places: pl.DataFrame | None = None, at: dt.datetime = AT, **more: Any,
) -> pl.DataFrame:  # fmt: skip
    """Signals of hazmat vehicles, of those in ``others`` as not on the list."""
    frame = stay_frame(stays)
    ids = sorted({*frame["vehicle_id"], *fixes["vehicle_id"]})
    fleet = pl.DataFrame({"vehicle_id": ids, "kind": ["other" if i in others else "hazmat" for i in ids]},
                         schema={"vehicle_id": pl.String, "kind": pl.String})  # fmt: skip
    visits = find_visits(frame, sites, places)
    return vehicle_signals(visits, frame, find_silences(fixes), sites, places, fleet, at=at, **more)


def row(found: pl.DataFrame, name: str, site_id: str = "S") -> dict[str, Any]:
    return found.filter((pl.col("signal") == name) & (pl.col("site_id") == site_id)).row(0, named=True)


def value(found: pl.DataFrame, name: str = "hazmat_visits", site_id: str = "S") -> float | None:
    return row(found, name, site_id)["value"]


def home(vehicle: str, x_m: float, days: range, y_m: float = 0.0) -> list[dict[str, Any]]:
    """Nights from 20:00 to 06:00 at one place."""
    return [stay(vehicle, day, 20, 10, x_m, y_m) for day in days]


def test_every_closed_site_has_every_signal_and_the_catalogue_names_them() -> None:
    sites = site_frame(site("S"), site("T", 5000), site("U", 9000, status="operating"))
    found = signals([stay("A", 3, 10, 1)], sites)
    assert found.schema == pl.Schema(SIGNAL_ROWS)
    names = sorted(kind.name for kind in VEHICLE_SIGNALS)
    assert found.select("site_id", "signal").rows() == [(s, n) for s in ("S", "T") for n in names]
    assert all(kind.family == "vehicles" and kind.zh and kind.en for kind in VEHICLE_SIGNALS)
    assert found["first_day"].unique().to_list() == [dt.date(2026, 3, 2)]
    assert found["last_day"].unique().to_list() == [dt.date(2026, 4, 1)]


def test_three_vehicles_once_each_say_much_and_one_on_many_days_less() -> None:
    """Three count 3 - 0.01 expected; six days of one count 1 + 1/2 + … + 1/32 = 1.96875, less 0.01."""
    three = signals([stay("A", 3, 10, 1), stay("B", 7, 11, 1), stay("C", 9, 14, 1)])
    assert value(three) == pytest.approx(2.99)
    once = signals([stay("A", 3, 10, 1)])
    assert value(once) == pytest.approx(0.99)
    often = signals([stay("A", day, 10, 1) for day in (2, 5, 9, 12, 16, 20)])
    assert value(often) == pytest.approx(1.95875)
    said = row(often, "hazmat_visits")
    assert "1 different ones on 6 days, 6.0 h, attributed 100 %" in said["sentence_en"]
    assert "1 个不同对象、6 天、6.0 小时" in said["sentence_zh"]


def test_no_vehicle_counts_more_than_two_however_often_it_comes() -> None:
    days = [stay("A", day, 10, 1) for day in range(28)]
    assert 1.98 < value(signals(days)) < 2.0  # type: ignore[operator]
    twice_a_day = [stay("A", 3, 8, 1), stay("A", 3, 14, 1)]
    assert value(signals(twice_a_day)) == pytest.approx(0.99), "two visits of one day are one day"


def test_a_drivers_home_beside_a_closed_plant_is_nothing() -> None:
    found = signals(home("A", 60, range(28)))
    assert value(found) == 0.0
    assert value(found, "night_visits") is None, "nobody's night is counted who lives there"
    assert "1 that live there" in row(found, "hazmat_visits")["sentence_en"]
    assert "1 个常在此过夜" in row(found, "hazmat_visits")["sentence_zh"]


def test_a_vehicle_that_lives_elsewhere_and_stands_two_nights_here_counts() -> None:
    found = signals(home("A", 9000, range(20)) + home("A", 60, range(21, 23)))
    assert value(found) == pytest.approx(1.5 - 0.01)
    assert value(found, "night_visits") == pytest.approx(0.8), "8 of 10 hours"


def test_three_of_four_known_nights_are_a_home_and_three_of_nine_are_not() -> None:
    assert value(signals(home("A", 60, range(3)) + home("A", 9000, range(3, 4)))) == 0.0
    assert value(signals(home("A", 60, range(3)) + home("A", 9000, range(3, 9)))) == pytest.approx(1.74)


def test_terminals_that_are_switched_off_at_home_at_night_live_there_too() -> None:
    """Seen for 31 minutes in the evening, then dark until 06:00, 40 m away: a home, not a dark arrival."""
    minutes = [moment(day, 19.5) + dt.timedelta(minutes=m) for day in range(12) for m in range(32)]
    mornings = [moment(day + 1, 6) + dt.timedelta(minutes=m) for day in range(12) for m in range(3)]
    away = [moment(day, 12) + dt.timedelta(minutes=m) for day in range(13) for m in range(90)]
    fixes = pl.DataFrame({"vehicle_id": "A", "t": minutes + mornings + away,
                          "lon": [east(60)] * len(minutes) + [east(100)] * len(mornings) + [east(9000)] * len(away),
                          "lat": LAT}).with_columns(pl.col("t").cast(UTC))  # fmt: skip
    stays = detect_stays(fixes).stays
    fleet = pl.DataFrame({"vehicle_id": ["A"], "kind": ["hazmat"]})
    found = vehicle_signals(find_visits(stays, PLANT), stays, find_silences(fixes), PLANT, None, fleet, at=AT)
    assert value(found) == 0.0
    assert value(found, "dark_near_site") == 0.0


def test_other_vehicles_are_a_signal_of_their_own_and_coaches_are_none() -> None:
    stays = [stay("A", 3, 10, 1), stay("B", 7, 11, 1)]
    found = signals(stays, others=("A", "B"))
    assert value(found) is None
    assert value(found, "heavy_visits") == pytest.approx(1.99)
    frame = stay_frame(stays)
    coaches = pl.DataFrame({"vehicle_id": ["A", "B"], "kind": ["coach", "vessel"]})
    none = vehicle_signals(
        find_visits(frame, PLANT), frame, find_silences(NO_FIXES), PLANT, None, coaches, at=AT
    )
    assert none["value"].null_count() == none.height


def test_blind_is_null_and_seen_is_zero() -> None:
    blind = signals([])
    assert blind["value"].null_count() == blind.height
    assert set(blind["quality"]) == {0.0}
    assert "nothing can be judged" in row(blind, "hazmat_visits")["sentence_en"]
    assert "不等于没有" in row(blind, "hazmat_visits")["sentence_zh"]
    near = signals([stay("A", 3, 10, 1, 2000)])
    assert (value(near), row(near, "hazmat_visits")["quality"]) == (0.0, 1.0)
    far = signals([stay("A", 3, 10, 1, 20_000)])
    assert (value(far), row(far, "hazmat_visits")["quality"]) == (0.0, 0.5)


def test_vehicles_that_report_too_seldom_lower_the_quality_and_all_of_them_make_it_blind() -> None:
    stays = [stay("A", 3, 10, 1)]
    half = pl.DataFrame({"vehicle_id": ["A", "B"], "gap_s": [30.0, 1860.0]})
    frame = stay_frame(stays)
    fleet = pl.DataFrame({"vehicle_id": ["A", "B"], "kind": "hazmat"})
    given = find_visits(frame, PLANT), frame, find_silences(NO_FIXES), PLANT, None, fleet
    assert row(vehicle_signals(*given, at=AT, intervals=half), "hazmat_visits")["quality"] == 0.5
    slow = vehicle_signals(*given, at=AT, intervals=half.with_columns(gap_s=pl.lit(1860.0)))
    assert value(slow) is None
    assert "too seldom" in row(slow, "hazmat_visits")["sentence_en"]


def test_petrol_stations_and_neighbours_are_left_out_and_told() -> None:
    places = pl.DataFrame({"kind": ["petrol"], "lon": [east(100)], "lat": [LAT], "radius_m": [50.0]})
    found = signals([stay("A", 3, 10, 1, 100), stay("B", 4, 10, 1, 100)], places=places)
    assert value(found) == 0.0
    assert "2 at places such as petrol stations" in row(found, "hazmat_visits")["sentence_en"]
    sites = site_frame(site("S", half_m=50), site("O", 200, status="operating", half_m=50))
    next_door = signals([stay("A", 3, 10, 1, 200), stay("B", 4, 10, 1, 200)], sites)
    assert value(next_door) == 0.0
    assert "2 that served neighbours" in row(next_door, "hazmat_visits")["sentence_en"]


def test_a_usual_caller_of_the_neighbour_counts_a_quarter_between_the_two() -> None:
    """Between two points that are taken for discs of 60 m: 80 m from the closed one (0.2), 160 m from the open one."""
    sites = site_frame(site("S"), site("O", 240, status="operating"))
    x_m = 80.0
    share = 0.2 * math.exp(-20 / 80) / (0.2 * math.exp(-20 / 80) + math.exp(-100 / 80))
    stranger = signals([stay("A", 3, 10, 1, x_m), stay("B", 4, 10, 1, x_m), stay("C", 5, 10, 1, x_m)], sites)
    caller = [stay(v, day, 10, 1, 240) for v in "ABC" for day in (10, 12)]
    usual = signals(
        [stay("A", 3, 10, 1, x_m), stay("B", 4, 10, 1, x_m), stay("C", 5, 10, 1, x_m), *caller], sites
    )
    assert value(stranger) == pytest.approx(min(3 * share - 0.01, _most(3 * share, 0.01)))
    assert value(usual) == pytest.approx(min(0.75 * share - 0.01, _most(0.75 * share, 0.01)))


def _most(effective: float, expected: float) -> float:
    """The bound by chance: the regularised lower incomplete gamma function by its series."""
    term = total = 1.0 / effective
    for k in range(1, 60):
        term *= expected / (effective + k)
        total += term
    chance = total * math.exp(-expected + effective * math.log(expected)) / math.gamma(effective)
    return (-math.log10(chance) / 2) ** 3


def test_a_depot_next_door_is_left_out_but_not_what_stands_inside_the_plant() -> None:
    sites = site_frame(site("S", half_m=80))
    fleet = [row for v in "DEF" for row in home(v, 200, range(10))]
    other = [stay("A", 3, 10, 1, 180), stay("B", 4, 10, 1, 180)]
    found = signals(fleet + other, sites)
    assert value(found) == 0.0
    assert "3 that live there" in row(found, "hazmat_visits")["sentence_en"]
    assert "2 in a depot next to it" in row(found, "hazmat_visits")["sentence_en"]
    inside = signals([*fleet, stay("A", 3, 10, 1, 0), stay("B", 4, 10, 1, 0)], sites)
    assert value(inside) == pytest.approx(1.99)


def test_traffic_that_stands_around_anyhow_takes_the_meaning_from_a_few_visits() -> None:
    """Forty stands in 6.79 km² around, drawn to the rate of all rings (the same): 5.89 a km² × 0.1717 km² = 1.01."""
    around = [stay(f"R{n}", n % 28, 10, 1, 900 * math.cos(n), 900 * math.sin(n)) for n in range(40)]
    three = [stay("A", 3, 10, 1, 90), stay("B", 7, 11, 1, 90), stay("C", 9, 14, 1, 90)]
    found = row(signals(around + three), "hazmat_visits")
    expected = 40 / 6.786 * 0.17169
    assert found["baseline"] == pytest.approx(expected, rel=0.02)
    assert found["value"] == pytest.approx(_most(3.0, found["baseline"]))
    assert found["value"] < 0.25


def test_who_stands_on_the_site_itself_is_not_one_of_those_who_stop_along_the_road() -> None:
    """The same forty stands: inside the disc of 60 m, three of ten of 5.89 a km² × 0.0113 km² are expected: 0.02."""
    around = [stay(f"R{n}", n % 28, 10, 1, 900 * math.cos(n), 900 * math.sin(n)) for n in range(40)]
    three = [stay("A", 3, 10, 1, 20), stay("B", 7, 11, 1, 20), stay("C", 9, 14, 1, 20)]
    found = row(signals(around + three), "hazmat_visits")
    assert found["baseline"] == pytest.approx(0.3 * 40 / 6.786 * math.pi * 0.06**2, rel=0.02)
    assert found["value"] == pytest.approx(3 - found["baseline"])
    assert "inside the boundary effective 3.0, 0.02 expected" in found["sentence_en"]


def test_what_a_site_always_got_since_its_closure_is_nothing_new() -> None:
    past = [stay(f"P{n}", n - 40, 10, 1) for n in range(0, 36, 12)]
    three = [stay("A", 3, 10, 1), stay("B", 7, 11, 1), stay("C", 9, 14, 1)]
    found = row(signals(past + three), "hazmat_visits")
    begins = moment(0, 0) + dt.timedelta(days=0)
    known = (begins - moment(-40, 10)).total_seconds() / 86_400
    assert found["baseline"] == pytest.approx(3 * 30 / known)
    assert found["value"] == pytest.approx(_most(3.0, 3 * 30 / known))


def test_visits_before_the_closure_do_not_count_and_are_told() -> None:
    sites = site_frame(site("S", since=dt.date(2026, 3, 12)))
    found = row(signals([stay("A", 3, 10, 1), stay("B", 5, 10, 1)], sites), "hazmat_visits")
    assert found["value"] == 0.0
    assert found["first_day"] == dt.date(2026, 3, 12)
    assert "2 before the closure" in found["sentence_en"]


def test_night_is_compared_with_the_sites_that_operate() -> None:
    sites = site_frame(site("S"), site("O", 5000, status="operating"))
    stays = [stay("A", 3, 23, 2), stay("B", 5, 10, 2), stay("C", 5, 10, 3, 5000), stay("D", 5, 23, 1, 5000)]
    found = row(signals(stays, sites), "night_visits")
    assert (found["value"], found["baseline"]) == (pytest.approx(0.5), pytest.approx(0.25))


def test_a_tanker_in_the_yard_of_a_harmless_neighbour_may_have_unloaded_for_the_closed_plant() -> None:
    """In the yard 70 m from the boundary of S: 0.5 × exp(-70 / 300) × (1 - share of S) each; the share is told."""
    sites = site_frame(site("S", half_m=50), site("O", 150, status="operating", hazard="none", half_m=50))
    share = 0.2 * math.exp(-70 / 80) / (0.2 * math.exp(-70 / 80) + 0.1 * 20)
    each = 0.5 * math.exp(-70 / 300) * (1 - share)
    found = row(signals([stay(v, 3 + n, 10, 1, 120) for n, v in enumerate("ABCDE")], sites), "neighbour_yard")
    assert found["value"] == pytest.approx(min(5 * each - 0.01, _most(5 * each, 0.01)), rel=1e-3)
    assert f"attributed {each * 100:.0f} %" in found["sentence_en"]


def test_a_busy_open_neighbour_with_its_usual_callers_takes_it_all() -> None:
    sites = site_frame(site("S", half_m=50), site("O", 150, status="operating", half_m=50))
    regulars = [stay(v, day, 10, 1, 150) for v in "ABC" for day in (2, 9, 16)]
    assert value(signals([stay("D", 5, 10, 1, 120), *regulars], sites), "neighbour_yard") == 0.0
    assert value(signals([stay(v, 5, 10, 1, 120) for v in "DEFGHIJK"], sites), "neighbour_yard") > 0.0  # type: ignore[operator]


def test_the_neighbours_yard_is_shared_between_two_closed_plants() -> None:
    yard = site("O", 0, status="operating", hazard="none", half_m=30)
    west, east_ = site("S", -100, half_m=30), site("T", 100, half_m=30)
    stays = [stay(v, 3 + n, 10, 1, 0) for n, v in enumerate("ABCDEFGH")]
    both = signals(stays, site_frame(west, east_, yard))
    alone = signals(stays, site_frame(west, yard))
    assert value(both, "neighbour_yard", "S") == pytest.approx(value(both, "neighbour_yard", "T"))  # type: ignore[arg-type]
    assert value(both, "neighbour_yard", "S") < value(alone, "neighbour_yard", "S")  # type: ignore[operator]


def drive(
    vehicle: str, day: int, hour: float, *, to_m: float = 0.0, dark_h: float = 4.0, back_m: float | None = None,
    from_m: float = 7800.0, end: bool = False,
) -> pl.DataFrame:  # fmt: skip
    """A way from the west to a place at 36 km/h, one fix a minute; then dark; then from ``back_m`` on home again."""
    minutes = int(from_m / 600)
    there = [
        (moment(day, hour) + dt.timedelta(minutes=m), to_m - from_m + 600 * (m + 1)) for m in range(minutes)
    ]
    after = there[-1][0] + dt.timedelta(hours=dark_h)
    start = to_m if back_m is None else back_m
    back = [] if end else [(after + dt.timedelta(minutes=m), start - 600 * m) for m in range(14)]
    times, ways = zip(*(there + back), strict=True)
    return pl.DataFrame({"vehicle_id": vehicle, "t": list(times), "lon": [east(x) for x in ways], "lat": LAT},
                        schema_overrides={"t": UTC})  # fmt: skip


def dark(*tracks: pl.DataFrame, sites: pl.DataFrame = PLANT, **more: Any) -> dict[str, Any]:
    fixes = pl.concat(tracks)
    stays = detect_stays(fixes).stays
    ids = fixes["vehicle_id"].unique().sort()
    fleet = pl.DataFrame({"vehicle_id": ids, "kind": "hazmat"})
    intervals = pl.DataFrame({"vehicle_id": ids, "gap_s": 60.0})
    found = vehicle_signals(
        find_visits(stays, sites),
        stays,
        find_silences(fixes, until=AT),
        sites,
        None,
        fleet,
        at=AT,
        intervals=intervals,
        **more,
    )
    return row(found, "dark_near_site")


def test_terminals_that_go_dark_on_arrival_count_as_probable_stands() -> None:
    """Three vehicles dark for 4 h that come back at the place count 1 each; 5 km away 0.7; never again 0.3."""
    here = dark(*(drive(v, 3 + n, 9 + n) for n, v in enumerate("ABC")))
    assert here["value"] == pytest.approx(2.99)
    away = dark(*(drive(v, 3 + n, 9 + n, back_m=-5000) for n, v in enumerate("ABC")))
    assert away["value"] == pytest.approx(3 * 0.7 - 0.01)
    never = dark(*(drive(v, 3 + n, 9 + n, end=True) for n, v in enumerate("ABC")))
    assert never["value"] == pytest.approx(min(0.89, _most(0.9, 0.01)))


def test_a_vehicle_that_went_dark_heading_into_the_site_is_found_from_its_last_fix() -> None:
    """The last fix is 500 m before the site, 60 s at 36 km/h lead 100 m beyond it."""
    tracks = [drive(v, 3 + n, 9 + n, to_m=-500) for n, v in enumerate("ABC")]
    assert dark(*tracks)["value"] == pytest.approx(2.99)
    past = [drive(v, 3 + n, 9 + n, to_m=500) for n, v in enumerate("ABC")]
    assert dark(*past)["value"] == 0.0


def test_many_vehicles_silent_in_the_same_minutes_accuse_nobody() -> None:
    """The operator's platform fails: four vehicles fall silent and come back together, one of them at the site."""
    tracks = [drive("A", 3, 9)] + [drive(v, 3, 9, to_m=20_000 * (n + 1)) for n, v in enumerate("BCD")]
    found = dark(*tracks)
    assert found["value"] == 0.0
    assert "1 silent in the same minutes as many others" in found["sentence_en"]


def test_a_dead_zone_where_others_drive_on_accuses_nobody() -> None:
    passing = [drive(v, 5 + n, 9, dark_h=0.4, back_m=14_000) for n, v in enumerate("PQR")]
    found = dark(drive("A", 3, 9), *passing)
    assert found["value"] == 0.0
    assert "1 in a dead zone" in found["sentence_en"]
    assert "3 that must have driven on" in found["sentence_en"]


def test_a_vehicle_that_is_often_silent_elsewhere_counts_less() -> None:
    """Silent elsewhere on 15 days at noon, and on the day itself after it drove off: 16 of 30."""
    elsewhere = [drive("A", day, 9, to_m=50_000) for day in range(10, 25)]
    found = dark(drive("A", 3, 9), *elsewhere)
    assert found["value"] == pytest.approx(_most(14 / 30, 0.01))


def test_a_vehicle_that_was_seen_there_before_it_went_dark_is_counted_once() -> None:
    stood = pl.DataFrame({"vehicle_id": "A", "t": [moment(3, 9) + dt.timedelta(minutes=m) for m in range(45)],
                          "lon": east(0), "lat": LAT}, schema_overrides={"t": UTC})  # fmt: skip
    later = drive("A", 3, 15, from_m=3000, to_m=-9000)
    found = dark(stood, later)
    assert found["value"] == 0.0
    assert "already counted as visits" in found["sentence_en"]


def test_order_of_rows_and_a_second_run_change_nothing() -> None:
    rng = np.random.default_rng(4)
    stays = [stay(f"V{rng.integers(12)}", int(d), float(rng.uniform(6, 20)), 1.2, *rng.uniform(-900, 900, 2))
             for d in range(28) for _ in range(4)]  # fmt: skip
    sites = site_frame(
        *(site(f"S{n}", 400 * n - 800) for n in range(5)), site("O", 150, 200, status="operating")
    )
    first = signals(stays, sites)
    assert_frame_equal(first, signals(stays, sites))
    mixed = [stays[i] for i in rng.permutation(len(stays))]
    assert_frame_equal(first, signals(mixed, sites.sample(fraction=1.0, shuffle=True, seed=1)))


def test_whole_days_later_everything_is_the_same() -> None:
    stays = [*home("A", 60, range(2)), stay("B", 3, 10, 1), stay("C", 4, 23, 2), stay("D", 20, 1, 2, 300)]
    later = [
        {k: v + dt.timedelta(days=9) if isinstance(v, dt.datetime) else v for k, v in s.items()}
        for s in stays
    ]
    columns = ["site_id", "signal", "value", "baseline", "quality", "sentence_zh", "sentence_en"]
    assert_frame_equal(
        signals(stays).select(columns), signals(later, at=AT + dt.timedelta(days=9)).select(columns)
    )


@pytest.mark.parametrize("seed", range(5))
def test_another_vehicle_never_lowers_the_effective_number(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stays: list[dict[str, Any]] = []
    values = []
    for n in range(6):
        stays.append(stay(f"V{n}", int(rng.integers(28)), 10, 1, float(rng.uniform(0, 250))))
        values.append(value(signals(stays)) or 0.0)
    assert values == sorted(values)


def test_trucks_that_drive_at_random_stand_beyond_chance_at_most_at_one_of_a_hundred_sites() -> None:
    """500 closed sites, 30 × 30 km, 150 trucks with 30 random stops each, in 4 draws: 5 a km²."""
    above = sites_in_all = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        sites = site_frame(*(site(f"S{n}", *rng.uniform(-15_000, 15_000, 2)) for n in range(500)))
        stays = [
            stay(f"V{v}", int(rng.integers(30)), float(rng.uniform(6, 20)), float(rng.uniform(0.6, 3)),
                 *rng.uniform(-15_000, 15_000, 2))
            for v in range(150) for _ in range(30)
        ]  # fmt: skip
        found = signals(stays, sites, others=tuple(f"V{v}" for v in range(75)))
        for name in ("hazmat_visits", "heavy_visits"):
            above += int((found.filter(signal=name)["value"] > 1).sum())
            sites_in_all += 500
    assert above <= sites_in_all / 100, f"{above} of {sites_in_all}"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"at": dt.datetime(2026, 1, 1)}, NaiveTimeError),
        ({"local_zone": "Mars"}, ParameterError),
        ({"config": VehicleConfig(repeat_factor=1.5)}, ParameterError),
        ({"config": 3}, ParameterError),
    ],
)
def test_wrong_parameters_are_refused(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        signals([stay("A", 3, 10, 1)], **change)


def test_a_frame_without_its_columns_is_refused() -> None:
    frame = stay_frame([stay("A", 3, 10, 1)])
    with pytest.raises(InputFrameError, match="kind"):
        vehicle_signals(
            find_visits(frame, PLANT),
            frame,
            find_silences(NO_FIXES),
            PLANT,
            None,
            frame.select("vehicle_id"),
            at=AT,
        )


def meeting(a: str, b: str, day: int, x_m: float = 0.0, kind: str = "meeting") -> dict[str, Any]:
    return {"vehicle_a": a, "vehicle_b": b, "started_at": moment(day, 10), "ended_at": moment(day, 11),
            "duration_s": 3600.0, "kind": kind, "lon": east(x_m), "lat": LAT}  # fmt: skip


def met(
    *rows: dict[str, Any], sites: pl.DataFrame = PLANT, stays: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    own = stays if stays is not None else [stay(v, 27, 12, 1, 9000) for v in "ABCDEF"]
    return row(signals(own, sites, encounters=pl.DataFrame(list(rows))), "encounters_near_site")


def test_pairs_that_stood_together_at_a_closed_site_count_for_each_different_pair() -> None:
    found = met(meeting("A", "B", 3), meeting("C", "D", 5), meeting("A", "C", 7, kind="convoy"))
    assert found["value"] == pytest.approx(1.99)
    assert met(meeting("A", "B", 3), meeting("A", "B", 5))["value"] == pytest.approx(1.49)
    assert met(meeting("A", "B", 3, 600))["value"] == 0.0
    assert "A" not in found["sentence_zh"], "no vehicle is named"


def test_pairs_at_home_at_a_place_or_at_a_neighbour_do_not_count() -> None:
    resident = [*home("A", 0, range(10)), stay("B", 3, 10, 1)]
    assert met(meeting("A", "B", 3), stays=resident)["value"] == 0.0
    sites = site_frame(site("S", half_m=50), site("O", 200, status="operating", half_m=50))
    assert met(meeting("A", "B", 3, 200), sites=sites)["value"] == 0.0


def test_encounters_that_were_not_looked_for_are_null() -> None:
    found = row(signals([stay("A", 3, 10, 1)]), "encounters_near_site")
    assert found["value"] is None and "not looked for" in found["sentence_en"]


def test_stands_away_are_those_where_two_vehicles_mean_something() -> None:
    sites = site_frame(site("S"), site("O", 2000, status="operating", half_m=50))
    places = pl.DataFrame({"kind": ["petrol"], "lon": [east(4000)], "lat": [LAT], "radius_m": [50.0]})
    rows = [stay("A", 3, 10, 1), stay("B", 3, 10, 1, 2000), stay("C", 3, 10, 1, 4000), stay("D", 3, 10, 1, 6000),
            *home("E", 8000, range(6)), stay("K", 3, 10, 1, 6000)]  # fmt: skip
    kinds = {"A": "hazmat", "B": "hazmat", "C": "hazmat", "D": "other", "E": "hazmat", "K": "coach"}
    fleet = pl.DataFrame({"vehicle_id": list(kinds), "kind": list(kinds.values())})
    away = find_stands_away(stay_frame(rows), find_silences(NO_FIXES), sites, places, fleet, at=AT)
    assert away["vehicle_id"].to_list() == ["A", "D"]


def test_silences_behind_the_signal_say_what_each_counts_or_why_not() -> None:
    """A comes back at the place, B drives on, C was seen: one row each, and the weights are those of the signal."""
    passing = drive("B", 4, 9, dark_h=0.4, back_m=14_000)
    fixes = pl.concat([drive("A", 3, 9), passing])
    stays = detect_stays(fixes).stays
    fleet = pl.DataFrame({"vehicle_id": ["A", "B"], "kind": "hazmat"})
    found = vehicle_findings(
        find_visits(stays, PLANT), stays, find_silences(fixes), PLANT, None, fleet, at=AT
    ).silences
    assert found.select("vehicle_id", "duration_s", "weight", "left_out").rows() == [
        ("A", 4 * 3600.0, 1.0, None), ("B", 1440.0, 0.0, "drove_on"),
    ]  # fmt: skip
    assert found["silence_id"][0] == f"A@{found['began_at'][0]:%Y%m%dT%H%M%S.%fZ}"
    open_sites = PLANT.with_columns(status=pl.lit("operating"))
    none = vehicle_findings(
        find_visits(stays, open_sites), stays, find_silences(fixes), open_sites, None, fleet, at=AT
    )
    assert none.silences.schema == found.schema and none.silences.height == none.signals.height == 0
