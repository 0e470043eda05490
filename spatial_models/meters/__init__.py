"""Meters of closed sites: regimes of use, starts of work, and signals for and against it."""

from spatial_models.meters.catalogue import METER_SIGNALS
from spatial_models.meters.config import DEFAULT_METERS, MeterConfig
from spatial_models.meters.findings import START_ROWS, MeterFindings, meter_signals
from spatial_models.meters.regimes import REGIME_ROWS

__all__ = [
    "DEFAULT_METERS", "METER_SIGNALS", "REGIME_ROWS", "START_ROWS", "MeterConfig", "MeterFindings", "meter_signals",
]  # fmt: skip
