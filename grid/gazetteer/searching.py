"""Search of places for the text of an address: ranked candidates, never a silent pick.

A candidate's score is the weight of the grams of its name that are in the address, as a share of all of them (rare
grams weigh more), less the more its areas contradict those that the address names, and less for large areas:
*启东市吕四港镇大洋港路 88 号* is a road first and a town and a county after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from itertools import groupby
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.city import city_in_force

MOST_NAMES = 120
"""Names that are looked at for one address: those with its rarest grams."""
LEAST_SCORE = 0.3
MOST_FOUND = 8
MOST_CHARACTERS = 200
KIND_SHARES: Mapping[str, float] = {
    "city": 0.4,
    "county": 0.55,
    "functional_zone": 0.7,
    "water": 0.7,
    "town": 0.7,
    "community": 0.85,
    "waterway": 0.9,
}
"""Share of its score that a candidate of a large kind keeps; other kinds keep all."""
OTHER_AREAS_SHARE = 0.4
"""Share of its score that a candidate keeps outside of the areas that the address names."""
_START = "^(?:" + "中国" + ")?"
_HAN = "[\u4e00-\u9fff]"
_PROVINCES = f"{_HAN}{{2,3}}省", f"{_HAN}{{2,6}}自治区"
_CITIES = tuple(f"{_HAN}{{2,7}}?{kind}" for kind in ("市", "自治州", "地区", "盟"))
_OTHER_CITY = re.compile(_START + "(?:" + "|".join(_PROVINCES) + ")?(?P<city>" + "|".join(_CITIES) + ")")
_OTHER_PROVINCE = re.compile(_START + "(?P<city>" + "|".join(_PROVINCES) + ")")


@dataclass(frozen=True)
class PlaceCandidate:
    """A place that an address may mean.

    Attributes
    ----------
    score : float
        0 to 1.
    matched : str
        The part of the address that has its name: the longest one.
    within : tuple of str
        Codes of the areas that hold it, the largest first.
    lies_in : tuple of str
        Names of today of those below the city, without its own: two places of one name are told apart by it.
    """

    name: str
    kind: str
    former: bool
    lon: float
    lat: float
    score: float
    matched: str
    within: tuple[str, ...]
    lies_in: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundPlaces:
    """Places for one address.

    Attributes
    ----------
    outcome : str
        ``found``, ``nothing_found`` or ``another_city``.
    another_city : str or None
        The city that the address names and that is not this one.
    """

    address: str
    outcome: str
    candidates: list[PlaceCandidate] = field(default_factory=list)
    another_city: str | None = None


def find_places(db: Session, addresses: Sequence[str], *, most: int = MOST_FOUND) -> list[FoundPlaces]:
    """Return the places that each address may mean, the best first.

    Parameters
    ----------
    addresses : sequence of str
        Of each the first 200 characters are read.
    most : int
        Candidates of an address.
    """
    if not addresses:
        return []
    asked = [address[:MOST_CHARACTERS].replace("\x00", " ") for address in addresses]
    chosen = {"addresses": asked, "most_names": MOST_NAMES, "least_share": LEAST_SCORE}
    rows = db.execute(_SEARCH, chosen).mappings()
    found: dict[int, FoundPlaces] = {}
    for number, group in groupby(sorted(rows, key=lambda row: row["number"]), key=lambda row: row["number"]):
        found[number] = _ranked(addresses[number - 1], [row for row in group], most)
    _name_areas(db, found.values())
    return [found.get(i, FoundPlaces(address, "nothing_found")) for i, address in enumerate(addresses, 1)]


def _name_areas(db: Session, found: Iterable[FoundPlaces]) -> None:
    """Give the candidates the names of the areas that hold them."""
    answers = [answer for answer in found if answer.candidates]
    codes = {code for answer in answers for each in answer.candidates for code in each.within}
    if not codes:
        return
    names: dict[str, str] = {code: name for code, name in db.execute(_AREA_NAMES, {"codes": sorted(codes)})}
    for answer in answers:
        answer.candidates[:] = [
            replace(each, lies_in=tuple(n for c in each.within[1:] if (n := names.get(c)) and n != each.name))
            for each in answer.candidates
        ]


_AREA_NAMES = text(
    "SELECT code, name FROM areas WHERE code = ANY (:codes) AND holds_at(valid_from, valid_to)"
)


def _ranked(address: str, rows: Sequence[Mapping[Any, Any]], most: int) -> FoundPlaces:
    normal: str = rows[0]["normal"]
    names = [row for row in rows if row["id"] is not None]
    named = {row["area_code"] for row in names if row["area_code"] and row["name_normal"] in normal}
    other = _other_city(normal, {row["name_normal"] for row in names if row["kind"] in ("city", "county")})
    if other is not None:
        return FoundPlaces(address, "another_city", [], other)
    scored = sorted(
        ((score, row) for row in names if (score := _score(row, normal, named)) >= LEAST_SCORE),
        key=lambda pair: (-pair[0], len(pair[1]["name"]), pair[1]["id"]),
    )
    candidates = [_candidate(row, score, normal) for score, row in scored[:most]]
    return FoundPlaces(address, "found" if candidates else "nothing_found", candidates)


def _score(row: Mapping[Any, Any], normal: str, named: set[str]) -> float:
    share: float = row["share"]
    if share < 1 and row["area_code"] is not None and row["name_normal"] not in normal:
        share *= 0.8  # a part of a large area's name says little
    within = set(row["within"])
    if named and not within & named:
        share *= OTHER_AREAS_SHARE
    elif named:
        share *= OTHER_AREAS_SHARE + (1 - OTHER_AREAS_SHARE) * len(within & named) / len(named)
    return round(share * KIND_SHARES.get(row["kind"], 1.0), 9)


def _candidate(row: Mapping[Any, Any], score: float, normal: str) -> PlaceCandidate:
    return PlaceCandidate(
        row["name"],
        row["kind"],
        row["former"],
        row["lon"],
        row["lat"],
        round(score, 4),
        _longest_common(row["name_normal"], normal),
        tuple(row["within"]),
    )


def _longest_common(name: str, address: str) -> str:
    """Return the longest part of a name that is in an address.

    Examples
    --------
    >>> _longest_common("启东海星化工厂", "海星化工旁边"), _longest_common("", "x")
    ('海星化工', '')
    """
    for size in range(len(name), 0, -1):
        for first in range(len(name) - size + 1):
            if name[first : first + size] in address:
                return name[first : first + size]
    return ""


def _other_city(normal: str, own: set[str]) -> str | None:
    """Return the city that an address begins with, unless it is this one or one of its counties."""
    mine = own | {city_in_force().name_zh}
    if any(name and name in normal for name in mine):
        return None
    match = _OTHER_CITY.match(normal) or _OTHER_PROVINCE.match(normal)
    if match is None or len(match["city"]) < 3:
        return None
    short = match["city"].rstrip("市省")
    if any(name.startswith(short) for name in mine if name) or match["city"].endswith(
        ("城市", "超市", "菜市", "夜市")
    ):
        return None
    return match["city"]


_SEARCH = text((resources.files("grid.gazetteer") / "search_places.sql").read_text(encoding="utf-8"))
