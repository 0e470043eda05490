"""Jobs of the vehicles: visits of the stories, and ordinary ones at open sites."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from geo_api.demo_city.kinds.fleet import Vehicle
from geo_api.demo_city.kinds.land import Land, Site
from geo_api.demo_city.kinds.stories import Visits
from geo_api.demo_city.kinds.use import days_on, draw, draw_days
from geo_api.demo_city.kinds.weather import Days, Flags, Floats

APART_S = 45 * 60
"""Time to drive between two jobs of one vehicle."""
BEFORE_OUTAGE_S = (600, 1500)


@dataclass(frozen=True)
class Job:
    """A stop that a vehicle has to make; seconds since 1970. ``site`` is the number of a story's site, or -1."""

    start_s: int
    seconds: int
    place: Floats
    site: int = -1
    dark: bool = False


@dataclass
class Diary:
    """Jobs by vehicle, and whether a vehicle is free at a time."""

    jobs: dict[int, list[Job]]

    def is_free(self, vehicle: int, start_s: int, seconds: int) -> bool:
        """Whether no other job is so near that the vehicle could not drive between them."""
        return all(
            start_s > job.start_s + job.seconds + APART_S or start_s + seconds + APART_S < job.start_s
            for job in self.jobs[vehicle]
            if abs(job.start_s - start_s) < 2 * 86_400
        )

    def add(self, vehicle: int, job: Job) -> None:
        """Enter a job."""
        self.jobs[vehicle].append(job)


def make_jobs(
    sites: list[Site], vehicles: list[Vehicle], land: Land, days: Days, outage_s: int, seed: int
) -> dict[int, list[Job]]:
    """Jobs of all vehicles by their position, each list by time.

    Parameters
    ----------
    sites : list of Site
    vehicles : list of Vehicle
    land : Land
    days : Days
    outage_s : int
        Time at which an operator falls silent.
    seed : int
    """
    diary = Diary(defaultdict(list))
    for site in sites:
        if site.kind.beside and site.kind.beside.what == "home":
            continue  # somebody lives there: no job
        for number, visits in enumerate(site.kind.visits):
            rng = np.random.default_rng([seed, site.number, 11, number])
            _visit(diary, site, visits, vehicles, days, outage_s, rng)
    for place, vehicle in enumerate(vehicles):
        rng = np.random.default_rng([seed, place, 13])
        _ordinary(diary, place, vehicle, land, days, rng)
    return {place: sorted(diary.jobs[place], key=lambda job: job.start_s) for place in range(len(vehicles))}


def visit_days(site: Site, visits: Visits, days: Days, outage_day: int, rng: np.random.Generator) -> Flags:
    """Days of the window on which somebody is due."""
    first = days.last - days.track_days + 1
    start = max(site.start, first) if visits.starts == "start" else first
    if visits.days in ("third", "second", "fortnights") and visits.starts == "start":
        start = site.start  # days of visits are those of work
    on = days_on(visits.days, start, days, outage=outage_day)
    number = np.arange(len(on))
    on &= number >= first
    if visits.lasts_days is not None:
        on &= number < site.start + draw_days(rng, visits.lasts_days)
    return np.asarray(on & (rng.uniform(size=len(on)) < visits.share))


def _visit(
    diary: Diary,
    site: Site,
    visits: Visits,
    vehicles: list[Vehicle],
    days: Days,
    outage_s: int,
    rng: np.random.Generator,
) -> None:
    outage_day = int((outage_s - days.midnight_s(0)) // 86_400)
    fleet = [n for n, vehicle in enumerate(vehicles) if vehicle.fleet == visits.fleet]
    gap = [float(np.hypot(*(vehicles[n].home - site.place))) + draw(rng, (0, 12_000)) for n in fleet]
    near = [fleet[n] for n in np.argsort(gap, kind="stable")]
    crew = near[: draw_days(rng, visits.crew)]
    spare = near[len(crew) : len(crew) + 2]
    for day in np.flatnonzero(visit_days(site, visits, days, outage_day, rng)).tolist():
        wanted = draw_days(rng, visits.at_once)
        for vehicle in [*rng.permutation(crew).tolist(), *spare]:
            if wanted == 0:
                break
            start = round(days.midnight_s(day) + draw(rng, visits.clock) * 3600)
            if visits.days == "outage":
                start = outage_s - draw_days(rng, BEFORE_OUTAGE_S)
            seconds = round(draw(rng, visits.minutes) * 60)
            if diary.is_free(vehicle, start, seconds):
                diary.add(
                    vehicle, Job(start, seconds, site.spot(visits.where, rng), site.number, visits.dark)
                )
                wanted -= 1


def _ordinary(
    diary: Diary, place: int, vehicle: Vehicle, land: Land, days: Days, rng: np.random.Generator
) -> None:
    """Everyday stops around the planned ones: mostly at the usual customers, now and then at night."""
    for day in range(days.last - days.track_days + 1, days.last + 1):
        if rng.uniform() > (0.2 if days.off[day] else 0.6):
            continue
        hours = np.sort(rng.uniform(6.5, 17.0, int(rng.integers(1, 4))))
        if rng.uniform() < 0.06:
            hours = rng.uniform(20.0, 27.0, 1)
        for hour in hours.tolist():
            usual = rng.uniform() < 0.8
            customer = int(rng.choice(vehicle.customers)) if usual else int(rng.integers(len(land.customers)))
            start, seconds = round(days.midnight_s(day) + hour * 3600), draw_days(rng, (900, 5400))
            if diary.is_free(place, start, seconds):
                diary.add(place, Job(start, seconds, land.customers[customer] + rng.uniform(-40, 40, 2)))
