"""Fusion: the log-odds of each site from its prior and the signals of each family of evidence.

A score is a clue (线索), never proof.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from layers.alert_levels import ALERT_LEVELS
from spatial_models.errors import NaiveTimeError
from spatial_models.frames import LOCAL_ZONE, to_polars
from spatial_models.signal_rows import SIGNAL_ROWS
from spatial_models.suspicion.explanation import (
    Activity,
    Evidence,
    blind_families,
    blind_item,
    bound_item,
    facts_that_lower,
    facts_that_settle,
    notice_items,
    signal_item,
)
from spatial_models.suspicion.model_file import Levels, Model
from spatial_models.suspicion.population import population_of

_EVIDENCE = pl.Struct(
    {
        "signal": pl.String,
        "value": pl.Float64,
        "baseline": pl.Float64,
        "period": pl.List(pl.String),
        "contribution": pl.Float64,
        "family": pl.String,
        "quality": pl.Float64,
        "sentence_zh": pl.String,
        "sentence_en": pl.String,
    }
)
SCORE_ROWS: dict[str, Any] = {
    "site_id": pl.String,
    "score": pl.Float64,
    "level": pl.String,
    "log_odds": pl.Float64,
    "prior_log_odds": pl.Float64,
    "families": pl.List(pl.String),
    "blind": pl.List(pl.String),
    "evidence": pl.List(_EVIDENCE),
    "would_lower": pl.List(pl.Struct({"zh": pl.String, "en": pl.String})),
    "would_settle": pl.List(pl.Struct({"family": pl.String, "zh": pl.String, "en": pl.String})),
}
"""Columns of the scores of a model.

``families`` are those that speak for the matter on their own, ``blind`` those without any data that count, ``evidence``
has the greatest contribution first; with ``prior_log_odds`` its contributions add up to ``log_odds``.
"""
ACTIVE_DAYS: dict[str, Any] = {
    "site_id": pl.String,
    "family": pl.String,
    "day": pl.Date,
    "weight": pl.Float64,
}
"""Columns of the days on which something went on at a site, by family: ``weight``, 0 to 1, says how surely."""
NOTICE_COLUMNS = ("site_id", "kind", "valid_from", "valid_to")


def score_sites(
    model: Model,
    sites: Any,
    signals: pl.DataFrame,
    notices: Any = None,
    *,
    at: dt.datetime,
    licences: pl.DataFrame | None = None,
    active_days: pl.DataFrame | None = None,
    local_zone: str = LOCAL_ZONE,
) -> pl.DataFrame:
    r"""Score every site of the population of a model.

    Parameters
    ----------
    model : Model
    sites : polars.DataFrame
        As of `spatial_models.suspicion.population.population_of`.
    signals : polars.DataFrame
        ``SIGNAL_ROWS``; signals that the model does not name are not read.
    notices : frame or None
        ``site_id``, ``kind``, ``valid_from``, ``valid_to`` (first day on which it is no longer valid).
    at : datetime
        Moment of the analysis, with zone.
    licences : polars.DataFrame or None
        As of `spatial_models.suspicion.population.population_of`.
    active_days : polars.DataFrame or None
        ``ACTIVE_DAYS``, by which it is known what a notice that has run out explains; None: nothing.
    local_zone : str
        Of the city, whose days are meant.

    Returns
    -------
    polars.DataFrame
        ``SCORE_ROWS``, the highest score first.

    Raises
    ------
    InputFrameError, NaiveTimeError

    Notes
    -----
    With the prior :math:`p`, the quality :math:`q_i` and the table :math:`\lambda_i` of each signal, and the bounds of
    each family :math:`f`:

    .. math:: \ln\frac{s}{1 - s} = p + \sum_f \left[\sum_{i \in f} q_i \lambda_i(x_i)\right]_{l_f}^{u_f} (1 - n_f)

    :math:`n_f` is the share that a valid notice explains, where the family speaks for the matter. A value that is
    missing adds 0. A level above attention needs ``levels.least_families`` families of at least ``levels.counts_from``
    after notices. A blind family that the model cannot do without leaves the site without a level.

    Examples
    --------
    Without evidence the score of a closed site is the prior of its class:

    >>> import datetime as dt, polars as pl
    >>> from spatial_models.suspicion import shipped_models
    >>> site = pl.DataFrame({"site_id": ["S"], "status": ["closed"], "hazard": ["chemical"]})
    >>> at, model = dt.datetime(2026, 4, 10, tzinfo=dt.UTC), shipped_models()["illegal_resumption"]
    >>> found = score_sites(model, site, pl.DataFrame(schema=SIGNAL_ROWS), at=at)
    >>> found.select(pl.col("score").round(6), "level", "blind").row(0)
    (0.02, 'none', ['meters', 'vehicles'])
    >>> score_sites(model, site.clear(), pl.DataFrame(schema=SIGNAL_ROWS), at=at).height
    0
    """
    today = _local_day(at, local_zone)
    subjects = population_of(model, sites, licences, today=today)
    return score_subjects(model, subjects, signals, notices, today=today, active_days=active_days)


def score_subjects(
    model: Model,
    subjects: pl.DataFrame,
    signals: pl.DataFrame,
    notices: Any = None,
    *,
    today: dt.date,
    active_days: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Score the subjects of a model, of which it is known that it looks at them; see :func:`score_sites`.

    Parameters
    ----------
    subjects : polars.DataFrame
        ``SUBJECT_COLUMNS`` of `spatial_models.suspicion.population`.
    today : date
        Local day of the analysis.

    Examples
    --------
    >>> from spatial_models.suspicion import shipped_models
    >>> from spatial_models.suspicion.population import SUBJECT_COLUMNS
    >>> nobody = pl.DataFrame(schema=dict.fromkeys(SUBJECT_COLUMNS, pl.String))
    >>> model, today = shipped_models()["illegal_resumption"], dt.date(2026, 4, 10)
    >>> score_subjects(model, nobody, pl.DataFrame(schema=SIGNAL_ROWS), today=today).height
    0
    """
    named = {signal.signal for signal in model.signals}
    rows_of: dict[str, dict[str, dict[str, Any]]] = {}
    for row in to_polars(signals, "signals", tuple(SIGNAL_ROWS)).iter_rows(named=True):
        if row["signal"] in named:
            rows_of.setdefault(row["site_id"], {})[row["signal"]] = row
    notices_of, active = _by_site(notices), _activities(active_days)
    scored = []
    for site in subjects.iter_rows(named=True):
        site_id = site["site_id"]
        reasons = notices_of.get(site_id, []), active.get(site_id, Activity({}))
        scored.append(_score(model, site, rows_of.get(site_id, {}), *reasons, today))
    return pl.DataFrame(scored, schema=SCORE_ROWS).sort("score", "site_id", descending=[True, False])


