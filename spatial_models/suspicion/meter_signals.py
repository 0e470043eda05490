"""Meter signals of closed sites: evidence of use after the closure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from spatial_models.errors import InputFrameError, ParameterError
from spatial_models.frames import Array, float_column, to_polars
from spatial_models.suspicion.meter_series import DailySeries, MeterConfig, meter_signal

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
    """Detect use of power, water and gas at closed sites, as of one day.

    Parameters
    ----------
    readings : polars.DataFrame, pandas.DataFrame or pyarrow.Table
        ``site_id``, ``kind`` (power kWh, water and gas m³), ``day``, ``value``, ``quality`` (measured,
        estimated, missing). Readings after ``at`` are ignored; of several rows of one day the last one
        counts.
    closures : frame
        ``site_id``, ``status_since`` (first day closed; null: unknown).
    notices : frame or None
        ``site_id``, ``kind``, ``valid_from``, ``valid_to`` (first day on which it is no longer valid; null:
        open end).
    at : date
        Day of the analysis.
    config : MeterConfig

    Returns
    -------
    polars.DataFrame
        ``SIGNAL_SCHEMA``; one row per site and kind; power and water always, gas when there are readings.
        ``state``: ``rise`` (use rose above the idle baseline), ``never_fell`` (use stayed above a quarter of
        the former use from the closure on), ``quiet``, ``no_data`` (too few readings, which is not the same
        as no use), ``no_baseline`` (too soon after the closure), ``no_closure_date``. ``level``: none, weak,
        strong. ``agrees``: power and water rose within ±2 days; null when one of them has no result or
        neither rose. ``explained_by``: kinds of notices that are valid in the window.

    Raises
    ------
    InputFrameError, ParameterError

    Notes
    -----
    Rules after the practice of power-based resumption checks (idle ratio, 75 % fall of a stopped plant):

    - idle baseline: the lowest median of any ``idle_window_days`` from day ``settle_days`` after the closure,
      so that the baseline of a site that works again does not contain its own use; its MAD is that of the
      same days;
    - a day is elevated above baseline + ``mad_factor`` · MAD and above ``idle_ratio`` · baseline;
    - rise: at least ``elevated_days`` of ``of_days`` days elevated, ending within ``recent_days`` before
      ``at``;
    - level by the mean of the 7 days ÷ the median of working days before the closure: below 10 % none, to 25
      % weak (guards, pumps), above strong. Without a former median: ratio to idle from 2 weak, from 5 strong.

    Examples
    --------
    A plant that closed on 1 January uses 5 kWh a day, and 50 kWh from 1 April on:

    >>> import datetime as dt, polars as pl
    >>> days = [dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(100)]
    >>> kwh = [5.0 if day < dt.date(2026, 4, 1) else 50.0 for day in days]
    >>> power = pl.DataFrame({"site_id": "S", "kind": "power", "day": days, "value": kwh, "quality": "measured"})
    >>> closed = pl.DataFrame({"site_id": ["S"], "status_since": [dt.date(2026, 1, 1)]})
    >>> signals = use_after_closure(power, closed, at=dt.date(2026, 4, 10))
    >>> signals.select("kind", "state", "level", "ratio_idle").rows()
    [('power', 'rise', 'strong', 10.0), ('water', 'no_data', 'none', None)]
    >>> use_after_closure(power, closed.clear(), None, at=dt.date(2026, 4, 10)).height
    0
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
    series = _daily_series(readings, {closure.site_id for closure in closed}, day)
    holding = _notices_by_site(notices)
    rows: list[dict[str, Any]] = []
    for closure in closed:
        kinds = [*EXPECTED_KINDS, *(["gas"] if (closure.site_id, "gas") in series else [])]
        signals = [
            {"site_id": closure.site_id, "kind": kind}
            | meter_signal(series.get((closure.site_id, kind)), closure.closed_on, day, config)
            for kind in kinds
        ]
        _mark_agreement(signals, config)
        for signal in signals:
            signal["explained_by"] = _explaining_notices(holding.get(closure.site_id, []), signal, day)
        rows += signals
    return pl.DataFrame(
        [{name: row.get(name) for name in SIGNAL_SCHEMA} for row in rows], schema=SIGNAL_SCHEMA
    )


def _date(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Date, strict=False)


def _daily_series(readings: Any, site_ids: set[str], until: dt.date) -> dict[tuple[str, str], DailySeries]:
    """Build the daily series of each site and kind."""
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
        value=pl.Series(float_column(frame["value"], "readings")),
    ).filter(pl.col("site_id").is_in(sorted(site_ids)) & (pl.col("day") <= until))
    frame = frame.unique(["site_id", "kind", "day"], keep="last", maintain_order=True).sort(
        "site_id", "kind", "day"
    )
    found: dict[tuple[str, str], DailySeries] = {}
    for (site_id, kind), part in frame.group_by("site_id", "kind", maintain_order=True):
        found[str(site_id), str(kind)] = DailySeries.from_readings(
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


def _explaining_notices(
    notices: list[tuple[str, dt.date, dt.date | None]], signal: dict[str, Any], at: dt.date
) -> list[str]:
    """Return the kinds of notices that are valid in the window of the signal."""
    since, until = signal.get("window_from") or at, signal.get("window_to") or at
    wanted = ("outage",) if signal["state"] == "no_data" else USE_NOTICES
    kinds = {
        kind
        for kind, valid_from, valid_to in notices
        if kind in wanted and valid_from <= until and (valid_to is None or valid_to > since)
    }
    return sorted(kinds)


def _mark_agreement(signals: list[dict[str, Any]], config: MeterConfig) -> None:
    """Mark power and water that rose within ±``agree_days``, or whose elevated days match that closely."""
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
        or _matching_share(power["elevated"], water["elevated"], config) >= config.agree_share
    )
    power["agrees"] = water["agrees"] = agrees


def _matching_share(power_days: Array, water_days: Array, config: MeterConfig) -> float:
    """Return the share of elevated days with a counterpart within ±``agree_days``, the lower of both ways."""
    if len(power_days) == 0 or len(water_days) == 0:
        return 0.0
    gap = np.abs(power_days[:, None] - water_days[None, :]) <= config.agree_days
    return float(min(gap.any(axis=1).mean(), gap.any(axis=0).mean()))
