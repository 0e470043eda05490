"""Planted kinds put into a city: registers, readings, vehicles and fixes beside those that it has."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from geo_api.demo_city.kinds.decoys import AT_REST, DECOYS
from geo_api.demo_city.kinds.fleet import Vehicle, make_vehicles, vehicle_table
from geo_api.demo_city.kinds.jobs import make_jobs
from geo_api.demo_city.kinds.journeys import Stop, make_fixes
from geo_api.demo_city.kinds.land import Land, Site, place_sites
from geo_api.demo_city.kinds.planted import PLANTED
from geo_api.demo_city.kinds.readings import Supplied, as_imported, readings_of
from geo_api.demo_city.kinds.registers import Registers, make_registers
from geo_api.demo_city.kinds.stories import Kind, Meter
from geo_api.demo_city.kinds.use import Use, days_on, draw_days, normal_use, use_of
from geo_api.demo_city.kinds.weather import Climate, Days, Flags, make_days

KINDS = {kind.name: kind for kind in (*PLANTED, *DECOYS)}
"""Every kind by its name."""
SELECTIONS = ("extended", "decoys", "quiet", "monthly")
"""``extended``: all kinds; ``decoys``: nothing planted; ``quiet``: sites at rest only; ``monthly``: all kinds, every
meter read once a month."""
COPIES = {"planted": 2, "decoys": 4}
"""Sites of each planted kind and of each decoy."""
AT_REST_COPIES = {"quiet": 28, "quiet_no_hazard": 8, "quiet_undated": 6, "quiet_bills": 10, "no_data": 8,
                  "quiet_recent": 6}  # fmt: skip
SUPPLIERS = 3
SHARE_HOURLY = 0.06
"""Share of the sites with daily meters that have hourly ones instead."""


@dataclass
class Planted:
    """Planted sites of a city with all their frames, in columns of the import.

    Attributes
    ----------
    frames : dict
        ``enterprises, sites, vehicles, tracks, meters, places, notices``.
    truth : list of dict
        One entry a planted site, see :func:`truth_rows`.
    """

    frames: dict[str, pl.DataFrame]
    truth: list[dict[str, object]]
    sites: list[Site] = field(default_factory=list)
    days: Days | None = None

    def write_truth(self, path: Path) -> None:
        """Write the truth; evaluation reads it, models never."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def chosen_kinds(selection: str, copies: int = 1) -> list[Kind]:
    """Kinds of a selection, one entry for each site.

    Parameters
    ----------
    selection : str
        One of ``SELECTIONS``, or names of kinds divided by commas.
    copies : int
        How many times as many sites of each kind.

    Raises
    ------
    ValueError
        For a name that no kind has.

    Examples
    --------
    >>> [kind.name for kind in chosen_kinds("water_only,quiet")]
    ['water_only', 'water_only', 'quiet', 'quiet']
    >>> {kind.guilty for kind in chosen_kinds("decoys")}
    {False}
    >>> chosen_kinds("")
    Traceback (most recent call last):
    ValueError: kinds '': extended, decoys, quiet, monthly, or names of kinds divided by commas
    """
    if selection not in SELECTIONS:
        names = selection.split(",")
        if unknown := [name for name in names if name not in KINDS]:
            raise ValueError(
                f"kinds {unknown[0]!r}: {', '.join(SELECTIONS)}, or names of kinds divided by commas"
            )
        return [KINDS[name] for name in names for _ in range(2 * copies)]
    chosen: list[Kind] = []
    if selection in ("extended", "monthly"):
        chosen += [kind for kind in PLANTED for _ in range(COPIES["planted"] * copies)]
    for kind in DECOYS:
        number = AT_REST_COPIES.get(kind.name, COPIES["decoys"]) * copies
        if selection == "quiet":
            number = 4 * number if kind.name in AT_REST else 0
        chosen += [kind] * number
    return chosen


def plant(
    land: Land,
    selection: str,
    *,
    end_day: dt.date,
    zone: ZoneInfo,
    climate: Climate,
    seed: int,
    city_name: str,
    plate_letters: str,
    meter_days: int = 540,
    track_days: int = 60,
    copies: int = 1,
) -> Planted:
    """Put the kinds of a selection on a land.

    Parameters
    ----------
    land : Land
    selection : str
        See :func:`chosen_kinds`.
    end_day : date
    zone : ZoneInfo
    climate : Climate
    seed : int
    city_name, plate_letters : str
        With which names of enterprises and plates begin.
    meter_days, track_days : int
    copies : int
    """
    kinds = chosen_kinds(selection, copies)
    streams = [np.random.default_rng([seed, 101, number]) for number in range(5)]
    days = make_days(end_day, meter_days, track_days, zone, climate, streams[0])
    sites = place_sites(kinds, land, days, seed, streams[1])
    depots = np.array([land.free(500.0) for _ in range(8)])
    registers = make_registers(sites, depots, land, days, city_name, seed)
    vehicles = make_vehicles(land, depots, sites, streams[2])
    outage_s = round(days.midnight_s(days.last - draw_days(streams[3], (8, 20))) + 13 * 3600)
    jobs = make_jobs(sites, vehicles, land, days, outage_s, seed)
    fixes, stops = make_fixes(vehicles, jobs, land, days, outage_s, seed)
    frames = {
        "enterprises": registers.enterprises,
        "sites": registers.sites,
        "places": registers.places,
        "notices": registers.notices,
        "vehicles": vehicle_table(vehicles, plate_letters, streams[4]),
        "tracks": fixes,
        "meters": as_imported(_readings(sites, days, seed, monthly=selection == "monthly")),
    }
    truth = truth_rows(sites, registers, vehicles, stops, days)
    return Planted(frames, truth, sites, days)