def _local_day(at: dt.datetime, local_zone: str) -> dt.date:
    if at.tzinfo is None:
        raise NaiveTimeError("at: a time without a zone")
    return at.astimezone(ZoneInfo(local_zone)).date()


def _by_site(notices: Any) -> dict[str, list[dict[str, Any]]]:
    if notices is None:
        return {}
    frame = to_polars(notices, "notices", NOTICE_COLUMNS).with_columns(
        pl.col("site_id").cast(pl.String), pl.col("valid_from", "valid_to").cast(pl.Date)
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in frame.sort(NOTICE_COLUMNS).iter_rows(named=True):
        found.setdefault(row["site_id"], []).append(row)
    return found


def _activities(active_days: pl.DataFrame | None) -> dict[str, Activity]:
    days: dict[str, dict[str, dict[dt.date, float]]] = {}
    if active_days is not None:
        for site_id, family, day, weight in active_days.select(*ACTIVE_DAYS).iter_rows():
            days.setdefault(site_id, {}).setdefault(family, {})[day] = weight
    return {site_id: Activity(by_family) for site_id, by_family in days.items()}


def _score(
    model: Model,
    site: dict[str, Any],
    rows: dict[str, dict[str, Any]],
    notices: list[dict[str, Any]],
    activity: Activity,
    today: dt.date,
) -> dict[str, Any]:
    """Return the result row of one site."""
    prior = model.prior.log_odds(site["status"], site["hazard"], site["industry"])
    names = sorted(model.families)  # a stored document has lost the order of the file
    items = [signal_item(signal, rows[signal.signal]) for signal in model.signals if signal.signal in rows]
    items += [item for family in names if (item := bound_item(items, family, model)) is not None]
    items += notice_items(items, notices, model, today, activity)
    blind = blind_families(model, rows)
    items += [blind_item(family, model, today) for family in blind]
    families = [family for family in names if _net(items, family) >= model.levels.counts_from]
    log_odds = prior + sum(item.contribution for item in items)
    score = 1.0 / (1.0 + math.exp(-log_odds))
    level = level_of(score, len(families), model.levels)
    if any(model.families[family].when_missing == "say_blind" for family in blind):
        level = ALERT_LEVELS[0]
    silent = [family for family in names if family in blind or (families and family not in families)]
    items.sort(key=lambda item: (-item.contribution, item.signal))
    return {
        "site_id": site["site_id"],
        "score": score,
        "level": level,
        "log_odds": log_odds,
        "prior_log_odds": prior,
        "families": families,
        "blind": blind,
        "evidence": [item.as_dict() for item in items],
        "would_lower": facts_that_lower(model, families),
        "would_settle": facts_that_settle(model, silent),
    }


def level_of(score: float, n_families: int, levels: Levels) -> str:
    """Return the level of a score; with too few families it is attention at most.

    Examples
    --------
    >>> limits = Levels(attention=0.1, warning=0.5, high=0.8)
    >>> [level_of(score, n, limits) for score, n in ((0.05, 2), (0.6, 2), (0.9, 2), (0.9, 1))]
    ['none', 'warning', 'high', 'attention']
    """
    reached = sum(score >= limit for limit in (levels.attention, levels.warning, levels.high))
    return ALERT_LEVELS[reached if n_families >= levels.least_families else min(reached, 1)]


def _net(items: list[Evidence], family: str) -> float:
    return sum(item.contribution for item in items if item.family == family)
