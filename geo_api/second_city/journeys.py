"""Journeys of the vehicles over six weeks, and the fixes that their terminals send on the way.

Every vehicle has jobs: those of the stories, and ordinary ones at open sites. Between them it drives along
the roads, and for the night it goes home. Terminals report at different intervals; some sleep when parked,
all lose some time, one operator loses two days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from geo_api.second_city.enterprises import Enterprises
from geo_api.second_city.land.coordinates import degrees
from geo_api.second_city.land.ground import XY
from geo_api.second_city.land.roads import Roads
from geo_api.second_city.places import Place
from geo_api.second_city.stories import STORIES, Story, Visits
from geo_api.second_city.vehicles import Vehicle
from geo_api.second_city.winter import LOCAL, TRACK_DAYS, in_festival, is_market_day, is_working_day, midnight

Floats = NDArray[np.float64]

OUTAGE = (datetime(2026, 2, 4, tzinfo=LOCAL), datetime(2026, 2, 6, tzinfo=LOCAL))
"""From when to when operator 乙 passed on nothing."""
DARK_M = 1_500.0
DARK_AROUND_S = 1_800
DRIFT_NIGHTS = (date(2026, 2, 8), date(2026, 2, 13))
GO_HOME_S = 3.5 * 3600
TOO_LATE_S = 3 * 3600
SPEED_KMH = 44.0
IGNITION_OFF_S = 20 * 60
"""After this time of standing a terminal that saves power reports seldom."""
ORDINARY_CLOCKS = (8 * 60 + 20, 10 * 60 + 50, 14 * 60 + 10, 16 * 60 + 40)


@dataclass(frozen=True)
class Job:
    """A stop that a vehicle has to make, in seconds since 1970."""

    start_s: float
    minutes: float
    xy: XY
    story: str = ""
    dark: bool = False


@dataclass(frozen=True)
class Leg:
    """A time in which a vehicle drives along a way, or stands (a way of one corner)."""

    start_s: float
    end_s: float
    way: Floats
    job: Job | None = None


def make_fixes(
    vehicles: list[Vehicle],
    enterprises: Enterprises,
    places: list[Place],
    roads: Roads,
    reservoir: Any,
    rng: np.random.Generator,
) -> tuple[pl.DataFrame, dict[str, list[tuple[str, float, float]]]]:
    """All fixes in WGS-84 by vehicle and time, and which vehicle was where for a story, from when to when."""
    jobs = _story_jobs(vehicles, enterprises, rng)
    frames = []
    visits: dict[str, list[tuple[str, float, float]]] = {}
    for vehicle in vehicles:
        own = jobs[vehicle.vehicle_id]
        own += _ordinary_jobs(vehicle, own, enterprises, places, roads, reservoir, rng)
        legs = _legs(vehicle, sorted(own, key=lambda job: job.start_s), roads, rng)
        for leg in legs:
            if leg.job and leg.job.story and len(leg.way) == 1:
                visits.setdefault(leg.job.story, []).append((vehicle.vehicle_id, leg.start_s, leg.end_s))
        frames.append(_fixes(vehicle, legs, enterprises, rng))
    return pl.concat(frames).sort("vehicle_id", "t"), visits


def _visit_days(visits: Visits) -> list[date]:
    days = []
    for day in TRACK_DAYS:
        due = visits.first <= day <= visits.last and (day - visits.first).days % visits.every_days == 0
        due &= day.weekday() in visits.weekdays and (visits.festival or not in_festival(day))
        if due and (not visits.market_days or is_market_day(day)):
            days.append(day)
    return days


def _place_of(story: Story, visits: Visits, enterprises: Enterprises, rng: np.random.Generator) -> XY:
    """Return the place where a vehicle stands: at a loading bay of the site, or beside it."""
    if visits.where == "site":
        xy = enterprises.site_of_story[story.key].xy
        assert xy is not None
    else:
        xy = enterprises.companion_xy[story.key]
    reach = 25.0 if visits.where != "site" else 40.0
    return (xy[0] + float(rng.uniform(-reach, reach)), xy[1] + float(rng.uniform(-reach, reach)))


def _story_jobs(
    vehicles: list[Vehicle], enterprises: Enterprises, rng: np.random.Generator
) -> dict[str, list[Job]]:
    """Jobs of the stories, shared out among the vehicles of each fleet."""
    jobs: dict[str, list[Job]] = {vehicle.vehicle_id: [] for vehicle in vehicles}
    turn: dict[str, int] = {}
    for story in STORIES:
        for visits in story.visits:
            fleet = [v for v in vehicles if v.fleet == visits.fleet and not v.lives_in]
            first = turn.get(visits.fleet, 0)
            turn[visits.fleet] = first + visits.vehicles
            group = [fleet[(first + n) % len(fleet)] for n in range(min(visits.vehicles, len(fleet)))]
            hour, minute = map(int, visits.clock.split(":"))
            for number, day in enumerate(_visit_days(visits)):
                start = midnight(day).timestamp() + hour * 3600 + minute * 60 + float(rng.normal(0, 420))
                minutes = visits.minutes * float(rng.uniform(0.85, 1.2))
                crew = group[number % len(group) :] + group[: number % len(group)]
                crew += [v for v in fleet if v not in group]
                free = [v for v in crew if all(_apart(job, start, minutes) for job in jobs[v.vehicle_id])]
                for vehicle in (free or crew)[: visits.at_once]:
                    xy = _place_of(story, visits, enterprises, rng)
                    jobs[vehicle.vehicle_id].append(Job(start, minutes, xy, story.key, visits.dark))
    return jobs


def _apart(job: Job, start_s: float, minutes: float) -> bool:
    """Whether another job leaves three quarters of an hour to drive on either side."""
    drive = 45 * 60
    return start_s > job.start_s + job.minutes * 60 + drive or start_s + minutes * 60 + drive < job.start_s


def _customers(vehicle: Vehicle, enterprises: Enterprises, roads: Roads) -> list[XY]:
    """Return the places of ordinary jobs: at open sites of its business, or at crossings."""
    if vehicle.fleet in ("coaches", "municipal"):
        return [(float(x), float(y)) for x, y in roads.hubs[:: 2 if vehicle.fleet == "coaches" else 3]]
    wanted = []
    for enterprise, site in enterprises.sites():
        trade = enterprise.trade
        if (
            enterprise.status != "operating"
            or site.xy is None
            or site.kind == "registered"
            or enterprise.story
        ):
            continue
        fits = {
            "tankers": trade.takes_tankers,
            "outage_tanker": trade.takes_tankers,
            "unlisted": trade.takes_tankers,
            "vans": trade.name in ("食品加工", "冷链仓储"),
            "flatbeds": trade.name in ("机械加工", "建材销售"),
        }
        if fits.get(vehicle.fleet, not trade.takes_tankers):
            wanted.append(site.xy)
    return wanted


def _ordinary_jobs(
    vehicle: Vehicle,
    planned: list[Job],
    enterprises: Enterprises,
    places: list[Place],
    roads: Roads,
    reservoir: Any,
    rng: np.random.Generator,
) -> list[Job]:
    """Everyday stops around the planned ones: customers, now and then petrol."""
    if vehicle.fleet == "vessels":
        return _boat_trips(vehicle, reservoir, rng)
    customers = _customers(vehicle, enterprises, roads)
    stations = [place.xy for place in places if place.kind == "petrol" and place.name.startswith("砚川")]
    jobs = []
    for day in TRACK_DAYS:
        works = 0.04 if in_festival(day) else 0.8 if is_working_day(day) else 0.3
        if rng.random() > works:
            continue
        clocks = [*rng.permutation(ORDINARY_CLOCKS)[: int(rng.integers(2, 4))]]
        for clock in sorted(clocks):
            start = midnight(day).timestamp() + float(clock) * 60 + float(rng.normal(0, 900))
            minutes = float(rng.uniform(12, 70))
            to_station = rng.random() < 0.08
            xy = (
                stations[int(rng.integers(len(stations)))]
                if to_station
                else customers[int(rng.integers(len(customers)))]
            )
            if all(_apart(job, start, minutes) for job in planned):
                near = (xy[0] + float(rng.uniform(-30, 30)), xy[1] + float(rng.uniform(-30, 30)))
                jobs.append(Job(start, 9 + 4 * float(rng.random()) if to_station else minutes, near))
    return jobs


def _boat_trips(vehicle: Vehicle, reservoir: Any, rng: np.random.Generator) -> list[Job]:
    """Trips on some days: the first boat goes out on the water, the second stays beside its mooring."""
    goes_out = vehicle.plate.endswith("1")
    middle = reservoir.centroid
    jobs = []
    for day in TRACK_DAYS[::4]:
        for clock in (9.5, 11.0)[: int(rng.integers(1, 3))]:
            base, reach = ((middle.x, middle.y), 120) if goes_out else (vehicle.home, 25.0)
            spot = (base[0] + float(rng.uniform(-reach, reach)), base[1] + float(rng.uniform(-reach, reach)))
            jobs.append(Job(midnight(day).timestamp() + clock * 3600, 35, spot))
    return jobs


def _legs(vehicle: Vehicle, jobs: list[Job], roads: Roads, rng: np.random.Generator) -> list[Leg]:
    """Return what the vehicle does from the first midnight to the last: stand, drive, stand."""
    now, here = midnight(TRACK_DAYS[0]).timestamp(), vehicle.home
    end = midnight(TRACK_DAYS[-1] + timedelta(days=1)).timestamp()
    legs: list[Leg] = []
    job_here: Job | None = None

    def stand(until: float) -> None:
        nonlocal now
        if until > now:
            legs.append(Leg(now, until, np.array([here]), job_here))
            now = until

    def drive(to: XY, job: Job | None) -> None:
        nonlocal now, here, job_here
        way = roads.way(here, to) if vehicle.fleet != "vessels" else np.array([here, to])
        length = float(np.hypot(*np.diff(way, axis=0).T).sum())
        took = max(length / (SPEED_KMH / 3.6 * float(rng.uniform(0.85, 1.15))), 30.0)
        legs.append(Leg(now, now + took, way, job))
        now, here, job_here = now + took, to, job

    for job in jobs:
        if here != vehicle.home and job.start_s - now > GO_HOME_S:
            drive(vehicle.home, None)
        way = roads.way(here, job.xy)
        travel = float(np.hypot(*np.diff(way, axis=0).T).sum()) / (SPEED_KMH / 3.6)
        if max(now + travel, job.start_s) > min(job.start_s + TOO_LATE_S, end - job.minutes * 60 - 3600):
            continue
        stand(job.start_s - travel)
        drive(job.xy, job)
        stand(now + job.minutes * 60)
    if here != vehicle.home:
        drive(vehicle.home, None)
    stand(end)
    return legs


def _fixes(
    vehicle: Vehicle, legs: list[Leg], enterprises: Enterprises, rng: np.random.Generator
) -> pl.DataFrame:
    """Return fixes of one vehicle in WGS-84."""
    parts = [_fixes_of_leg(vehicle, leg, rng) for leg in legs]
    t, x, y, speed, heading = np.concatenate(parts).T
    if vehicle.lives_in == "D21":
        x, y = _drifted(t, x, y, vehicle.home, enterprises)
    keep = ~_lost(t, rng) & ~_in_the_dark(t, x, y, legs)
    if vehicle.operator == "乙":
        keep &= (t < OUTAGE[0].timestamp()) | (t >= OUTAGE[1].timestamp())
    spikes = rng.random(len(t)) < 0.0001
    x = x + spikes * 24_000
    lonlat = degrees(np.column_stack([x, y]))
    return (
        pl.DataFrame(
            {
                "vehicle_id": [vehicle.vehicle_id] * len(t),
                "t": (t * 1_000_000).astype(np.int64),
                "lon": np.round(lonlat[:, 0], 6),
                "lat": np.round(lonlat[:, 1], 6),
                "speed_kmh": np.round(speed).astype(np.int64),
                "heading_deg": np.round(heading).astype(np.int64) % 360,
            }
        )
        .filter(pl.Series(keep))
        .unique("t", keep="first", maintain_order=True)
        .with_columns(pl.col("t").cast(pl.Datetime("us", "UTC")))
    )


def _fixes_of_leg(vehicle: Vehicle, leg: Leg, rng: np.random.Generator) -> Floats:
    """Rows of time, x, y, speed, heading while driving or standing."""
    standing = len(leg.way) == 1
    every = (300 if vehicle.moving_s > 10 else 120) if standing else vehicle.moving_s
    t = np.floor(np.arange(leg.start_s + float(rng.uniform(0, min(every, 20))), leg.end_s, every))
    if standing and (vehicle.sleeps or leg.job is None):
        rare = 14_400 if vehicle.sleeps and leg.job is None else vehicle.heartbeat_s
        t = t[(t < leg.start_s + IGNITION_OFF_S) | (t % rare < every)]
    noise = rng.normal(0, 4.0, (2, len(t)))
    if standing:
        x, y = leg.way[0, 0] + noise[0], leg.way[0, 1] + noise[1]
        return np.column_stack([t, x, y, np.where(rng.random(len(t)) < 0.03, 1.0, 0.0), np.full(len(t), 0.0)])
    pieces = np.diff(leg.way, axis=0)
    lengths = np.hypot(pieces[:, 0], pieces[:, 1])
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    gone = along[-1] * (t - leg.start_s) / (leg.end_s - leg.start_s)
    piece = np.clip(np.searchsorted(along, gone, side="right") - 1, 0, len(pieces) - 1)
    turn = np.degrees(np.arctan2(pieces[piece, 0], pieces[piece, 1])) % 360
    x = np.interp(gone, along, leg.way[:, 0]) + noise[0]
    y = np.interp(gone, along, leg.way[:, 1]) + noise[1]
    speed = np.clip(along[-1] / (leg.end_s - leg.start_s) * 3.6 * rng.normal(1, 0.15, len(t)), 3, 95)
    return np.column_stack([t, x, y, speed, turn])


def _drifted(t: Floats, x: Floats, y: Floats, home: XY, enterprises: Enterprises) -> tuple[Floats, Floats]:
    """Return fixes that creep from the home to the plant of story D21 and back in the small hours of two nights."""
    plant = enterprises.site_of_story["D21"].xy
    assert plant is not None
    at_home = np.hypot(x - home[0], y - home[1]) < 60
    share = np.zeros(len(t))
    for night in DRIFT_NIGHTS:
        hours = (t - midnight(night).timestamp()) / 3600 - 1
        share += np.where((hours > 0) & (hours < 3.5), np.clip(np.minimum(hours, 3.5 - hours) / 1.0, 0, 1), 0)
    share *= at_home
    return x + share * (plant[0] - home[0]), y + share * (plant[1] - home[1])


def _lost(t: Floats, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return fixes in drop-outs of 6 to 40 minutes, one on every second day or so."""
    starts = rng.uniform(t[0], t[-1], int(0.5 * len(TRACK_DAYS)))
    lasting = rng.uniform(360, 2_400, len(starts))
    return np.asarray(((t[:, None] >= starts) & (t[:, None] < starts + lasting)).any(axis=1))


def _in_the_dark(t: Floats, x: Floats, y: Floats, legs: list[Leg]) -> NDArray[np.bool_]:
    """Return fixes near a place to which the vehicle comes with its terminal switched off."""
    dark = np.zeros(len(t), dtype=bool)
    for place, leg in enumerate(legs):
        if leg.job and leg.job.dark and len(leg.way) == 1:
            begin = min(legs[place - 1].start_s, leg.start_s - DARK_AROUND_S)
            end = max(legs[min(place + 1, len(legs) - 1)].end_s, leg.end_s + DARK_AROUND_S)
            near = np.hypot(x - leg.job.xy[0], y - leg.job.xy[1]) < DARK_M
            dark |= (t >= begin) & (t < end) & near
    return dark
