"""The city of an installation: read from its file, suggested from what is stored, put in force."""

from __future__ import annotations

import dataclasses
import re
from types import MappingProxyType

from pyproj import CRS
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from geo_api.city_file.document import CityFault, read_city, write_city
from geo_api.http.settings import Settings
from grid.alerts import put_matters, stored_matters, suggested_matters
from layers.city import UNNAMED, City, put_in_force
from layers.codes import metric_epsg_at
from layers.postgres import SYSTEM, migrate, session
from layers.records import newest_case_number, stored_city

_HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclasses.dataclass(frozen=True)
class OpenedCity:
    """The city in force, and the file when it was written now for an installation that had none."""

    city: City
    written_to: str | None = None

    @property
    def told(self) -> str:
        """The message on a file that was written, in Chinese and English."""
        return (
            f"未找到城市文件，已按现有数据写入 {self.written_to}，请核对。"
            " There was no city file: it was written from what is stored; look it through."
        )


def put_file_in_force(settings: Settings) -> City:
    """Put the city of the file in force; without a file the city in force stays as it is.

    Raises
    ------
    WrongCityFile
    """
    path = settings.city_path()
    city = read_city(path) if path.exists() else UNNAMED
    if path.exists():
        put_in_force(city)
    return city


def migrate_installation(settings: Settings, url: str) -> None:
    """Bring the schema to the newest version, with the city of the file in force: old days are read in its time zone.

    Raises
    ------
    WrongCityFile
    """
    put_file_in_force(settings)
    migrate(url)


def open_city(settings: Settings, url: str) -> OpenedCity:
    """Put the city of an installation in force, and its matters into the database.

    An installation that holds areas but has no file gets one, from what its database and settings hold.

    Raises
    ------
    WrongCityFile
    """
    path = settings.city_path()
    with session(SYSTEM, url) as db:
        written = None
        if not path.exists():
            if stored_city(db) is None:
                return OpenedCity(UNNAMED)
            write_city(path, city_of_installation(db, settings))
            written = str(path)
        city = read_city(path)
        put_in_force(city)
        put_matters(db, city.matters)
    return OpenedCity(city, written)


def city_of_installation(db: Session, settings: Settings) -> City:
    """Return the city as the database and the settings of an installation know it.

    With the matters that cases are opened for now.
    """
    known = suggested_city(db, settings)
    return dataclasses.replace(known, matters=MappingProxyType(stored_matters(db)))


def suggested_city(
    db: Session, settings: Settings, *, lon: float | None = None, lat: float | None = None
) -> City:
    """Suggest a city: names, code and place of the stored city area, the prefix of its cases, matters by name.

    Parameters
    ----------
    lon, lat : float or None
        A place in the city in degrees, for its projected systems; None: inside of the stored city.
    """
    area = stored_city(db)
    name_zh, name_en = _names(settings.city, area.name if area else "")
    number = newest_case_number(db) or ""
    prefix = re.match(r"[A-Z][A-Z0-9]{0,7}(?=\d{8}-)", number) or re.match(r"[A-Z]{1,8}", number)
    if lon is None or lat is None:
        lon, lat = (area.lon, area.lat) if area else (None, None)
    epsg = None if lon is None or lat is None else metric_epsg_at(lon, lat)
    return City(
        name_zh=name_zh,
        name_en=name_en,
        code=area.code if area else "",
        case_prefix=prefix[0] if prefix else UNNAMED.case_prefix,
        metric_epsg=epsg,
        served_epsg=epsg,
        matters=MappingProxyType(suggested_matters(db)),
    )


def _names(setting: str, stored: str) -> tuple[str, str]:
    """Chinese and English name of a setting that may hold both, and of the stored area."""
    words = setting.split()
    zh = "".join(word for word in words if _HAN.search(word)) or stored
    en = " ".join(word for word in words if not _HAN.search(word)) or stored
    return zh or en, en or zh


def stored_faults(db: Session | Connection, city: City) -> list[CityFault]:
    """Find what of a city contradicts the stored areas; matters are checked with the alerts."""
    area = stored_city(db)
    if area is None:
        return []
    faults = []
    if area.code != city.code:
        faults.append(
            CityFault(
                "code", f"{city.code}, but the stored city is {area.code} {area.name}", "与库中的市不符"
            )
        )
    for field, epsg in (("metric_crs", city.metric_epsg), ("served_crs", city.served_epsg)):
        if epsg is None:
            near = f"EPSG:{metric_epsg_at(area.lon, area.lat)}"
            faults.append(CityFault(field, f"missing; here {near}", f"缺少，建议 {near}"))
        elif not _covers(epsg, area.lon, area.lat):
            near = f"EPSG:{metric_epsg_at(area.lon, area.lat)}"
            faults.append(
                CityFault(
                    field,
                    f"EPSG:{epsg} is not made for {area.lon:.2f}, {area.lat:.2f}; here {near}",
                    f"不适用于本市位置，建议 {near}",
                )
            )
    return faults


MARGIN_DEG = 1.0
"""A city at the edge of a zone is often measured in it as a whole."""


def _covers(epsg: int, lon: float, lat: float) -> bool:
    area = CRS(epsg).area_of_use
    if area is None:
        return True
    west, south, east, north = area.bounds
    inside = west - MARGIN_DEG <= lon <= east + MARGIN_DEG
    return (inside or west > east) and south - MARGIN_DEG <= lat <= north + MARGIN_DEG
