"""Journeys of the vehicles from job to job, and the fixes of their terminals; all times are whole seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from geo_api.demo_city.fixes import along_lines
from geo_api.demo_city.kinds.fleet import OPERATORS, OUTAGE_OPERATOR, Vehicle
from geo_api.demo_city.kinds.jobs import Job
from geo_api.demo_city.kinds.land import Land
from geo_api.demo_city.kinds.weather import Days, Flags, Floats

SPEED_KMH = (40.0, 58.0)
GO_HOME_S = 35 * 60
"""A vehicle drives home, and does not wait where it was, when its next job begins later than this."""
TOO_LATE_S = 2 * 3600
IGNITION_OFF_S = 20 * 60
HEARTBEAT_S = 1800
OUTAGE_S = 44 * 3600


@dataclass
class Legs:
    """Times in which vehicles drive along a line or stand; one entry each."""

    vehicle: list[int] = field(default_factory=list)
    start_s: list[int] = field(default_factory=list)
    end_s: list[int] = field(default_factory=list)
    lines: list[Floats] = field(default_factory=list)
    every_s: list[int] = field(default_factory=list)

    def add(self, vehicle: int, start_s: int, end_s: int, line: Floats, every_s: int) -> None:
        """Append a leg."""
        self.vehicle.append(vehicle)
        self.start_s.append(start_s)
        self.end_s.append(end_s)
        self.lines.append(line)
        self.every_s.append(every_s)


@dataclass(frozen=True)
class Stop:
    """A visit of a story as it happened."""

    site: int
    vehicle: int
    start_s: int
    end_s: int
    dark: bool


class _Driver:
    """One vehicle over the whole window."""

    def __init__(
        self, place: int, vehicle: Vehicle, land: Land, legs: Legs, rng: np.random.Generator
    ) -> None:
        self.place, self.vehicle, self.land, self.legs, self.rng = place, vehicle, land, legs, rng
        self.here = vehicle.home
        self.now = 0

    def stand(self, until: int, at_home: bool) -> None:
        """Stand until a time; a terminal that sleeps falls back to heartbeats after 20 minutes."""
        if until <= self.now:
            return
        every, line = max(self.vehicle.sampling_s, 120), np.stack([self.here, self.here])
        awake = until
        if at_home or self.vehicle.sleeps:
            awake = min(self.now + IGNITION_OFF_S, until)
        self.legs.add(self.place, self.now, awake, line, every)
        if awake < until:
            self.legs.add(self.place, awake, until, line, max(HEARTBEAT_S, every))
        self.now = until

    def seconds_to(self, line: Floats) -> int:
        """Time for a line."""
        length = float(np.hypot(*np.diff(line, axis=0).T).sum())
        return max(round(length / (self.rng.uniform(*SPEED_KMH) / 3.6)), 30)

    def drive(self, line: Floats, seconds: int) -> None:
        """Drive along a line."""
        self.legs.add(self.place, self.now, self.now + seconds, line, self.vehicle.sampling_s)
        self.now, self.here = self.now + seconds, line[-1]

    def work(self, jobs: list[Job], end_s: int) -> list[Stop]:
        """Do the jobs in order; one that cannot be reached in time is left out."""
        done = []
        for job in jobs:
            if self.here is not self.vehicle.home and job.start_s - self.now > GO_HOME_S:
                self.go_home()
            line = self.land.way(self.here, job.place)
            travel = self.seconds_to(line)
            arrival = max(job.start_s, self.now + travel)
            if arrival > min(job.start_s + TOO_LATE_S, end_s - job.seconds):
                continue
            self.stand(arrival - travel, self.here is self.vehicle.home)
            self.drive(line, travel)
            begun = self.now
            self.stand(self.now + job.seconds, False)
            if job.site >= 0:
                done.append(Stop(job.site, self.place, begun, self.now, job.dark))
        if self.here is not self.vehicle.home and self.now < end_s:
            self.go_home()
        self.stand(end_s, True)
        return done

    def go_home(self) -> None:
        """Drive home."""
        line = self.land.way(self.here, self.vehicle.home)
        self.drive(line, self.seconds_to(line))
        self.here = self.vehicle.home


def make_fixes(
    vehicles: list[Vehicle], jobs: dict[int, list[Job]], land: Land, days: Days, outage_s: int, seed: int
) -> tuple[pl.DataFrame, list[Stop]]:
    """Make fixes in columns of the import, by time, and the visits of stories as they happened.

    Parameters
    ----------
    vehicles : list of Vehicle
    jobs : dict
        By position of the vehicle.
    land : Land
    days : Days
    outage_s : int
        Time from which one operator passes on nothing for 44 hours.
    seed : int
    """
    begin, end = (round(days.midnight_s(n)) for n in (days.last - days.track_days + 1, days.last + 1))
    legs, stops = Legs(), []
    for place, vehicle in enumerate(vehicles):
        driver = _Driver(place, vehicle, land, legs, np.random.default_rng([seed, place, 17]))
        driver.now = begin
        stops += driver.work(jobs[place], end)
    rng = np.random.default_rng([seed, 19])
    reports = _sample(legs, rng)
    keep = (reports["t"] < end) & ~_lost(reports, vehicles, stops, (begin, end), outage_s, rng)
    kept = {name: values[keep] for name, values in reports.items()}
    return _frame(kept, vehicles, land, rng), stops


def _sample(legs: Legs, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Return true positions at the times of reports, one entry a report."""
    start, end, every = (
        np.array(values, dtype=np.int64) for values in (legs.start_s, legs.end_s, legs.every_s)
    )
    first = start + rng.integers(0, np.minimum(every, np.maximum(end - start, 1)))
    count = np.maximum(-((first - end) // every), 0)
    leg = np.repeat(np.arange(len(start)), count)
    step = np.arange(len(leg)) - np.repeat(np.cumsum(count) - count, count)
    t = first[leg] + step * every[leg]
    share = np.clip((t - start[leg]) / np.maximum(end - start, 1)[leg], 0.0, 1.0 - 1e-9)
    places, span, length = along_lines(legs.lines, leg, share)
    places = (
        places + rng.normal(scale=4.0, size=(len(start), 2))[leg] + rng.normal(scale=4.0, size=places.shape)
    )
    moving = length[leg] > 1.0
    speed = length[leg] / np.maximum(end - start, 1)[leg] * 3.6 * rng.uniform(0.75, 1.25, len(leg))
    turn = np.degrees(np.arctan2(span[:, 0], span[:, 1])) % 360
    return {
        "vehicle": np.array(legs.vehicle, dtype=np.int64)[leg],
        "t": t,
        "x": places[:, 0],
        "y": places[:, 1],
        "speed": np.where(moving, speed, 0.0),
        "heading": np.where(moving, turn, 0.0),
    }


def _lost(
    reports: dict[str, NDArray[Any]],
    vehicles: list[Vehicle],
    stops: list[Stop],
    window: tuple[int, int],
    outage_s: int,
    rng: np.random.Generator,
) -> Flags:
    """Mark reports that nobody receives: drop-outs, days that an operator lost, the outage, terminals gone dark."""
    t, of = reports["t"], reports["vehicle"]
    lost = np.zeros(len(t), dtype=bool)
    dark: dict[int, list[Stop]] = {}
    for stop in stops:
        if stop.dark:
            dark.setdefault(stop.vehicle, []).append(stop)
    days = (window[1] - window[0]) // 86_400
    lost_days = [window[0] + int(rng.integers(days)) * 86_400 for _ in range(OPERATORS)]
    edges = np.searchsorted(of, np.arange(len(vehicles) + 1))
    for place, vehicle in enumerate(vehicles):
        rows = slice(int(edges[place]), int(edges[place + 1]))
        own, out = t[rows], lost[rows]
        spans = [(lost_days[vehicle.operator], 86_400)]
        spans += [
            (int(at), int(rng.integers(360, 2400))) for at in rng.integers(*window, size=int(0.3 * days))
        ]
        if vehicle.operator == OUTAGE_OPERATOR:
            spans.append((outage_s, OUTAGE_S))
        for stop in dark.get(place, ()):
            first = stop.start_s + int(rng.integers(-90, 240))
            spans.append((first, stop.end_s + int(rng.integers(-60, 300)) - first))
        for first, length in spans:
            out |= (own >= first) & (own < first + length)
    return lost


def _frame(
    reports: dict[str, NDArray[Any]], vehicles: list[Vehicle], land: Land, rng: np.random.Generator
) -> pl.DataFrame:
    count = len(reports["t"])
    spike = rng.uniform(size=count) < 0.0001
    places = np.column_stack([reports["x"], reports["y"]]) + spike[:, None] * rng.uniform(
        4e3, 2e4, (count, 2)
    )
    lonlat = land.to_lonlat(places)
    names = np.array([vehicle.vehicle_id for vehicle in vehicles])
    frame = pl.DataFrame(
        {
            "vehicle_id": names[reports["vehicle"]],
            "t": np.asarray(reports["t"]) * 1_000_000,
            "lon": np.round(lonlat[:, 0], 7),
            "lat": np.round(lonlat[:, 1], 7),
            "speed_kmh": np.round(reports["speed"], 1),
            "heading_deg": np.round(reports["heading"]) % 360.0,
        }
    )
    moment = pl.from_epoch("t", time_unit="us").dt.replace_time_zone("UTC")
    return frame.with_columns(t=moment).unique(["vehicle_id", "t"], keep="first").sort("t", "vehicle_id")
