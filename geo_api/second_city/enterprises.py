"""Enterprises of the second city with their sites and meters.

Those of the stories, open ones, and closed ones at rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from shapely.affinity import rotate
from shapely.geometry import box

from geo_api.second_city.credit_codes import invented_code
from geo_api.second_city.land import gazetteer as names
from geo_api.second_city.land.borders import Borders
from geo_api.second_city.land.ground import XY, Ground
from geo_api.second_city.meters import Heating, Idle, Meter, Metered, Normal
from geo_api.second_city.stories import STORIES, Story

OPEN_ENTERPRISES = 86
QUIET_ENTERPRISES = 20
CITY_REGISTER = date(2016, 1, 1)


@dataclass(frozen=True)
class Trade:
    """A trade: its Chinese name, kind of hazard, use on a working day (kWh, m³, m³ of gas), length in m."""

    name: str
    hazard: str
    power: float
    water: float
    gas: float = 0.0
    length_m: float = 160.0
    takes_tankers: bool = False


TRADES = {
    "fine_chemicals": Trade("精细化工", "chemical", 5600, 190, 900, 220, True),
    "pesticide_intermediates": Trade("农药中间体制造", "chemical", 4900, 160, 0, 240, True),
    "coatings": Trade("涂料制造", "chemical", 2300, 62, 0, 170, True),
    "plating": Trade("电镀", "chemical", 3100, 120, 0, 130, True),
    "solvents_storage": Trade("溶剂仓储", "chemical", 420, 9, 0, 150, True),
    "bricks": Trade("砖瓦制造", "dust", 1900, 24, 1500, 260),
    "flour": Trade("面粉加工", "dust", 1400, 15, 0, 120),
    "gas_filling": Trade("液化气充装", "gas", 380, 8, 0, 120, True),
    "fireworks_store": Trade("烟花爆竹批发仓储", "explosive", 60, 2, 0, 90),
    "source_calibration": Trade("放射源检定", "radioactive", 140, 3, 0, 50),
    "waste_plastics": Trade("废旧塑料回收", "other", 900, 30, 0, 110),
    "machines": Trade("机械加工", "none", 1700, 14, 0, 120),
    "food": Trade("食品加工", "none", 1300, 70, 260, 110),
    "cold_store": Trade("冷链仓储", "none", 2600, 12, 0, 130),
    "stone_trade": Trade("石材销售", "none", 90, 3, 0, 120),
    "coach_yard": Trade("汽车客运", "none", 210, 11, 0, 120),
    "building_materials": Trade("建材销售", "none", 110, 4, 0, 90),
}
OPEN_TRADES = (
    *(
        "fine_chemicals",
        "coatings",
        "gas_filling",
        "bricks",
        "flour",
        "fireworks_store",
        "source_calibration",
    ),
    *(
        "waste_plastics",
        "machines",
        "food",
        "cold_store",
        "building_materials",
        "machines",
        "food",
        "plating",
    ),
)


@dataclass(frozen=True)
class Site:
    """A place of an enterprise; without a position when only its address is known."""

    site_id: str
    kind: str
    xy: XY | None
    address: str
    county: str
    town: str
    boundary: Any = None


@dataclass(frozen=True)
class Enterprise:
    """An enterprise as the register has it."""

    uscc: str
    name: str
    trade: Trade
    status: str
    status_since: date
    sites: tuple[Site, ...]
    story: str = ""
    district: str = ""


@dataclass
class Enterprises:
    """All enterprises, all meters, and what the stories have beside them."""

    all: list[Enterprise] = field(default_factory=list)
    metered: list[Metered] = field(default_factory=list)
    site_of_story: dict[str, Site] = field(default_factory=dict)
    companion_xy: dict[str, XY] = field(default_factory=dict)
    companion_site: dict[str, Site] = field(default_factory=dict)

    def sites(self) -> Iterator[tuple[Enterprise, Site]]:
        """Every site with its enterprise."""
        for enterprise in self.all:
            for site in enterprise.sites:
                yield enterprise, site


class Registrar:
    """Founds enterprises one by one.

    Parameters
    ----------
    borders, ground
        The areas, and the free places in them.
    rng
        The source of chance.
    """

    def __init__(self, borders: Borders, ground: Ground, rng: np.random.Generator) -> None:
        self.made = Enterprises()
        self._borders, self._ground, self._rng = borders, ground, rng
        self._county_names = {county.code: county.name for county in names.COUNTIES}
        self._town_names = {town.code: town.name for county in names.COUNTIES for town in county.towns}
        self._villages = [area for area in borders.areas if area.kind == "community"]
        self._firm_names = self._names()

    def found(self, trade: Trade, status: str, since: date, story: str = "") -> Enterprise:
        """Return an enterprise without sites, with a code and a name of its own."""
        kind = str(self._rng.choice(["91", "91", "91", "91", "92", "93", "N2"])) if not story else "91"
        county = str(self._rng.choice([c.code for c in names.COUNTIES] + [names.CITY_CODE]))
        name = f"砚川{next(self._firm_names)}{trade.name[:2]}有限公司"
        return Enterprise(invented_code(self._rng, county, kind), name, trade, status, since, (), story)

    def open_site(self, kind: str, xy: XY | None, trade: Trade, address_in: XY | None = None) -> Site:
        """Return a site at a position, or one of which only the address is known."""
        where = xy or address_in
        assert where is not None
        town = self._borders.town_of(where)
        county = town[:6]
        street = str(self._rng.choice(names.STREETS))
        number = int(self._rng.integers(1, 380))
        address = f"{self._county_names[county]}{self._town_names[town]}{street}{number}号"
        boundary = None
        if xy is not None and kind in ("production", "storage") and self._rng.random() < 0.7:
            boundary = self._yard(xy, trade.length_m * (1.0 if kind == "production" else 0.6))
        site_id = f"YC-S{sum(1 for _ in self.made.sites()) + self._pending + 1:04d}"
        self._pending += 1
        return Site(site_id, kind, xy, address, county, town, boundary)

    _pending = 0

    def enter(self, enterprise: Enterprise, *sites: Site) -> Enterprise:
        """Enter an enterprise with its sites into the register."""
        entered = replace(enterprise, sites=sites, district=sites[0].county)
        self.made.all.append(entered)
        self._pending = 0
        return entered

    def meter(self, site: Site, trade: Trade, meters: tuple[Meter, ...]) -> None:
        """Install meters at a site."""
        normal = {"power": trade.power, "water": trade.water, "gas": trade.gas}
        for meter in meters:
            size = normal[meter.kind] * float(self._rng.uniform(0.85, 1.2))
            account = f"17{len(self.made.metered) + 20061:08d}"
            self.made.metered.append(Metered(site.site_id, account, round(size, 1), meter))

    def _yard(self, xy: XY, length_m: float) -> Any:
        width = length_m * float(self._rng.uniform(0.55, 0.9))
        yard = box(xy[0] - length_m / 2, xy[1] - width / 2, xy[0] + length_m / 2, xy[1] + width / 2)
        return rotate(yard, float(self._rng.uniform(0, 90)))

    def _names(self) -> Iterator[str]:
        pairs = [first + second for first in names.FIRM_SYLLABLES for second in names.FIRM_SECOND]
        for place in self._rng.permutation(len(pairs)):
            yield pairs[int(place)]


def make_enterprises(borders: Borders, ground: Ground, rng: np.random.Generator) -> Enterprises:
    """Found all enterprises: first those of the stories, which need room, then the others between them."""
    registrar = Registrar(borders, ground, rng)
    for story in STORIES:
        _found_story(registrar, story, ground, borders)
    return _found_others(registrar, ground, rng)


def make_ordinary_enterprises(borders: Borders, ground: Ground, rng: np.random.Generator) -> Enterprises:
    """Found the open enterprises only: neither the stories nor those at rest, whose place planted kinds take."""
    return _found_others(Registrar(borders, ground, rng), ground, rng, quiet=0)


def _found_others(
    registrar: Registrar, ground: Ground, rng: np.random.Generator, *, quiet: int = QUIET_ENTERPRISES
) -> Enterprises:
    for place in range(OPEN_ENTERPRISES):
        _found_open(registrar, OPEN_TRADES[place % len(OPEN_TRADES)], ground, rng, place)
    for place in range(quiet):
        _found_quiet(registrar, ground, rng, place)
    return registrar.made


def _found_story(registrar: Registrar, story: Story, ground: Ground, borders: Borders) -> None:
    trade = TRADES[story.trade]
    made = registrar.made
    xy = ground.free(620 if story.in_park else 850, borders.park.buffer(-150) if story.in_park else None)
    firm = registrar.found(trade, story.status, story.since, story.key)
    site = registrar.open_site("production", xy, trade)
    sites = [site]
    registrar.meter(site, trade, story.meters)
    made.site_of_story[story.key] = site
    if any(visits.where == "road" for visits in story.visits):
        made.companion_xy[story.key] = ground.beside(xy, 120)
    companion = story.companion
    if companion:
        beside = ground.take(ground.beside(xy, companion.distance_m), 500)
        made.companion_xy[story.key] = beside
        if companion.kind == "own_storage":
            store = registrar.open_site("storage", beside, trade)
            sites.append(store)
            registrar.meter(store, trade, story.companion_meters)
            made.companion_site[story.key] = store
    if int(story.key[1:]) % 3 == 0:  # the office in town, of which only the address is known
        sites.append(registrar.open_site("registered", None, trade, ground.beside(xy, 3_000)))
    registrar.enter(firm, *sites)
    if companion and companion.kind == "open_site":
        neighbour_trade = TRADES[companion.trade]
        neighbour = registrar.found(neighbour_trade, "operating", CITY_REGISTER, f"{story.key}-neighbour")
        kind = "storage" if companion.trade == "stone_trade" else "production"
        beside_site = registrar.open_site(kind, beside, neighbour_trade)
        registrar.meter(beside_site, neighbour_trade, story.companion_meters)
        registrar.enter(neighbour, beside_site)
        made.companion_site[story.key] = beside_site


def _found_open(
    registrar: Registrar, trade_key: str, ground: Ground, rng: np.random.Generator, place: int
) -> None:
    """Return an open enterprise with one to three sites.

    Every ninth has an address only; fine chemicals are in the park.
    """
    trade = TRADES[trade_key]
    firm = registrar.found(trade, "operating", CITY_REGISTER + timedelta(days=int(rng.integers(0, 2_800))))
    xy = ground.free(330, ground.borders.park.buffer(-120) if trade_key == "fine_chemicals" else None)
    first_kind = (
        "sales" if trade.name.endswith("销售") else "storage" if "仓储" in trade.name else "production"
    )
    known = place % 9 != 4
    first = registrar.open_site(first_kind, xy if known else None, trade, xy)
    sites = [first]
    if rng.random() < 0.45:
        sites.append(
            registrar.open_site("registered", ground.free(120) if rng.random() < 0.6 else None, trade, xy)
        )
    if rng.random() < 0.25:
        sites.append(
            registrar.open_site("storage" if first_kind != "storage" else "sales", ground.free(300), trade)
        )
    registrar.enter(firm, *sites)
    if known:
        supply = "daily" if place % 6 == 0 else "bill"
        meters = [Meter("power", supply, (Normal(festival=float(rng.uniform(0.1, 0.6))),))]
        if place % 4 != 3:
            meters.append(Meter("water", supply, (Normal(festival=float(rng.uniform(0.1, 0.6))),)))
        if trade.gas:
            meters.append(Meter("gas", "bill", (Normal(),)))
        registrar.meter(first, trade, tuple(meters))


def _found_quiet(registrar: Registrar, ground: Ground, rng: np.random.Generator, place: int) -> None:
    """Return a closed enterprise at rest; some are dismantled, some have lost their address to time."""
    trade = TRADES[("coatings", "plating", "machines", "waste_plastics", "bricks")[place % 5]]
    since = date(2025, 3, 1) + timedelta(days=int(rng.integers(0, 240)))
    status = ("closed", "closed", "dismantled", "suspended")[place % 4]
    firm = registrar.found(trade, status, since)
    xy = ground.free(420)
    known = place % 7 != 6
    site = registrar.open_site("production", xy if known else None, trade, xy)
    registrar.enter(firm, site)
    if known and status != "dismantled":
        supply = "daily" if place % 3 == 0 else "bill"
        parts = (Normal(since), Idle(float(rng.uniform(0.01, 0.05))), Heating(float(rng.uniform(0.0, 0.05))))
        registrar.meter(site, trade, (Meter("power", supply, parts),))
