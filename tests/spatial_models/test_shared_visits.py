"""Shares of visits where several sites lie in reach, and stands behind terminals that are off; numbers by hand."""

from __future__ import annotations

import datetime as dt
import math

import polars as pl
import pytest

from spatial_models.stays import find_parked
from spatial_models.visits import find_visits

T0 = dt.datetime(2026, 3, 1, 2, tzinfo=dt.UTC)
LON, LAT = 120.8, 32.0
M_PER_DEG_LON = 111_195.0 * math.cos(math.radians(LAT))


def stays_at(*metres: float, vehicle: str = "A") -> pl.DataFrame:
    """Return one stay a day of a vehicle, of an hour, so many metres east of the origin."""
    begins = [T0 + dt.timedelta(days=day) for day in range(len(metres))]
    return pl.DataFrame(
        {
            "vehicle_id": vehicle,
            "started_at": begins,
            "ended_at": [begin + dt.timedelta(hours=1) for begin in begins],
            "left_by": [begin + dt.timedelta(minutes=61) for begin in begins],
            "ended_by": "left",
            "open": False,
            "lon": [LON + x_m / M_PER_DEG_LON for x_m in metres],
            "lat": LAT,
        }
    )


def two_sites(apart_m: float) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "site_id": ["closed", "open"],
            "lon": [LON, LON + apart_m / M_PER_DEG_LON],
            "lat": LAT,
            "status": ["closed", "operating"],
        }
    )


def closed_shares(stays: pl.DataFrame, sites: pl.DataFrame) -> list[float]:
    return find_visits(stays, sites).filter(site_id="closed").sort("entered_at")["share"].to_list()


def test_visits_of_a_vehicle_to_a_place_speak_together() -> None:
    """80 m and 160 m from two points of 60 m: exp(-20/80) × 0.2 to exp(-100/80); twice the ratio is squared."""
    ratio = math.exp((100 - 20) / 80)
    (once,) = closed_shares(stays_at(80), two_sites(240))
    twice = closed_shares(stays_at(80, 80), two_sites(240))
    often = closed_shares(stays_at(*[80.0] * 9), two_sites(240))
    assert once == pytest.approx(0.2 * ratio / (0.2 * ratio + 1), rel=1e-3)
    assert twice == pytest.approx([0.2 * ratio**2 / (0.2 * ratio**2 + 1)] * 2, rel=1e-3)
    assert often == pytest.approx([0.2 * ratio**3 / (0.2 * ratio**3 + 1)] * 9, rel=1e-3)


def test_visits_of_other_vehicles_and_places_say_nothing_of_a_visit() -> None:
    alone = closed_shares(stays_at(80), two_sites(240))
    others = pl.concat([stays_at(80), stays_at(200, 200, vehicle="B")])
    found = find_visits(others, two_sites(240)).filter(site_id="closed", vehicle_id="A")["share"].to_list()
    apart = closed_shares(stays_at(80, 200), two_sites(240))[:1]
    assert found == pytest.approx(alone) and apart == pytest.approx(alone)


def test_a_point_is_a_disc_of_the_usual_size() -> None:
    """20 m and 200 m: inside the disc of the closed one counts six, the open one is 140 m away from its disc."""
    (share,) = closed_shares(stays_at(20), two_sites(220))
    weight = 0.2 * 6.0
    assert share == pytest.approx(weight / (weight + math.exp(-140 / 80)), rel=1e-3)


def silences(*at: tuple[int, float, float], together: int = 0) -> pl.DataFrame:
    """Return silences of one vehicle: day, degrees east, and metres to where it reappeared after an hour."""
    begins = [T0 + dt.timedelta(days=day) for day, _, _ in at]
    return pl.DataFrame(
        {
            "vehicle_id": "A",
            "began_at": begins,
            "ended_at": [begin + dt.timedelta(hours=1) for begin in begins],
            "duration_s": 3600.0,
            "lon": [LON + east for _, east, _ in at],
            "lat": LAT,
            "before_s": 60.0,
            "reappeared_m": [metres for _, _, metres in at],
            "ended_together": together,
        }
    )


HABIT = [(day, 0.02 * (day % 3), 400.0) for day in range(5)]
"""On five days, at three places; back at 400 m, which are 36 s of driving at 40 km/h."""


def test_a_terminal_that_is_off_whenever_parked_makes_stands() -> None:
    found = find_parked(silences(*HABIT))
    assert found.height == 5
    stood_s = (found["left_by"] - found["started_at"]).dt.total_seconds().to_list()
    assert stood_s == pytest.approx([3600 - 36] * 5)
    assert find_visits(found, two_sites(5000))["unseen_s"].to_list() == pytest.approx([3564.0] * 2)


@pytest.mark.parametrize(
    ("case", "given"),
    [
        ("dark at one place only", silences(*[(day, 0.0, 400.0) for day in range(9)])),
        ("on four days", silences(*HABIT[:4])),
        ("back too far away: it drove", silences(*[(day, east, 1100.0) for day, east, _ in HABIT])),
        ("back with many others: an outage", silences(*HABIT, together=3)),
    ],
)
def test_other_silences_make_none(case: str, given: pl.DataFrame) -> None:
    assert find_parked(given).is_empty(), case
