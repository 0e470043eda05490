"""Use after closure: do the meters of a closed site say that it works again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from spatial_models.errors import InputFrameError, ParameterError
from spatial_models.frames import Array, numbers, to_polars
from spatial_models.suspicion.meter_series import MeterConfig, Reading, judge

__all__ = ["DEFAULT_METERS", "SIGNAL_SCHEMA", "MeterConfig", "use_after_closure"]

DEFAULT_METERS = MeterConfig()
READING_COLUMNS = ("site_id", "kind", "day", "value", "quality")
NOTICE_COLUMNS = ("site_id", "kind", "valid_from", "valid_to")
USE_NOTICES = ("dismantling", "maintenance", "remediation", "fire_pump", "sublet", "shared_meter", "permit")
"""Notices that explain use at a closed site; ``outage`` explains only that readings are missing."""
EXPECTED_KINDS = ("power", "water")
SIGNAL_SCHEMA: dict[str, Any] = {
    "site_id": pl.String,
    "kind": pl.String,
    "state": pl.String,
    "level": pl.String,
    "recent_mean": pl.Float64,
    "idle_baseline": pl.Float64,
    "idle_mad": pl.Float64,
    "pre_median": pl.Float64,
    "ratio_idle": pl.Float64,
    "ratio_pre": pl.Float64,
    "days_elevated": pl.Int64,
    "started_on": pl.Date,
    "window_from": pl.Date,
    "window_to": pl.Date,
    "weekday_ratio": pl.Float64,
    "estimated_share": pl.Float64,
    "missing_share": pl.Float64,
    "quality": pl.Float64,
    "agrees": pl.Boolean,
    "explained_by": pl.List(pl.String),
}


@dataclass(frozen=True)
class _Closure:
    site_id: str
    closed_on: dt.date | None


def use_after_closure(
    readings: Any,
    closures: Any,
    notices: Any = None,
    *,
    at: dt.date,
    config: MeterConfig = DEFAULT_METERS,
) -> pl.DataFrame:
    """Signals of power, water and gas of closed sites on a day.

    Parameters
    ----------
    readings : polars.DataFrame, pandas.DataFrame or pyarrow.Table
        ``site_id``, ``kind`` (power kWh, water and gas m³), ``day``, ``value``, ``quality`` (measured, estimated,
        missing). Readings after ``at`` are not looked at; of two of one day the last row counts.
    closures : frame
        ``site_id``, ``status_since`` (first day closed; null: not known).
    notices : frame or None
        ``site_id``, ``kind``, ``valid_from``, ``valid_to`` (first day that it no longer holds; null: open end).
    at : date
        The day looked back from.
    config : MeterConfig

    Returns
    -------
    polars.DataFrame
        ``SIGNAL_SCHEMA``; one row a site and kind; power and water always, gas when there are readings. ``state``:
        ``rise`` (use rose above the idle baseline), ``never_fell`` (use stayed above a quarter of the former from the
        closure on), ``quiet``, ``no_data`` (too few readings to say: not the same as no use), ``no_baseline`` (too
        short after the closure), ``no_closure_date``. ``level``: none, weak, strong. ``agrees``: power and water rose
        within ±2 days; null when one cannot be judged or neither rose. ``explained_by``: kinds of notices that hold in the window.

    Raises
    ------
    InputFrameError, ParameterError

    Notes
    -----
    Rules after the practice of power-based resumption checks (idle ratio, 75 % fall of a stopped plant):

    - idle baseline: the lowest median of any ``idle_window_days`` from day ``settle_days`` after the closure, so that a
      site that works again does not have its own use in its baseline; its MAD is that of the same days;
    - a day is elevated above baseline + ``mad_factor`` · MAD and above ``idle_ratio`` · baseline;
    - rise: at least ``elevated_days`` of ``of_days`` days elevated, ending within ``recent_days`` before ``at``;
    - level by the mean of the 7 days ÷ the median of working days before the closure: below 10 % none, to 25 % weak
      (guards, pumps), above strong. Without a former median: ratio to idle from 2 weak, from 5 strong.
    """
    if not isinstance(at, dt.date):
        raise ParameterError(f"at must be a date, got {at!r}")
    day = at.date() if isinstance(at, dt.datetime) else at
    closed = [
        _Closure(str(row[0]), row[1])
        for row in to_polars(closures, "closures", ("site_id", "status_since"))
        .with_columns(_date("status_since"))
        .iter_rows()
    ]
    series = _series(readings, {closure.site_id for closure in closed}, day)
    holding = _notices_by_site(notices)
    rows: list[dict[str, Any]] = []
    for closure in closed:
        kinds = [*EXPECTED_KINDS, *(["gas"] if (closure.site_id, "gas") in series else [])]
        signals = [
            {"site_id": closure.site_id, "kind": kind}
            | judge(series.get((closure.site_id, kind)), closure.closed_on, day, config)
            for kind in kinds
        ]
        _agree(signals, config)
        for signal in signals:
            signal["explained_by"] = _explaining(holding.get(closure.site_id, []), signal, day)
        rows += signals
    return pl.DataFrame(
        [{name: row.get(name) for name in SIGNAL_SCHEMA} for row in rows], schema=SIGNAL_SCHEMA
    )


def _date(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Date, strict=False)


def _series(readings: Any, site_ids: set[str], until: dt.date) -> dict[tuple[str, str], Reading]:
    """Readings of each site and kind on a gapless run of days."""
    frame = to_polars(readings, "readings", READING_COLUMNS)
    if (
        frame.height
        and frame["day"].dtype not in (pl.Date, pl.Null)
        and not isinstance(frame["day"].dtype, pl.Datetime)
    ):
        raise InputFrameError(f"readings: column day holds {frame['day'].dtype}, not dates")
    frame = frame.with_columns(
        pl.col("site_id").cast(pl.String),
        pl.col("kind").cast(pl.String),
        pl.col("quality").cast(pl.String),
        _date("day"),
        value=pl.Series(numbers(frame["value"], "readings")),
    ).filter(pl.col("site_id").is_in(sorted(site_ids)) & (pl.col("day") <= until))
    frame = frame.unique(["site_id", "kind", "day"], keep="last", maintain_order=True).sort(
        "site_id", "kind", "day"
    )
    found: dict[tuple[str, str], Reading] = {}
    for (site_id, kind), part in frame.group_by("site_id", "kind", maintain_order=True):
        found[str(site_id), str(kind)] = Reading.of(
            part["day"].to_physical().to_numpy(), part["value"].to_numpy(), part["quality"].to_list()
        )
    return found


def _notices_by_site(notices: Any) -> dict[str, list[tuple[str, dt.date, dt.date | None]]]:
    if notices is None:
        return {}
    frame = to_polars(notices, "notices", NOTICE_COLUMNS).with_columns(_date("valid_from"), _date("valid_to"))
    by_site: dict[str, list[tuple[str, dt.date, dt.date | None]]] = {}
    for site_id, kind, since, until in frame.iter_rows():
        by_site.setdefault(str(site_id), []).append((str(kind), since or dt.date.min, until))
    return by_site


def _explaining(
    notices: list[tuple[str, dt.date, dt.date | None]], signal: dict[str, Any], at: dt.date
) -> list[str]:
    """Kinds that hold throughout or into the window that the signal speaks of."""
    since, until = signal.get("window_from") or at, signal.get("window_to") or at
    wanted = ("outage",) if signal["state"] == "no_data" else USE_NOTICES
    kinds = {
        kind
        for kind, valid_from, valid_to in notices
        if kind in wanted and valid_from <= until and (valid_to is None or valid_to > since)
    }
    return sorted(kinds)


def _agree(signals: list[dict[str, Any]], config: MeterConfig) -> None:
    """Mark power and water whose change came within ±``agree_days``, or whose elevated days match that closely."""
    power, water = signals[0], signals[1]
    judged = ("rise", "quiet")
    if (
        power["state"] not in judged
        or water["state"] not in judged
        or power["state"] == water["state"] == "quiet"
    ):
        return
    both = power["state"] == water["state"] == "rise"
    agrees = both and (
        abs((power["started_on"] - water["started_on"]).days) <= config.agree_days
        or _matching(power["elevated"], water["elevated"], config) >= config.agree_share
    )
    power["agrees"] = water["agrees"] = agrees


def _matching(power_days: Array, water_days: Array, config: MeterConfig) -> float:
    """Share of elevated days of the one that have one of the other within ±``agree_days``, the lower of both ways."""
    if len(power_days) == 0 or len(water_days) == 0:
        return 0.0
    gap = np.abs(power_days[:, None] - water_days[None, :]) <= config.agree_days
    return float(min(gap.any(axis=1).mean(), gap.any(axis=0).mean()))
