"""Flags of readings that are suspicious as a series: stuck meters, jumps of the unit, months that are mostly estimated.

A flag is a word beside a value that stays as it was delivered; models read it.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from layers.readings.intervals import METER

REGISTER_FLAGS = ("rollover", "meter_swap", "register_fell", "misread")
"""Flags of the differences of registers (:mod:`layers.readings.registers`)."""
SERIES_FLAGS = ("stuck", "unit_jump", "mostly_estimated")
"""Flags that look at the whole series of a meter, found anew with each import."""
FLAGS = (*REGISTER_FLAGS, *SERIES_FLAGS)

STUCK_FOR = dt.timedelta(days=14)
STUCK_INTERVALS = 4
"""A meter is stuck when so many intervals in a row, together of 14 days at least, have the same value above zero."""
STUCK_STEPS = 20
"""Values of fewer steps of the meter's resolution repeat by rounding: they are never stuck."""
STILL_FOR = dt.timedelta(days=7)
CATCH_UP = 0.5
"""Zeros of 7 days at least are those of a stuck meter when the next interval makes up for half of the usual use."""
JUMPS = (1e3, 1e4)
JUMP_TOLERANCE = 1.4
"""A stretch is another unit when its use is 1,000 or 10,000 times the use around it, or that part of it, within 1.4."""
JUMP_AROUND = 5
"""Intervals on each side of a stretch that it is compared with."""
LEAST_AROUND = 3
MOSTLY = 0.5
"""Part of the time of a calendar month above which its readings are mostly estimated."""


