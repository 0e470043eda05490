"""Invented enterprises and their sites, vehicles, places and notices, as frames in import columns."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from geo_api.demo_city.areas import CityAreas
from geo_api.demo_city.boundaries import CITY_CODE, from_metric
from geo_api.demo_city.parks import Lots
from geo_api.demo_city.planting import Plan
from geo_api.demo_city.sizes import CitySize
from geo_api.demo_city.tessellation import Floats, Ints, to_lonlat_geometry
from layers.codes import make_uscc

_SYLLABLES = "澄沄珩瑾昱祺翊霖沅泓晟铄钧镕砚岚屿汐沐禾芮苓蔚莘荃葳棠槿楠桦枫椿柏松鹭雁鸢鹤麟骐骁驰腾翔逸朗皓曦昀晗煜炜烁煊"
_TRADES: tuple[tuple[str, str, str, float, bool], ...] = (
    # words in the name, industry, hazard, share, has a production site
    ("纺织", "纺织业", "none", 0.13, True),
    ("机械", "通用设备制造业", "none", 0.11, True),
    ("金属制品", "金属制品业", "dust", 0.06, True),
    ("食品", "食品制造业", "none", 0.05, True),
    ("木业", "木材加工业", "dust", 0.03, True),
    ("船舶配套", "船舶制造业", "none", 0.04, True),
    ("燃气", "燃气供应业", "gas", 0.01, True),
    ("电子", "电子设备制造业", "none", 0.07, True),
    ("烟花爆竹经营", "批发业", "explosive", 0.003, False),
    ("商贸", "批发业", "none", 0.16, False),
    ("百货", "零售业", "none", 0.12, False),
    ("物流", "道路运输业", "none", 0.05, False),
    ("建筑工程", "建筑业", "none", 0.07, False),
    ("餐饮", "餐饮业", "none", 0.05, False),
    ("农业科技", "农业", "none", 0.027, True),
    ("信息技术", "软件业", "none", 0.02, False),
)
_CHEMICAL_WORDS = ("化工", "精细化工", "新材料", "颜料", "助剂", "涂料", "树脂", "医药化学")
_CHEMICAL_INDUSTRY = "化学原料和化学制品制造业"
_FIRST_SERIAL = 30 * 31**7 + 30 * 31**6
"""Organisation codes from YY000000 on: no register gives these."""


@dataclass(frozen=True)
class Register:
    """Frames in import columns, and which site belongs to which lot.

    Attributes
    ----------
    site_of_lot : list of str
        Site id by lot.
    uscc_of_lot : list of str
    """

    enterprises: pl.DataFrame
    sites: pl.DataFrame
    site_of_lot: list[str]
    uscc_of_lot: list[str]


def lonlat(points_m: Floats) -> Floats:
    """Metres (EPSG:4549) to lon/lat rounded to 1e-7 degree, shape (n, 2)."""
    return np.asarray(
        np.round(np.column_stack(from_metric(points_m[:, 0], points_m[:, 1])), 7), dtype=np.float64
    )


def invented_code(area: str, rng: np.random.Generator) -> str:
    """Draw an invented credit code of an area: its organisation code begins with YY."""
    return make_uscc(area, _FIRST_SERIAL + int(rng.integers(31**6)))


def _names(count: int, words: NDArray[np.str_], rng: np.random.Generator) -> list[str]:
    """Different names: place, three invented syllables, trade; all end in 演示."""
    n = len(_SYLLABLES)
    codes = rng.choice(n**3, size=count, replace=False)
    places = rng.choice(["南通", "南通市", "江苏", ""], size=count, p=[0.55, 0.15, 0.2, 0.1])
    forms = rng.choice(["有限公司", "有限责任公司", "股份有限公司"], size=count, p=[0.86, 0.1, 0.04])
    return [
        f"{place}{_SYLLABLES[c % n]}{_SYLLABLES[c // n % n]}{_SYLLABLES[c // n // n]}{word}{form}（演示）"
        for place, c, word, form in zip(places, codes, words, forms, strict=True)
    ]


def _random_places(areas: CityAreas, count: int, rng: np.random.Generator) -> Floats:
    """Points in random unit grids on land, the small ones of the built-up parts first, shape (n, 2), lon/lat."""
    weight = shapely.area(areas.cells.polygons) ** -0.4
    if areas.water_m is not None:
        x, y = areas.cells.points_m.T
        shapely.prepare(areas.water_m)
        weight = np.where(shapely.contains_xy(areas.water_m, x, y), 0.0, weight)
    cell = rng.choice(len(weight), size=count, p=weight / weight.sum())
    base = shapely.point_on_surface(areas.cells.polygons)[cell]
    base_xy = np.column_stack([shapely.get_x(base), shapely.get_y(base)])
    west, south, east, north = shapely.bounds(areas.cells.polygons)[cell].T
    step = 0.35 * np.column_stack([east - west, north - south]) * rng.uniform(-1, 1, size=(count, 2))
    moved = base_xy + step
    inside = shapely.contains_xy(areas.cells.polygons[cell], moved[:, 0], moved[:, 1])
    return np.asarray(np.round(np.where(inside[:, None], moved, base_xy), 7), dtype=np.float64)


def make_register(
    areas: CityAreas, lots: Lots, plan: Plan, size: CitySize, rng: np.random.Generator
) -> Register:
    """Enterprises and sites in random order; ids follow that order and say nothing about what was planted."""
    plants = np.flatnonzero(plan.role != "warehouse")
    stores = np.flatnonzero(plan.role == "warehouse")
    n_chemical, n = len(plants), size.enterprises
    trade = rng.choice(len(_TRADES), size=n - n_chemical, p=_normal([t[3] for t in _TRADES]))
    words = np.concatenate(
        [rng.choice(_CHEMICAL_WORDS, n_chemical), np.array([_TRADES[t][0] for t in trade])]
    )
    role = np.concatenate([plan.role[plants], np.full(n - n_chemical, "open")])
    status, ago = _status(role, plan.closed_day[plants], n, n_chemical, rng)
    since = [plan.day_before_end(days) for days in ago]
    serials = _FIRST_SERIAL + rng.choice(31**6, size=n, replace=False)
    registered_in = _registration_codes(areas, n, rng)
    uscc = [make_uscc(area, int(serial)) for area, serial in zip(registered_in, serials, strict=True)]
    frame = pl.DataFrame(
        {
            "uscc": uscc,
            "name": _names(n, words, rng),
            "industry": [_CHEMICAL_INDUSTRY] * n_chemical + [_TRADES[t][1] for t in trade],
            "hazard": ["chemical"] * n_chemical + [_TRADES[t][2] for t in trade],
            "status": status,
            "status_since": since,
        },
        schema_overrides={"status_since": pl.Date},
    )
    owners = rng.choice(np.flatnonzero(plan.role[plants] == "open"), size=len(stores), replace=False)
    lot_owner = np.full(len(plan.role), -1, dtype=np.int64)
    lot_owner[plants], lot_owner[stores] = np.arange(n_chemical), owners
    produces = np.concatenate([np.zeros(n_chemical, dtype=bool), np.array([_TRADES[t][4] for t in trade])])
    sites, site_of_lot = _sites(areas, lots, plan, lot_owner, produces, uscc, rng)
    order = rng.permutation(n)
    return Register(frame[order], sites, site_of_lot, [uscc[i] for i in lot_owner])


def _normal(weights: list[float]) -> Floats:
    return np.array(weights) / sum(weights)


def _registration_codes(areas: CityAreas, count: int, rng: np.random.Generator) -> list[str]:
    """Division of registration.

    Mostly the counties of today, some the city or an old code kept after a merger.
    """
    codes = [c.code for c in areas.counties] + [CITY_CODE, "320684", "320602", "320621"]
    weights = _normal([1.0] * len(areas.counties) + [0.5, 0.2, 0.2, 0.1])
    return [codes[i] for i in rng.choice(len(codes), size=count, p=weights)]


def _status(
    role: NDArray[np.str_], closed_day: Ints, n: int, n_chemical: int, rng: np.random.Generator
) -> tuple[list[str], Ints]:
    """Status, and how many days ago it began; a closed plant's date lies up to 8 days after its use fell."""
    names = {"open": "operating", "suspended": "suspended"}
    status = [names.get(str(r), "closed") for r in role]
    ago = rng.integers(300, 6000, n)
    for i in range(n_chemical):
        if closed_day[i] >= 0:
            ago[i] = closed_day[i] - rng.integers(0, 9)
    other = rng.choice(
        ["operating", "suspended", "closed", "dismantled"], size=n, p=[0.93, 0.02, 0.045, 0.005]
    )
    status[n_chemical:] = [str(s) for s in other[n_chemical:]]
    ago[:n_chemical] = np.where(
        role[:n_chemical] == "suspended", rng.integers(20, 110, n_chemical), ago[:n_chemical]
    )
    return status, ago


