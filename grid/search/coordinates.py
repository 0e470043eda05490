"""Coordinates as people write them: decimal degrees or degrees, minutes and seconds, in both orders.

The text seldom says its system, and GCJ-02 and BD-09 lie 0.3 to 1.2 km beside WGS-84, so each reading is returned
with its distance from the one that was taken.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from pyproj import Geod

from layers.codes import to_storage

SYSTEMS = ("wgs84", "gcj02", "bd09")
Box = tuple[float, float, float, float]
Pair = tuple[float, float]
_NAMED = {
    "wgs84": r"wgs[- ]?84|cgcs ?2000|天地图|gps",
    "gcj02": r"gcj[- ]?02|高德|腾讯|火星",
    "bd09": r"bd[- ]?09|百度",
}
_LABELS = re.compile(
    r"(?P<lon>东经|西经|经度|longitude|lng|lon)|(?P<lat>北纬|南纬|纬度|latitude|lat)", re.IGNORECASE
)
_VALUE = (
    r"(?P<sign{n}>[-+]?)(?P<deg{n}>\d{{1,3}}(?:\.\d+)?)(?:{blank}[°度d:{or_blank}]{blank}(?P<min{n}>\d{{1,2}}(?:\.\d+)?)"
    r"(?:{blank}['分:{or_blank}]{blank}(?:(?P<sec{n}>\d{{1,2}}(?:\.\d+)?)\s*(?:[\"秒]|'')?)?)?|\s*[°度d])?"
)


def _pair(before: str, after: str, *, blank: str = r"\s*", or_blank: str = "") -> re.Pattern[str]:
    """Return the pattern of two values with a letter of their side before or behind them."""
    values = (
        rf"(?P<before{n}>{before})\s*{_VALUE.format(n=n, blank=blank, or_blank=or_blank)}\s*(?P<after{n}>{after})"
        for n in (1, 2)
    )
    return re.compile(r"\s*[,;/\s]\s*".join(values))


_PAIRS = (
    _pair("[nsew]", "", or_blank=r"\s"),
    _pair("", "[nsew]", or_blank=r"\s"),
    _pair("", ""),
)
_MARKS = str.maketrans("、，；º˚′’″”", ",,;°°''\"\"")
_NO_WHOLE_NUMBERS = re.compile(r"[.°度:'nsew]")
_GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True)
class CoordinateReading:
    """A place that written coordinates may mean.

    Attributes
    ----------
    crs : str
        System in which they were read: ``wgs84``, ``gcj02`` or ``bd09``.
    order : str
        ``lon_lat`` or ``lat_lon``: how the text was read.
    lon, lat : float
        Degrees, EPSG:4326.
    distance_m : float
        From the first reading, on the ellipsoid.
    """

    crs: str
    order: str
    lon: float
    lat: float
    distance_m: float


def read_coordinates(written: str, city: Box | None = None) -> list[CoordinateReading]:
    """Return the places that a text of two coordinates may mean, the one that is taken first.

    A system that the text names is taken; else WGS-84. An order that sides (N, 东经) or the size of a value tell is
    the only one; else the one in the city's box is taken first.

    Parameters
    ----------
    written : str
        ``120.8645, 32.0163``, ``32°0'58.7"N 120°51'52.2"E``, ``北纬32度0分58.7秒 东经120度51分52.2秒`` …
    city : tuple of four float, optional
        West, south, east, north in degrees, EPSG:4326.

    Returns
    -------
    list of CoordinateReading
        Empty when the text is no pair of coordinates.

    Examples
    --------
    >>> [(r.crs, round(r.lon, 4), round(r.distance_m)) for r in read_coordinates("120.8645 32.0163")]
    [('wgs84', 120.8645, 0), ('gcj02', 120.8602, 467), ('bd09', 120.8538, 1106)]
    >>> read_coordinates("120.8645"), read_coordinates("320601001 320601002")
    ([], [])
    """
    plain, named = _without_system(unicodedata.normalize("NFKC", written).casefold())
    pairs = _ordered_pairs(_with_letters(plain), city)
    systems = sorted(SYSTEMS, key=lambda crs: crs != named)
    places = [(crs, order, *_stored(pair, crs)) for order, pair in pairs for crs in systems]
    if not places:
        return []
    first_lon, first_lat = places[0][2:]
    return [
        CoordinateReading(crs, order, lon, lat, float(_GEOD.inv(first_lon, first_lat, lon, lat)[2]))
        for crs, order, lon, lat in places
    ]


def _without_system(text: str) -> tuple[str, str | None]:
    for crs, pattern in _NAMED.items():
        if match := re.search(pattern, text):
            return f"{text[: match.start()]} {text[match.end() :]}".strip(" :：()（）"), crs
    return text, None


def _with_letters(text: str) -> str:
    """Return the text with the words of its sides as letters before the values."""
    sides = {"东经": "e", "西经": "w", "北纬": "n", "南纬": "s"}

    def letter(match: re.Match[str]) -> str:
        return f" {sides.get(match[0], 'e' if match['lon'] else 'n')} "

    plain = re.sub(r"(?<=[nsew ])\s*[:=]\s*", " ", _LABELS.sub(letter, text))
    return plain.translate(_MARKS).replace("''", '"')


def _ordered_pairs(text: str, city: Box | None) -> list[tuple[str, Pair]]:
    """Return the pairs (lon, lat) that the text may mean, with their order."""
    found = (pattern.fullmatch(text.strip()) for pattern in _PAIRS)
    match = next(filter(None, found), None) if _NO_WHOLE_NUMBERS.search(text) else None
    if match is None:
        return []
    values = [_degrees(match, n) for n in (1, 2)]
    if None in values:
        return []
    first, second = (value for value in values if value is not None)
    sides = [match[f"before{n}"] or match[f"after{n}"] for n in (1, 2)]
    pairs: list[tuple[str, Pair]] = []
    if not (_is_lat(sides[0]) or _is_lon(sides[1])) and abs(second) <= 90:
        pairs.append(("lon_lat", (first, second)))
    if not (_is_lon(sides[0]) or _is_lat(sides[1])) and abs(first) <= 90 and abs(second) <= 180:
        pairs.append(("lat_lon", (second, first)))
    return sorted(pairs, key=lambda each: not _inside(each[1], city))


def _is_lat(side: str) -> bool:
    return side in ("n", "s") and side != ""


def _is_lon(side: str) -> bool:
    return side in ("e", "w") and side != ""


def _inside(pair: Pair, box: Box | None) -> bool:
    return box is not None and box[0] <= pair[0] <= box[2] and box[1] <= pair[1] <= box[3]


def _degrees(match: re.Match[str], n: int) -> float | None:
    """Return one value in degrees; None when it cannot be one: 60 minutes, or more than 180."""
    minutes, seconds = (float(match[f"{part}{n}"] or 0) for part in ("min", "sec"))
    value = float(match[f"deg{n}"]) + minutes / 60 + seconds / 3600
    side = match[f"before{n}"] or match[f"after{n}"]
    if minutes >= 60 or seconds >= 60 or value > 180:
        return None
    return -value if match[f"sign{n}"] == "-" or side in ("s", "w") else value


def _stored(pair: Sequence[float], crs: str) -> Pair:
    lon, lat = to_storage([pair[0]], [pair[1]], crs)
    return float(lon[0]), float(lat[0])
