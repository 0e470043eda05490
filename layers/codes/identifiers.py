"""Codes of areas, grids, enterprises and vehicles: parse, check and make them.

Every ``parse_*`` function returns a small frozen dataclass or raises ``InvalidIdentifier`` with the reason.
Codes are strict: no blanks, no lower case, ASCII digits only.

========================  =======  =====================================================
code                      digits   standard
========================  =======  =====================================================
division                  6        GB/T 2260
town or street            9        GB/T 10114
statistical               12       statistical division code (not published since 2024)
unit grid                 15       GB/T 30428.1, profile ``gb30428_15``
social credit (USCC)      18       GB 32100-2015, inside it the GB 11714 organisation code
plate                     7 or 8   GA 36, colour by JT/T 697.7
========================  =======  =====================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from layers.codes.credit_codes import (
    Uscc,
    check_uscc,
    make_uscc,
    organisation_check,
    uscc_check,
    uscc_is_valid,
)
from layers.errors import CodeOverflow, InvalidIdentifier

__all__ = [
    "GRID_PROFILES",
    "KEPT_CODE_LAND_SHARE",
    "NATIONAL_GRID_PROFILE",
    "PLATE_COLOURS",
    "Division",
    "GridCode",
    "GridProfile",
    "Plate",
    "StatisticalCode",
    "TownCode",
    "Uscc",
    "check_uscc",
    "grid_profile",
    "make_uscc",
    "next_grid_codes",
    "organisation_check",
    "parse_division",
    "parse_grid_code",
    "parse_plate",
    "parse_statistical_code",
    "parse_town_code",
    "uscc_check",
    "uscc_is_valid",
]


def _digits(text: str, length: int, what: str) -> None:
    if not (text.isascii() and text.isdigit()):
        raise InvalidIdentifier(f"{what} {text!r}: only the digits 0-9 are allowed")
    if len(text) != length:
        raise InvalidIdentifier(f"{what} {text!r}: {len(text)} digits, not {length}")


@dataclass(frozen=True)
class Division:
    """Division code of GB/T 2260; ``level`` is ``province``, ``city`` or ``county``."""

    code: str
    level: str

    @property
    def province(self) -> str:
        """Code of the province."""
        return self.code[:2] + "0000"

    @property
    def city(self) -> str:
        """Code of the city; for a province, its code with city digits 00."""
        return self.code[:4] + "00"


def parse_division(text: str) -> Division:
    """Parse a GB/T 2260 code of 6 digits: 2 province, 2 city, 2 county.

    Raises
    ------
    InvalidIdentifier

    Examples
    --------
    >>> parse_division("320685").city
    '320600'
    """
    _digits(text, 6, "division code (GB/T 2260)")
    if text[:2] < "11":
        raise InvalidIdentifier(f"division code (GB/T 2260) {text!r}: province digits start at 11")
    if text[2:4] == "00" and text[4:] != "00":
        raise InvalidIdentifier(f"division code (GB/T 2260) {text!r}: a county without a city")
    level = "province" if text[2:] == "0000" else "city" if text[4:] == "00" else "county"
    return Division(text, level)


@dataclass(frozen=True)
class TownCode:
    """Town code of GB/T 10114.

    ``kind`` is ``street``, ``town``, ``township`` or ``enterprise`` (政企合一).
    """

    code: str
    division: Division
    kind: str


_TOWN_KINDS = ("street", "town", "township", "township", "enterprise", "enterprise")


def parse_town_code(text: str) -> TownCode:
    """Parse a town or street code of 9 digits (GB/T 10114).

    The first 6 digits are the county's code, the seventh is the kind.

    Raises
    ------
    InvalidIdentifier
    """
    _digits(text, 9, "town code (GB/T 10114)")
    division = parse_division(text[:6])
    if division.level == "province":
        raise InvalidIdentifier(f"town code (GB/T 10114) {text!r}: a town belongs to a county or city")
    if text[6:] == "000" or int(text[6]) >= len(_TOWN_KINDS):
        raise InvalidIdentifier(f"town code (GB/T 10114) {text!r}: digits 7-9 are 001-599")
    return TownCode(text, division, _TOWN_KINDS[int(text[6])])


@dataclass(frozen=True)
class StatisticalCode:
    """Statistical code; ``kind`` is ``residents`` (居委会), ``villagers`` (村委会), ``similar`` or ``other``."""

    code: str
    town: TownCode
    kind: str


def parse_statistical_code(text: str) -> StatisticalCode:
    """Parse a community code of 12 digits.

    The first 9 digits are the town's code; 001-199 is a residents', 200-399 a villagers' committee.

    Raises
    ------
    InvalidIdentifier
    """
    _digits(text, 12, "statistical code")
    town = parse_town_code(text[:9])
    number = int(text[9:])
    if number == 0:
        raise InvalidIdentifier(f"statistical code {text!r}: digits 10-12 are 000, that is the town itself")
    kind = (
        "residents"
        if number < 200
        else "villagers"
        if number < 400
        else "similar"
        if number < 600
        else "other"
    )
    return StatisticalCode(text, town, kind)


@dataclass(frozen=True)
class GridProfile:
    """Layout of grid codes: digits of the parent, of the kind (may be 0) and of the running number from 1."""

    name: str
    parent_digits: int
    kind_digits: int
    sequence_digits: int

    @property
    def length(self) -> int:
        """Number of digits of a whole code."""
        return self.parent_digits + self.kind_digits + self.sequence_digits

    @property
    def max_sequence(self) -> int:
        """Highest running number."""
        return int(10**self.sequence_digits) - 1


NATIONAL_GRID_PROFILE = GridProfile("gb30428_15", 12, 0, 3)
"""The codes of GB/T 30428.1."""
KEPT_CODE_LAND_SHARE = 0.8
"""Share of its land that a corrected unit grid keeps at least, to keep its code."""
GRID_PROFILES: dict[str, GridProfile] = {
    profile.name: profile for profile in (NATIONAL_GRID_PROFILE, GridProfile("local_18", 12, 2, 4))
}
"""Profiles by name; ``local_18`` is a template for local rules with two kind digits."""


def grid_profile(definition: str) -> GridProfile:
    """Return the profile of a definition: a known name, or ``name:parent+kind+running`` digits.

    Raises
    ------
    InvalidIdentifier
        An unknown name, other digits than those of a known name, or a definition that cannot be read.

    Examples
    --------
    >>> grid_profile("gb30428_15").length, grid_profile("plain_16:12+0+4").length
    (15, 16)
    """
    name, colon, digits = definition.partition(":")
    if not colon and name not in GRID_PROFILES:
        raise InvalidIdentifier(f"grid profile {name!r}: unknown; known are {', '.join(GRID_PROFILES)}")
    if not colon:
        return GRID_PROFILES[name]
    try:
        parent, kind, running = (int(part) for part in digits.split("+"))
    except ValueError as error:
        raise InvalidIdentifier(f"grid profile {definition!r}: name or name:12+0+3") from error
    profile = GridProfile(name, parent, kind, running)
    if GRID_PROFILES.get(name, profile) != profile:
        raise InvalidIdentifier(f"grid profile {name!r} is already another one")
    return profile


@dataclass(frozen=True)
class GridCode:
    """Unit grid code: ``community`` is the parent's code, ``kind`` its kind digits ('' without)."""

    code: str
    community: str
    kind: str
    sequence: int


