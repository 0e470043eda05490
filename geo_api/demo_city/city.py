"""Puts the demo city together and writes its files."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from geo_api.demo_city.areas import CityAreas, make_areas
from geo_api.demo_city.boundaries import PLACE_NAME, PLATE_LETTERS
from geo_api.demo_city.duties import (
    make_bodies,
    make_duties,
    make_grid_households,
    make_grid_workers,
    make_matters,
    make_officers,
)
from geo_api.demo_city.enterprises import Register, make_notices, make_places, make_register, make_vehicles
from geo_api.demo_city.fixes import make_fixes
from geo_api.demo_city.ground import road_lines, waterway_lines, write_lines
from geo_api.demo_city.itineraries import make_legs
from geo_api.demo_city.kinds import MILD, Planted, chosen_kinds, plant
from geo_api.demo_city.kinds.demo_land import DemoLand
from geo_api.demo_city.kinds.other_models import Ground, Others, county_finder, plant_others
from geo_api.demo_city.meters import make_meters
from geo_api.demo_city.parks import Lots, make_lots
from geo_api.demo_city.planting import CLOSED_ROLES, RESUMPTION, Plan, make_plan
from geo_api.demo_city.roads import RoadNetwork, make_roads
from geo_api.demo_city.routes import Router
from geo_api.demo_city.sizes import END_DAY, SIZES, ZONE, CitySize
from geo_api.demo_city.tessellation import to_metric_geometry

Progress = Callable[[str, int, int], None]
FILES = {
    "areas": "areas.parquet",
    "enterprises": "enterprises.csv",
    "sites": "sites.csv",
    "vehicles": "vehicles.csv",
    "tracks": "tracks.parquet",
    "meters": "meters.parquet",
    "places": "places.csv",
    "notices": "notices.csv",
    "bodies": "bodies.csv",
    "duties": "duties.csv",
    "officers": "officers.csv",
    "matters": "matters.csv",
    "grid_workers": "grid_workers.csv",
    "grid_households": "grid_households.csv",
    "roads": "roads.fgb",
    "waterways": "waterways.fgb",
}
"""File of each import kind, in the order in which they are loaded."""
MORE_FILES = {"licences": "licences.csv", "fences": "fences.csv"}
"""Files of cities in which the other models have something to find."""
TRUTH_COLUMNS = ("site_id", "uscc", "kind", "label")
STEPS = ("areas", "lots", "roads", "enterprises", "meters", "tracks", "duties", "truth")


@dataclass(frozen=True)
class DemoCity:
    """A demo city as it was written.

    Attributes
    ----------
    folder : Path
    seed : int
    counts : dict
        Rows by kind; ``area_<kind>`` for areas, ``planted`` for resumptions, ``decoys`` for decoys.
    seconds : dict
        Time by step.
    """

    folder: Path
    seed: int
    counts: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def path(self, kind: str) -> Path:
        """File of an import kind, such as ``areas``."""
        return self.folder / (FILES | MORE_FILES)[kind]

    @property
    def truth(self) -> Path:
        """The planted truth; evaluation reads it, models never."""
        return self.folder / "truth" / "planted.json"


def make_city(
    out_dir: Path,
    *,
    seed: int = 1,
    grids: int = 12_000,
    size: str = "full",
    end_day: dt.date = END_DAY,
    kinds: str = "",
    copies: int = 1,
    progress: Progress | None = None,
) -> DemoCity:
    """Make a demo city and write its files in import format, WGS-84.

    Parameters
    ----------
    out_dir : Path
        Made when it is not there; files of the same names are replaced.
    seed : int
        Another seed is another city; the same seed gives the same files.
    grids : int
        Unit grids of the full city (a small one has its own number).
    size : {"full", "small", "evaluation"}
        ``small`` is one county with six towns, made in seconds, for tests; ``evaluation`` is as small, and plants
        nothing but ``kinds``.
    end_day : date
        The last day of the data, UTC+8.
    kinds : str
        Kinds that are planted besides, see :func:`geo_api.demo_city.kinds.chosen_kinds`; empty: none.
    copies : int
        How many times as many sites of each of them.
    progress : callable, optional
        Called with step name, steps done, steps in all.

    Returns
    -------
    DemoCity

    Raises
    ------
    InputError
        When a package of the extra ``demo`` is missing.
    ValueError
        For an unknown size, kinds that nobody knows, or too few grids.
    """
    if size not in SIZES:
        raise ValueError(f"size {size!r}: use {' or '.join(SIZES)}")
    chosen = replace(SIZES[size], end_day=end_day)
    if size == "full":
        chosen = replace(chosen, grids=grids)
    if chosen.grids < chosen.communities:
        raise ValueError(f"grids {grids}: at least one for each of the {chosen.communities} communities")
    if kinds:
        chosen_kinds(kinds)
    told = progress or (lambda step, done, total: None)
    return _Builder(Path(out_dir), seed, chosen, told, (kinds, copies)).run()


class _Builder:
    """Runs the steps; each has its own random stream, so that a change in one leaves the others alone."""

    def __init__(
        self, folder: Path, seed: int, size: CitySize, progress: Progress, kinds: tuple[str, int]
    ) -> None:
        self.size, self.progress, self.kinds = size, progress, kinds
        self.planted: Planted | None = None
        self.others: Others | None = None
        self.city = DemoCity(folder, seed)
        self.streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(12)]
        (folder / "truth").mkdir(parents=True, exist_ok=True)
        self.clock = time.perf_counter()

    def done(self, step: str) -> None:
        """Note the time of a step and tell the caller."""
        now = time.perf_counter()
        self.city.seconds[step] = round(now - self.clock, 2)
        self.clock = now
        self.progress(step, STEPS.index(step) + 1, len(STEPS))

    def write(self, kind: str, frame: pl.DataFrame) -> None:
        """Write one frame as the file of its kind, with the rows of planted kinds after its own."""
        if self.planted is not None and kind in self.planted.frames:
            frame = pl.concat([frame, self.planted.frames[kind]], how="diagonal_relaxed")
        if self.others is not None and kind in self.others.frames:
            frame = pl.concat([frame, self.others.frames[kind]], how="diagonal_relaxed")
        path = self.city.path(kind)
        if path.suffix == ".parquet":
            frame.write_parquet(path, compression="zstd")
        else:
            frame.write_csv(path)
        self.city.counts[kind] = frame.height

    def run(self) -> DemoCity:
        """All steps in order."""
        rng, size = self.streams, self.size
        areas = make_areas(size, rng[0])
        self._write_areas(areas)
        self.done("areas")
        lots = make_lots(areas, size, rng[1])
        plan = make_plan(lots, size, rng[2])
        self.done("lots")
        roads = make_roads(areas, lots, plan, rng[9])
        self._write_ground(areas, lots, roads)
        self.done("roads")
        register = make_register(areas, lots, plan, size, rng[3])
        router = Router(roads)
        self._plant(areas, lots, plan, router, register)
        for kind in MORE_FILES:
            self.city.path(kind).unlink(missing_ok=True)
            if self.others is not None and kind in self.others.frames:
                self.write(kind, self.others.frames[kind].clear())
        self.write("enterprises", register.enterprises)
        self.write("sites", register.sites)
        self.write("places", make_places(plan))
        self.write("notices", make_notices(plan, register.site_of_lot, rng[4]))
        self.done("enterprises")
        plants = np.flatnonzero(plan.role != "warehouse")
        ids = [register.site_of_lot[lot] for lot in plants]
        self.write("meters", make_meters(plan, plants, ids, size.meter_days, rng[5]))
        self.done("meters")
        vehicles = make_vehicles(size.trucks, rng[6])
        self.write("vehicles", vehicles)
        legs = make_legs(plan, lots, router, size, rng[7])
        self.write("tracks", make_fixes(legs, vehicles["vehicle_id"].to_list(), size, rng[7]))
        self.done("tracks")
        duties = make_duties(areas.counties, areas.towns, rng[8])
        self.write("duties", duties)
        bodies = make_bodies(duties)
        self.write("bodies", bodies)
        self.write("officers", make_officers(bodies, [town.code for town in areas.towns], rng[11]))
        self.write("matters", make_matters())
        self._write_staff(areas)
        self.done("duties")
        self._write_truth(plan, register)
        self.done("truth")
        return self.city

    def _plant(self, areas: CityAreas, lots: Lots, plan: Plan, router: Router, register: Register) -> None:
        """Plant the kinds that were asked for, from random streams of their own."""
        selection, copies = self.kinds
        others = self.size.other_models or selection in ("extended", "decoys")
        if not selection and not others:
            return
        rng = np.random.default_rng([self.city.seed, 211])
        land = DemoLand(areas, lots, plan, router, register.enterprises["uscc"], rng)
        if selection:
            self._plant_kinds(land, selection, copies)
        if others:
            self._plant_others(areas, land, register, guilty=selection != "decoys")
        if self.planted is not None:
            self.planted.truth += [] if self.others is None else self.others.truth
            self.planted.write_truth(self.city.folder / "truth" / "kinds.json")
        elif self.others is not None:
            path = self.city.folder / "truth" / "other_models.json"
            path.write_text(json.dumps(self.others.truth, ensure_ascii=False, indent=1), encoding="utf-8")

    def _plant_others(self, areas: CityAreas, land: DemoLand, register: Register, *, guilty: bool) -> None:
        """Plant the places of the other models."""
        counties = [(county.code, to_metric_geometry(county.polygon)) for county in areas.counties]
        more = {} if self.planted is None else self.planted.frames
        rest = [
            pl.concat([frame, *([more[name]] if name in more else [])], how="diagonal_relaxed")
            for name, frame in (("sites", register.sites), ("enterprises", register.enterprises))
        ]
        self.others = plant_others(
            Ground(land, county_finder(counties), areas.water_m),
            (rest[0], rest[1]),
            end_day=self.size.end_day,
            zone=ZONE,
            seed=self.city.seed,
            city_name=PLACE_NAME,
            plate_letters=PLATE_LETTERS,
            guilty=guilty,
        )

    def _plant_kinds(self, land: DemoLand, selection: str, copies: int) -> None:
        """Plant kinds of illegal resumption."""
        self.planted = plant(
            land,
            selection,
            end_day=self.size.end_day,
            zone=ZONE,
            climate=MILD,
            seed=self.city.seed,
            city_name=PLACE_NAME,
            plate_letters=PLATE_LETTERS,
            meter_days=self.size.meter_days,
            track_days=self.size.track_days,
            copies=copies,
        )

    def _write_areas(self, areas: CityAreas) -> None:
        areas.frame.to_parquet(self.city.path("areas"), index=False)
        self.city.counts["areas"] = len(areas.frame)
        for kind, count in areas.frame["kind"].value_counts().items():
            self.city.counts[f"area_{kind}"] = int(count)

    def _write_staff(self, areas: CityAreas) -> None:
        """Write the registers of grid workers and of households, from a random stream of their own."""
        rng = np.random.default_rng([self.city.seed, 223])
        named = pl.from_pandas(areas.frame[["code", "kind"]])
        self.write("grid_workers", make_grid_workers(named, rng))
        self.write("grid_households", make_grid_households(named, rng))

    def _write_ground(self, areas: CityAreas, lots: Lots, roads: RoadNetwork) -> None:
        for kind, lines in (
            ("roads", road_lines(roads, self.streams[10])),
            ("waterways", waterway_lines(areas, lots, self.streams[10])),
        ):
            write_lines(lines, self.city.path(kind))
            self.city.counts[kind] = len(lines)

    def _write_truth(self, plan: Plan, register: Register) -> None:
        planted = plan.lots(*CLOSED_ROLES)
        rows = [
            {
                "site_id": register.site_of_lot[lot],
                "uscc": register.uscc_of_lot[lot],
                "kind": str(plan.role[lot]),
                "label": bool(plan.role[lot] == RESUMPTION),
            }
            for lot in planted
        ]
        if self.planted is not None:
            rows += [
                {name: row[name] for name in TRUTH_COLUMNS}
                for row in self.planted.truth
                if "alert_kind" not in row
            ]
        rows.sort(key=lambda row: str(row["site_id"]))
        self.city.truth.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
        self.city.counts["planted"] = sum(1 for row in rows if row["label"])
        self.city.counts["decoys"] = len(rows) - self.city.counts["planted"]
