"""The second city: its parts put together, and both forms of it written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from geo_api.second_city.duties import FISHING, RESUMPTION, Duty, make_duties
from geo_api.second_city.enterprises import Enterprises, make_enterprises
from geo_api.second_city.files.office_files import write_office
from geo_api.second_city.files.plain_files import write_plain
from geo_api.second_city.journeys import make_fixes
from geo_api.second_city.land.borders import Borders, make_borders
from geo_api.second_city.land.gazetteer import CITY_CODE, EPSG, LAST_DAY
from geo_api.second_city.land.ground import Ground
from geo_api.second_city.land.roads import Roads
from geo_api.second_city.meters import Weather, bills, daily_readings
from geo_api.second_city.places import Fence, Notice, Place, make_fences, make_notices, make_places
from geo_api.second_city.truth import truth_of, write_truth
from geo_api.second_city.vehicles import Vehicle, make_vehicles
from geo_api.second_city.winter import temperatures
from layers.city import City

DEFAULT_SEED = 87
SECOND = City(
    name_zh="砚川市",
    name_en="Yanchuan",
    code=CITY_CODE,
    case_prefix="YC",
    time_zone="Asia/Shanghai",
    metric_epsg=EPSG,
    served_epsg=EPSG,
    matters={
        "illegal_resumption": RESUMPTION,
        "hazardous_storage": "YC-STHJ-0215",
        "split_jurisdictions": "YC-SCJG-0003",
        "fishing_ban": FISHING,
    },
)
"""The city as an installation serves it."""


@dataclass
class SecondCity:
    """The city as it was made, and where its files are."""

    folder: Path
    seed: int
    borders: Borders
    enterprises: Enterprises
    places: list[Place]
    fences: list[Fence]
    notices: list[Notice]
    duties: list[Duty]
    vehicles: list[Vehicle]
    fixes: pl.DataFrame
    visits: dict[str, list[tuple[str, float, float]]]
    daily: pl.DataFrame
    bills: pl.DataFrame
    office_faults: list[dict[str, str]] = field(default_factory=list)
    truth: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    """Rows of each file of the plain form."""

    @property
    def plain(self) -> Path:
        """Folder in the documented format."""
        return self.folder / "plain"

    @property
    def office(self) -> Path:
        """Folder as offices deliver it."""
        return self.folder / "office"

    @property
    def last_day(self) -> date:
        """The last day of meters and tracks."""
        return LAST_DAY


def make_second_city(folder: Path, seed: int = DEFAULT_SEED) -> SecondCity:
    """Make the city of a seed and write both forms of it, and its truth, into a folder."""
    chance = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(9)]
    borders = make_borders(chance[0])
    ground = Ground(borders, chance[1])
    enterprises = make_enterprises(borders, ground, chance[2])
    places = make_places(enterprises, ground)
    roads = Roads(ground)
    vehicles = make_vehicles(enterprises, ground, chance[3])
    fixes, visits = make_fixes(vehicles, enterprises, places, roads, borders.reservoir, chance[4])
    weather = Weather(temperatures(chance[5]))
    city = SecondCity(
        folder=Path(folder),
        seed=seed,
        borders=borders,
        enterprises=enterprises,
        places=places,
        fences=make_fences(borders, places),
        notices=make_notices(enterprises),
        duties=make_duties(),
        vehicles=vehicles,
        fixes=fixes,
        visits=visits,
        daily=daily_readings(enterprises.metered, weather, chance[6]),
        bills=bills(enterprises.metered, weather, chance[7]),
    )
    city.rows = write_plain(city, city.plain)
    city.office_faults = write_office(city, city.office, chance[8])
    city.truth = truth_of(city)
    write_truth(city.truth, city.folder / "truth.json")
    return city