def parse_grid_code(text: str, profile: GridProfile = NATIONAL_GRID_PROFILE) -> GridCode:
    """Parse a grid code: community (12 digits), kind digits where the profile has them, then 001 and up.

    Raises
    ------
    InvalidIdentifier

    Examples
    --------
    >>> parse_grid_code("320623100001012").sequence
    12
    """
    _digits(text, profile.length, f"grid code ({profile.name})")
    community = text[: profile.parent_digits]
    parse_statistical_code(community)
    sequence = int(text[-profile.sequence_digits :])
    if sequence == 0:
        raise InvalidIdentifier(f"grid code ({profile.name}) {text!r}: running numbers start at 1")
    kind = text[profile.parent_digits : profile.length - profile.sequence_digits]
    return GridCode(text, community, kind, sequence)


def next_grid_codes(
    community: str,
    used: Iterable[str],
    count: int = 1,
    *,
    profile: GridProfile = NATIONAL_GRID_PROFILE,
    kind: str = "",
) -> list[str]:
    """Return the next ``count`` free codes of a community.

    Running numbers continue after the highest one ever used; none is used again.

    Parameters
    ----------
    community : str
        12 digits.
    used : iterable of str
        All codes ever used in the community, void ones too; codes of other communities are ignored.
    count : int
    profile : GridProfile
    kind : str
        The kind digits, when the profile has such.

    Raises
    ------
    InvalidIdentifier
    CodeOverflow
        Fewer than ``count`` numbers are left.

    Examples
    --------
    >>> next_grid_codes("320623100001", ["320623100001007"], 2)
    ['320623100001008', '320623100001009']
    >>> next_grid_codes("320623100001", [])
    ['320623100001001']
    """
    parse_statistical_code(community)
    if len(kind) != profile.kind_digits:
        raise InvalidIdentifier(
            f"grid kind {kind!r}: profile {profile.name} has {profile.kind_digits} kind digits"
        )
    prefix = community + kind
    taken = [
        int(code[len(prefix) :]) for code in used if len(code) == profile.length and code.startswith(prefix)
    ]
    first = max(taken, default=0) + 1
    if first + count - 1 > profile.max_sequence:
        raise CodeOverflow(
            f"{prefix}: {count} more grid code(s) wanted,"
            f" {max(profile.max_sequence - first + 1, 0)} left of {profile.max_sequence}"
        )
    return [f"{prefix}{number:0{profile.sequence_digits}d}" for number in range(first, first + count)]


