"""Planted places and decoys of the other models: storage without a licence, split jurisdictions, fishing in ban waters.

A handful of each. Whatever else a city has is in order: its stores and its makers get their licences.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import shapely
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from geo_api.demo_city.kinds.land import Land
from geo_api.demo_city.kinds.weather import Floats

STORAGE, SPLIT, FISHING = "hazardous_storage", "split_jurisdictions", "fishing_ban"
WATER_M = (1_600.0, 700.0)
"""Length and width of a water with a fence."""
APPROACH_M = 5_000.0
METER_DAYS = 60
_DAY_S = 86_400
_TRIES = 400


@dataclass(frozen=True)
class OtherKind:
    """A kind of place, told by what comes to it.

    Attributes
    ----------
    name : str
    zh, en : str
        Names for people.
    alert_kind : str
    guilty : bool
    copies : int
    sort : str
        Of the vehicles that come: ``hazmat``, ``other`` or ``vessel``; empty: nobody.
    crew, trips : int
        Different vehicles, and how often each comes in the last three weeks.
    minutes : int
        How long each stays.
    hour : int
        At which each second one comes; the others come at 10 (vessels all at this hour).
    power_kwh : float
        Of a day; 0: no meter.
    paper : str
        Kind of the licence that it holds; empty: none. Vessels: ``leave``.
    """

    name: str
    zh: str
    en: str
    alert_kind: str
    guilty: bool
    copies: int
    sort: str
    crew: int
    trips: int
    minutes: int
    hour: int
    power_kwh: float = 0.0
    paper: str = ""


_STORE = OtherKind(
    name="unlicensed_store",
    zh="无证储存危险货物",
    en="dangerous goods stored without a licence",
    alert_kind=STORAGE,
    guilty=True,
    copies=3,
    sort="hazmat",
    crew=4,
    trips=3,
    minutes=45,
    hour=23,
    power_kwh=60.0,
)
_SPLIT = OtherKind(
    name="unlicensed_branch",
    zh="异地生产无证",
    en="branch in another county, no licence",
    alert_kind=SPLIT,
    guilty=True,
    copies=3,
    sort="other",
    crew=4,
    trips=3,
    minutes=40,
    hour=14,
    power_kwh=400.0,
)
_BAN = OtherKind(
    name="fished_water",
    zh="禁渔水域捕捞",
    en="fishing in ban waters",
    alert_kind=FISHING,
    guilty=True,
    copies=2,
    sort="vessel",
    crew=2,
    trips=4,
    minutes=210,
    hour=22,
)
OTHER_KINDS = (
    _STORE,
    replace(
        _STORE,
        name="licensed_store",
        zh="持证储存",
        en="store with a licence",
        guilty=False,
        paper="hazardous_storage",
    ),
    replace(
        _STORE,
        name="dry_goods_store",
        zh="普通货物仓储",
        en="store of ordinary goods",
        guilty=False,
        copies=2,
        sort="other",
    ),
    replace(
        _STORE,
        name="store_of_one_errand",
        zh="只来过一次",
        en="one vehicle, once",
        guilty=False,
        copies=2,
        crew=1,
        trips=1,
    ),
    _SPLIT,
    replace(
        _SPLIT,
        name="licensed_branch",
        zh="异地分厂持证",
        en="branch in another county with a licence",
        guilty=False,
        paper="production",
    ),
    replace(
        _SPLIT,
        name="drawing_office",
        zh="异地设计室",
        en="drawing office in another county",
        guilty=False,
        copies=2,
        sort="",
        crew=0,
        power_kwh=6.0,
    ),
    _BAN,
    replace(
        _BAN,
        name="surveyed_water",
        zh="经批准的调查船",
        en="survey vessel with leave",
        guilty=False,
        paper="leave",
    ),
    replace(
        _BAN,
        name="passed_water",
        zh="船舶穿越",
        en="a vessel that passes",
        guilty=False,
        crew=1,
        trips=1,
        minutes=12,
        hour=11,
    ),
)
"""Kinds of places; the planted ones of each model first."""


@dataclass
class Others:
    """Frames in columns of the import, and the truth, of the places of other models."""

    frames: dict[str, pl.DataFrame]
    truth: list[dict[str, object]] = field(default_factory=list)


@dataclass(frozen=True)
class Ground:
    """Ground of the places.

    Attributes
    ----------
    land : Land
    county_of : callable
        County of a place in metres; None outside of any.
    water : BaseGeometry or None
        In metres.
    """

    land: Land
    county_of: Callable[[Floats], str | None]
    water: BaseGeometry | None


def plant_others(
    ground: Ground,
    registered: tuple[pl.DataFrame, pl.DataFrame],
    *,
    end_day: dt.date,
    zone: ZoneInfo,
    seed: int,
    city_name: str,
    plate_letters: str,
    guilty: bool = True,
) -> Others:
    """Plant the places of the other models, and give the rest of the city its licences.

    Parameters
    ----------
    ground : Ground
    registered : (sites, enterprises)
        Of the rest of the city, in columns of the import.
    end_day : date
        Last day of the data, in the city.
    zone : ZoneInfo
    seed : int
    city_name, plate_letters : str
        With which names of enterprises and plates begin.
    guilty : bool
        False: decoys only.
    """
    planter = _Planter(ground, end_day, zone, np.random.default_rng([seed, 307]), city_name, plate_letters)
    for kind in OTHER_KINDS:
        for _ in range(kind.copies if guilty or not kind.guilty else 0):
            if kind.alert_kind == FISHING:
                planter.water(kind)
            else:
                planter.site(kind)
    planter.license_rest(*registered)
    return planter.others()


class _Planter:
    """Collects the rows of all tables."""

    def __init__(
        self,
        ground: Ground,
        end_day: dt.date,
        zone: ZoneInfo,
        rng: np.random.Generator,
        name: str,
        letters: str,
    ) -> None:
        self.ground, self.end_day, self.rng, self.name, self.letters = ground, end_day, rng, name, letters
        self.end = dt.datetime.combine(end_day + dt.timedelta(days=1), dt.time(), zone)
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.truth: list[dict[str, object]] = []
        self.fleets: dict[str, list[str]] = {}
        self.waters: list[Floats] = []

    def add(self, table: str, **row: Any) -> None:
        self.rows.setdefault(table, []).append(row)

    def site(self, kind: OtherKind) -> None:
        """Write a site with its enterprise, meter, licence and visitors; nothing where no county is apart."""
        place = self.ground.land.free(600.0)
        apart = self._apart(place) if kind.alert_kind == SPLIT else ()
        if apart is None:
            return
        number = len(self.truth) + 1
        site, code = f"Q{number:04d}", self.ground.land.code(self.rng)
        word = "仓储" if kind.alert_kind == STORAGE else "制造"
        self.add(
            "enterprises", uscc=code, name=f"{self.name}启{number:02d}{word}有限公司（演示）", industry="批发业",
            hazard="none", status="operating", status_since=self.end_day - dt.timedelta(days=2_000),
        )  # fmt: skip
        self._site(site, code, "storage" if kind.alert_kind == STORAGE else "production", place)
        for n, other in enumerate(apart):
            self._site(f"{site}-{n + 1}", code, ("registered", "sales")[n % 2], other)
        for day in range(METER_DAYS if kind.power_kwh else 0):
            use = round(float(kind.power_kwh * self.rng.uniform(0.8, 1.2)), 1)
            self.add(
                "meters", site_id=site, kind="power", day=self.end_day - dt.timedelta(days=day), value=use,
                quality="measured",
            )  # fmt: skip
        if kind.paper:
            self._licence(kind.paper, site=site)
        self._come(kind, place)
        self._tell(kind, site, code)

    def water(self, kind: OtherKind) -> None:
        """Write a fence in the water with vessels in it; nothing where there is no water."""
        place = self._in_water()
        if place is None:
            return
        fence, (length, width) = f"Q-F{len(self.truth) + 1:03d}", WATER_M
        shape = box(place[0] - length / 2, place[1] - width / 2, place[0] + length / 2, place[1] + width / 2)
        came = self._come(kind, place)
        self.add(
            "fences", fence_id=fence, name=f"{self.name}第{len(self.waters)}禁渔区（示意）", rule="dwell_limit",
            boundary=self._wkt(shape), medium="water", limit_s=300, below_speed_kmh=8.0, vehicle_kinds="vessel",
            exempt_vehicle_ids=";".join(came) if kind.paper else None, legal_basis="《长江保护法》第五十三条",
        )  # fmt: skip
        self._tell(kind, fence, None)

    def license_rest(self, sites: pl.DataFrame, enterprises: pl.DataFrame) -> None:
        """Give every other store and every other maker its licence."""
        for site in sites.filter(pl.col("kind") == "storage")["site_id"].to_list():
            self._licence("hazardous_storage", site=site)
        makers = sites.filter(pl.col("kind") == "production")["uscc"].unique()
        for code in enterprises.filter(pl.col("uscc").is_in(makers.implode()))["uscc"].to_list():
            self._licence("production", uscc=code)

    def others(self) -> Others:
        """Return the tables."""
        return Others(
            {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in self.rows.items()},
            self.truth,
        )

    def _apart(self, place: Floats) -> tuple[Floats, Floats] | None:
        """Find two places in other counties; None: there are none."""
        own = self.ground.county_of(place)
        found: list[Floats] = []
        for _ in range(40):
            other = self.ground.land.free(120.0)
            if self.ground.county_of(other) not in (own, None):
                found.append(other)
            if len(found) == 2:
                return found[0], found[1]
        return None

    def _in_water(self) -> Floats | None:
        if self.ground.water is None:
            return None
        inner = shapely.buffer(self.ground.water, -0.65 * WATER_M[1])
        if inner.is_empty:
            return None
        west, south, east, north = inner.bounds
        for _ in range(_TRIES):
            place = self.rng.uniform((west, south), (east, north))
            apart = all(np.hypot(*(place - other)) > 2.0 * WATER_M[0] for other in self.waters)
            if apart and shapely.contains_xy(inner, place[0], place[1]):
                self.waters.append(place)
                return np.asarray(place)
        return None

    def _site(self, site: str, code: str, kind: str, place: Floats) -> None:
        lon, lat = self._lonlat(place)
        self.add("sites", site_id=site, uscc=code, kind=kind, lon=lon, lat=lat, boundary=None)

    def _licence(self, kind: str, *, site: str | None = None, uscc: str | None = None) -> None:
        number = f"{kind[:4].upper()}-{len(self.rows.get('licences', ())) + 1:06d}"
        self.add(
            "licences", uscc=uscc, site_id=site, licence_kind=kind, number=number,
            valid_from=self.end_day - dt.timedelta(days=800), valid_to=self.end_day + dt.timedelta(days=900),
        )  # fmt: skip

    def _come(self, kind: OtherKind, place: Floats) -> list[str]:
        """Write the trips of the vehicles of a place; returns their ids."""
        came = [self._vehicle(kind, n) for n in range(kind.crew)]
        for n, vehicle in enumerate(came):
            hour = kind.hour if kind.sort == "vessel" or n % 2 else 10
            for trip in range(kind.trips):
                days = 2 + n + 5 * trip if kind.sort != "vessel" else 2 + n + 3 * trip
                begin = self.end - dt.timedelta(days=days) + dt.timedelta(hours=hour, minutes=7 * n)
                self._trip(vehicle, place, begin, kind)
        return came

    def _vehicle(self, kind: OtherKind, n: int) -> str:
        """Return a vehicle of a place's own: no two places share one."""
        fleet = self.fleets.setdefault(kind.sort, [])
        name = f"Q{kind.sort[0].upper()}{len(fleet) + 1:03d}"
        fleet.append(name)
        self.add(
            "vehicles", vehicle_id=name, plate=f"{self.letters}Q{len(fleet):04d}", plate_color="yellow",
            kind=kind.sort,
        )  # fmt: skip
        return name

    def _trip(self, vehicle: str, place: Floats, begin: dt.datetime, kind: OtherKind) -> None:
        """Write the fixes of a trip, one each two minutes: there, a stay, and back the same way."""
        turn = float(self.rng.uniform(0, 2 * np.pi))
        way = APPROACH_M * np.array([np.cos(turn), np.sin(turn)])
        rides = np.linspace(1.0, 0.0, 8)
        away = np.r_[rides, np.zeros(max(kind.minutes // 2, 1)), rides[::-1]]
        spots = place + away[:, None] * way + self.rng.normal(0.0, 4.0, (len(away), 2))
        lonlat = np.round(self.ground.land.to_lonlat(spots), 7)
        for step, (lon, lat) in enumerate(lonlat.tolist()):
            moment = (begin + dt.timedelta(minutes=2 * step - 16)).astimezone(dt.UTC)
            if moment < self.end:
                self.add("tracks", vehicle_id=vehicle, t=moment, lon=lon, lat=lat)

    def _tell(self, kind: OtherKind, subject: str, code: str | None) -> None:
        start = None if kind.crew == 0 else self.end_day - dt.timedelta(days=21)
        self.truth.append(
            {
                "site_id": subject,
                "uscc": code,
                "kind": kind.name,
                "alert_kind": kind.alert_kind,
                "label": kind.guilty,
                "start": None if start is None else start.isoformat(),
                "expected": "case" if kind.guilty else "nothing",
            }
        )

    def _lonlat(self, place: Floats) -> tuple[float, float]:
        lon, lat = np.round(self.ground.land.to_lonlat(np.array([place]))[0], 7).tolist()
        return lon, lat

    def _wkt(self, shape: BaseGeometry) -> str:
        return str(shapely.to_wkt(shapely.transform(shape, self.ground.land.to_lonlat), rounding_precision=7))


def county_finder(counties: Sequence[tuple[str, BaseGeometry]]) -> Callable[[Floats], str | None]:
    """Return a function that names the county of a place; counties and places in the same coordinates."""

    def county_of(place: Floats) -> str | None:
        return next(
            (code for code, shape in counties if shapely.contains_xy(shape, place[0], place[1])), None
        )

    return county_of
