"""Readings of meters as intervals: pure functions over frames, without a database."""

from __future__ import annotations

from layers.readings.daily import LONGEST_DAY, daily_readings, is_longer_than_a_day
from layers.readings.flags import FLAGS, flag_series
from layers.readings.intervals import INTERVALS, KINDS, METER, local_midnight
from layers.readings.plan import GIVEN, KEY, STORED, Plan, plan_readings
from layers.readings.plan import TOLD as PLAN_TOLD
from layers.readings.units import FACTORS, GREATEST_RATE, UNIT_OF, unit_factor

__all__ = [
    "FACTORS",
    "FLAGS",
    "GIVEN",
    "GREATEST_RATE",
    "INTERVALS",
    "KEY",
    "KINDS",
    "LONGEST_DAY",
    "METER",
    "PLAN_TOLD",
    "STORED",
    "UNIT_OF",
    "Plan",
    "daily_readings",
    "flag_series",
    "is_longer_than_a_day",
    "local_midnight",
    "plan_readings",
    "unit_factor",
]
