"""Plan of a month: which reports come when, from where, about what; the choices come from a seed."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from geo_api.demo_month.courses import COURSES
from grid.calendar import PUBLISHED
from grid.errors import CalendarUnknown
from grid.practice import KnownPlace
from layers.local_time import local_zone, start_of_day
from layers.tables import Matter

DAYS = 30
_DOMAIN_WEIGHTS = {"urban": 1.5, "market": 1.3, "ecology": 1.2, "transport": 1.0, "agriculture": 0.8}
_OTHER_WEIGHT = 0.6
SOURCES = {"hotline": 0.5, "grid": 0.27, "public": 0.12, "model": 0.06, "system": 0.05}
FATES = {"opened": 0.84, "rejected": 0.07, "reported_twice": 0.06, "opened_twice": 0.03}
"""Shares of the outcomes of a report: a case, nothing, a case with a second call, a second case that is merged."""
_CROSS_REGION = 0.03
_FAR_DEGREES = 0.05
_QUIET_SHARE = 0.05
_OF_WHICH_WAITING, _NEXT_WEEK = 60, dt.timedelta(days=7)
"""One in so many reports, the newest, waits for a clerk when the month ends."""


@dataclass(frozen=True)
class Report:
    """A report that comes in.

    Attributes
    ----------
    at : datetime
        When, with zone.
    decided_after : timedelta
        From then until a clerk decides.
    fate : str
        Of ``FATES``.
    other_place : KnownPlace or None
        Of another town, to which the matter stretches.
    course : str
        Of ``COURSES``, for the case.
    """

    at: dt.datetime
    decided_after: dt.timedelta
    source: str
    matter: Matter
    place: KnownPlace
    fate: str
    other_place: KnownPlace | None
    course: str
    urgency: str
    slow: bool
    seed: tuple[int, int]


def plan_reports(
    number: int, seed: int, until: dt.datetime, matters: Sequence[Matter], places: Sequence[KnownPlace]
) -> list[Report]:
    """Return the reports of the ``DAYS`` days before ``until``, in order of time.

    Every domain that has matters gets reports; a few towns report nothing at all. The first reports go through every
    kind of course in turn, so that each has time to come to its end.
    """
    rng = np.random.default_rng([seed, 30])
    by_domain: dict[str, list[Matter]] = defaultdict(list)
    for matter in matters:
        by_domain[matter.domain].append(matter)
    domains = sorted(by_domain)
    weights = np.array([_DOMAIN_WEIGHTS.get(domain, _OTHER_WEIGHT) for domain in domains])
    by_town = _places_by_town(places)
    towns = sorted(by_town)
    busy = _town_weights(len(towns), rng)
    days, of_day = _days(until)
    courses = list(COURSES)
    found = []
    for index in range(number):
        domain = domains[rng.choice(len(domains), p=weights / weights.sum())]
        town = by_town[towns[rng.choice(len(towns), p=busy)]]
        source = _chosen(SOURCES, rng)
        place = town[rng.integers(len(town))]
        cross = source == "grid" and rng.uniform() < _CROSS_REGION / SOURCES["grid"]
        of_matter = by_domain[domain]
        found.append(
            Report(
                at=days[rng.choice(len(days), p=of_day)] + _time_of_day(source, rng),
                decided_after=dt.timedelta(hours=float(rng.lognormal(-0.3, 1.0))),
                source=source,
                matter=of_matter[rng.integers(len(of_matter))],
                place=place,
                fate="opened" if cross else _chosen(FATES, rng),
                other_place=_nearest_of_another_town(place, places) if cross else None,
                course=_chosen(COURSES, rng),
                urgency="urgent" if rng.uniform() < 0.07 else "normal",
                slow=bool(rng.uniform() < 0.16),
                seed=(seed, index),
            )
        )
    found.sort(key=lambda one: (one.at, one.seed))
    found = [
        replace(one, course=courses[index % len(courses)]) if index < 3 * len(courses) else one
        for index, one in enumerate(found)
    ]
    waiting = max(2, number // _OF_WHICH_WAITING)
    return [*found[:-waiting], *(replace(one, decided_after=_NEXT_WEEK) for one in found[-waiting:])]


def _places_by_town(places: Sequence[KnownPlace]) -> dict[str, list[KnownPlace]]:
    found: dict[str, list[KnownPlace]] = defaultdict(list)
    for place in places:
        found[place.town_code].append(place)
    return found


def _town_weights(towns: int, rng: np.random.Generator) -> np.ndarray:
    """Return how much of the reports each town has: some have many, a few have none."""
    weights = rng.pareto(2.5, towns) + 0.25
    if towns > 3:
        weights[np.argsort(weights)[: max(1, int(towns * _QUIET_SHARE))]] = 0.0
    return weights / weights.sum()


def _days(until: dt.datetime) -> tuple[list[dt.datetime], np.ndarray]:
    """Return the starts of the days before ``until``, and how much of the reports each has."""
    last = (until - dt.timedelta(microseconds=1)).astimezone(local_zone()).date()
    days = [last - dt.timedelta(days=back) for back in reversed(range(DAYS))]
    weights = np.array([1.0 if _worked(day) else 0.45 for day in days])
    return [start_of_day(day) for day in days], weights / weights.sum()


def _worked(day: dt.date) -> bool:
    try:
        return PUBLISHED.is_working_day(day)
    except CalendarUnknown:
        return day.weekday() < 5


def _time_of_day(source: str, rng: np.random.Generator) -> dt.timedelta:
    """Grid workers report by day, the others from early to late."""
    first, last = (8.0, 17.5) if source == "grid" else (6.5, 22.0)
    return dt.timedelta(hours=first + (last - first) * float(rng.beta(2, 2)))


def _nearest_of_another_town(place: KnownPlace, places: Sequence[KnownPlace]) -> KnownPlace | None:
    others = [other for other in places if other.town_code != place.town_code]
    nearest = min(others, key=lambda other: _apart(place, other), default=None)
    return nearest if nearest is not None and _apart(place, nearest) < _FAR_DEGREES else None


def _apart(one: KnownPlace, other: KnownPlace) -> float:
    east = (one.lon - other.lon) * math.cos(math.radians(one.lat))
    return math.hypot(east, one.lat - other.lat)


def _chosen(shares: dict[str, float], rng: np.random.Generator) -> str:
    return str(rng.choice(list(shares), p=list(shares.values())))
