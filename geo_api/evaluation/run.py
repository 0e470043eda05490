"""Runs of an evaluation: make the city, load it through the importer, analyse it, compare it with the truth."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from geo_api.evaluation.cities import CITIES, EvaluationCity, MadeCity
from geo_api.evaluation.outcomes import Outcome, Seen, outcomes_of
from geo_api.http.progress import step
from geo_api.imports.import_file import import_file
from geo_api.jobs.analysis import Analysis
from grid.alerts import put_matters
from layers.alert_levels import ALERT_LEVELS
from layers.city import City, put_in_force
from layers.local_time import start_of_day
from layers.postgres import SYSTEM, migrate, refresh_statistics, session
from layers.records import flagged_sites, reset

WEEK = dt.timedelta(days=7)


@dataclass(frozen=True)
class Plan:
    """Cities and seeds of an evaluation.

    Attributes
    ----------
    cities : sequence of str
        Names in ``CITIES``.
    seeds : sequence of int
    selection : str
        Kinds that are planted, see :func:`geo_api.demo_city.kinds.chosen_kinds`.
    weeks : int
        Look backs before the last day, one a week; without any no lead time is known.
    """

    cities: Sequence[str]
    seeds: Sequence[int]
    selection: str = "extended"
    weeks: int = 4


def evaluate(
    plan: Plan, *, url: str, folder: Path, keep: Callable[[Sequence[Outcome]], None] | None = None
) -> list[Outcome]:
    """Evaluate every city and seed of a plan, one after the other.

    Parameters
    ----------
    plan : Plan
    url : str
        A database of its own: all that is in it is dropped, again for each city.
    folder : Path
        For the files of the cities.
    keep : callable, optional
        Called with all outcomes so far after each city, so that an end in between loses one city only.

    Returns
    -------
    list of Outcome
    """
    outcomes: list[Outcome] = []
    for name in plan.cities:
        for seed in plan.seeds:
            outcomes += evaluate_city(
                CITIES[name],
                name=name,
                seed=seed,
                selection=plan.selection,
                weeks=plan.weeks,
                url=url,
                folder=folder / f"{name}-{seed}-{plan.selection}"[:80],
            )
            if keep is not None:
                keep(outcomes)
    return outcomes


def evaluate_city(
    one: EvaluationCity, *, name: str, seed: int, selection: str, weeks: int, url: str, folder: Path
) -> list[Outcome]:
    """Evaluate the city of a seed; see :func:`evaluate`."""
    with step(f"生成城市 making {name}, seed {seed}"):
        made = one.make(folder, seed, selection)
    with _in_force(one.city):
        _load(made, one.city, url)
        alerted = [_look_back(url, made, weeks - number) for number in range(weeks)]
        with step(f"分析 analysis of {name}, seed {seed}"):
            Analysis(url).run()
        with session(SYSTEM, url) as db:
            seen = {
                (one.kind, one.fence_id or str(one.site_id)): Seen(
                    one.level, one.score, one.case_number is not None
                )
                for one in flagged_sites(db, ALERT_LEVELS[1:])
            }
    alerted.append((made.end_day, set(seen)))
    truth = json.loads(made.truth.read_text(encoding="utf-8"))
    return outcomes_of(truth, seen, alerted, city=name, seed=seed)


@contextmanager
def _in_force(city: City) -> Iterator[None]:
    before = put_in_force(city)
    try:
        yield
    finally:
        put_in_force(before)


def _load(made: MadeCity, city: City, url: str) -> None:
    """Load the files into the emptied database, as ``wangge import all`` does."""
    reset(url)
    migrate(url)
    now = max(start_of_day(made.end_day + dt.timedelta(days=1)), dt.datetime.now(dt.UTC)).astimezone(dt.UTC)
    with step("导入 import") as tell:
        for done, (kind, path) in enumerate(made.files.items(), 1):
            import_file(kind, path, crs="wgs84", url=url, now=now, actor="evaluation")
            tell(done, len(made.files))
    with session(SYSTEM, url) as db:
        put_matters(db, city.matters)
        refresh_statistics(db)


def _look_back(url: str, made: MadeCity, weeks: int) -> tuple[dt.date, set[tuple[str, str]]]:
    """Day of a look back so many weeks before the end, and the kinds and subjects of which it would raise an alert."""
    day = made.end_day - weeks * WEEK
    with step(f"回看 looking back from {day}"):
        result = Analysis(url, at=start_of_day(day + dt.timedelta(days=1))).run(write=False)
    return day, {(one.kind, one.finding.subject_id) for one in result.would_raise or []}
