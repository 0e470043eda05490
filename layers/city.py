"""The city that this installation serves.

Its names, codes, coordinate systems and time zone, in force for the process.

The values come from ``city.toml`` (``geo_api.city_file``). A process serves one city: it is put in force once
at the start, and whatever writes a number, a day or a deadline asks ``city_in_force``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from zoneinfo import ZoneInfo

LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class City:
    """A city and how its days, places and cases are written.

    Attributes
    ----------
    name_zh, name_en : str
        Shown by the console, the landing page and the reports.
    code : str
        Division code of GB/T 2260.
    case_prefix : str
        Start of the case numbers.
    time_zone : str
        Name of the IANA time zone database: days, deadlines, and times that are written without a zone.
    metric_epsg, served_epsg : int or None
        Projected systems in metres: for plans and lengths, and offered by the API. None: the area is not
        known yet.
    languages : tuple of str
        Languages of the console; the first is shown until a person chooses.
    matters : mapping of str to str
        Item of the duty list that cases of each kind of alert are opened for.
    """

    name_zh: str = ""
    name_en: str = ""
    code: str = ""
    case_prefix: str = "AJ"
    time_zone: str = "Asia/Shanghai"
    metric_epsg: int | None = None
    served_epsg: int | None = None
    languages: tuple[str, ...] = LANGUAGES
    matters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def name(self) -> str:
        """Both names, for texts that have no language."""
        return " ".join(part for part in (self.name_zh, self.name_en) if part)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.time_zone)


UNNAMED = City()
"""In force until a city is known: 案件 as the prefix, the time of China."""
_in_force = UNNAMED


def city_in_force() -> City:
    """Return the city that this process serves."""
    return _in_force


def put_in_force(city: City) -> City:
    """Let this process serve a city; returns the city that was in force before."""
    global _in_force
    before, _in_force = _in_force, city
    return before