def _readings(sites: list[Site], days: Days, seed: int, *, monthly: bool) -> pl.DataFrame:
    """Make the readings of all planted sites and of open neighbours, as intervals."""
    rng = np.random.default_rng([seed, 37])
    gaps = [_gap(days, rng) for _ in range(SUPPLIERS)]
    frames = []
    for site in sites:
        own = np.random.default_rng([seed, site.number, 41])
        normal = round(float(own.lognormal(8.4, 0.7)), 1)
        of = {"power": 1.0, "water": float(own.lognormal(-3.6, 0.5)), "gas": 0.15}
        supplier = int(own.integers(SUPPLIERS))
        hourly = own.uniform() < SHARE_HOURLY
        for kind, share in of.items():
            meter: Meter | None = getattr(site.kind, kind)
            if meter is None:
                continue
            use = use_of(meter, site.closed, site.start, days, own)
            supply = "monthly" if monthly else site.kind.supply
            if supply == "daily" and hourly:
                supply = "hourly"
            read = Supplied(
                site.site_id, kind, normal * share, use, meter, supply, site.closed, site.start, supplier
            )
            frames.append(readings_of(read, days, gaps, own))
        if site.beside_id and site.kind.name != "shared_meter":
            frames += _of_neighbour(site, normal, days, gaps, own)
    return pl.concat(frames)


def _gap(days: Days, rng: np.random.Generator) -> Flags:
    """Days that a supplier lost: three of two to five days."""
    lost = np.zeros(len(days.dates), dtype=bool)
    for first in rng.integers(0, len(lost) - 6, 3).tolist():
        lost[first : first + int(rng.integers(2, 6))] = True
    return lost


def _of_neighbour(
    site: Site, normal: float, days: Days, gaps: list[Flags], rng: np.random.Generator
) -> list[pl.DataFrame]:
    """Make the readings of an open neighbour: at work all the time, a dealer with little use."""
    assert site.kind.beside is not None
    size = 1.0 if site.kind.beside.hazard == "chemical" else 0.04
    zero = np.zeros(len(days.dates))
    frames = []
    for kind, share in (("power", size), ("water", size * 0.03)):
        use = Use(normal_use(days, rng), zero, zero)
        read = Supplied(site.beside_id, kind, normal * share, use, Meter(), "daily", 0, days.last, 0)
        frames.append(readings_of(read, days, gaps, rng))
    return frames


def truth_rows(
    sites: list[Site], registers: Registers, vehicles: list[Vehicle], stops: list[Stop], days: Days
) -> list[dict[str, object]]:
    """One entry a planted site, by id.

    Returns
    -------
    list of dict
        ``site_id, uscc, kind, label, start`` (first local day of what is unusual; null at rest), ``closed, families,
        blind, expected, vehicles`` (distinct ones that came for the story), ``visits, beside_site_id``.
    """
    came: dict[int, list[Stop]] = defaultdict(list)
    for stop in stops:
        came[stop.site].append(stop)
    rows = []
    for site in sites:
        kind, own = site.kind, came[site.number]
        rows.append(
            {
                "site_id": site.site_id,
                "uscc": registers.codes[site.number],
                "kind": kind.name,
                "label": kind.guilty,
                "start": None if kind.name in AT_REST else days.date(first_day(site, days)).isoformat(),
                "closed": days.date(site.closed).isoformat(),
                "families": list(kind.families),
                "blind": list(kind.blind),
                "expected": kind.expected,
                "vehicles": len({vehicles[stop.vehicle].vehicle_id for stop in own}),
                "visits": len(own),
                "beside_site_id": site.beside_id or None,
            }
        )
    return sorted(rows, key=lambda row: str(row["site_id"]))


def first_day(site: Site, days: Days) -> int:
    """Position of the first day on which the story shows itself in some meter or by some visit."""
    meters = (site.kind.power, site.kind.water, site.kind.gas)
    works = [works for meter in meters if meter for works in meter.works if works.starts == "start"]
    firsts = [int(np.argmax(days_on(one.days, site.start, days))) for one in works]
    return min(firsts, default=site.start)
