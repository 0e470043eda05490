"""Regimes of each day or interval as a frame: idle, working, unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from spatial_models.frames import Array
from spatial_models.meters.config import MeterConfig
from spatial_models.meters.daily_use import UseSeries
from spatial_models.meters.evidence import level_evidence
from spatial_models.meters.judgement import Judgement
from spatial_models.meters.levels import Fitted, Levels

REGIME_ROWS: dict[str, Any] = {
    "site_id": pl.String,
    "kind": pl.String,
    "from_day": pl.Date,
    "to_day": pl.Date,
    "use": pl.Float64,
    "p_idle": pl.Float64,
    "p_work": pl.Float64,
    "p_unknown": pl.Float64,
}
"""Columns of regimes; ``from_day`` and ``to_day`` are both included, ``use`` is the mean a day or null."""


@dataclass(frozen=True)
class Judged:
    """One series with all that was found of it."""

    one: UseSeries
    fitted: Fitted | None
    result: Judgement

    @property
    def levels(self) -> Levels | None:
        """Return the levels, None without any."""
        return self.fitted.levels if self.fitted else None

    @property
    def active(self) -> Array:
        """Return the probability of each interval of being above idle; 0 without levels."""
        return self.fitted.active if self.fitted else np.zeros(len(self.one.start))


def regime_rows(judged: list[Judged], today: int, config: MeterConfig) -> pl.DataFrame:
    """Return the regimes of the last ``regime_days`` days; days without a reading are unknown.

    ``p_work`` is the probability of being above idle, times that of such use being work; what was not measured is
    ``p_unknown``; the three add up to 1.

    Examples
    --------
    >>> regime_rows([], 20000, MeterConfig()).height
    0
    """
    columns: list[list[Array]] = [[] for _ in range(6)]
    keys: list[tuple[str, str, int]] = []
    first = today - config.regime_days + 1
    for each in judged:
        rows = _rows_of(each, first, today, config)
        keys.append((each.one.site_id, each.one.kind, len(rows[0])))
        for column, values in zip(columns, rows, strict=True):
            column.append(values)
    if not judged:
        return pl.DataFrame(schema=REGIME_ROWS)
    start, end, use, idle, work, unknown = (np.concatenate(column) for column in columns)
    counts = [key[2] for key in keys]
    ids, kinds = pl.Series([key[0] for key in keys]), pl.Series([key[1] for key in keys])
    which = np.repeat(np.arange(len(keys)), counts)
    return pl.DataFrame(
        {
            "site_id": ids.gather(which),
            "kind": kinds.gather(which),
            "from_day": pl.Series(start.astype(np.int32)).cast(pl.Date),
            "to_day": pl.Series(end.astype(np.int32)).cast(pl.Date),
            "use": pl.Series(use).fill_nan(None),
            "p_idle": idle,
            "p_work": work,
            "p_unknown": unknown,
        },
        schema=REGIME_ROWS,
    )


def _rows_of(each: Judged, first: int, today: int, config: MeterConfig) -> tuple[Array, ...]:
    """Return first day, last day, use and the three probabilities of the intervals of one series."""
    one = each.one
    shown = (one.start + one.length > first) & (one.start <= today)
    start, end = one.start[shown], one.start[shown] + one.length[shown] - 1
    covered = np.zeros(today - first + 1, bool)
    for a, b in zip(start, end, strict=True):
        covered[max(a - first, 0) : b - first + 1] = True
    gaps = first + np.flatnonzero(~covered)
    known = one.weight[shown] if each.levels is not None else np.zeros(len(start))
    work = known * each.active[shown] * _meaning(each, shown, config)
    order = np.argsort(np.concatenate([start, gaps]), kind="stable")
    nothing = np.zeros(len(gaps))
    return (
        np.concatenate([start, gaps])[order],
        np.concatenate([end, gaps])[order],
        np.concatenate([one.use[shown], nothing + np.nan])[order],
        np.concatenate([known - work, nothing])[order],
        np.concatenate([work, nothing])[order],
        np.concatenate([1 - known, nothing + 1])[order],
    )


def _meaning(each: Judged, shown: Array, config: MeterConfig) -> Array:
    """Return the probability that use above idle is work: of the current run as judged, before it by level alone."""
    one, fitted = each.one, each.fitted
    if fitted is None:
        return np.zeros(int(shown.sum()))
    if each.result.run_from <= int(np.argmax(shown)):
        return np.full(int(shown.sum()), each.result.meaning)
    prior = float(np.log(config.prior / (1 - config.prior)))
    found = np.where(np.arange(len(shown)) < each.result.run_from, 0.0, each.result.meaning)
    for i in np.flatnonzero((shown & (each.active > 0.05))[: each.result.run_from]):
        former = float(fitted.levels.former_of(one.length[i : i + 1])[0])
        says = prior + level_evidence(float(fitted.excess(i)), former, fitted.levels, config)
        found[i] = 1.0 / (1.0 + np.exp(-says))
    return np.asarray(found[shown])
