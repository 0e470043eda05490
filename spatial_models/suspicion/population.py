"""Population of a model: the sites that it looks at."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from spatial_models.frames import to_polars
from spatial_models.suspicion.model_file import Model

SUBJECT_COLUMNS = ("site_id", "status", "status_since", "hazard", "industry", "kind")
_OPTIONAL: dict[str, Any] = {
    "status_since": pl.Date, "hazard": pl.String, "industry": pl.String, "kind": pl.String, "uscc": pl.String,
    "county": pl.String,
}  # fmt: skip


def fence_population(model: Model, fences: pl.DataFrame) -> pl.DataFrame:
    """Return the fences that a model about fences looks at, as ``SUBJECT_COLUMNS``, by id.

    Parameters
    ----------
    fences : polars.DataFrame
        ``fence_id``, ``rule``, ``medium`` (null: of land and water), ``name``, ``legal_basis``.

    Examples
    --------
    >>> from spatial_models.suspicion import shipped_models
    >>> fences = pl.DataFrame({"fence_id": ["F", "G"], "rule": "forbid_enter", "medium": ["water", "land"],
    ...                        "name": ["长江禁渔区", "老城"], "legal_basis": "长江保护法"})
    >>> fence_population(shipped_models()["fishing_ban"], fences)["site_id"].to_list()
    ['F']
    """
    asked = model.population
    said = pl.concat_str(pl.col("name").fill_null(""), pl.col("legal_basis").fill_null(""), separator=" ")
    told = said.str.contains_any(list(asked.fence_words)) if asked.fence_words else pl.lit(True)
    frame = fences.filter(
        pl.col("rule").is_in(asked.fence_rules)
        & (pl.col("medium").is_null() | pl.col("medium").is_in(asked.fence_media))
        & told
    )
    return frame.select(
        pl.col("fence_id").cast(pl.String).alias("site_id"),
        *(pl.lit(None, dtype=_OPTIONAL.get(name, pl.String)).alias(name) for name in SUBJECT_COLUMNS[1:]),
    ).sort("site_id")


def population_of(
    model: Model, sites: Any, licences: pl.DataFrame | None = None, *, today: dt.date
) -> pl.DataFrame:
    """Return the sites that a model looks at, as ``SUBJECT_COLUMNS``, by id.

    Parameters
    ----------
    sites : polars.DataFrame
        ``site_id``, ``status``; optional ``status_since`` (a status that begins later is left out), ``hazard`` (null
        reads as ``none``), ``industry``, ``kind``, ``uscc`` and ``county``. A column that the model asks for and the
        frame lacks lets nothing through but what the model asks nothing of.
    licences : polars.DataFrame or None
        ``site_id`` (null: of the whole enterprise), ``uscc``, ``licence_kind``, ``valid_from``, ``valid_to``. Of a
        kind of which none is known, nobody can be said to lack one: a model that asks for it looks at nothing.
    today : date
        Local day.

    Examples
    --------
    >>> from spatial_models.suspicion import shipped_models
    >>> sites = pl.DataFrame({"site_id": ["A", "B"], "status": ["closed", "operating"], "hazard": [None, "gas"]})
    >>> model = shipped_models()["illegal_resumption"]
    >>> population_of(model, sites, today=dt.date(2026, 1, 1))["site_id"].to_list()
    ['A']
    >>> population_of(model, sites.clear(), today=dt.date(2026, 1, 1)).height
    0
    """
    asked = model.population
    given = [name for name in _OPTIONAL if name in sites.columns]
    frame = to_polars(sites, "sites", ("site_id", "status", *given)).with_columns(
        pl.col("site_id", "status").cast(pl.String),
        *(pl.col(name).cast(_OPTIONAL[name]) for name in given),
        *(pl.lit(None, dtype=kind).alias(name) for name, kind in _OPTIONAL.items() if name not in given),
    )
    frame = frame.with_columns(pl.col("hazard").fill_null("none")).filter(
        pl.col("status").is_in(asked.statuses)
        & pl.col("hazard").is_in(asked.hazards)
        & (pl.col("kind").is_null() | pl.col("kind").is_in(asked.site_kinds))
        & (pl.col("status_since").is_null() | (pl.col("status_since") <= today))
    )
    if asked.counties_apart:
        apart = (
            to_polars(sites, "sites", ("uscc", "county")).group_by("uscc").agg(n=pl.col("county").n_unique())
        )
        frame = frame.join(apart.filter(pl.col("n") > 1).select("uscc"), on="uscc", how="semi")
    for kind, keep in ((asked.lacks_licence, "anti"), (asked.holds_licence, "semi")):
        if kind is not None:
            frame = _by_licence(frame, licences, kind, keep, today)
    return frame.unique("site_id", keep="first").select(SUBJECT_COLUMNS).sort("site_id")


def _by_licence(
    frame: pl.DataFrame, licences: pl.DataFrame | None, kind: str, keep: Any, today: dt.date
) -> pl.DataFrame:
    """Keep the sites with (``semi``) or without (``anti``) a valid licence of their own or of their enterprise."""
    if licences is None or kind not in licences["licence_kind"]:
        return frame.clear()
    valid = licences.filter(
        (pl.col("licence_kind") == kind)
        & (pl.col("valid_from").is_null() | (pl.col("valid_from") <= today))
        & (pl.col("valid_to").is_null() | (pl.col("valid_to") > today))
    )
    of_site = valid.filter(pl.col("site_id").is_not_null()).select("site_id")
    of_enterprise = valid.filter(pl.col("site_id").is_null()).select("uscc")
    held = pl.concat(
        [
            frame.join(of_site, on="site_id", how="semi").select("site_id"),
            frame.join(of_enterprise, on="uscc", how="semi").select("site_id"),
        ]
    )
    return frame.join(held, on="site_id", how=keep)
