"""Colours and legends: one source for the reports and, as JSON, for the console.

Colours tell classes apart with the usual kinds of colour blindness: reds against blues, and a shape or a text
beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from maps.glossary import names


@dataclass(frozen=True)
class Entry:
    """One line of a legend: colour (#rrggbb) and names."""

    color: str
    en: str
    zh: str


Legend = Mapping[str, Entry]


def _legend(group: str, colors: Mapping[str, str]) -> Legend:
    """Colours of the codes of a group, with their names from the glossary."""
    return {
        code: Entry(color, names(group, code)["en"], names(group, code)["zh"])
        for code, color in colors.items()
    }


def map_feature(code: str, color: str) -> Entry:
    """Features drawn beside the classes: a boundary, the site of a case."""
    return _legend("map_feature", {code: color})[code]


ALERT_LEVELS = _legend(
    "level", {"high": "#b2182b", "warning": "#ef8a62", "attention": "#fddbc7", "none": "#bdbdbd"}
)
CASE_STATES = _legend(
    "state",
    {
        "reported": "#6a51a3",
        "accepted": "#807dba",
        "filed": "#2171b5",
        "dispatched": "#4292c6",
        "arrived": "#6baed6",
        "disposed": "#41ab5d",
        "fed_back": "#74c476",
        "reviewed": "#1a9850",
        "checked": "#238b45",
        "closed": "#737373",
        "returned": "#d94801",
        "suspended": "#fd8d3c",
        "rework": "#cb181d",
        "merged": "#969696",
    },
)
AREA_KINDS = _legend(
    "kind",
    {
        "city": "#252525",
        "county": "#54278f",
        "town": "#08519c",
        "community": "#238b45",
        "unit_grid": "#969696",
        "functional_zone": "#a63603",
        "water": "#2b8cbe",
        "responsibility_grid": "#636363",
        "evaluation_grid": "#8c6bb1",
    },
)
SITE_STATUSES = _legend(
    "status",
    {"operating": "#1b7837", "suspended": "#b8860b", "closed": "#762a83", "dismantled": "#878787"},
)
FIELDS = ("visits", "alerts", "stops")
"""The fields of a hot-spot run, in the order in which they are shown."""

HOT_LEVELS = _legend(
    "hot_level",
    {
        "99": "#b2182b",
        "95": "#ef8a62",
        "90": "#fddbc7",
        "0": "#f0f0f0",
        "-90": "#d1e5f0",
        "-95": "#67a9cf",
        "-99": "#2166ac",
    },
)
PATTERNS = _legend(
    "pattern",
    {
        "new_hot": "#d7301f",
        "consecutive_hot": "#ef6548",
        "intensifying_hot": "#7f0000",
        "persistent_hot": "#c2857a",
        "diminishing_hot": "#e3c4bb",
        "sporadic_hot": "#fdbb84",
        "oscillating_hot": "#fdd49e",
        "historical_hot": "#b5a7a0",
        "new_cold": "#3690c0",
        "consecutive_cold": "#74a9cf",
        "intensifying_cold": "#023858",
        "persistent_cold": "#7f9db8",
        "diminishing_cold": "#c3d2de",
        "sporadic_cold": "#a6bddb",
        "oscillating_cold": "#d0d1e6",
        "historical_cold": "#9fa8ad",
        "no_pattern": "#f0f0f0",
    },
)
DOMAINS = _legend(
    "domain",
    {
        "ecology": "#1b9e77",
        "urban": "#7570b3",
        "transport": "#d95f02",
        "agriculture": "#66a61e",
        "culture_tourism": "#e7298a",
        "market": "#e6ab02",
    },
)
TRACK_PARTS = _legend("track", {"track": "#08519c", "gap": "#cb181d"})
UNKNOWN_COLOR = "#bdbdbd"

LEGENDS: Mapping[str, Legend] = {
    "alert_levels": ALERT_LEVELS,
    "case_states": CASE_STATES,
    "area_kinds": AREA_KINDS,
    "site_statuses": SITE_STATUSES,
    "hot_levels": HOT_LEVELS,
    "patterns": PATTERNS,
    "domains": DOMAINS,
    "track": TRACK_PARTS,
}


def entry(legend: Legend, value: object) -> Entry:
    """Return the entry of a value; a value that nobody foresaw is grey and named as it is.

    Examples
    --------
    >>> entry(ALERT_LEVELS, "high").zh, entry(HOT_LEVELS, 99).color
    ('高', '#b2182b')
    >>> entry(ALERT_LEVELS, "new").en, entry(ALERT_LEVELS, None).en
    ('new', 'None')
    """
    return legend.get(str(value)) or Entry(UNKNOWN_COLOR, str(value), str(value))


def style_document() -> dict[str, Any]:
    """Every legend as plain data, for the console."""
    return {name: {value: asdict(one) for value, one in legend.items()} for name, legend in LEGENDS.items()}
