"""The second city with planted kinds in place of its own stories, in the documented format only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from geo_api.demo_city.kinds import COLD, plant
from geo_api.second_city.credit_codes import invented_code
from geo_api.second_city.duties import Duty, make_duties
from geo_api.second_city.enterprises import Enterprises, make_ordinary_enterprises
from geo_api.second_city.files.plain_files import (
    duty_table,
    enterprise_table,
    meter_table,
    site_table,
    write_areas,
)
from geo_api.second_city.land import gazetteer as names
from geo_api.second_city.land.borders import Borders, make_borders
from geo_api.second_city.land.coordinates import degrees
from geo_api.second_city.land.ground import Ground
from geo_api.second_city.land.roads import Roads
from geo_api.second_city.meters import Weather, bills, daily_readings
from geo_api.second_city.winter import METER_DAYS, temperatures

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
TRACK_DAYS = 60
APART = 5_000
"""Added to the seed, so that the sites are not those of the demo city of the same seed."""


@dataclass(frozen=True)
class PlantedCity:
    """A second city with planted kinds: its files in the documented format lie in ``plain``."""

    plain: Path
    last_day: date
    planted: int
    decoys: int


class SecondLand:
    """Free places, ways and customers of the second city; see :class:`geo_api.demo_city.kinds.Land`.

    Parameters
    ----------
    ground : Ground
    roads : Roads
    enterprises : Enterprises
        Open sites are the customers.
    """

    def __init__(self, ground: Ground, roads: Roads, enterprises: Enterprises) -> None:
        self._ground, self._roads = ground, roads
        self._codes = {enterprise.uscc for enterprise in enterprises.all}
        self._ways: dict[tuple[float, ...], Floats] = {}
        open_sites = [
            site.xy
            for enterprise, site in enterprises.sites()
            if enterprise.status == "operating" and site.xy is not None and site.kind != "registered"
        ]
        self.customers: Floats = np.array(open_sites)

    @property
    def to_lonlat(self) -> Callable[[Floats], Floats]:
        """Metres of the zone to degrees."""
        return degrees

    @property
    def code(self) -> Callable[[np.random.Generator], str]:
        """Draws an invented credit code that nobody has yet."""
        return self._draw_code

    def _draw_code(self, rng: np.random.Generator) -> str:
        while True:
            code = invented_code(rng, str(rng.choice([county.code for county in names.COUNTIES])))
            if code not in self._codes:
                self._codes.add(code)
                return code

    def free(self, room_m: float) -> Floats:
        """Find a free place with so much room around it."""
        return np.array(self._ground.free(room_m))

    def beside(self, place: Floats, distance_m: float) -> Floats:
        """Find a dry place at a distance from another one."""
        return np.array(self._ground.beside((float(place[0]), float(place[1])), distance_m))

    def way(self, a: Floats, b: Floats) -> Floats:
        """Return the line along the roads."""
        return self._roads.way((float(a[0]), float(a[1])), (float(b[0]), float(b[1])))


@dataclass(frozen=True)
class PlainParts:
    """The parts of a city that the writers of the documented format read."""

    borders: Borders
    enterprises: Enterprises
    duties: list[Duty]
    daily: pl.DataFrame
    bills: pl.DataFrame


def make_planted_second_city(folder: Path, seed: int, kinds: str, *, copies: int = 1) -> PlantedCity:
    """Make the second city of a seed with planted kinds and write its files and its truth.

    Parameters
    ----------
    folder : Path
        Gets ``plain/`` in the documented format, and ``truth/kinds.json``.
    seed : int
    kinds : str
        See :func:`geo_api.demo_city.kinds.chosen_kinds`.
    copies : int
        How many times as many sites of each kind.
    """
    chance = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(9)]
    borders = make_borders(chance[0])
    ground = Ground(borders, chance[1])
    enterprises = make_ordinary_enterprises(borders, ground, chance[2])
    roads = Roads(ground)
    weather = Weather(temperatures(chance[5]))
    planted = plant(
        SecondLand(ground, roads, enterprises),
        kinds,
        end_day=names.LAST_DAY,
        zone=ZoneInfo("Asia/Shanghai"),
        climate=COLD,
        seed=seed + APART,
        city_name="砚川",
        plate_letters=names.PLATE_LETTERS,
        meter_days=len(METER_DAYS),
        track_days=TRACK_DAYS,
        copies=copies,
    )
    city = PlainParts(
        borders,
        enterprises,
        list(make_duties()),
        daily_readings(enterprises.metered, weather, chance[6]),
        bills(enterprises.metered, weather, chance[7]),
    )
    _write(city, planted.frames, folder / "plain")
    planted.write_truth(folder / "truth" / "kinds.json")
    guilty = sum(bool(row["label"]) for row in planted.truth)
    return PlantedCity(folder / "plain", names.LAST_DAY, guilty, len(planted.truth) - guilty)


def _write(city: PlainParts, frames: dict[str, pl.DataFrame], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    own: Iterable[tuple[str, pl.DataFrame]] = (
        ("enterprises", enterprise_table(city)),
        ("sites", site_table(city)),
        ("meters", meter_table(city)),
        ("duties", duty_table(city)),
    )
    tables = dict(frames)
    for name, table in own:
        after = [tables[name]] if name in tables else []
        tables[name] = pl.concat([table, *after], how="diagonal_relaxed")
    for name, table in tables.items():
        if name in ("meters", "tracks"):
            table.write_parquet(folder / f"{name}.parquet", compression="zstd")
        else:
            table.write_csv(folder / f"{name}.csv")
    write_areas(city, folder / "areas.gpkg")