def _sites(
    areas: CityAreas,
    lots: Lots,
    plan: Plan,
    lot_owner: Ints,
    produces: NDArray[np.bool_],
    uscc: list[str],
    rng: np.random.Generator,
) -> tuple[pl.DataFrame, list[str]]:
    """Sites: every enterprise is registered somewhere; plants and warehouses have a lot with a boundary."""
    n, n_lots = len(uscc), len(lot_owner)
    centre = lonlat(lots.inside(np.arange(n_lots), rng, margin=0.42))
    makers = np.flatnonzero(produces)
    sellers = np.flatnonzero(rng.uniform(size=n) < 0.22)
    registered = _random_places(areas, n, rng)
    on_lot = np.flatnonzero((plan.role != "warehouse") & (rng.uniform(size=n_lots) < 0.55))
    registered[lot_owner[on_lot]] = centre[on_lot]
    made_at = np.where(
        rng.uniform(size=(len(makers), 1)) < 0.6, registered[makers], _random_places(areas, len(makers), rng)
    )
    kinds = np.where(plan.role == "warehouse", "storage", "production")
    owner = np.concatenate([lot_owner, np.arange(n), makers, sellers])
    kind = np.concatenate(
        [kinds, np.full(n, "registered"), np.full(len(makers), "production"), np.full(len(sellers), "sales")]
    )
    place = np.concatenate([centre, registered, made_at, _random_places(areas, len(sellers), rng)])
    ids = [f"S{number:06d}" for number in rng.permutation(len(owner)) + 1]
    frame = pl.DataFrame(
        {
            "site_id": ids,
            "uscc": [uscc[i] for i in owner],
            "kind": kind,
            "lon": place[:, 0],
            "lat": place[:, 1],
            "boundary": _boundaries(lots) + [None] * (len(owner) - n_lots),
        },
        schema_overrides={"boundary": pl.Utf8},
    )
    return frame.sort("site_id"), ids[:n_lots]


