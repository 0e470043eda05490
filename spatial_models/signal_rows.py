"""Signals: what code measures at a site, one row each, before any model says what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

SIGNAL_ROWS: dict[str, Any] = {
    "site_id": pl.String,
    "signal": pl.String,
    "value": pl.Float64,
    "baseline": pl.Float64,
    "quality": pl.Float64,
    "first_day": pl.Date,
    "last_day": pl.Date,
    "sentence_zh": pl.String,
    "sentence_en": pl.String,
}
"""Columns of a frame of signals; one row a site and signal.

``value`` is in the unit of the signal (:class:`SignalKind`); null: there are no data to judge by, which is not the
same as 0, and the sentence says what is missing. ``baseline`` is what the value is compared with, or null.
``quality``, 0 to 1, is the part of the data that was measured. ``first_day`` and ``last_day`` are the local days of
what the value was computed from.
"""


@dataclass(frozen=True)
class SignalKind:
    """A signal that models may name.

    Attributes
    ----------
    name : str
        In ``SIGNAL_ROWS``.
    family : str
        ``meters``, ``vehicles``, ``fences`` or ``register``: signals of one family are correlated.
    unit : str
        Of the value: ``share``, ``vehicles``, ``days``, ``count``, …
    low, high : float
        Range of the value; ``high`` may be infinite.
    needs : tuple of str
        Sources without which the value is null: ``readings``, ``fixes``, ``vehicle_list``, ``fences``, …
    zh, en : str
        What the value says, as a person reads it.
    subject : str
        ``site`` or ``fence``: whose rows they are. The ``site_id`` of a row of a fence is its ``fence_id``.
    """

    name: str
    family: str
    unit: str
    low: float
    high: float
    needs: tuple[str, ...]
    zh: str
    en: str
    subject: str = "site"
