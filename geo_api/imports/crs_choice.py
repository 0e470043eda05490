"""Choice of the CRS of a file, between the one that it states and the one that the command names; its shift test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import shapely
from pyproj import CRS
from sqlalchemy.orm import Session

from geo_api.imports.source_parts import GEOMETRIES, Part
from grid.areas import read_areas
from layers.codes import (
    check_declared_crs,
    crs_label,
    is_geographic,
    normalise_crs_name,
    states_nothing,
    to_storage,
)
from layers.errors import UnknownCrs
from layers.imports import DRAWING, check_unit, checks, stated_crs
from layers.records import enterprises

CrsUse = Literal["check", "fallback", "override"]
"""A file that contradicts the named CRS is refused; is read as it states; is read as named."""


@dataclass(frozen=True)
class CrsChoice:
    """Name of the CRS that a file is read in, and a note for people where it is not simply the named one."""

    name: str
    note: str = ""


def check_crs_name(named: str | None) -> str:
    """Return the normal name of a CRS, or ``file``.

    Raises
    ------
    UnknownCrs
        No name, or none that is known.
    """
    named = checks.require_crs(named)
    return named if named == "file" else normalise_crs_name(named)


def choose_crs(path: Path, named: str | None, use: CrsUse = "check", layer: str | None = None) -> CrsChoice:
    """Return the CRS in which a file is read.

    Parameters
    ----------
    path : Path
        A geometry file may state its CRS; a table states none.
    named : str or None
        ``wgs84|cgcs2000|gcj02|bd09|EPSG:n``, or ``file``: the one that the file states.
    use : {"check", "fallback", "override"}
    layer : str, optional
        Of a file with several.

    Raises
    ------
    UnknownCrs
        None is named; the file contradicts it; ``file`` is named and it states none.
    InputError
        Not a readable geometry file.
    """
    name = check_crs_name(named)
    own = stated_crs(path, layer)
    if own is not None and states_nothing(own):
        own = None
    if own is None:
        if name == "file":
            raise UnknownCrs(
                f"{path.name}: states no CRS; name it with --crs 文件未声明坐标系，请用 --crs 指定"
            )
        if path.suffix.lower() == DRAWING and use != "override":
            check_unit(path, name)
        return CrsChoice(name)
    if name == "file":
        return CrsChoice(_name_of(own))
    try:
        check_declared_crs(own, name, path.name)
    except UnknownCrs as error:
        if use == "check":
            raise UnknownCrs(f"{error}{_HINT}") from error
        if use == "override":
            return CrsChoice(name, f"{error}: read as the command says 按命令读取")
        chosen = _name_of(own)
        return CrsChoice(chosen, f"{error}: read as the file says 按文件声明读取 {crs_label(chosen)}")
    return CrsChoice(name)


def choose_crs_of_parts(parts: Sequence[Part], named: str | None, use: CrsUse = "check") -> CrsChoice:
    """Return the one CRS in which all parts of a file are read.

    Raises
    ------
    UnknownCrs
        As of :func:`choose_crs`, or the parts state different ones.
    InputError
    """
    choices = [
        choose_crs(part.path, named, use, part.name if part.path.suffix.lower() in GEOMETRIES else None)
        for part in parts
    ]
    if len(names := {choice.name for choice in choices}) > 1:
        said = ", ".join(
            f"{part.label}: {crs_label(one.name)}" for part, one in zip(parts, choices, strict=True)
        )
        raise UnknownCrs(
            f"the parts state different systems, choose one 各部分坐标系不同，请选择其一: {said}"
        )
    notes = dict.fromkeys(choice.note for choice in choices if choice.note)
    return CrsChoice(names.pop() if names else checks.require_crs(named), "\n".join(notes))


_HINT = "\n  --crs file: as the file says 按文件声明; --ignore-file-crs: the file is wrong 文件声明有误"


def _name_of(own: CRS) -> str:
    code = own.to_epsg()
    return normalise_crs_name(f"EPSG:{code}" if code else own.to_wkt())


DATUMS = ("wgs84", "gcj02", "bd09")
"""Named datums of degrees that differ; CGCS2000 is within decimetres of WGS-84."""
LEAST_SITES = 5
"""Known sites that a comparison needs."""
CLEARLY = 4.0
"""How many times nearer another datum must bring the known sites, so that it is told."""
NOTABLE_M = 100.0
"""Median distance below which nothing is told."""
OUTSIDE = 0.1
"""Share of points outside of the city above which it is told."""
METRES_PER_DEGREE = 111_320.0


def datum_notes(db: Session, frame: pl.DataFrame, crs: str) -> list[str]:
    """Return warnings about the datum of a file of points, before it is written; none when it fits.

    Sites that are stored already are compared under each datum, by the median of their distances; and points are
    counted that lie outside of the city.

    Parameters
    ----------
    db : Session
    frame : polars.DataFrame
        ``lon`` and ``lat`` as they stand in the file, and ``site_id`` for sites.
    crs : str
        The named CRS.
    """
    points = frame.filter(pl.col("lon").is_finite() & pl.col("lat").is_finite())
    if points.is_empty():
        return []
    found = []
    if "site_id" in points.columns and (note := _of_known_sites(db, points, crs)):
        found.append(note)
    if note := _of_the_city(db, points, crs):
        found.append(note)
    return found


def _of_known_sites(db: Session, points: pl.DataFrame, crs: str) -> str | None:
    known = enterprises.places_of_sites(db)
    both = points.join(known, on="site_id", how="inner")
    if both.height < LEAST_SITES or not is_geographic(crs):
        return None
    off = {crs: _median_m(both, crs)} | {datum: _median_m(both, datum) for datum in DATUMS}
    best = min(off, key=lambda name: off[name])
    if off[crs] < NOTABLE_M or off[best] * CLEARLY > off[crs]:
        return None
    was, better = f"{off[crs]:,.0f} m", f"{off[best]:,.0f} m"
    return (
        f"{both.height:,} 个已登记场所按 {crs_label(crs)} 相差 {was}，按 {best} 相差 {better}，请核对坐标系"
        f" is the CRS right? known sites are {was} off in {crs_label(crs)} and {better} in {best}"
    )


def _median_m(both: pl.DataFrame, crs: str) -> float:
    lon, lat = to_storage(both["lon"].to_numpy(), both["lat"].to_numpy(), crs)
    there = both["known_lat"].to_numpy()
    east = (lon - both["known_lon"].to_numpy()) * np.cos(np.radians(there))
    return float(np.median(np.hypot(east, lat - there)) * METRES_PER_DEGREE)


def _of_the_city(db: Session, points: pl.DataFrame, crs: str) -> str | None:
    city = read_areas(db, kind="city")
    if city.empty:
        return None
    whole = shapely.union_all(city.geometry.to_numpy())
    shapely.prepare(whole)
    lon, lat = to_storage(points["lon"].to_numpy(), points["lat"].to_numpy(), crs)
    n = int((~shapely.contains_xy(whole, lon, lat)).sum())
    if n <= OUTSIDE * points.height:
        return None
    return (
        f"{n:,} / {points.height:,} 个点在市域之外，请核对坐标系"
        f" points lie outside of the city, is the CRS right? ({crs_label(crs)})"
    )
