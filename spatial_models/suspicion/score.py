"""Score of suspected illegal resumption (疑似非法复工), combined from several kinds of evidence.

A score is a clue (线索), never proof.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import polars as pl

from layers.alert_levels import ALERT_LEVELS
from spatial_models.errors import NaiveTimeError
from spatial_models.frames import to_polars
from spatial_models.suspicion.config import DEFAULT_CONFIG, SuspicionConfig
from spatial_models.suspicion.evidence import (
    Evidence,
    lowering_facts,
    meter_evidence,
    notice_evidence,
    vehicle_evidence,
)
from spatial_models.visits import vehicle_days

__all__ = [
    "DEFAULT_CONFIG",
    "LEVELS_ZH",
    "SITE_SCHEMA",
    "SuspicionConfig",
    "SuspicionResult",
    "score_sites",
]

LEVELS_ZH = {"none": "无", "attention": "关注", "warning": "预警", "high": "高"}
CANDIDATE_STATUSES = ("closed", "suspended", "dismantled")
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
SITE_SCHEMA: dict[str, Any] = {
    "site_id": pl.String,
    "score": pl.Float64,
    "level": pl.String,
    "log_odds": pl.Float64,
    "prior_log_odds": pl.Float64,
    "families": pl.List(pl.String),
    "evidence": pl.List(_EVIDENCE),
    "would_lower": pl.List(pl.Struct({"zh": pl.String, "en": pl.String})),
}


@dataclass(frozen=True)
class SuspicionResult:
    """Scores of the candidate sites, highest first, with the version of the model.

    Attributes
    ----------
    sites : polars.DataFrame
        ``site_id``, ``score`` (0-1), ``level`` (none, attention 关注, warning 预警, high 高), ``log_odds``,
        ``prior_log_odds``, ``families`` (those that speak for resumption on their own), ``evidence`` (list of
        structs, the greatest contribution first), ``would_lower`` (list of ``zh``, ``en``).
    version : str
    at : datetime
    """

    sites: pl.DataFrame
    version: str
    at: dt.datetime


def score_sites(
    sites: Any,
    meter_signals: pl.DataFrame,
    visits: pl.DataFrame,
    notices: Any = None,
    *,
    at: dt.datetime,
    config: SuspicionConfig = DEFAULT_CONFIG,
) -> SuspicionResult:
    r"""Score every closed, suspended or dismantled site for suspected illegal resumption.

    Parameters
    ----------
    sites : polars.DataFrame
        ``site_id``, ``status``; optional ``status_since`` (a status that begins after ``at`` is ignored),
        ``hazard``.
    meter_signals : polars.DataFrame
        From `spatial_models.suspicion.use_after_closure`.
    visits : polars.DataFrame
        From `spatial_models.visits.find_visits`, of hazardous-goods vehicles.
    notices : frame or None
        ``site_id``, ``kind``, ``valid_from``, ``valid_to``.
    at : datetime
        Time of the analysis; later visits are ignored.
    config : SuspicionConfig

    Returns
    -------
    SuspicionResult

    Raises
    ------
    InputFrameError, NaiveTimeError

    Notes
    -----
    The score is the logistic function of the log-odds: the prior of the site's class plus the sum of the
    contributions,

    .. math:: score = \frac{1}{1 + e^{-(prior + \sum_i c_i)}}

    A contribution is weight times quality. Signals of one family (meters, vehicles) are correlated: their sum
    is capped, and the cap is an item of the evidence, so that the contributions always add up. A valid notice
    removes the part of each family that it explains. Level ``warning`` or ``high`` needs at least
    ``config.least_families`` families that each contribute ``config.family_counts_from``: one family alone
    never exceeds attention. Missing data contribute 0 and are named in the evidence; they are not read as
    zero use.

    Examples
    --------
    Without evidence the score of a closed site is the prior of its class:

    >>> import datetime as dt, polars as pl
    >>> from spatial_models.suspicion.meter_signals import SIGNAL_SCHEMA
    >>> from spatial_models.visits.find import VISIT_SCHEMA
    >>> nothing = pl.DataFrame(schema=SIGNAL_SCHEMA), pl.DataFrame(schema=VISIT_SCHEMA)
    >>> site = pl.DataFrame({"site_id": ["S"], "status": ["closed"], "hazard": ["chemical"]})
    >>> at = dt.datetime(2026, 4, 10, tzinfo=dt.UTC)
    >>> score_sites(site, *nothing, at=at).sites.select(pl.col("score").round(6), "level").row(0)
    (0.02, 'none')
    >>> score_sites(site.clear(), *nothing, None, at=at).sites.height
    0
    """
    if at.tzinfo is None:
        raise NaiveTimeError("at: a time without a zone")
    frame = _candidates(sites, at, config)
    days = _recent_vehicle_days(visits, frame, at, config)
    signals: dict[str, list[dict[str, Any]]] = {}
    for row in meter_signals.iter_rows(named=True):
        signals.setdefault(row["site_id"], []).append(row)
    notice_rows = _notice_rows(notices)
    rows = [
        _score(
            site,
            signals.get(site["site_id"], []),
            days.get(site["site_id"]),
            notice_rows.get(site["site_id"], []),
            at,
            config,
        )
        for site in frame.iter_rows(named=True)
    ]
    scored = pl.DataFrame(rows, schema=SITE_SCHEMA).sort("score", "site_id", descending=[True, False])
    return SuspicionResult(scored, config.version, at)


def _recent_vehicle_days(
    visits: pl.DataFrame, sites: pl.DataFrame, at: dt.datetime, config: SuspicionConfig
) -> dict[str, dict[str, Any]]:
    """Return the vehicle-days of each site in the look-back period, since the site has its status."""
    since = at - dt.timedelta(days=config.visit_days)
    lookback = visits.filter(
        pl.col("site_id").is_in(sites["site_id"].implode())
        & (pl.col("entered_at") >= since)
        & (pl.col("entered_at") <= at)
    ).join(sites.select("site_id", "status_since"), on="site_id")
    local_day = pl.col("entered_at").dt.convert_time_zone(config.local_zone).dt.date()
    lookback = lookback.filter(pl.col("status_since").is_null() | (local_day >= pl.col("status_since")))
    days = vehicle_days(lookback, least_share=config.least_share, local_zone=config.local_zone)
    return {row["site_id"]: row for row in days.iter_rows(named=True)}


def _candidates(sites: Any, at: dt.datetime, config: SuspicionConfig) -> pl.DataFrame:
    frame = to_polars(sites, "sites", ("site_id", "status"))
    optional = [name for name in ("status_since", "hazard") if name in sites.columns]
    frame = frame if not optional else to_polars(sites, "sites", ("site_id", "status", *optional))
    if "status_since" not in optional:
        frame = frame.with_columns(status_since=pl.lit(None, dtype=pl.Date))
    if "hazard" not in optional:
        frame = frame.with_columns(hazard=pl.lit("other"))
    frame = frame.with_columns(
        pl.col("site_id", "status", "hazard").cast(pl.String), pl.col("status_since").cast(pl.Date)
    )
    today = config.local_day(at)
    known = pl.col("status_since").is_null() | (pl.col("status_since") <= today)
    return frame.filter(pl.col("status").is_in(CANDIDATE_STATUSES) & known).unique(
        "site_id", keep="first", maintain_order=True
    )


def _notice_rows(notices: Any) -> dict[str, list[dict[str, Any]]]:
    if notices is None:
        return {}
    by_site: dict[str, list[dict[str, Any]]] = {}
    frame = to_polars(notices, "notices", ("site_id", "kind", "valid_from", "valid_to"))
    frame = frame.with_columns(
        pl.col("site_id").cast(pl.String), pl.col("valid_from", "valid_to").cast(pl.Date)
    )
    for row in frame.iter_rows(named=True):
        by_site.setdefault(row["site_id"], []).append(row)
    return by_site


def _score(
    site: dict[str, Any],
    signals: list[dict[str, Any]],
    days: dict[str, Any] | None,
    notices: list[dict[str, Any]],
    at: dt.datetime,
    config: SuspicionConfig,
) -> dict[str, Any]:
    """Return the result row of one site."""
    prior = config.prior_log_odds(site["status"], site["hazard"])
    items = [*meter_evidence(signals, at, config), *vehicle_evidence(days, at, config)]
    items += [cap for family in config.family_caps if (cap := _cap_item(items, family, config)) is not None]
    items += notice_evidence(items, notices, at, config)
    net = {
        family: sum(item.contribution for item in items if item.family == family)
        for family in config.family_caps
    }
    families = [family for family, value in net.items() if value >= config.family_counts_from]
    log_odds = prior + sum(item.contribution for item in items)
    score = 1.0 / (1.0 + math.exp(-log_odds))
    items.sort(key=lambda item: (-item.contribution, item.signal))
    return {
        "site_id": site["site_id"],
        "score": score,
        "level": _level(score, len(families), config),
        "log_odds": log_odds,
        "prior_log_odds": prior,
        "families": families,
        "evidence": [item.as_dict() for item in items],
        "would_lower": lowering_facts(items, families),
    }


def _level(score: float, n_families: int, config: SuspicionConfig) -> str:
    level = sum(score >= limit for limit in config.thresholds)
    return ALERT_LEVELS[level if n_families >= config.least_families else min(level, 1)]


def _cap_item(items: list[Evidence], family: str, config: SuspicionConfig) -> Evidence | None:
    """Return the part of a family's sum above its cap, as a negative item."""
    own = [item for item in items if item.family == family]
    over = sum(item.contribution for item in own) - config.family_caps[family]
    if over <= 0:
        return None
    return Evidence(
        signal=f"{family}_cap",
        value=config.family_caps[family] + over,
        baseline=config.family_caps[family],
        period=own[0].period,
        contribution=-over,
        family=family,
        quality=1.0,
        sentence_zh="同类信号相互关联，合计封顶。",
        sentence_en="Signals of one kind are correlated: their sum is capped.",
    )
