"""Catalogue of the signals that meters give."""

from __future__ import annotations

from spatial_models.signal_rows import SignalKind

KINDS = ("power", "water", "gas")


def _signal(name: str, unit: str, zh: str, en: str) -> SignalKind:
    return SignalKind(name, "meters", unit, 0.0, 1.0, ("readings",), zh, en)


METER_SIGNALS: tuple[SignalKind, ...] = (
    _signal("power_use", "probability", "用电显示近期有生产的概率", "probability of work by its power"),
    _signal("water_use", "probability", "用水显示近期有生产的概率", "probability of work by its water"),
    _signal("gas_use", "probability", "用气显示近期有生产的概率", "probability of work by its gas"),
    _signal(
        "power_water_agree", "share", "用电与用水同时开始或同日活动", "power and water start or work together"
    ),
    _signal("power_night_share", "share", "夜间（22–06 时）用电占比", "share of power used from 22 to 06"),
    _signal("working_rhythm", "share", "用量有规律的作息", "use follows a rhythm of work"),
    _signal("never_fell", "probability", "停产后用量未降至停产水平", "use never fell to a stopped plant's"),
)
"""Signals of `spatial_models.meters.meter_signals`, in the order of its rows."""
