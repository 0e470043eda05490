"""Units of readings: what files write, and the factor to kWh or m³."""

from __future__ import annotations

from layers.readings.intervals import KINDS

UNIT_OF = {"power": "kWh", "water": "m³", "gas": "m³"}
"""Unit in which readings of a kind are stored."""
_POWER = {
    "kwh": 1.0,
    "度": 1.0,
    "千瓦时": 1.0,
    "mwh": 1e3,
    "兆瓦时": 1e3,
    "万kwh": 1e4,
    "万度": 1e4,
    "万千瓦时": 1e4,
    "gwh": 1e6,
    "wh": 1e-3,
}
_VOLUME = {
    "m3": 1.0,
    "m³": 1.0,
    "立方米": 1.0,
    "立方": 1.0,
    "方": 1.0,
    "l": 1e-3,
    "升": 1e-3,
    "万m3": 1e4,
    "万m³": 1e4,
    "万立方米": 1e4,
}
FACTORS: dict[str, dict[str, float]] = {
    "power": _POWER,
    "water": {**_VOLUME, "t": 1.0, "吨": 1.0, "万吨": 1e4},
    "gas": {**_VOLUME, "nm3": 1.0, "nm³": 1.0, "标方": 1.0, "标准立方米": 1.0},
}
"""Factor of each written unit, by kind; a tonne of water is a cubic metre."""
assert set(FACTORS) == set(UNIT_OF) == set(KINDS)


def unit_factor(kind: str, unit: str) -> float | None:
    """Return the factor from a written unit to the stored one, or None for a unit that is not of the kind.

    Examples
    --------
    >>> unit_factor("power", "万kWh"), unit_factor("water", "吨"), unit_factor("water", "kWh"), unit_factor("gas", "")
    (10000.0, 1.0, None, 1.0)
    """
    return 1.0 if not unit else FACTORS[kind].get(unit.replace(" ", "").lower())


GREATEST_RATE = {"power": 2e6, "water": 1e5, "gas": 1e6}
"""Greatest possible use an hour: 2 GW, 100,000 m³ of water, 1,000,000 m³ of gas; more is no use of one site."""