def flag_series(readings: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Return the readings with the flags of their series; flags of registers stay.

    Parameters
    ----------
    readings : polars.DataFrame
        Whole series of meters, sorted by meter and time: ``INTERVALS``, further columns stay.
    zone : str
        Time zone whose months count.

    Examples
    --------
    >>> day = dt.timedelta(days=1)
    >>> at = [dt.datetime(2026, 9, 1, tzinfo=dt.UTC) + n * day for n in range(20)]
    >>> values = [31.5 + n for n in range(5)] + [61.2] * 15
    >>> readings = pl.DataFrame({"site_id": "S", "kind": "power", "meter_id": "", "from_at": at,
    ...     "to_at": [each + day for each in at], "value": values, "quality": "measured", "flags": [[]] * 20},
    ...     schema_overrides={"flags": pl.List(pl.String)})
    >>> flagged = flag_series(readings, "UTC")["flags"].list.join(" ").to_list()
    >>> flagged.count("stuck"), flagged[:5]
    (15, ['', '', '', '', ''])
    >>> flag_series(readings.clear(), "UTC").height
    0
    """
    if readings.is_empty():
        return readings
    kept = pl.col("flags").list.eval(pl.element().filter(pl.element().is_in(REGISTER_FLAGS)))
    marked = readings.with_columns(
        kept,
        stuck=_stuck(readings),
        unit_jump=_unit_jumps(readings),
        mostly_estimated=_mostly_estimated(readings, zone),
    )
    found = pl.concat_list(
        pl.when(name)
        .then(pl.lit([name], dtype=pl.List(pl.String)))
        .otherwise(pl.lit([], dtype=pl.List(pl.String)))
        for name in SERIES_FLAGS
    )
    return marked.with_columns(flags=pl.concat_list("flags", found)).select(readings.columns)


def _known() -> pl.Expr:
    return pl.col("value").is_not_null() & (pl.col("quality") != "missing")


def _stuck(readings: pl.DataFrame) -> pl.Series:
    """Whether each interval has one value with its neighbours for long, or is of a register that stood still."""
    value = pl.when(_known()).then(pl.col("value"))
    span = pl.col("to_at") - pl.col("from_at")
    runs = readings.with_columns(known=value, span=span, place=pl.int_range(pl.len()))
    runs = runs.with_columns(run=pl.struct(*METER, "known").rle_id())
    resolution = _resolution(readings)
    of_run = runs.group_by("run", maintain_order=True).agg(
        *(pl.col(name).first() for name in (*METER, "known")),
        n=pl.len(), time=pl.col("span").sum(), last=pl.col("place").last(),
    ).join(resolution, on=METER, how="left", maintain_order="left")  # fmt: skip
    same = (pl.col("n") >= STUCK_INTERVALS) & (pl.col("time") >= STUCK_FOR)
    of_run = of_run.with_columns(same=(pl.col("known") >= STUCK_STEPS * pl.col("step")) & same)
    usual = (
        (pl.col("known") / pl.col("time").dt.total_seconds()).filter(pl.col("known") > 0).median().over(METER)
    )
    after = {name: pl.col(name).shift(-1).over(METER) for name in ("known", "n")}
    still = (
        (pl.col("known") == 0)
        & (pl.col("time") >= STILL_FOR)
        & (after["n"] == 1)
        & (after["known"] >= CATCH_UP * usual * pl.col("time").dt.total_seconds())
    )
    of_run = of_run.with_columns(still=still.fill_null(False))
    of_run = of_run.with_columns(caught_up=pl.col("still").shift(1, fill_value=False).over(METER))
    stuck = pl.col("same").fill_null(False) | pl.col("still") | pl.col("caught_up")
    return runs.join(of_run.select("run", stuck=stuck), on="run", how="left", maintain_order="left")["stuck"]


def _resolution(readings: pl.DataFrame) -> pl.DataFrame:
    """Return the step of the values of each meter: 1, 0.1, 0.01 or 0.001."""
    value = pl.col("value")
    step = pl.lit(0.001)
    for each in (0.01, 0.1, 1.0):
        fits = ((value / each).round() * each - value).abs().max() < 1e-6
        step = pl.when(fits).then(each).otherwise(step)
    return readings.filter(_known()).group_by(METER).agg(step=step)


def _unit_jumps(readings: pl.DataFrame) -> pl.Series:
    """Whether each interval is in a stretch of another unit: a loop over the meters whose rates differ that much."""
    rate = pl.col("value") / (pl.col("to_at") - pl.col("from_at")).dt.total_seconds()
    positive = (
        readings.with_row_index("place")
        .filter(_known() & (pl.col("value") > 0))
        .with_columns(rate=rate.log10())
    )
    wide = positive.filter(
        (pl.col("rate").max() - pl.col("rate").min()).over(METER) > np.log10(JUMPS[0] / JUMP_TOLERANCE)
    )
    found = np.zeros(readings.height, dtype=bool)
    for _, part in wide.group_by(METER, maintain_order=True):
        found[part["place"].to_numpy()] = in_other_unit(part["rate"].to_numpy())
    return pl.Series(found)


def in_other_unit(log_rate: np.ndarray) -> np.ndarray:
    """Return which values of a series of logarithms (base 10) are in a stretch of another unit.

    A stretch begins and ends with a jump of one size, and both sides go on as before. What has not come back yet is
    none: a plant that stops or begins looks alike.

    Examples
    --------
    >>> in_other_unit(np.log10([50.0, 55, 52, 0.0051, 0.0054, 49, 53, 51])).tolist()
    [False, False, False, True, True, False, False, False]
    >>> in_other_unit(np.log10([50.0, 55, 52, 0.051, 0.054])).any(), in_other_unit(np.array([])).tolist()
    (np.False_, [])
    """
    found = np.zeros(len(log_rate), dtype=bool)
    tolerance = np.log10(JUMP_TOLERANCE)
    steps = np.diff(log_rate)
    edges = np.flatnonzero(np.abs(steps) > np.log10(JUMPS[0] / JUMP_TOLERANCE) - 1) + 1
    for place, begin in enumerate(edges[:-1]):
        end = edges[place + 1]
        before, after = log_rate[max(begin - JUMP_AROUND, 0) : begin], log_rate[end : end + JUMP_AROUND]
        around = np.concatenate([before, after])
        if (
            len(around) < LEAST_AROUND
            or found[begin - 1]
            or abs(np.median(before) - np.median(after)) > 2 * tolerance
        ):
            continue
        jump = abs(float(np.median(log_rate[begin:end]) - np.median(around)))
        found[begin:end] = any(abs(jump - np.log10(size)) <= tolerance for size in JUMPS)
    return found


def _mostly_estimated(readings: pl.DataFrame, zone: str) -> pl.Series:
    month = pl.col("from_at").dt.convert_time_zone(zone).dt.truncate("1mo")
    seconds = (pl.col("to_at") - pl.col("from_at")).dt.total_seconds()
    guessed = seconds.filter(pl.col("quality") == "estimated").sum().over(*METER, month)
    share = guessed / seconds.filter(_known()).sum().over(*METER, month)
    return readings.select(share=(share > MOSTLY).fill_null(False))["share"]
