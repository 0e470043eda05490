"""Enterprises, sites, places, notices and licences of the planted sites, in columns of the import."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
import shapely

from geo_api.demo_city.kinds.land import Land, Site, make_yard
from geo_api.demo_city.kinds.stories import Paper
from geo_api.demo_city.kinds.use import draw, draw_days
from geo_api.demo_city.kinds.weather import Days, Floats

_SYLLABLES = "澄沄珩瑾昱祺翊霖沅泓晟铄钧镕砚岚屿汐沐禾芮苓蔚莘荃葳棠槿楠桦枫椿柏松鹭雁鸢鹤麟骐骁驰腾翔逸朗皓曦昀晗煜炜烁煊"
_WORDS = ("化工", "精细化工", "新材料", "颜料", "助剂", "涂料", "树脂", "医药化学")
_CHEMICAL = "化学原料和化学制品制造业"
_PLACES = {"petrol": 45.0, "service_area": 90.0, "licensed_parking": 70.0, "gate_queue": 70.0}
"""Listed places and their reach in metres."""
SITES = {
    "site_id": pl.Utf8, "uscc": pl.Utf8, "kind": pl.Utf8, "lon": pl.Float64, "lat": pl.Float64, "boundary": pl.Utf8,
}  # fmt: skip
ENTERPRISES = {
    "uscc": pl.Utf8, "name": pl.Utf8, "industry": pl.Utf8, "hazard": pl.Utf8, "status": pl.Utf8,
    "status_since": pl.Date,
}  # fmt: skip
NOTICES = {"site_id": pl.Utf8, "kind": pl.Utf8, "valid_from": pl.Date, "valid_to": pl.Date}
PLACES = {"kind": pl.Utf8, "lon": pl.Float64, "lat": pl.Float64, "radius_m": pl.Float64}


@dataclass(frozen=True)
class Registers:
    """Frames in columns of the import, and the credit code of each planted site by its number."""

    enterprises: pl.DataFrame
    sites: pl.DataFrame
    places: pl.DataFrame
    notices: pl.DataFrame
    codes: list[str]


def make_registers(
    sites: list[Site], depots: Floats, land: Land, days: Days, city_name: str, seed: int
) -> Registers:
    """Make the registers of the planted sites and of what stands beside them.

    Parameters
    ----------
    sites : list of Site
    depots : ndarray, shape (k, 2)
        Licensed car parks in which the vehicles live.
    land : Land
    days : Days
    city_name : str
        With which names of enterprises begin.
    seed : int
    """
    rng = np.random.default_rng([seed, 23])
    enterprises: list[tuple[object, ...]] = []
    rows: list[tuple[object, ...]] = []
    codes = []
    taken: set[str] = set()
    for site in sites:
        own = np.random.default_rng([seed, site.number, 29])
        code = land.code(own)
        codes.append(code)
        enterprises.append(_closed(site, code, _name(city_name, taken, own), days, own))
        rows.append(
            (site.site_id, code, "production", site.place, site.yard if own.uniform() < 0.75 else None)
        )
        if site.beside_id:
            assert site.beside is not None and site.kind.beside is not None
            neighbour = land.code(own)
            hazard = site.kind.beside.hazard
            trade = _CHEMICAL if hazard == "chemical" else "批发业"
            since = days.date(days.before_end(draw_days(own, (900, 4000))))
            name = _name(city_name, taken, own, "石材" if hazard == "none" else "")
            enterprises.append((neighbour, name, trade, hazard, "operating", since))
            kind = "production" if hazard == "chemical" else "storage"
            rows.append(
                (site.beside_id, neighbour, kind, site.beside, make_yard(site.beside, own, length_m=(70, 95)))
            )
    order = rng.permutation(len(enterprises))
    table = pl.DataFrame(enterprises, schema=ENTERPRISES, orient="row")[order]
    return Registers(
        table,
        _site_table(rows, land),
        _place_table(sites, depots, land),
        _notice_table(sites, days, seed),
        codes,
    )


def _closed(site: Site, code: str, name: str, days: Days, rng: np.random.Generator) -> tuple[object, ...]:
    """Entry of a closed enterprise; the register is up to a week late, never so for a fresh closing."""
    late = 0 if days.last - site.closed < 45 else int(rng.integers(0, 8))
    since = days.date(site.closed + late) if site.kind.dated else None
    return code, name, _CHEMICAL, site.kind.hazard, "closed", since


def _name(city_name: str, taken: set[str], rng: np.random.Generator, word: str = "") -> str:
    while True:
        middle = "".join(_SYLLABLES[int(n)] for n in rng.integers(len(_SYLLABLES), size=3))
        name = f"{city_name}{middle}{word or _WORDS[int(rng.integers(len(_WORDS)))]}有限公司（演示）"
        if middle not in taken:
            taken.add(middle)
            return name


def _site_table(rows: list[tuple[object, ...]], land: Land) -> pl.DataFrame:
    lonlat = land.to_lonlat(np.array([row[3] for row in rows]))
    shapes = [
        None
        if row[4] is None
        else str(shapely.to_wkt(shapely.transform(row[4], land.to_lonlat), rounding_precision=7))
        for row in rows
    ]
    return pl.DataFrame(
        {
            "site_id": [row[0] for row in rows],
            "uscc": [row[1] for row in rows],
            "kind": [row[2] for row in rows],
            "lon": np.round(lonlat[:, 0], 7),
            "lat": np.round(lonlat[:, 1], 7),
            "boundary": shapes,
        },
        schema=SITES,
    ).sort("site_id")


def _place_table(sites: list[Site], depots: Floats, land: Land) -> pl.DataFrame:
    listed = [
        (site.kind.beside.what, site.beside, _PLACES[site.kind.beside.what])
        for site in sites
        if site.kind.beside and site.kind.beside.what in _PLACES
    ]
    listed += [("licensed_parking", depot, 110.0) for depot in depots]
    lonlat = land.to_lonlat(np.array([place for _, place, _ in listed]))
    rows = [(kind, *np.round(lonlat[n], 7).tolist(), radius) for n, (kind, _, radius) in enumerate(listed)]
    return pl.DataFrame(rows, schema=PLACES, orient="row").sort("lon")


def notices_of(site: Site, days: Days, rng: np.random.Generator) -> list[tuple[str, dt.date, dt.date | None]]:
    """Kind, first day and first day after of what was registered for a site."""
    return [_dated(paper, site, days, rng) for paper in site.kind.papers]


def _dated(
    paper: Paper, site: Site, days: Days, rng: np.random.Generator
) -> tuple[str, dt.date, dt.date | None]:
    since = site.closed if paper.since_closing else site.start
    first = days.date(since + draw_days(rng, paper.begins))
    last = None if paper.ends is None else days.date(site.start + draw_days(rng, paper.ends))
    return ("permit" if paper.kind == "licence" else paper.kind), first, last


def _notice_table(sites: list[Site], days: Days, seed: int) -> pl.DataFrame:
    """Make the registered reasons of the stories, and long expired ones at a sixth of the others."""
    rows: list[tuple[object, ...]] = []
    for site in sites:
        rng = np.random.default_rng([seed, site.number, 31])
        told = notices_of(site, days, rng)
        rows += [(site.site_id, *paper) for paper in told]
        if not told and days.last - site.closed > 110 and draw(rng, (0, 1)) < 0.16:
            last = days.date(days.before_end(draw_days(rng, (95, 105))))
            kind = str(rng.choice(["maintenance", "remediation", "permit"]))
            rows.append((site.site_id, kind, last - dt.timedelta(days=6), last))
    return pl.DataFrame(rows, schema=NOTICES, orient="row").sort("site_id", "valid_from", "kind")
