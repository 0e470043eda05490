"""Planted cities that are evaluated: how their files are made, and the city that is in force."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from geo_api.demo_city import CITY, END_DAY, FILES, MORE_FILES, make_city
from geo_api.second_city import SECOND, make_planted_second_city
from layers.city import City
from layers.imports import FILE_KINDS

WINTER_DAY = dt.date(2026, 12, 13)
"""Last day of demo cities with even seeds, in the heating season; the others end in autumn."""
TRUTH = Path("truth") / "kinds.json"


@dataclass(frozen=True)
class MadeCity:
    """Files of a city by import kind, in the order in which they are loaded, its truth and its last day."""

    files: Mapping[str, Path]
    truth: Path
    end_day: dt.date


@dataclass(frozen=True)
class EvaluationCity:
    """A city that can be made for any seed and any selection of kinds."""

    city: City
    make: Callable[[Path, int, str], MadeCity]


def _demo(folder: Path, seed: int, selection: str) -> MadeCity:
    end_day = END_DAY if seed % 2 else WINTER_DAY
    make_city(folder, seed=seed, size="evaluation", end_day=end_day, kinds=selection)
    known = FILES | MORE_FILES
    files = {kind: path for kind in FILE_KINDS if kind in known and (path := folder / known[kind]).is_file()}
    return MadeCity(files, folder / TRUTH, end_day)


def _second(folder: Path, seed: int, selection: str) -> MadeCity:
    city = make_planted_second_city(folder, seed, selection)
    files = {kind: found[0] for kind in FILE_KINDS if (found := sorted(city.plain.glob(f"{kind}.*")))}
    return MadeCity(files, folder / TRUTH, city.last_day)


CITIES: Mapping[str, EvaluationCity] = {
    "demo": EvaluationCity(CITY, _demo),
    "second": EvaluationCity(SECOND, _second),
}
"""Cities by the name that the command takes."""