def _boundaries(lots: Lots) -> list[str | None]:
    """WKT of the lots in lon/lat, 7 decimals."""
    rounded = shapely.set_precision(to_lonlat_geometry(lots.polygons), 1e-7)
    return [str(text) for text in shapely.to_wkt(rounded, rounding_precision=7)]


def make_vehicles(count: int, rng: np.random.Generator) -> pl.DataFrame:
    """Hazardous-goods trucks with plates of the city, some tractors and new-energy ones."""
    letters = np.array(list("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"))
    plates: list[str] = []
    while len(plates) < count:
        body = "".join(rng.choice(letters, 2)) + f"{rng.integers(1000):03d}"
        if f"苏F{body}" not in plates:
            plates.append(f"苏F{body}")
    return pl.DataFrame(
        {
            "vehicle_id": [f"V{i + 1:04d}" for i in range(count)],
            "plate": plates,
            "plate_color": rng.choice(["yellow", "blue"], size=count, p=[0.95, 0.05]),
            "kind": "hazmat",
        }
    )


def make_places(plan: Plan) -> pl.DataFrame:
    """Places in import columns."""
    where = lonlat(np.array([(x, y) for _, x, y, _ in plan.places]))
    return pl.DataFrame(
        {
            "kind": [kind for kind, _, _, _ in plan.places],
            "lon": where[:, 0],
            "lat": where[:, 1],
            "radius_m": [radius for _, _, _, radius in plan.places],
        }
    )


def make_notices(plan: Plan, site_of_lot: list[str], rng: np.random.Generator) -> pl.DataFrame:
    """Return the registered reasons: those of the decoys, and others that explain nothing here (open plants, expired ones)."""
    rows: list[tuple[str, str, dt.date, dt.date | None]] = []
    for lot in plan.lots("dismantling"):
        first = plan.day_before_end(plan.resumed[lot] + rng.integers(3, 15))
        rows.append(
            (site_of_lot[lot], "dismantling", first, plan.day_before_end(-int(rng.integers(30, 120))))
        )
    for lot in plan.lots("shared_meter"):
        rows.append((site_of_lot[lot], "shared_meter", plan.day_before_end(plan.closed_day[lot]), None))
    for lot in plan.lots("illegal_resumption", "plain_closed", "guards_only"):
        if rng.uniform() < 0.2:
            last = int(rng.integers(90, 140))
            kind = str(rng.choice(["maintenance", "remediation", "permit"]))
            rows.append((site_of_lot[lot], kind, plan.day_before_end(last + 25), plan.day_before_end(last)))
    working = plan.lots("open", "suspended")
    for lot in rng.choice(working, size=min(len(working), 20), replace=False):
        start = int(rng.integers(10, 300))
        kind = str(rng.choice(["maintenance", "outage", "permit", "sublet", "fire_pump"]))
        rows.append(
            (
                site_of_lot[lot],
                kind,
                plan.day_before_end(start),
                plan.day_before_end(start - int(rng.integers(3, 9))),
            )
        )
    schema = {"site_id": pl.Utf8, "kind": pl.Utf8, "valid_from": pl.Date, "valid_to": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("site_id", "valid_from")
