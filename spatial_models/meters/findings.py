"""Findings of the meters of closed sites: signals in both directions, regimes, and starts of work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from spatial_models.errors import ParameterError
from spatial_models.frames import LOCAL_ZONE, Array, select_columns
from spatial_models.meters.catalogue import KINDS
from spatial_models.meters.config import DEFAULT_METERS, MeterConfig
from spatial_models.meters.controls import company_of, trade_rise
from spatial_models.meters.daily_use import EPOCH, UseSeries, use_series
from spatial_models.meters.judgement import Calendar, judge, recent_excess
from spatial_models.meters.levels import Fitted, find_levels, fit
from spatial_models.meters.outages import mark_outages
from spatial_models.meters.regimes import Judged, regime_rows
from spatial_models.meters.site_signals import ClosedSite, signal_rows_of
from spatial_models.signal_rows import SIGNAL_ROWS

START_ROWS: dict[str, Any] = {
    "site_id": pl.String,
    "kind": pl.String,
    "started_from": pl.Date,
    "started_to": pl.Date,
    "former_level": pl.Float64,
    "idle_level": pl.Float64,
}
"""Columns of starts: the days between which use rose above idle (90 %), and the levels, in the unit a day."""
CLOSED_STATUSES = ("closed", "suspended", "dismantled")
Holidays = Callable[[dt.date], bool] | Collection[dt.date]


@dataclass(frozen=True)
class MeterFindings:
    """Findings of `meter_signals`.

    Attributes
    ----------
    signals : polars.DataFrame
        ``SIGNAL_ROWS``: every signal of ``METER_SIGNALS`` for every closed site.
    regimes : polars.DataFrame
        ``REGIME_ROWS``: idle, working, unknown by day or interval.
    starts : polars.DataFrame
        ``START_ROWS``: sites and kinds whose use is above idle now.
    """

    signals: pl.DataFrame
    regimes: pl.DataFrame
    starts: pl.DataFrame


def meter_signals(
    readings: Any,
    sites: Any,
    *,
    at: dt.date,
    config: MeterConfig = DEFAULT_METERS,
    local_zone: str = LOCAL_ZONE,
    is_holiday: Holidays = (),
) -> MeterFindings:
    """Judge from meters whether work goes on at closed sites, as of one local day.

    Parameters
    ----------
    readings : polars.DataFrame, pandas.DataFrame or pyarrow.Table
        ``site_id, kind`` (power kWh; water, gas m³), ``meter_id, from_at, to_at`` (with a zone), ``value``
        (consumption of the interval), ``quality`` (measured, computed, estimated, missing), ``flags`` (optional list).
        Hourly to two-monthly, several meters a site. Intervals that end after ``at`` are not read.
    sites : frame
        ``site_id, status, status_since`` (null: not known), ``industry`` (optional). Sites that are open serve as
        control of the same industry; they may be absent.
    at : date
        Local day of the analysis.
    config : MeterConfig
    local_zone : str
    is_holiday : callable or collection of dates
        Public holidays. Saturday and Sunday rest too, unless the callable itself calls weekends holidays: then
        it alone decides, and a weekend that is worked in lieu of a holiday is a working day.

    Returns
    -------
    MeterFindings

    Raises
    ------
    InputFrameError, ParameterError

    Notes
    -----
    1. Readings become use by intervals of whole local days, all meters of a site summed; a bill stays one
       interval. Zeros that begin and end on the same days at several sites are an outage and have no weight.
    2. Levels: former use of working days before the closure; idle use of the quietest four weeks after it, at
       most a quarter of the former one (plants that stop fall by more than 75 %; Weifang study of limited
       production), drawn towards 8 % of it where few days are known.
    3. A two-state hidden Markov chain (Rabiner 1989) over all intervals gives the probability that use was above
       idle, from its logarithm over the expected idle use: Student's t for idle days, even for active days. The
       likelihood is of the mean of an interval, so of its sum. Expected use rises with the open plants of the same
       industry (median, smoothed), so far as they rise together.
    4. The active days of the recent window are work or something else: a sum of log-likelihood ratios on a prior.
       Level: log-normal excess over idle as a share of the former use, of work (median 35 %) and of guards,
       pumps, lights and heating (median 4 %). Number of days: one day is a test or a visitor. Rhythm: share of
       variance that a working week, weekends, every second to fifth day or weeks on and off explain. Hours, where
       they are read: power that moved to the night, or is divided over the day as before the closure. Against it:
       the heating season without a weekly pattern, ups and downs in common with other closed sites (weather),
       the same season a year before, many closed sites above idle, a slow rise (leak, trend).
    5. Without active days the value falls with every day that was read, to the share of work that no meter shows.

    Readings that are estimated have no weight in any step.

    Examples
    --------
    A plant that closed on 1 January 2025 uses 10 kWh a day, and 300 from 1 June on:

    >>> days = [dt.date(2024, 6, 1) + dt.timedelta(days=n) for n in range(400)]
    >>> use = [400.0 if d < dt.date(2025, 1, 1) else 10.0 if d < dt.date(2025, 6, 1) else 300.0 for d in days]
    >>> begin = pl.Series(days).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    >>> power = pl.DataFrame({"site_id": "S", "kind": "power", "meter_id": "1", "from_at": begin,
    ...     "to_at": begin + dt.timedelta(days=1), "value": use, "quality": "measured"})
    >>> site = pl.DataFrame({"site_id": ["S"], "status": ["closed"], "status_since": [dt.date(2025, 1, 1)]})
    >>> found = meter_signals(power, site, at=dt.date(2025, 7, 1), local_zone="UTC")
    >>> found.signals.select("signal", pl.col("value").round(1)).rows()[:2]
    [('power_use', 1.0), ('water_use', None)]
    >>> found.starts.select("started_from", "started_to").row(0)
    (datetime.date(2025, 6, 1), datetime.date(2025, 6, 1))
    >>> meter_signals(power, site.clear(), at=dt.date(2025, 7, 1)).signals.height
    0
    """
    if not isinstance(at, dt.date) or isinstance(at, dt.datetime):
        raise ParameterError(f"at must be a date, got {at!r}")
    today = (at - EPOCH).days
    known = select_columns(sites, "sites", ("site_id", "status", "status_since"), ("industry",))
    closed, industry_of = _sites(known)
    since = at - dt.timedelta(days=config.history_days)
    rows = use_series(readings, set(industry_of), since=since, at=at, zone=local_zone)
    mark_outages(rows, sites=config.outage_sites, most_days=config.outage_days, today=today)
    first = (since - EPOCH).days - 1
    calendar = Calendar(today, first, _rest_days(first, today, is_holiday))
    judged: dict[tuple[str, str], Judged] = {}
    for kind in KINDS:
        series = [one for one in rows if one.kind == kind and one.site_id in closed]
        open_plants = [one for one in rows if one.kind == kind and one.site_id not in closed]
        for each in _judge_kind(series, open_plants, closed, industry_of, calendar, config):
            judged[each.one.site_id, kind] = each
    signals = [row for site in closed.values() for row in signal_rows_of(site, judged, today, config)]
    return MeterFindings(
        pl.DataFrame(signals, schema=SIGNAL_ROWS, orient="row"),
        regime_rows([judged[key] for key in sorted(judged)], today, config),
        _start_rows([judged[key] for key in sorted(judged)]),
    )


def _sites(frame: pl.DataFrame) -> tuple[dict[str, ClosedSite], dict[str, str | None]]:
    """Return the closed sites, and the industry of every site."""
    closed, industry_of = {}, {}
    for row in frame.with_columns(pl.col("status_since").cast(pl.Date, strict=False)).iter_rows(named=True):
        site_id, since = str(row["site_id"]), row["status_since"]
        industry_of[site_id] = row.get("industry")
        if row["status"] in CLOSED_STATUSES:
            closed[site_id] = ClosedSite(site_id, None if since is None else (since - EPOCH).days)
    return closed, industry_of


def _rest_days(first: int, today: int, is_holiday: Holidays) -> Array:
    """Return which days from ``first`` on are weekends or holidays; see `meter_signals`."""
    days = [EPOCH + dt.timedelta(days=d) for d in range(first, today + 1)]
    weekend = np.array([day.weekday() >= 5 for day in days])
    named = np.array([is_holiday(d) if callable(is_holiday) else d in is_holiday for d in days], bool)
    knows_weekends = callable(is_holiday) and named[weekend].mean() > 0.5
    return named if knows_weekends else named | weekend


def _judge_kind(
    series: list[UseSeries], open_plants: list[UseSeries], closed: dict[str, ClosedSite],
    industry_of: dict[str, str | None], calendar: Calendar, config: MeterConfig,
) -> list[Judged]:  # fmt: skip
    """Judge the series of one kind: first each alone, then beside the others."""
    by_industry: dict[str | None, list[UseSeries]] = {}
    for one in open_plants:
        by_industry.setdefault(industry_of[one.site_id], []).append(one)
    rises: dict[str | None, Array | None] = {}
    fitted: list[Fitted | None] = []
    for one in series:
        industry = industry_of[one.site_id]
        if industry not in rises:
            rises[industry] = trade_rise(by_industry.get(industry, []), calendar.first, calendar.is_rest_day)
        levels = find_levels(one, closed[one.site_id].closed, calendar.today, config)
        expected = _expected_idle(one, levels.idle, rises[industry], calendar.first) if levels else None
        fitted.append(fit(one, levels, expected, config) if levels and expected is not None else None)
    excess = np.array([recent_excess(each, calendar.today, config) for each in fitted])
    company = company_of(fitted, excess, calendar.today)
    return [
        Judged(one, each, judge(one, each, beside, calendar, closed[one.site_id].closed, config))
        for one, each, beside in zip(series, fitted, company, strict=True)
    ]


def _expected_idle(one: UseSeries, idle: float, rise: Array | None, first: int) -> Array:
    """Return the idle use that is expected in each interval: raised as the trade rises."""
    if rise is None:
        return np.full(len(one.start), idle)
    total = np.concatenate([[0.0], np.cumsum(np.exp(rise))])
    a = np.clip(one.start - first, 0, len(rise) - 1)
    b = np.clip(one.start + one.length - first, a + 1, len(rise))
    return np.asarray(idle * (total[b] - total[a]) / (b - a))


def _start_rows(judged: list[Judged]) -> pl.DataFrame:
    rows = [
        {
            "site_id": each.one.site_id,
            "kind": each.one.kind,
            "started_from": EPOCH + dt.timedelta(days=each.result.start.first_day),
            "started_to": EPOCH + dt.timedelta(days=each.result.start.last_day),
            "former_level": each.fitted.levels.former_work if each.fitted.levels.has_former else None,
            "idle_level": each.fitted.levels.idle,
        }
        for each in judged
        if each.result.start is not None and each.fitted is not None
    ]
    return pl.DataFrame(rows, schema=START_ROWS)