_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z]"
    r"(?:(?P<usual>[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳])"
    r"|(?P<small>[A-HJK][A-HJ-NP-Z0-9][0-9]{4})|(?P<large>[0-9]{5}[A-HJK]))"
)
PLATE_COLOURS = {
    "blue": 1,
    "yellow": 2,
    "black": 3,
    "white": 4,
    "green": 5,
    "other": 9,
    "farm_yellow": 91,
    "farm_green": 92,
    "yellow_green": 93,
    "gradient_green": 94,
}
"""Colour codes of JT/T 697.7 by name."""


@dataclass(frozen=True)
class Plate:
    """Number plate; only plate and colour together identify a vehicle."""

    text: str
    colour: str | None
    office: str
    new_energy: bool

    @property
    def key(self) -> str:
        """Plate and colour code, as ``苏F12345_2``; without a known colour the code is 9 (other)."""
        return f"{self.text}_{PLATE_COLOURS[self.colour or 'other']}"


def parse_plate(text: str, colour: str | int | None = None) -> Plate:
    """Parse a number plate (GA 36) with its colour as name or JT/T 697.7 code.

    Raises
    ------
    InvalidIdentifier
        Also when the colour is not known or a new-energy plate is said to be neither green nor other.

    Examples
    --------
    >>> parse_plate("苏F12345", 2).key
    '苏F12345_2'
    """
    match = _PLATE.fullmatch(text)
    if match is None:
        raise InvalidIdentifier(f"plate {text!r}: not a number plate of GA 36")
    names = {code: name for name, code in PLATE_COLOURS.items()}
    name = names.get(colour) if isinstance(colour, int) else colour
    if colour is not None and (name is None or name not in PLATE_COLOURS):
        raise InvalidIdentifier(f"plate {text!r}: colour {colour!r} is not in JT/T 697.7")
    new_energy = match["usual"] is None
    if new_energy and name not in (None, "green", "yellow_green", "gradient_green", "other"):
        raise InvalidIdentifier(f"plate {text!r}: a new-energy plate is green, not {name}")
    return Plate(text, name, text[:2], new_energy)
