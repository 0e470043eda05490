"""Counties in which an enterprise is registered and sells, beside that of each of its places of production."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from spatial_models.frames import select_columns
from spatial_models.signal_rows import SIGNAL_ROWS

ROLES = ("registered", "sales")
"""Kinds of sites whose county is compared with that of the production."""


def county_rows(sites: Any, *, at: dt.date) -> pl.DataFrame:
    """Return the signal ``counties_apart`` at each production site.

    Parameters
    ----------
    sites : polars.DataFrame
        All sites of all kinds: ``site_id``, ``uscc``, ``kind``, ``county`` (null: not in any).
    at : date
        Local day of the analysis.

    Returns
    -------
    polars.DataFrame
        ``SIGNAL_ROWS``, one row a production site, by id. The value is how many other counties the registered and the
        sales sites of the enterprise lie in, 0 to 2: of one kind in several other counties one counts. It is null where
        the county of the site is not known, or the register has neither of them. ``quality`` is the part of the two
        kinds that the register has.

    Examples
    --------
    >>> sites = pl.DataFrame({"site_id": ["R", "P", "S", "Q"], "uscc": ["a", "a", "a", "b"],
    ...                       "kind": ["registered", "production", "sales", "production"],
    ...                       "county": ["east", "west", "north", "west"]})
    >>> county_rows(sites, at=dt.date(2026, 3, 1)).select("site_id", "value", "quality").rows()
    [('P', 2.0, 1.0), ('Q', None, 0.0)]
    >>> county_rows(sites.clear(), at=dt.date(2026, 3, 1)).height
    0
    """
    frame = select_columns(sites, "sites", ("site_id", "uscc", "kind", "county"))
    places: dict[tuple[str, str], list[str]] = {}
    for uscc, kind, county in frame.sort("site_id").select("uscc", "kind", "county").iter_rows():
        if kind in ROLES and county is not None:
            places.setdefault((uscc, kind), []).append(county)
    rows = []
    for site_id, uscc, own in (
        frame.filter(pl.col("kind") == "production")
        .sort("site_id")
        .select("site_id", "uscc", "county")
        .iter_rows()
    ):
        known = [places[uscc, kind] for kind in ROLES if (uscc, kind) in places]
        away = sorted({c for counties in known if own not in counties for c in counties[:1]})
        value = float(len(away)) if known and own is not None else None
        quality = len(known) / len(ROLES) if value is not None else 0.0
        rows.append((site_id, "counties_apart", value, None, quality, at, at, *_sentence(value, own, away)))
    return pl.DataFrame(rows, schema=SIGNAL_ROWS, orient="row")


def _sentence(value: float | None, own: str | None, away: list[str]) -> tuple[str, str]:
    if value is None:
        return (
            "企业的登记、销售场所或本场所所在县（市、区）不详。",
            "The counties of the registration, of the sales or of the site are not known.",
        )
    if not away:
        return f"登记、生产、销售均在 {own}。", f"Registered, making and selling in {own}."
    listed = "、".join(away)
    return (
        f"生产在 {own}，登记或销售在 {listed}。",
        f"Making in {own}, registered or selling in {', '.join(away)}.",
    )
